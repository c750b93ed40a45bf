"""Moving one stop of a draft by hand: where it could go, what that would cost, and doing it."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from rental.core.db import found
from rental.core.errors import ChangedMeanwhile, NotFound
from rental.core.states import IllegalStep
from rental.core.uow import UnitOfWork, locked
from rental.dispatch.day_problem import MINUTE, Day, day_problem
from rental.dispatch.models import PlanStop, RoutePlan
from rental.dispatch.planning import write_routes
from rental.dispatch.rules import DayChanged, DoesNotFit, PlanState
from rental.dispatch.solving import Solved, described
from rental.dispatch.travel import known_travel
from rental.routing.draft import Draft, Option
from rental.routing.explain import reasons_of
from rental.routing.insert import insert
from rental.routing.problem import Problem

MOST_PLACES = 40


@dataclass(frozen=True, slots=True)
class PlaceInRoute:
    """Where a stop could go: as number `position` of a technician's route, for `yen` more than without it."""

    technician_id: UUID
    position: int
    starts: int
    yen: int


def places_for_stop(session: Session, plan: RoutePlan, stop: PlanStop) -> list[PlaceInRoute]:
    """Everywhere the stop fits, the cheapest first; where it is now is among them. Raises DayChanged."""
    day, problem = _day_of(session, plan)
    _draft, options = _options(day, problem, plan, stop)
    return [
        PlaceInRoute(UUID(each.person), each.position + 1, each.start // MINUTE, each.yen)
        for each in options[:MOST_PLACES]
    ]


def move_stop(
    uow: UnitOfWork,
    route_plan_id: UUID,
    stop_id: UUID,
    *,
    technician_id: UUID,
    position: int,
    version: int,
) -> None:
    """Makes a stop of a draft number `position` of a technician's route; the first is number 1.

    Every other stop keeps its technician and order; times follow. Raises DoesNotFit when it cannot be made
    there, DayChanged when the plan was made from facts that hold no more, ChangedMeanwhile, IllegalStep.
    """
    plan = locked(uow, RoutePlan, route_plan_id)
    if plan.version != version:
        raise ChangedMeanwhile
    stop = stop_of(uow.session, plan, stop_id)
    day, problem = _day_of(uow.session, plan)

    solved = _with_stop_moved(day, problem, plan, stop, (str(technician_id), position - 1))
    if solved.faults:
        raise DoesNotFit
    plan.stops.clear()
    plan.routes.clear()
    plan.left_out.clear()
    uow.session.flush()
    write_routes(uow, plan, solved)


def stop_of(session: Session, plan: RoutePlan, stop_id: UUID) -> PlanStop:
    """The stop, if it is one of this plan. Raises NotFound."""
    stop = found(session, PlanStop, stop_id)
    if stop.route_plan_id != plan.id:
        raise NotFound(kind="plan_stop")
    return stop


def _day_of(session: Session, plan: RoutePlan) -> tuple[Day, Problem]:
    """What the draft was made from, if it is still so."""
    if plan.state is not PlanState.DRAFT:
        raise IllegalStep(kind=PlanState.__name__, now=plan.state.value, wanted=PlanState.DRAFT.value)
    day = day_problem(session, plan.planned_on, not_before=plan.not_before, travel=known_travel(session))
    if day.problem is None or day.inputs_hash != plan.inputs_hash:
        raise DayChanged
    return day, day.problem


def _options(day: Day, problem: Problem, plan: RoutePlan, stop: PlanStop) -> tuple[Draft, list[Option]]:
    """The plan without the stop, and where the stop could go."""
    calls = {order_id: call.id for call in day.calls.values() for order_id, _revision in call.orders}
    sequences: dict[str, list[str]] = {}
    for each in plan.stops:
        sequences.setdefault(str(each.technician_id), []).append(calls[each.orders[0].work_order_id])
    visit_id = calls[stop.orders[0].work_order_id]
    draft = Draft.of(problem, sequences)
    options = insert(problem, draft.plan(), visit_id)
    draft.take_out([visit_id])
    return draft, options


def _with_stop_moved(
    day: Day, problem: Problem, plan: RoutePlan, stop: PlanStop, place: tuple[str, int]
) -> Solved:
    draft, options = _options(day, problem, plan, stop)
    option = next((each for each in options if (each.person, each.position) == place), None)
    if option is None:
        raise DoesNotFit
    order_ids = {row.work_order_id for row in stop.orders}
    call = next(each for each in day.calls.values() if order_ids & {order_id for order_id, _ in each.orders})
    draft.put(problem.visit(call.id), option)
    return described(day, problem, draft.plan(reasons_of(draft)))
