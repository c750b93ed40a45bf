"""Who is signed in where. The server keeps the list, so ending a session ends it at once, everywhere."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select

from rental.core.errors import NotFound
from rental.core.uow import UnitOfWork
from rental.identity.events import SignedInSomewhereNew
from rental.identity.models import Account, AccountSession
from rental.identity.rules import SESSION_LIMITS, session_kind_for
from rental.identity.tokens import new_token, token_hash

# A page is a read; that somebody is still there is written at most this often.
SEEN_AGAIN_AFTER = timedelta(minutes=1)
KEEP_ENDED = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A new session, and the token for its cookie."""

    session: AccountSession
    token: str


def open_session(uow: UnitOfWork, account: Account, *, address: str, browser: str) -> OpenedSession:
    """Signs the account in here; its owner is told when the place is a new one."""
    token = new_token()
    kind = session_kind_for(account.roles)
    known = uow.session.scalar(
        select(AccountSession.id)
        .where(AccountSession.account_id == account.id, AccountSession.browser == browser[:200])
        .limit(1)
    )
    first = uow.session.scalar(
        select(AccountSession.id).where(AccountSession.account_id == account.id).limit(1)
    )
    opened = AccountSession(
        account_id=account.id,
        token_hash=token_hash(token),
        kind=kind,
        address=address[:64],
        browser=browser[:200],
        opened_at=uow.now,
        last_seen_at=uow.now,
        expires_at=uow.now + min(SESSION_LIMITS[kind].idle, SESSION_LIMITS[kind].longest),
    )
    uow.session.add(opened)
    uow.session.flush()
    uow.record("signed_in", entity="account", entity_id=account.id, browser=opened.browser)
    if first is not None and known is None:
        uow.announce(SignedInSomewhereNew(account.id, opened.id))
    return OpenedSession(opened, token)


def keep_session_alive(uow: UnitOfWork, session_id: UUID) -> None:
    """The person is still there: the session lives on, up to its longest life."""
    session = uow.session.get(AccountSession, session_id)
    if session is None or session.ended_at is not None:
        return
    limits = SESSION_LIMITS[session.kind]
    session.last_seen_at = uow.now
    session.expires_at = min(uow.now + limits.idle, session.opened_at + limits.longest)


def end_session(uow: UnitOfWork, account_id: UUID, session_id: UUID) -> None:
    """Ends one session of this account. Raises NotFound when it is not theirs or not open."""
    session = uow.session.scalar(
        select(AccountSession)
        .where(
            AccountSession.id == session_id,
            AccountSession.account_id == account_id,
            AccountSession.ended_at.is_(None),
        )
        .with_for_update(of=AccountSession)
    )
    if session is None:
        raise NotFound(kind="account_session")
    session.ended_at = uow.now
    uow.record("session_ended", entity="account", entity_id=account_id, session=session_id)


def forget_old_sessions(uow: UnitOfWork) -> None:
    """Sessions that ended or ran out are listed for three months, then they go."""
    long_ago = uow.now - KEEP_ENDED
    uow.session.execute(delete(AccountSession).where(AccountSession.expires_at < long_ago))
