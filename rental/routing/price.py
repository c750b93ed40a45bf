"""What a plan costs, in named parts of whole yen that add up exactly."""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from itertools import pairwise

from rental.routing.plan import LeftOut, Plan, Route
from rental.routing.problem import Person, Problem, TravelMatrix, Visit

SECONDS_IN_AN_HOUR = 3600
METRES_IN_A_KM = 1000


@dataclass(frozen=True, slots=True)
class Price:
    """The parts, in yen. Each is rounded once for each route, what is owed to a visit once for each visit;
    halves go up.
    """

    driving: int = 0
    distance: int = 0
    work: int = 0
    overtime: int = 0
    lateness: int = 0
    days: int = 0
    left_out: int = 0
    duty: int = 0
    fairness: int = 0
    changes: int = 0

    def __add__(self, other: "Price") -> "Price":
        return Price(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    @property
    def parts(self) -> dict[str, int]:
        """By name; those that few problems have are there only where they cost something."""
        named = {part.name: getattr(self, part.name) for part in fields(self)}
        return {name: yen for name, yen in named.items() if yen or name not in RARE_PARTS}

    @property
    def total(self) -> int:
        return sum(astuple(self))


RARE_PARTS = frozenset({"duty", "fairness", "changes"})


def price(problem: Problem, plan: Plan) -> Price:
    """All routes, and the value of what is left out; what the plan says it costs plays no part."""
    total = Price(left_out=lost_value(problem, plan.left_out))
    for route in plan.routes:
        visits = [problem.visit(stop.visit) for stop in route.stops]
        total += price_of_route(problem.ways, problem.person(route.person), visits, route)
    return total


def price_of_route(ways: TravelMatrix, person: Person, visits: Sequence[Visit], route: Route) -> Price:
    """One route. A route without visits costs nothing."""
    if not visits:
        return Price()
    places = [person.start_place, *(visit.place for visit in visits), person.end_place]
    seconds = sum(ways.legs[here][there] or 0 for here, there in pairwise(places))
    metres = sum(ways.lengths[here][there] for here, there in pairwise(places))
    served = sum(visit.service_seconds for visit in visits)
    unfair = max(0, seconds + served - person.fair_seconds)
    late = max(0, route.end - person.shift_ends)
    starts = [stop.start for stop in route.stops]
    return Price(
        driving=yen_for(seconds, person.driving_yen_per_hour, SECONDS_IN_AN_HOUR),
        distance=yen_for(metres, person.yen_per_km, METRES_IN_A_KM),
        work=yen_for(served, person.work_yen_per_hour, SECONDS_IN_AN_HOUR),
        overtime=yen_for(late, person.overtime_yen_per_hour, SECONDS_IN_AN_HOUR),
        lateness=sum(lateness_yen(*each) for each in zip(visits, starts, strict=True)),
        days=person.day_yen,
        duty=yen_for(duty_of(route), person.duty_yen_per_hour, SECONDS_IN_AN_HOUR),
        fairness=yen_for(unfair, person.unfair_yen_per_hour, SECONDS_IN_AN_HOUR),
        changes=sum(changes_yen(*each, person) for each in zip(visits, starts, strict=True)),
    )


def duty_of(route: Route) -> int:
    """Seconds from leaving to being back, without the breaks in between."""
    rested = sum(max(0, min(rest.end, route.end) - max(rest.start, route.start)) for rest in route.breaks)
    return route.end - route.start - rested


def lateness_yen(visit: Visit, start: int) -> int:
    return rounded(lateness(visit, start), SECONDS_IN_AN_HOUR)


def lateness(visit: Visit, start: int) -> int:
    """What a start at this moment costs, in yen times 3600."""
    if visit.due is None:
        return 0
    late, rate, lost = max(0, start - visit.due), visit.late_yen_per_hour, 0
    since = 0
    for step in visit.late_steps:
        lost += max(0, min(late, step.after) - since) * rate
        since, rate = step.after, step.yen_per_hour
    return lost + max(0, late - since) * rate


def changes_yen(visit: Visit, start: int, person: Person) -> int:
    """What it costs that somebody else comes than was said, or at another time."""
    kept = visit.kept
    if kept is None:
        return 0
    yen = kept.other_person_yen if kept.person not in (None, person.id) else 0
    if kept.start is not None:
        yen += yen_for(abs(start - kept.start), kept.moved_yen_per_hour, SECONDS_IN_AN_HOUR)
    return yen


def lost_value(problem: Problem, left_out: Iterable[LeftOut]) -> int:
    """A visit that must be made has no value: leaving it out is a fault, not a price."""
    return sum(problem.visit(each.visit).value or 0 for each in left_out)


def yen_for(amount: int, rate: int, unit: int) -> int:
    return rounded(amount * rate, unit)


def rounded(amount: int, unit: int) -> int:
    return (amount + unit // 2) // unit
