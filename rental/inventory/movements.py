"""Moving units: each move is one row that is never changed, and changes place and state together."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from rental.core.db import found
from rental.core.errors import Conflict
from rental.core.ids import new_id
from rental.core.text import tidy
from rental.core.uow import UnitOfWork, locked
from rental.inventory.models import Movement, Reservation, StockLocation, Unit, UnitStep
from rental.inventory.rules.holding import ReservationState
from rental.inventory.rules.unit_states import (
    UNIT_STATES,
    LocationKind,
    MovementKind,
    UnitState,
    require_custody,
    require_movement,
)


class NotWhereItWas(Conflict):
    """The unit is not at the place it was to be taken from: somebody moved it in the meantime."""

    code = "inventory.not_where_it_was"

    def __init__(self, *, tag: str, expected: str, now: str) -> None:
        super().__init__(tag=tag, expected=expected, now=now)


class AlreadyThere(Conflict):
    """The unit is at this place already."""

    code = "inventory.already_there"
    field = "location_id"

    def __init__(self, *, tag: str, place: str) -> None:
        super().__init__(tag=tag, place=place)


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """How a move came about: when it was done, by which act, on whose order, where the device was.

    `op_id` is the act's own id; the same act never moves the same unit twice. `seen_at` is where the mover
    saw the unit: it must still be there.
    """

    seen_at: UUID | None = None
    happened_at: datetime | None = None
    op_id: UUID | None = None
    source: str = ""
    note: str = ""
    latitude: float | None = None
    longitude: float | None = None


PLAINLY = Circumstances()


def move_unit(
    uow: UnitOfWork,
    unit_id: UUID,
    *,
    to: UUID,
    kind: MovementKind,
    state: UnitState | None = None,
    how: Circumstances = PLAINLY,
) -> Movement:
    """Takes the unit to another place, and into another state when one is named.

    Raises NotWhereItWas, AlreadyThere, IllegalStep or WrongPlace; then nothing has changed.
    """
    unit = locked(uow, Unit, unit_id)
    place = found(uow.session, StockLocation, to)
    if how.seen_at is not None and unit.location_id != how.seen_at:
        _refuse_elsewhere(uow, unit, how.seen_at)
    movement = carry_unit(uow, unit, place, kind=kind, state=state, how=how)
    uow.session.flush()
    return movement


def carry_unit(
    uow: UnitOfWork,
    unit: Unit,
    place: StockLocation,
    *,
    kind: MovementKind,
    state: UnitState | None = None,
    how: Circumstances = PLAINLY,
) -> Movement:
    """`move_unit` for a locked unit, and not flushed yet, so that many of them are saved together."""
    if unit.location_id == place.id:
        raise AlreadyThere(tag=unit.tag, place=place.code)
    wanted = state or unit.state
    if wanted is not unit.state:
        UNIT_STATES.check(unit.state, wanted)
    require_movement(kind, unit.state)
    require_custody(wanted, place.kind, tag=unit.tag, place=place.code)

    before = unit.location_id
    unit.movement_count += 1
    movement = Movement(
        id=new_id(),
        unit_id=unit.id,
        seq=unit.movement_count,
        kind=kind,
        from_location_id=before,
        to_location_id=place.id,
        happened_at=how.happened_at or uow.now,
        recorded_at=uow.now,
        actor_id=uow.actor.id,
        actor_name=uow.actor.name,
        op_id=how.op_id or new_id(),
        source=how.source,
        note=how.note,
        latitude=how.latitude,
        longitude=how.longitude,
    )
    uow.session.add(movement)
    unit.location_id = place.id
    if wanted is not unit.state:
        step_unit(uow, unit, wanted, movement=movement, how=how)
    return movement


def step_unit(
    uow: UnitOfWork,
    unit: Unit,
    state: UnitState,
    *,
    movement: Movement | None = None,
    how: Circumstances = PLAINLY,
) -> None:
    """Takes a locked unit one step further in its life and writes the step down. Raises IllegalStep."""
    UNIT_STATES.check(unit.state, state)
    uow.session.add(
        UnitStep(
            unit_id=unit.id,
            from_state=unit.state,
            to_state=state,
            happened_at=how.happened_at or uow.now,
            actor_name=uow.actor.name,
            movement_id=movement.id if movement else None,
            note=how.note,
        )
    )
    unit.state = state


def transfer_unit(uow: UnitOfWork, unit_id: UUID, *, to: UUID, how: Circumstances = PLAINLY) -> Movement:
    """From one place to another of the same kind, such as from shelf to shelf; the state stays."""
    return move_unit(uow, unit_id, to=to, kind=MovementKind.TRANSFER, how=how)


def shelve_unit(uow: UnitOfWork, unit_id: UUID, *, to: UUID, how: Circumstances = PLAINLY) -> Movement:
    """Looked at and found fit: from receiving to its shelf, free to be promised."""
    return move_unit(uow, unit_id, to=to, kind=MovementKind.SHELVING, state=UnitState.AVAILABLE, how=how)


def load_unit(uow: UnitOfWork, unit_id: UUID, *, to: UUID, how: Circumstances = PLAINLY) -> Movement:
    """From the shelf onto a van: only what is held for somebody leaves the house."""
    return move_unit(uow, unit_id, to=to, kind=MovementKind.LOADING, state=UnitState.IN_TRANSIT, how=how)


def unload_unit(uow: UnitOfWork, unit_id: UUID, *, to: UUID, how: Circumstances = PLAINLY) -> Movement:
    """Back from the van to a shelf: still held for whom it was held, or free."""
    held = select(Reservation.id).where(
        Reservation.unit_id == unit_id, Reservation.state == ReservationState.HELD
    )
    state = UnitState.RESERVED if uow.session.scalar(held) else UnitState.AVAILABLE
    return move_unit(uow, unit_id, to=to, kind=MovementKind.UNLOADING, state=state, how=how)


def retire_unit(uow: UnitOfWork, unit_id: UUID, *, reason: str, how: Circumstances = PLAINLY) -> Movement:
    """The end of a unit's life: it is never rented again. The reason stands in its history."""
    uow.because(reason)
    scrap = place_of_kind(uow, LocationKind.SCRAP)
    told = replace(how, note=how.note or tidy(reason))
    return move_unit(
        uow, unit_id, to=scrap.id, kind=MovementKind.RETIREMENT, state=UnitState.RETIRED, how=told
    )


def place_of_kind(uow: UnitOfWork, kind: LocationKind) -> StockLocation:
    """The company's first place of this kind: every company starts with a supplier and a scrap heap."""
    return uow.session.scalars(
        select(StockLocation).where(StockLocation.kind == kind).order_by(StockLocation.code).limit(1)
    ).one()


def _refuse_elsewhere(uow: UnitOfWork, unit: Unit, seen_at: UUID) -> None:
    expected = uow.session.get(StockLocation, seen_at)
    now = found(uow.session, StockLocation, unit.location_id)
    raise NotWhereItWas(tag=unit.tag, expected=expected.code if expected else "?", now=now.code)
