"""Working a plan out: read the day, search, have the result checked. Nothing but progress is saved here.

The search takes as long as it was allowed, so it runs before the transaction that stores its plan; how far
it has come is saved on the way, in short transactions of its own.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from rental.core.money import Money
from rental.core.runtime import runtime
from rental.core.uow import begin, locked, system
from rental.dispatch.day_problem import MINUTE, Call, Day, Worker, day_problem
from rental.dispatch.events import PlanRequested
from rental.dispatch.models import PlanProgress, RoutePlan
from rental.dispatch.rules import (
    PLAN_STATES,
    WAITED_FOR,
    CureKind,
    Hours,
    LeftOutReason,
    PlanFailure,
    PlanState,
)
from rental.dispatch.travel import measuring_travel
from rental.routing.check import check
from rental.routing.plan import LeftOut, Plan, Route
from rental.routing.price import price
from rental.routing.problem import InvalidProblem, Problem
from rental.routing.stop import AfterSeconds, SoFar

PLANNER = system("planner")
PROGRESS_EVERY = 1.0  # seconds between two rows
SEED = 20_261_001
MOST_FAULTS_TOLD = 20


@dataclass(frozen=True, slots=True)
class Stop:
    """A visit on a route, in minutes after midnight, and the way to it."""

    call: Call
    is_fixed: bool
    arrives: int
    waits: int
    starts: int
    ends: int
    travel_minutes: int
    travel_metres: int
    travel_is_estimated: bool


@dataclass(frozen=True, slots=True)
class DayRoute:
    """One technician's route, in minutes after midnight, and the way home."""

    technician_id: UUID
    leaves: int
    returns: int
    rest: Hours | None
    stops: tuple[Stop, ...]
    home_minutes: int
    home_metres: int
    home_is_estimated: bool


@dataclass(frozen=True, slots=True)
class Remedy:
    """What would bring a visit in. `minutes` is the overtime beyond what is allowed."""

    kind: CureKind
    yen: int
    technician_id: UUID | None
    starts: int | None
    minutes: int


@dataclass(frozen=True, slots=True)
class Unserved:
    """An order in no route."""

    work_order_id: UUID
    reason: LeftOutReason
    remedy: Remedy | None = None


@dataclass(frozen=True, slots=True)
class Solved:
    """A plan as it is stored, with what it was made from and what the check found."""

    day: Day
    routes: tuple[DayRoute, ...]
    left_out: tuple[Unserved, ...]
    cost: int
    cost_parts: dict[str, int]
    travel_source: str
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unsolved:
    """Why there is no plan; the detail is for whoever looks into it, `workers` say who is away."""

    failure: PlanFailure
    detail: str = ""
    workers: tuple[Worker, ...] = ()


Outcome = Solved | Unsolved


def solve_requested_plan(snapshot: Session, event: PlanRequested, now: datetime) -> Outcome | None:
    """Searches for as long as the plan allows. None when the plan waits for nothing any more."""
    plan = snapshot.get(RoutePlan, event.route_plan_id)
    if plan is None or plan.state not in WAITED_FOR:
        return None
    route_plan_id, seconds = plan.id, plan.seconds_allowed
    try:
        travel = measuring_travel(snapshot)
        day = day_problem(snapshot, plan.planned_on, not_before=plan.not_before, travel=travel)
    except InvalidProblem as error:
        return Unsolved(PlanFailure.BAD_FACTS, str(error))
    finally:
        snapshot.rollback()  # everything is read; the search must not hold the snapshot open
    if day.problem is None:
        return Unsolved(PlanFailure.NOBODY_AT_WORK, workers=day.workers)

    _say_running(route_plan_id)
    found = _search(day.problem, seconds, _Teller(route_plan_id))
    return described(day, day.problem, found)


def _search(problem: Problem, seconds: int, tell: Callable[[float, int, Plan], None]) -> Plan:
    # The optimiser takes a second and 60 MB to load, and only the worker that plans needs it.
    from rental.routing.solve import solve

    ends, current = AfterSeconds(seconds), runtime()

    def is_over(so_far: SoFar) -> bool:
        return not problem.visits or current.is_stopping or ends(so_far)

    return solve(problem, is_over, SEED, progress=tell)


