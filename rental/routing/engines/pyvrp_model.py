"""The problem as PyVRP understands it, where it can say all of it; an extra that need not be installed."""

from collections.abc import Callable
from typing import Any

from rental.routing.draft import Draft
from rental.routing.engines.arrays import PARTS_OF_A_YEN, Facts, facts_of
from rental.routing.problem import InvalidProblem, Problem

BARRED = 10**9  # thousandths of a yen: whoever may not come pays this
UNIT = PARTS_OF_A_YEN // 1000  # parts: PyVRP counts thousandths of a yen


class NotSayable(InvalidProblem):
    """What PyVRP has no words for."""


def improve(
    draft: Draft, seed: int, is_over: Callable[[], bool], on_better: Callable[[Draft], None]
) -> Draft:
    """The best plan until it is over, or the draft where that is better.

    Raises NotSayable, and ImportError where PyVRP is not installed.
    """
    import pyvrp

    problem = draft.problem
    require_sayable(problem)
    facts = facts_of(problem)
    model, kinds = model_of(pyvrp, problem, facts)
    result = model.solve(lambda _cost: is_over(), seed=seed, collect_stats=False, display=False)
    free = {kind: [p for p, each in enumerate(facts.people["kind"]) if each == kind] for kind in kinds}
    sequences: dict[str, list[str]] = {}
    for route in result.best.routes():
        person = problem.people[free[kinds[route.vehicle_type()]].pop(0)]
        sequences[person.id] = [problem.visits[number].id for number in visits_of(route)]
    found = Draft.of(problem, sequences)
    if found.standing >= draft.standing:
        return draft
    on_better(found)
    return found


def visits_of(route: Any) -> list[int]:
    """The numbers of a route's clients, in order."""
    return [activity.idx for activity in route.schedule() if activity.is_client()]


def require_sayable(problem: Problem) -> None:
    for visit in problem.visits:
        for name, is_used in (
            ("windows", len(visit.windows) > 1),
            ("due", visit.due is not None and bool(visit.late_yen_per_hour or visit.late_steps)),
            ("kept", visit.kept is not None),
        ):
            if is_used:
                raise NotSayable(f"Visit {visit.id!r}: PyVRP cannot take its {name}; use another engine.")
    for person in problem.people:
        for name, is_used in (
            ("breaks", bool(person.breaks)),
            ("locked", bool(person.locked)),
            ("duty_yen_per_hour", person.duty_yen_per_hour > 0),
            ("unfair_yen_per_hour", person.unfair_yen_per_hour > 0),
        ):
            if is_used:
                raise NotSayable(f"Person {person.id!r}: PyVRP cannot take their {name}; use another engine.")


def model_of(pyvrp: Any, problem: Problem, facts: Facts) -> tuple[Any, list[int]]:
    """The model, and the kind of people of each of its vehicle types."""
    model = pyvrp.Model()
    ends = {place for person in problem.people for place in (person.start_place, person.end_place)}
    where = {visit.place for visit in problem.visits} | ends
    locations = {place: model.add_location(place, 0) for place in sorted(where)}
    depots = {place: model.add_depot(locations[place]) for place in sorted(ends)}
    groups = {name: model.add_client_group(required=False) for name in problem.groups}
    for number, visit in enumerate(problem.visits):
        window = visit.windows[0] if visit.windows else None
        times = {} if window is None else {"tw_early": window.opens, "tw_late": window.closes}
        optional = {} if visit.value is None else {"prize": visit.value * PARTS_OF_A_YEN // UNIT}
        if visit.group is not None:
            optional["group"] = groups[visit.group]
        model.add_client(
            locations[visit.place],
            delivery=facts.load[number].tolist(),
            service_duration=visit.service_seconds,
            required=visit.value is None and visit.group is None,
            **times,
            **optional,
        )
    kinds = sorted(set(facts.people["kind"].tolist()))
    for kind in kinds:
        numbers = [p for p, each in enumerate(facts.people["kind"]) if each == kind]
        add_people(model, problem, facts, numbers, locations, depots)
    return model, kinds


def add_people(
    model: Any, problem: Problem, facts: Facts, numbers: list[int], locations: Any, depots: Any
) -> None:
    person = problem.people[numbers[0]]
    profile = model.add_profile()
    barred = {visit.place for v, visit in enumerate(problem.visits) if not facts.may[v, numbers[0]]}
    barred -= {person.start_place, person.end_place}
    ways = problem.ways
    second, metre = facts.people[numbers[0]]["second_rate"], facts.people[numbers[0]]["metre_rate"]
    for here in locations:
        for there in locations:
            if here != there:
                seconds, metres = int(ways.seconds[here, there]), int(ways.metres[here, there])
                price = int(seconds * second + metres * metre) // UNIT
                if there in barred or ways.unreachable[here, there]:
                    price = BARRED
                model.add_edge(locations[here], locations[there], price, seconds, profile)
    limits = {} if person.max_duty_seconds is None else {"shift_duration": person.max_duty_seconds}
    model.add_vehicle_type(
        len(numbers),
        capacity=facts.room[numbers[0]].tolist(),
        start_depot=depots[person.start_place],
        end_depot=depots[person.end_place],
        fixed_cost=person.day_yen * PARTS_OF_A_YEN // UNIT,
        tw_early=person.shift_starts,
        tw_late=person.latest_end,
        unit_distance_cost=1,
        profile=profile,
        **limits,
    )
