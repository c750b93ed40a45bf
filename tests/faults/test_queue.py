"""The queue may be emptied or killed: what was announced is done all the same, once, within a minute."""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import func, select, update

from rental.core.clock import SystemClock
from rental.core.db import writing_engine
from rental.core.outbox import Delivery, DeliveryState
from rental.core.runtime import Runtime
from rental.core.uow import begin, system
from rental.identity.events import PasswordSet
from rental.identity.permissions import Role
from rental.notifications.models import Notice
from rental.worker import RqDoorbell, connect
from tests.support.databases import Database
from tests.support.processes import Installation, installation, wait_until
from tests.support.story import Story

pytestmark = [pytest.mark.slow, pytest.mark.faults]

MESSAGES = 40
MESSAGES_AT_NIGHT = 150
LONGEST_DELAY = 60


@pytest.fixture
def running(app: Flask, database: Database) -> Iterator[Installation]:
    """Valkey, a worker and a tick on the test's database; the app in this process rings the same bell."""
    runtime: Runtime = app.extensions["rental"]
    silent = runtime.doorbell
    with installation(database.url) as processes:
        processes.start_valkey()
        runtime.doorbell = RqDoorbell(connect(processes.redis_url))
        processes.start_worker()
        processes.start_tick()
        yield processes
        runtime.doorbell = silent


def announce_many(app: Flask, account_id: UUID, count: int) -> None:
    for _ in range(count):
        with app.app_context(), begin(system("load")) as uow:
            uow.announce(PasswordSet(account_id))
        time.sleep(0.05)


def unfinished(story: Story) -> int:
    with story.reading() as session:
        return (
            session.scalar(
                select(func.count()).select_from(Delivery).where(Delivery.state != DeliveryState.DONE)
            )
            or 0
        )


def let_leases_run_out(story: Story) -> None:
    """As if the half minute had gone by for which a worker that died still holds what it took."""
    with story.app.app_context(), writing_engine().begin() as connection:
        connection.execute(
            update(Delivery)
            .where(Delivery.state == DeliveryState.RUNNING)
            .values(lease_until=story.runtime.clock.now() - timedelta(seconds=1))
        )


def test_a_flushed_and_killed_queue_loses_nothing(
    app: Flask, running: Installation, is_nightly: bool
) -> None:
    """The nightly run sends more, and waits for the leases of the worker that died."""
    messages = MESSAGES_AT_NIGHT if is_nightly else MESSAGES
    story = Story(app)
    story.runtime.clock = SystemClock()  # other processes are part of this story
    person = story.person(Role.SALES)
    wait_until(lambda: unfinished(story) == 0, "the first message is not delivered", seconds=30)

    load = threading.Thread(target=announce_many, args=(app, person.id, messages))
    load.start()
    queue = Redis.from_url(running.redis_url)
    for _ in range(3):
        time.sleep(0.4)
        queue.flushall()
    queue.close()
    running.kill("valkey")
    time.sleep(0.5)
    running.kill("worker")
    if not is_nightly:
        let_leases_run_out(story)
    running.start_valkey()
    running.start_worker()
    load.join()
    wait_until(lambda: unfinished(story) == 0, "messages are still waiting", seconds=LONGEST_DELAY)

    assert story.count(Notice) == messages + 1
