"""Humans who may begin their day in one of several ways: a person for each, of whom only one makes visits."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from rental.routing.plan import Plan
from rental.routing.problem import Person, Problem


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

    The one with most visits; of those who make none the last, as those who can do most are named last.
    """
    counts = {route.person: len(route.stops) for route in plan.routes}
    gone: set[str] = set()
    for people in rivals(problem).values():
        best = max(reversed(people), key=lambda person: (bool(person.locked), counts.get(person.id, 0)))
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
