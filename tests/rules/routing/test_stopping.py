"""A search that is asked to stop answers within a fifth of a second, with the best plan it has found."""

import time
from itertools import count

import pytest

from rental.routing.check import check
from rental.routing.engine import Engine
from rental.routing.plan import Plan
from rental.routing.problem import Problem
from rental.routing.solve import solve
from rental.routing.stop import AfterSeconds, SoFar
from tests.rules.routing.days import town_day

pytestmark = pytest.mark.slow

SOON = 0.2  # seconds
TRIES = 4  # on a busy machine the processor may be away for longer than that


class Asked:
    """A rule nobody knows the end of: somebody asks, some time after the first plan."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.until: float | None = None
        self.best: int | None = None

    def __call__(self, _so_far: SoFar) -> bool:
        return self.until is not None and time.monotonic() >= self.until

    def hear(self, _seconds: float, cost: int, _plan: Plan) -> None:
        self.best = cost
        if self.until is None:
            self.until = time.monotonic() + self.seconds


@pytest.fixture(scope="module")
def hundred() -> Problem:
    problem = town_day(20, 100)
    solve(problem, AfterSeconds(0.1), 1)  # what is compiled is loaded once
    return problem


@pytest.mark.parametrize(("engine", "jobs"), [(Engine.KERNEL, 1), (Engine.KERNEL, 2), (Engine.ORTOOLS, 1)])
@pytest.mark.parametrize("seconds", [0.3, 3.0])
def test_whoever_asks_to_stop_has_the_best_plan_soon(
    hundred: Problem, engine: Engine, jobs: int, seconds: float
) -> None:
    for number in count(1):
        asked = Asked(seconds)
        plan = solve(hundred, asked, number, progress=asked.hear, engine=engine, jobs=jobs)
        assert asked.until is not None
        late = time.monotonic() - asked.until
        assert check(hundred, plan) == []
        assert asked.best is not None
        assert plan.cost <= asked.best
        if late <= SOON:
            return
        assert number < TRIES, f"{late:.2f} s late"


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_limit_in_seconds_is_kept(hundred: Problem, jobs: int) -> None:
    for number in count(1):
        began = time.monotonic()
        plan = solve(hundred, AfterSeconds(2), number, jobs=jobs)
        late = time.monotonic() - began - 2
        assert check(hundred, plan) == []
        if late <= SOON:
            return
        assert number < TRIES, f"{late:.2f} s late"
