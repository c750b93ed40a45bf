"""Letting people in, changing what they may do, and shutting them out."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm.attributes import flag_modified

from rental.core.errors import ChangedMeanwhile, Conflict
from rental.core.text import folded, narrow, tidy
from rental.core.uow import UnitOfWork, locked
from rental.identity import queries, rules
from rental.identity.events import PasswordSet, RolesChanged
from rental.identity.models import Account, AccountRole, AccountSession, SetUpLink
from rental.identity.permissions import Role
from rental.identity.rules import ACCOUNT_STATES, AccountState
from rental.identity.tokens import new_token, token_hash


class EmailTaken(Conflict):
    """Somebody signs in with this e-mail already."""

    code = "identity.email_taken"
    field = "email"


class AccountDisabled(Conflict):
    """Who may not sign in needs no way in."""

    code = "identity.account_disabled"


class WrongPassword(Conflict):
    """The present password, asked for again, was another one."""

    code = "identity.wrong_password"
    field = "current_password"


@dataclass(frozen=True, slots=True)
class Invitation:
    """A new account, and the secret of its set-up link: shown once, kept nowhere."""

    account: Account
    token: str


def normalised(email: str) -> str:
    """What two people would call the same e-mail address."""
    return folded(email)


def search_form(name: str) -> str:
    """The name as it is looked for: width and case do not matter."""
    return folded(tidy(name))[:300]


def invite_account(
    uow: UnitOfWork, *, email: str, name: str, roles: frozenset[Role], language: str
) -> Invitation:
    """A new account that waits for its owner to choose a password."""
    rules.require_roles(roles)
    if not rules.is_email(narrow(email)):
        raise rules.NotAnEmail
    if queries.account_with_email(uow.session, normalised(email)):
        raise EmailTaken

    account = Account(
        email=narrow(email),
        normalised_email=normalised(email),
        name=tidy(name),
        search_name=search_form(name),
        language=language,
        created_at=uow.now,
        role_rows=[AccountRole(role=role) for role in sorted(roles)],
    )
    uow.session.add(account)
    uow.session.flush()
    return Invitation(account, open_set_up_link(uow, account.id))


def open_set_up_link(uow: UnitOfWork, account_id: UUID) -> str:
    """A fresh one-time link; earlier ones of this account stop working. Returns its secret."""
    account = locked(uow, Account, account_id)
    if account.state is AccountState.DISABLED:
        raise AccountDisabled

    _take_back_links(uow, account_id)
    token = new_token()
    first_time = account.state is AccountState.INVITED
    lifetime = rules.SET_UP_LINK_LIFETIME if first_time else rules.RESET_LINK_LIFETIME
    uow.session.add(
        SetUpLink(
            account_id=account_id,
            token_hash=token_hash(token),
            created_at=uow.now,
            expires_at=uow.now + lifetime,
        )
    )
    uow.session.flush()
    return token


def set_up_account(uow: UnitOfWork, token: str, password_hash: str) -> Account:
    """The link's owner chose a password: the link is spent and every open session ends."""
    link = queries.usable_set_up_link(uow.session, token, uow.now)
    account = locked(uow, Account, link.account_id)
    uow.session.refresh(link, with_for_update=True)
    queries.usable_set_up_link(uow.session, token, uow.now)

    _take_back_links(uow, account.id)
    if account.state is AccountState.INVITED:
        account.state = AccountState.ACTIVE
    _set_password(uow, account, password_hash)
    return account


def change_password(
    uow: UnitOfWork, account_id: UUID, *, present_hash: str | None, password_hash: str, keep: UUID
) -> None:
    """A person chose a new password; all sessions but the one they sit at end.

    Raises WrongPassword when the present password, checked a moment ago, has been replaced since.
    """
    account = locked(uow, Account, account_id)
    if account.password_hash != present_hash:
        raise WrongPassword
    _set_password(uow, account, password_hash, keep=keep)


