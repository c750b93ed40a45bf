"""What every engine promises: no broken plan, no wrong price, nothing worse than the start."""

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from rental.routing.answers import available
from rental.routing.check import Fault, check
from rental.routing.engine import Engine
from rental.routing.plan import Plan
from rental.routing.price import price
from rental.routing.problem import InvalidProblem, Problem
from rental.routing.solve import solve, standing
from rental.routing.stop import AfterIterations, AfterSeconds, Stop
from tests.rules.routing.days import full_problems, town_day
from tests.rules.routing.test_plain_days import plain_days

some = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
OURS = [Engine.KERNEL, Engine.ORTOOLS]


def require_kept(problem: Problem, plan: Plan) -> None:
    assert {each.code for each in check(problem, plan)} <= {Fault.MUST_LEFT_OUT}
    assert price(problem, plan).total == plan.cost


@some
@given(problem=full_problems(), engine=st.sampled_from(OURS), before=st.sampled_from(OURS))
def test_no_engine_makes_the_plan_of_another_worse(problem: Problem, engine: Engine, before: Engine) -> None:
    start = solve(problem, AfterIterations(10), 2, engine=before)
    plan = solve(problem, AfterIterations(20), 3, start, engine=engine)
    require_kept(problem, plan)
    assert standing(problem, plan) <= standing(problem, start)


@some
@given(problem=full_problems(), engine=st.sampled_from(OURS))
def test_the_same_seed_and_iterations_give_the_same_plan(problem: Problem, engine: Engine) -> None:
    first, second = (solve(problem, AfterIterations(20), 4, engine=engine) for _ in range(2))
    assert first == second


@pytest.mark.skipif(Engine.PYVRP not in available(), reason="PyVRP is an extra")
@settings(some, max_examples=15)
@given(problem=plain_days())
def test_plans_of_pyvrp_keep_every_promise_or_it_says_what_it_has_no_words_for(problem: Problem) -> None:
    stop: Stop = AfterSeconds(0.05)
    try:
        plan = solve(problem, stop, 1, engine=Engine.PYVRP)
    except InvalidProblem:
        assume(False)
    require_kept(problem, plan)
    assert standing(problem, solve(problem, stop, 2, plan, engine=Engine.PYVRP)) <= standing(problem, plan)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_side_by_side_the_start_is_kept_or_made_better(seed: int) -> None:
    problem = town_day(5, 25, seed)
    start = solve(problem, AfterIterations(200), seed)
    plan = solve(problem, AfterIterations(1_000), seed, start, jobs=2)
    require_kept(problem, plan)
    assert standing(problem, plan) <= standing(problem, start)
