"""What the company does by the clock: one table, kept by exactly one `rental tick` at a time."""

import logging
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy.exc import DBAPIError

from rental.assurance.jobs import start_nightly_check
from rental.billing.recurring_revenue import count_recurring_revenue
from rental.billing.reviewing import finalise_drafts_that_are_ripe
from rental.changes.standing_fees import restate_fees
from rental.core import deliveries, idempotency
from rental.core.db import db
from rental.core.ids import new_id
from rental.core.runtime import runtime
from rental.core.sealing import seal_committed
from rental.core.turns import Daily, Every, give_clock_back, take_clock, take_turn
from rental.core.uow import UnitOfWork, begin, system
from rental.identity.sessions import forget_old_sessions
from rental.identity.sign_in import forget_old_failures

log = logging.getLogger("rental.tick")
ACTOR = system("tick")
EVERY = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class PeriodicJob:
    """A name that is stored, a schedule, and what is done: in one transaction each."""

    name: str
    schedule: Every | Daily
    run: Callable[[UnitOfWork], object]


JOBS = (
    PeriodicJob("seal the audit log", Every(EVERY), seal_committed),
    PeriodicJob("take back expired leases", Every(EVERY), deliveries.take_back_expired),
    PeriodicJob("forget done deliveries", Every(timedelta(hours=1)), deliveries.forget_done),
    PeriodicJob("forget idempotency keys", Every(timedelta(hours=1)), idempotency.forget_old_keys),
    PeriodicJob("forget sign-in failures", Every(timedelta(hours=1)), forget_old_failures),
    PeriodicJob("finalise drafts of invoices", Every(timedelta(hours=1)), finalise_drafts_that_are_ripe),
    PeriodicJob("forget old sessions", Daily(4), forget_old_sessions),
    PeriodicJob("restate the fees of contracts", Daily(1), restate_fees),
    PeriodicJob("count recurring revenue", Daily(2), count_recurring_revenue),
    PeriodicJob("check the database", Daily(3), start_nightly_check),
)


def tick(holder: UUID) -> bool:
    """One round: every job whose turn has come, then rings. False when another keeps the clock."""
    with begin(ACTOR) as uow:
        if not take_clock(uow, holder):
            return False
    for job in JOBS:
        _give_turn(job)
    with begin(ACTOR) as uow:
        uow.rings.extend(deliveries.ring_again(uow, limit=runtime().doorbell.room()))
    return True


def _give_turn(job: PeriodicJob) -> None:
    try:
        with begin(ACTOR) as uow:
            if take_turn(uow, job.name, job.schedule, runtime().zone):
                job.run(uow)
    except Exception:  # the edge: one broken job must not stop the others
        log.exception("periodic job %r failed", job.name)


def run_ticks() -> None:
    """A tick every five seconds until the process is told to stop, or its starter is gone."""
    holder, parent, is_stopping = new_id(), os.getppid(), False

    def stop(number: int, frame: object) -> None:
        nonlocal is_stopping
        is_stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    while not is_stopping and os.getppid() == parent:
        began = time.monotonic()
        try:
            tick(holder)
        except DBAPIError as error:
            log.warning("the database does not answer, trying again: %s", error.orig)
            db.engine.dispose()
        while not is_stopping and time.monotonic() - began < EVERY.total_seconds():
            time.sleep(0.1)
    with suppress(DBAPIError), begin(ACTOR) as uow:
        give_clock_back(uow, holder)