def change_account(
    uow: UnitOfWork, account_id: UUID, *, version: int, name: str, roles: frozenset[Role], language: str
) -> Account:
    """Name, language and roles as the administrator wants them. Raises ChangedMeanwhile."""
    rules.require_roles(roles)
    _lock_administrators(uow)
    account = locked(uow, Account, account_id)
    if account.version != version:
        raise ChangedMeanwhile
    if roles != account.roles:
        if Role.ADMINISTRATOR in account.roles - roles and account.state is AccountState.ACTIVE:
            _require_another_administrator(uow, account_id)
        kept = [row for row in account.role_rows if row.role in roles]
        account.role_rows = kept + [AccountRole(role=role) for role in sorted(roles - account.roles)]
        flag_modified(account, "name")  # so that the version rises with the roles too
        end_sessions(uow, account_id)
        uow.announce(RolesChanged(account.id))

    account.name = tidy(name)
    account.search_name = search_form(name)
    account.language = language
    uow.session.flush()
    return account


def disable_account(uow: UnitOfWork, account_id: UUID) -> None:
    """This person signs in nowhere any more, from this moment on."""
    _lock_administrators(uow)
    account = locked(uow, Account, account_id)
    ACCOUNT_STATES.check(account.state, AccountState.DISABLED)
    if Role.ADMINISTRATOR in account.roles and account.state is AccountState.ACTIVE:
        _require_another_administrator(uow, account_id)

    account.state = AccountState.DISABLED
    _take_back_links(uow, account_id)
    end_sessions(uow, account_id)


def enable_account(uow: UnitOfWork, account_id: UUID) -> None:
    """This person may sign in again, with the password of before, or sets one up."""
    account = locked(uow, Account, account_id)
    wanted = AccountState.ACTIVE if account.password_hash else AccountState.INVITED
    ACCOUNT_STATES.check(account.state, wanted)
    account.state = wanted


def change_preferences(
    uow: UnitOfWork, account_id: UUID, *, language: str | None, theme: str | None, density: str | None
) -> None:
    """How this person wants to see the screens; what is None stays.

    Neither a fact for the audit log nor a reason to refuse an administrator's open form.
    """
    wanted = {"language": language, "theme": theme, "density": density}
    if changed := {name: value for name, value in wanted.items() if value}:
        uow.session.execute(update(Account).where(Account.id == account_id).values(changed))


def end_sessions(uow: UnitOfWork, account_id: UUID, *, keep: UUID | None = None) -> int:
    """Signs the account out everywhere, or everywhere else; returns how many sessions ended."""
    statement = (
        update(AccountSession)
        .where(
            AccountSession.account_id == account_id,
            AccountSession.ended_at.is_(None),
            AccountSession.id != keep if keep else AccountSession.id.is_not(None),
        )
        .values(ended_at=uow.now)
        .returning(AccountSession.id)
        .execution_options(synchronize_session=False)
    )
    ended = len(uow.session.scalars(statement).all())
    if ended:
        uow.record("sessions_ended", entity="account", entity_id=account_id, count=ended)
    return ended


def _set_password(uow: UnitOfWork, account: Account, password_hash: str, *, keep: UUID | None = None) -> None:
    account.password_hash = password_hash
    end_sessions(uow, account.id, keep=keep)
    uow.announce(PasswordSet(account.id))


def _take_back_links(uow: UnitOfWork, account_id: UUID) -> None:
    open_links = select(SetUpLink).where(SetUpLink.account_id == account_id, SetUpLink.used_at.is_(None))
    for link in uow.session.scalars(open_links):
        link.used_at = uow.now
    uow.session.flush()


def _lock_administrators(uow: UnitOfWork) -> None:
    """One at a time decides who is an administrator; else two could remove each other."""
    uow.session.execute(
        select(Account.id)
        .join(AccountRole)
        .where(AccountRole.role == Role.ADMINISTRATOR)
        .order_by(Account.id)
        .with_for_update(of=Account)
    )


def _require_another_administrator(uow: UnitOfWork, account_id: UUID) -> None:
    if set(queries.active_administrators(uow.session)) <= {account_id}:
        raise rules.LastAdministrator
