"""A week: every visit on a day that suits it, series far enough apart, and what fits nowhere named."""

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rental.routing.check import Fault
from rental.routing.command import solve as solve_command
from rental.routing.engines.spread import spread
from rental.routing.plan import CureKind, Reason
from rental.routing.problem import InvalidProblem, Person, TravelMatrix, Visit, Window
from rental.routing.stop import AfterIterations, AfterSeconds
from rental.routing.week import Week, WeekReason, WeekVisit
from rental.routing.week_check import check_week
from rental.routing.week_solve import solve_week, standing
from tests.rules.routing.days import problems, town_day

some = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
FEW = AfterIterations(40)

# Two places ten minutes apart; days of two hours.
TRAVEL = TravelMatrix.of([[0, 600], [600, 0]], [[0, 5_000], [5_000, 0]])
ANNA = Person("Anna", 0, 0, 0, 7200, driving_yen_per_hour=3600)
CALL = Visit("A", 1, service_seconds=3_000, value=9_000)


def week_of(*visits: WeekVisit, days: int = 3, people: tuple[Person, ...] = (ANNA,)) -> Week:
    names = ("Mon", "Tue", "Wed", "Thu", "Fri")[:days]
    return Week(names, (people,) * days, visits, TRAVEL)


def calls(*names: str, **facts: Any) -> list[WeekVisit]:
    return [WeekVisit(replace(CALL, id=name), **facts) for name in names]


def town_week(days: int, people: int, visits: int, seed: int) -> Week:
    """The visits of a town over several days: a third on any day, a tenth of them three times a week."""
    chance = random.Random(seed)
    town = town_day(people, visits, seed)
    week = []
    for number, visit in enumerate(town.visits):
        one = WeekVisit(visit, frozenset(chance.sample(range(days), chance.randint(1, days))))
        if number % 3 == 0:
            one = replace(one, days=None, day_yen={day: 300 * day for day in range(days)})
        if number < visits // 4:
            one = replace(one, days=None, series=f"S{number // 3}", days_apart=2)
        week.append(one)
    names = tuple(f"day {day}" for day in range(days))
    return Week(names, (town.people,) * days, tuple(week), town.travel)


@st.composite
def weeks(draw: st.DrawFn) -> Week:
    """Any week: people who are there on some days, everything a visit can have, series, links."""
    problem = draw(problems())
    days = draw(st.integers(1, 3))
    people = [[p for p in problem.people if draw(st.integers(0, 3))] for _ in range(days)]
    if not any(people):
        people[0] = list(problem.people)
    wanted = st.one_of(st.none(), st.frozensets(st.integers(0, days - 1), min_size=1))
    series = st.sampled_from([None, None, "S"])
    visits = [
        WeekVisit(
            visit,
            draw(wanted),
            {0: (Window(0, 300),)} if draw(st.integers(0, 5)) == 0 else {},
            draw(st.dictionaries(st.integers(0, days - 1), st.integers(0, 400))),
            draw(series),
            2,
        )
        for visit in problem.visits
    ]
    if len(visits) > 3 and draw(st.booleans()):
        first, other, third, *rest = visits
        lasts = max(1, first.visit.service_seconds)
        crew = replace(first.visit, crew="C", service_seconds=lasts, value=900)
        first = replace(first, visit=crew)
        other = replace(other, visit=replace(crew, id=other.visit.id))
        third = replace(third, visit=replace(third.visit, value=500, after=(first.visit.id,)))
        visits = [first, other, third, *rest]
    names = tuple(f"day {day}" for day in range(days))
    return Week(names, tuple(tuple(each) for each in people), tuple(visits), problem.travel)


def faults(week: Week, plan: Any) -> set[Fault]:
    return {each.code for each in check_week(week, plan)} - {Fault.MUST_LEFT_OUT}


@some
@given(week=weeks(), seed=st.integers(0, 3))
def test_every_week_keeps_every_promise_and_is_the_same_twice(week: Week, seed: int) -> None:
    plan = solve_week(week, FEW, seed)
    assert faults(week, plan) == set()
    assert plan == solve_week(week, FEW, seed)


@some
@given(week=weeks(), more=st.integers(0, 40))
def test_a_week_is_never_worse_than_the_one_it_started_from(week: Week, more: int) -> None:
    start = solve_week(week, AfterIterations(10), 1)
    plan = solve_week(week, AfterIterations(more), 2, start)
    assert faults(week, plan) == set()
    assert standing(week, plan) <= standing(week, start)


