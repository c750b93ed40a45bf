"""The demo company: as large as its design says, the same for the same seed, and without a contradiction."""

import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from geopy.distance import geodesic
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from rental.assurance.checks import ask_all
from rental.billing.due import preview_run
from rental.billing.models import BillingRun, Invoice
from rental.billing.rules.runs import InvoiceState, SendingWay
from rental.catalog.models import EquipmentModel, RatePlan, RatePlanVersion
from rental.contracts.models import Contract, Placement, Slot
from rental.contracts.rules import ContractState, SlotState
from rental.core.audit import AuditEntry
from rental.core.clock import SystemClock
from rental.core.db import Base, db
from rental.core.outbox import OutboxMessage
from rental.core.stored_files import StoredFile
from rental.customers.models import BillingAccount, Customer, Site
from rental.demo.company import load_company
from rental.demo.design import read_design
from rental.demo.plan import (
    Activation,
    Delivery,
    Installing,
    Retirement,
    Sending,
    is_workday,
    workday,
)
from rental.demo.sizes import SIZES, Profile
from rental.demo.story import plan_company
from rental.dispatch.models import RoutePlan, Technician
from rental.dispatch.planning import request_plan
from rental.dispatch.rules import LeftOutReason, PlanState
from rental.fieldwork.models import FieldDevice, Visit, WorkOrder
from rental.fieldwork.rules import OVER, VisitState, WorkOrderState
from rental.identity.models import Account
from rental.inventory.models import LabelCode, Movement, StockLocation, Unit
from rental.inventory.receiving import preview_receipt
from rental.inventory.rules.serials import read_serials
from rental.inventory.rules.unit_states import LocationKind, UnitState
from rental.notifications.models import Notice
from tests.support.databases import Database
from tests.support.processes import ROOT
from tests.support.story import Story

TODAY = date(2026, 11, 20)
# Rows about rows, and secrets: they are new with every load.
BOOKKEEPING = {"audit_entry", "audit_head", "outbox_message", "delivery", "set_up_link", "periodic_turn"}
OF_THIS_LOAD = {"password_hash", "code", "payload", "result", "body_hash", "op_id"}

_HEX_ID = re.compile("[0-9a-f]{32}")


class Loaded:
    """A demo company in a database, and what it looks like when ids are left out."""

    def __init__(self, app: Flask, database: Database, profile: Profile) -> None:
        with app.app_context():
            db.engine.dispose()
        database.renew()
        self.story = Story(app)
        self.story.clock.set(datetime(2026, 11, 22, 3, tzinfo=UTC))
        with self.story.begin("demo") as uow:
            self.passwords = load_company(uow, profile)
        with self.story.reading() as session:
            self.rows = _rows_without_ids(session)


@pytest.fixture(scope="module")
def small(installation: tuple[Flask, Database]) -> Iterator[Loaded]:
    """The small company; the tests of this module only read it."""
    app, _ = installation
    yield Loaded(*installation, Profile.S)
    app.extensions["rental"].clock = SystemClock()
    with app.app_context():
        db.engine.dispose()


def _rows_without_ids(session: Session) -> dict[str, list[dict[str, Any]]]:
    """Every row, each id replaced by its place among the ids of its table: they are made in order of time."""
    tables = {table.name: table for table in Base.metadata.sorted_tables if table.name not in BOOKKEEPING}
    rows = {name: list(session.execute(select(table)).mappings()) for name, table in tables.items()}
    known: dict[UUID, str] = {}
    for name, content in rows.items():
        if content and isinstance(content[0].get("id"), UUID):
            by_code = name == "stock_location"  # the first ones come from a migration
            ordered = sorted(content, key=lambda row: row["code"] if by_code else row["id"])
            known |= {row["id"]: f"{name} {place}" for place, row in enumerate(ordered)}
    plain = {}
    for name, content in rows.items():
        ignored = OF_THIS_LOAD - ({"code"} if name != "label_code" else set())
        plain[name] = sorted(
            (
                {key: _without_id(known, value) for key, value in row.items() if key not in ignored}
                for row in content
            ),
            key=repr,
        )
    return plain


