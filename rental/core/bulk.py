"""Thousands of rows at once, past the session: COPY on PostgreSQL, one prepared statement on SQLite."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

import psycopg
from sqlalchemy import JSON, Date, Dialect, Enum
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from rental.core.db import Base, Instant

# In thousands of rows these have the same few values, each of which is converted once.
_OF_FEW_VALUES = (Date, Enum, Instant)


class WrittenJson(str):
    """JSON that is text already, to be stored as it is."""

    __slots__ = ()


def insert_many(session: Session, kind: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Stores the rows, which all name the same columns; those they leave out are NULL.

    The session knows nothing of them: no default is filled in, and the audit log hears of nothing. Raises
    IntegrityError and the like, as the session does.
    """
    if not rows:
        return
    connection = session.connection()
    names = tuple(rows[0])
    columns = [
        _stored([row[name] for row in rows], kind.__table__.c[name].type, connection.dialect)
        for name in names
    ]
    stored = zip(*columns, strict=True)
    listed = ", ".join(f'"{name}"' for name in names)
    if connection.dialect.name == "sqlite":
        places = ", ".join("?" * len(names))
        statement = f"INSERT INTO {kind.__tablename__} ({listed}) VALUES ({places})"  # noqa: S608 - our names
        connection.exec_driver_sql(statement, list(stored))
    else:
        _copy(connection, f"COPY {kind.__tablename__} ({listed}) FROM STDIN", stored)


def _copy(connection: Connection, statement: str, rows: Iterable[Sequence[Any]]) -> None:
    driver = cast(psycopg.Connection, connection.connection.driver_connection)
    try:
        with driver.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            for row in rows:
                copy.write_row(row)
    except psycopg.Error as error:
        raise DBAPIError.instance(
            statement, None, error, psycopg.Error, hide_parameters=True, dialect=connection.dialect
        ) from error


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
