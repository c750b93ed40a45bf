"""Tables, and the one rule of writing: the database refuses a change made outside `begin(actor)`."""

import enum
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import JSON, DateTime, Dialect, Enum, MetaData, String, Uuid, event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

from rental.core.errors import NotFound

# PostgreSQL ends a statement that takes longer; migrations and checks may take their time.
STATEMENT_SECONDS = 15

E = TypeVar("E", bound=enum.Enum)
M = TypeVar("M", bound="Base")


class Instant(TypeDecorator[datetime]):
    """A point in time, always zoned. SQLite keeps no zone, so UTC is stored and put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        return datetime

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def text_enum(kind: type[E]) -> Enum:
    """An enumeration stored as its text, with a CHECK so that no other text gets in."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=True,
        length=40,
        values_callable=lambda members: [str(member.value) for member in members],
    )


class Base(DeclarativeBase):
    """Every table. `__audited__` is False only where a row is bookkeeping and not a fact."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: Instant,
        UUID: Uuid(),
        str: String(),
        dict[str, Any]: JSON(none_as_null=True),
    }
    __audited__: ClassVar[bool] = True


# Sessions of `db` only read. Writers are made by core.uow.begin.
db = SQLAlchemy(metadata=Base.metadata)


@event.listens_for(Engine, "connect")
def _prepare_sqlite(connection: Any, entry: ConnectionPoolEntry) -> None:
    if not type(connection).__module__.startswith("sqlite3"):
        return
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


@event.listens_for(Engine, "begin")
def _begin(connection: Connection) -> None:
    """Only a connection with the option `writing` may write; for all others the database refuses it.

    SQLite: readers never take the write lock; writers take it at once, so that none fails half way.
    """
    is_writing = bool(connection.get_execution_options().get("writing"))
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA query_only={'OFF' if is_writing else 'ON'}")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")
        return
    limit = 0 if connection.get_execution_options().get("patient") else STATEMENT_SECONDS
    mode = "READ WRITE" if is_writing else "READ ONLY"
    connection.exec_driver_sql(f"SET TRANSACTION {mode}; SET LOCAL statement_timeout = '{limit}s'")


def engine_options(url: str) -> dict[str, Any]:
    """How the engine of this address is opened."""
    # A statement that fails is logged without its values: password hashes are among them.
    common = {"hide_parameters": True}
    if url.startswith("sqlite"):
        return {**common, "connect_args": {"isolation_level": None, "timeout": 30}}
    return {
        **common,
        "pool_pre_ping": True,
        "pool_size": 10,
        "max_overflow": 20,
        # Prepared statements would not survive a pooler that changes connections between transactions.
        "connect_args": {"prepare_threshold": None},
    }


def writing_engine() -> Engine:
    """The same connections, allowed to write."""
    return db.engine.execution_options(writing=True)


def reading() -> Session:
    """The session in which this request, or this command, reads; the database refuses its writes."""
    return db.session()


@contextmanager
def reading_snapshot() -> Iterator[Session]:
    """A session that only reads, and sees the database as it was at its first read."""
    engine = db.engine
    if engine.dialect.name == "postgresql":
        engine = engine.execution_options(isolation_level="REPEATABLE READ", patient=True)
    with Session(engine) as session:
        yield session


def found(session: Session, kind: type[M], key: UUID) -> M:
    """The row with this key. Raises NotFound."""
    row = session.get(kind, key)
    if row is None:
        raise NotFound(kind=kind.__tablename__)
    return row
