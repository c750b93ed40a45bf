"""Inserting what is not there yet: the same statement on both databases."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.orm import InstrumentedAttribute, Session

from rental.core.db import Base

# PostgreSQL takes at most 65,535 values in one statement.
_MOST_VALUES = 30_000


def insert_new(
    session: Session,
    kind: type[Base],
    rows: Sequence[dict[str, Any]],
    *returning: InstrumentedAttribute[Any],
) -> list[Row[Any]]:
    """Inserts the rows whose keys nobody has taken; returns these columns of those that were inserted."""
    insert = insert_sqlite if session.get_bind().dialect.name == "sqlite" else insert_postgresql
    inserted: list[Row[Any]] = []
    at_once = max(1, _MOST_VALUES // len(rows[0])) if rows else 1
    for first in range(0, len(rows), at_once):
        statement = insert(kind).values(list(rows[first : first + at_once])).on_conflict_do_nothing()
        if returning:
            inserted += session.execute(statement.returning(*returning)).all()
        else:
            session.execute(statement)
    return inserted
