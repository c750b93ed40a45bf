"""Sending a day's routes out: every stop becomes a visit on a technician's phone."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from rental.core.db import found
from rental.core.errors import NotFound
from rental.core.uow import UnitOfWork, locked
from rental.dispatch.models import PlanStop, RoutePlan
from rental.dispatch.rules import PLAN_STATES, CannotGo, OrdersChanged, PlanState
from rental.fieldwork.models import Visit, WorkOrder
from rental.fieldwork.rules import VisitState
from rental.fieldwork.visits import DayOver, call_off_visit, plan_visit, publish_visit
from rental.identity.models import Account
from rental.identity.permissions import Role
from rental.identity.rules import AccountState


def publish_plan(uow: UnitOfWork, route_plan_id: UUID) -> RoutePlan:
    """Makes and sends out a visit for each stop; other plans of the day are superseded.

    Visits that technicians have already stay as they are. Raises OrdersChanged and CannotGo, which name what
    is not as it was when the plan was made, and DayOver; then nothing is sent out.
    """
    plan = locked(uow, RoutePlan, route_plan_id)
    PLAN_STATES.check(plan.state, PlanState.PUBLISHED)
    if plan.planned_on < uow.today:
        raise DayOver
    _require_unchanged(uow, plan.stops)
    _require_people(uow, plan.stops)

    for stop in sorted(plan.stops, key=lambda each: (each.starts, each.id)):
        _send_out(uow, plan, stop)
    for other in _others_of_day(uow, plan):
        PLAN_STATES.check(other.state, PlanState.SUPERSEDED)
        other.state = PlanState.SUPERSEDED
    plan.state = PlanState.PUBLISHED
    plan.published_at = uow.now
    plan.published_by = uow.actor.name
    uow.session.flush()
    return plan


def call_off_stop(uow: UnitOfWork, route_plan_id: UUID, stop_id: UUID) -> None:
    """Nobody goes there after all: the visit of a stop is called off, its orders can be planned again.

    The plan stays as it was made. Not any more once the technician is on the way. Raises NotFound,
    IllegalStep.
    """
    plan = locked(uow, RoutePlan, route_plan_id)
    stop = found(uow.session, PlanStop, stop_id)
    if stop.route_plan_id != plan.id or stop.visit_id is None:
        raise NotFound(kind="plan_stop")
    call_off_visit(uow, stop.visit_id)


def _send_out(uow: UnitOfWork, plan: RoutePlan, stop: PlanStop) -> None:
    if stop.visit_id is None:
        visit = plan_visit(
            uow,
            [row.work_order_id for row in stop.orders],
            technician_id=stop.technician_id,
            planned_on=plan.planned_on,
            starts_at=stop.starts,
        )
        stop.visit_id = visit.id
    if locked(uow, Visit, stop.visit_id).state is VisitState.PLANNED:
        publish_visit(uow, stop.visit_id, starts_at=stop.starts)


def _require_unchanged(uow: UnitOfWork, stops: Sequence[PlanStop]) -> None:
    """Visits are held before their orders, and both in one order: see `locked_with_visit`."""
    for visit_id in sorted({stop.visit_id for stop in stops if stop.visit_id}):
        locked(uow, Visit, visit_id)
    seen = {row.work_order_id: row.revision for stop in stops for row in stop.orders}
    orders = [locked(uow, WorkOrder, order_id) for order_id in sorted(seen)]
    changed = sorted(order.number for order in orders if order.revision != seen[order.id])
    if changed:
        raise OrdersChanged(numbers=changed)


def _require_people(uow: UnitOfWork, stops: Sequence[PlanStop]) -> None:
    ids = {stop.technician_id for stop in stops}
    people = uow.session.scalars(select(Account).where(Account.id.in_(ids)).order_by(Account.name)).all()
    gone = [
        each.name
        for each in people
        if Role.TECHNICIAN not in each.roles or each.state is AccountState.DISABLED
    ]
    if gone:
        raise CannotGo(names=gone)


def _others_of_day(uow: UnitOfWork, plan: RoutePlan) -> Sequence[RoutePlan]:
    return uow.session.scalars(
        select(RoutePlan)
        .where(
            RoutePlan.planned_on == plan.planned_on,
            RoutePlan.id != plan.id,
            RoutePlan.state.in_((PlanState.DRAFT, PlanState.PUBLISHED)),
        )
        .order_by(RoutePlan.id)
        .with_for_update()
    ).all()
