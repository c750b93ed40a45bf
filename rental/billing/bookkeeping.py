"""What finalising writes beside the invoice: journal, months of revenue, register of documents; in bulk."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from rental.billing.book_models import Document, JournalEntry, JournalLine
from rental.billing.open_months import open_day
from rental.billing.rules.drafts import Draft
from rental.billing.rules.journals import (
    NOTHING,
    JournalKind,
    JournalSource,
    LedgerAccount,
    Nets,
    Posting,
    earned_without_tax,
    income_account,
    sale,
)
from rental.billing.rules.papers import PaperKind
from rental.billing.rules.tax import TaxRate
from rental.core.bulk import insert_many
from rental.core.money import Money
from rental.core.uow import UnitOfWork

Row = dict[str, Any]


class Bookkeeping:
    """The rows that the invoices of one transaction add to the books, without the tax that lines may hold."""

    def __init__(self, uow: UnitOfWork, *, as_of: date, entry_on: date) -> None:
        self.uow, self.as_of, self.entry_on = uow, as_of, open_day(uow.session, entry_on)
        self.entries: list[Row] = []
        self.postings: list[Row] = []
        self.months: list[Row] = []

    def enter(self, invoice: Row, draft: Draft, lines: Sequence[Row]) -> None:
        """One invoice as its row says it; its lines are those of the draft, in their order."""
        invoice_id = invoice["id"]
        earned = earned_without_tax(
            [each.line for each in draft.lines],
            rounding=invoice["tax_rounding"],
            price_mode=invoice["price_mode"],
        )
        postings = sale(_nets(draft, earned, as_of=self.as_of), draft.totals.blocks)
        if postings:
            entry, rows = entry_rows(
                JournalSource.INVOICE, invoice_id, JournalKind.SALE, self.entry_on, postings
            )
            self.entries.append(entry)
            self.postings += rows
        for row, line, months in zip(lines, draft.lines, earned, strict=True):
            is_deferred = income_account(line.charge, as_of=self.as_of) is LedgerAccount.CONTRACT_LIABILITY
            self.months += [
                {"invoice_line_id": row["id"], "month": month, "amount": amount, "is_deferred": is_deferred}
                for month, amount in months.items()
            ]

    def _registered(self, invoice: Row) -> Row:
        return {
            "id": invoice["id"],
            "kind": PaperKind.INVOICE,
            "number": invoice["number"],
            "source_id": invoice["id"],
            "billing_account_id": invoice["billing_account_id"],
            "counterparty": invoice["recipient_name"],
            "dated_on": invoice["issued_on"],
            "amount": invoice["total"],
            "sha256": invoice["snapshot_sha256"],
            "version": 1,
            "registered_at": self.uow.now,
            "registered_by": self.uow.actor.name,
        }

    def write_entries(self, session: Session) -> None:
        """The journal; the months refer to lines of invoices, and are written after those by whoever does."""
        insert_many(session, JournalEntry, self.entries)
        insert_many(session, JournalLine, self.postings)

    def register(self, session: Session, invoices: Sequence[Row]) -> None:
        """The documents, once they are numbered."""
        insert_many(session, Document, [self._registered(invoice) for invoice in invoices])


def book(
    uow: UnitOfWork,
    source: JournalSource,
    source_id: UUID,
    kind: JournalKind,
    entry_on: date,
    postings: Sequence[Posting],
) -> None:
    """One entry of its own, nothing where there is nothing to post; of each kind there is one per source.

    What belongs to a closed month is booked on the first day of the next.
    """
    if not postings:
        return
    booked_on = open_day(uow.session, entry_on)
    entry, rows = entry_rows(source, source_id, kind, booked_on, postings)
    uow.session.add(JournalEntry(**entry))
    uow.session.flush()
    uow.session.add_all(JournalLine(**row) for row in rows)
    uow.session.flush()


def entry_rows(
    source: JournalSource, source_id: UUID, kind: JournalKind, entry_on: date, postings: Sequence[Posting]
) -> tuple[Row, list[Row]]:
    """A journal entry and its lines."""
    entry = {"source_id": source_id, "kind": kind, "source_type": source, "entry_on": entry_on}
    return entry, [
        {
            "source_id": source_id,
            "kind": kind,
            "position": position,
            "debit": debit,
            "credit": credit,
            "amount": amount,
            "tax_class": rate.tax_class,
            "rate_bp": rate.basis_points,
        }
        for position, (debit, credit, amount, rate) in enumerate(postings, start=1)
    ]


def _nets(draft: Draft, earned: Sequence[Mapping[date, Money]], *, as_of: date) -> Nets:
    nets: dict[tuple[TaxRate, LedgerAccount], Money] = {}
    for line, months in zip(draft.lines, earned, strict=True):
        charge = line.charge
        key = (charge.tax_rate, income_account(charge, as_of=as_of))
        nets[key] = sum(months.values(), nets.get(key, NOTHING))
    return nets
