"""Two people at one place at once, and one visit after another: kept, checked, priced and explained."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rental.routing.agreed import Agreement, agreed
from rental.routing.check import Fault, check
from rental.routing.engine import Engine
from rental.routing.engines.greedy import greedy
from rental.routing.engines.ortools_model import improve_whole
from rental.routing.explain import explain
from rental.routing.insert import insert
from rental.routing.plan import CureKind, Plan, Reason, Route, Stop
from rental.routing.price import price
from rental.routing.problem import InvalidProblem, Kept, Person, Problem, TravelMatrix, Visit, Window
from rental.routing.solve import solve, standing
from rental.routing.stop import AfterIterations, AfterSeconds
from tests.rules.routing.days import full_problems, town_day

some = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))

# Three places in a row, ten minutes apart; two people who live at its ends, and a day of two hours.
TRAVEL = TravelMatrix.of(
    [[600 * abs(a - b) for b in range(3)] for a in range(3)],
    [[10_000 * abs(a - b) for b in range(3)] for a in range(3)],
)
ANNA = Person("Anna", 0, 0, 0, 7200, skills={"coffee": 2}, driving_yen_per_hour=3600)
BEN = replace(ANNA, id="Ben", start_place=2, end_place=2, skills={})
LIFT = Visit("lift", 1, service_seconds=1800, value=5_000, crew="safe")
HOLD = replace(LIFT, id="hold")
WIRE = Visit("wire", 0, service_seconds=1200, value=5_000)
SEAL = Visit("seal", 2, service_seconds=600, value=5_000, after=("wire",))


def day(*visits: Visit, people: tuple[Person, ...] = (ANNA, BEN)) -> Problem:
    return Problem(visits, people, TRAVEL)


def planned(problem: Problem, engine: Engine = Engine.AUTO) -> Plan:
    plan = solve(problem, AfterIterations(40), seed=1, engine=engine)
    assert check(problem, plan) == []
    assert explain(problem, plan).left_out == plan.left_out
    return plan


def starts(plan: Plan) -> dict[str, tuple[str, int]]:
    return {stop.visit: (route.person, stop.start) for route in plan.routes for stop in route.stops}


@st.composite
def linked_problems(draw: st.DrawFn) -> Problem:
    """Any day, in which some visits need each other."""
    problem = draw(full_problems())
    free = [v.id for v in problem.visits if v.group is None and v.id not in problem.locked_to]
    order = draw(st.permutations(free))
    visits = {visit.id: visit for visit in problem.visits}
    for name in ("C1", "C2")[: draw(st.integers(0, 2))]:
        count = draw(st.integers(2, 3))
        crew, order = order[:count], order[count:]
        if len(crew) == count:
            same = visits[crew[0]].value
            for each in crew:
                seconds = max(1, visits[each].service_seconds)
                visits[each] = replace(visits[each], crew=name, value=same, service_seconds=seconds)
    ranked = draw(st.permutations(free))
    for first, then in pairwise(ranked):
        if draw(st.integers(0, 2)) == 0:
            value = visits[then].value if visits[first].value is not None else visits[first].value
            mates = [each for each in visits.values() if each.crew and each.crew == visits[then].crew]
            lenient = value if value is not None else 700
            for mate in mates or [visits[then]]:
                visits[mate.id] = replace(mate, value=lenient if visits[first].value is not None else value)
            visits[then] = replace(visits[then], after=(first,))
    try:
        return replace(problem, visits=tuple(visits.values()))
    except InvalidProblem:
        return problem


def require_kept(problem: Problem, plan: Plan) -> None:
    assert {each.code for each in check(problem, plan)} <= {Fault.MUST_LEFT_OUT}
    assert price(problem, plan).total == plan.cost


@some
@given(problem=linked_problems(), engine=st.sampled_from([Engine.KERNEL, Engine.ORTOOLS]))
def test_every_plan_keeps_crews_and_orders_and_costs_what_it_says(problem: Problem, engine: Engine) -> None:
    plan = solve(problem, AfterIterations(30), 1, engine=engine)
    require_kept(problem, plan)
    assert explain(problem, plan).left_out == plan.left_out
    assert plan == solve(problem, AfterIterations(30), 1, engine=engine)


@some
@given(problem=linked_problems(), more=st.integers(0, 30))
def test_a_plan_is_never_worse_than_the_one_it_started_from(problem: Problem, more: int) -> None:
    start = solve(problem, AfterIterations(10), 2)
    plan = solve(problem, AfterIterations(more), 3, start)
    require_kept(problem, plan)
    assert standing(problem, plan) <= standing(problem, start)


@some
@given(old=linked_problems(), new=linked_problems())
def test_a_plan_of_another_day_is_kept_as_far_as_it_goes(old: Problem, new: Problem) -> None:
    require_kept(new, solve(new, AfterIterations(5), 1, solve(old, AfterIterations(5), 1)))


@some
@given(problem=linked_problems())
def test_a_day_with_its_times_agreed_costs_what_it_costs(problem: Problem) -> None:
    plan = solve(problem, AfterIterations(10), 1)
    here = Agreement.of_plan(problem, plan)
    assert here.starts.keys() == {each for each in starts(plan) if each in problem.linked}
    again = here.draft.plan(plan.left_out)
    require_kept(problem, again)
    assert standing(problem, again) <= standing(problem, plan)
    assert price(agreed(problem, here.starts), again).total == again.cost


@some
@given(problem=linked_problems())
def test_the_optimiser_takes_any_day_with_links_and_makes_it_no_worse(problem: Problem) -> None:
    first = Agreement.none(problem)
    for cluster in first.missing:
        first = first.with_cluster(cluster)
    better = improve_whole(first, lambda: False, lambda _: None)
    require_kept(problem, better.draft.plan())
    assert better.standing <= first.standing


@pytest.mark.parametrize("engine", [Engine.KERNEL, Engine.ORTOOLS])
def test_two_people_meet_at_one_moment(engine: Engine) -> None:
    plan = planned(day(LIFT, HOLD), engine)
    assert {who for who, _ in starts(plan).values()} == {"Anna", "Ben"}
    assert len({start for _, start in starts(plan).values()}) == 1


def test_whoever_is_early_waits_and_the_price_says_so() -> None:
    late = replace(HOLD, windows=(Window(3_000, 3_300),), allowed=frozenset({"Ben"}))
    plan = planned(day(replace(LIFT, windows=(Window(0, 3_600),)), late))
    assert starts(plan) == {"lift": ("Anna", 3_000), "hold": ("Ben", 3_000)}
    assert price(day(LIFT, HOLD), plan).total == plan.cost == 2 * 2 * 600


def test_a_crew_of_which_one_cannot_come_stays_away_altogether() -> None:
    skilled = replace(HOLD, skills={"gas": 1})
    plan = planned(day(LIFT, skilled))
    assert plan.routes == ()
    assert {each.visit: each.reason for each in plan.left_out} == {
        "lift": Reason.LINKED,
        "hold": Reason.NO_SKILL,
    }
    assert plan.cost == 10_000


def test_one_person_alone_is_no_crew() -> None:
    plan = planned(day(LIFT, HOLD, people=(ANNA,)))
    assert {each.reason for each in plan.left_out} == {Reason.NO_TIME}


def test_a_crew_that_costs_more_than_it_is_worth_says_what_it_would_take() -> None:
    cheap = [replace(visit, value=1_000) for visit in (LIFT, HOLD)]
    plan = planned(day(*cheap))
    (missed, _) = plan.left_out
    assert missed.reason is Reason.NOT_WORTH
    assert missed.cheapest_cure is not None
    assert (missed.cheapest_cure.kind, missed.cheapest_cure.yen) == (CureKind.HIGHER_VALUE, 401)
    worth = [replace(cheap[0], value=1_000 + 401), cheap[1]]
    assert planned(day(*worth)).left_out == ()


@pytest.mark.parametrize("engine", [Engine.KERNEL, Engine.ORTOOLS])
def test_what_comes_after_begins_when_the_other_is_over(engine: Engine) -> None:
    made = starts(planned(day(WIRE, SEAL), engine))
    assert made["wire"][1] + 1200 <= made["seal"][1]


def test_nothing_comes_after_what_is_not_made() -> None:
    plan = planned(day(replace(WIRE, skills={"gas": 1}), SEAL))
    assert {each.visit: each.reason for each in plan.left_out} == {
        "wire": Reason.NO_SKILL,
        "seal": Reason.LINKED,
    }


def test_what_is_worth_little_is_made_for_what_waits_for_it() -> None:
    plan = planned(day(replace(WIRE, value=0, place=2), replace(SEAL, place=0)))
    assert starts(plan).keys() == {"wire", "seal"}


def test_what_is_under_way_comes_first() -> None:
    begun = replace(ANNA, locked=("wire",))
    made = starts(planned(day(WIRE, SEAL, people=(begun, BEN))))
    assert made["wire"] == ("Anna", 0)
    assert made["seal"][1] >= 1200


def test_a_crew_moves_with_the_promise_that_costs_more_to_break() -> None:
    keeps = replace(LIFT, kept=Kept(start=2_400, moved_yen_per_hour=90_000))
    made = starts(planned(day(keeps, HOLD)))
    assert made["lift"][1] == made["hold"][1] == 2_400


def test_a_linked_visit_is_offered_only_at_the_time_agreed() -> None:
    problem = day(LIFT, HOLD, WIRE)
    plan = planned(problem)
    (moment,) = {start for visit, (_, start) in starts(plan).items() if visit in ("lift", "hold")}
    options = insert(problem, plan, "lift")
    assert options
    assert {option.start for option in options} == {moment}
    assert insert(problem, plan, "wire")


def test_the_check_sees_half_a_crew_two_times_and_one_person_twice() -> None:
    problem = day(LIFT, HOLD)
    plan = planned(problem)
    first, second = plan.routes
    half = replace(plan, routes=(first,))
    assert Fault.CREW in {each.code for each in check(problem, half)}
    (stop,) = second.stops
    later = replace(stop, arrival=stop.arrival + 60, start=stop.start + 60, end=stop.end + 60)
    moved = replace(second, start=second.start + 60, end=second.end + 60, stops=(later,))
    assert {each.code for each in check(problem, replace(plan, routes=(first, moved)))} == {Fault.CREW}
    alone = Stop("hold", first.stops[0].end, 0, first.stops[0].end, first.stops[0].end + 1800)
    both = Route(first.person, first.start, first.end + 1800, (replace(first.stops[0], visit="lift"), alone))
    told = [each.message for each in check(problem, Plan((both,), (), 0)) if each.code is Fault.CREW]
    assert len(told) == 2


def test_the_check_sees_what_is_made_too_early_or_for_nothing() -> None:
    problem, other = day(WIRE, SEAL), day(SEAL, WIRE)
    free = day(WIRE, replace(SEAL, after=()))
    plan = solve(free, AfterIterations(10), 1)
    made = starts(plan)
    assert made["seal"][1] < made["wire"][1] + 1200, "alone they would not wait for each other"
    for each in (problem, other):
        assert {fault.code for fault in check(each, plan)} == {Fault.ORDER}
    without = replace(plan, routes=tuple(r for r in plan.routes if "wire" not in r.visits))
    assert Fault.ORDER in {fault.code for fault in check(problem, without)}


def test_what_cannot_be_meant_is_refused_by_name() -> None:
    locked = replace(ANNA, locked=("lift",))
    cases = [
        ((LIFT,), (ANNA, BEN), "Visit 'lift': crew 'safe' has no other visit"),
        ((LIFT, replace(HOLD, service_seconds=0)), (ANNA,), "Visit 'hold': service_seconds is 0"),
        ((LIFT, replace(HOLD, value=None)), (ANNA,), "Visit 'hold': value must be given for all"),
        ((LIFT, HOLD), (locked,), "Visit 'lift': crew is given, but it is locked"),
        ((SEAL,), (ANNA,), "Visit 'seal': after has 'wire', which is no visit"),
        ((WIRE, replace(SEAL, value=None)), (ANNA,), "Visit 'seal': must be made, but 'wire'"),
        ((replace(WIRE, group="G"), SEAL), (ANNA,), "Visit 'wire': group is given, but it is linked"),
        ((replace(WIRE, after=("seal",)), SEAL), (ANNA,), "Visits: after goes in a circle"),
        ((replace(LIFT, after=("hold",)), HOLD), (ANNA,), "Visits: after goes in a circle"),
        ((WIRE, SEAL), (replace(ANNA, locked=("seal",)),), "Visit 'seal': after is given, but it is locked"),
    ]
    for visits, people, message in cases:
        with pytest.raises(InvalidProblem, match=message):
            Problem(visits, people, TRAVEL)


@pytest.mark.slow
def test_a_day_with_crews_is_planned_in_time_and_close_to_one_without() -> None:
    town = town_day(8, 32)
    crews = {f"V{n + k}": {"crew": f"C{n}", "value": 20_000} for n in (1, 9, 17) for k in (0, 1)}
    orders = {f"V{n}": {"after": (f"V{n + 1}",)} for n in (5, 13, 21)}
    facts = crews | orders
    problem = replace(town, visits=tuple(replace(v, **facts.get(v.id, {})) for v in town.visits))
    seconds: list[float] = []
    plan = solve(problem, AfterSeconds(2), 1, progress=lambda passed, *_: seconds.append(passed))
    assert check(problem, plan) == []
    assert seconds[-1] < 2.2
    assert standing(problem, plan) <= standing(problem, solve(problem, AfterIterations(0), 1))


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(1, 40))
def test_two_who_search_differently_agree_on_a_small_day(seed: int) -> None:
    """The optimiser's model is a second opinion on the compiled search."""
    problem = town_day(2, 6, seed)
    ours = solve(problem, AfterIterations(3_000), 1, engine=Engine.KERNEL)
    theirs = solve(problem, AfterIterations(400), 1, engine=Engine.ORTOOLS)
    assert np.isclose(ours.cost, theirs.cost, atol=3)
    assert ours.cost <= greedy(problem).cost