def _without_id(known: dict[UUID, str], value: Any) -> Any:
    if isinstance(value, dict | list):  # kept as JSON, which names nothing by its id
        return value
    return _HEX_ID.sub("id", value) if isinstance(value, str) else known.get(value, value)


def _count(session: Session, table: type[Base], *conditions: Any) -> int:
    return session.scalar(select(func.count()).select_from(table).where(*conditions)) or 0


def _assert_as_large_as_designed(session: Session, profile: Profile) -> None:
    size = SIZES[profile]
    assert _count(session, Customer) == size.customers
    assert _count(session, Site, Site.latitude.is_not(None)) == size.sites
    assert _count(session, Contract, Contract.state == ContractState.ACTIVE) == size.contracts
    assert _count(session, Contract, Contract.state == ContractState.DRAFT) == size.drafts
    assert _count(session, Slot, Slot.state == SlotState.IN_SERVICE) == size.in_service
    assert _count(session, Slot, Slot.state == SlotState.AWAITING_INSTALL) == size.waiting_slots
    states = Counter(session.scalars(select(Unit.state)))
    assert states == {
        UnitState.INSTALLED: size.in_service,
        UnitState.RETIRED: size.retired,
        UnitState.RECEIVED: size.in_receiving,
        UnitState.AVAILABLE: size.units - size.slots - size.retired - size.in_receiving,
        **({UnitState.RESERVED: size.waiting_slots} if size.waiting_slots else {}),
    }
    assert _count(session, StockLocation, StockLocation.kind == LocationKind.VAN) == min(size.technicians, 13)
    assert _count(session, StockLocation, StockLocation.code.startswith("A-")) == 40
    open_orders = session.scalars(select(WorkOrder).where(WorkOrder.state.not_in(OVER))).all()
    assert len(open_orders) == size.waiting


def _assert_without_a_finding(loaded: Loaded) -> None:
    with loaded.story.reading() as session:
        found = [answer for answer in ask_all(session, loaded.story.clock.now()).answers if answer.rows]
    assert [(answer.check.code, answer.rows[:3]) for answer in found] == []


@pytest.mark.slow
def test_small_company_has_what_its_design_counts(small: Loaded) -> None:
    assert (SIZES[Profile.S].slots, SIZES[Profile.S].units, SIZES[Profile.S].in_service) == (74, 110, 74)
    with small.story.reading() as session:
        _assert_as_large_as_designed(session, Profile.S)
    assert len(small.passwords) == len(set(small.passwords.values())) == 10


def test_small_company_contradicts_itself_nowhere(small: Loaded) -> None:
    _assert_without_a_finding(small)


def test_the_same_profile_gives_the_same_rows(small: Loaded, installation: tuple[Flask, Database]) -> None:
    again = Loaded(*installation, Profile.S)
    assert {name: len(rows) for name, rows in again.rows.items()} == {
        name: len(rows) for name, rows in small.rows.items()
    }
    for name, rows in small.rows.items():
        assert again.rows[name] == rows, name


def test_history_has_its_own_days_and_the_audit_log_the_clock_of_the_load(small: Loaded) -> None:
    with small.story.reading() as session:
        assert set(session.scalars(select(AuditEntry.at))) == {small.story.clock.now()}
        received = session.scalars(select(Unit.received_on)).all()
        assert (min(received), max(received)) == (date(2024, 12, 2), date(2026, 11, 19))
        happened = session.scalars(select(Movement.happened_at)).all()
        assert max(happened) < datetime(2026, 11, 20, tzinfo=small.story.runtime.zone)
        for placement in session.scalars(select(Placement)):
            unit = session.get_one(Unit, placement.unit_id)
            assert placement.placed_at.astimezone(small.story.runtime.zone).date() > unit.received_on
        number = session.scalars(select(Contract.number).order_by(Contract.created_at).limit(1)).one()
        assert number == "C-2024-0001"


def test_machines_were_installed_by_commands_of_the_technicians_phones(small: Loaded) -> None:
    with small.story.reading() as session:
        sent = session.scalars(select(FieldDevice.last_seq)).all()
        orders = _count(session, WorkOrder, WorkOrder.state == WorkOrderState.DONE)
        assert sum(sent) == 2 * orders + 74
        names = set(session.scalars(select(Movement.actor_name)))
        assert {"石田 千尋", "あおば 蓮"} <= names
        assert "demo" not in names


