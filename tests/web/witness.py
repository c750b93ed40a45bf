"""What every table held at one moment, kept by the database itself, so that asking what changed is cheap."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from flask import Flask
from sqlalchemy import create_engine, select
from sqlalchemy.engine import Engine

from rental.core.db import Base, engine_options
from tests.web.company import changed_tables, rows_in

# An answer that is another one as soon as anybody has committed anything.
_COMMITS = {"sqlite": "PRAGMA data_version", "postgresql": "SELECT pg_current_snapshot()::text"}


class Witness:
    """Sees the database through a transaction that stays open, and watches whether others commit.

    As long as nobody commits, nothing can have changed, and no table is read. After a commit every row is
    compared with the row that the open transaction still sees.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._watching = engine.raw_connection()
        self._seeing = engine.execution_options(snapshot=True, patient=True).connect()
        self.look()

    def look(self) -> None:
        """What is there now is what has to stay."""
        self._seeing.rollback()
        self._commits = self._ask()
        # What a transaction sees is fixed by its first read, of whatever table.
        self._seeing.execute(select(Base.metadata.sorted_tables[0]).limit(1)).all()

    def changed(self, *, without: Iterable[str] = ()) -> list[str]:
        """The tables that differ from what was looked at, save those named."""
        if self._ask() == self._commits:
            return []
        with self._engine.connect() as now:
            return changed_tables(rows_in(self._seeing, without=without), rows_in(now))

    def close(self) -> None:
        self._seeing.close()
        self._watching.close()

    def _ask(self) -> object:
        cursor = self._watching.cursor()
        cursor.execute(_COMMITS[self._engine.dialect.name])
        return cursor.fetchone()


@contextmanager
def witness_of(app: Flask) -> Iterator[Witness]:
    """A witness of this app's database with connections of its own, closed at the end."""
    url = app.config["SQLALCHEMY_DATABASE_URI"]
    engine = create_engine(url, **engine_options(url))
    witness = Witness(engine)
    try:
        yield witness
    finally:
        witness.close()
        engine.dispose()
