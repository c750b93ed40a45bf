"""What `scripts/bench billing` measures: closings by worker processes beside their own rows, written raw.

Each figure is taken as a pair, ours and then the bare rows, in one run on one machine; both are told.
"""

import argparse
import gc
import json
import math
import os
import statistics
import sys
import tempfile
import time
from calendar import monthrange
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from flask_migrate import upgrade
from sqlalchemy import func, select

sys.path.insert(0, str(Path(__file__).parents[1]))

from _bench_billing import BENCH, SLOTS_OF_ACCOUNT, WRITTEN, BillingBench, Raw, raw_twin, settle
from _bench_report import Report

from rental.app import create_app
from rental.billing.models import BillingItem, Invoice
from rental.billing.rules.runs import ItemState
from rental.billing.runs import bill_chunk, open_run
from rental.core.bus import Queue, Ring
from rental.core.db import db, reading
from rental.core.ids import new_id
from rental.core.outbox import Delivery, DeliveryState
from rental.core.uow import begin
from rental.worker import RqDoorbell, connect
from tests.conftest import config_for
from tests.support.databases import Database, make_database
from tests.support.processes import Installation, wait_until
from tests.support.story import Story

CHUNK_HANDLER = "billing.bill_opened_chunk"
# The workers listen on a queue on which nobody asks them for documents, so that only closing is measured.
QUEUE = Queue.INTERACTIVE
LOOK_EVERY = 0.02  # seconds
MEGABYTE = 1 << 20
Pair = tuple[float, float]


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench billing", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--database", choices=("postgresql", "sqlite"), help="measure on this one only")
    parser.add_argument("--rounds", type=int, default=3, help="months that are closed for each figure")
    parser.add_argument(
        "--slots",
        type=int,
        nargs="+",
        default=[1_000, 10_000, 100_000],
        help="slots in service, growing; the last number is the company that is measured in full",
    )
    parser.add_argument("--sqlite-slots", type=int, default=10_000, help="slots in service on SQLite")
    options = parser.parse_args()
    figures: dict[str, Any] = {"rounds": options.rounds}
    if options.database != "sqlite":
        *smaller, largest = sorted(options.slots)
        growth = {slots: one_worker("postgresql", slots, options.rounds)[0] for slots in smaller}
        figures["postgresql"], growth[largest] = in_full(largest, options.rounds)
        figures["growth_exponent"] = exponent(growth)
        figures["growth_seconds"] = growth
    if options.database != "postgresql":
        ours, bare = one_worker("sqlite", options.sqlite_slots, options.rounds)
        figures["sqlite"] = {
            "ratio": ours / bare,
            "seconds": [ours, bare],
            "slots": options.sqlite_slots,
            "invoices": options.sqlite_slots // SLOTS_OF_ACCOUNT,
        }
    print(json.dumps(_rounded(figures), indent=2))


def one_worker(kind: str, slots: int, rounds: int) -> Pair:
    """Seconds of a closing by one worker and of its rows alone; the medians."""
    with company(kind, slots) as closings:
        closings.close_a_month(1)
        return medians([closings.close_a_month(1) for _ in range(rounds)])


def in_full(slots: int, rounds: int) -> tuple[dict[str, Any], float]:
    """The figures of one company on PostgreSQL, and the seconds of a closing by one worker."""
    with company("postgresql", slots) as closings:
        closings.close_a_month(1)
        one, two, again = [], [], []
        for _ in range(rounds):
            one.append(closings.close_a_month(1))
            again.append((closings.close_again(), one[-1][1]))
            two.append(closings.close_a_month(2))
        peak = closings.peak_bytes / MEGABYTE
    figures = {
        "ratio_1_worker": ratio(one),
        "ratio_2_workers": ratio(two),
        "noop_ratio": ratio(again),
        "seconds": {"1_worker": medians(one), "2_workers": medians(two), "noop": medians(again)},
        "peak_memory_mb": peak,
        "slots": slots,
        "invoices": slots // SLOTS_OF_ACCOUNT,
    }
    return figures, medians(one)[0]


def ratio(pairs: Sequence[Pair]) -> float:
    return statistics.median(ours / bare for ours, bare in pairs)


def medians(pairs: Sequence[Pair]) -> Pair:
    ours, bare = (statistics.median(side) for side in zip(*pairs, strict=True))
    return ours, bare


def exponent(seconds: dict[int, float]) -> float | None:
    """By which power of the number of slots the time grows over the last step: 1 is in proportion."""
    if len(seconds) < 2:
        return None
    (fewer, quicker), (more, slower) = sorted(seconds.items())[-2:]
    return math.log(slower / quicker) / math.log(more / fewer)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list | tuple) else value