def test_nobody_has_to_hear_today_of_what_is_long_over(small: Loaded) -> None:
    """No orders to open, no documents to draw, no letters to write when the worker starts."""
    with small.story.reading() as session:
        assert set(session.scalars(select(OutboxMessage.name))) == {"identity.password_set"}
    small.story.everything_happens()
    with small.story.reading() as session:
        assert _count(session, Notice, Notice.kind == "visit_published") == 0
        assert _count(session, StoredFile) == 0
        assert _count(session, WorkOrder) == _count(
            session, WorkOrder, WorkOrder.state == WorkOrderState.DONE
        )


# what was billed


def test_every_closing_day_was_closed_on_the_workday_after_it(small: Loaded) -> None:
    with small.story.reading() as session:
        runs = session.scalars(select(BillingRun).order_by(BillingRun.closed_on)).all()
        days = [(run.closed_on, run.opened_at.astimezone(small.story.runtime.zone).date()) for run in runs]
    assert days[0] == (date(2024, 12, 31), date(2025, 1, 6))
    assert days[-2:] == [
        (date(2026, 10, 20), date(2026, 10, 21)),
        (date(2026, 10, 31), date(2026, 11, 2)),
    ]
    assert len(days) == 1 + 2 * 22


def test_invoices_of_the_past_are_sent_and_their_documents_not_drawn_yet(small: Loaded) -> None:
    with small.story.reading() as session:
        told = session.execute(
            select(Invoice.state, Invoice.sent_by, Invoice.document_id, func.count()).group_by(
                Invoice.state, Invoice.sent_by, Invoice.document_id
            )
        ).all()
        sent_at = session.scalars(select(Invoice.id).where(Invoice.sent_at != Invoice.finalised_at)).all()
    assert [tuple(row[:3]) for row in told] == [(InvoiceState.SENT, SendingWay.MAIL, None)]
    assert told[0][3] > 200
    assert sent_at == []


def test_the_last_month_is_left_to_the_visitor(small: Loaded) -> None:
    """Accounts that close on the 20th can be closed at once, the others when the clock is moved."""
    with small.story.reading() as session:
        to_bill = {
            closed_on: len(preview_run(session, closed_on, today=date(2026, 11, 30)))
            for closed_on in (date(2026, 10, 31), TODAY, date(2026, 11, 30))
        }
        accounts = Counter(session.scalars(select(BillingAccount.closing_day)))
    assert to_bill == {date(2026, 10, 31): 0, TODAY: accounts[20], date(2026, 11, 30): accounts[31]}
    assert min(accounts[20], accounts[31]) > 0


def test_midori_is_a_customer_with_machines(small: Loaded) -> None:
    with small.story.reading() as session:
        midori = session.scalars(select(Customer).where(Customer.name == "喫茶みどり（デモ）")).one()
        sites = session.scalars(select(Site.id).where(Site.customer_id == midori.id)).all()
        assert len(sites) == 2
        for site_id in sites:
            assert _count(session, Slot, Slot.site_id == site_id, Slot.state == SlotState.IN_SERVICE) >= 1


def test_plans_cost_what_the_design_says(small: Loaded) -> None:
    with small.story.reading() as session:
        versions = session.execute(
            select(RatePlan.code, RatePlanVersion.valid_from, RatePlanVersion.monthly_fee)
            .join(RatePlanVersion)
            .join(RatePlan.equipment_model)
            .where(RatePlan.equipment_model.has(code="CM-200"))
            .order_by(RatePlan.code, RatePlanVersion.valid_from)
        ).all()
    fees = [(code, day, fee.minor_units) for code, day, fee in versions]
    first, second = date(2024, 4, 1), date(2026, 4, 1)
    assert fees == [
        ("LITE", first, 9800),
        ("LITE", second, 10090),
        ("PRM", first, 8820),
        ("PRM", second, 9080),
        ("SPOT", first, 13230),
        ("SPOT", second, 13630),
        ("STD", first, 9310),
        ("STD", second, 9590),
        ("TRIAL", first, 9800),
        ("TRIAL", second, 10090),
    ]