class _Teller:
    """Saves how good the best plan is, at most once a second."""

    def __init__(self, route_plan_id: UUID) -> None:
        self._route_plan_id = route_plan_id
        self._told_at = -PROGRESS_EVERY

    def __call__(self, seconds: float, cost: int, _plan: Plan) -> None:
        now = time.monotonic()
        if now - self._told_at < PROGRESS_EVERY:
            return
        self._told_at = now
        with begin(PLANNER) as uow:
            row = PlanProgress(
                route_plan_id=self._route_plan_id, milliseconds=round(seconds * 1000), cost=Money(cost)
            )
            uow.session.merge(row)


def _say_running(route_plan_id: UUID) -> None:
    """A search begins, or begins again because the worker before was lost."""
    with begin(PLANNER) as uow:
        plan = locked(uow, RoutePlan, route_plan_id)
        uow.session.execute(delete(PlanProgress).where(PlanProgress.route_plan_id == route_plan_id))
        if plan.state is PlanState.REQUESTED:
            PLAN_STATES.check(plan.state, PlanState.RUNNING)
            plan.state = PlanState.RUNNING
        plan.started_at = uow.now


def described(day: Day, problem: Problem, plan: Plan) -> Solved:
    """The plan in the words of the company, checked by those who did not make it."""
    unserved = [Unserved(missed.work_order_id, missed.reason) for missed in day.missed]
    for left_out in plan.left_out:
        reason, remedy = LeftOutReason(left_out.reason.value), _remedy(left_out)
        unserved += [Unserved(order_id, reason, remedy) for order_id, _ in day.calls[left_out.visit].orders]
    faults = check(problem, plan)
    return Solved(
        day=day,
        routes=tuple(_route(day, problem, route) for route in plan.routes if route.stops),
        left_out=tuple(unserved),
        cost=plan.cost,
        cost_parts=price(problem, plan).parts,
        travel_source=problem.travel.source,
        faults=tuple(f"{fault.visit or fault.person or ''} {fault.message}".strip() for fault in faults),
    )


def _route(day: Day, problem: Problem, route: Route) -> DayRoute:
    person = problem.person(route.person)
    places = [
        person.start_place,
        *(problem.visit(stop.visit).place for stop in route.stops),
        person.end_place,
    ]
    ways = [
        (
            int(problem.travel.seconds[way]) // MINUTE,
            int(problem.travel.metres[way]),
            is_estimated(problem, way),
        )
        for way in pairwise(places)
    ]
    stops = tuple(
        Stop(
            call=day.calls[stop.visit],
            is_fixed=day.calls[stop.visit].visit_id is not None,
            arrives=stop.arrival // MINUTE,
            waits=stop.waiting // MINUTE,
            starts=stop.start // MINUTE,
            ends=stop.end // MINUTE,
            travel_minutes=minutes,
            travel_metres=metres,
            travel_is_estimated=estimated,
        )
        for stop, (minutes, metres, estimated) in zip(route.stops, ways, strict=False)
    )
    rest = route.breaks[0] if route.breaks else None
    return DayRoute(
        technician_id=UUID(route.person),
        leaves=route.start // MINUTE,
        returns=route.end // MINUTE,
        rest=Hours(rest.start // MINUTE, rest.end // MINUTE) if rest else None,
        stops=stops,
        home_minutes=ways[-1][0],
        home_metres=ways[-1][1],
        home_is_estimated=ways[-1][2],
    )


def is_estimated(problem: Problem, way: tuple[int, int]) -> bool:
    """Whether whoever measures the ways had no answer for this one."""
    estimated = problem.travel.estimated
    return estimated is not None and bool(estimated[way])


def _remedy(left_out: LeftOut) -> Remedy | None:
    cure = left_out.cheapest_cure
    if cure is None:
        return None
    return Remedy(
        CureKind(cure.kind.value),
        cure.yen,
        UUID(cure.person) if cure.person else None,
        cure.start // MINUTE if cure.start is not None else None,
        -(-cure.seconds // MINUTE),
    )
