"""When everything on a route happens, given who makes which visits in which order."""

from collections.abc import Sequence
from dataclasses import dataclass

from rental.routing.plan import Rest, Route, Stop
from rental.routing.price import duty_of, lateness
from rental.routing.problem import LATEST, Break, Person, TravelMatrix, Visit, Window


@dataclass(frozen=True, slots=True)
class Leg:
    """The way to the next place and the breaks on it: there at `arrival`, free to begin at `ready`."""

    arrival: int
    ready: int
    breaks: tuple[Rest, ...]


@dataclass(slots=True)
class Found:
    """The best times so far: a leg and the start of service for each visit, the last leg, breaks after it."""

    lost: int  # what depends on the times, in yen times 3600
    legs: tuple[Leg, ...]
    starts: tuple[int, ...]
    breaks_after: tuple[Rest, ...]


def timed(ways: TravelMatrix, person: Person, visits: Sequence[Visit]) -> Route | None:
    """The route whose times cost least; None when no times work. `ways` are those of the problem.

    Everything happens as early as it can; only the first departure waits until it has to, or, where duty is
    limited or paid, as long as nobody is back or served later for it. What remains to be chosen is on
    which leg each break is taken, and all ways are tried.
    """
    journeys = legs_between(ways, person, visits)
    if journeys is None:
        return None
    latest = latest_moments(person, visits, journeys)
    if latest is None or person.shift_starts + journeys[0] > latest[0]:
        return None
    found = TimeSearch(person, visits, journeys, latest).run()
    return None if found is None else as_route(person, visits, journeys, found)


def legs_between(ways: TravelMatrix, person: Person, visits: Sequence[Visit]) -> list[int] | None:
    """Seconds of every leg; None when one of them cannot be driven."""
    journeys: list[int] = []
    here = person.start_place
    for there in (*(visit.place for visit in visits), person.end_place):
        seconds = ways.legs[here][there]
        if seconds is None:
            return None
        journeys.append(seconds)
        here = there
    return journeys


def latest_moments(person: Person, visits: Sequence[Visit], journeys: Sequence[int]) -> list[int] | None:
    """Until when one must be ready at each visit, and at the end place, were there no breaks."""
    moments = [person.latest_end]
    for visit, journey in zip(reversed(visits), reversed(journeys), strict=False):
        moment = last_start(visit, moments[-1] - journey - visit.service_seconds)
        if moment is None:
            return None
        moments.append(moment)
    moments.reverse()
    return moments


class TimeSearch:
    """Tries the breaks on each leg, depth first; a branch that comes too late or lost too much is cut."""

    def __init__(
        self, person: Person, visits: Sequence[Visit], journeys: Sequence[int], latest: Sequence[int]
    ) -> None:
        self.person, self.visits, self.journeys, self.latest = person, visits, journeys, latest
        self.counts_duty = person.max_duty_seconds is not None or person.duty_yen_per_hour > 0
        self.best: Found | None = None
        self.legs: list[Leg] = []
        self.starts: list[int] = []

    def run(self) -> Found | None:
        self.go_on(0, self.person.shift_starts, 0, 0)
        return self.best

    def go_on(self, position: int, free: int, taken: int, lost: int) -> None:
        """From the moment `free` after `position` visits, with so many breaks taken."""
        breaks = self.person.breaks
        if taken < len(breaks) and free > breaks[taken].window.closes:
            return
        for until in range(taken, len(breaks) + 1):
            if self.best is not None and self.best.lost <= lost:
                return
            leg = drive(free, self.journeys[position], breaks[taken:until])
            if leg is None or leg.ready > self.latest[position]:
                return  # with one more break it is later still
            self.legs.append(leg)
            if position == len(self.visits):
                self.come_back(leg, until, lost)
            else:
                self.serve(position, leg, until, lost)
            self.legs.pop()

    def serve(self, position: int, leg: Leg, taken: int, lost: int) -> None:
        visit = self.visits[position]
        start = first_start(visit, leg.ready)
        if start is None:
            return
        self.starts.append(start)
        self.go_on(position + 1, start + visit.service_seconds, taken, lost + untimely(visit, start))
        self.starts.pop()

    def come_back(self, leg: Leg, taken: int, lost: int) -> None:
        end = leg.ready
        after = drive(end, 0, self.person.breaks[taken:])
        if after is None:
            return
        lost += max(0, end - self.person.shift_ends) * self.person.overtime_yen_per_hour
        legs, starts = tuple(self.legs), tuple(self.starts)
        if self.counts_duty and self.visits:
            legs, starts = left_later(self.person, self.visits, self.journeys, legs, starts)
            duty = duty_of(as_route(self.person, self.visits, self.journeys, Found(0, legs, starts, ())))
            if self.person.max_duty_seconds is not None and duty > self.person.max_duty_seconds:
                return
            lost += duty * self.person.duty_yen_per_hour
        if self.best is None or lost < self.best.lost:
            self.best = Found(lost, legs, starts, after.breaks)


