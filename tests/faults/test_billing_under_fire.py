"""A closing under fire: workers killed at random, the queue emptied; every slot is billed once."""

import json
import logging
import random
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from redis import Redis
from sqlalchemy import func, select

from rental.billing.models import (
    BilledSegment,
    BilledSpan,
    BillingClaim,
    BillingItem,
    Invoice,
    InvoiceLine,
    InvoiceTax,
)
from rental.billing.rules.runs import InvoiceState, ItemState
from rental.contracts.models import Slot
from rental.core import sealing
from rental.core.audit import AuditEntry
from rental.core.clock import SettableClock, SystemClock
from rental.core.deliveries import run_again
from rental.core.outbox import Delivery, DeliveryState
from rental.core.uow import begin, system
from rental.demo.clock import pin_business_date
from tests.factories.billed import counters_in_service, make_issuer
from tests.support.databases import Database
from tests.support.leases import let_leases_run_out
from tests.support.processes import Installation, installation, wait_until
from tests.support.story import Story

pytestmark = [pytest.mark.slow, pytest.mark.faults]

log = logging.getLogger(__name__)
WORKERS = ("worker-1", "worker-2", "worker-3")
FLUSHED_EVERY = 4  # kills
LONGEST_WAIT = 0.2  # seconds in which the worker that will be killed goes on
LONGEST_STORM = 900


@dataclass
class Extent:
    """How many slots are billed, so many accounts at a time, under so many kills."""

    slots: int
    chunk: int
    kills: int


@pytest.fixture
def extent(is_nightly: bool) -> Extent:
    return Extent(2000, 50, 40) if is_nightly else Extent(80, 4, 8)


@pytest.fixture
def company(story: Story, extent: Extent) -> Story:
    """An account for each slot, in service since the middle of April; it is the first of May."""
    with story.begin() as uow:
        make_issuer(uow)
    story.on("2026-04-16")
    counters_in_service(story, extent.slots)
    with story.begin() as uow:
        pin_business_date(uow, date(2026, 5, 1))
    story.runtime.clock = SystemClock()  # other processes are part of this story
    return story


