"""The checks of stock, contracts and fieldwork: one sabotage each turns exactly one of them red."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import Select, delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from rental.assurance.checks import CHECKS
from rental.contracts.models import Contract, ContractStep, LineEvent, Placement, Slot
from rental.contracts.rules import ContractState, SlotState
from rental.core.db import Base, writing_engine
from rental.core.ids import new_id
from rental.core.numbering import Counter
from rental.customers.models import Customer
from rental.fieldwork.device_sync import Command, apply_command
from rental.fieldwork.models import FieldCommand, FieldDevice, WorkOrder, WorkOrderItem, WorkOrderStep
from rental.fieldwork.rules import CommandStatus, CommandType, ItemState, WorkOrderState
from rental.identity.permissions import Role
from rental.inventory.models import Movement, Receipt, Reservation, StockLocation, Unit, UnitStep
from rental.inventory.rules.holding import ReservationState
from rental.inventory.rules.unit_states import LocationKind, MovementKind, UnitState
from rental.inventory.stock_locations import add_stock_location
from rental.web import sentences
from tests.domain import (
    test_checks,
    test_closing_months,
    test_money_checks,
    test_payment_checks,
    test_route_checks,
)
from tests.domain.test_checks import red
from tests.factories.rented import make_active_contract, make_draft, make_order, receive, send_out, stock
from tests.support.beginnings import Once
from tests.support.story import Story

LEDGERS = (Movement, LineEvent, FieldCommand, UnitStep, ContractStep, WorkOrderStep)


@pytest.fixture
def company(story: Story, once: Once) -> Story:
    """One of each: a finished job, one on site, an active contract, a draft, units everywhere."""
    once(one_of_each)
    return story


def one_of_each(story: Story) -> None:
    technician = story.person(Role.TECHNICIAN).id
    with story.begin() as uow:
        order, open_order = make_order(uow), make_order(uow)
        send_out(uow, order, technician)
        send_out(uow, open_order, technician)
        tag = _unit_held_for(uow.session, order).tag
        make_active_contract(uow)
        model = _unit_held_for(uow.session, order).equipment_model
        make_draft(uow)
        stock(uow, model, 2)
        receive(uow, model)
        add_stock_location(uow, code="A-01-2", name="Shelf A-01-2", kind=LocationKind.BIN)
    told: list[tuple[CommandType, WorkOrder, dict[str, str]]] = [
        (CommandType.ARRIVE, order, {}),
        (CommandType.ARRIVE, open_order, {}),
        (CommandType.SCAN, order, {"code": tag}),
        (CommandType.COMPLETE, order, {}),
        (CommandType.COMPLETE, open_order, {}),
    ]
    for kind, which, payload in told:
        with story.begin("technician") as uow:
            command = Command(
                id=new_id(),
                device="phone",
                seq=None,
                type=kind,
                work_order_id=which.id,
                payload={**payload},
                base=None,
                at=uow.now,
            )
            apply_command(uow, technician, command)
    story.everything_happens()
    story.tick()


def _unit_held_for(session: Session, order: WorkOrder) -> Unit:
    slots = select(WorkOrderItem.slot_id).where(WorkOrderItem.work_order_id == order.id)
    return session.scalars(select(Unit).join(Reservation).where(Reservation.slot_id.in_(slots))).one()


def in_state(state: UnitState) -> Select[Unit]:
    return select(Unit).where(Unit.state == state).order_by(Unit.tag).limit(1)


def other_shelf(session: Session, unit: Unit) -> UUID:
    return session.scalars(
        select(StockLocation.id).where(
            StockLocation.kind == LocationKind.BIN, StockLocation.id != unit.location_id
        )
    ).one()


def moved(unit: Unit, seq: int, come_from: UUID, to: UUID) -> Movement:
    return Movement(
        unit_id=unit.id,
        seq=seq,
        kind=MovementKind.TRANSFER,
        from_location_id=come_from,
        to_location_id=to,
        happened_at=unit.receipt.received_at,
        recorded_at=unit.receipt.received_at,
        actor_name="nobody",
        op_id=new_id(),
    )


def slipped_in(session: Session) -> Unit:
    """A unit more, in order but for its first movement: counted, in its receipt, with its step."""
    like = session.scalars(in_state(UnitState.RECEIVED)).one()
    unit = Unit(
        id=new_id(),
        equipment_model_id=like.equipment_model_id,
        receipt_id=like.receipt_id,
        serial_number="GHOST1",
        normalised_serial="GHOST1",
        tag="GHOST-1",
        state=UnitState.RECEIVED,
        location_id=like.location_id,
        received_on=like.received_on,
    )
    session.add(unit)
    session.flush()
    session.add(
        UnitStep(
            unit_id=unit.id, to_state=unit.state, happened_at=like.receipt.received_at, actor_name="nobody"
        )
    )
    session.execute(
        update(Receipt).where(Receipt.id == like.receipt_id).values(unit_count=Receipt.unit_count + 1)
    )
    counters = select(Counter.series).where(Counter.series.startswith("tag:")).limit(1)
    session.execute(
        update(Counter)
        .where(Counter.series == counters.scalar_subquery())
        .values(next_number=Counter.next_number + 1)
    )
    return unit


def moved_by_hand(session: Session) -> None:
    unit = session.scalars(in_state(UnitState.AVAILABLE)).one()
    session.execute(update(Unit).where(Unit.id == unit.id).values(location_id=other_shelf(session, unit)))


def retired_on_the_shelf(session: Session) -> None:
    unit = session.scalars(in_state(UnitState.AVAILABLE)).one()
    session.execute(update(Unit).where(Unit.id == unit.id).values(state=UnitState.RETIRED))
    session.add(
        UnitStep(
            unit_id=unit.id,
            from_state=UnitState.AVAILABLE,
            to_state=UnitState.RETIRED,
            happened_at=unit.receipt.received_at,
            actor_name="nobody",
        )
    )


def a_step_too_many(session: Session) -> None:
    contract = session.scalars(select(Contract).where(Contract.state == ContractState.DRAFT)).one()
    session.add(
        ContractStep(
            contract_id=contract.id,
            from_state=ContractState.DRAFT,
            to_state=ContractState.CANCELLED,
            happened_at=contract.created_at,
            actor_name="nobody",
        )
    )


def a_hole_in_the_chain(session: Session) -> None:
    """There and back again, but the way there is missing its number: 3 and 5."""
    unit = session.scalars(in_state(UnitState.AVAILABLE)).one()
    there = other_shelf(session, unit)
    session.add_all((moved(unit, 3, unit.location_id, there), moved(unit, 5, there, unit.location_id)))
    session.execute(update(Unit).where(Unit.id == unit.id).values(movement_count=5))


def a_teleport(session: Session) -> None:
    """Taken from where it was not."""
    unit = session.scalars(in_state(UnitState.AVAILABLE)).one()
    session.add(moved(unit, 3, other_shelf(session, unit), unit.location_id))
    session.execute(update(Unit).where(Unit.id == unit.id).values(movement_count=3))


def not_from_the_supplier(session: Session) -> None:
    unit = slipped_in(session)
    elsewhere = session.scalars(
        select(StockLocation.id).where(StockLocation.kind == LocationKind.BIN).limit(1)
    ).one()
    session.refresh(unit)
    session.add(moved(unit, 1, elsewhere, unit.location_id))
    session.execute(update(Unit).where(Unit.id == unit.id).values(movement_count=1))


def one_plate_on_two_machines(session: Session) -> None:
    one, two = session.scalars(
        select(Unit).where(Unit.state == UnitState.AVAILABLE).order_by(Unit.tag).limit(2)
    )
    session.execute(update(Unit).where(Unit.id == two.id).values(serial_number=one.serial_number.lower()))


def a_removal_without_a_movement(session: Session) -> None:
    placement = session.scalars(select(Placement)).one()
    session.execute(update(Placement).values(removed_at=placement.placed_at + timedelta(hours=1)))


def a_slot_filled_from_the_shelf(session: Session) -> None:
    """Placed in a contract's waiting slot, on paper only."""
    unit = session.scalars(in_state(UnitState.AVAILABLE)).one()
    slot = session.scalars(select(Slot).where(Slot.state == SlotState.AWAITING_INSTALL).limit(1)).one()
    movement = session.scalars(select(Movement.id).where(Movement.unit_id == unit.id).limit(1)).one()
    placed = session.scalars(select(Placement)).one()
    session.add(
        Placement(
            slot_id=slot.id,
            unit_id=unit.id,
            placed_at=placed.placed_at,
            reason=placed.reason,
            install_movement_id=movement,
        )
    )


