"""Processes that search side by side: the best of all is kept, also when some of them are killed."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rental.routing.check import check
from rental.routing.plan import Plan
from rental.routing.solve import solve
from rental.routing.stop import AfterIterations, AfterSeconds
from tests.rules.routing.days import town_day

pytestmark = [pytest.mark.slow, pytest.mark.faults]


def children() -> set[int]:
    """The processes this one has started, whatever for."""
    me = os.getpid()
    return {int(each) for each in Path(f"/proc/{me}/task/{me}/children").read_text().split()}


@pytest.fixture
def searching() -> Callable[[], list[int]]:
    """Asks for the processes that were started since the test began."""
    before = children()
    return lambda: sorted(children() - before)


def test_two_processes_with_a_limit_of_attempts_make_the_same_plan_twice(
    searching: Callable[[], list[int]],
) -> None:
    problem = town_day(6, 30)
    plan = solve(problem, AfterIterations(4000), 3, jobs=2)
    assert check(problem, plan) == []
    assert plan == solve(problem, AfterIterations(4000), 3, jobs=2)
    assert searching() == []


@pytest.mark.parametrize("killed", [1, 2])
def test_what_was_found_is_kept_when_processes_are_killed(
    killed: int, searching: Callable[[], list[int]]
) -> None:
    problem = town_day(10, 50)
    heard: list[Plan] = []
    victims: list[int] = []

    def listen(_seconds: float, _cost: int, plan: Plan) -> None:
        heard.append(plan)
        if len(heard) == 2:  # the first is made before there are processes
            victims.extend(searching()[:killed])
            for victim in victims:
                os.kill(victim, signal.SIGKILL)

    began = time.monotonic()
    plan = solve(problem, AfterSeconds(12), 1, progress=listen, jobs=2)
    assert len(victims) == killed
    assert check(problem, plan) == []
    assert plan.cost <= min(each.cost for each in heard)
    assert time.monotonic() - began < 14
    assert searching() == []