def untimely(visit: Visit, start: int) -> int:
    """What lateness, and moving what was kept, cost, in yen times 3600."""
    lost = lateness(visit, start)
    if visit.kept is not None and visit.kept.start is not None:
        lost += abs(start - visit.kept.start) * visit.kept.moved_yen_per_hour
    return lost


def left_later(
    person: Person,
    visits: Sequence[Visit],
    journeys: Sequence[int],
    legs: tuple[Leg, ...],
    starts: tuple[int, ...],
) -> tuple[tuple[Leg, ...], tuple[int, ...]]:
    """The same route, begun as late as it can be without a later end, or lateness, or a broken promise."""
    latest = legs[-1].ready
    for visit, start, seconds, leg in zip(
        reversed(visits), reversed(starts), reversed(journeys), reversed(legs), strict=False
    ):
        until = latest_free(latest, seconds, leg.breaks) - visit.service_seconds
        if visit.due is not None:
            until = min(until, max(start, visit.due))
        if visit.kept is not None and visit.kept.start is not None and visit.kept.moved_yen_per_hour:
            until = start
        latest = max(start, last_start(visit, until) or start)
    return begun_at(latest, visits, journeys, legs)


def latest_free(ready: int, seconds: int, breaks: Sequence[Rest]) -> int:
    """Until when one may leave so as to be ready then, with the breaks on this leg and no later."""
    if not breaks:
        return ready - seconds
    return min(ready - sum(rest.end - rest.start for rest in breaks) - seconds, breaks[0].start)


def begun_at(
    first: int, visits: Sequence[Visit], journeys: Sequence[int], legs: tuple[Leg, ...]
) -> tuple[tuple[Leg, ...], tuple[int, ...]]:
    """Everything as early as it can be after the first service starts at this moment."""
    now = first + visits[0].service_seconds
    new_legs, starts = [legs[0]], [first]
    for number, seconds in enumerate(journeys[1:], start=1):
        leg = gone(now, seconds, legs[number].breaks)
        new_legs.append(leg)
        if number < len(visits):
            start = first_start(visits[number], leg.ready)
            starts.append(leg.ready if start is None else start)
            now = starts[-1] + visits[number].service_seconds
    return tuple(new_legs), tuple(starts)


def gone(free: int, seconds: int, breaks: Sequence[Rest]) -> Leg:
    """The leg begun at `free`, with breaks of these lengths no sooner than they were."""
    wanted = [Break(Window(rest.start, LATEST), rest.end - rest.start) for rest in breaks]
    leg = drive(free, seconds, wanted)
    return Leg(free + seconds, free + seconds, ()) if leg is None else leg


def drive(free: int, seconds: int, breaks: Sequence[Break]) -> Leg | None:
    """Leave at `free`, take each break as early as it may be taken; None when one would begin too late."""
    if not breaks:
        return Leg(free + seconds, free + seconds, ())
    now, left = free, seconds
    arrival = free if seconds == 0 else None
    taken = []
    for rest in breaks:
        begins = max(now, rest.window.opens)
        if begins > rest.window.closes:
            return None
        if arrival is None and now + left <= begins:
            arrival = now + left
        left = max(0, left - (begins - now))
        now = begins + rest.seconds
        taken.append(Rest(begins, now))
    ready = now + left
    return Leg(ready if arrival is None else arrival, ready, tuple(taken))


def first_start(visit: Visit, ready: int) -> int | None:
    """The first moment from `ready` on at which the service may start."""
    if not visit.windows:
        return ready
    for window in visit.windows:
        if ready <= window.closes:
            return max(ready, window.opens)
    return None


def last_start(visit: Visit, until: int) -> int | None:
    """The last moment until then at which the service may start."""
    if not visit.windows:
        return until
    for window in reversed(visit.windows):
        if window.opens <= until:
            return min(window.closes, until)
    return None


def as_route(person: Person, visits: Sequence[Visit], journeys: Sequence[int], found: Found) -> Route:
    if not visits:
        return Route(person.id, person.shift_starts, found.legs[-1].ready, ())
    departure, first_arrival = latest_departure(found.starts[0], journeys[0], found.legs[0].breaks)
    stops = []
    for number, (visit, leg, start) in enumerate(zip(visits, found.legs, found.starts, strict=False)):
        arrival = leg.arrival if number else first_arrival
        rested = sum(rest.end - rest.start for rest in leg.breaks if rest.start >= arrival)
        stops.append(Stop(visit.id, arrival, start - arrival - rested, start, start + visit.service_seconds))
    breaks = tuple(rest for leg in found.legs for rest in leg.breaks) + found.breaks_after
    return Route(person.id, departure, found.legs[-1].ready, tuple(stops), breaks)


def latest_departure(start: int, seconds: int, breaks: Sequence[Rest]) -> tuple[int, int]:
    """When to leave to be there just in time for `start`, and the arrival; breaks stay where they are."""
    now, left = start, seconds
    arrival = None
    for rest in reversed(breaks):
        drivable = now - rest.end
        if drivable > 0 and arrival is None:
            arrival = now
        if left <= drivable:
            break
        left -= drivable
        now = rest.start
    return now - left, now if arrival is None else arrival
