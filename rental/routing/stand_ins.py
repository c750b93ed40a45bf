"""Humans who may begin their day in one of several ways: a person for each, of whom only one makes visits."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from rental.routing.matching import has_on_board, may_make
from rental.routing.plan import Plan
from rental.routing.problem import Person, Problem
from rental.routing.timing import timed

FEW = 6  # persons who could make a visit: with more, somebody is found


def has_stand_ins(problem: Problem) -> bool:
    return any(person.stand_for is not None for person in problem.people)


def rivals(problem: Problem) -> dict[str, list[Person]]:
    """All who stand for each human, in the order of the problem."""
    found: dict[str, list[Person]] = {}
    for person in problem.people:
        if person.stand_for is not None:
            found.setdefault(person.stand_for, []).append(person)
    return found


def chosen(problem: Problem, plan: Plan, *, least: int) -> Problem:
    """Every human who comes as `least` or more is one person from now on; nobody stands for anybody.

    The one with a visit that fewest others could make, then the one with most visits; of those who make
    none the last, as those who can do most are named last.
    """
    if not has_stand_ins(problem):
        return problem
    counts = {route.person: len(route.stops) for route in plan.routes}
    rare = {who: able for who, able in rarest(problem, plan).items() if able < FEW}
    gone: set[str] = set()
    for people in rivals(problem).values():
        best = max(
            reversed(people),
            key=lambda each: (bool(each.locked), -rare.get(each.id, FEW), counts.get(each.id, 0)),
        )
        comes = sum(counts.get(person.id, 0) > 0 for person in people)
        if comes >= least:
            gone |= {person.id for person in people} - {best.id}
    return without(problem, gone)


def without(problem: Problem, gone: Collection[str]) -> Problem:
    people = tuple(replace(each, stand_for=None) for each in problem.people if each.id not in gone)
    return replace(problem, people=people)


def kept_in(problem: Problem, plan: Plan) -> Plan:
    """The routes of those who are there; what the others made is left to be planned."""
    routes: Mapping[str, object] = {person.id: None for person in problem.people}
    return replace(plan, routes=tuple(route for route in plan.routes if route.person in routes))


def rarest(problem: Problem, plan: Plan) -> dict[str, int]:
    """By person: how few could make the visit of theirs that fewest could make, by themselves."""
    day = without(problem, ())
    found: dict[str, int] = {}
    for route in plan.routes:
        for visit in (day.visit(each) for each in route.visits if day.has_visit(each)):
            able = sum(
                may_make(visit, person)
                and has_on_board(person, [visit])
                and timed(day.ways, person, [visit]) is not None
                for person in day.people
            )
            found[route.person] = min(able, found.get(route.person, able))
    return found
