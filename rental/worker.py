"""The worker: RQ wakes it, it runs one handler for one message in one transaction."""

import ctypes
import logging
import os
import signal
import sys
import time
import traceback
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import UUID

from flask import Flask
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue as RqQueue
from rq import Worker
from rq.serializers import JSONSerializer

from rental.core import deliveries
from rental.core.bus import Queue, Ring
from rental.core.db import db, reading, reading_snapshot
from rental.core.errors import DomainError
from rental.core.events import from_wire
from rental.core.outbox import deliveries_like, due_deliveries
from rental.core.runtime import Runtime, runtime
from rental.core.uow import begin, system

if TYPE_CHECKING:
    from rq.job import Job

log = logging.getLogger("rental.worker")
ACTOR = system("worker")
ENOUGH_RINGS = 1000
_FEW_RINGS = 50
# Seconds; longer than any handler's lease and what goes before, so that the lease decides.
LONGEST_JOB = 900
# Seconds after which a process begins nothing more, and makes room for another job.
_GO_ON = 60
# Seconds after which it looks whether something more urgent waits.
_LOOK_EVERY = 1
_DETAIL_LENGTH = 4000
_PR_SET_PDEATHSIG = 1
# From a worker that is told to stop to its work horse: what may end sooner, does.
_HURRY = signal.SIGUSR1


class UnknownHandler(Exception):
    """A delivery for a handler that this release does not know."""


class RqDoorbell:
    """Wakes workers through RQ. When Redis is away it only says so: the tick rings again later."""

    def __init__(self, connection: Redis) -> None:
        self._queues = {
            queue: RqQueue(queue.value, connection=connection, serializer=JSONSerializer) for queue in Queue
        }

    def ring(self, rings: list[Ring]) -> None:
        by_queue: dict[Queue, list[Ring]] = {}
        for ring in rings:
            by_queue.setdefault(ring.queue, []).append(ring)
        try:
            for queue, some in by_queue.items():
                self._ring_at(self._queues[queue], some)
        except (RedisError, OSError) as error:
            log.warning("doorbell out of order, the tick will ring again: %s", error)

    def _ring_at(self, queue: RqQueue, rings: list[Ring]) -> None:
        """A part of a closing asks for a thousand documents at once, and nobody comes sooner for the last of
        twenty thousand rings; those there is no room for the tick repeats. A few are always rung."""
        if len(rings) > _FEW_RINGS:
            rings = rings[: max(0, ENOUGH_RINGS - queue.count)]
        queue.enqueue_many(
            queue.prepare_data(
                "rental.worker.deliver",
                (str(ring.delivery_id),),
                timeout=LONGEST_JOB,
                result_ttl=0,
                failure_ttl=60,
                ttl=600,
            )
            for ring in rings
        )

    def room(self) -> int:
        """With many calls unanswered, ringing again would only lengthen the queue."""
        try:
            return max(0, ENOUGH_RINGS - sum(queue.count for queue in self._queues.values()))
        except (RedisError, OSError):
            return 0


def connect(redis_url: str) -> Redis:
    """A connection that gives up quickly: a person waits behind it."""
    return Redis.from_url(redis_url, socket_connect_timeout=1, socket_timeout=2, retry=Retry(NoBackoff(), 0))


def deliver(delivery_id: str) -> None:
    """RQ's entry: one delivery if it still waits, then those like it. Called twice it does nothing twice."""
    began = time.monotonic()
    run_delivery(UUID(delivery_id))
    go_on_like(UUID(delivery_id), until=began + _GO_ON)


def go_on_like(delivery_id: UUID, *, until: float) -> None:
    """Runs what waits for the same handler, as long as nothing more urgent does and nobody asks to stop.

    A process that RQ forks for one delivery has to connect and to work out its statements anew. It goes on
    even if another was quicker with the one it was forked for: nobody may ring for the others for a while.
    `until` is by the monotonic clock.
    """
    while waiting := _waiting_like(delivery_id):
        looked_at, done = time.monotonic(), False
        for next_id in waiting:
            if runtime().is_stopping or time.monotonic() >= until:
                return
            done |= run_delivery(next_id)
            if time.monotonic() - looked_at > _LOOK_EVERY:
                break
        if not done:
            return