@pytest.fixture
def running(
    company: Story, database: Database, extent: Extent, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    """Valkey, a tick and three workers on the company's database."""
    monkeypatch.setenv("RENTAL_BILLING_CHUNK", str(extent.chunk))
    with installation(database.url) as processes:
        processes.start_valkey()
        processes.start_tick()
        for name in WORKERS:
            processes.start_worker(name)
        yield processes


@dataclass
class Axe:
    """Kills workers while they work, at any moment of it; each is replaced at once."""

    story: Story
    processes: Installation
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    kills: int = 0
    flushes: int = 0
    # What was at work when somebody was killed: whoever held it may be dead.
    orphaned: set[UUID] = field(default_factory=set)

    def fall(self) -> None:
        """On a worker while something is being worked on, or on any when all have been idle for a while."""
        name = self.chance.choice(self.busy() or WORKERS)
        with suppress(AssertionError):
            wait_until(lambda: not at_work(self.story) <= self.orphaned, "nobody claims anything", seconds=3)
        time.sleep(self.chance.uniform(0, LONGEST_WAIT))
        self.processes.kill(name)
        self.processes.start_worker(name)
        self.orphaned = at_work(self.story)
        self.kills += 1
        if self.kills % FLUSHED_EVERY == 0:
            with Redis.from_url(self.processes.redis_url) as queue:
                queue.flushall()
            self.flushes += 1

    def busy(self) -> list[str]:
        """Who works. When all are idle for a moment, what is left is held by the dead: their time is up."""
        for _ in range(5):
            with suppress(AssertionError):
                wait_until(lambda: any(map(self.processes.children_of, WORKERS)), "all are idle", seconds=2)
            if busy := [name for name in WORKERS if self.processes.children_of(name)]:
                return busy
            let_leases_run_out(self.story)
        return []


def at_work(story: Story) -> set[UUID]:
    """The deliveries that somebody holds."""
    with story.reading() as session:
        return set(session.scalars(select(Delivery.id).where(Delivery.state == DeliveryState.RUNNING)))


def waiting_accounts(story: Story) -> int:
    """The accounts that the closing has not finished."""
    with story.reading() as session:
        statement = select(func.count()).where(BillingItem.state == ItemState.TODO)
        return session.scalar(statement) or 0


def storm(story: Story, running: Installation, kills: int) -> Axe:
    """Until so many workers were killed and every account is billed all the same."""
    axe = Axe(story, running)
    ends_at = time.monotonic() + LONGEST_STORM
    while axe.kills < kills:
        assert time.monotonic() < ends_at, f"only {axe.kills} kills"
        axe.fall()
    while waiting_accounts(story):
        assert time.monotonic() < ends_at, "the closing does not end"
        axe.busy()
        time.sleep(0.1)
    return axe


def settle(story: Story) -> None:
    """After the storm: leases of the dead run out, what is parked gets its second chance, all is done."""
    story.clock = SettableClock(datetime.now(UTC) + timedelta(minutes=2))
    story.runtime.clock = story.clock
    unfinished = select(Delivery.id).where(Delivery.state != DeliveryState.DONE)
    for _ in range(20):
        story.tick()
        with story.begin() as uow:
            parked = unfinished.where(Delivery.state == DeliveryState.PARKED)
            for delivery_id in uow.session.scalars(parked).all():
                run_again(uow, delivery_id)
        while story.everything_happens():
            pass
        with story.reading() as session:
            if session.scalars(unfinished.limit(1)).first() is None:
                break
        story.later(seconds=40)
    with story.app.app_context(), begin(system("tick")) as uow:
        sealing.seal_committed(uow, limit=1_000_000)


def lost_at_work(story: Story) -> int:
    """How often a claim was lost with its worker."""
    with story.reading() as session:
        attempts = select(func.sum(Delivery.attempt_count - 1)).where(Delivery.state == DeliveryState.DONE)
        return session.scalar(attempts) or 0


def test_a_closing_under_fire_bills_every_slot_once(
    company: Story, running: Installation, extent: Extent
) -> None:
    opened = running.rental("bill", "--closing", "2026-04-30", "--json")
    assert opened.returncode == 0, opened.stderr
    assert json.loads(opened.stdout)["account_count"] == extent.slots
    began = time.monotonic()
    axe = storm(company, running, extent.kills)
    took = time.monotonic() - began
    for name in (*WORKERS, "tick"):
        running.kill(name)
    settle(company)
    lost = lost_at_work(company)
    log.info("%d kills, %d claims lost, %d flushes in %.0f s", axe.kills, lost, axe.flushes, took)

    assert axe.kills >= extent.kills
    assert axe.flushes >= 2
    assert lost >= extent.kills // 4, "the axe fell beside the work"
    is_billed_once(company, extent.slots)
    checked = running.rental("check")
    assert checked.returncode == 0, checked.stdout
    again = running.rental("bill", "--closing", "2026-04-30", "--json")
    assert json.loads(again.stdout)["invoice_count"] == extent.slots
    is_billed_once(company, extent.slots)


def is_billed_once(story: Story, count: int) -> None:
    """An invoice for each account, numbered without a gap; each day of each slot in one charge."""
    rows = (Invoice, InvoiceLine, InvoiceTax, BillingClaim, BilledSegment, BilledSpan)
    assert [story.count(kind) for kind in rows] == [count] * len(rows)
    with story.reading() as session:
        numbers = session.scalars(select(Invoice.number).order_by(Invoice.number)).all()
        assert numbers == [f"INV-2026-{number:08}" for number in range(1, count + 1)]
        assert session.scalar(select(func.count(Invoice.billing_account_id.distinct()))) == count
        spans = session.execute(
            select(BilledSpan.start_on, BilledSpan.end_on, BilledSpan.is_active).distinct()
        ).all()
        assert [tuple(span) for span in spans] == [(date(2026, 4, 16), date(2026, 5, 1), True)]
        assert set(session.scalars(select(BilledSpan.slot_id))) == set(session.scalars(select(Slot.id)))
        assert set(session.scalars(select(BillingItem.state))) == {ItemState.DONE}
        assert set(session.scalars(select(Invoice.state))) == {InvoiceState.SENT}
        assert session.scalar(select(func.count(Invoice.document_id))) == count
        finalised = select(func.count()).where(AuditEntry.action == "finalised")
        assert session.scalar(finalised) == count
    assert story.announced().count("billing.invoice_finalised") == count
