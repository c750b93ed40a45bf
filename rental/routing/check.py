"""Whether a plan can be driven as it is written, and costs what it says.

Read from the promises alone: what an engine believes plays no part.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rental.routing.plan import Plan, Rest, Route, Stop
from rental.routing.price import price
from rental.routing.problem import Person, Problem, Visit


class Fault(StrEnum):
    """Which promise is broken."""

    UNKNOWN_VISIT = "unknown_visit"
    UNKNOWN_PERSON = "unknown_person"
    PERSON_TWICE = "person_twice"
    VISIT_TWICE = "visit_twice"
    VISIT_MISSING = "visit_missing"
    MUST_LEFT_OUT = "must_left_out"
    SKILL = "skill"
    NOT_ALLOWED = "not_allowed"
    PIN = "pin"
    WINDOW = "window"
    SHIFT = "shift"
    OVERTIME = "overtime"
    BREAK = "break"
    UNREACHABLE = "unreachable"
    TRAVEL = "travel"
    ARITHMETIC = "arithmetic"
    COST = "cost"
    GROUP_TWICE = "group_twice"
    LOCKED = "locked"
    ON_BOARD = "on_board"
    DUTY = "duty"
    CREW = "crew"
    ORDER = "order"
    UNKNOWN_DAY = "unknown_day"
    DAY = "day"
    TOO_CLOSE = "too_close"


@dataclass(frozen=True, slots=True)
class Broken:
    """One broken promise: whose, and in words what is wrong."""

    code: Fault
    message: str
    visit: str | None = None
    person: str | None = None


def check(problem: Problem, plan: Plan) -> list[Broken]:
    """All that is wrong; empty for a plan that keeps every promise.

    A visit that must be made and is left out is told even when nobody could make it: then the problem
    cannot be solved, and somebody has to know.
    """
    broken = [*strangers(problem, plan), *each_visit_once(problem, plan)]
    if any(fault.code in (Fault.UNKNOWN_VISIT, Fault.UNKNOWN_PERSON) for fault in broken):
        return broken
    for route in plan.routes:
        person = problem.person(route.person)
        broken += people(problem, person, route)
        broken += times(problem, person, route)
        broken += breaks(person, route)
        broken += legs(problem, person, route)
        broken += goods(problem, person, route)
        broken += duty(person, route)
    broken += locked(problem, plan)
    broken += [*crews(problem, plan), *orders(problem, plan)]
    costs = price(problem, plan).total
    if costs != plan.cost:
        broken.append(Broken(Fault.COST, f"The plan says {plan.cost} yen, its parts add up to {costs}."))
    return broken


def strangers(problem: Problem, plan: Plan) -> Iterator[Broken]:
    for person_id, count in Counter(route.person for route in plan.routes).items():
        if not problem.has_person(person_id):
            yield Broken(Fault.UNKNOWN_PERSON, "is not in the problem.", person=person_id)
        if count > 1:
            yield Broken(Fault.PERSON_TWICE, f"has {count} routes.", person=person_id)
    known = [route.person for route in plan.routes if route.stops and problem.has_person(route.person)]
    for human, count in Counter(problem.person(each).stand_for for each in known).items():
        if human is not None and count > 1:
            yield Broken(Fault.PERSON_TWICE, f"{human!r} comes {count} times.", person=human)
    for visit_id in dict.fromkeys(mentioned(plan)):
        if not problem.has_visit(visit_id):
            yield Broken(Fault.UNKNOWN_VISIT, "is not in the problem.", visit=visit_id)


def each_visit_once(problem: Problem, plan: Plan) -> Iterator[Broken]:
    counts = Counter(mentioned(plan))
    left_out = {each.visit for each in plan.left_out}
    of_group = Counter(problem.visit(each).group for each in mentioned(plan) if problem.has_visit(each))
    for visit in problem.visits:
        if visit.group is not None and of_group[visit.group] > 0:
            if of_group[visit.group] > 1 and counts[visit.id]:
                message = f"is one of {of_group[visit.group]} of the group {visit.group!r}; one is enough."
                yield Broken(Fault.GROUP_TWICE, message, visit=visit.id)
        elif counts[visit.id] == 0:
            yield Broken(Fault.VISIT_MISSING, "is neither on a route nor left out.", visit=visit.id)
        if counts[visit.id] > 1:
            yield Broken(Fault.VISIT_TWICE, f"comes {counts[visit.id]} times.", visit=visit.id)
        if visit.value is None and visit.id in left_out:
            yield Broken(Fault.MUST_LEFT_OUT, "must be made, but is left out.", visit=visit.id)


def mentioned(plan: Plan) -> Iterator[str]:
    for route in plan.routes:
        yield from route.visits
    for each in plan.left_out:
        yield each.visit


def people(problem: Problem, person: Person, route: Route) -> Iterator[Broken]:
    for visit_id in route.visits:
        visit = problem.visit(visit_id)
        for skill, needed in visit.skills.items():
            has = person.skills.get(skill, 0)
            if has < needed:
                yield Broken(Fault.SKILL, f"needs {skill} {needed}, not {has}.", visit_id, person.id)
        if visit.allowed is not None and person.id not in visit.allowed:
            yield Broken(Fault.NOT_ALLOWED, "is not among the people allowed.", visit_id, person.id)
        if person.id in visit.forbidden:
            yield Broken(Fault.NOT_ALLOWED, "is forbidden to this person.", visit_id, person.id)
        if visit.pinned_to is not None and visit.pinned_to != person.id:
            yield Broken(Fault.PIN, f"is pinned to {visit.pinned_to}.", visit_id, person.id)


def times(problem: Problem, person: Person, route: Route) -> Iterator[Broken]:
    for stop in route.stops:
        visit = problem.visit(stop.visit)
        if visit.windows and not any(w.opens <= stop.start <= w.closes for w in visit.windows):
            yield Broken(Fault.WINDOW, f"starts at {stop.start}, in no window.", stop.visit, person.id)
        if stop.end - stop.start != visit.service_seconds:
            took = stop.end - stop.start
            yield Broken(
                Fault.ARITHMETIC, f"takes {took} s, not {visit.service_seconds}.", stop.visit, person.id
            )
    if route.start < person.shift_starts:
        message = f"leaves at {route.start}, before the shift ({person.shift_starts})."
        yield Broken(Fault.SHIFT, message, person=person.id)
    latest = person.shift_ends + person.max_overtime_seconds
    if route.end > latest:
        message = f"is back at {route.end}, after the last overtime ({latest})."
        yield Broken(Fault.OVERTIME, message, person=person.id)


def breaks(person: Person, route: Route) -> Iterator[Broken]:
    if len(route.breaks) != len(person.breaks):
        message = f"takes {len(route.breaks)} breaks of {len(person.breaks)}."
        yield Broken(Fault.BREAK, message, person=person.id)
        return
    for rest, wanted in zip(route.breaks, person.breaks, strict=True):
        if not wanted.window.opens <= rest.start <= wanted.window.closes:
            yield Broken(Fault.BREAK, f"begins a break at {rest.start}, too early or late.", person=person.id)
        if rest.end - rest.start != wanted.seconds:
            yield Broken(Fault.BREAK, f"rests for {rest.end - rest.start} s.", person=person.id)
        for stop in route.stops:
            if overlap(rest, stop.start, stop.end):
                yield Broken(Fault.BREAK, "is served during a break.", stop.visit, person.id)


def legs(problem: Problem, person: Person, route: Route) -> Iterator[Broken]:
    """From one thing to the next, every second is driving, waiting or a break."""
    here, free = person.start_place, route.start
    for stop in route.stops:
        visit: Visit = problem.visit(stop.visit)
        yield from journey(problem, person, route, (here, visit.place), (free, stop.arrival), stop)
        stayed = stop.start - stop.arrival - rested(route.breaks, stop.arrival, stop.start)
        if stop.waiting < 0 or stop.waiting != stayed:
            message = f"waits {stop.waiting} s where {stayed} s pass."
            yield Broken(Fault.ARITHMETIC, message, stop.visit, person.id)
        here, free = visit.place, stop.end
    yield from journey(problem, person, route, (here, person.end_place), (free, route.end), None)


def journey(
    problem: Problem,
    person: Person,
    route: Route,
    places: tuple[int, int],
    moments: tuple[int, int],
    stop: Stop | None,
) -> Iterator[Broken]:
    visit = stop.visit if stop else None
    if problem.travel.unreachable[places]:
        message = f"no way leads from place {places[0]} to {places[1]}."
        yield Broken(Fault.UNREACHABLE, message, visit, person.id)
        return
    needed = int(problem.travel.seconds[places])
    if places[0] != places[1]:
        needed += problem.set_up_seconds.get(places[1], 0)
    driven = moments[1] - moments[0] - rested(route.breaks, *moments)
    if driven < needed:
        message = f"the way from place {places[0]} to {places[1]} takes {needed} s, not {driven}."
        yield Broken(Fault.TRAVEL, message, visit, person.id)
    elif driven > needed:
        message = f"{driven - needed} s on the way are not accounted for."
        yield Broken(Fault.ARITHMETIC, message, visit, person.id)


def rested(breaks: Sequence[Rest], since: int, until: int) -> int:
    return sum(overlap(rest, since, until) for rest in breaks)


def overlap(rest: Rest, since: int, until: int) -> int:
    return max(0, min(rest.end, until) - max(rest.start, since))


def goods(problem: Problem, person: Person, route: Route) -> Iterator[Broken]:
    """What is taken from the van was in it in the morning."""
    taken: Counter[str] = Counter()
    volume = 0
    for stop in route.stops:
        visit = problem.visit(stop.visit)
        volume += visit.volume
        taken.update(visit.parts)
    if person.volume is not None and volume > person.volume:
        message = f"would have {volume} on board, with room for {person.volume}."
        yield Broken(Fault.ON_BOARD, message, person=person.id)
    for part, count in taken.items():
        if count > person.parts.get(part, 0):
            message = f"needs {count} of {part!r}, with {person.parts.get(part, 0)} on board."
            yield Broken(Fault.ON_BOARD, message, person=person.id)


def duty(person: Person, route: Route) -> Iterator[Broken]:
    away = route.end - route.start - rested(route.breaks, route.start, route.end)
    if person.max_duty_seconds is not None and route.stops and away > person.max_duty_seconds:
        message = f"is on duty for {away} s, more than {person.max_duty_seconds}."
        yield Broken(Fault.DUTY, message, person=person.id)


def locked(problem: Problem, plan: Plan) -> Iterator[Broken]:
    """What is under way stays where it is."""
    made = {route.person: [stop.visit for stop in route.stops] for route in plan.routes}
    for person in problem.people:
        begun = made.get(person.id, [])[: len(person.locked)]
        if begun != list(person.locked):
            message = f"begins with {begun}, but {list(person.locked)} are under way."
            yield Broken(Fault.LOCKED, message, person=person.id)


def crews(problem: Problem, plan: Plan) -> Iterator[Broken]:
    """Each visit of a crew is made by somebody else, all at the same moment; or none is made."""
    made = {stop.visit: (route.person, stop.start) for route in plan.routes for stop in route.stops}
    for name, visits in problem.crews.items():
        come = [made[visit.id] for visit in visits if visit.id in made]
        if not come:
            continue
        for visit in visits:
            if visit.id not in made:
                message = f"is left out, while others of the crew {name!r} come."
                yield Broken(Fault.CREW, message, visit=visit.id)
        if len({start for _, start in come}) > 1:
            message = f"starts not when others of the crew {name!r} do."
            yield Broken(Fault.CREW, message, visit=visits[0].id)
        if len({person for person, _ in come}) < len(come):
            message = f"is made by somebody who makes another of the crew {name!r}."
            yield Broken(Fault.CREW, message, visit=visits[0].id)


def orders(problem: Problem, plan: Plan) -> Iterator[Broken]:
    """What must be over before is made, and over."""
    made = {stop.visit: stop for route in plan.routes for stop in route.stops}
    for visit in problem.visits:
        for earlier in visit.after if visit.id in made else ():
            if earlier not in made:
                yield Broken(Fault.ORDER, f"is made, but {earlier!r} before it is not.", visit=visit.id)
            elif made[earlier].end > made[visit.id].start:
                yield Broken(Fault.ORDER, f"starts before {earlier!r} is over.", visit=visit.id)
