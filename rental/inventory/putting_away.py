"""Putting a unit somewhere: what the move means follows from the unit's state and the sort of place."""

from uuid import UUID

from rental.core.db import found
from rental.core.uow import UnitOfWork, locked
from rental.inventory.models import Movement, StockLocation, Unit
from rental.inventory.movements import (
    PLAINLY,
    AlreadyThere,
    Circumstances,
    load_unit,
    shelve_unit,
    transfer_unit,
    unload_unit,
)
from rental.inventory.rules.unit_states import (
    LocationKind,
    MovementKind,
    UnitState,
    WrongPlace,
    move_into,
    moves_by_hand,
)


def destinations_of(state: UnitState) -> tuple[LocationKind, ...]:
    """The sorts of places a unit in this state can be put into."""
    return tuple(moves_by_hand(state).values())


def put_unit_into(
    uow: UnitOfWork, unit_id: UUID, location_id: UUID, *, how: Circumstances = PLAINLY
) -> Movement:
    """From receiving to a shelf it becomes free, from a shelf to a van it is on its way, and so on.

    Raises AlreadyThere, WrongPlace; then nothing has changed.
    """
    unit = locked(uow, Unit, unit_id)
    place = found(uow.session, StockLocation, location_id)
    if unit.location_id == place.id:
        raise AlreadyThere(tag=unit.tag, place=place.code)
    match move_into(unit.state, place.kind):
        case MovementKind.SHELVING:
            return shelve_unit(uow, unit_id, to=place.id, how=how)
        case MovementKind.LOADING:
            return load_unit(uow, unit_id, to=place.id, how=how)
        case MovementKind.UNLOADING:
            return unload_unit(uow, unit_id, to=place.id, how=how)
        case MovementKind.TRANSFER:
            return transfer_unit(uow, unit_id, to=place.id, how=how)
    raise WrongPlace(state=unit.state, kind=place.kind, tag=unit.tag, place=place.code)
