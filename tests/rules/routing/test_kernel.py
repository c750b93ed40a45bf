"""The compiled search agrees with the rules: its prices are the exact ones, its plans keep every promise."""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rental.routing.check import Fault, check
from rental.routing.draft import Draft
from rental.routing.engine import Engine
from rental.routing.engines.arrays import MUST, PARTS_OF_A_YEN, facts_of
from rental.routing.engines.chain import Chain, Character
from rental.routing.plan import Plan
from rental.routing.price import price
from rental.routing.problem import Person, Problem, TravelMatrix, Visit
from rental.routing.solve import solve, standing
from rental.routing.stop import AfterIterations
from tests.rules.routing.days import full_problems, town_day

several = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def faults(problem: Problem, plan: Plan) -> list[Fault]:
    return [each.code for each in check(problem, plan) if each.code is not Fault.MUST_LEFT_OUT]


@several
@given(
    problem=full_problems(), seed=st.integers(0, 3), engine=st.sampled_from([Engine.KERNEL, Engine.ORTOOLS])
)
def test_every_plan_of_every_engine_keeps_every_promise(problem: Problem, seed: int, engine: Engine) -> None:
    plan = solve(problem, AfterIterations(40), seed, engine=engine)
    assert faults(problem, plan) == []
    assert price(problem, plan).total == plan.cost


@several
@given(problem=full_problems(), seed=st.integers(0, 3))
def test_a_start_is_never_made_worse(problem: Problem, seed: int) -> None:
    start = solve(problem, AfterIterations(5), seed=seed + 10)
    assert standing(problem, solve(problem, AfterIterations(30), seed, start)) <= standing(problem, start)


@several
@given(problem=full_problems())
def test_the_same_seed_and_iterations_give_the_same_plan(problem: Problem) -> None:
    assert solve(problem, AfterIterations(40), 5) == solve(problem, AfterIterations(40), 5)


@several
@given(problem=full_problems(), seed=st.integers(0, 3))
def test_the_compiled_search_never_thinks_of_a_route_that_does_not_work(problem: Problem, seed: int) -> None:
    if not problem.visits:
        return
    chain = Chain(problem, facts_of(problem), seed)
    chain.lay(Draft(problem).sequences)
    chain.fill()
    chain.run(30, 100.0 * PARTS_OF_A_YEN, 1.0, Character())
    lines = chain.best_lines
    draft = Draft.of(problem, chain.sequences_of(lines))
    assert {who: list(ids) for who, ids in draft.sequences.items()} == {
        who: ids for who, ids in chain.sequences_of(lines).items() if ids
    }


def test_without_lateness_around_breaks_its_prices_are_the_exact_ones() -> None:
    problem = town_day(8, 40)
    chain = Chain(problem, facts_of(problem), 3)
    chain.fill()
    chain.run(3000, 100.0 * PARTS_OF_A_YEN, 1.0, Character())
    assert chain.best_cost < MUST
    exact = Draft.of(problem, chain.sequences_of(chain.best_lines)).cost
    assert abs(chain.best_cost / PARTS_OF_A_YEN - exact) < 40


def test_a_long_search_recombines_routes_and_makes_the_same_plan_twice() -> None:
    problem = town_day(6, 30)
    plan = solve(problem, AfterIterations(6000), 5)
    assert check(problem, plan) == []
    assert plan == solve(problem, AfterIterations(6000), 5)
    assert plan.cost < solve(problem, AfterIterations(0), 5).cost * 0.8


def test_every_plan_of_a_search_is_better_than_the_one_before() -> None:
    problem = town_day(6, 30)
    heard: list[Plan] = []
    solve(problem, AfterIterations(3000), 5, progress=lambda seconds, cost, plan: heard.append(plan))
    assert all(check(problem, plan) == [] for plan in heard)
    standings = [standing(problem, plan) for plan in heard]
    assert standings == sorted(set(standings), reverse=True)


def test_what_is_under_way_stays_however_dear_it_is() -> None:
    """Left out with all the rest it would cost 2 yen; its way costs 500."""
    far = TravelMatrix.of(
        np.array([[0, 600], [600, 0]], np.int32), np.array([[0, 9_000], [9_000, 0]], np.int32)
    )
    visits = (Visit("V1", 1, 600, value=1), Visit("V2", 1, 600, value=1))
    problem = Problem(visits, (Person("T1", 0, 0, 0, 10_000, locked=("V1",), yen_per_km=28),), far)
    chain = Chain(problem, facts_of(problem), 1)
    assert chain.lay({"T1": ("V1",)})
    chain.run(20, 1.0, 1.0, Character())
    assert chain.best_lines == chain.current_lines == [[0, 1]]
