"""Plans worked out by real workers: found, lost with a worker and found by another, and in nobody's way."""

import os
import signal
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select, update

from rental.assurance.checks import ask_all
from rental.core.clock import SystemClock
from rental.core.db import writing_engine
from rental.core.outbox import Delivery, DeliveryState
from rental.core.uow import begin, system
from rental.dispatch.models import PlanProgress, RoutePlan
from rental.dispatch.planning import request_plan
from rental.dispatch.queries import plan_with_all
from rental.dispatch.rules import LeftOutReason, PlanState
from rental.identity.events import PasswordSet
from rental.identity.permissions import Role
from rental.notifications.models import Notice
from rental.worker import RqDoorbell, connect, run_delivery
from tests.factories.dispatching import make_order_at, make_orders, make_technician
from tests.support.databases import Database
from tests.support.forking import KILLED, dying_at, fork, outcome
from tests.support.processes import Installation, installation, wait_until
from tests.support.story import Story

pytestmark = [pytest.mark.slow, pytest.mark.faults]

LONG_SEARCH = 60
# Reading the day, finding reasons, checking and storing come on top of a search; the machine is busy.
STOPS_WITHIN = 15


@pytest.fixture
def running(app: Flask, database: Database) -> Iterator[Installation]:
    """Valkey and a tick on the test's database, and no worker yet; the app in this process rings the bell."""
    runtime = app.extensions["rental"]
    silent = runtime.doorbell
    with installation(database.url) as processes:
        processes.start_valkey()
        runtime.doorbell = RqDoorbell(connect(processes.redis_url))
        processes.start_tick()
        yield processes
        runtime.doorbell = silent


@pytest.fixture
def company(app: Flask) -> Story:
    """Twelve jobs, one more that needs a skill nobody has, and three technicians who work every day."""
    story = Story(app)
    story.runtime.clock = SystemClock()  # other processes are part of this story
    people = [story.person(Role.TECHNICIAN, name=f"T{n}", email=f"t{n}@example.jp") for n in range(3)]
    with story.begin() as uow:
        for person in people:
            make_technician(uow, person.id, weekdays=range(7))
        make_orders(uow, 12)
        make_order_at(uow, 35.70, 139.75, skill="PLUMBING")
    return story


def tomorrow(story: Story) -> date:
    with story.begin() as uow:
        return uow.today + timedelta(days=1)


def asked_for(story: Story, *, seconds: int) -> UUID:
    with story.begin("Mao Noguchi") as uow:
        day = uow.today + timedelta(days=1)
        return request_plan(uow, day, seconds=seconds, on_holiday=True).id


def stored(story: Story, plan_id: UUID) -> RoutePlan:
    with story.reading() as session:
        plan = plan_with_all(session, plan_id)
        assert plan is not None
        return plan


def wait_for(story: Story, plan_id: UUID, state: PlanState, *, seconds: float = 60) -> RoutePlan:
    wait_until(lambda: stored(story, plan_id).state is state, f"the plan is not {state}", seconds=seconds)
    return stored(story, plan_id)


def wait_for_search(story: Story, plan_id: UUID) -> RoutePlan:
    """Until a worker has found something, and searches on."""

    def is_searching() -> bool:
        with story.reading() as session:
            found = select(PlanProgress).where(PlanProgress.route_plan_id == plan_id)
            return session.scalars(found.limit(1)).first() is not None

    wait_until(is_searching, "nobody searches", seconds=60)
    return stored(story, plan_id)


def let_lease_run_out(story: Story) -> None:
    """As if the minutes of the lease had gone by, and the progress of the lost search with them."""
    with story.app.app_context(), writing_engine().begin() as connection:
        past = story.runtime.clock.now() - timedelta(minutes=10)
        connection.execute(
            update(Delivery).where(Delivery.state == DeliveryState.RUNNING).values(lease_until=past)
        )


def all_is_well(story: Story) -> bool:
    with story.reading() as session:
        given = ask_all(session, story.runtime.clock.now())
    return {answer.check.code for answer in given.answers if answer.rows} == set()


def test_a_worker_finds_the_routes_of_a_day_and_says_what_is_left_out(
    company: Story, running: Installation
) -> None:
    running.start_worker()
    plan_id = asked_for(company, seconds=2)
    plan = wait_for(company, plan_id, PlanState.DRAFT)
    assert sum(len(stop.orders) for stop in plan.stops) == 12
    assert {stop.technician_id for stop in plan.stops} <= {route.technician_id for route in plan.routes}
    assert plan.fault_count == 0
    (missed,) = plan.left_out
    assert missed.reason is LeftOutReason.NO_SKILL

    page = company.a(Role.DISPATCHER).get(f"/plans/{plan_id}").text
    assert missed.work_order.number in page
    assert "Nobody at work has the skills" in page


