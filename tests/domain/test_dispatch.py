"""A day's routes: who is planned for what, what is left out and why, and what publishing does."""

import time
from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import select

from rental.core.errors import ChangedMeanwhile, DomainError
from rental.core.money import Money
from rental.core.outbox import Delivery, DeliveryState
from rental.core.states import IllegalStep
from rental.customers.rules import Window
from rental.dispatch import rules, solving
from rental.dispatch.day_problem import day_problem
from rental.dispatch.models import PlanProgress, PlanStop, RoutePlan, Technician
from rental.dispatch.planning import request_plan
from rental.dispatch.publishing import call_off_stop, publish_plan
from rental.dispatch.queries import plan_with_all
from rental.dispatch.reassigning import move_stop, places_for_stop
from rental.dispatch.rules import Absence, CureKind, Hours, LeftOutReason, PlanFailure, PlanState, ShiftTimes
from rental.dispatch.technicians import (
    give_day_off,
    set_shifts,
    set_skills,
    set_up_technician,
    take_day_off_back,
)
from rental.fieldwork.models import Visit, WorkOrder
from rental.fieldwork.queries import visits_of_day
from rental.fieldwork.rules import VisitState, WorkOrderState
from rental.fieldwork.visits import (
    DayOver,
    arrive,
    call_off_visit,
    cancel_work_order,
    depart,
    plan_visit,
    publish_visit,
)
from rental.identity.accounts import disable_account
from rental.identity.permissions import Role
from rental.routing.plan import Plan
from rental.routing.problem import TravelMatrix
from rental.routing.travel import Point, StraightLine
from rental.worker import run_delivery
from tests.factories.dispatching import (
    NINE_TO_SIX,
    ask_for_plan,
    make_base,
    make_order_at,
    make_orders,
    make_skill,
    make_technician,
    make_unplaced_order,
)
from tests.support.story import Story

THURSDAY = date(2026, 4, 2)


def technicians(story: Story, count: int) -> list[UUID]:
    """So many technicians with vans, who can do everything but plumbing."""
    ids = [
        story.person(Role.TECHNICIAN, name=f"Technician {n}", email=f"t{n}@example.jp").id
        for n in range(count)
    ]
    with story.begin() as uow:
        for account_id in ids:
            make_technician(uow, account_id, skills={"COFFEE": 1})
    return ids


def planned(story: Story, day: date = THURSDAY) -> RoutePlan:
    """The plan of this day, asked for and worked out."""
    with story.begin("Mao Noguchi") as uow:
        plan_id = ask_for_plan(uow, day)
    story.everything_happens()
    return with_all(story, plan_id)


def with_all(story: Story, plan_id: UUID) -> RoutePlan:
    with story.reading() as session:
        plan = plan_with_all(session, plan_id)
        assert plan is not None
        return plan


def numbers(stops: Sequence[PlanStop]) -> list[str]:
    return [row.work_order.number for stop in stops for row in stop.orders]


def test_twelve_orders_are_planned_for_three_technicians(story: Story) -> None:
    technicians(story, 3)
    with story.begin() as uow:
        orders = make_orders(uow, 12)
        plumbing = make_order_at(uow, 35.70, 139.75, skill="PLUMBING")
        coffee = make_order_at(uow, 35.71, 139.75, skill="COFFEE")

    plan = planned(story)

    assert plan.state is PlanState.DRAFT
    assert plan.fault_count == 0
    assert sorted(numbers(plan.stops)) == sorted(order.number for order in (*orders, coffee))
    (missed,) = plan.left_out
    assert (missed.work_order_id, missed.reason, missed.cure) == (plumbing.id, LeftOutReason.NO_SKILL, None)
    assert plan.cost is not None
    assert plan.cost_parts is not None
    assert plan.cost == Money(sum(plan.cost_parts.values()))
    assert plan.cost_parts["left_out"] == rules.value_when_left_out(1)
    assert plan.travel_source == "straight-line 1"
    for route in plan.routes:
        assert route.absence is None
        stops = [stop for stop in plan.stops if stop.technician_id == route.technician_id]
        if not stops:
            continue
        assert route.leaves is not None
        assert route.returns is not None
        assert route.leaves >= 540
        assert route.returns <= 1080 + 60
        assert [stop.position for stop in stops] == list(range(1, len(stops) + 1))
        assert all(stop.ends - stop.starts == 60 for stop in stops)
        assert route.break_starts is not None
        assert 690 <= route.break_starts <= 810


