"""A company with one row of everything, so that every address of the product leads somewhere."""

import itertools
from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select
from sqlalchemy.engine import Connection, Engine
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from rental.assurance.checking import start_check
from rental.billing.models import Invoice
from rental.billing.payments import record_payment
from rental.billing.rules.payments import PaymentMethod
from rental.catalog.equipment_models import add_skill, offer_equipment_model, show_photo
from rental.catalog.models import EquipmentModel
from rental.catalog.rate_plans import offer_rate_plan
from rental.core import outbox
from rental.core.audit import AuditEntry
from rental.core.db import Base, db
from rental.core.money import Money
from rental.core.uow import UnitOfWork
from rental.customers.accounts import add_contact, open_billing_account, register_customer
from rental.customers.rules import CustomerKind
from rental.customers.sites import add_site, close_site
from rental.fieldwork.rules import WorkOrderState
from rental.identity.accounts import disable_account, open_set_up_link
from rental.identity.models import Account, AccountSession
from rental.identity.permissions import Role
from rental.inventory.models import Unit
from rental.inventory.queries import active_label_of
from rental.inventory.rules.unit_states import UnitState
from tests.factories.rented import make_model, make_plan, make_rule
from tests.factories.stock import fill_the_warehouse, unit_that_is
from tests.support.story import Story
from tests.web import promises
from tests.web.billing_story import bill_last_month
from tests.web.html import Element, read_page
from tests.web.phone_story import order_on_phone
from tests.web.role_routes import ROLE_ROUTES, VISITOR

HEADERS = {
    "Accept": "text/html",
    "Accept-Language": "en",
    "User-Agent": "Mozilla/5.0 (X11; Linux) Firefox/140.0",
}
Pairs = list[tuple[str, str]]
Rows = dict[str, list[str]]


def encoded(pairs: Iterable[tuple[str, str]]) -> str:
    """A form or query as bytes on the wire; half a surrogate pair goes out as it is."""
    return "&".join(f"{quote_plus(k)}={quote_plus(v.encode('utf-8', 'surrogatepass'))}" for k, v in pairs)


def in_parts(pairs: Iterable[tuple[str, str]], files: Mapping[str, bytes]) -> tuple[bytes, str]:
    """A form with files as bytes on the wire, and its content type."""
    boundary = "a-line-between-two-parts"
    parts = [(f'name="{name}"', value.encode("utf-8", "surrogatepass")) for name, value in pairs]
    parts += [(f'name="{name}"; filename="picture.png"', content) for name, content in files.items()]
    lines = [
        f"--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + content + b"\r\n"
        for head, content in parts
    ]
    body = b"".join(lines) + f"--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"


@dataclass
class Seat:
    """A browser with somebody in front of it. Every request comes from another address."""

    client: FlaskClient
    _addresses: Iterable[int] = field(default_factory=lambda: itertools.count(1))
    _token: str = ""

    def open(self, method: str, path: str, **options: Any) -> TestResponse:
        number = next(iter(self._addresses))
        headers = {**HEADERS, **options.pop("headers", {})}
        address = options.pop("address", f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}")
        base = {"REMOTE_ADDR": address}
        return self.client.open(
            path, method=method, headers=headers, environ_base=base, buffered=True, **options
        )

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.open("GET", path, **options)

    def page(self, path: str) -> Element:
        answer = self.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status}"
        return read_page(answer.text)

    def token(self, path: str = "/styleguide") -> str:
        """The token of this browser; it stays the same until somebody signs in or out."""
        if not self._token:
            fields = self.page(path).all("input")
            self._token = next(
                f.attributes["value"] for f in fields if f.attributes.get("name") == "csrf_token"
            )
        return self._token

    def post(
        self,
        path: str,
        pairs: Pairs | Mapping[str, str] | None = None,
        *,
        token: str | None = None,
        files: Mapping[str, bytes] | None = None,
        **options: Any,
    ) -> TestResponse:
        """Sends a form with this browser's token, or with the one given; an empty one is left out."""
        sent = list(pairs.items()) if isinstance(pairs, Mapping) else list(pairs or [])
        chosen = self.token() if token is None else token
        if chosen:
            sent = [("csrf_token", chosen), *sent]
        if files:
            body, form = in_parts(sent, files)
            return self.open("POST", path, data=body, content_type=form, **options)
        form = "application/x-www-form-urlencoded"
        return self.open("POST", path, data=encoded(sent), content_type=form, **options)


