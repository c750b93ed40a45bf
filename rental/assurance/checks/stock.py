"""S: where units are, how they came there, and for whom they are held or placed."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, exists, func, literal, or_, select, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from rental.assurance.checks.asking import Check, Severity, rows_of
from rental.catalog.models import EquipmentModel
from rental.contracts.models import Contract, ContractStep, Placement, Slot
from rental.core.errors import DomainError
from rental.fieldwork.models import WorkOrder, WorkOrderStep
from rental.inventory.models import Movement, Receipt, Reservation, StockLocation, Unit, UnitStep
from rental.inventory.rules.holding import ReservationState
from rental.inventory.rules.serials import normalised_serial
from rental.inventory.rules.unit_states import CUSTODY, LocationKind, UnitState


def units_elsewhere(session: Session, as_of: datetime) -> list[dict[str, Any]]:
    """S1: a unit that is not where its last movement took it, or has other movements than it counts."""
    last = select(Movement.unit_id, func.max(Movement.seq).label("seq")).group_by(Movement.unit_id).subquery()
    taken_to = aliased(StockLocation)
    return rows_of(
        session,
        select(
            Unit.tag.label("unit"),
            StockLocation.code.label("place"),
            taken_to.code.label("last_taken_to"),
            Unit.movement_count,
            last.c.seq.label("last_movement"),
        )
        .join(last, last.c.unit_id == Unit.id)
        .join(Movement, and_(Movement.unit_id == Unit.id, Movement.seq == last.c.seq))
        .join(StockLocation, StockLocation.id == Unit.location_id)
        .join(taken_to, taken_to.id == Movement.to_location_id)
        .where(or_(Movement.to_location_id != Unit.location_id, Unit.movement_count != last.c.seq)),
    )


def units_where_none_may_be(session: Session, as_of: datetime) -> list[dict[str, Any]]:
    """S1b: a unit at a place where one in its state cannot be, such as an installed one in a warehouse."""
    allowed = or_(
        *((Unit.state == state) & StockLocation.kind.in_(sorted(kinds)) for state, kinds in CUSTODY.items())
    )
    return rows_of(
        session,
        select(Unit.tag.label("unit"), Unit.state, StockLocation.code.label("place"), StockLocation.kind)
        .join(StockLocation, StockLocation.id == Unit.location_id)
        .where(~allowed),
    )


def states_without_their_steps(session: Session, as_of: datetime) -> list[dict[str, Any]]:
    """S1c: a unit, contract or work order whose written steps do not lead to its state.

    Counted like money: a step enters one state and leaves another, so just the present one is left over.
    """
    return [
        *_steps_left_over(session, "unit", Unit.id, Unit.tag, Unit.state, UnitStep.unit_id, UnitStep),
        *_steps_left_over(
            session,
            "contract",
            Contract.id,
            Contract.number,
            Contract.state,
            ContractStep.contract_id,
            ContractStep,
        ),
        *_steps_left_over(
            session,
            "work_order",
            WorkOrder.id,
            WorkOrder.number,
            WorkOrder.state,
            WorkOrderStep.work_order_id,
            WorkOrderStep,
        ),
    ]


def _steps_left_over(
    session: Session,
    kind: str,
    key: InstrumentedAttribute[Any],
    name: InstrumentedAttribute[Any],
    state: InstrumentedAttribute[Any],
    of: InstrumentedAttribute[Any],
    step: type[UnitStep] | type[ContractStep] | type[WorkOrderStep],
) -> list[dict[str, Any]]:
    each = union_all(
        select(of.label("key"), step.to_state.label("state"), literal(1).label("sign")),
        select(of, step.from_state, literal(-1)).where(step.from_state.is_not(None)),
    ).subquery()
    left = (
        select(each.c.key, each.c.state, func.sum(each.c.sign).label("times"))
        .group_by(each.c.key, each.c.state)
        .having(func.sum(each.c.sign) != 0)
        .subquery()
    )
    is_present = and_(left.c.state == state, left.c.times == 1)
    return rows_of(
        session,
        select(name.label(kind), state.label("state"), func.count(left.c.key).label("left_over"))
        .outerjoin(left, left.c.key == key)
        .group_by(key, name, state)
        .having(or_(func.count(left.c.key) != 1, func.sum(case((is_present, 1), else_=0)) != 1)),
    )


def broken_chains(session: Session, as_of: datetime) -> list[dict[str, Any]]:
    """S2: a movement that does not begin where the one before it ended, or a hole in their count."""
    chain = select(
        Movement.unit_id,
        Movement.seq,
        Movement.from_location_id,
        func.lag(Movement.to_location_id)
        .over(partition_by=Movement.unit_id, order_by=Movement.seq)
        .label("came_from"),
        func.row_number().over(partition_by=Movement.unit_id, order_by=Movement.seq).label("place"),
    ).subquery()
    return rows_of(
        session,
        select(Unit.tag.label("unit"), chain.c.seq.label("movement"))
        .join(chain, chain.c.unit_id == Unit.id)
        .where(or_(chain.c.came_from != chain.c.from_location_id, chain.c.seq != chain.c.place)),
    )


def units_in_several_places(session: Session, as_of: datetime) -> list[dict[str, Any]]:
    """S3: a unit whose movements, added up like money, do not leave it at exactly one place."""
    entries = union_all(
        select(Movement.unit_id, Movement.to_location_id.label("place"), literal(1).label("sign")),
        select(Movement.unit_id, Movement.from_location_id, literal(-1)),
    ).subquery()
    balance = (
        select(entries.c.unit_id, func.sum(entries.c.sign).label("units"))
        .join(StockLocation, StockLocation.id == entries.c.place)
        .where(StockLocation.kind != LocationKind.SUPPLIER)
        .group_by(entries.c.unit_id, entries.c.place)
        .subquery()
    )
    return rows_of(
        session,
        select(Unit.tag.label("unit"), func.min(balance.c.units).label("least"))
        .join(balance, balance.c.unit_id == Unit.id)
        .group_by(Unit.id, Unit.tag)
        .having(
            or_(
                func.min(balance.c.units) < 0,
                func.max(balance.c.units) > 1,
                func.sum(balance.c.units) != 1,
            )
        ),
    )


def units_from_nowhere(session: Session, as_of: datetime) -> list[dict[str, Any]]:
    """S4: a unit without a movement, or a receipt of which not every unit is there."""
    return [
        *rows_of(
            session,
            select(Unit.tag.label("unit")).where(~exists().where(Movement.unit_id == Unit.id)),
        ),
        *rows_of(
            session,
            select(Receipt.number.label("receipt"), Receipt.unit_count, func.count(Unit.id).label("units"))
            .outerjoin(Unit, Unit.receipt_id == Receipt.id)
            .group_by(Receipt.id, Receipt.number, Receipt.unit_count)
            .having(func.count(Unit.id) != Receipt.unit_count),
        ),
    ]


def doubtful_serials(session: Session, as_of: datetime) -> list[dict[str, Any]]:
    """S5: two units of a model with one serial, or a serial whose form to compare by is out of date.

    The database compares that form; a unit whose form is out of date could be received a second time.
    """
    same = (
        select(Unit.equipment_model_id, Unit.normalised_serial, func.count().label("units"))
        .group_by(Unit.equipment_model_id, Unit.normalised_serial)
        .having(func.count() > 1)
        .subquery()
    )
    twice = rows_of(
        session,
        select(EquipmentModel.code.label("model"), same.c.normalised_serial, same.c.units).join(
            same, same.c.equipment_model_id == EquipmentModel.id
        ),
    )
    return [*twice, *_out_of_date(session)]


def _out_of_date(session: Session) -> Iterator[dict[str, Any]]:
    serials = select(Unit.tag, Unit.serial_number, Unit.normalised_serial).execution_options(yield_per=1000)
    for tag, typed, kept in session.execute(serials):
        try:
            meant = normalised_serial(typed)
        except DomainError as error:
            meant = error.code
        if meant != kept:
            yield {"unit": tag, "serial_number": typed, "kept": kept, "meant": meant}


def units_at_sites_without_a_slot(session: Session, as_of: datetime) -> list[dict[str, Any]]:
    """S8: a unit at a customer's site that fills no slot there, or fills one and is not there."""
    place, slot_place = aliased(StockLocation), aliased(StockLocation)
    placed = and_(Placement.unit_id == Unit.id, Placement.removed_at.is_(None))
    return rows_of(
        session,
        select(Unit.tag.label("unit"), place.code.label("place"), slot_place.code.label("fills_a_slot_at"))
        .join(place, place.id == Unit.location_id)
        .outerjoin(Placement, placed)
        .outerjoin(Slot, Slot.id == Placement.slot_id)
        .outerjoin(slot_place, slot_place.site_id == Slot.site_id)
        .where(
            or_(
                and_(place.kind == LocationKind.SITE, Placement.id.is_(None)),
                and_(
                    Placement.id.is_not(None),
                    or_(place.site_id.is_(None), place.site_id != Slot.site_id),
                ),
            )
        ),
    )


