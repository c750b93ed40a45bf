"""Days to plan: one in a town, and any that Hypothesis can think of."""

import random
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from rental.routing.draft import Draft
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
from rental.routing.travel import Point, StraightLine

HOUR = 3600
SKILLS = ("coffee", "network", "payment")
PEOPLE = ("T1", "T2", "T3", "T4")
rates = st.integers(0, 20_000)
skill_levels = st.dictionaries(st.sampled_from(SKILLS[:2]), st.integers(1, 2), max_size=2)


def town_day(technicians: int, visits: int, seed: int = 1) -> Problem:
    """A day in and around a town: half days promised, lunch at noon, skills, people who live apart."""
    chance = random.Random(seed)
    points = [_somewhere(chance, 0.25) for _ in range(technicians)]
    points += [_somewhere(chance, 0.18) for _ in range(visits)]
    return Problem(
        visits=tuple(_visit(chance, number, technicians + number) for number in range(visits)),
        people=tuple(_technician(chance, number) for number in range(technicians)),
        travel=StraightLine().matrix(points, "car", depart=9 * HOUR),
        skills=frozenset(SKILLS),
    )


def _somewhere(chance: random.Random, spread: float) -> Point:
    return Point(35.68 + chance.gauss(0, spread / 2), 139.70 + chance.gauss(0, spread / 2))


def _visit(chance: random.Random, number: int, place: int) -> Visit:
    morning, afternoon = Window(9 * HOUR, 12 * HOUR), Window(13 * HOUR, 17 * HOUR)
    promised = chance.choice([(), (), (morning,), (afternoon,), (Window(9 * HOUR, 11 * HOUR), afternoon)])
    return Visit(
        id=f"V{number + 1}",
        place=place,
        service_seconds=chance.choice([20, 30, 40, 60, 90]) * 60,
        windows=promised,
        skills=chance.choice([{}, {}, {"coffee": 1}, {"network": 1}, {"payment": 2}]),
        value=chance.choice([5_000, 8_000, 12_000, 20_000, 40_000]),
        due=chance.choice([None, None, 15 * HOUR]),
        late_yen_per_hour=1_000,
    )


