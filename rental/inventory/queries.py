"""Reading units, places, movements and codes."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session, joinedload

from rental.core.errors import DomainError
from rental.core.text import folded, narrow
from rental.inventory.models import LabelCode, Movement, Receipt, Reservation, StockLocation, Unit, UnitStep
from rental.inventory.rules.holding import ReservationState
from rental.inventory.rules.label_codes import read_label_code
from rental.inventory.rules.label_lives import LabelCodeState
from rental.inventory.rules.serials import normalised_serial
from rental.inventory.rules.unit_states import LocationKind, UnitState


def units_matching(
    *,
    words: str = "",
    equipment_model_id: UUID | None = None,
    state: UnitState | None = None,
    location_id: UUID | None = None,
    place_words: str = "",
) -> Select[Unit]:
    """Units of which any number begins with the words: our number, the maker's, the label's. No order yet.

    `place_words` are the beginning of the code of the place: A-01 is the whole rack.
    """
    statement = select(Unit).options(joinedload(Unit.equipment_model), joinedload(Unit.location))
    if words:
        statement = statement.where(or_(*_any_number(words)))
    if equipment_model_id:
        statement = statement.where(Unit.equipment_model_id == equipment_model_id)
    if state:
        statement = statement.where(Unit.state == state)
    if location_id:
        statement = statement.where(Unit.location_id == location_id)
    if place_words:
        begins = StockLocation.code.startswith(narrow(place_words).upper(), autoescape=True)
        statement = statement.where(Unit.location_id.in_(select(StockLocation.id).where(begins)))
    return statement


def _any_number(words: str) -> Iterator[ColumnElement[bool]]:
    yield Unit.tag.startswith(narrow(words).upper(), autoescape=True)
    with suppress(DomainError):
        yield Unit.normalised_serial.startswith(normalised_serial(words), autoescape=True)
    with suppress(DomainError):
        yield Unit.id.in_(select(LabelCode.unit_id).where(LabelCode.code == read_label_code(words)))


def state_counts(session: Session) -> dict[UnitState, int]:
    """How many units are in each state."""
    rows = session.execute(select(Unit.state, func.count()).group_by(Unit.state)).all()
    return dict.fromkeys(UnitState, 0) | dict(rows)


def locations_matching(*, words: str = "", kind: LocationKind | None = None) -> Select[StockLocation]:
    """Places whose code or name contains the words, in no order yet."""
    statement = select(StockLocation).options(
        joinedload(StockLocation.technician), joinedload(StockLocation.site)
    )
    if words:
        statement = statement.where(
            or_(
                func.lower(StockLocation.code).contains(folded(words), autoescape=True),
                func.lower(StockLocation.name).contains(folded(words), autoescape=True),
            )
        )
    if kind:
        statement = statement.where(StockLocation.kind == kind)
    return statement


def places_of_kinds(session: Session, *kinds: LocationKind) -> Sequence[StockLocation]:
    """The company's places of these kinds, by code."""
    return session.scalars(
        select(StockLocation).where(StockLocation.kind.in_(kinds)).order_by(StockLocation.code).limit(1000)
    ).all()


def unit_counts_at(session: Session, location_ids: Collection[UUID]) -> dict[UUID, int]:
    """How many units are at each of these places."""
    rows = session.execute(
        select(Unit.location_id, func.count())
        .where(Unit.location_id.in_(location_ids))
        .group_by(Unit.location_id)
    ).all()
    return dict.fromkeys(location_ids, 0) | dict(rows)


def active_label_of(session: Session, unit_id: UUID) -> LabelCode | None:
    """The code that opens this unit at present."""
    return session.scalar(
        select(LabelCode).where(LabelCode.unit_id == unit_id, LabelCode.state == LabelCodeState.ACTIVE)
    )


def active_labels_of(session: Session, unit_ids: Collection[UUID]) -> dict[UUID, LabelCode]:
    """The present code of each of these units."""
    labels = session.scalars(
        select(LabelCode).where(LabelCode.unit_id.in_(unit_ids), LabelCode.state == LabelCodeState.ACTIVE)
    )
    return {label.unit_id: label for label in labels if label.unit_id}


def active_labels_of_places(session: Session, location_ids: Collection[UUID]) -> dict[UUID, LabelCode]:
    """The present code of each of these places that has one."""
    labels = session.scalars(
        select(LabelCode).where(
            LabelCode.location_id.in_(location_ids), LabelCode.state == LabelCodeState.ACTIVE
        )
    )
    return {label.location_id: label for label in labels if label.location_id}


def labels_of(session: Session, unit_id: UUID) -> Sequence[LabelCode]:
    """All codes the unit ever had, the newest first."""
    return session.scalars(
        select(LabelCode).where(LabelCode.unit_id == unit_id).order_by(LabelCode.issued_at.desc())
    ).all()


