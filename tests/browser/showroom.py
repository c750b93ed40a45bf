"""A company in which every page has something to show, and the list of everything that can be seen."""

from collections.abc import Callable
from datetime import date
from uuid import UUID, uuid4

from playwright.sync_api import Page
from sqlalchemy import select

from rental.assurance.checking import start_check
from rental.core.audit import AuditEntry
from rental.core.bus import Bus
from rental.core.outbox import Delivery, DeliveryState
from rental.core.uow import Actor, ActorKind, begin
from rental.demo.clock import pin_business_date
from rental.identity.accounts import change_preferences, disable_account, invite_account, open_set_up_link
from rental.identity.models import Account
from rental.identity.permissions import Role
from rental.identity.sessions import open_session
from rental.identity.sign_in import Credentials, refuse_sign_in
from rental.worker import run_delivery
from tests.browser.billed_showroom import BILLED_SCENES, Billed
from tests.browser.dispatch_showroom import DISPATCH_SCENES, Dispatched
from tests.browser.rented_showroom import RENTED_SCENES, Rented
from tests.browser.scenes import (
    ADMINISTRATOR,
    BILLING,
    CUSTOMER,
    DENSE,
    DISPATCHER,
    SALES,
    TECHNICIAN,
    VISITOR,
    WAREHOUSE,
    Scene,
)
from tests.support.story import Story

NAMES = {
    "ja": {
        ADMINISTRATOR: "小川 明日香",
        DENSE: "西園寺 彩",
        BILLING: "久保 真理",
        SALES: "森川 拓海",
        DISPATCHER: "野口 舞",
        TECHNICIAN: "あおば 蓮",
        WAREHOUSE: "石田 栞",
        CUSTOMER: "喫茶みどり 神田店",
    },
    "en": {
        ADMINISTRATOR: "Astrid Ogawa",
        DENSE: "Aya Saionji-Hollingsworth",
        BILLING: "Mari Kubo",
        SALES: "Tom Morikawa",
        DISPATCHER: "Mai Noguchi",
        TECHNICIAN: "Ren Aoba",
        WAREHOUSE: "Shiori Ishida",
        CUSTOMER: "Café Midori, Kanda",
    },
}
ROLES = {
    ADMINISTRATOR: frozenset({Role.ADMINISTRATOR}),
    DENSE: frozenset({Role.ADMINISTRATOR, Role.BILLING, Role.DISPATCHER}),
    BILLING: frozenset({Role.BILLING}),
    SALES: frozenset({Role.SALES}),
    DISPATCHER: frozenset({Role.DISPATCHER}),
    TECHNICIAN: frozenset({Role.TECHNICIAN}),
    WAREHOUSE: frozenset({Role.WAREHOUSE}),
    CUSTOMER: frozenset({Role.CUSTOMER}),
}
THROTTLED_EMAIL = "guessed@example.jp"
LONG_NAME = "Wolfeschlegelsteinhausenbergerdorff-Featherstonehaugh"
WRONG_PASSWORD = "not the right umbrella"


