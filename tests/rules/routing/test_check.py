"""Whoever breaks a promise is caught, and told which one it was."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from rental.routing.check import Fault, check
from rental.routing.plan import LeftOut, Plan, Reason, Rest, Route, Stop
from rental.routing.problem import Person, Problem, TravelMatrix, Visit, Window
from rental.routing.solve import solve
from rental.routing.stop import AfterIterations
from tests.rules.routing.days import town_day


@cache
def planned() -> tuple[Problem, Plan]:
    problem = town_day(3, 12)
    plan = solve(problem, AfterIterations(100), seed=7)
    assert check(problem, plan) == []
    assert len(plan.routes) == 3
    return problem, plan


def codes(problem: Problem, plan: Plan) -> set[Fault]:
    return {broken.code for broken in check(problem, plan)}


def with_route(plan: Plan, route: Route) -> Plan:
    return replace(plan, routes=(route, *plan.routes[1:]))


def with_stop(plan: Plan, number: int, **facts: Any) -> Plan:
    route = plan.routes[0]
    stops = list(route.stops)
    stops[number] = replace(stops[number], **facts)
    return with_route(plan, replace(route, stops=tuple(stops)))


def with_visits(problem: Problem, change: Callable[[Visit], Visit]) -> Problem:
    return Problem(tuple(change(visit) for visit in problem.visits), problem.people, problem.travel)


def with_people(problem: Problem, change: Callable[[Person], Person]) -> Problem:
    return Problem(problem.visits, tuple(change(person) for person in problem.people), problem.travel)


def test_two_stops_that_change_places() -> None:
    problem, plan = planned()
    route = plan.routes[0]
    first, second, *others = route.stops
    swapped = (replace(first, visit=second.visit), replace(second, visit=first.visit), *others)
    assert codes(problem, with_route(plan, replace(route, stops=swapped))) & {Fault.TRAVEL, Fault.ARITHMETIC}


def test_a_visit_that_comes_twice_or_not_at_all() -> None:
    problem, plan = planned()
    first, second, *others = plan.routes
    again = replace(second, stops=(*second.stops, first.stops[0]))
    assert Fault.VISIT_TWICE in codes(problem, replace(plan, routes=(first, again, *others)))
    both = replace(plan, left_out=(LeftOut(first.stops[0].visit, Reason.NO_TIME),))
    assert Fault.VISIT_TWICE in codes(problem, both)
    gone = with_route(plan, replace(first, stops=first.stops[1:]))
    assert Fault.VISIT_MISSING in codes(problem, gone)


def test_strangers() -> None:
    problem, plan = planned()
    assert codes(problem, with_route(plan, replace(plan.routes[0], person="X"))) == {Fault.UNKNOWN_PERSON}
    assert Fault.UNKNOWN_VISIT in codes(problem, with_stop(plan, 0, visit="X"))
    twice = replace(plan, routes=(plan.routes[0], *plan.routes))
    assert Fault.PERSON_TWICE in codes(problem, twice)


def test_people_who_may_not_come() -> None:
    problem, plan = planned()
    wants_more = with_visits(problem, lambda visit: replace(visit, skills={"coffee": 4}))
    assert codes(wants_more, plan) == {Fault.SKILL}
    assert codes(with_visits(problem, lambda visit: replace(visit, allowed=frozenset({"X"}))), plan) == {
        Fault.NOT_ALLOWED
    }
    everybody = frozenset(person.id for person in problem.people)
    assert codes(with_visits(problem, lambda visit: replace(visit, forbidden=everybody)), plan) == {
        Fault.NOT_ALLOWED
    }
    assert codes(with_visits(problem, lambda visit: replace(visit, pinned_to="X")), plan) == {Fault.PIN}


def test_times_nobody_agreed_to() -> None:
    problem, plan = planned()
    at_night = with_visits(problem, lambda visit: replace(visit, windows=(Window(0, 60),)))
    assert codes(at_night, plan) == {Fault.WINDOW}
    ends = min(route.end for route in plan.routes)
    short = with_people(
        problem, lambda person: replace(person, shift_ends=ends - 60, max_overtime_seconds=0, breaks=())
    )
    assert Fault.OVERTIME in codes(short, plan)
    late = with_people(problem, lambda person: replace(person, shift_starts=12 * 3600, breaks=()))
    assert Fault.SHIFT in codes(late, plan)


def test_a_break_that_is_skipped_moved_cut_or_worked_through() -> None:
    problem, plan = planned()
    route = plan.routes[0]
    (rest,) = route.breaks

    def resting(*breaks: Rest) -> set[Fault]:
        return codes(problem, with_route(plan, replace(route, breaks=breaks)))

    assert Fault.BREAK in resting()
    assert Fault.BREAK in resting(Rest(rest.start, rest.end - 600))
    assert Fault.BREAK in resting(Rest(rest.start + 7200, rest.end + 7200))
    stop = next(stop for stop in route.stops if stop.end > rest.end)
    windows = replace(problem.people[0].breaks[0], window=Window(0, 60_000))
    free = with_people(problem, lambda person: replace(person, shift_starts=0, breaks=(windows,)))
    assert codes(free, plan) == set()
    worked = with_route(plan, replace(route, breaks=(Rest(stop.start, stop.start + 3600),)))
    assert Fault.BREAK in codes(free, worked)


def test_arriving_before_one_can_be_there() -> None:
    problem, plan = planned()
    first = plan.routes[0].stops[0]
    early = with_stop(plan, 0, arrival=first.arrival - 60, waiting=first.waiting + 60)
    assert codes(problem, early) == {Fault.TRAVEL}
    back = with_route(plan, replace(plan.routes[0], end=plan.routes[0].end - 60))
    assert Fault.TRAVEL in codes(problem, back)


def test_minutes_that_do_not_add_up() -> None:
    problem, plan = planned()
    first = plan.routes[0].stops[0]
    assert codes(problem, with_stop(plan, 0, waiting=first.waiting + 1)) == {Fault.ARITHMETIC}
    assert Fault.ARITHMETIC in codes(problem, with_stop(plan, 0, waiting=-60, arrival=first.arrival + 60))
    assert Fault.ARITHMETIC in codes(problem, with_stop(plan, 0, end=first.end - 60))
    leisurely = with_route(plan, replace(plan.routes[0], start=plan.routes[0].start - 60))
    assert codes(problem, leisurely) == {Fault.ARITHMETIC}


def test_a_way_that_does_not_exist() -> None:
    problem, plan = planned()
    travel = problem.travel
    place = problem.visit(plan.routes[0].stops[0].visit).place
    mask = np.zeros_like(travel.unreachable)
    mask[problem.person(plan.routes[0].person).start_place, place] = True
    cut_off = Problem(problem.visits, problem.people, TravelMatrix.of(travel.seconds, travel.metres, mask))
    assert Fault.UNREACHABLE in codes(cut_off, plan)


@pytest.mark.parametrize("off", [-1, 1])
def test_a_cost_that_is_wrong_by_a_yen(off: int) -> None:
    problem, plan = planned()
    assert codes(problem, replace(plan, cost=plan.cost + off)) == {Fault.COST}


def test_a_visit_that_must_be_made_and_is_left_out() -> None:
    nowhere = TravelMatrix.of([[0]], [[0]])
    problem = Problem((Visit("V1", 0),), (Person("T1", 0, 0, 0, 100),), nowhere)
    left_out = (LeftOut("V1", Reason.NO_TIME),)
    (broken,) = check(problem, Plan((), left_out, 0))
    assert (broken.code, broken.visit) == (Fault.MUST_LEFT_OUT, "V1")
    made = Route("T1", 0, 0, (Stop("V1", 0, 0, 0, 0),))
    assert check(problem, Plan((made,), (), 0)) == []


def test_more_than_is_on_board() -> None:
    problem, plan = planned()
    who = plan.routes[0].person
    heavy = with_visits(problem, lambda visit: replace(visit, volume=1, parts={"valve": 1}))

    def carrying(volume: int, valves: int) -> Problem:
        """The one whose route comes first carries so much, everybody else enough."""
        return with_people(
            heavy,
            lambda person: replace(
                person,
                volume=volume if person.id == who else 99,
                parts={"valve": valves if person.id == who else 99},
            ),
        )

    assert codes(carrying(99, 99), plan) == set()
    assert codes(carrying(1, 99), plan) == {Fault.ON_BOARD}
    assert codes(carrying(99, 1), plan) == {Fault.ON_BOARD}


def test_more_duty_than_is_allowed() -> None:
    problem, plan = planned()
    route = plan.routes[0]
    away = route.end - route.start - sum(rest.end - rest.start for rest in route.breaks)

    def limited(seconds: int) -> Problem:
        return with_people(
            problem, lambda each: replace(each, max_duty_seconds=seconds) if each.id == route.person else each
        )

    assert codes(limited(away), plan) == set()
    assert codes(limited(away - 1), plan) == {Fault.DUTY}


def test_what_is_under_way_is_not_where_it_was() -> None:
    problem, plan = planned()
    route = plan.routes[0]

    def begun(*visits: str) -> Problem:
        return with_people(problem, lambda p: replace(p, locked=visits) if p.id == route.person else p)

    assert codes(begun(*route.visits[:2]), plan) == set()
    assert codes(begun(route.visits[1], route.visits[0]), plan) == {Fault.LOCKED}
    assert codes(begun(plan.routes[1].visits[0]), plan) == {Fault.LOCKED}


def test_two_alternatives_of_one_group() -> None:
    problem, plan = planned()
    pair = plan.routes[0].visits[:2]
    grouped = with_visits(
        problem, lambda visit: replace(visit, group="G", value=1000) if visit.id in pair else visit
    )
    assert codes(grouped, plan) == {Fault.GROUP_TWICE}


def test_set_up_that_nobody_had_time_for() -> None:
    problem, plan = planned()
    place = problem.visit(plan.routes[0].visits[0]).place
    assert codes(replace(problem, set_up_seconds={place: 60}), plan) >= {Fault.TRAVEL}


def test_one_human_who_comes_as_two() -> None:
    problem, plan = planned()
    first, second = plan.routes[0].person, plan.routes[1].person
    same = with_people(problem, lambda p: replace(p, stand_for="Mori") if p.id in (first, second) else p)
    assert codes(same, plan) == {Fault.PERSON_TWICE}
    one = with_people(problem, lambda p: replace(p, stand_for="Mori") if p.id == first else p)
    assert codes(one, plan) == set()
