"""Reading accounts, sessions and links."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnClause,
    Row,
    Select,
    String,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.orm import Session

from rental.core.errors import NotFound
from rental.core.text import folded
from rental.identity.models import Account, AccountRole, AccountSession, SetUpLink
from rental.identity.permissions import Permission, Role, permissions_of
from rental.identity.rules import AccountState
from rental.identity.tokens import token_hash


class SetUpLinkSpent(NotFound):
    """The link was used, taken back or ran out, or never was; nobody learns which."""

    code = "identity.set_up_link_spent"


def account_with_email(session: Session, normalised_email: str) -> Account | None:
    return session.scalar(select(Account).where(Account.normalised_email == normalised_email))


def account_exists(session: Session) -> bool:
    return session.scalar(select(Account.id).limit(1)) is not None


def accounts_matching(*, words: str, role: Role | None, state: AccountState | None) -> Select[Account]:
    """Accounts whose name or e-mail contains the words, in no order yet."""
    statement = select(Account)
    if words:
        wanted = folded(words)
        statement = statement.where(
            or_(
                Account.search_name.contains(wanted, autoescape=True),
                Account.normalised_email.contains(wanted, autoescape=True),
            )
        )
    if role:
        statement = statement.where(
            Account.id.in_(select(AccountRole.account_id).where(AccountRole.role == role))
        )
    if state:
        statement = statement.where(Account.state == state)
    return statement


def account_counts(session: Session) -> dict[AccountState, int]:
    """How many accounts are in each state."""
    rows = session.execute(select(Account.state, func.count()).group_by(Account.state)).all()
    return dict.fromkeys(AccountState, 0) | dict(rows)


def account_names(session: Session, ids: Collection[UUID]) -> dict[UUID, str]:
    """The names of those ids that are accounts."""
    rows = session.execute(select(Account.id, Account.name).where(Account.id.in_(ids)))
    return dict(rows.all())


def account_ids_matching(session: Session, words: str) -> Sequence[UUID]:
    """The accounts that these words may mean, at most 200."""
    matching = accounts_matching(words=words, role=None, state=None).with_only_columns(Account.id)
    return session.scalars(matching.limit(200)).all()


def active_administrators(session: Session) -> Sequence[UUID]:
    """Who can let others in at present."""
    return session.scalars(
        select(Account.id)
        .join(AccountRole)
        .where(AccountRole.role == Role.ADMINISTRATOR, Account.state == AccountState.ACTIVE)
        .order_by(Account.id)
    ).all()


@dataclass(frozen=True, slots=True)
class SignedInAccount:
    """What a request has to know of whoever sent it, read anew each time."""

    id: UUID
    email: str
    name: str
    language: str
    theme: str
    density: str
    roles: frozenset[Role]
    permissions: frozenset[Permission]

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session that is open, and whose account may sign in."""

    id: UUID
    last_seen_at: datetime
    account: SignedInAccount


# What never changes is written out, not bound: a bound value is put in anew for every request.
_BLANK: Any = literal_column("' '")
_ACTIVE: ColumnClause[str] = literal_column(f"'{AccountState.ACTIVE}'")
_ROLES = (
    select(func.aggregate_strings(type_coerce(AccountRole.role, String), _BLANK))
    .where(AccountRole.account_id == Account.id)
    .scalar_subquery()
)
# Every request begins with it, so it is put together once; `session_parameters` are what it asks for,
# `read_session` is what a row of it says.
OPEN_SESSION = (
    select(
        AccountSession.id.label("session_id"),
        AccountSession.last_seen_at,
        Account.id,
        Account.email,
        Account.name,
        Account.language,
        Account.theme,
        Account.density,
        _ROLES.label("roles"),
    )
    .join(Account, AccountSession.account_id == Account.id)
    .where(
        AccountSession.token_hash == bindparam("token_hash"),
        AccountSession.ended_at.is_(None),
        AccountSession.expires_at > bindparam("now"),
        Account.state == _ACTIVE,
    )
)


def session_parameters(token: str, now: datetime) -> dict[str, Any]:
    """Which session `OPEN_SESSION` finds: the one this cookie belongs to, if it is open now."""
    return {"token_hash": token_hash(token), "now": now}


def read_session(row: Row[Any]) -> OpenSession:
    """The session of a row of `OPEN_SESSION`."""
    roles, permissions = _read_roles(row.roles or "")
    account = SignedInAccount(
        id=row.id,
        email=row.email,
        name=row.name,
        language=row.language,
        theme=row.theme,
        density=row.density,
        roles=roles,
        permissions=permissions,
    )
    return OpenSession(row.session_id, row.last_seen_at, account)


@lru_cache(maxsize=256)
def _read_roles(text: str) -> tuple[frozenset[Role], frozenset[Permission]]:
    """Roles in any order, divided by spaces; and what they may do together."""
    roles = frozenset(map(Role, text.split()))
    return roles, permissions_of(roles)


def open_sessions_of(session: Session, account_id: UUID, now: datetime) -> Sequence[AccountSession]:
    """Where this account is signed in, latest use first."""
    return session.scalars(
        select(AccountSession)
        .where(
            AccountSession.account_id == account_id,
            AccountSession.ended_at.is_(None),
            AccountSession.expires_at > now,
        )
        .order_by(AccountSession.last_seen_at.desc(), AccountSession.id)
        .limit(100)
    ).all()


def usable_set_up_link(session: Session, token: str, now: datetime) -> SetUpLink:
    """The link with this token. Raises SetUpLinkSpent when it opens nothing (any more)."""
    link = session.scalar(
        select(SetUpLink)
        .join(Account)
        .where(
            SetUpLink.token_hash == token_hash(token),
            SetUpLink.used_at.is_(None),
            SetUpLink.expires_at > now,
            Account.state != AccountState.DISABLED,
        )
    )
    if link is None:
        raise SetUpLinkSpent
    return link
