"""Finalising: claims are taken, documents put together, numbered and written, all in one transaction.

Rows are written in bulk and past the session, which would take several times as long as the database.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain, repeat
from typing import Any
from uuid import UUID

from sqlalchemy import update

from rental.billing.book_models import RevenueMonth
from rental.billing.bookkeeping import Bookkeeping
from rental.billing.document_templates import looks_of
from rental.billing.events import InvoiceFinalised
from rental.billing.issuing import the_issuer
from rental.billing.line_facts import description_of, formula_of, unit_price_of
from rental.billing.models import (
    BilledSegment,
    BilledSpan,
    BillingClaim,
    BillingRun,
    BillingSchedule,
    Invoice,
    InvoiceLine,
    InvoiceTax,
)
from rental.billing.obligations import terms_of
from rental.billing.rules.catching_up import Document
from rental.billing.rules.charges import Charge, Entry, Side
from rental.billing.rules.drafts import DraftLine, Due, LineFacts, looked_at_next
from rental.billing.rules.due_dates import closing_on
from rental.billing.rules.runs import InvoiceState, billed_as_of
from rental.billing.snapshots import ToldLine, around_number, sealed_text, snapshot_of
from rental.core import audit
from rental.core.bulk import Load, WrittenJson, insert_many, is_any_of, load_of
from rental.core.ids import new_ids
from rental.core.numbering import next_block
from rental.core.uow import UnitOfWork
from rental.customers.models import BillingAccount

SERIES = "invoice"
_IDS_AT_ONCE = 256
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Billable:
    """An account, all its lines, and the documents that bill what they owe, oldest closing first."""

    account: BillingAccount
    lines: Sequence[LineFacts]
    documents: Sequence[Document]


def finalise_invoices(
    uow: UnitOfWork, run: BillingRun, billables: Sequence[Billable]
) -> dict[UUID, list[UUID]]:
    """Every document is finalised; the ids of the invoices by account, none where nothing was due.

    Whoever calls holds the contracts. The database refuses what was billed before. Each invoice is recorded
    and announced.
    """
    _move_schedules(uow, run, billables)
    due = [(billable.account, document) for billable in billables for document in billable.documents]
    invoices: dict[UUID, list[UUID]] = {billable.account.id: [] for billable in billables}
    if due:
        for account_id, invoice_id in _write(uow, run, due):
            invoices[account_id].append(invoice_id)
    return invoices


def _write(
    uow: UnitOfWork, run: BillingRun, due: Sequence[tuple[BillingAccount, Document]]
) -> list[tuple[UUID, UUID]]:
    """Writes the documents, and who claims which period for which; each account with its invoice.

    The numbers are the last lock: whoever else numbers invoices waits until the commit. So everything is put
    together before, and written as far as it does not refer to a numbered row.
    """
    looks = looks_of(uow.session, {account.id for account, _document in due})
    books = _Books(uow, run, the_issuer(uow.session), looks)
    for account, document in due:
        books.enter(account, document)
    books.write_what_needs_no_number()
    year = uow.today.year
    numbers = next_block(uow, f"{SERIES}:{year}", len(due))
    books.write([f"INV-{year}-{number:08}" for number in numbers])
    return books.invoice_ids


class _Books:
    """The rows of many invoices at once, and of the ledger of charges and days behind them."""

    def __init__(self, uow: UnitOfWork, run: BillingRun, issuer: Row, looks: Mapping[UUID, Row]) -> None:
        self.uow, self.run, self.issuer, self.looks = uow, run, issuer, looks
        self.invoice_ids: list[tuple[UUID, UUID]] = []
        self.invoices: list[Row] = []
        # The snapshot of each as text, before and after its number.
        self.snapshots: list[tuple[str, str]] = []
        self.taxes: list[Row] = []
        self.claims: list[Row] = []
        self.lines: list[Row] = []
        self.charges: list[Row] = []
        self.own_charges: list[Row] = []
        self.credits: list[Row] = []
        self.own_credits: list[Row] = []
        self.spans: list[Row] = []
        self.ready: list[Load] = []
        self._new_id = chain.from_iterable(map(new_ids, repeat(_IDS_AT_ONCE))).__next__
        self.bookkeeping = Bookkeeping(uow, as_of=billed_as_of(run.closed_on), entry_on=run.closed_on)

    def enter(self, account: BillingAccount, document: Document) -> None:
        """One invoice of an account, without its number."""
        draft, invoice_id = document.draft, self._new_id()
        self.invoice_ids.append((account.id, invoice_id))
        invoice = {
            "id": invoice_id,
            "billing_account_id": account.id,
            "billing_run_id": self.run.id,
            "recipient_name": account.name,
            "closed_on": document.closed_on,
            "issued_on": self.uow.today,
            "due_on": draft.due_on,
            "period_start": draft.period.start,
            "period_end": draft.period.end,
            "subtotal": draft.totals.subtotal,
            "tax": draft.totals.tax,
            "total": draft.totals.total,
            "balance": draft.totals.total,
            "tax_rounding": account.tax_rounding,
            "charge_rounding": account.charge_rounding,
            "price_mode": account.price_mode,
            "finalised_at": self.uow.now,
            "state": InvoiceState.FINALISED,
        }
        self.invoices.append(invoice)
        lines = [(line, description_of(line), formula_of(line)) for line in draft.lines]
        said = snapshot_of(invoice, self.issuer, account, draft, lines) | document.group.part_of_snapshot()
        self.snapshots.append(around_number(said | self.looks[account.id]))
        self.taxes += [
            {
                "invoice_id": invoice_id,
                "tax_class": block.rate.tax_class,
                "rate_bp": block.rate.basis_points,
                "base": block.base,
                "tax": block.tax,
            }
            for block in draft.totals.blocks
        ]
        self._claim(document.dues, invoice_id)
        for position, told in enumerate(lines, start=1):
            self._line(told, invoice_id, position)
        self.bookkeeping.enter(invoice, draft, self.lines[-len(lines) :])

    def _claim(self, dues: Sequence[Due], invoice_id: UUID) -> None:
        """The periods it speaks of; the database refuses those that somebody else has claimed."""
        self.claims += [
            {
                "contract_line_id": claim.line_id,
                "kind": claim.kind,
                "period_start": claim.period.start,
                "generation": claim.generation,
                "period_end": claim.period.end,
                "billing_run_id": self.run.id,
                "invoice_id": invoice_id,
            }
            for due in dues
            for claim in due.claims()
        ]

    def _line(self, told: ToldLine, invoice_id: UUID, position: int) -> None:
        """A document line speaks of one entry, and of the charges that remain of a credited one."""
        line, description, formula = told
        charge, rate, line_id = line.charge, line.charge.tax_rate, self._new_id()
        self.lines.append(
            {
                "id": line_id,
                "invoice_id": invoice_id,
                "position": position,
                "contract_line_id": line.facts.line_id,
                "description": description,
                "quantity": charge.quantity,
                "unit_price": unit_price_of(charge),
                "amount": line.line.amount,
                "tax_class": rate.tax_class,
                "rate_bp": rate.basis_points,
                "service_start": charge.used.start,
                "service_end": charge.used.end,
                "formula": formula,
            }
        )
        self._entry(line, line.line.entry, line_id)
        for remaining in line.line.remaining:
            self._entry(line, Entry(remaining), line_id)

    def _entry(self, line: DraftLine, entry: Entry, invoice_line_id: UUID) -> None:
        charge, side = entry
        entry_id = self._new_id()
        row = {
            "id": entry_id,
            "contract_line_id": charge.line_id,
            "kind": charge.kind,
            "period_start": charge.period.start,
            "period_end": charge.period.end,
            "start_on": charge.used.start,
            "end_on": charge.used.end,
            "quantity": charge.quantity,
            "monthly_fee": charge.monthly_fee,
            "tax_class": charge.tax_class,
            "amount": charge.amount,
            "full_amount": charge.share.full,
            "days": charge.share.days,
            "of_days": charge.share.of,
            "sign": int(side),
            "reverses_id": line.facts.billed[charge] if side is Side.CREDIT else None,
            "invoice_line_id": invoice_line_id,
        }
        is_plain = charge.holds_days and charge.units == 1 and charge.rate is None
        if not is_plain:
            row |= _beyond_plain(charge)
        if side is Side.CREDIT:
            (self.credits if is_plain else self.own_credits).append(row)
            return
        (self.charges if is_plain else self.own_charges).append(row)
        if not charge.holds_days:
            return
        self.spans += [
            {
                "id": self._new_id(),
                "slot_id": slot_id,
                "kind": charge.kind,
                "start_on": charge.used.start,
                "end_on": charge.used.end,
                "is_active": True,
                "billed_segment_id": entry_id,
            }
            for slot_id in charge.slot_ids
        ]

    def write_what_needs_no_number(self) -> None:
        """What refers to no row that is numbered; all other rows are made ready."""
        session = self.uow.session
        insert_many(session, BillingClaim, self.claims)
        self.bookkeeping.write_entries(session)
        self._tell()
        # In an order in which the database takes them; what is taken back covers no day any more.
        self.ready = [
            load_of(session, kind, rows)
            for kind, rows in (
                (InvoiceTax, self.taxes),
                (InvoiceLine, self.lines),
                (BilledSegment, self.charges),
                (BilledSegment, self.own_charges),
                (BilledSegment, self.credits),
                (BilledSegment, self.own_credits),
                (BilledSpan, self.spans),
                (RevenueMonth, self.bookkeeping.months),
            )
        ]
        taken_back = [row["reverses_id"] for row in (*self.credits, *self.own_credits)]
        if taken_back:
            session.execute(
                update(BilledSpan)
                .where(BilledSpan.billed_segment_id.in_(taken_back))
                .values(is_active=False)
                .execution_options(synchronize_session=False)
            )

    def write(self, numbers: Sequence[str]) -> None:
        """The numbered rows, and what refers to them."""
        session = self.uow.session
        for invoice, (before, after), number in zip(self.invoices, self.snapshots, numbers, strict=True):
            snapshot = f"{before}{number}{after}"
            invoice |= {
                "number": number,
                "snapshot": WrittenJson(snapshot),
                "snapshot_sha256": sealed_text(snapshot),
            }
        insert_many(session, Invoice, self.invoices)
        for load in self.ready:
            load.store()
        self.bookkeeping.register(session, self.invoices)

    def _tell(self) -> None:
        """The log says of each invoice that it was finalised, and so does the bus."""
        audit.append(
            self.uow.session,
            [
                audit.Change(
                    "finalised", Invoice.__tablename__, invoice_id, None, {"billing_account_id": account_id}
                )
                for account_id, invoice_id in self.invoice_ids
            ],
        )
        self.uow.announce_all(InvoiceFinalised(invoice_id) for _, invoice_id in self.invoice_ids)


def _beyond_plain(charge: Charge) -> Row:
    """What a charge has in the ledger that plain rent has not; the database knows what plain rent has."""
    return {
        "units": charge.units,
        "discount": charge.discount,
        "about": charge.about,
        "rate_bp": charge.rate.basis_points if charge.rate else None,
        "slots": [slot_id.hex for slot_id in charge.slot_ids] if charge.discount else None,
    }


def _move_schedules(uow: UnitOfWork, run: BillingRun, billables: Sequence[Billable]) -> None:
    """Lines that have started are billed through this closing, or further if they were, and due again."""
    after = billed_as_of(run.closed_on)
    moved: dict[tuple[date, date | None], list[UUID]] = defaultdict(list)
    for billable in billables:
        terms = terms_of(billable.account)
        for facts in billable.lines:
            if facts.own is not None:
                billed_through, due_on = looked_at_next(terms, facts, facts.own, as_of=after)
                moved[due_on, billed_through].append(facts.line_id)
                continue
            if not facts.spans:
                continue
            first_day = min(span.start for span in facts.spans)
            through = max(first_day, after, facts.billed_through or after)
            next_closing = closing_on(through, terms.closing_day)
            moved[billed_as_of(next_closing), through if through > first_day else None].append(facts.line_id)
    for (due_on, billed_through), line_ids in moved.items():
        uow.session.execute(
            update(BillingSchedule)
            .where(is_any_of(uow.session, BillingSchedule.contract_line_id, line_ids))
            .values(next_due_on=due_on, billed_through=billed_through)
            .execution_options(synchronize_session=False)
        )
