"""Reading technicians, bases and route plans."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from rental.contracts.models import Contract
from rental.customers.models import Site
from rental.dispatch.models import (
    DayOff,
    OperatingBase,
    PlanLeftOut,
    PlanProgress,
    PlanRoute,
    PlanStop,
    PlanStopOrder,
    RoutePlan,
    Shift,
    Technician,
    TechnicianSkill,
)
from rental.dispatch.rules import WAITED_FOR
from rental.fieldwork.models import Visit, WorkOrder, WorkOrderItem
from rental.fieldwork.rules import VisitState, WorkOrderState
from rental.identity.models import Account, AccountRole
from rental.identity.permissions import Role
from rental.identity.rules import AccountState

MOST_ORDERS = 1000
# A visit that is not over takes its technician's time.
_TO_COME = (VisitState.PLANNED, VisitState.PUBLISHED, VisitState.EN_ROUTE, VisitState.ON_SITE)


def every_base(session: Session) -> Sequence[OperatingBase]:
    return session.scalars(select(OperatingBase).order_by(OperatingBase.code).limit(200)).all()


def technician_accounts(session: Session) -> Sequence[Account]:
    """Who can be sent out, by name."""
    return session.scalars(
        select(Account)
        .join(AccountRole)
        .where(AccountRole.role == Role.TECHNICIAN, Account.state != AccountState.DISABLED)
        .order_by(Account.name, Account.id)
        .limit(500)
    ).all()


def technicians_with_all(session: Session, account_ids: Collection[UUID]) -> dict[UUID, Technician]:
    """Those of these accounts whom planning knows, with skills, shifts and days off."""
    rows = session.scalars(
        select(Technician)
        .where(Technician.account_id.in_(account_ids))
        .options(
            joinedload(Technician.account),
            joinedload(Technician.base),
            selectinload(Technician.skill_rows).joinedload(TechnicianSkill.skill),
            selectinload(Technician.shifts),
            selectinload(Technician.days_off),
        )
    )
    return {row.account_id: row for row in rows}


def waiting_orders(session: Session, day: date) -> Sequence[WorkOrder]:
    """What is ready and wanted by this day, by number."""
    return session.scalars(
        _with_site()
        .where(WorkOrder.state == WorkOrderState.READY, WorkOrder.wanted_on <= day)
        .order_by(WorkOrder.number)
        .limit(MOST_ORDERS)
    ).all()


def unplaced_orders(session: Session, day: date) -> Sequence[WorkOrder]:
    """What is wanted by this day and not ready, because nobody has found its site on the map; by number."""
    return session.scalars(
        _with_site()
        .join(Site, WorkOrder.site_id == Site.id)
        .where(WorkOrder.state == WorkOrderState.DRAFT, WorkOrder.wanted_on <= day, Site.latitude.is_(None))
        .order_by(WorkOrder.number)
        .limit(MOST_ORDERS)
    ).all()


def given_visits(session: Session, day: date) -> Sequence[Visit]:
    """Visits of this day that are planned, sent out or under way, in a fixed order."""
    return session.scalars(
        select(Visit)
        .where(Visit.planned_on == day, Visit.state.in_(_TO_COME))
        .options(
            joinedload(Visit.site).selectinload(Site.hours),
            selectinload(Visit.work_orders).selectinload(WorkOrder.items),
        )
        .order_by(Visit.id)
        .limit(MOST_ORDERS)
    ).all()


def visits_not_begun(session: Session, technician_id: UUID, day: date) -> Sequence[UUID]:
    """The ids of a technician's visits of this day that can still be called off, in a fixed order."""
    return session.scalars(
        select(Visit.id)
        .where(
            Visit.technician_id == technician_id,
            Visit.planned_on == day,
            Visit.state.in_((VisitState.PLANNED, VisitState.PUBLISHED)),
        )
        .order_by(Visit.id)
        .limit(MOST_ORDERS)
    ).all()


def _with_site() -> Select[WorkOrder]:
    return select(WorkOrder).options(
        joinedload(WorkOrder.site).selectinload(Site.hours), selectinload(WorkOrder.items)
    )