def _waiting_like(delivery_id: UUID) -> Sequence[UUID]:
    try:
        return deliveries_like(reading(), delivery_id, now=runtime().clock.now())
    finally:
        reading().rollback()


def run_delivery(delivery_id: UUID) -> bool:
    """Claims the delivery and runs its handler; True when its effect was saved by this call."""
    with begin(ACTOR) as uow:
        held = deliveries.claim(uow, runtime().bus, delivery_id)
    if held is None:
        return False
    try:
        return _take_effect(held)
    except Exception as error:  # the edge: whatever a handler raises is kept for the job page
        log.exception("delivery %s failed", delivery_id)
        with begin(ACTOR) as uow:
            deliveries.give_back(
                uow,
                held,
                error_code=error.code if isinstance(error, DomainError) else type(error).__name__,
                error_detail=traceback.format_exc()[-_DETAIL_LENGTH:],
            )
        return False


def _take_effect(held: deliveries.Claim) -> bool:
    """What the handler changes and that the delivery is done are one transaction."""
    handler = runtime().bus.named(held.handler)
    if handler is None:
        raise UnknownHandler(held.handler)
    event = from_wire(handler.event, held.payload)
    arguments: list[object] = [event]
    if handler.reads:
        with reading_snapshot() as snapshot:
            arguments.append(handler.reads(snapshot, event, runtime().clock.now()))
    with begin(ACTOR) as uow:
        delivery = deliveries.hold(uow, held)
        if delivery is None:
            return False
        uow.because(f"{held.message} → {held.handler}")
        handler.run(uow, *arguments)
        deliveries.finish(uow, delivery)
    return True


def run_everything_due(limit: int = 1000) -> int:
    """Runs what waits, in this process, until nothing is due; returns how many took effect."""
    done = 0
    while due := due_deliveries(reading(), now=runtime().clock.now()):
        reading().rollback()
        for delivery_id in due:
            done += run_delivery(delivery_id)
            if done >= limit:
                return done
    reading().rollback()
    return done


def die_with(parent: int) -> None:
    """Asks Linux to kill this process when its parent dies; elsewhere there is nothing to ask."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


class GenbaWorker(Worker):
    """An RQ worker whose work horse dies with it and starts with connections of its own."""

    app: Flask
    own_pid: int

    def main_work_horse(self, job: "Job", queue: RqQueue) -> None:
        die_with(self.own_pid)
        with self.app.app_context():
            db.engine.dispose(close=False)
            super().main_work_horse(job, queue)

    def handle_warm_shutdown_request(self) -> None:
        """The job in hand is finished; a search ends with the best it has found."""
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]
        if self.horse_pid:
            with suppress(ProcessLookupError):
                os.kill(self.horse_pid, _HURRY)


def run_worker(app: Flask, redis_url: str, queues: Collection[Queue] = tuple(Queue)) -> None:
    """Works until told to stop, at the most urgent of its queues first.

    Its settings make RQ notice a lost job within seconds instead of minutes.
    """
    current: Runtime = app.extensions["rental"]

    def hurry(number: int, frame: object) -> None:
        current.is_stopping = True

    signal.signal(_HURRY, hurry)  # work horses inherit it
    GenbaWorker.app = app
    GenbaWorker.own_pid = os.getpid()
    worker = GenbaWorker(
        [queue.value for queue in Queue if queue in queues],
        connection=Redis.from_url(redis_url),
        serializer=JSONSerializer,
        default_result_ttl=0,
        worker_ttl=60,
        maintenance_interval=30,
        job_monitoring_interval=10,
        log_job_description=False,
    )
    worker.work(logging_level="WARNING")
