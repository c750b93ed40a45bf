"""What the other packages hear about people."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from rental.core.events import Event


@dataclass(frozen=True, slots=True)
class PasswordSet(Event):
    """An account got a new password. Sent each time, in the transaction that stored it."""

    name: ClassVar[str] = "identity.password_set"

    account_id: UUID


@dataclass(frozen=True, slots=True)
class RolesChanged(Event):
    """An account's roles became other ones. Sent once per change."""

    name: ClassVar[str] = "identity.roles_changed"

    account_id: UUID


@dataclass(frozen=True, slots=True)
class SignedInSomewhereNew(Event):
    """A session was opened in a browser this account had not used before."""

    name: ClassVar[str] = "identity.signed_in_somewhere_new"

    account_id: UUID
    session_id: UUID
