"""What `scripts/bench scan` and `scripts/bench lists` measure: pages in a company with many units."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any
from uuid import UUID

from _bench_report import Report
from flask import Flask
from sqlalchemy import Select, event, insert, select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import InstrumentedAttribute

from rental.contracts.models import Contract, Term
from rental.core.db import Base, reading_snapshot, writing_engine
from rental.core.ids import new_id
from rental.core.money import Money
from rental.core.paging import Order, page_of
from rental.customers.models import Customer
from rental.identity.permissions import Role
from rental.inventory.models import LabelCode, Movement, StockLocation, Unit, UnitStep
from rental.inventory.rules.label_codes import CODES, code_from
from rental.inventory.rules.unit_states import LocationKind, MovementKind, UnitState
from tests.factories.rented import make_customer, make_draft, make_model, place, receive
from tests.support.story import Browser, Story

AT_ONCE = 10_000
SCANS = 200
SHARE_OF_CONTRACTS = 5  # one contract, and one customer, for so many units


class RentedBench:
    """One database with units, customers and contracts.

    No context of the app is open while pages are asked for: each request signs in and reads for itself.
    """

    def __init__(self, story: Story, report: Report, unit_count: int) -> None:
        self.story, self.report, self.unit_count = story, report, unit_count
        self.storekeeper = story.signed_in(story.person(Role.WAREHOUSE))
        self.seller = story.signed_in(story.person(Role.SALES))
        self.chance = random.Random(7)  # noqa: S311  (the same units in every run)
        self.scanned: list[tuple[UUID, str]] = []

    def run(self, parts: Sequence[str]) -> None:
        with self.story.app.app_context():
            self.fill_units()
        if "scan" in parts:
            self.measure_scan()
        if "lists" in parts:
            with self.story.app.app_context():
                self.fill_contracts()
            self.measure_lists()

    def measure_scan(self) -> None:
        """The page that opens for the storekeeper, and the whole scan: the code first, then the page."""
        (path,) = self.card()
        content = self.storekeeper.get(path).data
        self.one("scanned unit's page | bare page", self.card, bare_page(content))
        self.one("code, then page | two bare pages", self.scan, bare_page(content), bare_page(b""))

    def one(self, name: str, address: Callable[[], list[str]], *bare: Callable[[], object]) -> None:
        def ours() -> None:
            for path in address():
                answer = self.storekeeper.get(path)
                if answer.status_code not in (200, 303):
                    raise RuntimeError(f"{path} answered {answer.status_code}")

        def theirs() -> None:
            for page in bare:
                page()

        ours()
        with counted() as statements:
            ours()
        self.report.pair(name, 1, ours, theirs, rounds=SCANS, statements=len(statements))
        self.report.pair(f"{name}: our work", 1, ours, theirs, rounds=SCANS, clock=time.process_time)

    def card(self) -> list[str]:
        return [f"/m/unit/{self.chance.choice(self.scanned)[0]}"]

    def scan(self) -> list[str]:
        unit_id, code = self.chance.choice(self.scanned)
        return [f"/q/{code}", f"/m/unit/{unit_id}"]

    def measure_lists(self) -> None:
        """The last pages of lists beside their first ones: continuing from a row costs the same anywhere."""
        lists: tuple[tuple[str, Browser, Select[Any], InstrumentedAttribute[Any], bool], ...] = (
            ("units", self.storekeeper, select(Unit), Unit.tag, False),
            ("contracts", self.seller, select(Contract), Contract.number, True),
            ("customers", self.seller, select(Customer), Customer.number, True),
        )
        for name, browser, statement, column, is_descending in lists:
            with self.story.app.app_context():
                after = near_the_end(statement, column, is_descending=is_descending)
            first, deep = f"/{name}", f"/{name}?after={after}"
            with counted() as statements:
                answer = browser.get(deep)
            if answer.status_code != 200:
                raise RuntimeError(f"{deep} answered {answer.status_code}")
            self.report.pair(
                f"{name}: a page near the end | the first",
                5,
                lambda browser=browser, deep=deep: browser.get(deep),  # type: ignore[misc]
                lambda browser=browser, first=first: browser.get(first),  # type: ignore[misc]
                rounds=max(self.report.rounds, 15),
                statements=len(statements),
            )

    # data

    def fill_units(self) -> None:
        """Units on a hundred shelves, each with its label, two movements and two steps."""
        with self.story.begin() as uow:
            (like,) = receive(uow, make_model(uow))
            supplier = place(uow, LocationKind.SUPPLIER).id
            same = {
                "equipment_model_id": like.equipment_model_id,
                "receipt_id": like.receipt_id,
                "received_on": like.received_on,
            }
            arrived, now = like.location_id, uow.now
        shelves = [new_id() for _ in range(100)]
        self.insert(StockLocation, (_shelf(key, number) for number, key in enumerate(shelves)))
        numbers = {new_id(): number for number in range(self.unit_count)}
        self.insert(
            Unit,
            (
                {
                    **same,
                    "id": key,
                    "serial_number": f"KW-{number:08}",
                    "normalised_serial": f"KW{number:08}",
                    "tag": f"SR-CM2604-{number:08}",
                    "state": UnitState.AVAILABLE,
                    "location_id": shelves[number % 100],
                    "movement_count": 2,
                    "version": 2,
                }
                for key, number in numbers.items()
            ),
        )
        codes = {key: code_from(number * 7_919 % CODES) for key, number in numbers.items()}
        self.insert(
            LabelCode, ({"code": code, "unit_id": key, "issued_at": now} for key, code in codes.items())
        )
        way = {"happened_at": now, "recorded_at": now, "actor_name": "bench"}
        self.insert(
            Movement,
            (
                {**way, "unit_id": key, "op_id": new_id(), **move}
                for key, number in numbers.items()
                for move in _two_moves(supplier, arrived, shelves[number % 100])
            ),
        )
        life = ((None, UnitState.RECEIVED), (UnitState.RECEIVED, UnitState.AVAILABLE))
        self.insert(
            UnitStep,
            (
                {
                    "unit_id": key,
                    "from_state": before,
                    "to_state": after,
                    "happened_at": now,
                    "actor_name": "bench",
                }
                for key in numbers
                for before, after in life
            ),
        )
        self.scanned = [(key, codes[key]) for key in self.chance.sample(list(codes), min(1000, len(codes)))]
        self.settle()

    def fill_contracts(self) -> None:
        with self.story.begin() as uow:
            customer, account, _site = make_customer(uow)
            draft = make_draft(uow)
            same_contract = {
                "billing_account_id": account.id,
                "wanted_on": draft.wanted_on,
                "monthly_fee": Money(9800),
                "slot_count": 1,
                "created_at": uow.now,
                "version": 1,
            }
            same_customer = {"kind": customer.kind, "name_kana": "", "note": "", "version": 1}
            created_at = uow.now
        keys = [new_id() for _ in range(self.unit_count // SHARE_OF_CONTRACTS)]
        self.insert(
            Customer,
            (
                {
                    **same_customer,
                    "id": key,
                    "number": f"C{number:05}",
                    "name": f"喫茶 {number:05}",
                    "search_name": f"喫茶 {number:05}",
                    "created_at": created_at,
                }
                for number, key in enumerate(keys, 100)
            ),
        )
        self.insert(
            Contract,
            (
                {**same_contract, "id": key, "customer_id": key, "number": f"C-2025-{number:05}"}
                for number, key in enumerate(keys)
            ),
        )
        self.insert(
            Term,
            (
                {"contract_id": key, "sequence": 1, "months": 24, "renewal": "auto", "notice_days": 90}
                for key in keys
            ),
        )
        self.settle()

    def insert(self, kind: type[Base], rows: Iterator[dict[str, Any]]) -> None:
        """Rows as they are, ten thousand at a time, past the use cases: no audit log is wanted here."""
        with writing_engine().begin() as connection:
            while some := list(islice(rows, AT_ONCE)):
                connection.execute(insert(kind), some)

    def settle(self) -> None:
        """The database learns how its tables look now, as it does by itself within a minute."""
        with writing_engine().begin() as connection:
            connection.exec_driver_sql("ANALYZE")


def _shelf(key: UUID, number: int) -> dict[str, Any]:
    code = f"Z-{number // 10:02}-{number % 10}"
    return {"id": key, "code": code, "name": code, "kind": LocationKind.BIN, "warehouse": "", "version": 1}


def _two_moves(supplier: UUID, arrived: UUID, shelf: UUID) -> tuple[dict[str, Any], dict[str, Any]]:
    return (
        {"seq": 1, "kind": MovementKind.RECEIPT, "from_location_id": supplier, "to_location_id": arrived},
        {"seq": 2, "kind": MovementKind.SHELVING, "from_location_id": arrived, "to_location_id": shelf},
    )


def bare_page(content: bytes) -> Callable[[], object]:
    """A page with this content and nothing behind it."""
    app = Flask("bare")
    app.add_url_rule("/", view_func=lambda: content)
    client = Browser(app.test_client())
    return lambda: client.get("/")


def near_the_end(statement: Select[Any], column: InstrumentedAttribute[Any], *, is_descending: bool) -> str:
    """Where the list has only a hundred rows left."""
    backwards = Order((column,), descending=not is_descending)
    with reading_snapshot() as snapshot:
        last = page_of(snapshot, statement, backwards, after=None, limit=100)
    return last.next_cursor or ""


@contextmanager
def counted() -> Iterator[list[str]]:
    """What the database is asked while the block runs."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.startswith("SELECT"):  # not the beginning of the transaction
            asked.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield asked
    event.remove(Engine, "before_cursor_execute", note)