@some
@given(old=weeks(), new=weeks())
def test_another_week_is_kept_as_far_as_it_goes(old: Week, new: Week) -> None:
    assert faults(new, solve_week(new, FEW, 1, solve_week(old, FEW, 1))) == set()


def test_three_calls_of_a_series_are_spread_over_the_week() -> None:
    week = week_of(*calls("A", "B", "C", series="check", days_apart=2), days=5)
    plan = solve_week(week, FEW, 1)
    assert check_week(week, plan) == []
    assert sorted(plan.day_of.values()) == [0, 2, 4]


def test_a_call_too_many_of_a_series_is_named() -> None:
    week = week_of(*calls("A", "B", "C", series="check", days_apart=2))
    plan = solve_week(week, FEW, 1)
    (missed,) = plan.left_out
    assert (missed.reason, missed.day, missed.cheapest_cure) == (WeekReason.TOO_CLOSE, None, None)
    assert check_week(week, plan) == []


def test_nobody_at_work_on_its_days_is_named() -> None:
    week = Week(("Sat", "Sun"), ((ANNA,), ()), tuple(calls("A", days=frozenset({1}))), TRAVEL)
    (missed,) = solve_week(week, FEW, 1).left_out
    assert missed.reason is WeekReason.NOBODY_AT_WORK


def test_a_skill_that_nobody_has_and_a_day_that_is_full_are_named() -> None:
    gas = WeekVisit(replace(CALL, id="gas", skills={"gas": 1}))
    full = calls("A", "B", "C", days=frozenset({1}))
    week = week_of(gas, *full)
    told = {each.visit: each for each in solve_week(week, FEW, 1).left_out}
    assert told["gas"].reason is Reason.NO_SKILL
    (late,) = told.keys() - {"gas"}
    assert (told[late].reason, told[late].day) == (Reason.NO_TIME, 1)
    cure = told[late].cheapest_cure
    assert cure is not None
    assert cure.kind is CureKind.OVERTIME


def test_the_cheaper_day_is_taken_and_its_price_counts() -> None:
    week = week_of(*calls("A", day_yen={0: 800, 2: 300}), *calls("B", days=frozenset({1}), day_yen={1: 50}))
    plan = solve_week(week, FEW, 1)
    assert plan.day_of == {"A": 1, "B": 1}
    assert plan.cost == 1_200 + 50


def test_cp_sat_finds_days_where_the_simple_choice_is_stuck() -> None:
    """Taken as early as can be, a series leaves no day for others of it."""
    wide = week_of(
        *calls("A", series="check", days_apart=2),
        *calls("B", series="check", days_apart=2, days=frozenset({1, 4})),
        *calls("C", series="check", days_apart=2, days=frozenset({2})),
        days=5,
    )
    assert spread(wide, 1, None, lambda: False, {"A": 1}) == {"A": 0, "B": 4, "C": 2}
    plan = solve_week(wide, FEW, 1)
    assert plan.day_of == {"A": 0, "B": 4, "C": 2}


def test_what_is_under_way_stays_on_its_day() -> None:
    begun = replace(ANNA, locked=("A",))
    week = Week(("Mon", "Tue"), ((ANNA,), (begun,)), tuple(calls("A", "B", "C")), TRAVEL)
    plan = solve_week(week, FEW, 1)
    assert check_week(week, plan) == []
    assert plan.day_of["A"] == 1


def test_the_check_sees_wrong_days_near_series_and_wrong_costs() -> None:
    week = week_of(*calls("A", "B", series="check", days_apart=2))
    plan = solve_week(week, FEW, 1)
    first, second, third = plan.days
    assert plan.day_of == {"A": 0, "B": 2} or plan.day_of == {"A": 2, "B": 0}
    near = replace(plan, days=(first, third, second))
    assert faults(week, near) == {Fault.TOO_CLOSE}
    tuesdays = replace(week, visits=tuple(replace(each, days=frozenset({1})) for each in week.visits))
    assert faults(tuesdays, plan) == {Fault.DAY}
    assert faults(week, replace(plan, cost=plan.cost + 1)) == {Fault.COST}
    assert faults(week, replace(plan, days=(first, second))) == {Fault.UNKNOWN_DAY}
    stranger = replace(
        plan, days=(replace(first, routes=(replace(first.routes[0], person="X"),)), second, third)
    )
    assert Fault.UNKNOWN_PERSON in faults(week, stranger)
    assert Fault.VISIT_MISSING in faults(week, replace(plan, days=(first, second, second)))


