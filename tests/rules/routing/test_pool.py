"""Routes of several searches are combined: how many searches there are, and whose routes are chosen among."""

import pytest

from rental.routing.engines.arrays import facts_of
from rental.routing.engines.chain import KeptRoute
from rental.routing.engines.partition import MOST_ROUTES, Pool, best_choice
from rental.routing.engines.search import FEWEST_SEARCHES, MOST_SEARCHES, search_count
from rental.routing.problem import Person, Problem, TravelMatrix, Visit


def plain_problem(visits: int) -> Problem:
    ways = [[60 * (a != b) for a in range(visits + 1)] for b in range(visits + 1)]
    return Problem(
        tuple(Visit(f"V{number}", number, 60) for number in range(1, visits + 1)),
        tuple(Person(f"T{number}", 0, 0, 0, 36_000, yen_per_km=100) for number in range(2)),
        TravelMatrix.of(ways, ways),
    )


def test_a_search_whose_plans_are_dearer_still_has_its_routes_in_the_choice() -> None:
    pool = Pool(facts_of(plain_problem(60)))
    pairs = [(a, b) for a in range(60) for b in range(a)]
    pool.add([KeptRoute(0, pair, 10, total=100) for pair in pairs], 1)
    pool.add([KeptRoute(0, (a, b, 59), 10, total=200) for a, b in pairs if a != 59], 2)
    chosen = pool.best()
    assert [route.total for route in chosen[:4]] == [100, 200, 100, 200]
    assert len(chosen) == MOST_ROUTES
    assert sum(route.total == 200 for route in chosen) == MOST_ROUTES // 2


def test_routes_of_two_searches_make_one_plan_together() -> None:
    facts = facts_of(plain_problem(4))
    pool = Pool(facts)
    pool.add([KeptRoute(0, (0, 1), 10, total=50), KeptRoute(1, (2, 3), 40, total=50)], 1)
    pool.add([KeptRoute(0, (3, 2), 10, total=60), KeptRoute(1, (1, 0), 50, total=60)], 2)
    lines = best_choice(facts, pool.best(), [[0, 1], [2, 3]], None, lambda: False)
    assert lines is not None
    assert sorted(map(sorted, lines)) == [[0, 1], [2, 3]]
    assert [3, 2] in lines


@pytest.mark.parametrize(
    ("seconds", "attempts", "count"),
    [
        (1.0, None, FEWEST_SEARCHES),
        (5.0, None, 6),
        (600.0, None, MOST_SEARCHES),
        (None, 400_000, 5),
        (5.0, 1_000, FEWEST_SEARCHES),
        (None, None, FEWEST_SEARCHES),
    ],
)
def test_there_are_as_many_searches_as_can_grow_cold(
    seconds: float | None, attempts: int | None, count: int
) -> None:
    assert search_count(seconds, attempts) == count
