"""A visit left out comes in where another one, worth less or as well off elsewhere, makes room for it."""

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rental.routing.check import Fault, check
from rental.routing.draft import Draft
from rental.routing.engines.greedy import greedy
from rental.routing.make_room import make_room
from rental.routing.price import price
from rental.routing.problem import Person, Problem, TravelMatrix, Visit, Window
from tests.rules.routing.days import full_problems

HOUR = 3600


def hour_long(name: str, value: int | None, *windows: Window, **skills: int) -> Visit:
    return Visit(name, 0, HOUR, windows, value=value, skills=skills)


def day(visits: tuple[Visit, ...], *people: Person) -> Problem:
    return Problem(visits, people, TravelMatrix.of([[0]], [[0]]), skills=frozenset({"coffee"}))


ANN = Person("Ann", 0, 0, 0, HOUR, skills={"coffee": 1})
BEN = Person("Ben", 0, 0, 0, HOUR)


def made(draft: Draft) -> dict[str, tuple[str, ...]]:
    return dict(draft.sequences)


def test_what_is_worth_less_goes_out() -> None:
    problem = day((hour_long("small", 1_000), hour_long("large", 9_000)), ANN)
    draft = make_room(Draft.of(problem, {"Ann": ["small"]}))
    assert made(draft) == {"Ann": ("large",)}
    assert draft.cost == 1_000


def test_what_must_be_made_comes_before_any_value() -> None:
    problem = day((hour_long("dear", 1_000_000), hour_long("must", None)), ANN)
    assert made(make_room(Draft.of(problem, {"Ann": ["dear"]}))) == {"Ann": ("must",)}


def test_what_makes_room_is_put_elsewhere_where_it_can_be() -> None:
    anybody, with_skill = hour_long("anybody", 9_000), hour_long("with skill", 1_000, coffee=1)
    problem = day((anybody, with_skill), ANN, BEN)
    draft = make_room(Draft.of(problem, {"Ann": ["anybody"]}))
    assert made(draft) == {"Ann": ("with skill",), "Ben": ("anybody",)}


def test_nothing_goes_out_for_what_is_worth_less_or_as_much() -> None:
    problem = day((hour_long("one", 9_000), hour_long("other", 9_000), hour_long("small", 1_000)), ANN)
    assert made(make_room(Draft.of(problem, {"Ann": ["one"]}))) == {"Ann": ("one",)}


def test_what_is_under_way_stays() -> None:
    problem = day((hour_long("small", 1_000), hour_long("large", 9_000)), replace(ANN, locked=("small",)))
    assert made(make_room(Draft(problem))) == {"Ann": ("small",)}


def test_as_many_places_are_tried_as_allowed() -> None:
    problem = day((hour_long("small", 1_000), hour_long("large", 9_000)), ANN)
    assert made(make_room(Draft.of(problem, {"Ann": ["small"]}), most_trials=0)) == {"Ann": ("small",)}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(problem=full_problems(), fraction=st.integers(1, 3))
def test_no_plan_becomes_worse_and_every_promise_is_kept(problem: Problem, fraction: int) -> None:
    full = greedy(problem)
    thin = full.copy()
    thin.take_out({visit.id for visit in problem.visits[::fraction]})
    for draft in (full, thin):
        before = draft.standing
        better = make_room(draft)
        assert better.standing <= before
        plan = better.plan()
        assert {each.code for each in check(problem, plan)} <= {Fault.MUST_LEFT_OUT}
        assert price(problem, plan).total == plan.cost
