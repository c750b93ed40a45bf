"""Keyset pages: a page continues after the last row of the one before, so any depth costs the same."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Select, and_, false, or_
from sqlalchemy.orm import InstrumentedAttribute, Session

from rental.core.errors import Invalid
from rental.core.money import Money

R = TypeVar("R")


class UnreadableCursor(Invalid):
    """The place to continue from was not made by us, or belongs to another order."""

    code = "core.unreadable_cursor"
    field = "after"


@dataclass(frozen=True, slots=True)
class Order:
    """Sort by these columns, all in one direction; the last one must be unique."""

    columns: tuple[InstrumentedAttribute[Any], ...]
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """Some rows, and where the next page begins: None on the last."""

    rows: Sequence[R]
    next_cursor: str | None


def page_of(
    session: Session, statement: Select[R], order: Order, *, after: str | None, limit: int
) -> Page[R]:
    """The rows of the statement from the cursor on, at most `limit`. Raises UnreadableCursor.

    Every column of the order is NOT NULL: NULL has no place in a keyset.
    """
    if after:
        statement = statement.where(_beyond(order, read_cursor(after, order)))
    directed = [column.desc() if order.descending else column.asc() for column in order.columns]
    rows = session.scalars(statement.order_by(*directed).limit(limit + 1)).all()
    if len(rows) <= limit:
        return Page(rows, None)
    return Page(rows[:limit], _cursor_at(rows[limit - 1], order))


def _beyond(order: Order, values: list[Any]) -> ColumnElement[bool]:
    beyond: ColumnElement[bool] = false()
    for place, (column, value) in enumerate(zip(order.columns, values, strict=True)):
        further = column < value if order.descending else column > value
        same = [c == v for c, v in zip(order.columns[:place], values[:place], strict=True)]
        beyond = or_(beyond, and_(*same, further))
    return beyond


def _cursor_at(row: Any, order: Order) -> str:
    values = [_plain(getattr(row, column.key)) for column in order.columns]
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Money):
        return value.minor_units
    return value.isoformat() if isinstance(value, date) else str(value) if isinstance(value, UUID) else value


def read_cursor(text: str, order: Order) -> list[Any]:
    """The values a page ended with. Raises UnreadableCursor for a text that was not made for this order."""
    try:
        values = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if not isinstance(values, list) or len(values) != len(order.columns):
            raise ValueError(text)
        return [_typed(value, column) for value, column in zip(values, order.columns, strict=True)]
    except (binascii.Error, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise UnreadableCursor from error


def _typed(value: Any, column: InstrumentedAttribute[Any]) -> Any:
    kind = column.type.python_type
    if kind is datetime:
        return _text(value, datetime.fromisoformat).astimezone(UTC)
    if kind is date:
        return _text(value, date.fromisoformat)
    if kind is UUID or issubclass(kind, Enum):
        return _text(value, kind)
    if kind is Money:
        return Money(_whole(value))
    if type(value) is not kind:
        raise TypeError(f"a cursor holds {kind.__name__}, got {type(value).__name__}")
    if kind is str:
        value.encode()  # lone surrogates have no place in any database
    if kind is str and "\x00" in value:
        raise ValueError("no database holds this value")
    if kind is int:
        return _whole(value, bits=64 if isinstance(column.type, BigInteger) else 32)
    return value


def _whole(value: Any, *, bits: int = 64) -> int:
    if type(value) is not int:
        raise TypeError(f"a cursor holds a whole number here, got {type(value).__name__}")
    if abs(value) >= 1 << (bits - 1):
        raise ValueError("no column of this type holds this value")
    return value


def _text(value: Any, read: Callable[[str], Any]) -> Any:
    if not isinstance(value, str):
        raise TypeError(f"a cursor holds text here, got {type(value).__name__}")
    return read(value)
