"""What `scripts/bench billing` measures: a closing beside its own rows written raw, and invoices as PDF."""

import gc
import sqlite3
import time
from calendar import monthrange
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count, islice
from pathlib import Path
from typing import Any, Protocol, cast
from uuid import UUID

import noto_cjk
import psycopg
import typst
from _bench_report import Report, spent
from sqlalchemy import insert, select

from rental.billing.documents import draw
from rental.billing.models import BillingSchedule, Invoice
from rental.billing.runs import open_run
from rental.contracts.models import Contract, Line, LineEvent, Slot, Term
from rental.core.db import db, reading, writing_engine
from rental.core.documents import _fonts
from rental.core.ids import new_id
from rental.core.outbox import Delivery, DeliveryState
from rental.core.uow import begin, system
from rental.customers.models import BillingAccount, Customer, Site
from rental.worker import run_delivery
from tests.factories.billed import Rented, machines_in_service, make_issuer
from tests.support.databases import Database, PostgresqlDatabase, SqliteDatabase
from tests.support.story import Story

BENCH = system("bench")
# An account has one contract with two lines, each for two machines.
LINES = (Rented(9800, machines=2), Rented(4980, machines=2))
SLOTS_OF_ACCOUNT = sum(line.machines for line in LINES)
AT_ONCE = 5000
INVOICES_DRAWN, DRAWN_AT_ONCE = 1000, 100
COPIED = (Customer, BillingAccount, Site, Contract, Term, Line, Slot, LineEvent, BillingSchedule)
# The tables a closing adds rows to, each with a column that is an id made for the row, or for its invoice;
# in an order in which the database takes them.
WRITTEN = {
    "billing_run": "id",
    "invoice": "id",
    "invoice_line": "id",
    "invoice_tax": "invoice_id",
    "billing_claim": "invoice_id",
    "billed_segment": "id",
    "billed_span": "id",
    "journal_entry": "source_id",
    "journal_line": "source_id",
    "revenue_schedule": "invoice_line_id",
    "document": "id",
    "billing_item": "id",
    "audit_entry": "id",
    "outbox_message": "id",
    "delivery": "id",
}


class Raw(Protocol):
    """The database without the product: rows since an id are read from one, and written into its twin."""

    def read(self, table: str, key: str, since: UUID) -> Any: ...

    def write(self, rows: Mapping[str, Any]) -> None: ...

    def count(self, table: str) -> int: ...


class BillingBench:
    """A company that is closed month after month; its twin is only given the rows that this wrote."""

    def __init__(self, story: Story, database: Database, report: Report, slot_count: int) -> None:
        self.story, self.database, self.report = story, database, report
        self.account_count = slot_count // SLOTS_OF_ACCOUNT
        self.month = date(2026, 3, 1)

    def run(self) -> None:
        """Months are closed in turn with their rows; then invoices of the last one are drawn."""
        with self.story.app.app_context():
            self.fill()
            db.engine.dispose()
            self.database.keep_as_template()
            with raw_twin(self.database) as raw:
                self.close_a_month(raw)
                taken = [self.close_a_month(raw) for _ in range(self.report.rounds)]
            snapshots = reading().scalars(select(Invoice.snapshot).limit(DRAWN_AT_ONCE)).all()
        self.report.tell(f"closing {self.account_count:,} accounts | its rows, raw", taken)
        self.draw(snapshots)

    def draw(self, snapshots: Sequence[Mapping[str, Any]]) -> None:
        """A thousand invoices, each with a number of its own, so that none was drawn before.

        The empty page is drawn by the engine alone, which looks its fonts up, and with fonts kept as we do.
        """
        fonts = [noto_cjk.font_path("sans", "jp", weight).parent for weight in ("regular", "bold")]
        number = count(1)

        def ours() -> None:
            for snapshot in snapshots:
                draw({**snapshot, "number": f"INV-2026-{next(number):08}"})

        def empty_page() -> None:
            for _ in snapshots:
                typst.compile(b"", font_paths=fonts, ignore_system_fonts=True, sys_inputs=_new(number))

        def empty_page_with_kept_fonts() -> None:
            kept = _fonts()
            for _ in snapshots:
                typst.Compiler(b"", font_paths=kept, sys_inputs=_new(number)).compile(format="pdf")

        rounds = INVOICES_DRAWN // len(snapshots)
        name = f"{len(snapshots)} invoices as PDF, {rounds} times"
        self.report.pair(f"{name} | empty pages", 1, ours, empty_page, rounds=rounds)
        self.report.pair(f"{name} | the same, fonts kept", 1, ours, empty_page_with_kept_fonts, rounds=rounds)

    def close_a_month(self, raw: Raw) -> tuple[float, float]:
        """Seconds for the closing of the next month, and for the same rows alone."""
        closed_on = self.month.replace(day=monthrange(self.month.year, self.month.month)[1])
        self.month = closed_on + timedelta(days=1)
        self.story.on(self.month.isoformat())
        settle()
        since = new_id()
        gc.collect()
        gc.freeze()
        ours = spent(lambda: self.close(closed_on), 1, time.perf_counter)
        rows = {table: raw.read(table, key, since) for table, key in WRITTEN.items()}
        bare = spent(lambda: raw.write(rows), 1, time.perf_counter)
        gc.unfreeze()
        if raw.count("invoice") != self.story.count(Invoice):
            raise RuntimeError("the twin has other rows")
        self.report.say(f"    {closed_on}: {ours:.2f} s, its rows {bare:.2f} s, ratio {ours / bare:.2f}")
        return ours, bare

    def close(self, closed_on: date) -> None:
        """As the command does it, and one worker."""
        with begin(BENCH) as uow:
            open_run(uow, closed_on)
        chunks = select(Delivery.id).where(
            Delivery.handler == "billing.bill_opened_chunk", Delivery.state == DeliveryState.QUEUED
        )
        for delivery_id in reading().scalars(chunks).all():
            if not run_delivery(delivery_id):
                raise RuntimeError("a chunk was not billed")

    def fill(self) -> None:
        """One account with its contract, through the use cases, and as many more like it as are wanted."""
        with self.story.begin() as uow:
            make_issuer(uow)
        self.story.on("2026-03-10")
        machines_in_service(self.story, *LINES)
        with self.story.reading() as session:
            pattern = {
                kind: [dict(row._mapping) for row in session.execute(select(kind.__table__))]
                for kind in COPIED
            }
        copies = Copies(row["id"] for rows in pattern.values() for row in rows if "id" in row)
        with writing_engine().begin() as connection:
            for kind, rows in pattern.items():
                more = (copies.of(row, n) for n in range(1, self.account_count) for row in rows)
                while some := list(islice(more, AT_ONCE)):
                    connection.execute(insert(kind), some)


