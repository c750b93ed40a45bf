"""Large days are searched district by district, and nothing is lost or counted twice on the way."""

import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rental.routing.check import check
from rental.routing.engine import Engine
from rental.routing.engines import search
from rental.routing.engines.arrays import facts_of
from rental.routing.engines.chain import Chain, Character
from rental.routing.engines.districts import districts_of
from rental.routing.problem import Person, Problem, TravelMatrix, Visit, Window
from rental.routing.solve import solve
from rental.routing.stop import AfterIterations
from tests.rules.routing.days import full_problems, town_day

ATTEMPTS = 40_000
MOST_MEGABYTES = 520  # at 3,000 visits; 497 were measured
ROOT = Path(__file__).parents[3]
MEASURED = """
from pathlib import Path
from tests.rules.routing.test_districts import AfterIterations, check, country_day, solve

problem = country_day({visits}, {visits} // 14)
plan = solve(problem, AfterIterations({attempts}), 1)
# Its own peak: what getrusage says begins with that of the process it was started from.
(peak,) = [line.split()[1] for line in Path("/proc/self/status").open() if line.startswith("VmHWM")]
print(int(peak) // 1024, len(check(problem, plan)))
"""


def country_day(visits: int, people: int) -> Problem:
    """Everybody begins at a home of their own; a third of the visits have a window of two hours."""
    chance = random.Random(3)
    spots = np.array([(chance.randrange(40_000), chance.randrange(40_000)) for _ in range(people + visits)])
    far = np.empty((len(spots), len(spots)), np.int32)
    for number, spot in enumerate(spots):
        far[number] = np.hypot(*(spots - spot).T)
    opens = [chance.randrange(0, 25_000) for _ in range(visits)]
    return Problem(
        tuple(
            Visit(
                f"V{number}",
                people + number,
                900,
                (Window(opens[number], opens[number] + 7_200),) if number % 3 == 0 else (),
                value=20_000,
            )
            for number in range(visits)
        ),
        tuple(
            Person(f"T{number}", number, number, 0, 32_400, yen_per_km=30, driving_yen_per_hour=1_500)
            for number in range(people)
        ),
        TravelMatrix.of(far // 12, far),
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(problem=full_problems(), seed=st.integers(0, 3), count=st.integers(1, 4))
def test_every_person_and_every_job_is_in_one_district(problem: Problem, seed: int, count: int) -> None:
    facts = facts_of(problem)
    if not problem.visits:
        return
    chain = Chain(problem, facts, seed)
    chain.lay({person.id: person.locked for person in problem.people})
    chain.fill()
    lines = chain.current_lines
    districts = districts_of(facts, lines, count, np.random.default_rng(seed))
    assert sorted(number for each in districts for number in each.people) == list(range(len(problem.people)))
    assert sorted(number for each in districts for number in each.visits) == list(range(facts.n))
    cost = 0
    back: list[list[int]] = [[] for _ in lines]
    for each in districts:
        part = Chain(problem, each.facts, seed)
        assert part.lay_numbers(each.lines_here(lines))
        cost += part.best_cost
        part.run(20, 1.0, 1.0, Character())
        each.bring_back(part.best_lines, back)
    assert cost == chain.best_cost
    assert Chain(problem, facts, seed).lay_numbers(back)


def test_a_day_in_districts_keeps_every_promise_and_is_the_same_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(search, "DISTRICTS_FROM", 50)
    monkeypatch.setattr(search, "DISTRICT_VISITS", 30)
    problem = town_day(16, 90)
    plan = solve(problem, AfterIterations(6_000), 2, engine=Engine.KERNEL)
    assert check(problem, plan) == []
    assert plan == solve(problem, AfterIterations(6_000), 2, engine=Engine.KERNEL)
    assert plan.cost < solve(problem, AfterIterations(0), 2).cost * 0.9
    assert solve(problem, AfterIterations(300), 3, plan).cost <= plan.cost


def measured(visits: int, attempts: int) -> list[str]:
    command = [sys.executable, "-c", MEASURED.format(visits=visits, attempts=attempts)]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()


@pytest.mark.slow
def test_thousands_of_visits_are_planned_in_little_room(is_nightly: bool) -> None:
    """In a process of its own: what others have needed before must not count."""
    measured(visits=14, attempts=1)  # what is still to be compiled on this machine is kept after it
    peak, broken = measured(visits=3_000 if is_nightly else 1_600, attempts=ATTEMPTS)
    assert int(broken) == 0
    assert int(peak) <= MOST_MEGABYTES


@pytest.mark.slow
def test_districts_find_a_plan_that_is_no_worse_in_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted in attempts, so that it ends the same everywhere: the whole makes fewer than half as many."""
    problem = country_day(1_000, 75)
    plan = solve(problem, AfterIterations(ATTEMPTS), 1)
    assert check(problem, plan) == []
    monkeypatch.setattr(search, "DISTRICTS_FROM", len(problem.visits) + 1)
    assert plan.cost <= solve(problem, AfterIterations(ATTEMPTS // 2), 1).cost