def units_held_wrongly(session: Session, as_of: datetime) -> list[dict[str, Any]]:
    """S9: a unit that is reserved for nobody, or held for somebody and neither reserved nor on its way."""
    held = and_(Reservation.unit_id == Unit.id, Reservation.state == ReservationState.HELD)
    return rows_of(
        session,
        select(Unit.tag.label("unit"), Unit.state, Reservation.slot_id.label("held_for_slot"))
        .outerjoin(Reservation, held)
        .where(
            or_(
                and_(Unit.state == UnitState.RESERVED, Reservation.id.is_(None)),
                and_(
                    Reservation.id.is_not(None),
                    Unit.state.not_in((UnitState.RESERVED, UnitState.IN_TRANSIT)),
                ),
            )
        ),
    )


_BEHIND_OUR_BACK = "Somebody changed the books behind the product's back: compare with the latest backup."

STOCK_CHECKS = (
    Check(
        "S1",
        "Is every unit where its last movement took it?",
        "Look where it stands, and compare its movements with the latest backup.",
        Severity.ERROR,
        units_elsewhere,
    ),
    Check(
        "S1b",
        "Is every unit at a place where one in its state can be?",
        "Look where it stands; its state was changed without a movement.",
        Severity.ERROR,
        units_where_none_may_be,
    ),
    Check(
        "S1c",
        "Do the written steps of units, contracts and work orders lead to their state?",
        _BEHIND_OUR_BACK,
        Severity.ERROR,
        states_without_their_steps,
    ),
    Check(
        "S2",
        "Does every movement begin where the one before it ended?",
        _BEHIND_OUR_BACK,
        Severity.ERROR,
        broken_chains,
    ),
    Check(
        "S3",
        "Do a unit's movements leave it at exactly one place?",
        _BEHIND_OUR_BACK,
        Severity.ERROR,
        units_in_several_places,
    ),
    Check(
        "S4",
        "Is every unit of every receipt there, and did it come by a movement?",
        _BEHIND_OUR_BACK,
        Severity.ERROR,
        units_from_nowhere,
    ),
    Check(
        "S5",
        "Does no model have one serial number twice?",
        "Read the type plates of both units and correct the wrong serial.",
        Severity.ERROR,
        doubtful_serials,
    ),
    Check(
        "S8",
        "Does every unit at a customer's site fill a slot there, and every filled slot have its unit?",
        "Ask on site which unit stands there; then install it by a work order, or fetch it.",
        Severity.ERROR,
        units_at_sites_without_a_slot,
    ),
    Check(
        "S9",
        "Is every reserved unit held for somebody, and every held unit reserved or on its way?",
        "Let the reservation go, and hold a unit for the slot again.",
        Severity.ERROR,
        units_held_wrongly,
    ),
)
