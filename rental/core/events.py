"""Facts that packages announce, and their form on the wire."""

import dataclasses
import types
import typing
from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar, TypeVar
from uuid import UUID

Ev = TypeVar("Ev", bound="Event")


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """A fact in the past tense with a stable wire name. Fields are ids, dates, numbers and short text.

    Fields may be added with a default; they are never renamed or removed while messages may wait.
    """

    name: ClassVar[str]


def to_wire(event: Event) -> dict[str, Any]:
    """The event's fields as JSON values. Raises TypeError for a field JSON has no form for."""
    return {field.name: _plain(getattr(event, field.name)) for field in dataclasses.fields(event)}


def from_wire(kind: type[Ev], payload: dict[str, Any]) -> Ev:
    """The event again. Unknown fields are passed over: a newer sender may know more than we do."""
    hints = typing.get_type_hints(kind)
    known = {field.name for field in dataclasses.fields(kind)}
    return kind(**{name: _typed(value, hints[name]) for name, value in payload.items() if name in known})


def _plain(value: object) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value.value if isinstance(value, StrEnum) else value
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, date):  # datetime is a date
        return value.isoformat()
    raise TypeError(f"an event cannot carry {type(value).__name__}")


def _typed(value: Any, hint: Any) -> Any:
    if value is None:
        return None
    if isinstance(hint, types.UnionType):
        (hint,) = (option for option in typing.get_args(hint) if option is not type(None))
    if hint in (date, datetime):
        return hint.fromisoformat(value)
    return hint(value)
