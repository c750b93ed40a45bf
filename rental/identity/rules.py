"""What a good password is, how long a session lasts, how long a guesser waits."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from zxcvbn import zxcvbn

from rental.core.errors import Conflict, Invalid
from rental.core.states import States
from rental.identity.permissions import Role

_EMAIL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")
EMAIL_MAX_LENGTH = 254
PASSWORD_MIN_LENGTH = 12
# zxcvbn's scale from 0 to 4: 4 means more than 10^10 guesses.
ENOUGH_SCORE = 4
_OUR_WORDS = ("genba", "現場便", "rental", "sakura", "himitsu", "nihon", "tokyo", "aishiteru", "doraemon")
PASSWORD_MAX_LENGTH = 128
SET_UP_LINK_LIFETIME = timedelta(hours=72)
RESET_LINK_LIFETIME = timedelta(minutes=30)
FREE_FAILURES = 3
LONGEST_WAIT = timedelta(minutes=15)
FAILURES_FORGOTTEN_AFTER = timedelta(hours=24)


class AccountState(StrEnum):
    """Invited until the first password is set; a disabled account signs in nowhere."""

    INVITED = "invited"
    ACTIVE = "active"
    DISABLED = "disabled"


ACCOUNT_STATES = States(
    {
        AccountState.INVITED: {AccountState.ACTIVE, AccountState.DISABLED},
        AccountState.ACTIVE: {AccountState.DISABLED},
        AccountState.DISABLED: {AccountState.ACTIVE, AccountState.INVITED},
    }
)


class WeakPassword(Invalid):
    """Too short, too long, too common, or made of the person's own name."""

    field = "password"

    def __init__(self, code: str, **params: object) -> None:
        self.code = code  # type: ignore[misc]
        super().__init__(**params)


class NotAnEmail(Invalid):
    """This is no address that mail could be sent to."""

    code = "identity.not_an_email"
    field = "email"


class RolesDoNotMix(Invalid):
    """A customer's account has no staff role."""

    code = "identity.roles_do_not_mix"
    field = "roles"


class NoRole(Invalid):
    """An account without a role could do nothing."""

    code = "identity.no_role"
    field = "roles"


class LastAdministrator(Conflict):
    """Somebody must be left who can let others in."""

    code = "identity.last_administrator"
    field = "roles"


def is_email(text: str) -> bool:
    """Whether it looks like name@example.jp; only a mail sent there could tell more."""
    return len(text) <= EMAIL_MAX_LENGTH and _EMAIL.fullmatch(text) is not None


def require_good_password(password: str, *, email: str, name: str) -> None:
    """NIST SP 800-63B §5.1.1.2: length, and nothing that is guessed early; no rules of composition.

    zxcvbn counts the guesses of an attacker who knows the usual lists, keyboards, dates and repetitions, and
    the person's own name (Wheeler, USENIX Security 2016).
    """
    length = len(password)
    if length < PASSWORD_MIN_LENGTH:
        raise WeakPassword("identity.password_too_short", minimum=PASSWORD_MIN_LENGTH)
    if length > PASSWORD_MAX_LENGTH:
        raise WeakPassword("identity.password_too_long", maximum=PASSWORD_MAX_LENGTH)
    own_words = [email.split("@")[0], *email.split("@")[-1].split("."), *name.split(), *_OUR_WORDS]
    estimate = zxcvbn(password, user_inputs=own_words, max_length=PASSWORD_MAX_LENGTH)
    if estimate["score"] >= ENOUGH_SCORE:
        return
    if any(part.get("dictionary_name") == "user_inputs" for part in estimate["sequence"]):
        raise WeakPassword("identity.password_own_name")
    raise WeakPassword("identity.password_common")


def password_bytes(password: str) -> str:
    """The password as it is hashed: composed characters, so that two keyboards give the same one."""
    return unicodedata.normalize("NFC", password)


def require_roles(roles: frozenset[Role]) -> None:
    """At least one, and `customer` only alone."""
    if not roles:
        raise NoRole
    if Role.CUSTOMER in roles and len(roles) > 1:
        raise RolesDoNotMix


def wait_after(failure_count: int) -> timedelta:
    """How long after so many refused sign-ins in a row the next one is looked at: 2 s, 4 s … 15 min."""
    if failure_count < FREE_FAILURES:
        return timedelta(0)
    return min(timedelta(seconds=2 ** min(failure_count - FREE_FAILURES + 1, 12)), LONGEST_WAIT)


class SessionKind(StrEnum):
    """A browser at a desk, or a phone that stays signed in through the working month."""

    BROWSER = "browser"
    PHONE = "phone"


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How long a session lives without use, and at most."""

    idle: timedelta
    longest: timedelta


SESSION_LIMITS = {
    SessionKind.BROWSER: SessionLimits(idle=timedelta(minutes=30), longest=timedelta(hours=12)),
    SessionKind.PHONE: SessionLimits(idle=timedelta(days=30), longest=timedelta(days=365)),
}


def session_kind_for(roles: frozenset[Role]) -> SessionKind:
    """Technicians work where there is no signal to sign in with; everybody else sits at a desk."""
    return SessionKind.PHONE if roles == {Role.TECHNICIAN} else SessionKind.BROWSER
