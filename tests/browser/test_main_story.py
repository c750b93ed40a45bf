"""The whole thin line with real workers: received, promised, planned, installed, billed, proved by a scan.

Everything but the browser runs in processes of its own: web, worker, tick, Valkey. The test only sets the
business date.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from http.client import HTTPConnection

import pypdfium2
import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import select

from rental.billing.models import BilledSpan, BillingSchedule, Invoice
from rental.contracts.models import Slot
from rental.core.clock import SystemClock
from rental.core.money import Rounding
from rental.customers.accounts import change_billing_account
from rental.customers.models import BillingAccount
from rental.customers.rules import HolidayRule
from rental.demo.clock import pin_business_date
from rental.dispatch.models import RoutePlan
from rental.dispatch.rules import PlanState
from rental.fieldwork.models import Visit, WorkOrder
from rental.fieldwork.rules import WorkOrderState
from rental.identity.models import Account
from rental.identity.permissions import Role
from rental.inventory.models import LabelCode, Unit
from rental.inventory.rules.unit_states import LocationKind, UnitState
from rental.worker import RqDoorbell, connect
from tests.browser.site import NEEDS_BROWSER, Site
from tests.browser.thin_line import (
    PHONE,
    Thumb,
    install,
    plan_the_day_and_send_it_out,
    promise_two,
    receive_three,
    shelve_and_label,
)
from tests.factories.billed import REGISTRATION_NUMBER, make_issuer
from tests.factories.dispatching import make_technician
from tests.factories.rented import make_customer, make_model, make_plan, make_rule, place
from tests.support.databases import Database
from tests.support.mail_server import Letterbox, mail_server
from tests.support.processes import installation, wait_until
from tests.support.story import Story

pytestmark = [*NEEDS_BROWSER, pytest.mark.slow]

SIGNED, INSTALLED, CLOSED = date(2026, 4, 16), date(2026, 4, 17), date(2026, 5, 1)
# 9,800 yen a month, two machines, 14 of April's 30 days, rounded down; 10 % tax, rounded down.
SUM_EN, AMOUNT, TOTAL = "¥9,800 × 2 × 14 ÷ 30", "¥9,146", "¥10,060"
WORKERS_TAKE_AT_MOST_MS = 60_000
PEOPLE = (Role.WAREHOUSE, Role.SALES, Role.DISPATCHER, Role.TECHNICIAN, Role.BILLING)


@dataclass
class Company:
    """A site behind real processes, its people, and what its customers find in their letterbox."""

    site: Site
    people: dict[Role, Account]
    letterbox: Letterbox
    language: str = ""

    @property
    def story(self) -> Story:
        return self.site.story

    def desk(self, role: Role, path: str, **options: object) -> Page:
        return self.site.desk(self.people[role], path=path, locale=self.language, **options)

    def it_becomes(self, day: date) -> None:
        with self.story.begin() as uow:
            pin_business_date(uow, day)


@pytest.fixture
def company(
    story_language: str,
    app: Flask,
    database: Database,
    new_context: Callable[..., BrowserContext],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Company]:
    """People in one language; nothing but a model, a plan, a shelf and a customer exists."""
    story, runtime = Story(app), app.extensions["rental"]
    runtime.clock = SystemClock()  # other processes are part of this story
    silent = runtime.doorbell
    with mail_server() as (smtp_url, letterbox), installation(database.url) as processes:
        monkeypatch.setenv("RENTAL_SMTP_URL", smtp_url)
        processes.start_valkey()
        runtime.doorbell = RqDoorbell(connect(processes.redis_url))
        processes.start_worker()
        processes.start_tick()
        site = Site(story, f"http://127.0.0.1:{processes.start_web()}", new_context)
        wait_until(lambda: is_ready(site.url), "the web process never became ready", seconds=60)
        people = {role: story.person(role, language=story_language) for role in PEOPLE}
        made = Company(site, people, letterbox, story_language)
        made.it_becomes(SIGNED)
        furnish(made)
        yield made
        runtime.doorbell = silent
    assert site.watch.complaints == []


def is_ready(url: str) -> bool:
    """Whether the web process answers, and does not only listen."""
    connection = HTTPConnection(url.removeprefix("http://"), timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def furnish(company: Company) -> None:
    """What an administrator has written down before anything happens."""
    with company.story.begin() as uow:
        make_issuer(uow)
        model = make_model(uow)
        make_plan(uow, model, fee=9800)
        make_rule(uow)
        place(uow, LocationKind.BIN)
        _customer, account, _site = make_customer(uow)
        make_technician(uow, company.people[Role.TECHNICIAN].id)
        account = uow.session.get_one(BillingAccount, account.id)
        change_billing_account(
            uow,
            account.id,
            version=account.version,
            name=account.name,
            postal_code="101-0041",
            address=account.address,
            email="keiri@example.jp",
            note="",
            closing_day=31,
            term_months=1,
            pay_day=31,
            holiday_rule=HolidayRule.NEXT,
            tax_rounding=Rounding.DOWN,
            charge_rounding=Rounding.DOWN,
            consolidation=account.consolidation,
        )


def test_every_yen_is_proved_by_a_scan(company: Company) -> None:
    assert len(receive_three(company.desk(Role.WAREHOUSE, "/receiving/new"))) == 3
    shelve_and_label(company.desk(Role.WAREHOUSE, "/receiving"))

    sales = company.desk(Role.SALES, "/customers")
    sales.locator("tbody tr a").first.click()
    sales.locator("a[href^='/contracts/new']").first.click()
    promise_two(sales)
    order = waiting_order(company)

    dispatcher = company.desk(Role.DISPATCHER, f"/plans?day={INSTALLED.isoformat()}")
    plan_the_day_and_send_it_out(dispatcher, INSTALLED.isoformat())
    assert planned_for(company) == INSTALLED

    company.it_becomes(INSTALLED)
    held, other = codes(company)
    install(Thumb(company.desk(Role.TECHNICIAN, "/m/", **PHONE)), held, wrong=other[::-1])
    with company.story.reading() as session:
        assert set(session.scalars(select(Slot.started_on))) == {INSTALLED}
    wait_until(
        lambda: company.story.count(BillingSchedule) == 1, "no worker has noted when the rent falls due"
    )

    company.it_becomes(CLOSED)
    clerk = company.desk(Role.BILLING, "/closings")
    close_what_is_due(clerk)
    number = open_the_invoice(clerk)
    read_the_document(company, clerk, number)
    follow_the_line_to_its_scan(company, clerk, order)


def waiting_order(company: Company) -> str:
    """The number of the job that a worker opened for the contract."""
    wait_until(lambda: company.story.count(WorkOrder) == 1, "no worker has opened the installation order")
    with company.story.reading() as session:
        order = session.scalars(select(WorkOrder)).one()
        assert order.state is WorkOrderState.READY
        return order.number


def planned_for(company: Company) -> date:
    """The day of the visit that the published plan sent out."""
    with company.story.reading() as session:
        plan = session.scalars(select(RoutePlan)).one()
        assert plan.state is PlanState.PUBLISHED
        visit = session.scalars(select(Visit)).one()
        assert visit.technician_id == company.people[Role.TECHNICIAN].id
        return visit.planned_on


def codes(company: Company) -> tuple[list[str], str]:
    """What is printed on the two machines that are held, and on the one that is free."""
    with company.story.reading() as session:
        labels = session.execute(
            select(Unit.state, LabelCode.code)
            .join(LabelCode, LabelCode.unit_id == Unit.id)
            .order_by(Unit.tag)
        ).all()
    held = [code for state, code in labels if state is UnitState.RESERVED]
    (free,) = [code for state, code in labels if state is UnitState.AVAILABLE]
    assert len(held) == 2
    return held, free


def close_what_is_due(page: Page) -> None:
    """The month that is due is looked at, closed, and billed by the workers while the page watches."""
    page.locator(".rows a[href='/closings/preview?closed_on=2026-04-30']").click()
    expect(page.locator("main")).to_contain_text(TOTAL)
    page.locator("form[method=post][action='/closings'] button[type=submit]").click()
    expect(page.locator("a[href='/invoices?closed_on=2026-04-30']")).to_be_visible(
        timeout=WORKERS_TAKE_AT_MOST_MS
    )
    expect(page.locator(".figures")).to_contain_text(TOTAL)


def open_the_invoice(page: Page) -> str:
    """The one invoice of the closing; its number."""
    page.locator("a[href='/invoices?closed_on=2026-04-30']").click()
    number = page.locator("tbody tr a.code").inner_text()
    page.locator("tbody tr a.code").click()
    expect(page).to_have_url(re.compile(r"/invoices/[0-9a-f-]+$"))
    expect(page.locator(".invoice-total")).to_contain_text(TOTAL)
    expect(page.locator(".invoice-sum")).to_contain_text(SUM_EN)
    return number


def read_the_document(company: Company, page: Page, number: str) -> None:
    """The document says what the page says, and is what the customer gets by mail."""
    link = page.locator("a[href$='/document.pdf']")
    if not link.is_visible():  # still being drawn
        wait_until(lambda: has_document(company), "no worker has drawn the document")
        page.reload()
    answer = page.request.get(str(link.get_attribute("href")))
    assert answer.headers["content-type"] == "application/pdf"
    document = answer.body()
    text = text_of(document)
    for wanted in (number, REGISTRATION_NUMBER, "10,060", "9,146", "914"):
        assert wanted in text, wanted
    wait_until(lambda: len(company.letterbox.letters) == 1, "the invoice was not mailed")
    (letter,) = company.letterbox.letters
    (attached,) = letter.iter_attachments()
    assert attached.get_content() == document
    assert letter["To"].addresses[0].addr_spec == "keiri@example.jp"


def has_document(company: Company) -> bool:
    with company.story.reading() as session:
        return session.scalars(select(Invoice.document_id)).one() is not None


def text_of(document: bytes) -> str:
    pdf = pypdfium2.PdfDocument(document)
    return "\n".join(page.get_textpage().get_text_range() for page in pdf)


def follow_the_line_to_its_scan(company: Company, page: Page, order: str) -> None:
    """From the line to its slots, to the scans of the technician, to the movement in the unit's history."""
    page.locator("a[href$='/lines/1']").click()
    expect(page.locator("main")).to_contain_text(SUM_EN)
    rows = page.locator("#slots tbody tr")
    expect(rows).to_have_count(2)
    for row in (rows.nth(0), rows.nth(1)):
        expect(row).to_contain_text(company.people[Role.TECHNICIAN].name)
        expect(row).to_contain_text(order)
    tag = rows.first.locator("a.code").first.inner_text()
    rows.first.locator("a[href*='#movement-']").click()
    expect(page.locator("h1")).to_have_text(tag)
    entry = page.locator(f"#{page.url.partition('#')[2]}")
    expect(entry).to_contain_text(order)
    expect(entry).to_be_in_viewport()
    page.go_back()
    page.locator(f"#slots a:has-text('{order}')").first.click()
    expect(page.locator("h1")).to_contain_text(order)
    with company.story.reading() as session:
        days = {(span.start_on, span.end_on) for span in session.scalars(select(BilledSpan))}
    assert days == {(INSTALLED, CLOSED)}
