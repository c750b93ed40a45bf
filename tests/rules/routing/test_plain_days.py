"""Days on which nothing but ways and windows counts are searched faster, and by the same rules."""

import random
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rental.routing.check import Fault, check
from rental.routing.draft import Draft
from rental.routing.engine import Engine
from rental.routing.engines import arrays
from rental.routing.engines.arrays import MUST, PARTS_OF_A_YEN, facts_of
from rental.routing.engines.chain import Chain, Character
from rental.routing.price import price
from rental.routing.problem import Person, Problem, TravelMatrix, Visit, Window
from rental.routing.solve import solve
from rental.routing.stop import AfterIterations
from tests.rules.routing.days import full_problems

several = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
LUKEWARM = 100.0 * PARTS_OF_A_YEN


@st.composite
def plain_days(draw: st.DrawFn) -> Problem:
    """Skills, goods, pins, alternatives and what is under way, but no times with a price and no breaks."""
    full = draw(full_problems())
    visits = [
        replace(visit, windows=visit.windows[:1], due=None, late_steps=(), kept=None) for visit in full.visits
    ]
    people = [
        replace(
            person,
            breaks=(),
            overtime_yen_per_hour=0,
            max_duty_seconds=None,
            duty_yen_per_hour=0,
            unfair_yen_per_hour=0,
            driving_yen_per_hour=full.people[0].driving_yen_per_hour,
            yen_per_km=full.people[0].yen_per_km,
            locked=(),
        )
        for person in full.people
    ]
    return replace(full, visits=tuple(visits), people=tuple(people))


@several
@given(problem=plain_days(), seed=st.integers(0, 3))
def test_every_plan_keeps_every_promise(problem: Problem, seed: int) -> None:
    plan = solve(problem, AfterIterations(60), seed, engine=Engine.KERNEL)
    assert {each.code for each in check(problem, plan)} <= {Fault.MUST_LEFT_OUT}
    assert price(problem, plan).total == plan.cost


@several
@given(problem=plain_days(), seed=st.integers(0, 3))
def test_what_the_search_knows_after_many_changes_is_what_it_works_out_anew(
    problem: Problem, seed: int
) -> None:
    if not problem.visits or problem.travel.unreachable.any():
        return
    chain = Chain(problem, facts_of(problem), seed)
    assert chain.facts.plain
    chain.lay(Draft(problem).sequences)
    chain.fill()
    chain.run(40, LUKEWARM, 1.0, Character())
    lines, cost = chain.best_lines, chain.best_cost
    fresh = Chain(problem, facts_of(problem), seed)
    assert fresh.lay_numbers(lines)
    assert fresh.best_cost == cost
    draft = Draft.of(problem, chain.sequences_of(lines))
    assert {who: list(ids) for who, ids in draft.sequences.items()} == {
        who: ids for who, ids in chain.sequences_of(lines).items() if ids
    }


def large_day(visits: int) -> Problem:
    chance = random.Random(5)
    spots = [(chance.randrange(4_000), chance.randrange(4_000)) for _ in range(visits + 1)]
    far = [[round(((a - c) ** 2 + (b - d) ** 2) ** 0.5) for c, d in spots] for a, b in spots]
    opens = [chance.randrange(20_000) for _ in range(visits)]
    return Problem(
        tuple(
            Visit(f"V{number}", number, 300, (Window(opens[number - 1], opens[number - 1] + 4_000),))
            for number in range(1, visits + 1)
        ),
        tuple(Person(f"T{number}", 0, 0, 0, 32_000, yen_per_km=100) for number in range(60)),
        TravelMatrix.of(far, far),
    )


def test_a_day_too_large_to_try_all_places_is_planned_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "ALL_PLACES_TRIED_UNTIL", 300)
    problem = large_day(320)
    facts = facts_of(problem)
    assert facts.plain
    assert facts.beside.shape[1] > 0
    first = solve(problem, AfterIterations(0), 1)
    plan = solve(problem, AfterIterations(3_000), 1)
    assert check(problem, plan) == []
    assert plan.cost < first.cost * 0.95
    assert plan == solve(problem, AfterIterations(3_000), 1)
    chain = Chain(problem, facts, 1)
    assert chain.lay(plan.sequences)
    assert chain.best_cost < MUST
    assert abs(chain.best_cost / PARTS_OF_A_YEN - plan.cost) < len(plan.routes)