def test_technicians_start_and_work_as_the_design_says(small: Loaded) -> None:
    with small.story.reading() as session:
        rows = session.scalars(
            select(Technician).join(Technician.account).order_by(Account.normalised_email)
        ).all()
        told = [
            (
                technician.base.code,
                {row.skill.code.lower() for row in technician.skill_rows},
                {(shift.weekday, shift.starts, shift.ends) for shift in technician.shifts},
            )
            for technician in rows
        ]
    design = read_design().technicians[: SIZES[Profile.S].technicians]
    assert told == [
        (each.base, set(each.skills), {(day, each.shift_start, each.shift_end) for day in range(5)})
        for each in design
    ]


# this week's work


def test_there_is_work_for_the_next_days_and_one_order_that_nobody_can_do() -> None:
    company = plan_company(Profile.M)
    waiting = [contract for contract in company.contracts if contract.waiting is not None]
    wanted_on = Counter(contract.wanted_on for contract in waiting)
    assert wanted_on == {date(2026, 11, 18): 5, date(2026, 11, 19): 5, TODAY: 5, date(2026, 11, 24): 6}
    assert sum(contract.slot_count for contract in waiting) == SIZES[Profile.M].waiting_slots
    assert {contract.activated.day for contract in waiting} <= {date(2026, 11, day) for day in range(9, 20)}
    models = [code for contract in waiting for machines in contract.machines.values() for code in machines]
    assert len(set(models)) >= 10

    crew = [each.skills for each in company.design.technicians]
    needed = [
        {skill for code in machines for skill in company.design.product(code).skills}
        for contract in waiting
        for machines in contract.machines.values()
    ]
    hopeless = [skills for skills in needed if not any(skills <= can for can in crew)]
    assert hopeless == [{"signage", "electric"}]


def test_the_company_does_not_work_on_holidays() -> None:
    labour_thanksgiving, between_the_years = date(2026, 11, 23), date(2026, 12, 30)
    assert not is_workday(labour_thanksgiving)
    assert not is_workday(between_the_years)
    assert workday(TODAY, steps=1) == date(2026, 11, 24)
    days = {happening.when.day for happening in plan_company(Profile.M).happenings}
    assert all(is_workday(day) for day in days)


@pytest.mark.parametrize("profile", Profile)
def test_story_is_one_the_company_could_live(profile: Profile) -> None:
    """Bought before promised, nobody at two places at once, and only when a site lets people in."""
    company, size = plan_company(profile), SIZES[profile]
    days: dict[tuple[int, date], list[tuple[int, int]]] = defaultdict(list)
    free: Counter[str] = Counter()
    slots = installed = 0
    for happening in company.happenings:
        match happening:
            case Delivery():
                free[happening.model] += happening.count
            case Retirement():
                free[happening.model] -= happening.count
            case Activation():
                for machines in happening.contract.machines.values():
                    free.subtract(machines)
                slots += happening.contract.slot_count
            case Sending():
                windows = happening.site.hours[happening.starts.day.weekday()]
                assert any(window.opens <= happening.starts.minute < window.closes for window in windows)
            case Installing():
                day = days[happening.sending.technician, happening.when.day]
                day.append((happening.when.minute, happening.when.minute + happening.minutes))
                installed += sum(happening.sending.contract.machines[happening.sending.site].values())
        assert min(free.values(), default=0) >= 0, happening
    assert (slots, installed) == (size.slots, size.in_service)
    for visits in days.values():
        assert all(end <= start for (_, end), (start, _) in pairwise(sorted(visits)))


def test_sites_are_jittered_around_the_points_of_the_design() -> None:
    company = plan_company(Profile.M)
    sites = [site for customer in company.customers for site in customer.sites]
    assert Counter(site.area.name for site in sites) == {
        area.name: area.site_count for area in read_design().areas
    }
    for site in sites:
        there = (site.latitude, site.longitude)
        assert geodesic(there, (site.area.latitude, site.area.longitude)).m <= 910


def test_every_customer_is_marked_as_invented() -> None:
    names = [customer.firm.legal.written for customer in plan_company(Profile.M).customers]
    assert all(name.endswith("（デモ）") for name in names)
    assert len(set(names)) == len(names)


