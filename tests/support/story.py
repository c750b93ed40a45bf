"""A company that a test tells a story about: people, days, what they do, and what the workers do then."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from rental.core.clock import SettableClock
from rental.core.db import Base, reading_snapshot
from rental.core.outbox import Delivery, OutboxMessage
from rental.core.runtime import Runtime
from rental.core.uow import Actor, ActorKind, UnitOfWork, begin
from rental.identity.accounts import invite_account, set_up_account
from rental.identity.models import Account
from rental.identity.passwords import hash_password
from rental.identity.permissions import Role
from rental.identity.sessions import open_session
from rental.periodic import tick
from rental.worker import run_delivery, run_everything_due

PASSWORD = "tangled wire umbrella"
_PASSWORD_HASH = hash_password(PASSWORD)
_CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')
TICK_HOLDER = UUID("00000000-0000-7000-8000-000000000001")


class Browser:
    """Somebody's browser: keeps cookies, sends forms with their token as a page would."""

    def __init__(self, client: FlaskClient, account_id: UUID | None = None) -> None:
        self.client = client
        self.account_id = account_id

    def get(self, path: str, **options: object) -> TestResponse:
        return self.client.get(path, headers=_PAGE, **options)

    def post(
        self, path: str, data: dict[str, object] | None = None, *, page: str | None = None
    ) -> TestResponse:
        """Sends a form with the CSRF token of `page`, by default of the own account or the sign-in page."""
        token = self.csrf_token(page or ("/account" if self.account_id else "/sign-in"))
        return self.client.post(path, data={"csrf_token": token, **(data or {})}, headers=_PAGE)

    def csrf_token(self, page: str) -> str:
        match = _CSRF.search(self.get(page).text)
        assert match, f"{page} has no form"
        return match.group(1)


_PAGE = {"Accept": "text/html", "User-Agent": "Mozilla/5.0 (X11; Linux) Firefox/140.0"}


class Story:
    """Tells a test's story on one fresh database. The clock stands still until the story moves it."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.runtime: Runtime = app.extensions["rental"]
        self.clock = SettableClock(datetime(2026, 4, 1, 1, tzinfo=UTC))
        self.runtime.clock = self.clock
        self.has_begun = False

    def on(self, day: str) -> None:
        """It becomes ten in the morning of this day, in the company's zone."""
        self.clock.set(datetime.combine(date.fromisoformat(day), time(10), self.runtime.zone))

    def later(self, **step: float) -> None:
        """Time passes: `later(minutes=5)`."""
        self.clock.forward(timedelta(**step))

    @contextmanager
    def begin(self, name: str = "story") -> Iterator[UnitOfWork]:
        """A transaction of somebody called this."""
        self.has_begun = True
        with self.app.app_context(), begin(Actor(ActorKind.PERSON, name)) as uow:
            yield uow

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees everything saved so far."""
        with self.app.app_context(), reading_snapshot() as session:
            yield session

    def person(self, *roles: Role, name: str = "", email: str = "", language: str = "en") -> Account:
        """Somebody with an account that is set up; the password is PASSWORD."""
        chosen = frozenset(roles or {Role.ADMINISTRATOR})
        first = sorted(chosen)[0].value
        with self.begin() as uow:
            invitation = invite_account(
                uow,
                email=email or f"{first}@example.jp",
                name=name or f"{first.title()} Example",
                roles=chosen,
                language=language,
            )
            return set_up_account(uow, invitation.token, _PASSWORD_HASH)

    def visitor(self) -> Browser:
        """A browser in which nobody is signed in."""
        return Browser(self.app.test_client())

    def signed_in(self, account: Account) -> Browser:
        """A browser of this person, with a session opened through the use case."""
        with self.begin() as uow:
            row = uow.session.get_one(Account, account.id)
            opened = open_session(uow, row, address="127.0.0.1", browser=_PAGE["User-Agent"])
        client = self.app.test_client()
        client.set_cookie("genba", opened.token, domain="127.0.0.1")
        client.set_cookie("genba", opened.token, domain="localhost")
        return Browser(client, account.id)

    def a(self, *roles: Role) -> Browser:
        """A browser of a new person with these roles."""
        return self.signed_in(self.person(*roles))

    def everything_happens(self) -> int:
        """The workers do what waits; returns how many deliveries took effect."""
        with self.app.app_context():
            return run_everything_due()

    def everything_happens_twice(self) -> None:
        """Every delivery is run again, as a queue may do; nothing may happen by it."""
        self.everything_happens()
        with self.reading() as session:
            every = session.scalars(select(Delivery.id)).all()
        with self.app.app_context():
            assert sum(run_delivery(delivery_id) for delivery_id in every) == 0

    def tick(self) -> bool:
        """One round of the periodic process."""
        with self.app.app_context():
            return tick(TICK_HOLDER)

    def announced(self) -> list[str]:
        """The wire names of everything announced so far, in order."""
        with self.reading() as session:
            return list(session.scalars(select(OutboxMessage.name).order_by(OutboxMessage.id)))

    def count(self, kind: type[Base]) -> int:
        """How many rows of this kind there are."""
        with self.reading() as session:
            return session.scalar(select(func.count()).select_from(kind)) or 0