def _new(number: Iterator[int]) -> dict[str, str]:
    """Input that no document had before: the engine remembers what it made of the last ones."""
    return {"content": str(next(number))}


class Copies:
    """Rows like those of a pattern, with ids and numbers of their own; other ids stay."""

    def __init__(self, ids: Iterable[UUID]) -> None:
        self.ids: dict[UUID, dict[int, UUID]] = {key: {} for key in ids}

    def of(self, row: Mapping[str, Any], number: int) -> dict[str, Any]:
        copied = {name: self._copied(value, number) for name, value in row.items()}
        return copied | {"number": f"X-{number:06}"} if "number" in row else copied

    def _copied(self, value: object, number: int) -> object:
        if isinstance(value, UUID) and value in self.ids:
            return self.ids[value].setdefault(number, new_id())
        return value


def settle() -> None:
    """The database learns how its tables look now, as it does by itself within a minute."""
    with writing_engine().begin() as connection:
        connection.exec_driver_sql("ANALYZE")


@contextmanager
def raw_twin(database: Database) -> Iterator[Raw]:
    """The database and its copy, by their own driver."""
    if isinstance(database, SqliteDatabase):
        copy = database.folder / "template.sqlite3"
        with closing(sqlite_at(database.path)) as ours, closing(sqlite_at(copy)) as twin:
            yield RawSqlite(ours, twin)
        return
    copied = f"{cast(PostgresqlDatabase, database).name}_template"
    with psycopg.connect(database.url) as ours, psycopg.connect(database.url, dbname=copied) as twin:
        ours.autocommit = True
        yield RawPostgresql(ours, twin)


def sqlite_at(path: Path) -> sqlite3.Connection:
    """As the product opens it."""
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


@dataclass
class RawSqlite:
    """Rows as SQLite's driver takes them."""

    ours: sqlite3.Connection
    twin: sqlite3.Connection

    def read(self, table: str, key: str, since: UUID) -> list[tuple[object, ...]]:
        statement = f"SELECT * FROM {table} WHERE {key} > ?"  # noqa: S608 - our own names
        return self.ours.execute(statement, (since.hex,)).fetchall()

    def write(self, rows: Mapping[str, list[tuple[object, ...]]]) -> None:
        """Every table's rows by `executemany`, in one transaction."""
        self.twin.execute("BEGIN IMMEDIATE")
        for table, some in rows.items():
            places = ", ".join("?" * len(some[0]))
            self.twin.executemany(f"INSERT INTO {table} VALUES ({places})", some)  # noqa: S608
        self.twin.execute("COMMIT")

    def count(self, table: str) -> int:
        return int(self.twin.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608


@dataclass
class RawPostgresql:
    """Rows as the server itself writes them."""

    ours: psycopg.Connection
    twin: psycopg.Connection

    def read(self, table: str, key: str, since: UUID) -> bytes:
        statement = f"COPY (SELECT * FROM {table} WHERE {key} > '{since}') TO STDOUT"  # noqa: S608
        with self.ours.cursor().copy(statement.encode()) as copy:
            return b"".join(copy)

    def write(self, rows: Mapping[str, bytes]) -> None:
        """Every table's rows by COPY, in one transaction."""
        for table, some in rows.items():
            with self.twin.cursor().copy(f"COPY {table} FROM STDIN".encode()) as copy:
                copy.write(some)
        self.twin.commit()

    def count(self, table: str) -> int:
        with self.twin.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {table}".encode())  # noqa: S608
            (count,) = cursor.fetchone() or (0,)
        self.twin.rollback()
        return int(count)