def _technician(chance: random.Random, number: int) -> Person:
    starts = chance.choice([8, 9, 9]) * HOUR
    return Person(
        id=f"T{number + 1}",
        start_place=number,
        end_place=number,
        shift_starts=starts,
        shift_ends=starts + 9 * HOUR,
        max_overtime_seconds=2 * HOUR,
        overtime_yen_per_hour=3_000,
        breaks=(Break(Window(int(11.5 * HOUR), 13 * HOUR), HOUR),),
        skills={skill: chance.choice([1, 2, 3]) for skill in SKILLS if chance.random() < 0.7},
        driving_yen_per_hour=2_000,
        yen_per_km=25,
        day_yen=1_000,
    )


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Anything that can be planned with: every constraint, odd travel times, ways that do not exist."""
    places = draw(st.integers(1, 5))
    travel = draw(travels(places))
    place = st.integers(0, places - 1)
    people = [draw(people_at(place, name)) for name in PEOPLE[: draw(st.integers(1, 3))]]
    visits = [draw(visits_at(place, f"V{number + 1}")) for number in range(draw(st.integers(0, 7)))]
    return Problem(tuple(visits), tuple(people), travel, frozenset(SKILLS))


@st.composite
def full_problems(draw: st.DrawFn) -> Problem:
    """The same with everything else a visit or a person can have."""
    plain = draw(problems())
    visits = [draw(with_extras(visit)) for visit in plain.visits]
    groups: dict[str, int | None] = {}
    for number, visit in enumerate(visits):
        if visit.group is not None:
            value = groups.setdefault(visit.group, visit.value)
            visits[number] = replace(visit, value=value)
    people = [draw(person_with_extras(person)) for person in plain.people]
    set_up = draw(mostly({}, st.dictionaries(st.integers(0, plain.travel.places - 1), st.integers(0, 40))))
    problem = Problem(tuple(visits), tuple(people), plain.travel, plain.skills, set_up)
    return with_locked(problem, draw(st.integers(0, 2)))


def with_extras(visit: Visit) -> st.SearchStrategy[Visit]:
    lateness = st.sampled_from([(), (LateStep(30, 9_000),), (LateStep(10, 500), LateStep(60, 20_000))])
    kept = st.builds(
        Kept,
        person=st.sampled_from([None, *PEOPLE]),
        start=st.one_of(st.none(), st.integers(0, 500)),
        other_person_yen=st.integers(0, 300),
        moved_yen_per_hour=st.integers(0, 3_000),
    )
    return st.builds(
        lambda late_steps, **facts: replace(
            visit, late_steps=late_steps if visit.due is not None else (), **facts
        ),
        late_steps=lateness,
        volume=mostly(0, st.integers(1, 5)),
        parts=mostly({}, st.dictionaries(st.sampled_from(["valve", "hose"]), st.integers(1, 2), max_size=2)),
        group=mostly(None, st.sampled_from(["A", "B"])),
        kept=mostly(None, kept),
    )


def person_with_extras(person: Person) -> st.SearchStrategy[Person]:
    return st.builds(
        replace,
        st.just(person),
        max_duty_seconds=mostly(None, st.integers(100, 500)),
        duty_yen_per_hour=mostly(0, rates),
        fair_seconds=st.sampled_from([0, 100, 300]),
        unfair_yen_per_hour=mostly(0, rates),
        volume=st.sampled_from([None, None, 6, 12]),
        parts=st.dictionaries(st.sampled_from(["valve", "hose"]), st.integers(0, 3)),
    )


def with_locked(problem: Problem, count: int) -> Problem:
    """The same in the middle of the day: somebody has begun with the first visits of a plan of theirs."""
    if count == 0:
        return problem
    draft = Draft(problem)
    draft.fill()
    for person in problem.people:
        begun = tuple(visit.id for visit in draft.visits_of(person))[:count]
        if begun:
            people = tuple(replace(each, locked=begun) if each is person else each for each in problem.people)
            later = replace(problem, people=people)
            try:
                Draft(later)
            except InvalidProblem:
                continue
            return later
    return problem


@st.composite
def travels(draw: st.DrawFn, places: int) -> TravelMatrix:
    def square(each: st.SearchStrategy[int]) -> list[list[int]]:
        row = st.lists(each, min_size=places, max_size=places)
        values = draw(st.lists(row, min_size=places, max_size=places))
        return [[0 if a == b else values[a][b] for b in range(places)] for a in range(places)]

    rarely = st.sampled_from([0] * 9 + [1])
    return TravelMatrix.of(square(st.integers(0, 90)), square(st.integers(0, 9_000)), square(rarely))


def people_at(place: st.SearchStrategy[int], name: str) -> st.SearchStrategy[Person]:
    return st.builds(
        lambda starts, length, rest, **facts: Person(
            shift_starts=starts,
            shift_ends=starts + length,
            breaks=tuple(Break(Window(starts + a, starts + a + b), c) for a, b, c in rest),
            **facts,
        ),
        id=st.just(name),
        start_place=place,
        end_place=place,
        starts=st.integers(0, 100),
        length=st.integers(250, 600),
        max_overtime_seconds=st.sampled_from([0, 100]),
        overtime_yen_per_hour=rates,
        rest=st.sampled_from([(), ((100, 60, 40),), ((0, 30, 20), (120, 0, 60))]),
        skills=skill_levels,
        driving_yen_per_hour=rates,
        work_yen_per_hour=rates,
        yen_per_km=st.integers(0, 40),
        day_yen=st.integers(0, 50),
    )


def visits_at(place: st.SearchStrategy[int], name: str) -> st.SearchStrategy[Visit]:
    some = st.frozensets(st.sampled_from(PEOPLE), max_size=2)
    return st.builds(
        Visit,
        id=st.just(name),
        place=place,
        service_seconds=st.integers(0, 120),
        windows=st.sampled_from(
            [(), (), (Window(50, 200),), (Window(0, 120), Window(300, 500)), (Window(400, 400),)]
        ),
        skills=mostly({}, skill_levels),
        allowed=mostly(None, some),
        forbidden=mostly(frozenset(), some),
        pinned_to=mostly(None, st.sampled_from(PEOPLE)),
        value=st.one_of(st.none(), st.integers(0, 500), st.integers(500, 9_000)),
        due=st.one_of(st.none(), st.integers(0, 600)),
        late_yen_per_hour=rates,
    )


def mostly(usual: Any, other: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """So that a day still has visits that can be made."""
    return st.sampled_from([False] * 5 + [True]).flatmap(lambda odd: other if odd else st.just(usual))