def test_a_plan_says_how_the_search_goes_while_it_goes(story: Story) -> None:
    technicians(story, 2)
    with story.begin() as uow:
        make_orders(uow, 6)
    plan = planned(story)
    with story.reading() as session:
        rows = session.scalars(select(PlanProgress).where(PlanProgress.route_plan_id == plan.id)).all()
    assert 1 <= len(rows) <= 2
    assert plan.cost is not None
    assert plan.cost <= rows[0].cost
    assert plan.started_at is not None


def test_delivered_twice_a_plan_is_worked_out_once(story: Story) -> None:
    technicians(story, 1)
    with story.begin() as uow:
        make_orders(uow, 2)
        plan_id = ask_for_plan(uow, THURSDAY)
    story.everything_happens_twice()
    before = with_all(story, plan_id)
    with story.reading() as session:
        delivery_id = session.scalars(
            select(Delivery.id).where(Delivery.handler == "dispatch.store_requested_plan")
        ).one()
    with story.begin() as uow:  # as if "done" had been lost, but not the plan
        uow.session.get_one(Delivery, delivery_id).state = DeliveryState.QUEUED
    with story.app.app_context():
        assert run_delivery(delivery_id)
    after = with_all(story, plan_id)
    assert (after.version, [stop.id for stop in after.stops]) == (
        before.version,
        [stop.id for stop in before.stops],
    )