class Showroom:
    """People of all kinds in both languages; jobs, checks, notices and audit entries in every state."""

    language = "ja"  # of the look in which a page is seen now

    def __init__(self, story: Story) -> None:
        self.story = story
        self.billed = Billed(story)
        self.people = {
            (language, who): story.person(
                *ROLES[who],
                name=name,
                email=f"{who.split()[-1]}.{language}@example.jp",
                language=language,
            )
            for language, names in NAMES.items()
            for who, name in names.items()
        }
        with story.begin() as uow:
            for language in NAMES:
                account_id = self.people[language, DENSE].id
                change_preferences(uow, account_id, language=None, theme=None, density="compact")
        self.disabled = story.person(Role.WAREHOUSE, name="石田 千尋", email="ishida@example.jp")
        with story.begin() as uow:
            disable_account(uow, self.disabled.id)
        self.invited = self._invite("野口 真央", "noguchi@example.jp", Role.TECHNICIAN)
        self._invite(LONG_NAME, f"{'long' * 14}@example.jp", *(set(Role) - {Role.CUSTOMER}))
        partners = [
            self._invite(f"協力会社 {number + 1:02}", f"partner{number + 1}@example.jp", Role.TECHNICIAN)
            for number in range(50)
        ]

        for _ in range(2):
            for account in self.people.values():
                story.signed_in(account)
        with story.begin() as uow:
            pin_business_date(uow, date(2026, 11, 20))
        self.done, self.parked = self._deliveries()[:2]
        self.check_without_findings = self._check()
        self._work_off(all_but=self.parked)
        self._fail(self.parked, until=DeliveryState.PARKED)
        self._sign_in_from_elsewhere()
        (self.failed,) = self._deliveries()
        self._fail(self.failed, until=DeliveryState.FAILED)
        story.later(minutes=40)
        self.check_with_findings = self._check()
        self._work_off(all_but=self.failed)
        self.check_running = self._check()
        with story.reading() as session:
            entries = select(AuditEntry.id).where(AuditEntry.entity == "account").order_by(AuditEntry.id)
            self.entry = session.scalars(entries).first()
        technicians = {language: self.people[language, TECHNICIAN].id for language in NAMES}
        self.rented = Rented(story, technicians)
        self.dispatched = Dispatched(story, technicians, [partner.id for partner in partners])
        with story.begin() as uow:
            for _ in range(4):
                refuse_sign_in(uow, Credentials(THROTTLED_EMAIL, WRONG_PASSWORD, "127.0.0.1", ""))
        self.billed.begin_another_closing()

    def set_up_token(self) -> str:
        with self.story.begin() as uow:
            return open_set_up_link(uow, self.invited.id)

    def _invite(self, name: str, email: str, *roles: Role) -> Account:
        with self.story.begin() as uow:
            invitation = invite_account(uow, email=email, name=name, roles=frozenset(roles), language="ja")
            return invitation.account

    def _check(self) -> UUID:
        starter = self.people["ja", ADMINISTRATOR]
        actor = Actor(ActorKind.PERSON, starter.name, starter.id)
        with self.story.app.app_context(), begin(actor) as uow:
            return start_check(uow).id

    def _deliveries(self) -> list[UUID]:
        """Those that wait, oldest first."""
        waiting = (DeliveryState.QUEUED, DeliveryState.FAILED)
        statement = select(Delivery.id).where(Delivery.state.in_(waiting))
        with self.story.reading() as session:
            return list(session.scalars(statement.order_by(Delivery.id)))

    def _work_off(self, *, all_but: UUID) -> None:
        for delivery_id in self._deliveries():
            if delivery_id != all_but:
                with self.story.app.app_context():
                    run_delivery(delivery_id)

    def _fail(self, delivery_id: UUID, *, until: DeliveryState) -> None:
        """Workers of an older release, which does not know the reaction, try until it is in this state."""
        bus, self.story.runtime.bus = self.story.runtime.bus, Bus()
        while not self._is(delivery_id, until):
            with self.story.app.app_context():
                assert not run_delivery(delivery_id)
            self.story.later(minutes=10)
        self.story.runtime.bus = bus

    def _is(self, delivery_id: UUID, state: DeliveryState) -> bool:
        with self.story.reading() as session:
            return session.get_one(Delivery, delivery_id).state is state

    def _sign_in_from_elsewhere(self) -> None:
        with self.story.begin() as uow:
            owner = uow.session.get_one(Account, self.people["ja", ADMINISTRATOR].id)
            phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_2 like Mac OS X) Safari/604.1"
            open_session(uow, owner, address="2001:db8:85a3:8d3:1319:8a2e:370:7348", browser=phone)


def _submit(page: Page) -> None:
    page.locator("main form button[type=submit]").last.click()
    page.locator(".error-summary").first.wait_for()


def _open_menu(page: Page) -> None:
    page.locator("details.menu > summary").last.click()


def _open_narrow_menu(page: Page) -> None:
    """On a wide window there is no such menu: the links stand in the bar."""
    summary = page.locator(".menu-narrow > summary")
    if summary.is_visible():
        summary.click()


def _open_help(page: Page) -> None:
    page.keyboard.press("?")
    page.locator("#keyboard-help[open]").wait_for()


def _ask_to_confirm(page: Page) -> None:
    page.locator(".page-actions .confirm summary").last.click()
    page.locator("dialog[open]").wait_for()


def _make_link(page: Page) -> None:
    page.locator(".page-actions .confirm summary").first.click()
    page.locator("dialog[open] button[type=submit]").click()
    page.locator(".notice-now").wait_for()


def _save(page: Page) -> None:
    page.locator("main .form .button-primary").click()
    page.locator(".toast").wait_for()


def _sign_in_wrongly(page: Page, email: str = "") -> None:
    """Somebody new each time, so that nobody has to wait."""
    page.locator("#email").fill(email or f"{uuid4().hex[:8]}@example.jp")
    page.locator("#password").fill(WRONG_PASSWORD)
    _submit(page)


def _sign_in_too_often(page: Page) -> None:
    _sign_in_wrongly(page, THROTTLED_EMAIL)


def _person(account: str) -> Callable[[Showroom], str]:
    return lambda room: f"/people/{getattr(room, account).id}"


def _seen(base: str, row: str) -> Callable[[Showroom], str]:
    return lambda room: f"/{base}/{getattr(room, row)}"