def held_on_paper(session: Session) -> None:
    unit = session.scalars(in_state(UnitState.AVAILABLE)).one()
    session.add(Reservation(unit_id=unit.id, slot_id=new_id(), held_at=unit.receipt.received_at))


def reserved_for_nobody(session: Session) -> None:
    held = select(Reservation.id).where(Reservation.state == ReservationState.HELD).limit(1)
    session.execute(
        update(Reservation)
        .where(Reservation.id == held.scalar_subquery())
        .values(state=ReservationState.RELEASED)
    )


def counter_set(series: str, to: int) -> Callable[[Session], object]:
    return lambda session: session.execute(
        update(Counter).where(Counter.series.startswith(series)).values(next_number=to)
    )


def done_orders() -> Select[UUID]:
    return select(WorkOrder.id).where(WorkOrder.state == WorkOrderState.DONE)


def done_without(**values: object) -> Callable[[Session], object]:
    return lambda session: session.execute(
        update(WorkOrder).where(WorkOrder.state == WorkOrderState.DONE).values(**values)
    )


def done_with_nothing_installed(session: Session) -> None:
    items = WorkOrderItem.work_order_id.in_(done_orders())
    session.execute(update(WorkOrderItem).where(items).values(state=ItemState.LEFT))


def done_with_another_machine(session: Session) -> None:
    other = session.scalars(in_state(UnitState.AVAILABLE)).one()
    items = WorkOrderItem.work_order_id.in_(done_orders())
    session.execute(update(WorkOrderItem).where(items).values(unit_id=other.id))


