"""W7: what routing's check found right when a plan was stored is still what the plan says."""

from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, or_, select, union_all
from sqlalchemy.orm import Session

from rental.assurance.checks.asking import Check, Severity, rows_of
from rental.dispatch.models import PlanLeftOut, PlanRoute, PlanStop, PlanStopOrder, RoutePlan
from rental.dispatch.rules import MOST_OVERTIME, PlanState
from rental.fieldwork.models import Visit, WorkOrder
from rental.identity.models import Account

_KEPT = RoutePlan.state.in_((PlanState.DRAFT, PlanState.PUBLISHED, PlanState.SUPERSEDED))


def plans_that_do_not_hold(session: Session, as_of: datetime) -> list[dict[str, Any]]:
    """W7: a plan with an order twice, times that cannot be driven, a wrong sum, or a visit it did not make.

    A visit that was called off afterwards is none: the plan stays as it was sent out, its page says so.
    """
    return [
        *_orders_twice(session),
        *_stops_out_of_time(session),
        *_routes_out_of_time(session),
        *_sums_that_are_wrong(session),
        *_visits_of_others(session),
    ]


def _orders_twice(session: Session) -> list[dict[str, Any]]:
    """An order is done by one stop of a plan, or left out by it."""
    done = select(PlanStop.route_plan_id, PlanStopOrder.work_order_id).join(
        PlanStop, PlanStop.id == PlanStopOrder.plan_stop_id
    )
    named = union_all(done, select(PlanLeftOut.route_plan_id, PlanLeftOut.work_order_id)).subquery()
    return rows_of(
        session,
        select(
            RoutePlan.number.label("plan"), WorkOrder.number.label("work_order"), func.count().label("times")
        )
        .join(named, named.c.route_plan_id == RoutePlan.id)
        .join(WorkOrder, WorkOrder.id == named.c.work_order_id)
        .group_by(RoutePlan.number, WorkOrder.number)
        .having(func.count() > 1),
    )


def _stops_out_of_time(session: Session) -> list[dict[str, Any]]:
    """Each stop follows the one before it in number, and leaves time for the way; a break only adds to it."""
    route, order = (PlanStop.route_plan_id, PlanStop.technician_id), PlanStop.position
    stops = select(
        PlanStop.route_plan_id,
        PlanStop.technician_id,
        PlanStop.position,
        PlanStop.arrives,
        PlanStop.waits,
        PlanStop.starts,
        PlanStop.travel_minutes,
        func.lag(PlanStop.ends).over(partition_by=route, order_by=order).label("free"),
        func.row_number().over(partition_by=route, order_by=order).label("number"),
    ).subquery()
    free = func.coalesce(stops.c.free, PlanRoute.leaves)
    return rows_of(
        session,
        select(RoutePlan.number.label("plan"), Account.name.label("technician"), stops.c.position)
        .join(stops, stops.c.route_plan_id == RoutePlan.id)
        .join(Account, Account.id == stops.c.technician_id)
        .outerjoin(
            PlanRoute,
            and_(PlanRoute.route_plan_id == RoutePlan.id, PlanRoute.technician_id == stops.c.technician_id),
        )
        .where(
            _KEPT,
            or_(
                free.is_(None),
                stops.c.number != stops.c.position,
                stops.c.arrives - free < stops.c.travel_minutes,
                stops.c.starts - stops.c.arrives < stops.c.waits,
            ),
        ),
    )


def _routes_out_of_time(session: Session) -> list[dict[str, Any]]:
    """A route lies in its shift and its overtime, and leaves time for the way home."""
    last = (
        select(func.max(PlanStop.ends))
        .where(
            PlanStop.route_plan_id == PlanRoute.route_plan_id,
            PlanStop.technician_id == PlanRoute.technician_id,
        )
        .correlate(PlanRoute)
        .scalar_subquery()
    )
    return rows_of(
        session,
        select(
            RoutePlan.number.label("plan"),
            Account.name.label("technician"),
            PlanRoute.leaves,
            PlanRoute.returns,
        )
        .join(PlanRoute, PlanRoute.route_plan_id == RoutePlan.id)
        .join(Account, Account.id == PlanRoute.technician_id)
        .where(
            _KEPT,
            or_(
                PlanRoute.leaves < PlanRoute.shift_starts,
                PlanRoute.returns > PlanRoute.shift_ends + MOST_OVERTIME,
                PlanRoute.returns - last < PlanRoute.home_minutes,
            ),
        ),
    )


def _sums_that_are_wrong(session: Session) -> list[dict[str, Any]]:
    """What a plan costs is the sum of its parts, and nothing was found wrong with it."""
    plans = session.execute(
        select(RoutePlan.number, RoutePlan.cost, RoutePlan.cost_parts, RoutePlan.fault_count)
        .where(_KEPT)
        .order_by(RoutePlan.number)
    )
    return [
        {"plan": number, "cost": cost.minor_units, "parts": sum(parts.values()), "faults": faults}
        for number, cost, parts, faults in plans
        if faults or cost.minor_units != sum(parts.values())
    ]


def _visits_of_others(session: Session) -> list[dict[str, Any]]:
    """Every stop that was sent out has its visit: there, then, by this technician."""
    return rows_of(
        session,
        select(
            RoutePlan.number.label("plan"),
            Account.name.label("technician"),
            PlanStop.position,
            Visit.planned_on.label("visit_on"),
        )
        .join(PlanStop, PlanStop.route_plan_id == RoutePlan.id)
        .join(Account, Account.id == PlanStop.technician_id)
        .outerjoin(Visit, Visit.id == PlanStop.visit_id)
        .where(
            RoutePlan.published_at.is_not(None),
            or_(
                Visit.id.is_(None),
                Visit.technician_id != PlanStop.technician_id,
                Visit.site_id != PlanStop.site_id,
                Visit.planned_on != RoutePlan.planned_on,
            ),
        ),
    )


ROUTE_CHECKS = (
    Check(
        "W7",
        "Does every route plan still say what was checked, and has each stop that was sent out its visit?",
        "Somebody changed the plan behind the product's back: plan the day again.",
        Severity.ERROR,
        plans_that_do_not_hold,
    ),
)