class Company:
    """One person of each role, and one row of every kind."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.app: Flask = story.app
        self.numbers = itertools.count(1)
        self._seats: dict[Role, Seat] = {}
        self.people: dict[Role, Account] = {role: story.person(role) for role in Role}
        self.colleague = self.new_person(Role.SALES)
        self.customer_rows = self._register_a_customer()
        self.catalog_rows = self._fill_the_catalogue()
        self.stock_rows = self._fill_the_warehouse()
        self.contract_rows = self._write_contracts()
        self.billing_rows = bill_last_month(story)
        self.parked = self._park_a_delivery()
        story.everything_happens()
        with story.begin() as uow:
            self.check_run_id = start_check(uow).id
        story.everything_happens()
        self.dispatch_rows = self._plan_a_day()
        story.everything_happens()
        with story.reading() as session:
            self.entry_id = session.scalars(select(AuditEntry.id).order_by(AuditEntry.id)).first()

    def in_another(self, story: Story) -> "Company":
        """The same company in another story, on a database that holds a copy of what this one wrote."""
        twin = copy(self)
        twin.story, twin.app = story, story.app
        twin.numbers = itertools.count(100)
        twin._seats = {}
        return twin

    def new_person(self, *roles: Role) -> Account:
        """Somebody nobody else in the test knows."""
        number = next(self.numbers)
        return self.story.person(*roles, name=f"Person {number}", email=f"person{number}@example.jp")

    def disabled_person(self) -> Account:
        """Somebody who was shut out."""
        account = self.new_person(Role.SALES)
        with self.story.begin() as uow:
            disable_account(uow, account.id)
        return account

    def seat(self, who: object) -> Seat:
        """A browser of this person, or of a visitor."""
        if who == VISITOR:
            return Seat(self.app.test_client())
        account = self.people[who] if isinstance(who, Role) else who
        assert isinstance(account, Account)
        return Seat(self.story.signed_in(account).client)

    def newest_session(self, account: Account) -> UUID:
        with self.story.reading() as session:
            statement = select(AccountSession.id).where(AccountSession.account_id == account.id)
            return session.scalars(statement.order_by(AccountSession.id.desc())).first() or account.id

    def set_up_token(self, account: Account | None = None) -> str:
        """A fresh link for the colleague or for this person."""
        with self.story.begin() as uow:
            return open_set_up_link(uow, (account or self.colleague).id)

    def path_of(self, rule: Rule, **known: object) -> str:
        """The rule's address with values that exist; `known` has the first word."""
        values: dict[str, object] = {}
        for name in rule.arguments:
            values[name] = known.get(name) or self._existing(name)
        adapter = self.app.url_map.bind("localhost")
        return adapter.build(rule.endpoint, values, method=method_of(rule))

    @property
    def label_code(self) -> str:
        """What stands on the label of the unit."""
        with self.story.reading() as session:
            label = active_label_of(session, UUID(str(self.stock_rows["unit_id"])))
        assert label
        return label.code

    def seat_that_may(self, rule: Rule) -> Seat:
        """The administrator's, or that of somebody whom the route is for."""
        who = ROLE_ROUTES[method_of(rule), rule.rule]
        first = next(role for role in (Role.ADMINISTRATOR, *Role) if role in who)
        if first not in self._seats:
            self._seats[first] = self.seat(first)
        return self._seats[first]

    def _existing(self, name: str) -> object:
        if name == "session_id":
            self.seat(self.colleague)
            return self.newest_session(self.colleague)
        if name == "token":
            return self.set_up_token()
        return {
            "account_id": self.colleague.id,
            "delivery_id": self.parked,
            "check_run_id": self.check_run_id,
            "entry_id": self.entry_id,
            "filename": "css/base.css",
            **self.customer_rows,
            **self.catalog_rows,
            **self.stock_rows,
            **self.contract_rows,
            **self.dispatch_rows,
            **self.billing_rows,
            "sha256": "0" * 64,
            "code": self.label_code,
        }[name]

    def _register_a_customer(self) -> dict[str, object]:
        """A customer with a contact, a billing account and a site; the ids by their names in addresses."""
        with self.story.begin() as uow:
            customer = register_customer(uow, name="株式会社　例", kind=CustomerKind.CORPORATION)
            contact = add_contact(uow, customer.id, name="例 花子", is_primary=True)
            account = open_billing_account(uow, customer.id, name="経理部", address="東京都新宿区西新宿2-8-1")
            site = add_site(
                uow, customer.id, name="本店", prefecture="東京都", city="新宿区", street="西新宿2-8-1"
            )
        return {
            "customer_id": customer.id,
            "contact_id": contact.id,
            "billing_account_id": account.id,
            "site_id": site.id,
        }

    def _fill_the_catalogue(self) -> dict[str, object]:
        """A model with a photo, a skill, a plan and a numbering rule; the ids by their names in addresses."""
        with self.story.begin() as uow:
            add_skill(uow, code="PLUMBING", name="Plumbing")
            model = make_model(uow)
            photo = b"\x89PNG\r\n\x1a\n" + b"<script>alert(1)</script>"
            show_photo(uow, model.id, content=photo, download_name="CM-200.png")
            version = make_plan(uow, model)
            rule = make_rule(uow)
        return {
            "equipment_model_id": model.id,
            "rate_plan_id": version.rate_plan_id,
            "numbering_rule_id": rule.id,
        }

    def _fill_the_warehouse(self) -> dict[str, object]:
        with self.story.begin() as uow:
            return fill_the_warehouse(uow, self._model_in(uow), self.people[Role.TECHNICIAN])

    def _write_contracts(self) -> dict[str, object]:
        with self.story.begin() as uow:
            return promises.write_contracts(uow, self.people[Role.TECHNICIAN].id)

    def _plan_a_day(self) -> dict[str, object]:
        """A technician with a day off to come, and the routes of another day."""
        with self.story.begin() as uow:
            return promises.plan_a_day(uow, self.people[Role.TECHNICIAN].id)

    def plan_with_given_visit(self) -> dict[str, object]:
        """A draft with a visit that was sent out before, and its stop."""
        with self.story.begin() as uow:
            return promises.plan_with_given_visit(uow, self.people[Role.TECHNICIAN].id)

    def new_plan(self) -> dict[str, object]:
        """Routes of a day on which one more order is ready, and their first stop."""
        with self.story.begin() as uow:
            return promises.new_plan(uow)

    def ready_draft(self) -> dict[str, object]:
        """A draft that can be activated, and its line."""
        with self.story.begin() as uow:
            return promises.ready_draft(uow)

    def unserved_contract(self) -> UUID:
        """An active contract that nobody was sent for."""
        with self.story.begin() as uow:
            return promises.unserved_contract(uow)

    def new_order(self, state: WorkOrderState) -> UUID:
        """A work order that is so far."""
        with self.story.begin() as uow:
            return promises.order_that_is(uow, state, self.people[Role.TECHNICIAN].id)

    def new_conflict(self) -> UUID:
        """Something told from a site whose work order was called off meanwhile."""
        with self.story.begin() as uow:
            return promises.told_too_late(uow, self.people[Role.TECHNICIAN].id)

    def new_unit(self, state: UnitState) -> UUID:
        """A unit that is so far in its life."""
        with self.story.begin() as uow:
            return unit_that_is(uow, state, self._model_in(uow)).id

    def order_on_phone(self, *, scanned: int) -> dict[str, object]:
        """A job whose technician is there, with so many of its two machines read already."""
        with self.story.begin() as uow:
            return order_on_phone(uow, self.people[Role.TECHNICIAN].id, scanned=scanned)

    def tag_of(self, unit_id: UUID) -> str:
        """Our number of a unit."""
        with self.story.reading() as session:
            return session.get_one(Unit, unit_id).tag

    def new_receipt(self) -> UUID:
        """A delivery that waits for its shelf."""
        with self.story.begin() as uow:
            return unit_that_is(uow, UnitState.RECEIVED, self._model_in(uow)).receipt_id

    def _model_in(self, uow: UnitOfWork) -> EquipmentModel:
        return uow.session.get_one(EquipmentModel, self.catalog_rows["equipment_model_id"])

    def withdrawn_model(self) -> dict[str, object]:
        """A model and its plan that new contracts cannot name any more."""
        with self.story.begin() as uow:
            model = make_model(uow, f"OLD-{next(self.numbers)}")
            plan_id = make_plan(uow, model).rate_plan_id
            offer_equipment_model(uow, model.id, offered=False)
            offer_rate_plan(uow, plan_id, offered=False)
        return {"withdrawn_model_id": model.id, "withdrawn_plan_id": plan_id}

    def new_contact(self) -> UUID:
        """Somebody of the customer's who may be removed."""
        with self.story.begin() as uow:
            return add_contact(uow, self._customer_id, name=f"Contact {next(self.numbers)}").id

    def closed_site(self) -> UUID:
        """A site of the customer that is visited no more."""
        with self.story.begin() as uow:
            site = add_site(
                uow, self._customer_id, name="旧店", prefecture="東京都", city="港区", street="芝公園1-5"
            )
            close_site(uow, site.id)
        return site.id

    def misnamed_invoice(self) -> UUID:
        """An invoice whose addressee has another name by now."""
        invoice_id = UUID(str(self.billing_rows["invoice_id"]))
        with self.story.begin() as uow:
            account = uow.session.get_one(Invoice, invoice_id).billing_account
            account.name = f"喫茶三月 {next(self.numbers)}"
        return invoice_id

    def unused_payment(self) -> UUID:
        """One yen of which no invoice got anything yet, from an account that owes some."""
        with self.story.begin() as uow:
            invoice = uow.session.get_one(Invoice, UUID(str(self.billing_rows["invoice_id"])))
            return record_payment(
                uow,
                invoice.billing_account_id,
                received_on=uow.today,
                amount=Money(1),
                method=PaymentMethod.BANK_TRANSFER,
                shares=[],
            ).id

    @property
    def _customer_id(self) -> UUID:
        return UUID(str(self.customer_rows["customer_id"]))

    def _park_a_delivery(self) -> UUID:
        """As a worker leaves it that gave up; what went wrong is full of markup."""
        with self.story.reading() as session:
            delivery_id = session.scalars(
                select(outbox.Delivery.id).order_by(outbox.Delivery.id.desc())
            ).first()
        assert delivery_id
        with self.story.begin("worker") as uow:
            delivery = uow.session.get_one(outbox.Delivery, delivery_id)
            delivery.state = outbox.DeliveryState.PARKED
            delivery.attempt_count = 5
            delivery.error_code = "<b>code</b>"
            delivery.error_detail = "<script>alert(1)</script>"
        return delivery_id

    def rows(self, *, without: Iterable[str] = ()) -> Rows:
        """Every row of every table as text, save the tables named."""
        return rows_of(self.app, without=without)


