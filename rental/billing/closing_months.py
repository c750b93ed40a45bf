"""Closing a month of the books: what was paid ahead and is earned by now becomes a sale."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Select, cast, exists, func, select
from sqlalchemy.orm import Session

from rental.billing.book_models import (
    ClosedMonth,
    JournalEntry,
    JournalLine,
    LedgerAccountName,
    RevenueMonth,
    RevenueRecognition,
)
from rental.billing.bookkeeping import entry_rows
from rental.billing.credit_models import RevenueCorrection
from rental.billing.models import InvoiceLine
from rental.billing.open_months import last_closed, month_after
from rental.billing.rules.books import require_over
from rental.billing.rules.journals import NOTHING, JournalKind, JournalSource, LedgerAccount, recognised
from rental.billing.rules.tax import TaxRate
from rental.core.bulk import insert_many, piling_up_rows
from rental.core.ids import new_id
from rental.core.money import Money
from rental.core.uow import UnitOfWork

MONTHS_SHOWN = 24
_KINDS = {JournalSource.INVOICE: JournalKind.SALE, JournalSource.CREDIT_NOTE: JournalKind.RETURN}
# One source and month after another, each with what it earns by rate.
Earning = tuple[JournalSource, UUID, date, dict[TaxRate, Money]]


@dataclass(frozen=True, slots=True)
class OpenMonth:
    """A month that ended and is not closed, and how many documents have something to be recognised in it."""

    month: date
    source_count: int
    amount: Money


@piling_up_rows()
def close_month(uow: UnitOfWork, month: date) -> Sequence[ClosedMonth]:
    """Closes the month that holds this day, and those before it that are still open, each with its revenue.

    A closed month takes no further entry: what becomes known of it later is booked in the first open one. So
    closing a month again does nothing; returns the months that were closed now. Raises MonthNotOver.
    """
    month = month.replace(day=1)
    require_over(month, today=uow.today)
    _hold_the_books(uow)
    return [_close(uow, each) for each in list(_months_to_close(uow.session, month))]


def open_months(session: Session, *, today: date) -> list[OpenMonth]:
    """The months that ended and are not closed yet, oldest first, with what each would make a sale."""
    ended = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    months = list(_months_to_close(session, ended))[-MONTHS_SHOWN:]
    counts: dict[date, int] = dict.fromkeys(months, 0)
    amounts: dict[date, Money] = dict.fromkeys(months, NOTHING)
    for earned_in, count, amount in _sums_until(session, ended) if months else ():
        booked_in = max(earned_in, months[0])
        counts[booked_in] += count
        amounts[booked_in] += Money(amount)
    return [OpenMonth(month, counts[month], amounts[month]) for month in months]


def closed_months(session: Session) -> Sequence[ClosedMonth]:
    """The months that were closed last, latest first."""
    return session.scalars(select(ClosedMonth).order_by(ClosedMonth.month.desc()).limit(MONTHS_SHOWN)).all()


def _hold_the_books(uow: UnitOfWork) -> None:
    """Two who close at once do so one after the other."""
    account = select(LedgerAccountName).where(LedgerAccountName.account == LedgerAccount.CONTRACT_LIABILITY)
    uow.session.execute(account.with_for_update())


def _months_to_close(session: Session, until: date) -> Iterator[date]:
    """From the first open month on: where none was closed yet, the first to which something was deferred."""
    closed = last_closed(session)
    first = select(func.min(RevenueMonth.month)).where(RevenueMonth.is_deferred)
    month = month_after(closed) if closed else min(session.scalar(first) or until, until)
    while month <= until:
        yield month
        month = month_after(month)


def _close(uow: UnitOfWork, month: date) -> ClosedMonth:
    """The entries first: afterwards the month takes none."""
    booked_on = month_after(month) - timedelta(days=1)
    recognitions: list[dict[str, Any]] = []
    entries: list[dict[str, Any]] = []
    lines: list[dict[str, Any]] = []
    for source, source_id, earned_in, amounts in _earned_until(uow.session, month):
        recognition_id = new_id()
        recognitions.append(
            {
                "id": recognition_id,
                "source_id": source_id,
                "source_type": source,
                "month": earned_in,
                "amount": sum(amounts.values(), NOTHING),
            }
        )
        if postings := recognised(amounts):
            entry, rows = entry_rows(source, recognition_id, _KINDS[source], booked_on, postings)
            entries.append(entry)
            lines += rows
    insert_many(uow.session, RevenueRecognition, recognitions)
    insert_many(uow.session, JournalEntry, entries)
    insert_many(uow.session, JournalLine, lines)
    closed = ClosedMonth(
        month=month,
        closed_at=uow.now,
        closed_by=uow.actor.name,
        source_count=len(recognitions),
        amount=sum((row["amount"] for row in recognitions), NOTHING),
    )
    uow.session.add(closed)
    uow.session.flush()
    return closed


def _earned_until(session: Session, month: date) -> Iterator[Earning]:
    """What was deferred to this month or an earlier one and is not recognised, by document and month."""
    for source, statement in (
        (JournalSource.INVOICE, _deferred_by_invoices(month)),
        (JournalSource.CREDIT_NOTE, _deferred_by_credits(month)),
    ):
        found: dict[tuple[UUID, date], dict[TaxRate, Money]] = defaultdict(dict)
        for source_id, earned_in, tax_class, rate_bp, amount in session.execute(statement):
            found[source_id, earned_in][TaxRate(tax_class, rate_bp)] = Money(amount)
        for (source_id, earned_in), amounts in found.items():
            yield source, source_id, earned_in, amounts


def _sums_until(session: Session, month: date) -> Iterator[tuple[date, int, int]]:
    """The same, added up by month: so many documents, and so many yen."""
    for statement in (_deferred_by_invoices(month), _deferred_by_credits(month)):
        deferred = statement.order_by(None).subquery()
        source_id, earned_in, *_rate, amount = deferred.c
        total = cast(func.sum(amount), BigInteger)
        sums = select(earned_in, func.count(source_id.distinct()), total).group_by(earned_in)
        yield from session.execute(sums)


def _deferred_by_invoices(month: date) -> Select[UUID, date, Any, int, int]:
    is_recognised = exists().where(
        RevenueRecognition.source_id == InvoiceLine.invoice_id, RevenueRecognition.month == RevenueMonth.month
    )
    key = (InvoiceLine.invoice_id, RevenueMonth.month, InvoiceLine.tax_class, InvoiceLine.rate_bp)
    return (
        select(*key, cast(func.sum(RevenueMonth.amount), BigInteger))
        .join(InvoiceLine, InvoiceLine.id == RevenueMonth.invoice_line_id)
        .where(RevenueMonth.is_deferred, RevenueMonth.month <= month, ~is_recognised)
        .group_by(*key)
        .order_by(*key)
    )


def _deferred_by_credits(month: date) -> Select[UUID, date, Any, int, int]:
    """Negative amounts: the credit took them from what was owed."""
    is_recognised = exists().where(
        RevenueRecognition.source_id == RevenueCorrection.credit_note_id,
        RevenueRecognition.month == RevenueCorrection.month,
    )
    key = (
        RevenueCorrection.credit_note_id,
        RevenueCorrection.month,
        InvoiceLine.tax_class,
        InvoiceLine.rate_bp,
    )
    return (
        select(*key, cast(func.sum(RevenueCorrection.deferred), BigInteger))
        .join(InvoiceLine, InvoiceLine.id == RevenueCorrection.invoice_line_id)
        .where(RevenueCorrection.deferred != NOTHING, RevenueCorrection.month <= month, ~is_recognised)
        .group_by(*key)
        .order_by(*key)
    )
