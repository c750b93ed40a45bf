"""Closings of a time before our books: told on their own day, heard by nobody, drawn when somebody asks."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select

from rental.billing.documents import draw, draw_invoice, keep_document
from rental.billing.models import BillingRun, BillingSchedule, Invoice
from rental.billing.rules.runs import InvoiceState, SendingWay
from rental.billing.runs import bill_chunk, open_run
from rental.billing.schedules import open_schedule, open_schedules
from rental.billing.sending import mark_closing_sent
from rental.contracts.models import Slot
from rental.core.audit import AuditEntry
from rental.core.errors import NotFound
from rental.core.ids import new_id
from rental.core.outbox import OutboxMessage
from tests.factories.billed import Rented, close, invoices_of, machines_in_service, make_issuer
from tests.support.story import Story

THEN = datetime(2026, 5, 1, 0, 30, tzinfo=UTC)


@pytest.fixture
def company(story: Story) -> Story:
    """Machines of two customers in service since April; it is August, and nothing was ever billed."""
    with story.begin() as uow:
        make_issuer(uow)
    for name in ("喫茶みどり", "喫茶あさひ"):
        machines_in_service(story, Rented(9800), name=name, email="keiri@example.jp")
    story.on("2026-08-03")
    return story


def close_then(story: Story, closed_on: date = date(2026, 4, 30), at: datetime = THEN) -> None:
    """The closing as it was done at that instant, by somebody else's books."""
    with story.begin() as uow:
        told = uow.at(at, heard=False)
        run = open_run(told, closed_on)
        for chunk in range(1, run.chunk_count + 1):
            bill_chunk(told, run.id, chunk)
        mark_closing_sent(told, run.id, SendingWay.MAIL)


def messages(story: Story) -> int:
    with story.reading() as session:
        return session.scalar(select(func.count()).select_from(OutboxMessage)) or 0


def test_a_closing_told_afterwards_has_the_days_of_its_time(company: Story) -> None:
    close_then(company)
    invoices = invoices_of(company)
    assert [invoice.number for invoice in invoices] == ["INV-2026-00000001", "INV-2026-00000002"]
    for invoice in invoices:
        assert (invoice.issued_on, invoice.due_on) == (date(2026, 5, 1), date(2026, 6, 1))
        assert (invoice.finalised_at, invoice.sent_at) == (THEN, THEN)
        assert (invoice.state, invoice.sent_by) == (InvoiceState.SENT, SendingWay.MAIL)


def test_nobody_hears_of_what_is_told_unheard(company: Story) -> None:
    before = messages(company)
    close_then(company)
    assert messages(company) == before
    company.everything_happens()
    assert [invoice.document_id for invoice in invoices_of(company)] == [None, None]


def test_the_audit_log_says_of_each_invoice_that_it_was_sent(company: Story) -> None:
    close_then(company)
    with company.reading() as session:
        entries = session.execute(
            select(AuditEntry.entity_id, AuditEntry.after).where(AuditEntry.action == "sent")
        ).all()
    assert sorted(entries) == [(invoice.id, {"sent_by": "mail"}) for invoice in invoices_of(company)]


def test_a_closing_is_marked_as_sent_once_and_no_other_with_it(company: Story) -> None:
    close_then(company)
    close(company, "2026-05-31")
    with company.begin() as uow:
        run_id = uow.session.scalars(
            select(BillingRun.id).where(BillingRun.closed_on == date(2026, 4, 30))
        ).one()
        assert mark_closing_sent(uow, run_id, SendingWay.POST) == 0
    invoices = invoices_of(company)
    assert [invoice.sent_by for invoice in invoices] == [SendingWay.MAIL] * 2 + [None] * 2


def test_the_next_closing_goes_on_where_the_told_one_ended(company: Story) -> None:
    close_then(company)
    close(company, "2026-05-31")
    assert [(invoice.period_start, invoice.total.minor_units) for invoice in invoices_of(company)] == [
        (date(2026, 4, 1), 10_780),
        (date(2026, 4, 1), 10_780),
        (date(2026, 5, 1), 10_780),
        (date(2026, 5, 1), 10_780),
    ]


# documents on demand


def test_a_document_asked_for_is_kept_and_leads_to_no_letter(company: Story) -> None:
    close_then(company)
    invoice = invoices_of(company)[0]
    with company.reading() as session:
        content = draw_invoice(session, invoice.id)
    with company.begin() as uow:
        kept = keep_document(uow, invoice.id, content)
    company.everything_happens_twice()
    with company.reading() as session:
        now = session.get_one(Invoice, invoice.id)
        assert now.document_id == kept.id
        assert now.sent_at == THEN
        assert company.runtime.files.get(kept.sha256) == draw(now.snapshot)


def test_who_asks_before_the_worker_gets_what_the_worker_would_have_kept(company: Story) -> None:
    """The clerk opens the invoice while the worker is behind; then it draws the same and keeps it no more."""
    with company.begin() as uow:
        run = open_run(uow, date(2026, 4, 30))
        bill_chunk(uow, run.id, 1)
    first, second = invoices_of(company)
    with company.reading() as session:
        content = draw_invoice(session, first.id)
    with company.begin() as uow:
        asked_for = keep_document(uow, first.id, content).id
        assert keep_document(uow, first.id, content).id == asked_for
    company.everything_happens()
    with company.reading() as session:
        assert session.get_one(Invoice, first.id).document_id == asked_for
        assert session.get_one(Invoice, second.id).document_id is not None
        names = session.scalars(select(OutboxMessage.name)).all()
    assert names.count("billing.invoice_document_made") == 2


# schedules of many slots


def test_many_schedules_are_what_they_would_be_one_by_one(story: Story) -> None:
    with story.begin() as uow:
        make_issuer(uow)
    for number, closing_day in enumerate((20, 31)):
        machines_in_service(
            story, Rented(9800, machines=3), Rented(2480), closing_day=closing_day, name=f"喫茶{number}"
        )
    with story.begin() as uow:
        slots = uow.session.scalars(select(Slot).order_by(Slot.contract_line_id, Slot.position)).all()
        days = {slot.id: date(2026, 4, 15) + timedelta(3 * number) for number, slot in enumerate(slots)}
        _forget(uow.session.scalars(select(BillingSchedule)).all())
        for slot in reversed(slots):
            open_schedule(uow, slot.id, started_on=days[slot.id])
        one_by_one = _due_days(uow.session.scalars(select(BillingSchedule)).all())
        _forget(uow.session.scalars(select(BillingSchedule)).all())
        open_schedules(uow, days)
        assert _due_days(uow.session.scalars(select(BillingSchedule)).all()) == one_by_one
    assert sorted(one_by_one.values()) == [
        date(2026, 4, 21),
        date(2026, 5, 1),
        date(2026, 5, 21),
        date(2026, 6, 1),
    ]


def test_a_schedule_for_an_unknown_slot_is_refused(company: Story) -> None:
    with pytest.raises(NotFound), company.begin() as uow:
        open_schedules(uow, {new_id(): date(2026, 4, 1)})


def _forget(schedules: Sequence[BillingSchedule]) -> None:
    for schedule in schedules:
        schedule.next_due_on = date.max


def _due_days(schedules: Sequence[BillingSchedule]) -> dict[object, date]:
    return {schedule.contract_line_id: schedule.next_due_on for schedule in schedules}
