"""What holds a unit for a slot, and the label that names it."""

from sqlalchemy import select

from rental.core.uow import UnitOfWork
from rental.inventory.labelling import replace_unit_code
from rental.inventory.models import LabelCode, Reservation
from rental.inventory.reservations import release_reservation, use_reservation
from rental.inventory.rules.holding import RESERVATION_STATES, ReservationState
from rental.inventory.rules.label_lives import LABEL_CODE_STATES, LabelCodeState
from tests.factories.life_cycles.life import Act, Life
from tests.factories.life_cycles.units import available
from tests.factories.life_cycles.work_orders import done
from tests.factories.rented import (
    make_active_contract,
)


def held(uow: UnitOfWork) -> Reservation:
    make_active_contract(uow)
    return uow.session.scalars(select(Reservation)).one()


def used(uow: UnitOfWork) -> Reservation:
    done(uow)
    return uow.session.scalars(select(Reservation)).one()


def released(uow: UnitOfWork) -> Reservation:
    reservation = held(uow)
    release_reservation(uow, reservation.id, reason="no longer wanted")
    return reservation


RESERVATIONS = Life(
    RESERVATION_STATES,
    Reservation,
    {ReservationState.HELD: held, ReservationState.USED: used, ReservationState.RELEASED: released},
    (
        Act(
            "release",
            lambda uow, reservation: release_reservation(uow, reservation.id, reason="no longer wanted"),
            {ReservationState.HELD: ReservationState.RELEASED},
        ),
        Act("use", use_reservation, {ReservationState.HELD: ReservationState.USED}),
    ),
)


def active_label(uow: UnitOfWork) -> LabelCode:
    available(uow)
    return uow.session.scalars(select(LabelCode)).one()


def revoked_label(uow: UnitOfWork) -> LabelCode:
    label = active_label(uow)
    replace_label(uow, label)
    return label


def replace_label(uow: UnitOfWork, label: LabelCode) -> None:
    assert label.unit_id
    replace_unit_code(uow, label.unit_id, reason="scratched")


LABELS = Life(
    LABEL_CODE_STATES,
    LabelCode,
    {LabelCodeState.ACTIVE: active_label, LabelCodeState.REVOKED: revoked_label},
    (
        Act(
            "replace",
            replace_label,
            {
                LabelCodeState.ACTIVE: LabelCodeState.REVOKED,
                LabelCodeState.REVOKED: LabelCodeState.REVOKED,  # its successor is
            },
        ),
    ),
)
