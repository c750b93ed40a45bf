"""The times of a route are the cheapest there are, and a break is taken where it does least harm."""

from dataclasses import replace
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from rental.routing.check import check
from rental.routing.plan import Plan, Rest, Route, Stop
from rental.routing.price import lateness_yen, price_of_route
from rental.routing.problem import Break, Kept, Person, Problem, TravelMatrix, Visit, Window
from rental.routing.timing import timed

ROW = TravelMatrix.of([[60 * abs(a - b) for b in range(4)] for a in range(4)], [[0] * 4] * 4)
ANNA = Person("Anna", 0, 0, 0, 600, 300, overtime_yen_per_hour=3600)
LUNCH = Break(Window(120, 240), 100)


def starts(route: Route | None) -> list[int]:
    assert route is not None
    return [stop.start for stop in route.stops]


def test_one_leaves_as_late_as_one_can_and_waits_on_the_way_round() -> None:
    visits = [Visit("V1", 1, 30, (Window(100, 200),)), Visit("V2", 2, 30, (Window(300, 300),))]
    assert timed(ROW, ANNA, visits) == Route(
        "Anna", 40, 450, (Stop("V1", 100, 0, 100, 130), Stop("V2", 190, 110, 300, 330))
    )


def test_a_break_is_taken_while_one_would_wait_anyway() -> None:
    person = Person("Anna", 0, 0, 0, 600, breaks=(LUNCH,))
    visits = [Visit("V1", 1, 30, (Window(100, 200),)), Visit("V2", 2, 30, (Window(300, 300),))]
    route = timed(ROW, person, visits)
    assert route is not None
    assert (route.end, route.breaks) == (450, (Rest(130, 230),))
    assert route.stops[1] == Stop("V2", 290, 10, 300, 330)


def test_a_break_at_the_place_comes_after_the_arrival_and_is_no_waiting() -> None:
    person = Person("Anna", 0, 0, 0, 600, breaks=(Break(Window(200, 200), 50),))
    route = timed(
        ROW, person, [Visit("V1", 1, 90, (Window(0, 60),)), Visit("V2", 1, 30, (Window(250, 300),))]
    )
    assert route is not None
    assert starts(route) == [60, 250]
    assert route.stops[1] == Stop("V2", 150, 50, 250, 280)


def test_a_break_may_lie_before_leaving_or_after_coming_back() -> None:
    person = Person("Anna", 0, 0, 0, 600, breaks=(Break(Window(0, 300), 50),))
    late, early = Visit("V1", 1, 30, (Window(400, 400),)), Visit("V1", 1, 60, (Window(60, 60),))
    leaves_late, back_early = timed(ROW, person, [late]), timed(ROW, person, [early])
    assert leaves_late is not None
    assert (leaves_late.start, leaves_late.breaks) == (340, (Rest(0, 50),))
    assert back_early is not None
    assert (back_early.end, back_early.breaks) == (180, (Rest(180, 230),))


def test_who_was_promised_and_no_time_holds_nobody_at_an_early_start() -> None:
    """Moving costs only where a time was told; so the day may begin late enough for the longest duty."""
    person = Person("Anna", 0, 0, 0, 600, max_duty_seconds=350)
    told_who = Kept("Anna", moved_yen_per_hour=3600)
    visits = [Visit("V1", 1, 30, (Window(0, 200),), kept=told_who), Visit("V2", 2, 30, (Window(300, 300),))]
    assert starts(timed(ROW, person, visits)) == [200, 300]


def test_no_times_work() -> None:
    visit = Visit("V1", 1, 30, (Window(0, 59),))
    assert timed(ROW, ANNA, [visit]) is None
    assert timed(ROW, ANNA, [Visit("V1", 3, 541)]) is None
    assert timed(ROW, ANNA, [Visit("V1", 3, 540)]) is not None
    no_way = TravelMatrix.of([[0, 1], [1, 0]], [[0, 1], [1, 0]], [[False, True], [False, False]])
    assert timed(no_way, ANNA, [Visit("V1", 1, 30)]) is None


tens = st.integers(0, 12).map(lambda number: number * 10)
short_visits = st.builds(
    Visit,
    id=st.just("V"),
    place=st.integers(0, 3),
    service_seconds=tens,
    windows=st.sampled_from([(), (Window(50, 120),), (Window(0, 40), Window(200, 300)), (Window(300, 450),)]),
    due=st.sampled_from([None, 100, 200]),
    late_yen_per_hour=st.sampled_from([3600, 36_000]),
)
days_off = st.sampled_from(
    [
        (Break(Window(100, 180), 60),),
        (Break(Window(0, 40), 20), Break(Window(150, 200), 50)),
        (Break(Window(200, 200), 90),),
    ]
)


def driven(journey: int, since: int, rests: tuple[Rest, ...]) -> int:
    """When one is there who leaves at once and rests whenever it is time to: second by second, in tens."""
    now, left = since, journey
    while left > 0:
        if not any(rest.start <= now < rest.end for rest in rests):
            left -= 10
        now += 10
    return now


def fixed_breaks_cost(person: Person, visits: list[Visit], rests: tuple[Rest, ...]) -> int | None:
    """Lateness and overtime with the breaks at these times, found by walking through the day."""
    here, now, lost = 0, person.shift_starts, 0
    for visit in visits:
        now = driven(60 * abs(here - visit.place), now, rests)
        while not may_serve(visit, now, rests):
            now += 10
            if now > 1_000:
                return None
        lost += lateness_yen(visit, now)
        here, now = visit.place, now + visit.service_seconds
    end = driven(60 * here, now, rests)
    return None if end > person.latest_end else lost + max(0, end - person.shift_ends)


def may_serve(visit: Visit, now: int, rests: tuple[Rest, ...]) -> bool:
    resting = any(rest.start < now + visit.service_seconds and now < rest.end for rest in rests)
    return not resting and (not visit.windows or any(w.opens <= now <= w.closes for w in visit.windows))


@settings(max_examples=150, deadline=None)
@given(visits=st.lists(short_visits, min_size=1, max_size=3), rests=days_off)
def test_no_other_times_are_cheaper(visits: list[Visit], rests: tuple[Break, ...]) -> None:
    person = Person("Anna", 0, 0, 0, 500, 150, overtime_yen_per_hour=3600, breaks=rests)
    visits = [replace(visit, id=f"V{number}") for number, visit in enumerate(visits)]
    route = timed(ROW, person, visits)
    possible = [
        [Rest(begin, begin + rest.seconds) for begin in range(rest.window.opens, rest.window.closes + 1, 10)]
        for rest in rests
    ]
    costs = [fixed_breaks_cost(person, visits, chosen) for chosen in product(*possible)]
    known = [cost for cost in costs if cost is not None]
    if route is None:
        assert known == []
        return
    priced = price_of_route(ROW, person, visits, route)
    assert priced.overtime + priced.lateness == min(known)
    problem = Problem(tuple(visits), (person,), ROW)
    assert check(problem, Plan((route,), (), priced.total)) == []
