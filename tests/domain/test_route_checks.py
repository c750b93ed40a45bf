"""The check of route plans: each sabotage of a plan turns just this check red."""

from collections.abc import Callable
from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from rental.assurance.checks.routes import plans_that_do_not_hold
from rental.core.ids import new_id
from rental.core.money import Money
from rental.dispatch.models import PlanLeftOut, PlanRoute, PlanStop, PlanStopOrder, RoutePlan
from rental.dispatch.planning import request_plan
from rental.dispatch.publishing import call_off_stop, publish_plan
from rental.dispatch.rules import LeftOutReason, PlanState
from rental.fieldwork.models import Visit, WorkOrder
from rental.identity.permissions import Role
from tests.domain.test_checks import red
from tests.factories.dispatching import make_order_at, make_orders, make_technician
from tests.support.beginnings import Once
from tests.support.story import Story

THURSDAY = date(2026, 4, 2)


@pytest.fixture
def company(story: Story, once: Once) -> Story:
    """Plans in every state: sent out, replaced, drafted, failed; one order is left out of each."""
    once(plan_some_days)
    return story


def plan_some_days(story: Story) -> None:
    people = [story.person(Role.TECHNICIAN, email=f"t{n}@example.jp").id for n in range(2)]
    with story.begin() as uow:
        for account_id in people:
            make_technician(uow, account_id)
        make_orders(uow, 4)
        make_order_at(uow, 35.70, 139.75, skill="PLUMBING")
    sent_out(story)
    with story.begin() as uow:
        visit = uow.session.scalars(select(PlanStop).limit(1)).one()
        call_off_stop(uow, visit.route_plan_id, visit.id)
    sent_out(story)
    for day in (THURSDAY, date(2026, 4, 4)):  # nobody works on a Saturday
        with story.begin() as uow:
            request_plan(uow, day, seconds=1)
        story.everything_happens()
    story.tick()
    with story.reading() as session:
        assert set(session.scalars(select(RoutePlan.state))) == {
            PlanState.SUPERSEDED,
            PlanState.PUBLISHED,
            PlanState.DRAFT,
            PlanState.FAILED,
        }


def sent_out(story: Story) -> None:
    with story.begin() as uow:
        plan_id = request_plan(uow, THURSDAY, seconds=1).id
    story.everything_happens()
    with story.begin() as uow:
        publish_plan(uow, plan_id)
    story.everything_happens()


def draft(session: Session) -> UUID:
    return session.scalars(select(RoutePlan.id).where(RoutePlan.state == PlanState.DRAFT)).one()


def last_stop(session: Session, state: PlanState = PlanState.DRAFT) -> PlanStop:
    """The last one of a route with several."""
    return session.scalars(
        select(PlanStop)
        .join(RoutePlan, RoutePlan.id == PlanStop.route_plan_id)
        .where(RoutePlan.state == state, PlanStop.position > 1)
        .order_by(PlanStop.position.desc(), PlanStop.id)
        .limit(1)
    ).one()


def stop_changed(**values: object) -> Callable[[Session], object]:
    return lambda session: session.execute(
        update(PlanStop).where(PlanStop.id == last_stop(session).id).values(**values)
    )


def route_changed(**values: object) -> Callable[[Session], object]:
    def change(session: Session) -> None:
        stop = last_stop(session)
        session.execute(
            update(PlanRoute)
            .where(
                PlanRoute.route_plan_id == stop.route_plan_id, PlanRoute.technician_id == stop.technician_id
            )
            .values(**values)
        )

    return change


def cost_changed(session: Session) -> None:
    session.execute(
        update(RoutePlan).where(RoutePlan.id == draft(session)).values(cost=RoutePlan.cost + Money(1))
    )


def done_and_left_out(session: Session) -> None:
    stop = last_stop(session)
    order_id = stop.orders[0].work_order_id
    session.add(
        PlanLeftOut(route_plan_id=stop.route_plan_id, work_order_id=order_id, reason=LeftOutReason.NO_TIME)
    )


def done_by_two_stops(session: Session) -> None:
    one = last_stop(session)
    other = session.scalars(
        select(PlanStop).where(PlanStop.route_plan_id == one.route_plan_id, PlanStop.id != one.id).limit(1)
    ).one()
    session.add(PlanStopOrder(plan_stop_id=other.id, work_order_id=one.orders[0].work_order_id, revision=1))


def sent_out_without_a_visit(session: Session) -> None:
    stop = last_stop(session, PlanState.PUBLISHED)
    session.execute(update(PlanStop).where(PlanStop.id == stop.id).values(visit_id=None))


def a_visit_on_another_day(session: Session) -> None:
    stop = last_stop(session, PlanState.PUBLISHED)
    assert stop.visit_id
    visit = session.get_one(Visit, stop.visit_id)
    copy = Visit(
        id=new_id(),
        site_id=visit.site_id,
        technician_id=visit.technician_id,
        planned_on=visit.planned_on + timedelta(days=1),
        state=visit.state,
    )
    session.add(copy)
    session.flush()
    session.execute(update(PlanStop).where(PlanStop.id == stop.id).values(visit_id=copy.id))


SABOTAGE: dict[str, Callable[[Session], object]] = {"W7": cost_changed}
OTHERS: dict[str, Callable[[Session], object]] = {
    "a stop before the one before it is over": stop_changed(arrives=0),
    "a way longer than the time for it": stop_changed(travel_minutes=600),
    "a wait that does not pass": stop_changed(waits=600),
    "a hole in the numbers of a route": stop_changed(position=9),
    "a departure before the shift": route_changed(leaves=10),
    "a return in the night": route_changed(returns=1439, shift_ends=700),
    "a way home longer than the time for it": route_changed(home_minutes=600),
    "an order done and left out": done_and_left_out,
    "an order done by two stops": done_by_two_stops,
    "a stop sent out without a visit": sent_out_without_a_visit,
    "a stop whose visit is on another day": a_visit_on_another_day,
}


def test_plans_in_every_state_have_no_finding(company: Story) -> None:
    assert red(company) == {}


def test_a_sabotage_turns_just_its_check_red(company: Story) -> None:
    with company.begin() as uow:
        SABOTAGE["W7"](uow.session)
    assert red(company) == {"W7": 1}


@pytest.mark.parametrize("what", list(OTHERS))
def test_every_part_of_the_question_is_asked(company: Story, what: str) -> None:
    with company.begin() as uow:
        OTHERS[what](uow.session)
    assert set(red(company)) == {"W7"}


def test_a_finding_names_plan_and_work_order(company: Story) -> None:
    with company.begin() as uow:
        number = uow.session.get_one(RoutePlan, draft(uow.session)).number
        order = uow.session.get_one(WorkOrder, last_stop(uow.session).orders[0].work_order_id).number
        done_and_left_out(uow.session)
    assert findings(company) == [{"plan": number, "work_order": order, "times": 2}]


def findings(story: Story) -> list[dict[str, object]]:
    with story.reading() as session:
        return plans_that_do_not_hold(session, story.clock.now())
