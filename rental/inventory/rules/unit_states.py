"""The life cycle of a unit, and where a unit may be in each state of it."""

from collections.abc import Mapping
from enum import StrEnum

from rental.core.errors import Conflict
from rental.core.states import IllegalStep, States


class UnitState(StrEnum):
    """How far a unit is in its life; where it is, is another fact."""

    RECEIVED = "received"
    AVAILABLE = "available"
    RESERVED = "reserved"
    IN_TRANSIT = "in_transit"
    INSTALLED = "installed"
    RETIRED = "retired"


UNIT_STATES = States(
    {
        UnitState.RECEIVED: {UnitState.AVAILABLE},
        UnitState.AVAILABLE: {UnitState.RESERVED, UnitState.RETIRED},
        UnitState.RESERVED: {UnitState.AVAILABLE, UnitState.IN_TRANSIT},
        UnitState.IN_TRANSIT: {UnitState.RESERVED, UnitState.AVAILABLE, UnitState.INSTALLED},
        UnitState.INSTALLED: set(),
        UnitState.RETIRED: set(),
    }
)


class LocationKind(StrEnum):
    """What sort of place it is. Units come from a supplier; no unit ever goes back there."""

    SUPPLIER = "supplier"
    RECEIVING = "receiving"
    BIN = "bin"
    VAN = "van"
    SITE = "site"
    SCRAP = "scrap"


CUSTODY: dict[UnitState, frozenset[LocationKind]] = {
    UnitState.RECEIVED: frozenset({LocationKind.RECEIVING}),
    UnitState.AVAILABLE: frozenset({LocationKind.BIN}),
    UnitState.RESERVED: frozenset({LocationKind.BIN}),
    UnitState.IN_TRANSIT: frozenset({LocationKind.VAN}),
    UnitState.INSTALLED: frozenset({LocationKind.SITE}),
    UnitState.RETIRED: frozenset({LocationKind.SCRAP}),
}


class WrongPlace(Conflict):
    """A unit in this state is never at a place of this kind."""

    code = "inventory.wrong_place"

    def __init__(self, *, state: UnitState, kind: LocationKind, tag: str, place: str) -> None:
        super().__init__(state=state, kind=kind, tag=tag, place=place)


class MovementKind(StrEnum):
    """Why a unit changed its place."""

    RECEIPT = "receipt"
    SHELVING = "shelving"
    TRANSFER = "transfer"
    LOADING = "loading"
    UNLOADING = "unloading"
    INSTALLATION = "installation"
    RETIREMENT = "retirement"


def require_custody(state: UnitState, kind: LocationKind, *, tag: str, place: str) -> None:
    """Raises WrongPlace when a unit in this state cannot be at such a place."""
    if kind not in CUSTODY[state]:
        raise WrongPlace(state=state, kind=kind, tag=tag, place=place)


# A receipt is the first movement of all: nothing that is ours is received again.
MOVED_IN: dict[MovementKind, frozenset[UnitState]] = {
    MovementKind.RECEIPT: frozenset(),
    MovementKind.SHELVING: frozenset({UnitState.RECEIVED}),
    MovementKind.TRANSFER: frozenset(
        {UnitState.RECEIVED, UnitState.AVAILABLE, UnitState.RESERVED, UnitState.IN_TRANSIT}
    ),
    MovementKind.LOADING: frozenset({UnitState.RESERVED}),
    MovementKind.UNLOADING: frozenset({UnitState.IN_TRANSIT}),
    MovementKind.INSTALLATION: frozenset({UnitState.IN_TRANSIT}),
    MovementKind.RETIREMENT: frozenset({UnitState.AVAILABLE}),
}


def require_movement(kind: MovementKind, state: UnitState) -> None:
    """Raises IllegalStep when a unit in this state is not moved for this reason.

    A reserved unit is not shelved, or it would be free and held at once; one at a customer's is not
    transferred, or its slot would be filled from afar.
    """
    if state not in MOVED_IN[kind]:
        raise IllegalStep(kind=MovementKind.__name__, now=state.value, wanted=kind.value)


# What people may do by hand with a unit in each state, and the sort of place it then goes to. Installing,
# retrieving and retiring are acts of their own: nobody carries a unit to or from a site by hand.
_BY_HAND: dict[UnitState, dict[MovementKind, LocationKind]] = {
    UnitState.RECEIVED: {
        MovementKind.SHELVING: LocationKind.BIN,
        MovementKind.TRANSFER: LocationKind.RECEIVING,
    },
    UnitState.AVAILABLE: {MovementKind.TRANSFER: LocationKind.BIN},
    UnitState.RESERVED: {MovementKind.LOADING: LocationKind.VAN, MovementKind.TRANSFER: LocationKind.BIN},
    UnitState.IN_TRANSIT: {MovementKind.UNLOADING: LocationKind.BIN, MovementKind.TRANSFER: LocationKind.VAN},
    UnitState.INSTALLED: {},
    UnitState.RETIRED: {},
}


def moves_by_hand(state: UnitState) -> Mapping[MovementKind, LocationKind]:
    """What may be done with a unit in this state, the step ahead first, and where it then goes."""
    return _BY_HAND[state]


def move_into(state: UnitState, kind: LocationKind) -> MovementKind | None:
    """What it means to put a unit in this state into such a place; nothing where it does not belong."""
    return next((move for move, goes_to in _BY_HAND[state].items() if goes_to is kind), None)
