"""Thousands of rows at once, past the session: COPY on PostgreSQL, one prepared statement on SQLite."""

import gc
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import Any, cast
from uuid import UUID

import psycopg
from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    Dialect,
    Enum,
    Integer,
    Uuid,
    any_,
    literal,
)
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.types import TypeEngine

from rental.core.db import Base, Instant, Yen

# In thousands of rows these have the same few values, each of which is converted once.
_OF_FEW_VALUES = (Date, Enum, Instant)
# Their text has neither a backslash nor anything that separates values.
_NEVER_ESCAPED = (Integer, BigInteger, Boolean)
_NULL = r"\N"
_ESCAPES = str.maketrans({"\t": r"\t", "\n": r"\n", "\r": r"\r"})


def is_any_of(
    session: Session, column: InstrumentedAttribute[UUID], ids: Sequence[UUID]
) -> ColumnElement[bool]:
    """Whether it is one of thousands of ids: PostgreSQL takes them as one value, which saves most of the time
    for writing the statement."""
    if session.get_bind().dialect.name == "sqlite":
        return column.in_(ids)
    return column == any_(literal(ids, ARRAY(Uuid())))


class WrittenJson(str):
    """JSON that is text already, to be stored as it is."""

    __slots__ = ()


@contextmanager
def piling_up_rows() -> Iterator[None]:
    """Inside, Python does not look for objects that refer to each other in a circle.

    It would look through all the rows again and again, for a fifth of the time of a closing.
    """
    was_looking = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_looking:
            gc.enable()


@dataclass(frozen=True, slots=True)
class Load:
    """Rows of one table as the driver takes them: nothing is left to do but to store them."""

    connection: Connection
    statement: str
    values: str | list[tuple[Any, ...]]

    def store(self) -> None:
        """Raises IntegrityError and the like, as the session does."""
        if not self.values:
            return
        if isinstance(self.values, str):
            _copy(self.connection, self.statement, self.values)
        else:
            self.connection.exec_driver_sql(self.statement, self.values)


def insert_many(session: Session, kind: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Stores the rows, which all name the same columns; those they leave out are NULL.

    The session knows nothing of them: no default is filled in, and the audit log hears of nothing. Raises
    IntegrityError and the like, as the session does.
    """
    if rows:
        load_of(session, kind, rows).store()


def load_of(session: Session, kind: type[Base], rows: Sequence[Mapping[str, Any]]) -> Load:
    """The same rows made ready, to be stored when nobody should wait for more than the database itself."""
    connection = session.connection()
    names = tuple(rows[0]) if rows else ()
    kinds = [kind.__table__.c[name].type for name in names]
    columns = [list(map(itemgetter(name), rows)) for name in names]
    listed = ", ".join(f'"{name}"' for name in names)
    if connection.dialect.name == "sqlite":
        places = ", ".join("?" * len(names))
        statement = f"INSERT INTO {kind.__tablename__} ({listed}) VALUES ({places})"  # noqa: S608 - our names
        stored = zip(*map(partial(_stored, dialect=connection.dialect), columns, kinds), strict=True)
        return Load(connection, statement, list(stored))
    written = zip(*map(partial(_written, dialect=connection.dialect), columns, kinds), strict=True)
    lines = "".join(f"{line}\n" for line in map("\t".join, written))
    return Load(connection, f"COPY {kind.__tablename__} ({listed}) FROM STDIN", lines)


def _copy(connection: Connection, statement: str, lines: str) -> None:
    """All rows as one text: the driver would take as long to write them one by one as the server to store
    them."""
    driver = cast(psycopg.Connection, connection.connection.driver_connection)
    try:
        with driver.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            copy.write(lines)
    except psycopg.Error as error:
        raise DBAPIError.instance(
            statement, None, error, psycopg.Error, hide_parameters=True, dialect=connection.dialect
        ) from error


def _written(values: list[Any], kind: TypeEngine[Any], dialect: Dialect) -> Iterable[str]:
    """The values of a column as the text that PostgreSQL reads (its manual, "COPY: text format")."""
    if isinstance(kind, Uuid):
        return [_NULL if value is None else f"{value.int:032x}" for value in values]
    if isinstance(kind, Yen):
        return [_NULL if value is None else str(value.minor_units) for value in values]
    stored = _stored(values, kind, dialect)
    if isinstance(kind, _NEVER_ESCAPED):
        return [_NULL if value is None else str(value) for value in stored]
    if isinstance(kind, _OF_FEW_VALUES):
        known = {value: _NULL if value is None else _escaped(str(value)) for value in set(stored)}
        return [known[value] for value in stored]
    return [_NULL if value is None else _escaped(value) for value in stored]


def _escaped(text: str) -> str:
    """Text in which nothing ends the value or the row."""
    if "\\" in text:
        text = text.replace("\\", "\\\\")
    return text if text.isprintable() else text.translate(_ESCAPES)


def _stored(values: list[Any], kind: TypeEngine[Any], dialect: Dialect) -> Sequence[Any]:
    """The values of a column as the driver takes them."""
    convert: Callable[[Any], Any] | None
    convert = _json_text if isinstance(kind, JSON) else kind.dialect_impl(dialect).bind_processor(dialect)
    if convert is None:
        return values
    if isinstance(kind, _OF_FEW_VALUES):
        known = {value: convert(value) for value in set(values) if value is not None}
        return [known.get(value) for value in values]
    return [None if value is None else convert(value) for value in values]


def _json_text(value: Any) -> str:
    return value if isinstance(value, WrittenJson) else json.dumps(value)