def a_command_lost(session: Session) -> None:
    session.execute(update(FieldDevice).values(last_seq=FieldDevice.last_seq + 1))


def a_completion_without_effect(session: Session) -> None:
    device = session.scalars(select(FieldDevice)).one()
    refused = session.scalars(select(FieldCommand).where(FieldCommand.status == CommandStatus.REJECTED)).one()
    values = {column.name: getattr(refused, column.name) for column in FieldCommand.__table__.columns}
    changed = {"id": new_id(), "seq": device.last_seq + 1, "status": CommandStatus.APPLIED}
    session.execute(insert(FieldCommand).values({**values, **changed}))
    session.execute(update(FieldDevice).values(last_seq=device.last_seq + 1))


def rent_owed_twice(session: Session) -> None:
    event = session.scalars(select(LineEvent)).one()
    values = {column.name: getattr(event, column.name) for column in LineEvent.__table__.columns}
    session.execute(insert(LineEvent).values({**values, "id": new_id(), "seq": 2}))


def rent_from_another_day(session: Session) -> None:
    slot = session.scalars(select(Slot).where(Slot.state == SlotState.IN_SERVICE)).one()
    assert slot.started_on
    session.execute(
        update(Slot).where(Slot.id == slot.id).values(started_on=slot.started_on + timedelta(days=1))
    )


SABOTAGE: dict[str, Callable[[Session], object]] = {
    "S1": moved_by_hand,
    "S1b": retired_on_the_shelf,
    "S1c": a_step_too_many,
    "S2": a_hole_in_the_chain,
    "S3": not_from_the_supplier,
    "S4": slipped_in,
    "S5": one_plate_on_two_machines,
    "S8": a_removal_without_a_movement,
    "S9": held_on_paper,
    "S11": counter_set("contract:", 7),
    "W1": done_without(finished_at=None),
    "W5": a_command_lost,
    "C1": rent_owed_twice,
}
OTHERS: dict[str, tuple[str, Callable[[Session], object]]] = {
    "a movement that the unit does not count": (
        "S1",
        lambda session: session.execute(
            update(Unit).where(Unit.state == UnitState.INSTALLED).values(movement_count=9)
        ),
    ),
    "a filled slot whose unit is on the shelf": ("S8", a_slot_filled_from_the_shelf),
    "a unit reserved for nobody": ("S9", reserved_for_nobody),
    "a customer's counter set back": ("S11", counter_set("customer", 1)),
    "tags' counters set back": ("S11", counter_set("tag:", 1)),
    "a number not of its series": (
        "S11",
        lambda session: session.execute(
            update(Customer).where(Customer.number == "C00004").values(number="X")
        ),
    ),
    "a work order done by nobody": ("W1", done_without(visit_id=None)),
    "a work order done with nothing installed": ("W1", done_with_nothing_installed),
    "a work order done with another machine": ("W1", done_with_another_machine),
    "a completion without effect": ("W5", a_completion_without_effect),
    "rent from a day that nobody wrote down": ("C1", rent_from_another_day),
}