def test_a_plan_whose_worker_was_lost_begins_again(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    technicians(story, 1)
    with story.begin() as uow:
        make_orders(uow, 2)
        first = ask_for_plan(uow, THURSDAY)
    story.everything_happens()

    def lose_the_worker(*_: object) -> Plan:
        raise SystemExit

    with story.begin() as uow:
        second = ask_for_plan(uow, THURSDAY)
    with monkeypatch.context() as patched:
        patched.setattr(solving, "_search", lose_the_worker)
        with pytest.raises(SystemExit):
            story.everything_happens()
    assert with_all(story, second).state is PlanState.RUNNING
    assert with_all(story, first).state is PlanState.DRAFT

    story.later(minutes=5)
    story.tick()
    story.everything_happens()
    assert with_all(story, second).state is PlanState.DRAFT


def test_a_plan_that_breaks_a_promise_is_not_kept(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    technicians(story, 1)
    with story.begin() as uow:
        make_orders(uow, 2)
    monkeypatch.setattr(solving, "_search", lambda *_: Plan((), (), 0))
    plan = planned(story)
    assert (plan.state, plan.failure) == (PlanState.FAILED, PlanFailure.CHECK_FAILED)
    assert plan.fault_count == 2
    assert plan.failure_detail is not None
    assert "is neither on a route nor left out." in plan.failure_detail
    assert plan.stops == []


def test_without_anybody_at_work_there_is_no_plan(story: Story) -> None:
    with story.begin() as uow:
        make_orders(uow, 1)
    plan = planned(story)
    assert (plan.state, plan.failure) == (PlanState.FAILED, PlanFailure.NOBODY_AT_WORK)


def test_a_day_on_which_nobody_works_names_who_is_away_and_why(story: Story) -> None:
    off, weekend = technicians(story, 2)
    with story.begin() as uow:
        make_orders(uow, 1)
        give_day_off(uow, off, THURSDAY, reason="wedding")
        set_shifts(uow, weekend, {5: NINE_TO_SIX})
    plan = planned(story)
    assert plan.failure is PlanFailure.NOBODY_AT_WORK
    assert {row.technician_id: row.absence for row in plan.routes} == {
        off: Absence.DAY_OFF,
        weekend: Absence.NO_SHIFT,
    }


def test_a_public_holiday_is_a_day_off_unless_somebody_plans_it(story: Story) -> None:
    holiday = date(2026, 4, 29)
    technicians(story, 1)
    with story.begin() as uow:
        make_orders(uow, 1)
    with story.begin() as uow, pytest.raises(rules.PublicHoliday) as refused:
        request_plan(uow, holiday, seconds=1)
    assert refused.value.params == {"planned_on": "2026-04-29"}
    assert story.count(RoutePlan) == 0
    assert "dispatch.plan_requested" not in story.announced()

    with story.begin() as uow:
        plan_id = request_plan(uow, holiday, seconds=1, on_holiday=True).id
    story.everything_happens()
    assert len(with_all(story, plan_id).stops) == 1


class IslandAt(StraightLine):
    """Travel times with a hole: no way leads from or to places at this latitude."""

    latitude = 0.0

    def matrix(self, points: Sequence[Point], profile: str, depart: int) -> TravelMatrix:
        whole = super().matrix(points, profile, depart)
        lost = np.array([point.latitude == self.latitude for point in points])
        holes = lost[:, None] != lost[None, :]
        return TravelMatrix.of(whole.seconds, whole.metres, holes, source=whole.source)


def test_where_no_way_leads_is_named_and_the_rest_is_planned(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    technicians(story, 2)
    with story.begin() as uow:
        orders = make_orders(uow, 3)
        islands = [make_order_at(uow, 34.75, 139.36 + n / 100) for n in range(2)]
    monkeypatch.setattr(IslandAt, "latitude", 34.75)
    monkeypatch.setattr("rental.dispatch.travel.StraightLine", IslandAt)
    plan = planned(story)
    assert sorted(numbers(plan.stops)) == sorted(order.number for order in orders)
    assert {row.work_order_id: row.reason for row in plan.left_out} == {
        order.id: LeftOutReason.UNREACHABLE for order in islands
    }


def test_a_day_without_work_has_an_empty_plan_at_once(story: Story) -> None:
    technicians(story, 1)
    plan = planned(story)
    assert (plan.state, plan.cost, plan.stops) == (PlanState.DRAFT, Money(0), [])


def test_what_cannot_be_planned_is_named_and_the_rest_is_planned(story: Story) -> None:
    at_work, off, weekend = technicians(story, 3)
    stranger = story.person(Role.TECHNICIAN, email="new@example.jp").id
    with story.begin() as uow:
        give_day_off(uow, off, THURSDAY, reason="wedding")
        set_shifts(uow, weekend, {5: NINE_TO_SIX})
        (order,) = make_orders(uow, 1)
        lost = make_unplaced_order(uow)
        closed = make_order_at(uow, 35.7, 139.7, hours={0: [Window(540, 1020)]})
        early = make_order_at(uow, 35.7, 139.7, hours={3: [Window(300, 420)]})

    plan = planned(story)

    assert numbers(plan.stops) == [order.number]
    assert {row.technician_id: row.absence for row in plan.routes} == {
        at_work: None,
        off: Absence.DAY_OFF,
        weekend: Absence.NO_SHIFT,
        stranger: Absence.NOT_SET_UP,
    }
    assert {row.work_order_id: row.reason for row in plan.left_out} == {
        lost.id: LeftOutReason.NO_POSITION,
        closed.id: LeftOutReason.CLOSED,
        early.id: LeftOutReason.WINDOW,
    }
    (cure,) = [row for row in plan.left_out if row.work_order_id == early.id]
    assert (cure.cure, cure.cure_technician_id) == (CureKind.OTHER_TIME, at_work)

    with story.begin() as uow:
        take_day_off_back(uow, off, THURSDAY)
        uow.session.get_one(Technician, weekend).is_active = False
    again = planned(story)
    assert weekend not in {row.technician_id for row in again.routes}
    assert {row.technician_id for row in again.routes if row.absence is None} == {at_work, off}


def test_orders_of_one_site_and_contract_are_one_visit(story: Story) -> None:
    technicians(story, 1)
    with story.begin() as uow:
        first = make_order_at(uow, 35.7, 139.7)
        second = make_order_at(uow, 35.7, 139.7)
        row = uow.session.get_one(WorkOrder, second.id)
        row.site_id, row.contract_id = first.site_id, first.contract_id
    plan = planned(story)
    (stop,) = plan.stops
    assert sorted(numbers([stop])) == sorted([first.number, second.number])
    assert stop.ends - stop.starts == 120


def test_a_visit_starts_while_the_site_is_open_and_ends_before_it_closes(story: Story) -> None:
    technicians(story, 1)
    with story.begin() as uow:
        make_order_at(uow, 35.7, 139.7, hours={3: [Window(870, 960)]})
    (stop,) = planned(story).stops
    assert 870 <= stop.starts <= 900


def test_publishing_sends_every_stop_out_in_order(story: Story) -> None:
    people = technicians(story, 2)
    with story.begin() as uow:
        make_orders(uow, 6)
    older = planned(story)
    plan = planned(story)
    with story.begin("Mao Noguchi") as uow:
        publish_plan(uow, plan.id)

    published = with_all(story, plan.id)
    assert (published.state, published.published_by) == (PlanState.PUBLISHED, "Mao Noguchi")
    assert with_all(story, older.id).state is PlanState.SUPERSEDED
    story.on("2026-04-02")
    for account_id in people:
        with story.reading() as session:
            visits = visits_of_day(session, account_id, THURSDAY)
        stops = [stop for stop in published.stops if stop.technician_id == account_id]
        assert [(visit.id, visit.starts_at, visit.site_id) for visit in visits] == [
            (stop.visit_id, stop.starts, stop.site_id) for stop in stops
        ]
        assert {visit.state for visit in visits} <= {VisitState.PUBLISHED}
    assert story.announced().count("fieldwork.visit_published") == 6
    with story.begin() as uow, pytest.raises(IllegalStep):
        publish_plan(uow, plan.id)


@pytest.mark.parametrize("what", ["given", "cancelled"])
def test_an_order_that_changed_meanwhile_is_named_and_nobody_is_sent_out(story: Story, what: str) -> None:
    (account_id,) = technicians(story, 1)
    with story.begin() as uow:
        first, second = make_orders(uow, 2)
    plan = planned(story)
    with story.begin() as uow:
        if what == "given":
            plan_visit(uow, [second.id], technician_id=account_id, planned_on=date(2026, 4, 3))
        else:
            cancel_work_order(uow, second.id, reason="shop is closed")
    visits = story.count(Visit)

    with story.begin() as uow, pytest.raises(rules.OrdersChanged) as refused:
        publish_plan(uow, plan.id)

    assert refused.value.params == {"numbers": second.number}
    assert with_all(story, plan.id).state is PlanState.DRAFT
    assert story.count(Visit) == visits
    with story.reading() as session:
        assert session.get_one(WorkOrder, first.id).state is WorkOrderState.READY
    assert "fieldwork.visit_published" not in story.announced()


def test_a_technician_who_is_gone_is_named(story: Story) -> None:
    (account_id,) = technicians(story, 1)
    with story.begin() as uow:
        make_orders(uow, 1)
    plan = planned(story)
    with story.begin() as uow:
        disable_account(uow, account_id)
    with story.begin() as uow, pytest.raises(rules.CannotGo) as refused:
        publish_plan(uow, plan.id)
    assert refused.value.params == {"names": "Technician 0"}


def test_a_visit_given_before_keeps_its_technician_and_its_time(story: Story) -> None:
    first, second = technicians(story, 2)
    with story.begin() as uow:
        given, told, loose, *_rest = make_orders(uow, 6)
        timeless = plan_visit(uow, [loose.id], technician_id=first, planned_on=THURSDAY)
        draft = plan_visit(uow, [given.id], technician_id=second, planned_on=THURSDAY, starts_at=14 * 60 + 30)
        sent = plan_visit(uow, [told.id], technician_id=first, planned_on=THURSDAY)
        publish_visit(uow, sent.id)
    plan = planned(story)
    fixed = {stop.visit_id: stop for stop in plan.stops if stop.is_fixed}
    assert len(plan.stops) == 6
    assert (fixed[draft.id].technician_id, fixed[draft.id].starts) == (second, 14 * 60 + 30)
    assert fixed[sent.id].technician_id == first

    with story.begin() as uow:
        publish_plan(uow, plan.id)
    with story.reading() as session:
        assert session.get_one(Visit, draft.id).state is VisitState.PUBLISHED
        assert session.get_one(Visit, timeless.id).starts_at == fixed[timeless.id].starts
        assert session.get_one(Visit, sent.id).starts_at is None
    assert story.count(Visit) == 6

    again = planned(story)
    assert {stop.visit_id for stop in again.stops} == {
        stop.visit_id for stop in with_all(story, plan.id).stops
    }
    assert all(stop.is_fixed for stop in again.stops)
    with story.begin() as uow:
        call_off_visit(uow, draft.id)
    with story.begin() as uow, pytest.raises(rules.OrdersChanged):
        publish_plan(uow, again.id)


def phone(story: Story, account_id: UUID) -> list[tuple[UUID, int | None]]:
    """The sites that the technician is sent to on Thursday, with their times, in order."""
    with story.reading() as session:
        visits = visits_of_day(session, account_id, THURSDAY)
        return [(visit.site_id, visit.starts_at) for visit in visits if visit.state is VisitState.PUBLISHED]


def published(story: Story) -> RoutePlan:
    """The plan of Thursday, sent out."""
    plan = planned(story)
    with story.begin() as uow:
        publish_plan(uow, plan.id)
    story.everything_happens()
    return with_all(story, plan.id)


def test_a_moved_draft_is_sent_out_as_it_was_moved(story: Story) -> None:
    first, second = technicians(story, 2)
    with story.begin() as uow:
        make_orders(uow, 4)
    plan = planned(story)
    stop = plan.stops[0]
    other = second if stop.technician_id == first else first
    with story.begin() as uow:
        move_stop(uow, plan.id, stop.id, technician_id=other, position=1, version=plan.version)
    with story.begin() as uow:
        publish_plan(uow, plan.id)
    for account_id in (first, second):
        stops = [each for each in with_all(story, plan.id).stops if each.technician_id == account_id]
        assert phone(story, account_id) == [(each.site_id, each.starts) for each in stops]
    assert phone(story, other)[0][0] == stop.site_id


def test_a_visit_that_is_called_off_is_planned_again_and_only_it_is_told(story: Story) -> None:
    people = technicians(story, 2)
    with story.begin() as uow:
        make_orders(uow, 5)
    plan = published(story)
    stop = plan.stops[0]
    with story.begin() as uow:
        call_off_stop(uow, plan.id, stop.id)
    assert stop.site_id not in {site for account_id in people for site, _ in phone(story, account_id)}
    told = story.announced().count("fieldwork.visit_published")

    again = published(story)

    assert story.announced().count("fieldwork.visit_published") == told + 1
    assert with_all(story, plan.id).state is PlanState.SUPERSEDED
    (anew,) = [each for each in again.stops if not each.is_fixed]
    assert anew.site_id == stop.site_id
    assert (anew.site_id, anew.starts) in phone(story, anew.technician_id)
    before = {each.site_id: (each.technician_id, each.starts) for each in plan.stops}
    after = {each.site_id: (each.technician_id, each.starts) for each in again.stops}
    assert {site: after[site] for site in before if site != stop.site_id} == {
        site: place for site, place in before.items() if site != stop.site_id
    }
    with story.begin() as uow, pytest.raises(IllegalStep):
        call_off_stop(uow, plan.id, stop.id)


def test_somebody_ill_is_replaced_by_planning_the_day_again(story: Story) -> None:
    people = technicians(story, 2)
    with story.begin() as uow:
        make_orders(uow, 4)
    plan = published(story)
    ill = plan.stops[0].technician_id
    (well,) = set(people) - {ill}
    with story.begin() as uow:
        give_day_off(uow, ill, THURSDAY, reason="flu", call_off=True)
    assert phone(story, ill) == []

    again = published(story)

    assert {stop.technician_id for stop in again.stops} == {well}
    assert len(phone(story, well)) == 4


def test_a_visit_that_has_begun_is_not_called_off_by_a_day_off(story: Story) -> None:
    (account_id,) = technicians(story, 1)
    with story.begin() as uow:
        make_orders(uow, 2)
    plan = published(story)
    first, second = (stop.visit_id for stop in plan.stops)
    assert first
    assert second
    with story.begin() as uow:
        depart(uow, first, at=uow.now)
        give_day_off(uow, account_id, THURSDAY, reason="flu", call_off=True)
    with story.reading() as session:
        assert session.get_one(Visit, first).state is VisitState.EN_ROUTE
        assert session.get_one(Visit, second).state is VisitState.CANCELLED
    with story.begin() as uow, pytest.raises(IllegalStep):
        call_off_stop(uow, plan.id, plan.stops[0].id)


def test_an_order_cancelled_after_it_was_sent_out_leaves_the_phone_and_the_next_plan(story: Story) -> None:
    (account_id,) = technicians(story, 1)
    with story.begin() as uow:
        make_orders(uow, 3)
    plan = published(story)
    gone = plan.stops[1]
    with story.begin() as uow:
        cancel_work_order(uow, gone.orders[0].work_order_id, reason="shop is closed")
    assert phone(story, account_id) == [
        (stop.site_id, stop.starts) for stop in plan.stops if stop.id != gone.id
    ]
    seen = with_all(story, plan.id)
    assert [stop.visit.state for stop in seen.stops if stop.visit] == [
        VisitState.PUBLISHED,
        VisitState.CANCELLED,
        VisitState.PUBLISHED,
    ]
    assert len(planned(story).stops) == 2


def test_an_order_done_before_its_draft_is_sent_out_is_named(story: Story) -> None:
    (account_id,) = technicians(story, 1)
    with story.begin() as uow:
        first, _second = make_orders(uow, 2)
        visit = plan_visit(uow, [first.id], technician_id=account_id, planned_on=THURSDAY)
        publish_visit(uow, visit.id)
    plan = planned(story)
    story.on("2026-04-02")
    with story.begin() as uow:
        arrive(uow, visit.id, at=uow.now)
    with story.begin() as uow, pytest.raises(rules.OrdersChanged) as refused:
        publish_plan(uow, plan.id)
    assert refused.value.params == {"numbers": first.number}


def test_a_stop_of_a_draft_is_moved_to_another_technician(story: Story) -> None:
    first, second = technicians(story, 2)
    with story.begin() as uow:
        make_orders(uow, 4)
    plan = planned(story)
    stop = plan.stops[0]
    other = second if stop.technician_id == first else first
    moved = numbers([stop])
    with story.reading() as session:
        row = session.get_one(RoutePlan, plan.id)
        places = places_for_stop(session, row, session.get_one(PlanStop, stop.id))
    assert places == sorted(places, key=lambda place: place.yen)
    assert {(first, 1), (second, 1)} <= {(place.technician_id, place.position) for place in places}

    with story.begin() as uow:
        move_stop(uow, plan.id, stop.id, technician_id=other, position=1, version=plan.version)

    after = with_all(story, plan.id)
    assert len(after.stops) == 4
    assert numbers([each for each in after.stops if each.technician_id == other])[:1] == moved
    assert (after.state, after.fault_count) == (PlanState.DRAFT, 0)
    assert after.cost is not None
    assert after.cost_parts is not None
    assert after.cost == Money(sum(after.cost_parts.values()))
    with story.begin() as uow, pytest.raises(ChangedMeanwhile):
        move_stop(uow, plan.id, after.stops[0].id, technician_id=other, position=1, version=plan.version)
    with story.begin() as uow:
        publish_plan(uow, plan.id)


def test_a_stop_is_not_moved_where_it_cannot_be_made(story: Story) -> None:
    (able,) = technicians(story, 1)
    unable = story.person(Role.TECHNICIAN, email="new@example.jp").id
    with story.begin() as uow:
        make_technician(uow, unable)
        make_order_at(uow, 35.7, 139.7, skill="COFFEE")
    plan = planned(story)
    (stop,) = plan.stops
    refusals: list[tuple[type[DomainError], dict[str, object]]] = [
        (rules.DoesNotFit, {"technician_id": unable, "position": 1}),
        (rules.DoesNotFit, {"technician_id": able, "position": 2}),
        (rules.DoesNotFit, {"technician_id": make_id(story), "position": 1}),
    ]
    for refusal, to in refusals:
        with story.begin() as uow, pytest.raises(refusal):
            move_stop(uow, plan.id, stop.id, version=plan.version, **to)  # type: ignore[arg-type]
    with story.begin() as uow:
        make_orders(uow, 1)
    with story.begin() as uow, pytest.raises(rules.DayChanged):
        move_stop(uow, plan.id, stop.id, technician_id=able, position=1, version=plan.version)
    assert [each.id for each in with_all(story, plan.id).stops] == [stop.id]


def make_id(story: Story) -> UUID:
    """Somebody who is no technician."""
    return story.person(Role.SALES).id


def test_while_a_plan_is_worked_out_it_is_the_answer(story: Story) -> None:
    with story.begin() as uow:
        first = request_plan(uow, THURSDAY, seconds=5)
        assert request_plan(uow, THURSDAY, seconds=60).id == first.id
        assert request_plan(uow, THURSDAY + timedelta(days=1), seconds=5).id != first.id
    assert story.announced().count("dispatch.plan_requested") == 2
    with story.begin() as uow, pytest.raises(DayOver):
        request_plan(uow, date(2026, 3, 31), seconds=5)


def test_a_search_that_nobody_finishes_holds_up_no_other(story: Story) -> None:
    with story.begin() as uow:
        lost = request_plan(uow, THURSDAY, seconds=5)
    story.later(minutes=9)
    with story.begin() as uow:
        assert request_plan(uow, THURSDAY, seconds=5).id == lost.id
    story.later(minutes=2)
    with story.begin() as uow:
        assert request_plan(uow, THURSDAY, seconds=5).id != lost.id


def test_a_worker_that_is_told_to_stop_keeps_what_it_has_found(story: Story) -> None:
    technicians(story, 1)
    with story.begin() as uow:
        make_orders(uow, 2)
        plan_id = ask_for_plan(uow, THURSDAY, seconds=60)
    story.runtime.is_stopping = True
    began = time.monotonic()
    story.everything_happens()
    story.runtime.is_stopping = False
    assert time.monotonic() - began < 30
    plan = with_all(story, plan_id)
    assert (plan.state, len(plan.stops)) == (PlanState.DRAFT, 2)


def test_what_is_left_of_today_is_planned(story: Story) -> None:
    technicians(story, 1)
    with story.begin() as uow:
        make_orders(uow, 1)
        today = uow.today
    plan = planned(story, today)
    assert plan.not_before == 605
    assert plan.routes[0].leaves is not None
    assert plan.routes[0].leaves >= 605

    story.later(hours=9)
    late = planned(story, today)
    assert late.failure is PlanFailure.NOBODY_AT_WORK


def test_the_same_day_gives_the_same_problem(story: Story) -> None:
    technicians(story, 2)
    with story.begin() as uow:
        make_orders(uow, 3)
    with story.reading() as session:
        hashes = {day_problem(session, THURSDAY).inputs_hash for _ in range(2)}
    with story.reading() as session:
        hashes.add(day_problem(session, THURSDAY).inputs_hash)
        assert len(hashes) == 1
        assert day_problem(session, THURSDAY, not_before=600).inputs_hash not in hashes


def test_skills_and_shifts_are_replaced_as_a_whole(story: Story) -> None:
    (account_id,) = technicians(story, 1)
    with story.begin() as uow:
        pos, water = make_skill(uow, "POS"), make_skill(uow, "WATER")
        set_skills(uow, account_id, {pos.id: 2, water.id: 3})
        set_shifts(uow, account_id, {0: ShiftTimes(480, 900), 4: NINE_TO_SIX})
        set_skills(uow, account_id, {water.id: 1})
    with story.reading() as session:
        technician = session.get_one(Technician, account_id)
        assert [(row.skill_id, row.level) for row in technician.skill_rows] == [(water.id, 1)]
        assert [(row.weekday, row.starts, row.break_minutes) for row in technician.shifts] == [
            (0, 480, 0),
            (4, 540, 60),
        ]


@pytest.mark.parametrize(
    "shift",
    [
        ShiftTimes(600, 600),
        ShiftTimes(-1, 600),
        ShiftTimes(600, 1441),
        ShiftTimes(540, 1080, 60, 500, 810),
        ShiftTimes(540, 1080, 60, 810, 690),
        ShiftTimes(540, 1080, 60, 690, 1021),
        ShiftTimes(540, 1080, 121, 690, 700),
    ],
)
def test_a_shift_that_cannot_be_worked_is_refused(story: Story, shift: ShiftTimes) -> None:
    (account_id,) = technicians(story, 1)
    with story.begin() as uow, pytest.raises((rules.BadShift, rules.BadBreak)):
        set_shifts(uow, account_id, {0: shift})
    with story.reading() as session:
        assert session.get_one(Technician, account_id).shift_on(date(2026, 4, 6)) is not None


def test_only_a_technician_is_set_up_and_only_as_somebody_saw_them(story: Story) -> None:
    sales = make_id(story)
    (account_id,) = technicians(story, 1)
    with story.begin() as uow:
        base_id = make_base(uow).id
    for who, version, code in (
        (sales, 0, "fieldwork.not_a_technician"),
        (account_id, 0, "core.changed_meanwhile"),
        (account_id, 7, "core.changed_meanwhile"),
    ):
        with story.begin() as uow, pytest.raises(DomainError) as refused:
            set_up_technician(
                uow, who, base_id=base_id, hourly_cost=Money(1), max_overtime=0, version=version
            )
        assert refused.value.code == code


def test_old_orders_weigh_more_but_not_without_end() -> None:
    assert [rules.value_when_left_out(days) for days in (-3, 0, 1, 60, 400)] == [
        30_000,
        30_000,
        33_000,
        210_000,
        210_000,
    ]


def test_work_longer_than_the_opening_hours_still_begins_before_closing() -> None:
    assert rules.service_windows([Hours(540, 600), Hours(780, 1020)], 120) == (
        Hours(540, 585),
        Hours(780, 900),
    )