def test_a_killed_search_leaves_the_last_plan_and_another_worker_takes_over(
    company: Story, running: Installation
) -> None:
    running.start_worker("first")
    draft = wait_for(company, asked_for(company, seconds=1), PlanState.DRAFT)
    plan_id = asked_for(company, seconds=LONG_SEARCH)
    begun = wait_for_search(company, plan_id).started_at

    (horse,) = running.children_of("first")
    os.kill(horse, signal.SIGKILL)
    wait_until(lambda: running.children_of("first") == [], "the search outlived its kill")
    lost = stored(company, plan_id)
    assert (lost.state, lost.stops, lost.routes) == (PlanState.RUNNING, [], [])
    kept = stored(company, draft.id)
    assert (kept.state, kept.version) == (PlanState.DRAFT, draft.version)
    assert [stop.id for stop in kept.stops] == [stop.id for stop in draft.stops]

    let_lease_run_out(company)
    wait_until(lambda: stored(company, plan_id).started_at != begun, "nobody begins again", seconds=60)
    again = wait_for_search(company, plan_id).started_at
    (horse,) = running.children_of("first")
    running.kill("first")
    wait_until(lambda: not Path(f"/proc/{horse}").exists(), "the search outlived its worker")
    assert stored(company, plan_id).state is PlanState.RUNNING

    running.start_worker("second")
    let_lease_run_out(company)
    wait_until(lambda: stored(company, plan_id).started_at != again, "nobody takes over", seconds=60)
    wait_for_search(company, plan_id)
    assert running.ask_to_stop("second", within=STOPS_WITHIN) == 0
    done = stored(company, plan_id)
    assert (done.state, done.fault_count, len(done.left_out)) == (PlanState.DRAFT, 0, 1)
    with company.reading() as session:
        deliveries = session.scalars(
            select(Delivery).where(Delivery.handler == "dispatch.store_requested_plan").order_by(Delivery.id)
        ).all()
        assert [(row.state, row.attempt_count) for row in deliveries] == [
            (DeliveryState.DONE, 1),
            (DeliveryState.DONE, 3),
        ]
    wait_until(lambda: all_is_well(company), "a check is red")


def test_a_long_search_holds_up_nothing_else_and_ends_when_told_to(
    company: Story, running: Installation
) -> None:
    running.start_worker("worker", "interactive", "events", "billing")
    running.start_worker("planner", "planning")
    plan_id = asked_for(company, seconds=LONG_SEARCH)
    wait_for_search(company, plan_id)
    person = company.person(Role.SALES)
    wait_until(lambda: company.count(Notice) == 4, "the people's first notices are late")  # three technicians

    with company.app.app_context(), begin(system("load")) as uow:
        uow.announce(PasswordSet(person.id))
    took = wait_until(lambda: company.count(Notice) == 5, "a notice waits behind a search", seconds=10)
    assert stored(company, plan_id).state is PlanState.RUNNING
    assert took < 10

    assert running.ask_to_stop("planner", within=STOPS_WITHIN) == 0
    plan = stored(company, plan_id)
    assert plan.state is PlanState.DRAFT
    assert plan.started_at is not None
    assert plan.finished_at is not None
    assert (plan.finished_at - plan.started_at).total_seconds() < LONG_SEARCH - 5
    assert sum(len(stop.orders) for stop in plan.stops) == 12


def test_a_planner_killed_at_any_statement_leaves_no_plan_or_a_whole_one(
    app: Flask, story: Story, is_nightly: bool
) -> None:
    """Its search ends at once, as when a worker is told to stop: killed is what reads, checks and stores.

    Every third moment, and each of them in the nightly run.
    """
    account = story.person(Role.TECHNICIAN)
    with story.begin() as uow:
        make_technician(uow, account.id)
        make_orders(uow, 2)
    story.everything_happens()

    def work() -> None:
        app.extensions["rental"].is_stopping = True
        with app.app_context():
            run_delivery(delivery_id)

    died = 0
    for point in range(0, 400, 1 if is_nightly else 3):
        with story.begin() as uow:
            plan_id = request_plan(uow, date(2026, 4, 2), seconds=1).id
        with story.reading() as session:
            queued = select(Delivery.id).where(Delivery.state == DeliveryState.QUEUED)
            delivery_id = session.scalars(queued).one()
        ending = outcome(fork(app, dying_at(point, work)))
        assert ending in (0, KILLED)
        plan = stored(story, plan_id)
        is_whole = plan.state is PlanState.DRAFT
        assert (len(plan.stops), len(plan.routes), plan.cost is not None) == (
            (2, 1, True) if is_whole else (0, 0, False)
        )
        story.later(minutes=5)
        story.tick()
        story.runtime.is_stopping = True
        story.everything_happens()
        story.runtime.is_stopping = False
        assert stored(story, plan_id).state is PlanState.DRAFT
        if ending == 0:
            break
        died += 1
    assert ending == 0
    assert died >= 20, "working a plan out has more moments than that"
