"""Units under many hands: moves that chase each other, scans at one instant, a kill at every statement."""

import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from enum import StrEnum
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select, text

from rental.assurance.checks import CHECKS
from rental.contracts.activation import activate_contract
from rental.contracts.drafting import add_line, draft_contract
from rental.contracts.models import LineEvent, Placement, Slot
from rental.contracts.rules import SlotState
from rental.core.db import reading_snapshot
from rental.core.errors import DomainError
from rental.core.ids import new_id
from rental.core.uow import Actor, ActorKind, UnitOfWork, begin, locked
from rental.fieldwork.device_sync import Command, apply_command
from rental.fieldwork.models import FieldCommand, Visit, WorkOrder, WorkOrderItem
from rental.fieldwork.rules import CommandStatus, CommandType, ItemState, VisitState, WorkOrderState
from rental.fieldwork.visits import call_off_visit, cancel_work_order
from rental.fieldwork.work_orders import open_installation_orders
from rental.identity.permissions import Role
from rental.inventory.models import Movement, Reservation, StockLocation, Unit
from rental.inventory.movements import Circumstances, NotWhereItWas, transfer_unit
from rental.inventory.reservations import release_reservation
from rental.inventory.rules.holding import ReservationState
from rental.inventory.rules.unit_states import LocationKind, UnitState
from rental.inventory.stock_locations import add_stock_location
from tests.factories.rented import make_customer, make_model, make_plan, send_out, stock
from tests.support.forking import KILLED, dying_at, fork, in_child_processes, outcome
from tests.support.story import Story

pytestmark = pytest.mark.faults

ASKED = 1000
UNITS = 50
CLIENTS = 16
PROCESSES = 4
SHELVES = 6


def findings(story: Story) -> dict[str, int]:
    with story.reading() as session:
        rows = {check.code: check.ask(session, story.clock.now()) for check in CHECKS}
    return {code: len(found) for code, found in rows.items() if found and code != "P4b"}


# a thousand moves


def move_one(app: Flask, chance: random.Random, units: list[UUID], shelves: list[UUID]) -> str:
    """Somebody sees a unit on a shelf and carries it to another; meanwhile it may have gone."""
    unit_id = chance.choice(units)
    with app.app_context():
        with reading_snapshot() as session:
            seen = session.scalars(select(Unit.location_id).where(Unit.id == unit_id)).one()
        to = chance.choice([shelf for shelf in shelves if shelf != seen])
        try:
            with begin(Actor(ActorKind.PERSON, "storekeeper")) as uow:
                transfer_unit(uow, unit_id, to=to, how=Circumstances(seen_at=seen))
        except NotWhereItWas:
            return "refused"
    return "accepted"