def test_the_batch_with_a_story_has_its_month_to_itself() -> None:
    coming = Counter[tuple[str, str]]()
    for happening in plan_company(Profile.M).happenings:
        if isinstance(happening, Delivery) and happening.model.startswith("CM-"):
            coming[happening.model, f"{happening.when.day:%Y-%m}"] += happening.count
    assert coming["CM-200", "2025-06"] == 40
    assert ("CM-500", "2025-06") not in coming


@pytest.mark.slow
def test_medium_company_has_what_its_design_counts_and_contradicts_itself_nowhere(
    installation: tuple[Flask, Database], is_nightly: bool
) -> None:
    if not is_nightly:
        pytest.skip("takes a minute: every night")
    medium = Loaded(*installation, Profile.M)
    with medium.story.reading() as session:
        _assert_as_large_as_designed(session, Profile.M)
        tags = session.scalars(select(Unit.tag).where(Unit.tag.startswith("SR-CM2506-"))).all()
        assert len(tags) == 40
        published = session.scalars(select(Visit).where(Visit.state == VisitState.PUBLISHED)).one()
        assert published.planned_on == TODAY
        assert _count(session, Invoice) > 3000
        assert _count(session, LabelCode, LabelCode.unit_id.is_not(None)) == SIZES[Profile.M].units
    _assert_without_a_finding(medium)
    _assert_the_tour_speaks_of_it(medium.story)
    for day, order_count in ((TODAY, 12), (date(2026, 11, 24), 18)):
        _assert_planned_but_for_two(medium.story, day, order_count)


def _assert_planned_but_for_two(story: Story, day: date, order_count: int) -> None:
    """Every order wanted by this day is in a route but for two: no skill, and a shop that opens too early."""
    with story.begin() as uow:
        plan_id = request_plan(uow, day, seconds=15).id
    story.everything_happens()
    with story.reading() as session:
        plan = session.get_one(RoutePlan, plan_id)
        assert (plan.state, plan.fault_count) == (PlanState.DRAFT, 0)
        assert {left.reason for left in plan.left_out} == {LeftOutReason.NO_SKILL, LeftOutReason.WINDOW}
        assert {left.work_order.site.name for left in plan.left_out} == {
            "桔梗文具店 中野店",
            "鈴蘭文具店 立川店",
        }
        assert (len(plan.left_out), sum(len(stop.orders) for stop in plan.stops)) == (2, order_count)
        assert len({stop.technician_id for stop in plan.stops}) >= 3


def _assert_the_tour_speaks_of_it(story: Story) -> None:
    """What the tour names is there, under the name it gives."""
    tour = (ROOT / "docs" / "tour.md").read_text(encoding="utf-8")
    with story.reading() as session:
        customer = session.scalars(select(Customer).where(Customer.name == "株式会社鈴蘭企画（デモ）")).one()
        (account,) = session.scalars(
            select(BillingAccount).where(BillingAccount.customer_id == customer.id)
        ).all()
        model = session.scalars(select(EquipmentModel).where(EquipmentModel.code == "WS-10")).one()
        rows = preview_receipt(session, model, read_serials("TOUR-0001\nTOUR-0002"), on=TODAY)
        month_end = len(preview_run(session, date(2026, 11, 30), today=date(2026, 11, 30)))
    assert account.closing_day == 31
    for words in (
        f"{customer.name} {customer.number}",
        *(row.tag for row in rows),
        f"Close and bill {month_end} billing accounts",
        f"締めて請求する（請求先{month_end}件）",
        "桔梗文具店 中野店",
        "鈴蘭文具店 立川店",
    ):
        assert words in tour, words


@pytest.mark.slow
def test_demo_goes_into_an_empty_database_only(tmp_path: Path) -> None:
    environment = {**os.environ, "RENTAL_HOME": str(tmp_path), "RENTAL_SECRET_KEY": "k" * 40}
    environment.pop("DATABASE_URL", None)

    def rental(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(Path(sys.executable).with_name("rental")), *arguments],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    rental("db", "upgrade")
    loaded = rental("demo", "load", "--profile", "S")
    assert (loaded.returncode, loaded.stdout.split(",")[0]) == (0, "24 customers with 30 sites")
    assert "74 slots, 74 in service, 110 units" in loaded.stdout
    again = rental("demo", "load", "--profile", "S")
    assert again.returncode == 1
    assert "empty database only" in again.stderr
