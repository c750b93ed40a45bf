"""A company with one row of everything, so that every address of the product leads somewhere."""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select
from sqlalchemy.engine import Engine
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from rental.assurance.checking import start_check
from rental.core import outbox
from rental.core.audit import AuditEntry
from rental.core.db import Base, db
from rental.identity.accounts import disable_account, open_set_up_link
from rental.identity.models import Account, AccountSession
from rental.identity.permissions import Role
from tests.support.story import Story
from tests.web.html import Element, read_page
from tests.web.role_routes import VISITOR

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
        **options: Any,
    ) -> TestResponse:
        """Sends a form with this browser's token, or with the one given; an empty one is left out."""
        sent = list(pairs.items()) if isinstance(pairs, Mapping) else list(pairs or [])
        chosen = self.token() if token is None else token
        body = encoded(([("csrf_token", chosen)] if chosen else []) + sent)
        form = "application/x-www-form-urlencoded"
        return self.open("POST", path, data=body, content_type=form, **options)


class Company:
    """One person of each role, and one row of every kind."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.app: Flask = story.app
        self.numbers = itertools.count(1)
        self.people: dict[Role, Account] = {role: story.person(role) for role in Role}
        self.colleague = self.new_person(Role.SALES)
        self.parked = self._park_a_delivery()
        story.everything_happens()
        with story.begin() as uow:
            self.check_run_id = start_check(uow).id
        story.everything_happens()
        with story.reading() as session:
            self.entry_id = session.scalars(select(AuditEntry.id).order_by(AuditEntry.id)).first()

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
        }[name]

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
    found = {}
    with app.app_context(), db.engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            if table.name not in without:
                found[table.name] = sorted(repr(tuple(row)) for row in connection.execute(select(table)))
    return found


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
    """What the database was asked while the block ran."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def _note(self, _c: object, _k: object, statement: str, *_rest: object) -> None:
        self.texts.append(statement)

    def __enter__(self) -> "Statements":
        event.listen(Engine, "before_cursor_execute", self._note)
        return self

    def __exit__(self, *_: object) -> None:
        event.remove(Engine, "before_cursor_execute", self._note)