def rows_of(app: Flask, *, without: Iterable[str] = ()) -> Rows:
    """Every row of every table as text, save the tables named."""
    with app.app_context(), db.engine.connect() as connection:
        return rows_in(connection, without=without)


def rows_in(connection: Connection, *, without: Iterable[str] = ()) -> Rows:
    """Every row of every table as this connection sees it, save the tables named."""
    return {
        table.name: sorted(repr(tuple(row)) for row in connection.execute(select(table)))
        for table in Base.metadata.sorted_tables
        if table.name not in without
    }


def method_of(rule: Rule) -> str:
    """The one method of a rule, besides those every rule has."""
    (method,) = (rule.methods or set()) - {"HEAD", "OPTIONS"}
    return method


def rules_of(app: Flask, method: str | None = None) -> list[Rule]:
    """Every rule of the app in a fixed order, those that end a session last."""
    rules = sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule == "/sign-out", rule.rule))
    return [rule for rule in rules if method in (None, method_of(rule))]


def changed_tables(before: Rows, after: Rows) -> list[str]:
    """The tables that are not as they were."""
    return [name for name in before if before[name] != after[name]]


class Statements:
    """What the database was asked while the block ran; how a transaction begins is no question."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def _note(self, _c: object, _k: object, statement: str, *_rest: object) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA", "SET ")):
            self.texts.append(statement)

    def __enter__(self) -> "Statements":
        event.listen(Engine, "before_cursor_execute", self._note)
        return self

    def __exit__(self, *_: object) -> None:
        event.remove(Engine, "before_cursor_execute", self._note)
