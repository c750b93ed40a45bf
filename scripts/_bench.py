"""The figures of `scripts/bench`: ours and a bare line in turn, median of the rounds, ratio of each pair."""

import argparse
import hashlib
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from flask import Flask
from flask_migrate import upgrade
from qrcode.constants import ERROR_CORRECT_M
from qrcode.main import QRCode
from qrcode.util import MODE_ALPHA_NUM, QRData
from sqlalchemy import insert, select, text
from sqlalchemy.engine import Connection

sys.path.insert(0, str(Path(__file__).parents[1]))

from _bench_billing import BillingBench
from _bench_plan import measure_plans
from _bench_rented import RentedBench
from _bench_report import Report

from rental.app import create_app
from rental.core import sealing
from rental.core.audit import AuditEntry
from rental.core.db import db, reading_snapshot, writing_engine
from rental.core.ids import new_id
from rental.core.numbering import next_number
from rental.core.outbox import due_deliveries
from rental.core.paging import Order, page_of
from rental.core.uow import begin, system
from rental.identity.accounts import change_account
from rental.identity.events import PasswordSet
from rental.identity.models import Account
from rental.identity.passwords import _HASHER, password_matches
from rental.identity.permissions import Role
from rental.inventory.label_sheets import LABEL_FORMATS, Label, label_sheet
from rental.inventory.rules.label_codes import CODES, code_from, label_url
from rental.worker import run_delivery
from tests.conftest import config_for
from tests.support.databases import KINDS, Database, make_database
from tests.support.story import PASSWORD, Browser, Story

BENCH = system("bench")
SEALED_AT_ONCE = 1000
LABEL_COUNT = 1000
PARTS = ("labels", "plan", "databases", "scan", "lists", "documents")


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("part", nargs="?", choices=PARTS, help="measure only this")
    parser.add_argument("--database", choices=KINDS, help="measure on this database only")
    parser.add_argument("--rounds", type=int, default=7, help="pairs of measurements for each figure")
    parser.add_argument("--rows", type=int, default=100_000, help="audit entries behind the deep page")
    parser.add_argument("--units", type=int, default=100_000, help="units behind the scanned one")
    parser.add_argument("--slots", type=int, default=10_000, help="slots in service that are billed")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args()
    report = Report(options.rounds, options.json)
    parts = [options.part] if options.part else list(PARTS)
    if "labels" in parts:
        report.begin("no database")
        report.pair(f"{LABEL_COUNT:,} labels as PDF | their matrices", 1, print_labels, bare_matrices)
    if "plan" in parts:
        measure_plans(report)
    for kind in [options.database] if options.database else KINDS:
        if "databases" in parts:
            report.begin(kind)
            with fresh_story(kind) as story, story.app.app_context():
                Bench(story, report, options.rows).run()
        if {"scan", "lists"} & set(parts):
            report.begin(f"{kind}, {options.units:,} units")
            with fresh_story(kind) as story:
                RentedBench(story, report, options.units).run(parts)
        if "documents" in parts:
            report.begin(f"{kind}, {options.slots:,} slots in service")
            with closing(make_database(kind)) as database, story_on(database) as story:
                BillingBench(story, database, report, options.slots).run()
    report.end()


@contextmanager
def fresh_story(kind: str) -> Iterator[Story]:
    """A story on a database of its own."""
    with closing(make_database(kind)) as database, story_on(database) as story:
        yield story


@contextmanager
def story_on(database: Database) -> Iterator[Story]:
    """A story on this database, freshly migrated, told as people would live it."""
    config = config_for(database.url, Path(tempfile.mkdtemp(prefix="genba-bench-")))
    app = create_app(replace(config, is_development=False))
    with app.app_context():
        upgrade()
    yield Story(app)
    with app.app_context():
        db.engine.dispose()


# labels: codes are new every time, because symbols are kept


def print_labels() -> None:
    labels = [
        Label(code, url, title="決済端末 T2", serial_number=f"PT2-{number:06}", owner="○○レンタル")
        for number, (code, url) in enumerate(new_codes())
    ]
    label_sheet(labels, LABEL_FORMATS["a4_unit"])


def bare_matrices() -> None:
    for _, url in new_codes():
        symbol = QRCode(error_correction=ERROR_CORRECT_M)
        symbol.add_data(QRData(url, mode=MODE_ALPHA_NUM))
        symbol.make(fit=True)


def new_codes() -> list[tuple[str, str]]:
    codes = [code_from(secrets.randbelow(CODES)) for _ in range(LABEL_COUNT)]
    return [(code, label_url("https://r.example.jp", code)) for code in codes]


