"""What a check is, and its findings as plain values."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, Select
from sqlalchemy.orm import Session


class Severity(StrEnum):
    """Whether work waits, or the books are wrong."""

    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Check:
    """One question. `code` is its name everywhere; `cure` says what a person does when the answer is no."""

    code: str
    question: str
    cure: str
    severity: Severity
    ask: Callable[[Session, datetime], list[dict[str, Any]]]


def rows_of(session: Session, statement: Select[*tuple[Any, ...]]) -> list[dict[str, Any]]:
    """What the statement finds, as values that JSON can hold."""
    return [_plain(row) for row in session.execute(statement)]


def _plain(row: Row[Any]) -> dict[str, Any]:
    return {name: _value(value) for name, value in row._mapping.items()}


def _value(value: Any) -> Any:
    if isinstance(value, date):  # a datetime is one too
        return value.isoformat()
    return value if value is None or isinstance(value, int) else str(value)
