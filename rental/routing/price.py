"""What a plan costs, in named parts of whole yen that add up exactly."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise

from rental.routing.plan import LeftOut, Plan, Route
from rental.routing.problem import Person, Problem, TravelMatrix, Visit

SECONDS_IN_AN_HOUR = 3600
METRES_IN_A_KM = 1000


@dataclass(frozen=True, slots=True)
class Price:
    """The parts, in yen. Each is rounded once for each route, lateness once for each visit; halves go up."""

    driving: int = 0
    distance: int = 0
    work: int = 0
    overtime: int = 0
    lateness: int = 0
    days: int = 0
    left_out: int = 0

    def __add__(self, other: "Price") -> "Price":
        return Price(*(a + b for a, b in zip(self.parts.values(), other.parts.values(), strict=True)))

    @property
    def parts(self) -> dict[str, int]:
        return {part.name: getattr(self, part.name) for part in fields(self)}

    @property
    def total(self) -> int:
        return sum(self.parts.values())


def price(problem: Problem, plan: Plan) -> Price:
    """All routes, and the value of what is left out; what the plan says it costs plays no part."""
    total = Price(left_out=lost_value(problem, plan.left_out))
    for route in plan.routes:
        visits = [problem.visit(stop.visit) for stop in route.stops]
        total += price_of_route(problem.travel, problem.person(route.person), visits, route)
    return total


def price_of_route(travel: TravelMatrix, person: Person, visits: Sequence[Visit], route: Route) -> Price:
    """One route. A route without visits costs nothing."""
    if not visits:
        return Price()
    places = [person.start_place, *(visit.place for visit in visits), person.end_place]
    seconds = sum(travel.legs[here][there] or 0 for here, there in pairwise(places))
    metres = sum(travel.lengths[here][there] for here, there in pairwise(places))
    served = sum(visit.service_seconds for visit in visits)
    return Price(
        driving=yen_for(seconds, person.driving_yen_per_hour, SECONDS_IN_AN_HOUR),
        distance=yen_for(metres, person.yen_per_km, METRES_IN_A_KM),
        work=yen_for(served, person.work_yen_per_hour, SECONDS_IN_AN_HOUR),
        overtime=yen_for(
            max(0, route.end - person.shift_ends), person.overtime_yen_per_hour, SECONDS_IN_AN_HOUR
        ),
        lateness=sum(
            lateness_yen(visit, stop.start) for visit, stop in zip(visits, route.stops, strict=True)
        ),
        days=person.day_yen,
    )


def lateness_yen(visit: Visit, start: int) -> int:
    if visit.due is None:
        return 0
    return yen_for(max(0, start - visit.due), visit.late_yen_per_hour, SECONDS_IN_AN_HOUR)


def lost_value(problem: Problem, left_out: Iterable[LeftOut]) -> int:
    """A visit that must be made has no value: leaving it out is a fault, not a price."""
    return sum(problem.visit(each.visit).value or 0 for each in left_out)


def yen_for(amount: int, rate: int, unit: int) -> int:
    return (amount * rate + unit // 2) // unit
