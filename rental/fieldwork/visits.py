"""Trips: a dispatcher gives jobs at one site to a technician for a day, and sends them out."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select

from rental.core.db import found
from rental.core.errors import Conflict, Invalid
from rental.core.ids import new_id
from rental.core.uow import UnitOfWork, locked
from rental.fieldwork.events import VisitPublished
from rental.fieldwork.models import Visit, WorkOrder
from rental.fieldwork.rules import ITEM_STATES, VISIT_STATES, ItemState, VisitState, WorkOrderState
from rental.fieldwork.work_orders import is_over, step_order
from rental.identity.models import Account
from rental.identity.permissions import Role
from rental.identity.rules import AccountState


class NotATechnician(Invalid):
    """Only a technician who can sign in is sent out."""

    code = "fieldwork.not_a_technician"
    field = "technician_id"


class DayOver(Invalid):
    """A visit is planned for today or later."""

    code = "fieldwork.day_over"
    field = "planned_on"


class SeveralSites(Conflict):
    """One trip goes to one site."""

    code = "fieldwork.several_sites"


class NothingToVisitFor(Conflict):
    """A trip needs a job."""

    code = "fieldwork.nothing_to_visit_for"


def plan_visit(
    uow: UnitOfWork,
    work_order_ids: Sequence[UUID],
    *,
    technician_id: UUID,
    planned_on: date,
    starts_at: int | None = None,
) -> Visit:
    """These ready jobs of one site are to be done by this technician on this day. Nobody is told yet."""
    if planned_on < uow.today:
        raise DayOver
    technician = found(uow.session, Account, technician_id)
    if Role.TECHNICIAN not in technician.roles or technician.state is AccountState.DISABLED:
        raise NotATechnician
    orders = [locked(uow, WorkOrder, work_order_id) for work_order_id in sorted(work_order_ids)]
    if not orders:
        raise NothingToVisitFor
    if len({order.site_id for order in orders}) > 1:
        raise SeveralSites

    visit = Visit(
        id=new_id(),
        site_id=orders[0].site_id,
        technician_id=technician_id,
        planned_on=planned_on,
        starts_at=starts_at,
    )
    uow.session.add(visit)
    uow.session.flush()
    for order in orders:
        step_order(uow, order, WorkOrderState.PLANNED)
        order.visit_id = visit.id
    uow.session.flush()
    return visit


def publish_visit(uow: UnitOfWork, visit_id: UUID, *, starts_at: int | None = None) -> Visit:
    """The technician sees the visit from now on; without an agreed time, for `starts_at`."""
    visit = locked(uow, Visit, visit_id)
    VISIT_STATES.check(visit.state, VisitState.PUBLISHED)
    for order in _orders(uow, visit):
        step_order(uow, order, WorkOrderState.DISPATCHED)
    visit.state = VisitState.PUBLISHED
    if visit.starts_at is None:
        visit.starts_at = starts_at
    uow.session.flush()
    uow.announce(VisitPublished(visit.id, visit.technician_id, visit.planned_on))
    return visit


def call_off_visit(uow: UnitOfWork, visit_id: UUID) -> None:
    """Nobody goes; the jobs can be planned again. Not any more once the technician is on the way."""
    visit = locked(uow, Visit, visit_id)
    VISIT_STATES.check(visit.state, VisitState.CANCELLED)
    for order in _orders(uow, visit):
        step_order(uow, order, WorkOrderState.READY)
        order.visit_id = None
    visit.state = VisitState.CANCELLED
    uow.session.flush()


def depart(uow: UnitOfWork, visit_id: UUID, *, at: datetime) -> Visit:
    """On the way to the site."""
    visit = locked(uow, Visit, visit_id)
    VISIT_STATES.check(visit.state, VisitState.EN_ROUTE)
    for order in _orders(uow, visit):
        step_order(uow, order, WorkOrderState.EN_ROUTE, happened_at=at)
    visit.state = VisitState.EN_ROUTE
    visit.departed_at = at
    uow.session.flush()
    return visit


def arrive(uow: UnitOfWork, visit_id: UUID, *, at: datetime) -> Visit:
    """At the site: every job of the visit can be worked on."""
    visit = locked(uow, Visit, visit_id)
    VISIT_STATES.check(visit.state, VisitState.ON_SITE)
    for order in _orders(uow, visit):
        step_order(uow, order, WorkOrderState.ON_SITE, happened_at=at)
    visit.state = VisitState.ON_SITE
    visit.arrived_at = at
    uow.session.flush()
    return visit


def cancel_work_order(uow: UnitOfWork, work_order_id: UUID, *, reason: str) -> None:
    """The job will not be done. What is held for its slots stays held: the contract still promises it."""
    order = locked_with_visit(uow, work_order_id)
    uow.because(reason)
    step_order(uow, order, WorkOrderState.CANCELLED, note=reason)
    order.finished_at = uow.now
    for item in order.items:
        ITEM_STATES.check(item.state, ItemState.LEFT)
        item.state = ItemState.LEFT
    uow.session.flush()
    if order.visit_id:
        end_visit_when_finished(uow, order.visit_id, at=uow.now)


def end_visit_when_finished(uow: UnitOfWork, visit_id: UUID, *, at: datetime) -> None:
    """The visit is over when its last job is: left by a technician who was there, else cancelled."""
    visit = locked(uow, Visit, visit_id)
    if not all(is_over(order) for order in visit.work_orders):
        return
    was_there = visit.state is VisitState.ON_SITE
    wanted = VisitState.LEFT if was_there else VisitState.CANCELLED
    VISIT_STATES.check(visit.state, wanted)
    visit.state = wanted
    visit.left_at = at if was_there else None
    uow.session.flush()


def locked_with_visit(uow: UnitOfWork, work_order_id: UUID) -> WorkOrder:
    """The job, held after its visit: who needs both begins with the visit, or two would wait in a circle."""
    # Only the column: a row read before its lock would count as changed when somebody was quicker.
    visit_id = uow.session.scalar(select(WorkOrder.visit_id).where(WorkOrder.id == work_order_id))
    if visit_id:
        locked(uow, Visit, visit_id)
    return locked(uow, WorkOrder, work_order_id)


def _orders(uow: UnitOfWork, visit: Visit) -> list[WorkOrder]:
    """The visit's jobs that are not over, locked in one order."""
    ids = sorted(order.id for order in visit.work_orders if not is_over(order))
    return [locked(uow, WorkOrder, order_id) for order_id in ids]
