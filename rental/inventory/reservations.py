"""Holding units for slots: the oldest free unit of a model first, and let go when the promise falls away."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select

from rental.catalog.models import EquipmentModel
from rental.core.errors import Conflict
from rental.core.uow import UnitOfWork, locked
from rental.inventory.models import Reservation, Unit
from rental.inventory.movements import step_unit
from rental.inventory.rules.holding import RESERVATION_STATES, ReservationState
from rental.inventory.rules.unit_states import UNIT_STATES, UnitState


class NotEnoughStock(Conflict):
    """Fewer free units than a line needs."""

    code = "inventory.not_enough_stock"

    def __init__(self, *, model: str, needed: int, free: int) -> None:
        super().__init__(model=model, needed=needed, free=free)


class HeldForAnother(Conflict):
    """The unit is promised to somebody else."""

    code = "inventory.held_for_another"

    def __init__(self, *, tag: str) -> None:
        super().__init__(tag=tag)


def reserve_units(uow: UnitOfWork, model: EquipmentModel, slot_ids: Sequence[UUID]) -> Sequence[Reservation]:
    """One free unit of the model for each slot, those longest in the house first.

    Raises NotEnoughStock; then none is held.
    """
    free = uow.session.scalars(
        select(Unit)
        .where(Unit.equipment_model_id == model.id, Unit.state == UnitState.AVAILABLE)
        .order_by(Unit.received_on, Unit.id)
        .limit(len(slot_ids))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    if len(free) < len(slot_ids):
        raise NotEnoughStock(model=model.code, needed=len(slot_ids), free=len(free))
    reservations = []
    for unit, slot_id in zip(free, slot_ids, strict=True):
        step_unit(uow, unit, UnitState.RESERVED)
        reservations.append(Reservation(unit_id=unit.id, slot_id=slot_id, held_at=uow.now))
    uow.session.add_all(reservations)
    uow.session.flush()
    return reservations


def release_reservation(uow: UnitOfWork, reservation_id: UUID, *, reason: str) -> None:
    """The promise fell away: the unit is free again. One on a van becomes free when it is unloaded."""
    reservation = locked(uow, Reservation, reservation_id)
    unit = locked(uow, Unit, reservation.unit_id)
    _end(uow, reservation, ReservationState.RELEASED, reason)
    if unit.state is UnitState.RESERVED:
        step_unit(uow, unit, UnitState.AVAILABLE)
        uow.session.flush()


def reservation_for_slot(uow: UnitOfWork, slot_id: UUID) -> Reservation | None:
    """The unit held for this slot, if any."""
    return uow.session.scalar(
        select(Reservation).where(Reservation.slot_id == slot_id, Reservation.state == ReservationState.HELD)
    )


def reservations_for_slots(uow: UnitOfWork, slot_ids: Collection[UUID]) -> dict[UUID, Reservation]:
    """The units held for these slots, by slot; until the transaction ends nobody takes them back."""
    held = uow.session.scalars(
        select(Reservation)
        .where(Reservation.slot_id.in_(slot_ids), Reservation.state == ReservationState.HELD)
        .order_by(Reservation.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {reservation.slot_id: reservation for reservation in held}


def reservation_of_unit(uow: UnitOfWork, unit_id: UUID) -> Reservation | None:
    """The slot this unit is held for, if any."""
    return uow.session.scalar(
        select(Reservation).where(Reservation.unit_id == unit_id, Reservation.state == ReservationState.HELD)
    )


def hold_this_unit(
    uow: UnitOfWork, slot_id: UUID, unit_id: UUID, *, exchangeable: Collection[UUID]
) -> Reservation:
    """Holds exactly this unit for the slot: somebody on site took another machine of the same model.

    The unit held so far becomes free, or, when this one is held for one of the `exchangeable` slots, is held
    for that slot instead. Raises HeldForAnother, and IllegalStep for a unit that is neither free nor held.
    """
    present = reservation_for_slot(uow, slot_id)
    if present and present.unit_id == unit_id:
        return present
    unit = locked(uow, Unit, unit_id)
    other = reservation_of_unit(uow, unit_id)
    if other and other.slot_id not in exchangeable:
        raise HeldForAnother(tag=unit.tag)
    if present and other:
        _end(uow, present, ReservationState.RELEASED, "exchanged")
        _end(uow, other, ReservationState.RELEASED, "exchanged")
        _write(uow, present.unit_id, other.slot_id)
        return _write(uow, unit_id, slot_id)
    if present:
        release_reservation(uow, present.id, reason="replaced on site")
    if other:
        _end(uow, other, ReservationState.RELEASED, "exchanged")
    if unit.state is UnitState.AVAILABLE:
        step_unit(uow, unit, UnitState.RESERVED)
    elif unit.state not in (UnitState.RESERVED, UnitState.IN_TRANSIT):
        UNIT_STATES.check(unit.state, UnitState.RESERVED)
    return _write(uow, unit_id, slot_id)


def use_reservation(uow: UnitOfWork, reservation: Reservation) -> None:
    """The unit was installed where it was promised. Not flushed yet: nothing else waits for it to be free."""
    _close(uow, reservation, ReservationState.USED, "")


def _write(uow: UnitOfWork, unit_id: UUID, slot_id: UUID) -> Reservation:
    reservation = Reservation(unit_id=unit_id, slot_id=slot_id, held_at=uow.now)
    uow.session.add(reservation)
    uow.session.flush()
    return reservation


def _end(uow: UnitOfWork, reservation: Reservation, state: ReservationState, reason: str) -> None:
    """Saved at once: somebody else may be held for the same slot, or another slot for the same unit."""
    _close(uow, reservation, state, reason)
    uow.session.flush()


def _close(uow: UnitOfWork, reservation: Reservation, state: ReservationState, reason: str) -> None:
    RESERVATION_STATES.check(reservation.state, state)
    reservation.state = state
    reservation.reason = reason
    reservation.ended_at = uow.now
