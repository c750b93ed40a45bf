"""Every plan keeps every promise, costs what it says, and is never worse than the one we had."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rental.routing import solve as solving
from rental.routing.check import Broken, Fault, check
from rental.routing.draft import Draft, is_worth
from rental.routing.engines.greedy import greedy
from rental.routing.engines.ortools_model import SolverFailed, improve
from rental.routing.explain import explain
from rental.routing.plan import Plan
from rental.routing.price import price
from rental.routing.problem import Problem
from rental.routing.solve import solve, standing
from rental.routing.stop import AfterIterations, AfterSeconds, SoFar, WhenAny
from tests.rules.routing.days import problems, town_day

FEW = AfterIterations(6)


def faults(problem: Problem, plan: Plan) -> list[Broken]:
    """Visits that must be made and could not be are told apart: they are no fault of the engine."""
    broken = check(problem, plan)
    missed = {each.visit for each in plan.left_out if problem.visit(each.visit).value is None}
    assert {each.visit for each in broken if each.code is Fault.MUST_LEFT_OUT} == missed
    return [each for each in broken if each.code is not Fault.MUST_LEFT_OUT]


@settings(max_examples=50, deadline=None)
@given(problem=problems(), seed=st.integers(0, 3))
def test_every_plan_keeps_every_promise_and_costs_what_it_says(problem: Problem, seed: int) -> None:
    for plan in (greedy(problem).plan(), solve(problem, FEW, seed)):
        assert faults(problem, plan) == []
        assert price(problem, plan).total == plan.cost


@settings(max_examples=30, deadline=None)
@given(problem=problems())
def test_the_optimiser_alone_takes_any_first_plan_and_makes_it_no_worse(problem: Problem) -> None:
    first = greedy(problem)
    better = improve(first, lambda: False, lambda draft: None)
    assert better.standing <= first.standing
    assert faults(problem, better.plan()) == []


@settings(max_examples=30, deadline=None)
@given(problem=problems())
def test_nothing_is_left_out_that_fits_at_a_profit(problem: Problem) -> None:
    plan = solve(problem, FEW, seed=1)
    draft = Draft.of(problem, plan.sequences)
    for missed in draft.left_out:
        assert not any(is_worth(missed, option) for option in draft.options(missed))


@settings(max_examples=25, deadline=None)
@given(problem=problems(), rule=st.sampled_from([AfterIterations(0), FEW]))
def test_a_plan_is_never_worse_than_the_one_it_started_from(problem: Problem, rule: AfterIterations) -> None:
    start = solve(problem, AfterIterations(10), seed=2)
    assert standing(problem, solve(problem, rule, seed=3, start=start)) <= standing(problem, start)


@settings(max_examples=15, deadline=None)
@given(problem=problems())
def test_the_same_seed_and_iterations_give_the_same_plan(problem: Problem) -> None:
    assert solve(problem, FEW, seed=5) == solve(problem, FEW, seed=5)


@settings(max_examples=25, deadline=None)
@given(old=problems(), new=problems())
def test_a_start_from_another_day_is_kept_as_far_as_it_goes(old: Problem, new: Problem) -> None:
    start = solve(old, AfterIterations(0), seed=1)
    assert faults(new, solve(new, AfterIterations(2), seed=1, start=start)) == []


def test_twelve_orders_for_three_technicians_are_planned() -> None:
    problem = town_day(3, 12)
    plan = solve(problem, AfterIterations(2000), seed=7)
    assert check(problem, plan) == []
    assert plan.left_out == ()
    assert plan.cost == price(problem, plan).total == 18_614


def test_a_larger_day_gets_the_same_plan_twice_and_a_far_better_one_than_at_first() -> None:
    problem = town_day(14, 60)
    heard: list[tuple[int, Plan]] = []
    plan = solve(
        problem, AfterIterations(80), 7, progress=lambda seconds, cost, plan: heard.append((cost, plan))
    )
    assert plan == solve(problem, AfterIterations(80), seed=7)
    assert [cost for cost, _ in heard] == sorted({cost for cost, _ in heard}, reverse=True)
    assert all(check(problem, each) == [] for _, each in heard)
    assert plan.cost <= heard[-1][0] < heard[0][0] * 0.8


def test_a_plan_goes_on_from_its_start() -> None:
    problem = town_day(14, 60)
    start = solve(problem, AfterIterations(20), seed=7)
    assert solve(problem, AfterIterations(0), seed=7, start=start) == start


def test_a_search_ends_soon_after_its_time() -> None:
    began: list[float] = []
    problem = town_day(5, 30)
    plan = solve(problem, AfterSeconds(0.4), 7, progress=lambda seconds, cost, plan: began.append(seconds))
    assert check(problem, plan) == []
    assert began[-1] < 0.6


def test_stop_rules() -> None:
    both = WhenAny((AfterSeconds(2), AfterIterations(10)))
    assert [both(SoFar(1.9, 9)), both(SoFar(2, 0)), both(SoFar(0, 10))] == [False, True, True]


def test_without_the_optimiser_there_is_still_a_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> Draft:
        raise SolverFailed("out of order")

    monkeypatch.setattr(solving, "improve", fail)
    problem = town_day(3, 12)
    plan = solve(problem, AfterIterations(30), seed=7)
    assert check(problem, plan) == []
    assert plan.left_out == ()


class Unplugged(Exception):
    """What somebody who listens may raise."""


@pytest.mark.slow
@pytest.mark.parametrize("at", [1, 5, 500])
def test_what_a_stop_rule_raises_comes_out_of_every_engine(at: int) -> None:
    asked: list[SoFar] = []

    def stop(so_far: SoFar) -> bool:
        asked.append(so_far)
        if len(asked) % at == 0:
            raise Unplugged
        return False

    day = town_day(3, 12)
    with pytest.raises(Unplugged):
        solve(day, stop, seed=1)
    with pytest.raises(Unplugged):
        improve(greedy(day), lambda: stop(SoFar(0, 0)), lambda draft: None)


def test_what_a_listener_raises_comes_out_of_every_engine() -> None:
    def listen(*_: object) -> None:
        raise Unplugged

    with pytest.raises(Unplugged):
        solve(town_day(3, 12), FEW, seed=1, progress=listen)
    with pytest.raises(Unplugged):
        improve(greedy(town_day(3, 12)), lambda: False, listen)


def test_nobody_has_anything_to_do_on_a_day_without_visits() -> None:
    day = town_day(2, 3)
    problem = Problem((), day.people, day.travel)
    plan = solve(problem, FEW, seed=1)
    assert plan == Plan((), (), 0)
    assert explain(problem, plan).left_out == ()
