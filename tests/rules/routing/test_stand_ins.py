"""Whoever may begin the day in one of several ways begins it in one of them."""

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rental.routing.check import Fault, check
from rental.routing.explain import explain
from rental.routing.price import price
from rental.routing.problem import InvalidProblem, Person, Problem, TravelMatrix, Visit
from rental.routing.solve import solve, standing
from rental.routing.stop import AfterIterations
from tests.rules.routing.days import full_problems

some = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))

# A home, the depot ten minutes away, and two customers beside the home.
TRAVEL = TravelMatrix.of(
    [[0, 600, 60, 60], [600, 0, 600, 600], [60, 600, 0, 60], [60, 600, 60, 0]],
    [[0, 6000, 600, 600], [6000, 0, 6000, 6000], [600, 6000, 0, 600], [600, 6000, 600, 0]],
)
HOME = Person("Mori", 0, 0, 0, 7200, driving_yen_per_hour=3600, stand_for="Mori")
LOADED = replace(
    HOME, id="Mori by the depot", start_place=1, shift_starts=600, day_yen=600, parts={"valve": 9}
)
PLAIN = Visit("plain", 2, service_seconds=600, value=9_000)
VALVE = Visit("valve", 3, service_seconds=600, parts={"valve": 1}, value=9_000)


def planned(*visits: Visit, people: tuple[Person, ...] = (HOME, LOADED)) -> dict[str, tuple[str, ...]]:
    problem = Problem(visits, people, TRAVEL)
    plan = solve(problem, AfterIterations(60), 1)
    assert check(problem, plan) == []
    assert explain(problem, plan).left_out == plan.left_out
    return plan.sequences


def test_nobody_goes_by_the_depot_for_nothing() -> None:
    assert planned(PLAIN) == {"Mori": ("plain",)}


def test_who_needs_something_from_the_depot_does_the_whole_day_from_there() -> None:
    (route,) = planned(PLAIN, VALVE).items()
    assert route[0] == "Mori by the depot"
    assert set(route[1]) == {"plain", "valve"}


def test_what_is_under_way_decides() -> None:
    assert planned(PLAIN, VALVE, people=(replace(HOME, locked=("plain",)), LOADED)) == {"Mori": ("plain",)}


@some
@given(problem=full_problems(), names=st.lists(st.sampled_from([None, "A", "B"]), min_size=3, max_size=3))
def test_every_plan_has_each_human_once_and_is_no_worse_than_its_start(
    problem: Problem, names: list[str | None]
) -> None:
    free = [not person.locked for person in problem.people]
    people = tuple(
        replace(person, stand_for=name if may else None)
        for person, name, may in zip(problem.people, names, free, strict=False)
    )
    try:
        day = replace(problem, people=people)
    except InvalidProblem:
        return
    start = solve(day, AfterIterations(20), 1)
    plan = solve(day, AfterIterations(30), 2, start)
    for each in (start, plan):
        assert {fault.code for fault in check(day, each)} <= {Fault.MUST_LEFT_OUT}
        assert price(day, each).total == each.cost
        assert explain(day, each).left_out == each.left_out
    assert standing(day, plan) <= standing(day, start)
    assert start == solve(day, AfterIterations(20), 1)
