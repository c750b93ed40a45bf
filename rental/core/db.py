"""Tables, and the one rule of writing: the database refuses a change made outside `begin(actor)`."""

import enum
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from flask import Flask, g
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as FlaskSession
from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Enum, MetaData, String, Uuid, event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.engine.interfaces import CoreExecuteOptionsParameter
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection
from sqlalchemy.types import TypeDecorator

from rental.core.errors import NotFound
from rental.core.money import Money

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


class Yen(TypeDecorator[Money]):
    """An amount of money, stored as whole yen."""

    impl = BigInteger
    cache_ok = True

    @property
    def python_type(self) -> type[Money]:
        return Money

    def process_bind_param(self, value: Money | None, dialect: Dialect) -> int | None:
        return None if value is None else value.minor_units

    def process_result_value(self, value: int | None, dialect: Dialect) -> Money | None:
        return None if value is None else Money(value)


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
        Money: Yen(),
        UUID: Uuid(),
        str: String(),
        dict[str, Any]: JSON(none_as_null=True),
    }
    __audited__: ClassVar[bool] = True


class ReadingSession(FlaskSession):
    """A session on the connection on which this request reads; it begins nothing before it is used."""

    _connection: Connection | None = None

    def connection(
        self,
        bind_arguments: Any = None,
        execution_options: CoreExecuteOptionsParameter | None = None,
    ) -> Connection:
        if bind_arguments or execution_options:
            return super().connection(bind_arguments, execution_options)
        if self._connection is None:
            self._connection = Connection(self._db.engine, pooled_connection())
        return self._connection

    def get_bind(self, *_: Any, bind: Engine | Connection | None = None, **__: Any) -> Engine | Connection:
        return bind or self.connection()

    def rollback(self) -> None:
        super().rollback()
        self._let_go()

    def close(self) -> None:
        super().close()
        self._let_go()

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        give_back()


class Database(SQLAlchemy):
    """Flask-SQLAlchemy with sessions that only read. Writers are made by core.uow.begin."""

    def init_app(self, app: Flask) -> None:
        app.teardown_appcontext(give_back)  # called in turn from the last: after the session has been closed
        super().init_app(app)


db = Database(metadata=Base.metadata, session_options={"class_": ReadingSession})


def pooled_connection() -> PoolProxiedConnection:
    """The connection on which this request, or this command, reads: one from the pool."""
    if "pooled" not in g:
        g.pooled = db.engine.raw_connection()
    pooled: PoolProxiedConnection = g.pooled
    return pooled


def give_back(_error: BaseException | None = None) -> None:
    """Puts that connection back into the pool."""
    pooled: PoolProxiedConnection | None = g.pop("pooled", None)
    if pooled is not None:
        pooled.close()


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
    PostgreSQL: its driver leaves the beginning to us, so that it takes one question and not two.
    """
    options = connection.get_execution_options()
    is_writing = bool(options.get("writing"))
    if connection.dialect.name == "sqlite":
        _let_write(connection, is_writing)
        if is_writing:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:  # takes no lock, so nothing can go wrong that the engine would have to hear of
            _tell(connection, "BEGIN")
        return
    isolation = "REPEATABLE READ" if options.get("snapshot") else "READ COMMITTED"
    mode = "READ WRITE" if is_writing else "READ ONLY"
    limit = 0 if options.get("patient") else STATEMENT_SECONDS
    connection.exec_driver_sql(
        f"BEGIN ISOLATION LEVEL {isolation} {mode}; SET LOCAL statement_timeout = '{limit}s'"
    )


def _let_write(connection: Connection, is_writing: bool) -> None:
    """SQLite forgets every prepared statement when it is told, so it is told only what is new to it."""
    known = connection.info
    if known.get("may_write") is is_writing:
        return
    known.pop("may_write", None)
    _tell(connection, f"PRAGMA query_only={'OFF' if is_writing else 'ON'}")
    known["may_write"] = is_writing


def _tell(connection: Connection, statement: str) -> None:
    """Straight to SQLite: a few microseconds, where the engine's way takes as long as a question."""
    connection.connection.cursor().execute(statement)


_NEVER_BY_ITSELF = 1 << 31


def engine_options(url: str, *, is_pooled: bool = False) -> dict[str, Any]:
    """How the engine of this address is opened; `is_pooled` where another program hands connections out."""
    # A statement that fails is logged without its values: password hashes are among them.
    common = {"hide_parameters": True}
    if url.startswith("sqlite"):
        return {**common, "connect_args": {"isolation_level": None, "timeout": 30}}
    return {
        **common,
        "pool_pre_ping": True,
        "pool_size": 10,
        "max_overflow": 20,
        # `_begin` begins. Prepared is only what asks for it (core.questions), however often other statements
        # are sent; and nothing where a pooler may change the connection between two transactions.
        "connect_args": {"autocommit": True, "prepare_threshold": None if is_pooled else _NEVER_BY_ITSELF},
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
        engine = engine.execution_options(snapshot=True, patient=True)
    with Session(engine) as session:
        yield session


def found(session: Session, kind: type[M], key: UUID) -> M:
    """The row with this key. Raises NotFound."""
    row = session.get(kind, key)
    if row is None:
        raise NotFound(kind=kind.__tablename__)
    return row
