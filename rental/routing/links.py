"""Visits that need each other: crews that start together, and orders in which one follows the other."""

from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from rental.routing.limits import InvalidProblem

if TYPE_CHECKING:
    from rental.routing.problem import Problem, Visit

Moment = tuple["Visit", ...]  # visits that start together: those of one crew, or a single one


def require_links(problem: "Problem") -> None:
    """Crews and orders that can be kept: nobody waits for themselves, or for what need not be made."""
    for name, visits in problem.crews.items():
        for visit in visits:
            who = f"Visit {visit.id!r}"
            if len(visits) == 1:
                raise InvalidProblem(f"{who}: crew {name!r} has no other visit; give two, or none.")
            if visit.service_seconds == 0:
                raise InvalidProblem(f"{who}: service_seconds is 0; visits of a crew last a second or more.")
            if (visit.value is None) != (visits[0].value is None):
                raise InvalidProblem(f"{who}: value must be given for all of the crew {name!r}, or for none.")
            if visit.id in problem.locked_to:
                raise InvalidProblem(
                    f"{who}: crew is given, but it is locked; give the time agreed as its window instead."
                )
    for visit in problem.visits:
        for earlier_id in visit.after:
            require_order(problem, visit, earlier_id)
        if visit.group is not None and visit.id in problem.linked:
            raise InvalidProblem(f"Visit {visit.id!r}: group is given, but it is linked by crew or after.")
    require_no_circle(problem)


def require_order(problem: "Problem", visit: "Visit", earlier_id: str) -> None:
    who = f"Visit {visit.id!r}"
    if not problem.has_visit(earlier_id):
        raise InvalidProblem(f"{who}: after has {earlier_id!r}, which is no visit of the problem.")
    if visit.value is None and problem.visit(earlier_id).value is not None:
        raise InvalidProblem(f"{who}: must be made, but {earlier_id!r} of after has a value; give none.")
    if visit.id in problem.locked_to:
        raise InvalidProblem(f"{who}: after is given, but it is locked: it has begun already; leave it out.")


def require_no_circle(problem: "Problem") -> None:
    """Visits of a crew start together, so what comes after one of them comes after all."""
    waits: dict[str, set[str]] = {}
    for visit in problem.visits:
        waits.setdefault(moment_of(visit), set()).update(
            moment_of(problem.visit(each)) for each in visit.after
        )
    try:
        tuple(TopologicalSorter(waits).static_order())
    except CycleError as circle:
        raise InvalidProblem(f"Visits: after goes in a circle: {', '.join(circle.args[1])}.") from circle


def moments(problem: "Problem") -> list[Moment]:
    """Everything that is linked, each moment after those it waits for, else in the order of the problem."""
    told: dict[str, Moment] = {}
    for visit in problem.visits:
        if visit.id in problem.linked:
            told.setdefault(moment_of(visit), problem.crews[visit.crew] if visit.crew else (visit,))
    waits = {
        name: {moment_of(problem.visit(each)) for visit in moment for each in visit.after}
        for name, moment in told.items()
    }
    return [told[name] for name in TopologicalSorter(waits).static_order()]


def moment_of(visit: "Visit") -> str:
    return f"crew {visit.crew}" if visit.crew else f"visit {visit.id}"


def clusters(problem: "Problem") -> list[list[Moment]]:
    """Moments that hang together, however far around, each cluster in an order in which they can happen."""
    cluster_of: dict[str, list[Moment]] = {}
    for moment in moments(problem):
        earlier = [cluster_of[each] for visit in moment for each in visit.after]
        cluster = [known for one in {id(each): each for each in earlier}.values() for known in one]
        cluster.append(moment)
        cluster_of.update({visit.id: cluster for visit in visits_in(cluster)})
    return list({id(cluster): cluster for cluster in cluster_of.values()}.values())


def visits_in(cluster: Iterable[Moment]) -> Iterator["Visit"]:
    for moment in cluster:
        yield from moment