def order_counts(session: Session, day: date) -> tuple[int, int]:
    """How many orders are ready and wanted by this day, and how many only later."""
    wanted = func.count().filter(WorkOrder.wanted_on <= day)
    later = func.count().filter(WorkOrder.wanted_on > day)
    row = session.execute(select(wanted, later).where(WorkOrder.state == WorkOrderState.READY)).one()
    return row[0], row[1]


def people_at_work(session: Session, day: date) -> int:
    """How many technicians have a shift on this weekday and are not off."""
    return (
        session.scalar(
            select(func.count())
            .select_from(Technician)
            .join(Shift)
            .join(Account, Account.id == Technician.account_id)
            .join(AccountRole)
            .where(
                Technician.is_active,
                Shift.weekday == day.weekday(),
                AccountRole.role == Role.TECHNICIAN,
                Account.state != AccountState.DISABLED,
                ~exists().where(DayOff.account_id == Technician.account_id, DayOff.off_on == day),
            )
        )
        or 0
    )


def waited_for_plan(session: Session, day: date, *, since: datetime) -> RoutePlan | None:
    """The plan of this day that is being worked out: asked for or begun after `since`."""
    begun = func.coalesce(RoutePlan.started_at, RoutePlan.requested_at)
    return session.scalar(
        select(RoutePlan)
        .where(RoutePlan.planned_on == day, RoutePlan.state.in_(WAITED_FOR), begun > since)
        .order_by(RoutePlan.number.desc())
        .limit(1)
    )


def route_plans(day: date | None) -> Select[RoutePlan]:
    """The plans of this day, or of all days, in no order yet."""
    statement = select(RoutePlan)
    return statement.where(RoutePlan.planned_on == day) if day else statement


def plan_with_all(session: Session, route_plan_id: UUID) -> RoutePlan | None:
    """A plan with everything its page shows."""
    orders = joinedload(PlanStopOrder.work_order)
    missed = joinedload(PlanLeftOut.work_order)
    return session.scalar(
        select(RoutePlan)
        .where(RoutePlan.id == route_plan_id)
        .options(
            selectinload(RoutePlan.routes).joinedload(PlanRoute.technician),
            selectinload(RoutePlan.routes).joinedload(PlanRoute.base),
            selectinload(RoutePlan.stops).joinedload(PlanStop.site),
            selectinload(RoutePlan.stops).joinedload(PlanStop.visit),
            selectinload(RoutePlan.stops)
            .selectinload(PlanStop.orders)
            .options(orders.joinedload(WorkOrder.contract).joinedload(Contract.customer)),
            selectinload(RoutePlan.left_out).options(
                missed.joinedload(WorkOrder.site),
                missed.joinedload(WorkOrder.contract).joinedload(Contract.customer),
                missed.selectinload(WorkOrder.items).joinedload(WorkOrderItem.equipment_model),
                joinedload(PlanLeftOut.cure_technician),
            ),
        )
    )


def stop_counts(session: Session, plan_ids: Collection[UUID]) -> dict[UUID, int]:
    """How many visits each of these plans has."""
    rows = session.execute(
        select(PlanStop.route_plan_id, func.count())
        .where(PlanStop.route_plan_id.in_(plan_ids))
        .group_by(PlanStop.route_plan_id)
    )
    return dict.fromkeys(plan_ids, 0) | dict(rows.all())


def left_out_counts(session: Session, plan_ids: Collection[UUID]) -> dict[UUID, int]:
    """How many orders each of these plans leaves out."""
    rows = session.execute(
        select(PlanLeftOut.route_plan_id, func.count())
        .where(PlanLeftOut.route_plan_id.in_(plan_ids))
        .group_by(PlanLeftOut.route_plan_id)
    )
    return dict.fromkeys(plan_ids, 0) | dict(rows.all())


def progress_of(session: Session, route_plan_id: UUID) -> Sequence[PlanProgress]:
    """How the search went, in its order."""
    return session.scalars(
        select(PlanProgress)
        .where(PlanProgress.route_plan_id == route_plan_id)
        .order_by(PlanProgress.milliseconds)
        .limit(500)
    ).all()
