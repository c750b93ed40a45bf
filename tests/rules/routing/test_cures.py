"""Twenty visits nobody comes to, each with its reason; each cure that is named brings it into the plan."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from rental.routing.check import check
from rental.routing.plan import Cure, CureKind, LeftOut, Reason
from rental.routing.problem import Break, Person, Problem, TravelMatrix, Visit, Window
from rental.routing.solve import solve
from rental.routing.stop import AfterIterations

# Three places in a row, ten minutes and ten kilometres apart; a day of two hours.
TRAVEL = TravelMatrix.of(
    [[600 * abs(a - b) for b in range(3)] for a in range(3)],
    [[10_000 * abs(a - b) for b in range(3)] for a in range(3)],
)
ANNA = Person("Anna", 0, 0, 0, 7200, skills={"coffee": 2}, driving_yen_per_hour=3600, yen_per_km=10)
PAID = replace(ANNA, overtime_yen_per_hour=3600)
BEN = replace(ANNA, id="Ben", skills={})
VISIT = Visit("V1", 1, service_seconds=1800, value=5_000)
OTHER = Visit("V2", 2, service_seconds=600, value=50_000, forbidden=frozenset({"Ben"}))  # worth more
LUNCH = Break(Window(3_000, 3_600), 1_800)
CUT_OFF = np.zeros((3, 3), dtype=bool)
CUT_OFF[1, 0] = CUT_OFF[1, 2] = True

Case = tuple[Visit, tuple[Person, ...], Reason, CureKind | None]
CASES: dict[str, Case] = {
    "nobody learnt it": (replace(VISIT, skills={"gas": 1}), (ANNA, BEN), Reason.NO_SKILL, None),
    "nobody is good enough": (replace(VISIT, skills={"coffee": 3}), (ANNA,), Reason.NO_SKILL, None),
    "two skills in two people": (
        replace(VISIT, skills={"coffee": 1, "gas": 1}),
        (ANNA, replace(BEN, skills={"gas": 1})),
        Reason.NO_SKILL,
        None,
    ),
    "pinned to one who is away": (
        replace(VISIT, pinned_to="Chika"),
        (ANNA,),
        Reason.PINNED,
        CureKind.OTHER_PERSON,
    ),
    "pinned to one who cannot": (
        replace(VISIT, skills={"coffee": 1}, pinned_to="Ben"),
        (ANNA, BEN),
        Reason.PINNED,
        CureKind.OTHER_PERSON,
    ),
    "forbidden": (
        replace(VISIT, forbidden=frozenset({"Anna"})),
        (ANNA,),
        Reason.FORBIDDEN,
        CureKind.OTHER_PERSON,
    ),
    "allowed to one who cannot": (
        replace(VISIT, skills={"coffee": 1}, allowed=frozenset({"Ben"})),
        (ANNA, BEN),
        Reason.FORBIDDEN,
        CureKind.OTHER_PERSON,
    ),
    "too many parts": (
        replace(VISIT, parts={"valve": 2}),
        (replace(ANNA, parts={"valve": 1}),),
        Reason.NOT_ON_BOARD,
        None,
    ),
    "too large for every van": (
        replace(VISIT, volume=3),
        (replace(ANNA, volume=2), replace(BEN, volume=1)),
        Reason.NOT_ON_BOARD,
        None,
    ),
    "no way back": (VISIT, (ANNA,), Reason.UNREACHABLE, None),
    "longer than a day": (
        replace(VISIT, service_seconds=6_100),
        (PAID,),
        Reason.TOO_LONG,
        CureKind.OVERTIME,
    ),
    "longer than a day and a night": (
        replace(VISIT, service_seconds=30_000),
        (PAID,),
        Reason.TOO_LONG,
        None,
    ),
    "after closing time": (
        replace(VISIT, windows=(Window(20_000, 30_000),)),
        (ANNA,),
        Reason.WINDOW,
        CureKind.OTHER_TIME,
    ),
    "before anybody is there": (
        replace(VISIT, windows=(Window(0, 500),)),
        (ANNA,),
        Reason.WINDOW,
        CureKind.OTHER_TIME,
    ),
    "a little after closing time": (
        replace(VISIT, windows=(Window(5_000, 6_000),)),
        (PAID,),
        Reason.WINDOW,
        CureKind.OTHER_TIME,
    ),
    "full": (replace(VISIT, service_seconds=4_500), (PAID,), Reason.NO_TIME, CureKind.OVERTIME),
    "full, and the other one may not": (
        replace(VISIT, service_seconds=4_500, forbidden=frozenset({"Ben"})),
        (replace(PAID, overtime_yen_per_hour=99_000), BEN),
        Reason.NO_TIME,
        CureKind.OTHER_PERSON,
    ),
    "full because of lunch": (
        replace(VISIT, service_seconds=2_800),
        (replace(PAID, breaks=(LUNCH,)),),
        Reason.NO_TIME,
        CureKind.OVERTIME,
    ),
    "not worth the work": (
        replace(VISIT, value=100),
        (replace(ANNA, work_yen_per_hour=360),),
        Reason.NOT_WORTH,
        CureKind.HIGHER_VALUE,
    ),
    "not worth a second van": (
        replace(VISIT, service_seconds=4_500, value=2_000),
        (ANNA, replace(BEN, day_yen=4_000, skills=ANNA.skills)),
        Reason.NOT_WORTH,
        CureKind.HIGHER_VALUE,
    ),
}


def planned(visit: Visit, people: tuple[Person, ...], travel: TravelMatrix) -> LeftOut | None:
    problem = Problem((visit, OTHER), people, travel)
    plan = solve(problem, AfterIterations(30), seed=1)
    assert check(problem, plan) == []
    assert "V2" in {each for route in plan.routes for each in route.visits}
    return plan.left_out[0] if plan.left_out else None


def longer(people: tuple[Person, ...], cure: Cure) -> tuple[Person, ...]:
    return tuple(
        replace(each, max_overtime_seconds=each.max_overtime_seconds + cure.seconds)
        if each.id == cure.person
        else each
        for each in people
    )


FOLLOWED: dict[CureKind, Callable[[Visit, tuple[Person, ...], Cure], tuple[Visit, tuple[Person, ...]]]] = {
    CureKind.OVERTIME: lambda visit, people, cure: (visit, longer(people, cure)),
    CureKind.OTHER_TIME: lambda visit, people, cure: (replace(visit, windows=()), people),
    CureKind.OTHER_PERSON: lambda visit, people, cure: (
        replace(visit, pinned_to=None, allowed=None, forbidden=frozenset()),
        people,
    ),
    CureKind.HIGHER_VALUE: lambda visit, people, cure: (
        replace(visit, value=(visit.value or 0) + cure.yen),
        people,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_whoever_is_left_out_is_told_why_and_the_cure_works(name: str) -> None:
    visit, people, reason, kind = CASES[name]
    ways = replace(TRAVEL, unreachable=CUT_OFF) if reason is Reason.UNREACHABLE else TRAVEL
    missed = planned(visit, people, ways)
    assert missed is not None
    assert (missed.visit, missed.reason) == ("V1", reason)
    cure = missed.cheapest_cure
    assert (None if cure is None else cure.kind) == kind
    if cure is not None:
        visit, people = FOLLOWED[cure.kind](visit, people, cure)
        assert planned(visit, people, ways) is None


def test_there_is_a_case_for_each_reason_and_each_cure() -> None:
    assert len(CASES) == 20
    assert {reason for _, _, reason, _ in CASES.values()} == set(Reason) - {Reason.LINKED}
    assert {kind for _, _, _, kind in CASES.values()} == {None, *CureKind}