def movements_of(session: Session, unit_id: UUID) -> Sequence[Movement]:
    """Where the unit has been, latest first."""
    return session.scalars(
        select(Movement)
        .where(Movement.unit_id == unit_id)
        .options(joinedload(Movement.from_location), joinedload(Movement.to_location))
        .order_by(Movement.seq.desc())
        .limit(500)
    ).all()


def steps_of(session: Session, unit_id: UUID) -> Sequence[UnitStep]:
    """How the unit's life went, latest first."""
    return session.scalars(
        select(UnitStep).where(UnitStep.unit_id == unit_id).order_by(UnitStep.id.desc()).limit(500)
    ).all()


def movements_into(
    session: Session, location_id: UUID, *, limit: int = 10
) -> Sequence[tuple[Movement, Unit]]:
    """What came to a place lately, with the unit, latest first."""
    rows = session.execute(
        select(Movement, Unit)
        .join(Unit, Movement.unit_id == Unit.id)
        .where(Movement.to_location_id == location_id)
        .options(joinedload(Movement.from_location), joinedload(Unit.equipment_model))
        .order_by(Movement.recorded_at.desc(), Movement.id.desc())
        .limit(limit)
    )
    return [(movement, unit) for movement, unit in rows]


def held_for(session: Session, unit_id: UUID) -> Reservation | None:
    """The reservation that holds the unit now."""
    return session.scalar(
        select(Reservation).where(Reservation.unit_id == unit_id, Reservation.state == ReservationState.HELD)
    )


def reservations_of(session: Session, unit_id: UUID) -> Sequence[Reservation]:
    """For which slots the unit was ever held, latest first."""
    return session.scalars(
        select(Reservation)
        .where(Reservation.unit_id == unit_id)
        .order_by(Reservation.held_at.desc())
        .limit(500)
    ).all()


def units_held_for(session: Session, slot_ids: Collection[UUID]) -> dict[UUID, Unit]:
    """The unit held for each of these slots."""
    rows = session.scalars(
        select(Reservation)
        .where(Reservation.slot_id.in_(slot_ids), Reservation.state == ReservationState.HELD)
        .options(joinedload(Reservation.unit))
    )
    return {row.slot_id: row.unit for row in rows}


@dataclass(frozen=True, slots=True)
class Stock:
    """How many units of a model there are, and how many of them are free. What is retired is not counted."""

    total: int = 0
    free: int = 0


def stock_of_models(session: Session, model_ids: Collection[UUID]) -> dict[UUID, Stock]:
    """The units of each of these models, in numbers."""
    rows = session.execute(
        select(
            Unit.equipment_model_id,
            func.count(),
            func.count().filter(Unit.state == UnitState.AVAILABLE),
        )
        .where(Unit.equipment_model_id.in_(model_ids), Unit.state != UnitState.RETIRED)
        .group_by(Unit.equipment_model_id)
    ).all()
    counted = {model_id: Stock(total, free) for model_id, total, free in rows}
    return dict.fromkeys(model_ids, Stock()) | counted


def receipts_matching(*, words: str = "") -> Select[Receipt]:
    """Deliveries whose number begins with the words, or whose supplier or note has them. No order yet."""
    statement = select(Receipt).options(joinedload(Receipt.equipment_model), joinedload(Receipt.location))
    if words:
        statement = statement.where(
            or_(
                Receipt.number.startswith(narrow(words).upper(), autoescape=True),
                func.lower(Receipt.supplier_name).contains(folded(words), autoescape=True),
                func.lower(Receipt.delivery_note).contains(folded(words), autoescape=True),
            )
        )
    return statement


def waiting_counts(session: Session, receipt_ids: Collection[UUID]) -> dict[UUID, int]:
    """How many units of each of these deliveries wait for their shelf."""
    rows = session.execute(
        select(Unit.receipt_id, func.count())
        .where(Unit.receipt_id.in_(receipt_ids), Unit.state == UnitState.RECEIVED)
        .group_by(Unit.receipt_id)
    ).all()
    return dict.fromkeys(receipt_ids, 0) | dict(rows)


def units_of_receipt(session: Session, receipt_id: UUID) -> Sequence[Unit]:
    """What a delivery brought, in the order it was typed."""
    return session.scalars(
        select(Unit)
        .where(Unit.receipt_id == receipt_id)
        .options(joinedload(Unit.equipment_model), joinedload(Unit.location))
        .order_by(Unit.tag)
        .limit(2000)
    ).all()


def latest_movement_at(session: Session, unit_id: UUID) -> datetime | None:
    """When the unit moved last."""
    return session.scalar(
        select(Movement.happened_at).where(Movement.unit_id == unit_id).order_by(Movement.seq.desc()).limit(1)
    )
