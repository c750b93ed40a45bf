"""What people may do with a unit by hand agrees with where units may be, and why they are moved."""

import pytest

from rental.inventory.rules.unit_states import (
    CUSTODY,
    MOVED_IN,
    LocationKind,
    MovementKind,
    UnitState,
    move_into,
    moves_by_hand,
)

# The states that a move leads to; a transfer keeps the one before it.
LEADS_TO = {
    MovementKind.SHELVING: {UnitState.AVAILABLE},
    MovementKind.LOADING: {UnitState.IN_TRANSIT},
    MovementKind.UNLOADING: {UnitState.RESERVED, UnitState.AVAILABLE},
}
BY_HAND = {MovementKind.TRANSFER, *LEADS_TO}


@pytest.mark.parametrize("state", UnitState)
def test_every_move_that_is_legal_now_is_offered_and_no_other(state: UnitState) -> None:
    moves = moves_by_hand(state)
    assert set(moves) == {move for move in BY_HAND if state in MOVED_IN[move]}
    for move, kind in moves.items():
        assert all(kind in CUSTODY[after] for after in LEADS_TO.get(move, {state}))


@pytest.mark.parametrize("state", UnitState)
def test_the_sort_of_place_says_what_the_move_means(state: UnitState) -> None:
    meant = {move_into(state, kind): kind for kind in LocationKind if move_into(state, kind)}
    assert meant == moves_by_hand(state)
