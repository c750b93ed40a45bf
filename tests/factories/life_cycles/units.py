"""Units, from the receiving area to the customer or the scrap."""

from sqlalchemy import select

from rental.core.ids import new_id
from rental.core.uow import UnitOfWork
from rental.inventory.models import Reservation, Unit
from rental.inventory.movements import (
    load_unit,
    move_unit,
    retire_unit,
    shelve_unit,
    transfer_unit,
    unload_unit,
)
from rental.inventory.reservations import hold_this_unit, release_reservation
from rental.inventory.rules.holding import ReservationState
from rental.inventory.rules.unit_states import CUSTODY, UNIT_STATES, LocationKind, MovementKind, UnitState
from tests.factories.life_cycles.life import NOBODY, Act, Life, another
from tests.factories.life_cycles.work_orders import done
from tests.factories.rented import (
    make_active_contract,
    make_model,
    receive,
    stock,
)


def received(uow: UnitOfWork) -> Unit:
    return receive(uow, make_model(uow))[0]


def available(uow: UnitOfWork) -> Unit:
    return stock(uow, make_model(uow))[0]


def reserved(uow: UnitOfWork) -> Unit:
    make_active_contract(uow)
    return uow.session.scalars(select(Unit)).one()


def in_transit(uow: UnitOfWork) -> Unit:
    unit = reserved(uow)
    load_unit(uow, unit.id, to=another(uow, LocationKind.VAN))
    return unit


def installed(uow: UnitOfWork) -> Unit:
    done(uow)
    return uow.session.scalars(select(Unit)).one()


def retired(uow: UnitOfWork) -> Unit:
    unit = available(uow)
    retire_unit(uow, unit.id, reason="dropped")
    return unit


def release(uow: UnitOfWork, unit: Unit) -> None:
    held = select(Reservation.id).where(
        Reservation.unit_id == unit.id, Reservation.state == ReservationState.HELD
    )
    release_reservation(uow, uow.session.scalar(held) or NOBODY, reason="no longer wanted")


def release_and_unload(uow: UnitOfWork, unit: Unit) -> None:
    release(uow, unit)
    unload_unit(uow, unit.id, to=another(uow, LocationKind.BIN))


def install(uow: UnitOfWork, unit: Unit) -> None:
    move_unit(
        uow,
        unit.id,
        to=another(uow, LocationKind.SITE),
        kind=MovementKind.INSTALLATION,
        state=UnitState.INSTALLED,
    )


def transfer(uow: UnitOfWork, unit: Unit) -> None:
    (kind,) = CUSTODY[unit.state]
    transfer_unit(uow, unit.id, to=another(uow, kind))


_STAYS = (UnitState.RECEIVED, UnitState.AVAILABLE, UnitState.RESERVED, UnitState.IN_TRANSIT)
UNITS = Life(
    UNIT_STATES,
    Unit,
    {
        UnitState.RECEIVED: received,
        UnitState.AVAILABLE: available,
        UnitState.RESERVED: reserved,
        UnitState.IN_TRANSIT: in_transit,
        UnitState.INSTALLED: installed,
        UnitState.RETIRED: retired,
    },
    (
        Act(
            "shelve",
            lambda uow, unit: shelve_unit(uow, unit.id, to=another(uow, LocationKind.BIN)),
            {UnitState.RECEIVED: UnitState.AVAILABLE},
        ),
        Act(
            "hold",
            lambda uow, unit: hold_this_unit(uow, new_id(), unit.id, exchangeable=()),
            {UnitState.AVAILABLE: UnitState.RESERVED},
        ),
        Act(
            "release",
            release,
            {UnitState.RESERVED: UnitState.AVAILABLE, UnitState.IN_TRANSIT: UnitState.IN_TRANSIT},
        ),
        Act(
            "load",
            lambda uow, unit: load_unit(uow, unit.id, to=another(uow, LocationKind.VAN)),
            {UnitState.RESERVED: UnitState.IN_TRANSIT},
        ),
        Act(
            "unload",
            lambda uow, unit: unload_unit(uow, unit.id, to=another(uow, LocationKind.BIN)),
            {UnitState.IN_TRANSIT: UnitState.RESERVED},
        ),
        Act("release and unload", release_and_unload, {UnitState.IN_TRANSIT: UnitState.AVAILABLE}),
        Act("install", install, {UnitState.IN_TRANSIT: UnitState.INSTALLED}),
        Act(
            "retire",
            lambda uow, unit: retire_unit(uow, unit.id, reason="dropped"),
            {UnitState.AVAILABLE: UnitState.RETIRED},
        ),
        Act("transfer", transfer, {state: state for state in _STAYS}),
    ),
)
