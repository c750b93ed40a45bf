"""A message takes effect once: delivered six times at once, or with a worker that dies at any statement."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select

from rental.assurance.checking import start_check
from rental.assurance.models import CheckResult, CheckRun, CheckRunState
from rental.core import deliveries
from rental.core.bus import LEASE
from rental.core.db import reading_snapshot
from rental.core.outbox import Delivery, DeliveryState
from rental.core.sealing import verify
from rental.core.states import IllegalStep
from rental.core.stored_files import StoredFile
from rental.core.uow import begin, system
from rental.identity.events import PasswordSet
from rental.identity.permissions import Role
from rental.notifications.models import Notice
from rental.worker import run_delivery
from tests.support.forking import KILLED, dying_at, fork, in_child_processes, outcome
from tests.support.story import Story

pytestmark = pytest.mark.faults
CHECK_LEASE = timedelta(minutes=10)


def announce(story: Story, account_id: UUID) -> UUID:
    """One more new password; returns the delivery that tells of it."""
    with story.begin() as uow:
        uow.announce(PasswordSet(account_id))
    with story.reading() as session:
        queued = select(Delivery.id).where(Delivery.state == DeliveryState.QUEUED)
        return session.scalars(queued.order_by(Delivery.id.desc()).limit(1)).one()


def deliver(app: Flask, delivery_id: UUID) -> Callable[[], None]:
    def work() -> None:
        with app.app_context():
            run_delivery(delivery_id)

    return work


@pytest.mark.slow
def test_a_message_delivered_six_times_at_once_takes_effect_once(story: Story) -> None:
    person = story.person(Role.SALES)
    story.everything_happens()
    before = story.count(Notice)
    for _ in range(5):
        delivery_id = announce(story, person.id)
        in_child_processes(story.app, *[deliver(story.app, delivery_id)] * 6)
    assert story.count(Notice) == before + 5
    with story.reading() as session:
        assert set(session.scalars(select(Delivery.state))) == {DeliveryState.DONE}
        assert set(session.scalars(select(Delivery.attempt_count))) == {1}


@pytest.mark.slow
def test_a_worker_killed_at_any_statement_leaves_the_effect_exactly_once(
    story: Story, is_nightly: bool
) -> None:
    """A check run writes a file, several rows, a state and a done delivery: all of them, once.

    Most of its statements only ask: the nightly run kills at each of them, the ordinary one at every fifth.
    """
    died = 0
    for point in range(200):
        with story.begin() as uow:
            run_id = start_check(uow).id
        with story.reading() as session:
            delivery_id = session.scalars(
                select(Delivery.id).where(Delivery.state == DeliveryState.QUEUED)
            ).one()

        work = dying_at(point, deliver(story.app, delivery_id), at_every_moment=is_nightly)
        ending = outcome(fork(story.app, work))
        assert ending in (0, KILLED)
        _nothing_or_everything(story, run_id)
        story.clock.forward(CHECK_LEASE + timedelta(seconds=1))
        story.tick()
        story.everything_happens()

        assert _is_answered(story, run_id)
        if ending == 0:
            break
        died += 1
    assert died >= (100 if is_nightly else 30), "the handler has more moments than that"
    assert ending == 0


def _nothing_or_everything(story: Story, run_id: UUID) -> None:
    with story.reading() as session:
        run = session.get_one(CheckRun, run_id)
        results = session.scalars(select(CheckResult).where(CheckResult.check_run_id == run_id)).all()
        is_finished = run.state is CheckRunState.FINISHED
        assert (len(results) > 0, run.report_id is not None) == (is_finished, is_finished)


def _is_answered(story: Story, run_id: UUID) -> bool:
    with story.reading() as session:
        run = session.get_one(CheckRun, run_id)
        report = session.get_one(StoredFile, run.report_id)
        states = set(session.scalars(select(Delivery.state)))
        assert story.runtime.files.has(report.sha256)
        assert len(session.scalars(select(StoredFile)).all()) == run.number
        return run.state is CheckRunState.FINISHED and states == {DeliveryState.DONE}


def test_a_handler_that_fails_is_tried_again_and_then_parked(app: Flask, story: Story) -> None:
    with story.begin() as uow:
        uow.announce(PasswordSet(UUID(int=1)))  # nobody has this account: the foreign key refuses the notice
    for wait in (5, 30, 120, 600):
        story.everything_happens()
        with story.reading() as session:
            delivery = session.scalars(select(Delivery)).one()
            assert delivery.state is DeliveryState.FAILED
            assert delivery.due_at == story.clock.now() + timedelta(seconds=wait)
            assert delivery.error_code == "IntegrityError"
        story.later(seconds=wait)
    story.everything_happens()
    with story.reading() as session:
        delivery = session.scalars(select(Delivery)).one()
        assert (delivery.state, delivery.attempt_count) == (DeliveryState.PARKED, 5)
    assert story.count(Notice) == 0

    with app.app_context(), begin(system("again")) as uow:
        deliveries.run_again(uow, delivery.id)
    story.everything_happens()
    with story.reading() as session:
        delivery = session.scalars(select(Delivery)).one()
        assert (delivery.state, delivery.attempt_count) == (DeliveryState.FAILED, 1)


def test_a_worker_that_lost_its_lease_cannot_save(app: Flask, story: Story) -> None:
    """Two workers believe the delivery is theirs; only the one with the valid claim has an effect."""
    person = story.person(Role.SALES)
    story.everything_happens()
    delivery_id = announce(story, person.id)
    with story.begin() as uow:
        lost = deliveries.claim(uow, story.runtime.bus, delivery_id)
    story.later(seconds=LEASE.total_seconds() + 1)
    story.tick()
    with story.begin() as uow:
        valid = deliveries.claim(uow, story.runtime.bus, delivery_id)
    assert lost
    assert valid
    with story.begin() as uow:
        assert deliveries.hold(uow, lost) is None
        assert deliveries.hold(uow, valid) is not None
    with app.app_context(), reading_snapshot() as session:
        assert session.scalars(select(Delivery.attempt_count).where(Delivery.id == delivery_id)).one() == 2


def test_work_in_progress_is_not_taken_away_by_a_stale_page(story: Story) -> None:
    delivery_id = announce(story, story.person(Role.SALES).id)
    with story.begin() as uow:
        held = deliveries.claim(uow, story.runtime.bus, delivery_id)
    with pytest.raises(IllegalStep), story.begin() as uow:
        deliveries.run_again(uow, delivery_id)
    assert held
    with story.begin() as uow:
        assert deliveries.hold(uow, held) is not None


def test_a_clock_set_back_stops_no_work(story: Story) -> None:
    person = story.person(Role.SALES)
    story.tick()
    story.later(days=-400)
    announce(story, person.id)
    assert story.everything_happens() >= 1
    for _ in range(2):
        story.later(seconds=20)
        assert story.tick()
    with story.reading() as session:
        assert verify(session).unsealed_count == 0
