"""Asking for the routes of a day, and storing what a worker found."""

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import count
from uuid import UUID

from sqlalchemy.orm.attributes import flag_modified

from rental.core.business_date import pinned_business_date
from rental.core.errors import Invalid
from rental.core.ids import new_id
from rental.core.money import Money
from rental.core.national_holidays import is_national_holiday
from rental.core.numbering import next_number
from rental.core.runtime import runtime
from rental.core.uow import UnitOfWork, locked
from rental.dispatch.day_problem import Worker
from rental.dispatch.events import PlanRequested
from rental.dispatch.models import PlanLeftOut, PlanRoute, PlanStop, PlanStopOrder, RoutePlan
from rental.dispatch.queries import waited_for_plan
from rental.dispatch.rules import (
    FIRST_MINUTES,
    GIVEN_UP_AFTER,
    MINUTES_OF_A_DAY,
    MOST_SECONDS,
    PLAN_STATES,
    WAITED_FOR,
    PlanFailure,
    PlanState,
    PublicHoliday,
)
from rental.dispatch.solving import (
    MOST_FAULTS_TOLD,
    DayRoute,
    Outcome,
    Solved,
    Stop,
    Unserved,
    Unsolved,
)
from rental.fieldwork.visits import DayOver

ON_HOLIDAY = "planned on a public holiday"


class BadPatience(Invalid):
    """A search takes from one second to two minutes."""

    code = "dispatch.bad_patience"
    field = "seconds"


def request_plan(uow: UnitOfWork, planned_on: date, *, seconds: int, on_holiday: bool = False) -> RoutePlan:
    """A worker is to work out the routes of this day. While one is at it, that plan is the answer.

    Nobody works on a national holiday unless `on_holiday`; then the shifts of its weekday hold. Raises
    DayOver, BadPatience, PublicHoliday.
    """
    if planned_on < uow.today:
        raise DayOver
    if not 1 <= seconds <= MOST_SECONDS:
        raise BadPatience
    if is_national_holiday(planned_on):
        if not on_holiday:
            raise PublicHoliday(planned_on=planned_on)
        uow.because(ON_HOLIDAY)
    waiting = waited_for_plan(uow.session, planned_on, since=uow.now - GIVEN_UP_AFTER)
    if waiting is not None:
        return waiting

    plan = RoutePlan(
        id=new_id(),
        number=next_number(uow, "route_plan"),
        planned_on=planned_on,
        not_before=_not_before(uow, planned_on),
        state=PlanState.REQUESTED,
        requested_by_id=uow.actor.id,
        requested_by=uow.actor.name,
        requested_at=uow.now,
        seconds_allowed=seconds,
    )
    uow.session.add(plan)
    uow.session.flush()
    uow.announce(PlanRequested(plan.id))
    return plan


def store_outcome(uow: UnitOfWork, route_plan_id: UUID, outcome: Outcome | None) -> None:
    """Keeps the plan that was found as a draft; one that breaks a promise is refused, and says which."""
    plan = locked(uow, RoutePlan, route_plan_id)
    if outcome is None or plan.state not in WAITED_FOR:
        return
    plan.finished_at = uow.now
    if isinstance(outcome, Solved) and outcome.faults:
        plan.fault_count = len(outcome.faults)
        outcome = Unsolved(
            PlanFailure.CHECK_FAILED, "\n".join(outcome.faults[:MOST_FAULTS_TOLD]), outcome.day.workers
        )
    if isinstance(outcome, Unsolved):
        PLAN_STATES.check(plan.state, PlanState.FAILED)
        _write_people(plan, outcome.workers, {})
        plan.state = PlanState.FAILED
        plan.failure, plan.failure_detail = outcome.failure, outcome.detail
    else:
        PLAN_STATES.check(plan.state, PlanState.DRAFT)
        write_routes(uow, plan, outcome)
        plan.state = PlanState.DRAFT
    uow.session.flush()


def _not_before(uow: UnitOfWork, planned_on: date) -> int:
    """The next full five minutes of today; a pinned day has no time of its own, nor has one to come."""
    if planned_on != uow.today or pinned_business_date(uow.session) is not None:
        return 0
    local = uow.now.astimezone(runtime().zone)
    minutes = local.hour * 60 + local.minute + FIRST_MINUTES
    return min(MINUTES_OF_A_DAY, minutes - minutes % FIRST_MINUTES)


def write_routes(uow: UnitOfWork, plan: RoutePlan, solved: Solved) -> None:
    """The routes, what is left out and what it all costs, into a plan that has none yet."""
    _write_people(plan, solved.day.workers, {route.technician_id: route for route in solved.routes})
    for route in solved.routes:
        plan.stops += [_stop_row(route, number, stop) for number, stop in zip(count(1), route.stops)]
    plan.left_out += [_left_out_row(unserved) for unserved in solved.left_out]
    plan.inputs_hash = solved.day.inputs_hash
    plan.travel_source = solved.travel_source
    plan.cost = Money(solved.cost)
    plan.cost_parts = dict(solved.cost_parts)
    flag_modified(plan, "cost_parts")  # another version, even where another order costs the same
    plan.fault_count = len(solved.faults)
    uow.session.flush()


def _write_people(plan: RoutePlan, workers: Sequence[Worker], routes: Mapping[UUID, DayRoute]) -> None:
    """A row for everybody planning knows: their route, or why they have none."""
    for position, worker in enumerate(workers, 1):
        route = routes.get(worker.account_id)
        rest = route.rest if route else None
        plan.routes.append(
            PlanRoute(
                technician_id=worker.account_id,
                position=position,
                absence=worker.absence,
                base_id=worker.base_id,
                shift_starts=worker.hours.starts if worker.hours else None,
                shift_ends=worker.hours.ends if worker.hours else None,
                leaves=route.leaves if route else None,
                returns=route.returns if route else None,
                break_starts=rest.starts if rest else None,
                break_ends=rest.ends if rest else None,
                home_minutes=route.home_minutes if route else 0,
                home_metres=route.home_metres if route else 0,
                home_is_estimated=route.home_is_estimated if route else False,
            )
        )


def _stop_row(route: DayRoute, number: int, stop: Stop) -> PlanStop:
    return PlanStop(
        id=new_id(),
        technician_id=route.technician_id,
        position=number,
        site_id=stop.call.site_id,
        visit_id=stop.call.visit_id,
        is_fixed=stop.is_fixed,
        arrives=stop.arrives,
        waits=stop.waits,
        starts=stop.starts,
        ends=stop.ends,
        travel_minutes=stop.travel_minutes,
        travel_metres=stop.travel_metres,
        travel_is_estimated=stop.travel_is_estimated,
        orders=[PlanStopOrder(work_order_id=order_id, revision=seen) for order_id, seen in stop.call.orders],
    )


def _left_out_row(unserved: Unserved) -> PlanLeftOut:
    remedy = unserved.remedy
    return PlanLeftOut(
        work_order_id=unserved.work_order_id,
        reason=unserved.reason,
        cure=remedy.kind if remedy else None,
        cure_yen=Money(remedy.yen) if remedy else None,
        cure_technician_id=remedy.technician_id if remedy else None,
        cure_starts=remedy.starts if remedy else None,
        cure_minutes=remedy.minutes if remedy else None,
    )
