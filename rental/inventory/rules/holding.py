"""Holding a unit for somebody, and letting it go."""

from enum import StrEnum

from rental.core.states import States


class ReservationState(StrEnum):
    """A unit is held until it is installed for whom it was held, or let go."""

    HELD = "held"
    USED = "used"
    RELEASED = "released"


RESERVATION_STATES = States(
    {
        ReservationState.HELD: {ReservationState.USED, ReservationState.RELEASED},
        ReservationState.USED: set(),
        ReservationState.RELEASED: set(),
    }
)
