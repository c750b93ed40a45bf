"""Who is left out is told why, and what it would take."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rental.routing.check import Fault, check
from rental.routing.explain import explain
from rental.routing.insert import insert
from rental.routing.plan import Cure, CureKind, LeftOut, Plan, Reason
from rental.routing.price import price
from rental.routing.problem import (
    Break,
    InvalidProblem,
    Kept,
    LateStep,
    Person,
    Problem,
    TravelMatrix,
    Visit,
    Window,
)
from rental.routing.solve import solve
from rental.routing.stop import AfterIterations
from tests.rules.routing.days import town_day

# Three places in a row, ten minutes and ten kilometres apart; a day of two hours.
TRAVEL = TravelMatrix.of(
    [[600 * abs(a - b) for b in range(3)] for a in range(3)],
    [[10_000 * abs(a - b) for b in range(3)] for a in range(3)],
)
ANNA = Person("Anna", 0, 0, 0, 7200, skills={"coffee": 2}, driving_yen_per_hour=3600, yen_per_km=10)
BEN = replace(ANNA, id="Ben", skills={})
VISIT = Visit("V1", 1, service_seconds=1800, value=5_000)
OTHER = Visit("V2", 2, service_seconds=600, value=50_000)


def plan_of(visits: list[Visit], people: list[Person], travel: TravelMatrix = TRAVEL) -> tuple[Problem, Plan]:
    problem = Problem(tuple(visits), tuple(people), travel)
    return problem, solve(problem, AfterIterations(10), seed=1)


def reason(visit: Visit, *people: Person, travel: TravelMatrix = TRAVEL) -> LeftOut:
    """Of the one visit that is left out; whatever else there is to do gets done."""
    problem, plan = plan_of([visit, OTHER], list(people), travel)
    (missed,) = plan.left_out
    assert missed.visit == visit.id
    assert plan.routes[0].visits == ("V2",)
    assert check(problem, plan) == []
    assert explain(problem, plan).left_out == plan.left_out
    return missed


def test_nobody_has_the_skill() -> None:
    assert reason(replace(VISIT, skills={"payment": 1}), ANNA, BEN) == LeftOut("V1", Reason.NO_SKILL)
    assert reason(replace(VISIT, skills={"coffee": 3}), ANNA).reason is Reason.NO_SKILL


def test_the_one_it_is_pinned_to_is_away_and_somebody_else_could_go() -> None:
    missed = reason(replace(VISIT, pinned_to="Chika"), ANNA)
    assert missed.reason is Reason.PINNED
    assert missed.cheapest_cure == Cure(CureKind.OTHER_PERSON, 0, "Anna", 600)


def test_those_who_could_may_not_come() -> None:
    assert reason(replace(VISIT, forbidden=frozenset({"Anna"})), ANNA).reason is Reason.FORBIDDEN
    skilled = replace(VISIT, skills={"coffee": 1}, allowed=frozenset({"Ben"}))
    missed = reason(skilled, ANNA, BEN)
    assert missed.reason is Reason.FORBIDDEN
    assert missed.cheapest_cure is not None
    assert (missed.cheapest_cure.kind, missed.cheapest_cure.person) == (CureKind.OTHER_PERSON, "Anna")


def test_no_way_leads_there() -> None:
    mask = np.zeros((3, 3), dtype=bool)
    mask[1, 0] = mask[1, 2] = True
    travel = TravelMatrix.of(TRAVEL.seconds, TRAVEL.metres, mask)
    assert reason(VISIT, ANNA, travel=travel) == LeftOut("V1", Reason.UNREACHABLE)


def test_it_is_longer_than_a_day_and_overtime_would_do() -> None:
    missed = reason(replace(VISIT, service_seconds=6_100), replace(ANNA, overtime_yen_per_hour=3600))
    assert missed.reason is Reason.TOO_LONG
    assert missed.cheapest_cure == Cure(CureKind.OVERTIME, 1_900, "Anna", 600, 1_900)


def test_its_windows_lie_outside_the_shift() -> None:
    missed = reason(replace(VISIT, windows=(Window(20_000, 30_000),)), ANNA)
    assert missed.reason is Reason.WINDOW
    assert missed.cheapest_cure == Cure(CureKind.OTHER_TIME, 0, "Anna", 600)


def test_everybody_is_full() -> None:
    missed = reason(replace(VISIT, service_seconds=4_500), replace(ANNA, overtime_yen_per_hour=7200))
    assert missed.reason is Reason.NO_TIME
    assert missed.cheapest_cure == Cure(CureKind.OVERTIME, 600, "Anna", 600, 300)


def test_it_costs_more_than_it_is_worth() -> None:
    missed = reason(replace(VISIT, value=100), replace(ANNA, work_yen_per_hour=360))
    assert missed.reason is Reason.NOT_WORTH
    assert missed.cheapest_cure == Cure(CureKind.HIGHER_VALUE, 81, "Anna", 600)
    assert reason(replace(VISIT, value=180), replace(ANNA, work_yen_per_hour=360)).reason is Reason.NOT_WORTH
    _, plan = plan_of([replace(VISIT, value=181), OTHER], [replace(ANNA, work_yen_per_hour=360)])
    assert plan.left_out == ()


def test_a_visit_that_must_be_made_and_cannot_be_is_told_and_the_rest_is_planned() -> None:
    day = town_day(3, 12)
    impossible = Visit("VX", 4, skills={"lifting": 1})
    problem = Problem((*day.visits, impossible), day.people, day.travel)
    plan = solve(problem, AfterIterations(30), seed=1)
    assert plan.left_out == (LeftOut("VX", Reason.NO_SKILL),)
    assert [(broken.code, broken.visit) for broken in check(problem, plan)] == [(Fault.MUST_LEFT_OUT, "VX")]


def test_what_must_be_made_goes_before_what_pays() -> None:
    _, plan = plan_of([replace(VISIT, service_seconds=4_500, value=None), OTHER], [ANNA])
    assert [(missed.visit, missed.reason) for missed in plan.left_out] == [("V2", Reason.NO_TIME)]


def test_options_are_ranked_by_what_they_add() -> None:
    problem, plan = plan_of([VISIT, OTHER], [ANNA, replace(BEN, day_yen=400)])
    options = insert(problem, plan, "V1")
    assert [(option.person, option.position, option.yen) for option in options] == [
        ("Anna", 0, 0),
        ("Anna", 1, 0),
        ("Ben", 0, 1_800),
    ]
    assert [option.start for option in options] == [600, 2_400, 600]
    assert [option.end for option in options] == [4_800, 4_800, 3_000]
    with pytest.raises(KeyError):
        insert(problem, plan, "V9")


def test_no_option_is_offered_to_somebody_who_is_full_or_may_not_come() -> None:
    lunch = Break(Window(1_200, 1_300), 1_800)
    problem, plan = plan_of(
        [replace(VISIT, service_seconds=4_500), OTHER], [replace(ANNA, breaks=(lunch,)), BEN]
    )
    visit = replace(VISIT, service_seconds=4_500, forbidden=frozenset({"Ben"}))
    assert insert(Problem((visit, OTHER), problem.people, TRAVEL), plan, "V1") == []


def test_it_needs_more_than_anybody_has_on_board() -> None:
    assert reason(replace(VISIT, parts={"valve": 2}), replace(ANNA, parts={"valve": 1})).reason is (
        Reason.NOT_ON_BOARD
    )
    assert reason(replace(VISIT, volume=3), replace(ANNA, volume=2)).reason is Reason.NOT_ON_BOARD


def test_what_another_visit_took_from_the_van_is_a_lack_of_time_there() -> None:
    """Somebody could have made it, had they made nothing else."""
    ann = replace(ANNA, parts={"valve": 1})
    _, plan = plan_of([replace(VISIT, parts={"valve": 1}), replace(OTHER, parts={"valve": 1})], [ann])
    assert [(missed.visit, missed.reason) for missed in plan.left_out] == [("V1", Reason.NO_TIME)]


def test_of_alternatives_one_is_made_and_none_of_the_others_is_missed() -> None:
    early = replace(VISIT, windows=(Window(0, 0),), group="G")
    late = replace(VISIT, id="V3", windows=(Window(3000, 7200),), group="G")
    problem, plan = plan_of([early, late, OTHER], [ANNA])
    assert plan.left_out == ()
    assert sorted(plan.routes[0].visits) == ["V2", "V3"]
    assert check(problem, plan) == []


def test_of_alternatives_that_all_fail_the_nearest_reason_is_told_once() -> None:
    unskilled = replace(VISIT, skills={"lifting": 1}, group="G")
    too_cheap = replace(VISIT, id="V3", windows=(Window(0, 0),), group="G")
    _, plan = plan_of([unskilled, too_cheap, OTHER], [ANNA])
    assert [(missed.visit, missed.reason) for missed in plan.left_out] == [("V1", Reason.WINDOW)]


def test_duty_that_is_limited_leaves_out_what_pays_least() -> None:
    short = replace(ANNA, max_duty_seconds=3600)
    problem, plan = plan_of([VISIT, OTHER], [short])
    assert [(missed.visit, missed.reason) for missed in plan.left_out] == [("V1", Reason.NO_TIME)]
    assert check(problem, plan) == []


def test_what_is_under_way_stays_first_and_nothing_is_put_before_it() -> None:
    begun = replace(ANNA, locked=("V2",))
    problem, plan = plan_of([VISIT, OTHER], [begun])
    assert plan.routes[0].visits == ("V2", "V1")
    assert [option.position for option in insert(problem, plan, "V1")] == [1]


@pytest.mark.parametrize(
    ("locked", "message"),
    [
        (("V9",), r"locked\[0\] is 'V9', which is no visit"),
        (("V1", "V1"), "locked visit 'V1': id is used twice"),
    ],
)
def test_what_cannot_be_under_way_is_refused(locked: tuple[str, ...], message: str) -> None:
    with pytest.raises(InvalidProblem, match=message):
        Problem((VISIT,), (replace(ANNA, locked=locked),), TRAVEL)


def test_what_is_under_way_and_cannot_be_driven_is_named_before_anything_is_searched() -> None:
    far = replace(VISIT, service_seconds=9000)
    with pytest.raises(InvalidProblem, match="Person 'Anna': locked has 'V1', which does not fit"):
        plan_of([far], [replace(ANNA, locked=("V1",))])
    with pytest.raises(InvalidProblem, match="which they may not make"):
        plan_of([replace(VISIT, forbidden=frozenset({"Anna"}))], [replace(ANNA, locked=("V1",))])


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"volume": -1}, "volume is -1"),
        ({"parts": {"valve": 0}}, r"parts\['valve'\] is 0"),
        ({"group": ""}, "group must be a text"),
        ({"late_steps": (LateStep(60, 5),)}, "late_steps are given, but due is not"),
        ({"due": 5, "late_steps": (LateStep(60, 5), LateStep(60, 9))}, r"late_steps\[1\]\.after is 60"),
        ({"kept": Kept(start=-5)}, r"kept\.start is -5"),
    ],
)
def test_a_visit_that_makes_no_sense_is_refused(facts: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidProblem, match=message):
        replace(VISIT, **facts)


def test_alternatives_of_different_value_are_refused() -> None:
    other = replace(VISIT, id="V2", group="G", value=1)
    with pytest.raises(InvalidProblem, match="'V2': value is 1, but 'V1' of the same group 'G' has 5000"):
        Problem((replace(VISIT, group="G"), other), (ANNA,), TRAVEL)


def test_lateness_in_steps_and_promises_are_priced_by_the_clock() -> None:
    late = replace(
        VISIT, due=0, late_yen_per_hour=3600, late_steps=(LateStep(500, 36_000),), windows=(Window(600, 600),)
    )
    problem, plan = plan_of([replace(late, kept=Kept("Ben", 0, 70, 3600), value=None)], [ANNA])
    parts = price(problem, plan).parts
    assert (parts["lateness"], parts["changes"]) == (500 + 100 * 10, 70 + 600)