class Bench:
    """One database, freshly migrated; the app's context is open around everything."""

    def __init__(self, story: Story, report: Report, rows: int) -> None:
        self.story, self.report, self.rows = story, report, rows
        self.app: Flask = story.app
        self.person = story.person(Role.ADMINISTRATOR)
        self.browser = story.signed_in(self.person)

    def run(self) -> None:
        pair = self.report.pair
        pair("sign-in check | one argon2 check", 5, self.check_password, self.bare_check)
        pair("numbering | raw counter update", 50, self.number, self.bare_number)
        pair("audited change | raw update", 50, self.change, self.bare_change)
        pair("one delivery | two raw transactions", 20, self.deliver, self.bare_delivery)
        self.fill_people()
        pair("people, 50 rows | bare page of its bytes", 10, self.page("/people"), self.bare_page("/people"))
        self.fill_audit_log()
        deep = self.page(f"/audit?after={self.deep_cursor()}")
        pair(f"audit list, row {self.rows - 100:,} | first page", 5, deep, self.page("/audit"))
        pair("sealing 1,000 entries | 1,000 hashes", 1, self.seal, self.bare_hashes)
        began = time.perf_counter()
        with reading_snapshot() as snapshot:
            seen = sealing.verify(snapshot)
        took = time.perf_counter() - began
        speed = seen.sealed_count / took
        self.report.say(f"  verify: {seen.sealed_count:,} seals in {took:.2f} s, {speed:,.0f} a second")

    # ours

    def check_password(self) -> None:
        password_matches(self.hash, PASSWORD)

    def number(self) -> None:
        with begin(BENCH) as uow:
            next_number(uow, "bench")

    def change(self) -> None:
        with begin(BENCH) as uow:
            account = uow.session.get_one(Account, self.person.id)
            change_account(
                uow,
                account.id,
                version=account.version,
                name=f"Name {uow.id.hex[-6:]}",
                roles=account.roles,
                language="en",
            )

    def deliver(self) -> None:
        with begin(BENCH) as uow:
            uow.announce(PasswordSet(self.person.id))
        with reading_snapshot() as snapshot:
            (delivery_id,) = due_deliveries(snapshot, now=self.story.clock.now(), limit=1)
        if not run_delivery(delivery_id):
            raise RuntimeError("the delivery had no effect")

    def page(self, path: str) -> Callable[[], object]:
        return lambda: self.browser.get(path)

    def seal(self) -> None:
        with begin(BENCH) as uow:
            if sealing.seal_committed(uow, limit=SEALED_AT_ONCE) != SEALED_AT_ONCE:
                raise RuntimeError("there was too little to seal")

    # bare

    @property
    def hash(self) -> str:
        return _KNOWN_HASH

    def bare_check(self) -> None:
        _HASHER.verify(_KNOWN_HASH, PASSWORD)

    def bare_number(self) -> None:
        self.raw("UPDATE counter SET next_number = next_number + 1 WHERE series = 'bench'")

    def bare_change(self) -> None:
        self.raw("UPDATE account SET language = 'en' WHERE normalised_email = 'administrator@example.jp'")

    def bare_delivery(self) -> None:
        self.bare_change()
        self.bare_change()

    def bare_page(self, path: str) -> Callable[[], object]:
        content = self.browser.get(path).data
        bare = Flask("bare")
        bare.add_url_rule("/", view_func=lambda: content)
        client = Browser(bare.test_client())
        return lambda: client.get("/")

    def bare_hashes(self) -> None:
        for _ in range(SEALED_AT_ONCE):
            hashlib.sha256(b"x" * 700).hexdigest()

    def raw(self, statement: str) -> None:
        with writing_engine().begin() as connection:
            connection.execute(text(statement))

    # data

    def fill_people(self) -> None:
        same: dict[str, object] = {
            "name": "Example",
            "search_name": "example",
            "state": "active",
            "language": "en",
        }
        looks = {"theme": "system", "density": "standard", "version": 1}
        with begin(BENCH) as uow:
            same["created_at"] = uow.now
            emails = [f"p{number}@example.jp" for number in range(60)]
            uow.session.execute(
                insert(Account),
                [
                    {"id": new_id(), "email": email, "normalised_email": email, "created_at": uow.now}
                    | same
                    | looks
                    for email in emails
                ],
            )

    def fill_audit_log(self) -> None:
        now = self.story.clock.now()
        with writing_engine().begin() as connection:
            for start in range(0, self.rows, 10_000):
                self.fill(connection, range(start, min(start + 10_000, self.rows)), now - timedelta(days=1))

    def fill(self, connection: Connection, numbers: range, since: object) -> None:
        connection.execute(
            insert(AuditEntry),
            [
                {
                    "id": new_id(),
                    "at": since + timedelta(milliseconds=number),  # type: ignore[operator]
                    "transaction_id": UUID(int=number),
                    "actor_kind": "system",
                    "actor_name": "bench",
                    "action": "changed",
                    "entity": "account",
                    "entity_id": self.person.id,
                    "before": {"name": f"Name {number}"},
                    "after": {"name": f"Name {number + 1}"},
                }
                for number in numbers
            ],
        )

    def deep_cursor(self) -> str:
        """Where the list, newest first, has only a hundred entries left."""
        oldest_first = Order((AuditEntry.at, AuditEntry.id))
        with reading_snapshot() as snapshot:
            oldest = page_of(snapshot, select(AuditEntry), oldest_first, after=None, limit=100)
        return oldest.next_cursor or ""


_KNOWN_HASH = _HASHER.hash(PASSWORD)

if __name__ == "__main__":
    main()
