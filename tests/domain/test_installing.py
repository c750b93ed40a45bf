"""The first half of the promise: a machine is received, promised, installed by scan, and rent runs."""

from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from rental.contracts.models import LineEvent, Placement, Slot
from rental.contracts.rules import SlotState
from rental.core.ids import new_id
from rental.core.uow import UnitOfWork
from rental.fieldwork.device_sync import Answer, Command, apply_command
from rental.fieldwork.models import WorkOrder, WorkOrderItem
from rental.fieldwork.rules import CommandType, ItemState, WorkOrderState
from rental.identity.permissions import Role
from rental.inventory.models import Movement, Reservation, Unit
from rental.inventory.rules.holding import ReservationState
from rental.inventory.rules.unit_states import MovementKind, UnitState
from tests.factories.rented import code_of, make_model, make_order, send_out, stock
from tests.support.story import Story


class Phone:
    """A technician's phone that is always online."""

    def __init__(self, story: Story, account_id: UUID) -> None:
        self.story, self.account_id, self.seq = story, account_id, 0

    def tells(self, kind: CommandType, order_id: UUID, **payload: object) -> Answer:
        self.seq += 1
        with self.story.begin("technician") as uow:
            return apply_command(uow, self.account_id, self.command(uow, kind, order_id, **payload))

    def command(self, uow: UnitOfWork, kind: CommandType, order_id: UUID, **payload: object) -> Command:
        return Command(
            id=new_id(),
            device="phone",
            seq=self.seq,
            type=kind,
            work_order_id=order_id,
            payload=payload,
            base=None,
            at=uow.now,
        )


@pytest.fixture
def phone(story: Story) -> Phone:
    return Phone(story, story.person(Role.TECHNICIAN).id)


def test_machine_scanned_on_site_fills_its_slot_and_owes_rent_from_that_day(
    story: Story, phone: Phone
) -> None:
    story.on("2026-04-01")
    with story.begin() as uow:
        order = make_order(uow, machines=2)
        send_out(uow, order, phone.account_id)
        held = uow.session.scalars(select(Unit).where(Unit.state == UnitState.RESERVED)).all()
        codes = [code_of(uow, unit.id) for unit in held]

    story.on("2026-04-16")
    assert phone.tells(CommandType.ARRIVE, order.id).status == "applied"
    for code in codes:
        assert phone.tells(CommandType.SCAN, order.id, code=code).status == "applied"
    done = phone.tells(CommandType.COMPLETE, order.id)

    assert done.status == "applied"
    assert [entry["from"] for entry in done.result["rent"]] == ["2026-04-16", "2026-04-16"]
    with story.reading() as session:
        units = session.scalars(select(Unit)).all()
        assert {unit.state for unit in units} == {UnitState.INSTALLED}
        assert {unit.location.site_id for unit in units} == {order.site_id}
        for unit in units:
            kinds = session.scalars(
                select(Movement.kind).where(Movement.unit_id == unit.id).order_by(Movement.seq)
            ).all()
            assert kinds == [
                MovementKind.RECEIPT,
                MovementKind.SHELVING,
                MovementKind.LOADING,
                MovementKind.INSTALLATION,
            ]
        slots = session.scalars(select(Slot)).all()
        assert {(slot.state, slot.started_on) for slot in slots} == {
            (SlotState.IN_SERVICE, date(2026, 4, 16))
        }
        placed = session.scalars(select(Placement.unit_id).where(Placement.removed_at.is_(None))).all()
        assert set(placed) == {unit.id for unit in units}
        assert [event.seq for event in session.scalars(select(LineEvent).order_by(LineEvent.seq))] == [1, 2]
        assert set(session.scalars(select(Reservation.state))) == {ReservationState.USED}
        assert session.get_one(WorkOrder, order.id).state is WorkOrderState.DONE
    assert story.announced().count("contracts.slot_started") == 2