@contextmanager
def company(kind: str, slots: int) -> Iterator["Closings"]:
    """A company with so many slots in service, and a twin of its database."""
    home = Path(tempfile.mkdtemp(prefix="genba-bench-"))
    with closing(make_database(kind)) as database:
        app = create_app(replace(config_for(database.url, home), is_development=False))
        with app.app_context():
            upgrade()
            story = Story(app)
            bench = BillingBench(story, database, Report(1, as_json=True), slots)
            bench.fill()
            db.engine.dispose()
            database.keep_as_template()
            with raw_twin(database) as raw:
                say(f"{kind}, {slots:,} slots in service, {slots // SLOTS_OF_ACCOUNT:,} billing accounts")
                yield Closings(story, database, home, raw, bench.month)
            db.engine.dispose()


class Closings:
    """Month after month of one company is closed; its twin is only given the rows that this wrote."""

    def __init__(self, story: Story, database: Database, home: Path, raw: Raw, month: date) -> None:
        self.story, self.database, self.home, self.raw, self.month = story, database, home, raw, month
        self.closed_on = month
        self.peak_bytes = 0

    def close_a_month(self, workers: int) -> Pair:
        """Seconds of the closing of the next month by so many workers, and of the same rows alone."""
        self.closed_on = self.month.replace(day=monthrange(self.month.year, self.month.month)[1])
        self.month = self.closed_on + timedelta(days=1)
        self.story.on(self.month.isoformat())
        settle()
        since = new_id()
        with self.installed(workers) as installation:
            began = time.perf_counter()
            self.close(installation)
            ours = time.perf_counter() - began
        rows = {table: self.raw.read(table, key, since) for table, key in WRITTEN.items()}
        gc.collect()
        began = time.perf_counter()
        self.raw.write(rows)
        bare = time.perf_counter() - began
        if self.raw.count("invoice") != self.story.count(Invoice):
            raise RuntimeError("the twin has other rows")
        say(
            f"    {self.closed_on}, {workers} at work: {ours:.2f} s, its rows {bare:.2f} s: {ours / bare:.2f}"
        )
        return ours, bare

    def close_again(self) -> float:
        """Seconds for closing the month once more, and for working at each of its chunks once more."""
        invoice_count = self.story.count(Invoice)
        began = time.perf_counter()
        with begin(BENCH) as uow:
            run = open_run(uow, self.closed_on)
        for chunk in range(1, run.chunk_count + 1):
            with begin(BENCH) as uow:
                bill_chunk(uow, run.id, chunk)
        took = time.perf_counter() - began
        if self.story.count(Invoice) != invoice_count:
            raise RuntimeError("closing again made an invoice")
        return took

    def close(self, installation: Installation) -> None:
        """As a person does it: the closing is opened, and the workers are rung for."""
        with begin(BENCH) as uow:
            run_id = open_run(uow, self.closed_on).id
        waiting = self.unfinished_chunks()
        RqDoorbell(connect(installation.redis_url)).ring([Ring(each, QUEUE) for each in waiting])
        while self.unfinished_chunks():
            self.weigh(installation)
            time.sleep(LOOK_EVERY)
        left = select(func.count()).where(
            BillingItem.billing_run_id == run_id, BillingItem.state != ItemState.DONE
        )
        if reading().scalar(left):
            raise RuntimeError("accounts were left out")
        reading().rollback()

    @staticmethod
    def unfinished_chunks() -> Sequence[UUID]:
        found = reading().scalars(
            select(Delivery.id)
            .where(Delivery.handler == CHUNK_HANDLER, Delivery.state != DeliveryState.DONE)
            .order_by(Delivery.id)
        )
        try:
            return found.all()
        finally:
            reading().rollback()

    def weigh(self, installation: Installation) -> None:
        """Remembers how much memory a worker, or a process it works in, has ever held."""
        for name in installation.running:
            if name.startswith("worker"):
                for pid in (installation.running[name].pid, *installation.children_of(name)):
                    self.peak_bytes = max(self.peak_bytes, peak_bytes_of(pid))

    @contextmanager
    def installed(self, workers: int) -> Iterator[Installation]:
        """So many workers that wait for work; they are gone afterwards."""
        installation = Installation(self.database.url, self.home)
        try:
            installation.start_valkey()
            for number in range(workers):
                installation.start_worker(f"worker {number}", QUEUE.value)
            known = connect(installation.redis_url)
            wait_until(lambda: known.scard("rq:workers") == workers, "the workers do not come")
            yield installation
        finally:
            installation.stop()


def peak_bytes_of(pid: int) -> int:
    """The most memory that this process has held, as Linux counts it; 0 when it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    peak = next((line for line in status.splitlines() if line.startswith("VmHWM:")), "VmHWM: 0")
    return int(peak.split()[1]) * 1024


def say(line: str) -> None:
    print(line, flush=True, file=sys.stderr)


if __name__ == "__main__":
    os.environ.setdefault("RENTAL_SECRET_KEY", "only for measuring, and long enough for that")
    main()
