"""Signing in: throttled, and telling a stranger nothing about who exists."""

import hashlib
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from uuid import UUID

from sqlalchemy import case, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.orm import Session

from rental.core.errors import Invalid, TooMany
from rental.core.uow import UnitOfWork
from rental.identity import rules
from rental.identity.accounts import normalised
from rental.identity.models import Account, SignInThrottle
from rental.identity.passwords import hash_password, password_matches, wants_new_hash
from rental.identity.rules import AccountState
from rental.identity.sessions import OpenedSession, open_session

# One address may be a whole office: it gets more tries over all e-mails than one person at one e-mail, and
# typing errors of the whole day do not add up.
FAILURES_PER_PLACE = 30
PLACE_FORGOTTEN_AFTER = timedelta(hours=1)


class SignInRefused(Invalid):
    """Unknown e-mail, wrong password, no password yet or a disabled account: all the same to the asker."""

    code = "identity.sign_in_refused"


class SignInThrottled(TooMany):
    """Too many refused sign-ins in a row."""

    code = "identity.sign_in_throttled"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What somebody typed, and from where."""

    email: str
    password: str
    address: str
    browser: str


@dataclass(frozen=True, slots=True)
class Known:
    """The account whose e-mail and password were given."""

    id: UUID
    name: str
    password_hash: str


def check_credentials(session: Session, given: Credentials, now: datetime) -> Known | None:
    """Whose credentials these are, or None, with the same work either way. Only reads: no lock while hashing.

    Raises SignInThrottled while the e-mail at this address, or the address, has to wait.
    """
    require_no_wait(session, given, now)
    active = session.execute(
        select(Account.id, Account.name, Account.password_hash).where(
            Account.normalised_email == normalised(given.email), Account.state == AccountState.ACTIVE
        )
    ).one_or_none()
    matches = password_matches(active.password_hash if active else None, given.password)
    return Known(active.id, active.name, active.password_hash) if active and matches else None


def require_no_wait(session: Session, given: Credentials, now: datetime) -> None:
    """Raises SignInThrottled while the last wrong passwords still make this person or place wait."""
    keys = [counter.key for counter in _counters(given)]
    wait_until = session.scalar(
        select(func.max(SignInThrottle.wait_until)).where(SignInThrottle.key.in_(keys))
    )
    if wait_until and wait_until > now:
        raise SignInThrottled(retry_after=max(1, math.ceil((wait_until - now).total_seconds())))


def refuse_sign_in(uow: UnitOfWork, given: Credentials) -> None:
    """Remembers a refused sign-in; the next ones of this kind have to wait longer and longer."""
    note_wrong_password(uow, given)
    uow.record("sign_in_refused", entity="account", entity_id=None, email=normalised(given.email)[:254])


def note_wrong_password(uow: UnitOfWork, given: Credentials) -> None:
    """Counts a wrong password against the person and the place."""
    insert = insert_sqlite if uow.session.get_bind().dialect.name == "sqlite" else insert_postgresql
    for counter in _counters(given):
        is_old = SignInThrottle.last_failed_at < uow.now - counter.forgotten_after
        failures: int = uow.session.execute(
            insert(SignInThrottle)
            .values(key=counter.key, failure_count=1, last_failed_at=uow.now, wait_until=uow.now)
            .on_conflict_do_update(
                index_elements=[SignInThrottle.key],
                set_={
                    "failure_count": case((is_old, 1), else_=SignInThrottle.failure_count + 1),
                    "last_failed_at": uow.now,
                },
            )
            .returning(SignInThrottle.failure_count)
        ).scalar_one()
        uow.session.execute(
            update(SignInThrottle)
            .where(SignInThrottle.key == counter.key)
            .values(wait_until=uow.now + rules.wait_after(failures - counter.forgiven))
        )


def sign_in(uow: UnitOfWork, known: Known, given: Credentials) -> OpenedSession:
    """Opens a session for somebody whose credentials were found right a moment ago.

    Raises SignInRefused when the account was disabled, or its password replaced, since.
    """
    account = uow.session.get(Account, known.id, with_for_update=True, populate_existing=True)
    if (
        account is None
        or account.state is not AccountState.ACTIVE
        or account.password_hash != known.password_hash
    ):
        raise SignInRefused
    if wants_new_hash(known.password_hash):
        account.password_hash = hash_password(given.password)
    person, _ = _counters(given)
    uow.session.execute(delete(SignInThrottle).where(SignInThrottle.key == person.key))
    return open_session(uow, account, address=given.address, browser=given.browser)


def forget_old_failures(uow: UnitOfWork) -> None:
    """A day without a failure wipes the slate."""
    long_ago = uow.now - rules.FAILURES_FORGOTTEN_AFTER
    uow.session.execute(delete(SignInThrottle).where(SignInThrottle.last_failed_at < long_ago))


@dataclass(frozen=True, slots=True)
class _Counter:
    """What a wrong password is counted against; so many are forgiven beyond the usual few."""

    key: str
    forgiven: int
    forgotten_after: timedelta


def _counters(given: Credentials) -> tuple[_Counter, _Counter]:
    place = _place(given.address)
    person = f"person|{normalised(given.email)}|{place}"
    return (
        _Counter(_hash(person), 0, rules.FAILURES_FORGOTTEN_AFTER),
        _Counter(_hash(f"place|{place}"), FAILURES_PER_PLACE, PLACE_FORGOTTEN_AFTER),
    )


def _place(address: str) -> str:
    """An IPv6 customer owns a whole /64 and could try each address of it."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(ip_network(f"{parsed}/64", strict=False))
    return str(parsed)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
