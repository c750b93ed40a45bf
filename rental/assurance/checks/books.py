"""Do the books say what the documents say; was no more taken back, and no more billed, than there was?"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, cast, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from rental.assurance.checks.asking import Check, Severity, rows_of
from rental.billing.book_models import (
    Document,
    JournalEntry,
    JournalLine,
    RevenueMonth,
    RevenueRecognition,
)
from rental.billing.credit_models import CreditNote, RevenueCorrection
from rental.billing.models import BilledSpan, BillingSchedule, Invoice
from rental.billing.payment_models import Allocation, DepositEntry, Payment
from rental.billing.rules.credits import CreditEffect
from rental.billing.rules.journals import JournalKind, LedgerAccount
from rental.billing.rules.papers import PaperKind
from rental.billing.rules.payments import AllocationKind
from rental.billing.rules.runs import BillingKind
from rental.contracts.models import Contract, Line, Slot
from rental.core.money import Money

# What an entry of the journal may stand for.
_SOURCES = (Invoice, CreditNote, Payment, Allocation, DepositEntry, RevenueRecognition)


def documents_apart_from_the_books(session: Session, _as_of: datetime) -> list[dict[str, Any]]:
    """M4: an invoice whose journal makes the customer owe another sum, or that is not in the register.

    And an entry of the journal that no document is behind. Both sides of a posting stand in one row, so there
    is no entry whose debits are not its credits (M3).
    """
    owed = (
        select(
            JournalLine.source_id,
            (
                func.coalesce(
                    func.sum(JournalLine.amount).filter(JournalLine.debit == LedgerAccount.RECEIVABLE), 0
                )
                - func.coalesce(
                    func.sum(JournalLine.amount).filter(JournalLine.credit == LedgerAccount.RECEIVABLE), 0
                )
            ).label("amount"),
        )
        .where(JournalLine.kind == JournalKind.SALE)
        .group_by(JournalLine.source_id)
        .subquery()
    )
    document = and_(
        Document.source_id == Invoice.id, Document.kind == PaperKind.INVOICE, Document.version == 1
    )
    booked = func.coalesce(owed.c.amount, 0)
    return [
        *rows_of(
            session,
            select(
                Invoice.number.label("invoice"),
                Invoice.total,
                booked.label("booked"),
                Document.id.is_not(None).label("is_registered"),
            )
            .outerjoin(owed, owed.c.source_id == Invoice.id)
            .outerjoin(Document, document)
            .where(or_(booked != Invoice.total, Document.id.is_(None))),
        ),
        *rows_of(
            session,
            select(JournalEntry.source_id.label("entry_of"), JournalEntry.kind, JournalEntry.entry_on)
            .outerjoin(Invoice, Invoice.id == JournalEntry.source_id)
            .outerjoin(CreditNote, CreditNote.id == JournalEntry.source_id)
            .outerjoin(Payment, Payment.id == JournalEntry.source_id)
            .outerjoin(Allocation, Allocation.id == JournalEntry.source_id)
            .outerjoin(DepositEntry, DepositEntry.id == JournalEntry.source_id)
            .outerjoin(RevenueRecognition, RevenueRecognition.id == JournalEntry.source_id)
            .where(*(source.id.is_(None) for source in _SOURCES)),
        ),
    ]


def more_taken_back_than_billed(session: Session, _as_of: datetime) -> list[dict[str, Any]]:
    """M9: an invoice whose credit notes together are more than its total, or give back more than was paid."""
    credited = cast(func.sum(CreditNote.total), BigInteger)
    refunded = (
        select(CreditNote.invoice_id, cast(func.sum(CreditNote.total), BigInteger).label("amount"))
        .where(CreditNote.effect != CreditEffect.REDUCE_BALANCE)
        .group_by(CreditNote.invoice_id)
        .subquery()
    )
    paid = (
        select(func.coalesce(cast(func.sum(Allocation.amount), BigInteger), 0))
        .where(
            Allocation.invoice_id == Invoice.id,
            Allocation.kind != AllocationKind.FEE,
            Allocation.taken_back_on.is_(None),
        )
        .correlate(Invoice)
        .scalar_subquery()
    )
    return [
        *rows_of(
            session,
            select(Invoice.number.label("invoice"), Invoice.total, credited.label("credited"))
            .join(CreditNote, CreditNote.invoice_id == Invoice.id)
            .group_by(Invoice.id, Invoice.number, Invoice.total)
            .having(credited > Invoice.total),
        ),
        *rows_of(
            session,
            select(Invoice.number.label("invoice"), paid.label("paid"), refunded.c.amount.label("refunded"))
            .join(refunded, refunded.c.invoice_id == Invoice.id)
            .where(refunded.c.amount > paid),
        ),
    ]


def owed_otherwise_than_deferred(session: Session, _as_of: datetime) -> list[dict[str, Any]]:
    """M10: what the journal owes to customers for days to come is not what is deferred and not recognised."""
    is_ahead, is_earned = (
        side == LedgerAccount.CONTRACT_LIABILITY for side in (JournalLine.credit, JournalLine.debit)
    )
    booked = _sum(session, JournalLine.amount, is_ahead) - _sum(session, JournalLine.amount, is_earned)
    deferred = (
        _sum(session, RevenueMonth.amount, RevenueMonth.is_deferred)
        + _sum(session, RevenueCorrection.deferred)
        - _sum(session, RevenueRecognition.amount)
    )
    return [] if booked == deferred else [{"booked": booked, "deferred": deferred}]


def _sum(
    session: Session, amount: InstrumentedAttribute[Money], *conditions: ColumnElement[bool] | Any
) -> int:
    total = select(func.coalesce(cast(func.sum(amount), BigInteger), 0)).where(*conditions)
    return session.scalar(total) or 0


def billed_after_the_end(session: Session, _as_of: datetime) -> list[dict[str, Any]]:
    """C4: rent of days after a slot ended that nobody took back, though its line was billed since."""
    return rows_of(
        session,
        select(
            Contract.number.label("contract"),
            Line.position.label("line"),
            Slot.position.label("slot"),
            Slot.ended_on,
            BilledSpan.end_on.label("billed_until"),
        )
        .join(Slot, Slot.id == BilledSpan.slot_id)
        .join(Line, Line.id == Slot.contract_line_id)
        .join(Contract, Contract.id == Line.contract_id)
        .join(BillingSchedule, BillingSchedule.contract_line_id == Line.id)
        .where(
            BilledSpan.is_active,
            BilledSpan.kind == BillingKind.RECURRING,
            BilledSpan.end_on > Slot.ended_on,
            BillingSchedule.next_due_on > BillingSchedule.billed_through,
        ),
    )


_BEHIND_OUR_BACK = "Somebody changed the books behind the product's back: compare with the latest backup."

BOOK_CHECKS = (
    Check(
        "M4",
        "Does the journal ask of every customer what the invoices ask, and is every invoice registered?",
        _BEHIND_OUR_BACK,
        Severity.ERROR,
        documents_apart_from_the_books,
    ),
    Check(
        "M9",
        "Is no more taken back of an invoice than it asked for, and no more given back than was paid?",
        _BEHIND_OUR_BACK,
        Severity.ERROR,
        more_taken_back_than_billed,
    ),
    Check(
        "M10",
        "Do the books owe customers exactly what was paid for days that are still to be earned?",
        _BEHIND_OUR_BACK,
        Severity.ERROR,
        owed_otherwise_than_deferred,
    ),
    Check(
        "C4",
        "Is no rent left standing for days after a machine's last one?",
        "Open the closing of those days again; what is too much is taken back.",
        Severity.ERROR,
        billed_after_the_end,
    ),
)