OFFICE_SCENES = {
    "home": Scene(ADMINISTRATOR, "/"),
    "home-menu": Scene(ADMINISTRATOR, "/", _open_menu),
    "home-navigation": Scene(ADMINISTRATOR, "/", _open_narrow_menu),
    "home-sales": Scene(SALES, "/"),
    "people": Scene(ADMINISTRATOR, "/people"),
    "people-low-rows": Scene(DENSE, "/people?sort=-state"),
    "people-filtered": Scene(ADMINISTRATOR, "/people?q=example&role=technician&sort=-created_at"),
    "people-no-match": Scene(ADMINISTRATOR, "/people?q=zebra&state=disabled"),
    "people-invalid-filter": Scene(ADMINISTRATOR, "/people?role=emperor", status=422),
    "people-help": Scene(ADMINISTRATOR, "/people", _open_help),
    "person": Scene(ADMINISTRATOR, lambda room: f"/people/{room.people['ja', DENSE].id}"),
    "person-saved": Scene(ADMINISTRATOR, lambda room: f"/people/{room.people['en', SALES].id}", _save),
    "person-question": Scene(
        ADMINISTRATOR, lambda room: f"/people/{room.people['en', SALES].id}", _ask_to_confirm
    ),
    "person-link": Scene(ADMINISTRATOR, _person("invited"), _make_link),
    "person-disabled": Scene(ADMINISTRATOR, _person("disabled")),
    "person-new": Scene(ADMINISTRATOR, "/people/new"),
    "person-new-errors": Scene(ADMINISTRATOR, "/people/new", _submit),
    "jobs": Scene(ADMINISTRATOR, "/jobs"),
    "jobs-parked": Scene(ADMINISTRATOR, "/jobs?state=parked"),
    "jobs-none-running": Scene(ADMINISTRATOR, "/jobs?state=running"),
    "job-parked": Scene(ADMINISTRATOR, _seen("jobs", "parked")),
    "job-failed": Scene(ADMINISTRATOR, _seen("jobs", "failed")),
    "job-done": Scene(ADMINISTRATOR, _seen("jobs", "done")),
    "checks": Scene(ADMINISTRATOR, "/checks"),
    "check-running": Scene(ADMINISTRATOR, _seen("checks", "check_running")),
    "check-well": Scene(ADMINISTRATOR, _seen("checks", "check_without_findings")),
    "check-problems": Scene(ADMINISTRATOR, _seen("checks", "check_with_findings")),
    "audit": Scene(ADMINISTRATOR, "/audit"),
    "audit-invalid-days": Scene(ADMINISTRATOR, "/audit?from_day=2026-05-01&to_day=soon", status=422),
    "audit-entry": Scene(ADMINISTRATOR, _seen("audit", "entry")),
    "notices": Scene(ADMINISTRATOR, "/notices"),
    "account": Scene(ADMINISTRATOR, "/account"),
    "account-errors": Scene(ADMINISTRATOR, "/account", _submit),
    "sign-in": Scene(VISITOR, "/sign-in"),
    "sign-in-empty": Scene(VISITOR, "/sign-in", _submit),
    "sign-in-refused": Scene(VISITOR, "/sign-in", _sign_in_wrongly),
    "sign-in-throttled": Scene(VISITOR, "/sign-in", _sign_in_too_often),
    "set-up": Scene(VISITOR, lambda room: f"/set-up/{room.set_up_token()}"),
    "set-up-errors": Scene(VISITOR, lambda room: f"/set-up/{room.set_up_token()}", _submit),
    "set-up-used": Scene(VISITOR, "/set-up/used", status=404),
    "problem-forbidden": Scene(SALES, "/audit", status=403),
    "problem-missing": Scene(ADMINISTRATOR, "/nothing-here", status=404),
    "problem-missing-visitor": Scene(VISITOR, "/nothing-here", status=404),
    "problem-failure": Scene(ADMINISTRATOR, "/fails", status=500),
    "phone": Scene(TECHNICIAN, "/m/"),
    "phone-menu": Scene(TECHNICIAN, "/m/", _open_menu),
    "phone-notices": Scene(TECHNICIAN, "/notices"),
    "phone-account": Scene(TECHNICIAN, "/account"),
    "phone-account-errors": Scene(TECHNICIAN, "/account", _submit),
    "phone-forbidden": Scene(TECHNICIAN, "/people", status=403),
    "portal": Scene(CUSTOMER, "/portal/"),
    "styleguide": Scene(ADMINISTRATOR, "/styleguide"),
    "styleguide-visitor": Scene(VISITOR, "/styleguide", _submit),
}

SCENES = OFFICE_SCENES | RENTED_SCENES | DISPATCH_SCENES | BILLED_SCENES