def test_what_cannot_be_meant_is_refused_by_name() -> None:
    (one,) = calls("A")
    with pytest.raises(InvalidProblem, match="Visit 'A': days is empty"):
        replace(one, days=frozenset())
    with pytest.raises(InvalidProblem, match="Visit 'A': group is given"):
        replace(one, visit=replace(CALL, group="G"))
    with pytest.raises(InvalidProblem, match="Visit 'A': day 3 is named"):
        week_of(replace(one, days=frozenset({3})))
    with pytest.raises(InvalidProblem, match="Visit 'B': days_apart is 3, but 'A'"):
        week_of(*calls("A", series="S"), *calls("B", series="S", days_apart=3))
    with pytest.raises(InvalidProblem, match="Week: there is nobody"):
        Week(("Mon",), ((),), (one,), TRAVEL)
    with pytest.raises(InvalidProblem, match="Day 'Mon': id is used twice"):
        Week(("Mon", "Mon"), ((ANNA,), (ANNA,)), (one,), TRAVEL)


WEEK: dict[str, Any] = {
    "name": "a short week",
    "days": [
        {
            "name": "Mon",
            "people": [
                {"id": "Anna", "start_place": 0, "end_place": 0, "shift_starts": 0, "shift_ends": 7200}
            ],
        },
        {"name": "Tue"},
        {
            "name": "Wed",
            "people": [
                {"id": "Anna", "start_place": 0, "end_place": 0, "shift_starts": 0, "shift_ends": 7200}
            ],
        },
    ],
    "visits": [
        {"id": "A", "place": 1, "value": 900, "series": "check", "days_apart": 2},
        {
            "id": "B",
            "place": 1,
            "value": 900,
            "series": "check",
            "days_apart": 2,
            "windows_on": {"0": [[0, 900]]},
        },
        {"id": "C", "place": 1, "value": 900, "days": [1]},
    ],
    "travel": {"seconds": [[0, 60], [60, 0]], "metres": [[0, 500], [500, 0]]},
}


def test_a_week_is_read_planned_and_told(tmp_path: Path) -> None:
    path = tmp_path / "week.json"
    path.write_text(json.dumps(WEEK))
    result = CliRunner().invoke(solve_command, [str(path), "--seconds", "0.2", "--json"])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["feasible"]
    made = {
        day["name"]: [each for route in day["routes"].values() for each in route] for day in report["days"]
    }
    assert {tuple(made["Mon"]), tuple(made["Wed"])} == {("A",), ("B",)}
    assert report["left_out"] == [{"visit": "C", "reason": "nobody_at_work", "day": None}]
    told = CliRunner().invoke(solve_command, [str(path), "--seconds", "0.1"])
    assert "left out: C (nobody_at_work)" in told.stdout


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"days": [{"people": []}]}, "a field is missing: 'name'"),
        ({"visits": [{"id": "A", "place": 9}]}, "place is 9"),
        ({"visits": [{"id": "A", "place": 1, "days": [7]}]}, "day 7 is named"),
        ({"visits": [{"id": "A", "place": 1, "colour": 1}]}, "colour"),
    ],
)
def test_a_week_that_cannot_be_read_says_why(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = tmp_path / "week.json"
    path.write_text(json.dumps(WEEK | change))
    result = CliRunner().invoke(solve_command, [str(path)])
    assert result.exit_code == 1
    assert message in result.stderr


@pytest.mark.slow
def test_a_larger_week_gets_better_with_time_and_ends_in_time() -> None:
    week = town_week(4, 3, 40, 1)
    at_once = solve_week(week, AfterSeconds(0), 1)
    seconds: list[float] = []
    plan = solve_week(week, AfterSeconds(2), 1, progress=lambda passed, *_: seconds.append(passed))
    assert check_week(week, at_once) == check_week(week, plan) == []
    assert standing(week, plan) < standing(week, at_once)
    assert seconds[-1] < 2.3
