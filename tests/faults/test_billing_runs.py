"""A closing under many hands and under the axe: two workers at one chunk, a kill at every statement."""

from collections.abc import Callable
from datetime import date
from multiprocessing import get_context
from uuid import UUID

import pytest
from sqlalchemy import select

from rental.assurance.checks import CHECKS
from rental.billing.models import (
    BilledSegment,
    BilledSpan,
    BillingClaim,
    BillingItem,
    Invoice,
    InvoiceLine,
    InvoiceTax,
)
from rental.billing.rules.runs import ItemState
from rental.billing.runs import bill_chunk, open_run
from rental.core.numbering import Counter
from rental.core.outbox import Delivery
from rental.core.uow import begin, system
from rental.worker import run_delivery
from tests.factories.billed import Rented, invoices_of, machines_in_service, make_issuer
from tests.support.forking import KILLED, dying_at, fork, in_child_processes, outcome
from tests.support.story import Story

pytestmark = pytest.mark.faults

CLOSED_ON = date(2026, 4, 30)
WRITTEN = (Invoice, InvoiceLine, InvoiceTax, BillingClaim, BilledSegment, BilledSpan)


@pytest.fixture
def company(story: Story) -> Story:
    """Four accounts with two machines each, in service for half of April; it is the first of May."""
    with story.begin() as uow:
        make_issuer(uow)
    story.on("2026-04-16")
    for number in range(4):
        machines_in_service(story, Rented(9800, machines=2), name=f"喫茶{number}")
    story.on("2026-05-01")
    return story


def opened(story: Story, chunk_size: int) -> UUID:
    """The closing is open, and nobody has worked on it yet."""
    with story.begin("clerk") as uow:
        return open_run(uow, CLOSED_ON, chunk_size=chunk_size).id


def bill(story: Story, run_id: UUID, chunk: int) -> None:
    with story.app.app_context(), begin(system("worker")) as uow:
        bill_chunk(uow, run_id, chunk)


def counts(story: Story) -> list[int]:
    return [story.count(kind) for kind in WRITTEN]


def findings(story: Story) -> dict[str, int]:
    with story.reading() as session:
        rows = {check.code: check.ask(session, story.clock.now()) for check in CHECKS}
    return {code: len(found) for code, found in rows.items() if found and code != "P4b"}


def is_billed_once(story: Story) -> None:
    """Four invoices, numbered without a gap, two slots each; nothing contradicts anything."""
    story.everything_happens()
    assert [invoice.number for invoice in invoices_of(story)] == [
        f"INV-2026-{number:08}" for number in range(1, 5)
    ]
    assert len({invoice.billing_account_id for invoice in invoices_of(story)}) == 4
    assert counts(story) == [4, 4, 4, 4, 4, 8]
    assert story.announced().count("billing.invoice_finalised") == 4
    assert all(invoice.document_id for invoice in invoices_of(story))
    assert findings(story) == {}
    story.everything_happens_twice()
    assert counts(story) == [4, 4, 4, 4, 4, 8]


def at_once(story: Story, *works: Callable[[], object]) -> None:
    """Starts them in processes of their own, at the same moment."""
    start = get_context("fork").Barrier(len(works))

    def waiting(work: Callable[[], object]) -> Callable[[], None]:
        def run() -> None:
            start.wait(20)
            work()

        return run

    in_child_processes(story.app, *(waiting(work) for work in works))


@pytest.mark.slow
def test_two_workers_at_the_same_chunk_bill_each_account_once(company: Story) -> None:
    run_id = opened(company, 4)
    at_once(company, *(lambda: bill(company, run_id, 1) for _ in range(3)))
    assert company.count(Invoice) == 4
    is_billed_once(company)


@pytest.mark.slow
def test_workers_at_different_chunks_share_one_series_of_numbers(company: Story) -> None:
    run_id = opened(company, 1)
    at_once(company, *(lambda chunk=chunk: bill(company, run_id, chunk) for chunk in (1, 2, 3, 4)))
    is_billed_once(company)


@pytest.mark.slow
def test_a_closing_opened_by_two_at_once_is_one(company: Story) -> None:
    at_once(company, *(lambda: opened(company, 2) for _ in range(3)))
    assert company.announced().count("billing.chunk_opened") == 2
    assert company.count(BillingItem) == 4
    is_billed_once(company)


@pytest.mark.slow
def test_a_chunk_killed_at_any_statement_leaves_nothing_or_everything(company: Story) -> None:
    run_id = opened(company, 4)
    nothing = counts(company)
    died = 0
    for point in range(400):
        ending = outcome(fork(company.app, dying_at(point, lambda: bill(company, run_id, 1))))
        assert ending in (0, KILLED)
        if ending == 0 or counts(company) != nothing:
            break
        with company.reading() as session:
            assert set(session.scalars(select(BillingItem.state))) == {ItemState.TODO}
            assert session.scalar(select(Counter).where(Counter.series == "invoice:2026")) is None
        died += 1
    assert died >= 40, "billing a chunk has more moments than that"
    assert counts(company) == [4, 4, 4, 4, 4, 8]
    is_billed_once(company)


@pytest.mark.slow
def test_opening_a_closing_killed_at_any_statement_opens_it_wholly_or_not_at_all(company: Story) -> None:
    for point in range(200):
        ending = outcome(fork(company.app, dying_at(point, lambda: opened(company, 2))))
        assert ending in (0, KILLED)
        if ending == 0 or company.count(BillingItem):
            break
        assert "billing.chunk_opened" not in company.announced()
    assert company.count(BillingItem) == 4
    is_billed_once(company)


@pytest.mark.slow
def test_a_worker_killed_anywhere_between_chunk_and_document_is_made_up_for(company: Story) -> None:
    """The delivery itself dies, with its claim; the tick takes it back and another worker goes on."""
    opened(company, 4)
    with company.reading() as session:
        delivery_id = session.scalars(
            select(Delivery.id).where(Delivery.handler == "billing.bill_opened_chunk")
        ).one()

    def work() -> None:
        with company.app.app_context():
            run_delivery(delivery_id)

    for point in (3, 25, 40, 55):
        assert outcome(fork(company.app, dying_at(point, work))) in (0, KILLED)
        company.later(seconds=40)
        company.tick()
    is_billed_once(company)