def test_a_command_sent_twice_is_done_once(story: Story, phone: Phone) -> None:
    with story.begin() as uow:
        order = make_order(uow)
        send_out(uow, order, phone.account_id)
        phone.seq = 1
        command = phone.command(uow, CommandType.ARRIVE, order.id)
    with story.begin() as uow:
        assert apply_command(uow, phone.account_id, command).status == "applied"
    with story.begin() as uow:
        assert apply_command(uow, phone.account_id, command).status == "duplicate"


def test_wrong_model_is_refused_with_the_reason_and_nothing_changes(story: Story, phone: Phone) -> None:
    with story.begin() as uow:
        order = make_order(uow)
        send_out(uow, order, phone.account_id)
        (other,) = stock(uow, make_model(uow, "GR-10", category="GR"))
        code = code_of(uow, other.id)
    phone.tells(CommandType.ARRIVE, order.id)
    answer = phone.tells(CommandType.SCAN, order.id, code=code)
    assert answer.status == "rejected"
    assert answer.result["code"] == "fieldwork.wrong_model"
    assert answer.result["params"]["model"] == "GR-10"
    with story.reading() as session:
        assert session.get_one(Unit, other.id).state is UnitState.AVAILABLE
        assert set(session.scalars(select(WorkOrderItem.state))) == {ItemState.OPEN}


def test_another_machine_of_the_model_takes_the_place_of_the_one_held(story: Story, phone: Phone) -> None:
    with story.begin() as uow:
        order = make_order(uow)
        send_out(uow, order, phone.account_id)
        held = uow.session.scalars(select(Unit).where(Unit.state == UnitState.RESERVED)).one()
        (free,) = stock(uow, held.equipment_model)
    phone.tells(CommandType.ARRIVE, order.id)
    assert phone.tells(CommandType.SCAN, order.id, code=free.tag).status == "applied"
    assert phone.tells(CommandType.COMPLETE, order.id).status == "applied"
    with story.reading() as session:
        assert session.get_one(Unit, free.id).state is UnitState.INSTALLED
        assert session.get_one(Unit, held.id).state is UnitState.AVAILABLE


def test_rest_of_a_job_gets_a_job_of_its_own(story: Story, phone: Phone) -> None:
    with story.begin() as uow:
        order = make_order(uow, machines=2)
        send_out(uow, order, phone.account_id)
        held = uow.session.scalars(select(Unit).order_by(Unit.tag)).all()
    phone.tells(CommandType.ARRIVE, order.id)
    phone.tells(CommandType.SCAN, order.id, code=held[0].serial_number)
    assert phone.tells(CommandType.COMPLETE, order.id).result["code"] == "fieldwork.machines_missing"
    assert phone.tells(CommandType.COMPLETE, order.id, leaves_rest=True).status == "applied"
    with story.reading() as session:
        follow_up = session.scalars(select(WorkOrder).where(WorkOrder.follows_id == order.id)).one()
        assert follow_up.state is WorkOrderState.READY
        assert [item.state for item in follow_up.items] == [ItemState.OPEN]


def test_work_done_two_days_ago_counts_from_that_day(story: Story, phone: Phone) -> None:
    story.on("2026-04-16")
    with story.begin() as uow:
        order = make_order(uow)
        send_out(uow, order, phone.account_id)
        unit = uow.session.scalars(select(Unit)).one()
    phone.tells(CommandType.ARRIVE, order.id)
    phone.tells(CommandType.SCAN, order.id, code=unit.tag)
    story.on("2026-04-18")
    with story.begin("technician") as uow:
        phone.seq += 1
        late = Command(
            id=new_id(),
            device="phone",
            seq=phone.seq,
            type=CommandType.COMPLETE,
            work_order_id=order.id,
            payload={},
            base=None,
            at=uow.now - timedelta(days=2),
        )
        answer = apply_command(uow, phone.account_id, late)
    assert answer.result["rent"][0]["from"] == "2026-04-16"