def test_every_check_has_its_sabotage() -> None:
    others = (test_checks, test_closing_months, test_money_checks, test_payment_checks, test_route_checks)
    named = {code for module in others for code in module.SABOTAGE}
    assert set(SABOTAGE) | named == {check.code for check in CHECKS}


def test_every_check_has_words_on_the_screen() -> None:
    assert set(sentences._CHECK_WORDS) == {check.code for check in CHECKS}


def test_a_company_with_work_done_and_waiting_has_no_finding(company: Story) -> None:
    assert red(company) == {}


@pytest.mark.parametrize("code", list(SABOTAGE))
def test_a_sabotage_turns_just_its_check_red(company: Story, code: str) -> None:
    with company.begin() as uow:
        SABOTAGE[code](uow.session)
    assert red(company) == {code: 1}


@pytest.mark.parametrize("what", list(OTHERS))
def test_every_part_of_a_question_is_asked(company: Story, what: str) -> None:
    code, sabotage = OTHERS[what]
    with company.begin() as uow:
        sabotage(uow.session)
    assert set(red(company)) == {code}


def test_a_teleport_is_found_by_the_chain_and_by_the_sum(company: Story) -> None:
    """A movement from where the unit was not leaves it twice at one place and a hole at the other."""
    with company.begin() as uow:
        a_teleport(uow.session)
    assert red(company) == {"S2": 1, "S3": 1}


def test_a_finding_names_things_as_people_call_them(company: Story) -> None:
    with company.begin() as uow:
        moved_by_hand(uow.session)
        tag = uow.session.scalars(in_state(UnitState.AVAILABLE)).one().tag
    with company.reading() as session:
        (check,) = (check for check in CHECKS if check.code == "S1")
        assert check.ask(session, company.clock.now()) == [
            {
                "unit": tag,
                "place": "A-01-2",
                "last_taken_to": "A-01-1",
                "movement_count": 2,
                "last_movement": 2,
            }
        ]


@pytest.mark.parametrize("ledger", LEDGERS)
def test_the_database_refuses_to_change_what_is_written_once(company: Story, ledger: type[Base]) -> None:
    before = _content(company, ledger)
    assert before
    first = next(column for column in ledger.__table__.columns if column.name != "id")
    for statement in (update(ledger).values({first.name: first}), delete(ledger)):
        with pytest.raises(DBAPIError, match="written once"), company.begin() as uow:
            uow.session.execute(statement)
    assert _content(company, ledger) == before


@pytest.mark.parametrize("ledger", LEDGERS)
def test_no_way_round_the_ledgers_is_left_open(company: Story, ledger: type[Base]) -> None:
    """SQLite can replace a row by inserting it again, PostgreSQL can empty a table."""
    before = _content(company, ledger)
    with company.app.app_context():
        is_sqlite = writing_engine().dialect.name == "sqlite"
    again = insert(ledger).from_select(
        [column.name for column in ledger.__table__.columns], select(ledger.__table__), include_defaults=False
    )
    statement = (
        again.prefix_with("OR REPLACE") if is_sqlite else text(f"TRUNCATE {ledger.__tablename__} CASCADE")
    )
    with pytest.raises(DBAPIError, match="written once"), company.begin() as uow:
        uow.session.execute(statement)
    assert _content(company, ledger) == before


def _content(story: Story, kind: type[Base]) -> list[tuple[object, ...]]:
    with story.reading() as session:
        return [tuple(row) for row in session.execute(select(kind.__table__).order_by("id"))]