def move_many(app: Flask, seed: int, units: list[UUID], shelves: list[UUID], told: Path) -> None:
    """The moves of one process, from four threads; writes down how many were accepted and refused."""

    def one(turn: int) -> str:
        return move_one(app, random.Random(f"{seed}-{turn}"), units, shelves)

    with ThreadPoolExecutor(CLIENTS // PROCESSES) as pool:
        answers = Counter(pool.map(one, range(ASKED // PROCESSES)))
    told.write_text(f"{answers['accepted']} {answers['refused']}")


@pytest.mark.slow
def test_a_thousand_concurrent_moves_leave_every_unit_at_one_place(story: Story, tmp_path: Path) -> None:
    with story.begin() as uow:
        units = [unit.id for unit in stock(uow, make_model(uow), UNITS)]
        for number in range(1, SHELVES + 1):
            add_stock_location(uow, code=f"B-{number}", name=f"B-{number}", kind=LocationKind.BIN)
        shelves = list(
            uow.session.scalars(select(StockLocation.id).where(StockLocation.kind == LocationKind.BIN))
        )
    before = story.count(Movement)
    told = [tmp_path / str(seed) for seed in range(PROCESSES)]

    def work(seed: int) -> Callable[[], None]:
        return lambda: move_many(story.app, seed, units, shelves, told[seed])

    in_child_processes(story.app, *(work(seed) for seed in range(PROCESSES)))

    accepted, refused = (
        sum(counts) for counts in zip(*(map(int, path.read_text().split()) for path in told), strict=True)
    )
    assert accepted + refused == ASKED
    assert story.count(Movement) == before + accepted
    assert refused >= 1, "nobody was in anybody's way: the test shows nothing"
    for unit_id in units:
        _is_a_chain(story, unit_id)
    assert findings(story) == {}


def _is_a_chain(story: Story, unit_id: UUID) -> None:
    with story.reading() as session:
        unit = session.get_one(Unit, unit_id)
        moves = session.scalars(
            select(Movement).where(Movement.unit_id == unit_id).order_by(Movement.seq)
        ).all()
        assert [move.seq for move in moves] == list(range(1, len(moves) + 1))
        assert [move.from_location_id for move in moves[1:]] == [move.to_location_id for move in moves[:-1]]
        assert (moves[-1].to_location_id, len(moves)) == (unit.location_id, unit.movement_count)


# two technicians


class Team:
    """Two technicians on site, each with a job for one machine of the same model."""

    def __init__(self, story: Story, *, are_there: bool = True) -> None:
        self.story = story
        self.people = [
            story.person(Role.TECHNICIAN, email=f"technician-{number}@example.jp").id for number in (1, 2)
        ]
        with story.begin() as uow:
            self.model = make_model(uow)
            self.plan_id = make_plan(uow, self.model).id
            orders = [self.job(uow) for _ in self.people]
            visits = [send_out(uow, order, who) for order, who in zip(orders, self.people, strict=True)]
            self.order_ids = [order.id for order in orders]
            self.visit_ids = [visit.id for visit in visits]
        if are_there:
            for number in (0, 1):
                assert self.tell(number, CommandType.ARRIVE) == "applied"

    def job(self, uow: UnitOfWork) -> WorkOrder:
        """For one machine at a new customer's, with a unit held for it."""
        stock(uow, self.model)
        customer, account, site = make_customer(uow)
        contract = draft_contract(uow, customer.id, account.id, months=12, wanted_on=uow.today)
        add_line(uow, contract.id, rate_plan_version_id=self.plan_id, site_id=site.id, quantity=1)
        uow.session.expire_all()
        activate_contract(uow, contract.id, uow.today)
        (order,) = open_installation_orders(uow, contract.id)
        return order

    def sent_out_anew(self) -> None:
        """The first technician has another job, and is on the way to nobody."""
        with self.story.begin() as uow:
            order = self.job(uow)
            self.order_ids[0], self.visit_ids[0] = order.id, send_out(uow, order, self.people[0]).id

    def held_tag(self, number: int) -> str:
        """The unit held for this technician's job."""
        with self.story.reading() as session:
            slots = select(WorkOrderItem.slot_id).where(WorkOrderItem.work_order_id == self.order_ids[number])
            return session.scalars(
                select(Unit.tag)
                .join(Reservation)
                .where(Reservation.slot_id.in_(slots), Reservation.state == ReservationState.HELD)
            ).one()

    def command(
        self,
        number: int,
        kind: CommandType,
        payload: dict[str, str] | None = None,
        *,
        device: str = "phone",
    ) -> Command:
        return Command(
            id=new_id(),
            device=device,
            seq=None,
            type=kind,
            work_order_id=self.order_ids[number],
            payload=dict(payload or {}),
            base=None,
            at=self.story.clock.now(),
        )

    def send(self, number: int, command: Command) -> str:
        with self.story.begin("technician") as uow:
            return apply_command(uow, self.people[number], command).status

    def tell(self, number: int, kind: CommandType, payload: dict[str, str] | None = None) -> str:
        return self.send(number, self.command(number, kind, payload))


def at_once(story: Story, *works: Callable[[], object]) -> None:
    """Starts them in processes of their own, at the same moment."""
    start = get_context("fork").Barrier(len(works))

    def waiting(work: Callable[[], object]) -> Callable[[], None]:
        def run() -> None:
            start.wait(20)
            work()

        return run

    in_child_processes(story.app, *(waiting(work) for work in works))


@pytest.mark.slow
def test_of_two_technicians_who_scan_one_machine_one_gets_it(story: Story) -> None:
    team = Team(story)
    for _ in range(6):
        with story.begin() as uow:
            (free,) = stock(uow, team.model)
        scans = [team.command(number, CommandType.SCAN, {"code": free.tag}) for number in (0, 1)]
        at_once(story, *(partial(team.send, n, scans[n]) for n in (0, 1)))
        with story.reading() as session:
            answers = [session.get_one(FieldCommand, scan.id) for scan in scans]
            assert sorted(answer.status for answer in answers) == ["applied", "rejected"]
            (lost,) = (answer for answer in answers if answer.status is CommandStatus.REJECTED)
            assert lost.result["code"] == "inventory.held_for_another"
            won = 1 - [scan.id for scan in scans].index(lost.id)
            items = session.scalars(select(WorkOrderItem).where(WorkOrderItem.unit_id == free.id)).all()
            assert [item.work_order_id for item in items] == [team.order_ids[won]]
        assert team.tell(won, CommandType.UNDO_SCAN, {"item_id": str(items[0].id)}) == "applied"
        assert findings(story) == {}


@pytest.mark.slow
def test_a_job_completed_on_two_devices_at_once_is_completed_once(story: Story) -> None:
    team = Team(story)
    for number in (0, 1):
        assert team.tell(number, CommandType.SCAN, {"code": team.held_tag(number)}) == "applied"
    for number in (0, 1):
        twice = [team.command(number, CommandType.COMPLETE, device=device) for device in ("phone", "browser")]
        at_once(story, *(partial(team.send, number, command) for command in twice))
        with story.reading() as session:
            answers = [session.get_one(FieldCommand, command.id) for command in twice]
        assert sorted(answer.status for answer in answers) == ["applied", "conflict"]
    assert story.count(Placement) == 2
    assert story.count(LineEvent) == 2
    assert findings(story) == {}


@pytest.mark.slow
def test_a_promise_taken_back_while_the_machine_is_installed_is_one_or_the_other(story: Story) -> None:
    team = Team(story)
    for number in (0, 1):
        tag = team.held_tag(number)
        assert team.tell(number, CommandType.SCAN, {"code": tag}) == "applied"
        with story.reading() as session:
            held = session.scalars(select(Reservation.id).join(Unit).where(Unit.tag == tag)).one()
        complete = team.command(number, CommandType.COMPLETE)

        def take_back(reservation_id: UUID = held) -> None:
            with suppress(DomainError), story.begin() as uow:
                release_reservation(uow, reservation_id, reason="no longer wanted")

        at_once(story, partial(team.send, number, complete), take_back)
        with story.reading() as session:
            answer = session.get_one(FieldCommand, complete.id).status
            state = session.scalars(select(Unit.state).where(Unit.tag == tag)).one()
        assert (answer, state) in {
            (CommandStatus.APPLIED, UnitState.INSTALLED),
            (CommandStatus.CONFLICT, UnitState.AVAILABLE),
        }
        assert findings(story) == {}


@pytest.mark.slow
def test_a_promise_that_is_just_being_taken_back_is_a_conflict(story: Story) -> None:
    """The phone waits for the office, and then sees what the office did."""
    team = Team(story)
    tag = team.held_tag(0)
    assert team.tell(0, CommandType.SCAN, {"code": tag}) == "applied"
    complete = team.command(0, CommandType.COMPLETE)
    now = get_context("fork").Event()
    phone = fork(story.app, lambda: now.wait(20) and team.send(0, complete))
    with story.begin() as uow:
        held = uow.session.scalars(select(Reservation.id).join(Unit).where(Unit.tag == tag)).one()
        release_reservation(uow, held, reason="no longer wanted")
        now.set()
        _until_it_waits(uow)
    assert outcome(phone) == 0
    with story.reading() as session:
        assert session.get_one(FieldCommand, complete.id).status is CommandStatus.CONFLICT
    assert findings(story) == {}


@pytest.mark.slow
@pytest.mark.parametrize("meanwhile", ["call_off", "cancel"])
def test_the_office_and_the_phone_never_wait_for_each_other(story: Story, meanwhile: str) -> None:
    """Both hold the visit before its job: were the phone to begin with the job, each would stop the other."""
    team = Team(story, are_there=False)
    arrive = team.command(0, CommandType.ARRIVE)
    now = get_context("fork").Event()
    phone = fork(story.app, lambda: now.wait(20) and team.send(0, arrive))
    with story.begin("dispatcher") as uow:
        locked(uow, Visit, team.visit_ids[0])
        now.set()
        _until_it_waits(uow)
        if meanwhile == "call_off":
            call_off_visit(uow, team.visit_ids[0])
        else:
            cancel_work_order(uow, team.order_ids[0], reason="shop is being rebuilt")
    assert outcome(phone) == 0
    with story.reading() as session:
        assert session.get_one(Visit, team.visit_ids[0]).state is VisitState.CANCELLED
        answer = session.get_one(FieldCommand, arrive.id)
    assert answer.status in (CommandStatus.REJECTED, CommandStatus.CONFLICT)


def _until_it_waits(uow: UnitOfWork) -> None:
    """SQLite lets one write at a time; on PostgreSQL the other is seen waiting for a lock."""
    if uow.session.get_bind().dialect.name == "sqlite":
        return
    end = time.monotonic() + 10
    while not uow.session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
        assert time.monotonic() < end, "the phone waits for nobody"


@pytest.mark.slow
def test_a_job_cancelled_while_the_technician_arrives_is_one_or_the_other(story: Story) -> None:
    team = Team(story, are_there=False)
    for _ in range(4):
        team.sent_out_anew()
        arrive = team.command(0, CommandType.ARRIVE)

        def cancel(order_id: UUID = team.order_ids[0]) -> None:
            with story.begin() as uow:
                cancel_work_order(uow, order_id, reason="shop is being rebuilt")

        at_once(story, partial(team.send, 0, arrive), cancel)
        with story.reading() as session:
            state = session.get_one(Visit, team.visit_ids[0]).state
            answer = session.get_one(FieldCommand, arrive.id).status
        assert (answer, state) in {
            (CommandStatus.APPLIED, VisitState.LEFT),
            (CommandStatus.CONFLICT, VisitState.CANCELLED),
        }


# a process that dies


@pytest.mark.slow
def test_an_installation_killed_at_any_statement_is_done_wholly_or_not_at_all(
    story: Story, is_nightly: bool
) -> None:
    """Before each statement and after each that writes; the nightly run kills after the others as well."""
    team = Team(story)
    assert team.tell(0, CommandType.SCAN, {"code": team.held_tag(0)}) == "applied"
    complete = team.command(0, CommandType.COMPLETE)
    nothing = facts(story)
    died = 0
    for point in range(400):
        work = dying_at(point, lambda: team.send(0, complete), at_every_moment=is_nightly)
        ending = outcome(fork(story.app, work))
        assert ending in (0, KILLED)
        if ending == 0 or facts(story) != nothing:
            break
        died += 1
    assert died >= 60, "completing has more moments than that"
    assert team.send(0, complete) == "duplicate"
    counts, states = facts(story)
    moved, _, _, heard = nothing[0]
    assert counts == [moved + 2, 1, 1, heard + 1]
    assert states == [
        {WorkOrderState.DONE, WorkOrderState.ON_SITE},
        {ItemState.INSTALLED, ItemState.OPEN},
        {UnitState.INSTALLED, UnitState.RESERVED},
        {SlotState.IN_SERVICE, SlotState.AWAITING_INSTALL},
    ]
    assert story.announced().count("contracts.slot_started") == 1
    assert findings(story) == {}


def facts(story: Story) -> tuple[list[int], list[set[StrEnum]]]:
    """What an installation changes: how many rows there are, and the states that there are."""
    ledgers = (Movement, Placement, LineEvent, FieldCommand)
    with story.reading() as session:
        states: list[set[StrEnum]] = [
            set(session.scalars(select(kind.state))) for kind in (WorkOrder, WorkOrderItem, Unit, Slot)
        ]
    return [story.count(ledger) for ledger in ledgers], states
