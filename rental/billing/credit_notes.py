"""Credit notes: something of an invoice is taken back, in part or whole; the invoice itself stays."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from rental.billing.book_models import JournalLine, RevenueMonth
from rental.billing.bookkeeping import book
from rental.billing.credit_models import CreditNote, CreditNoteLine, CreditNoteTax, RevenueCorrection
from rental.billing.issuing import the_issuer
from rental.billing.kept_credits import keep_credit
from rental.billing.models import Invoice, InvoiceLine, InvoiceTax
from rental.billing.payment_queries import fees_borne
from rental.billing.register import Paper, issue_paper, recipient_of
from rental.billing.rules.credits import (
    NOTHING,
    REASON_MAX_LENGTH,
    Credit,
    CreditEffect,
    CreditKind,
    Left,
    LeftLine,
    booked_by_line,
    credit_of,
    left_of_taxes,
    require_document,
    require_effect,
    whole_credit,
)
from rental.billing.rules.journals import (
    JournalKind,
    JournalSource,
    LedgerAccount,
    corrections_of,
    deferred_part,
    taken_back,
)
from rental.billing.rules.papers import PaperKind, Template
from rental.billing.rules.revenue import Earned
from rental.billing.rules.tax import TaxBlock, TaxRate
from rental.catalog.rules import TaxClass
from rental.core.ids import new_id
from rental.core.money import Money
from rental.core.numbering import number_of_year
from rental.core.text import tidy
from rental.core.uow import UnitOfWork, locked
from rental.customers.rules import require_line

SERIES = "credit_note"
_OWED = {
    CreditEffect.REDUCE_BALANCE: LedgerAccount.RECEIVABLE,
    CreditEffect.REFUND: LedgerAccount.REFUNDS_PAYABLE,
    CreditEffect.CUSTOMER_CREDIT: LedgerAccount.ADVANCE_RECEIVED,
}


def issue_credit_note(
    uow: UnitOfWork,
    invoice_id: UUID,
    *,
    kind: CreditKind,
    reason: str,
    amounts: Mapping[int, Money] | None = None,
    effect: CreditEffect = CreditEffect.REDUCE_BALANCE,
    has_document: bool = True,
) -> CreditNote:
    """Takes back these amounts by the position of their line, before tax or with it as the invoice has them;
    without amounts, all that is left of the invoice.

    Raises NothingLeft, MoreThanLeft, NothingCredited, NoSuchLine, MoreThanOwed, MoreThanPaid, DocumentNeeded,
    NoIssuer, Missing, TooLong.
    """
    invoice = locked(uow, Invoice, invoice_id)
    reason = tidy(reason)
    require_line(reason, "reason", REASON_MAX_LENGTH)
    left = what_is_left(uow.session, invoice)
    credit = foresee_credit(invoice, left, amounts)
    total = credit.totals.total
    require_effect(effect, total, left)
    require_document(total, has_document=has_document)
    issuer = the_issuer(uow.session)
    uow.because(reason)

    if effect is CreditEffect.REDUCE_BALANCE:
        invoice.balance = invoice.balance - total
    note = CreditNote(
        id=new_id(),
        number=number_of_year(uow, SERIES, "CN"),
        invoice_id=invoice.id,
        kind=kind,
        effect=effect,
        reason=reason,
        issued_on=uow.today,
        subtotal=credit.totals.subtotal,
        tax=credit.totals.tax,
        total=total,
        tax_rounding=invoice.tax_rounding,
        price_mode=invoice.price_mode,
        has_document=has_document,
        finalised_at=uow.now,
    )
    uow.session.add(note)
    uow.session.flush()
    _write_amounts(uow, note, credit)
    _book(uow, note, invoice, credit)
    if effect is CreditEffect.CUSTOMER_CREDIT:
        keep_credit(uow, note, invoice.billing_account_id)
    if has_document:
        _issue(uow, note, invoice, credit, issuer)
    return note


def foresee_credit(invoice: Invoice, left: Left, amounts: Mapping[int, Money] | None) -> Credit:
    """What a credit note would say. Raises NothingLeft, MoreThanLeft, NothingCredited, NoSuchLine."""
    rounding, price_mode = invoice.tax_rounding, invoice.price_mode
    if amounts is None:
        return whole_credit(left, rounding=rounding, price_mode=price_mode)
    return credit_of(left, amounts, rounding=rounding, price_mode=price_mode)


def what_is_left(session: Session, invoice: Invoice) -> Left:
    """What earlier credit notes have left of the invoice, and what was paid of it."""
    notes = session.scalars(select(CreditNote).where(CreditNote.invoice_id == invoice.id)).all()
    ids = [note.id for note in notes]
    credited: dict[UUID, Money] = defaultdict(lambda: NOTHING)
    for line_id, amount in session.execute(
        select(CreditNoteLine.invoice_line_id, CreditNoteLine.amount).where(
            CreditNoteLine.credit_note_id.in_(ids)
        )
    ):
        credited[line_id] += amount
    lines = session.scalars(
        select(InvoiceLine).where(InvoiceLine.invoice_id == invoice.id).order_by(InvoiceLine.position)
    ).all()
    taxes = session.scalars(select(InvoiceTax).where(InvoiceTax.invoice_id == invoice.id)).all()
    taken = session.scalars(select(CreditNoteTax).where(CreditNoteTax.credit_note_id.in_(ids))).all()
    return Left(
        lines=[
            LeftLine(line.id, line.position, _rate(line), line.amount - credited[line.id]) for line in lines
        ],
        taxes=left_of_taxes(map(_block, taxes), map(_block, taken)),
        balance=invoice.balance,
        paid=invoice.total
        - invoice.balance
        - sum((note.total for note in notes), NOTHING)
        - fees_borne(session, invoice.id),
    )


def _rate(row: InvoiceLine | InvoiceTax | CreditNoteTax) -> TaxRate:
    return TaxRate(row.tax_class, row.rate_bp)


def _block(row: InvoiceTax | CreditNoteTax) -> TaxBlock:
    return TaxBlock(_rate(row), row.base, row.tax)


def _write_amounts(uow: UnitOfWork, note: CreditNote, credit: Credit) -> None:
    uow.session.add_all(
        CreditNoteLine(
            credit_note_id=note.id, position=position, invoice_line_id=each.line.id, amount=each.amount
        )
        for position, each in enumerate(credit.lines, start=1)
    )
    uow.session.add_all(
        CreditNoteTax(
            credit_note_id=note.id,
            tax_class=block.rate.tax_class,
            rate_bp=block.rate.basis_points,
            base=block.base,
            tax=block.tax,
        )
        for block in credit.totals.blocks
    )
    uow.session.flush()


def _book(uow: UnitOfWork, note: CreditNote, invoice: Invoice, credit: Credit) -> None:
    """The sale is turned round: first what is not earned yet, then what the open month has to bear.

    Each rate is booked with what the note says of it. Where prices hold the tax, its lines may have a yen
    more or less in the books; the open month bears that, too, until the invoice is taken back whole.
    """
    schedules, deferred_ids = _schedules(uow.session, invoice.id), _deferred_lines(uow.session, invoice.id)
    still_booked = {
        each.line.id: sum((month.amount for month in schedules[each.line.id]), NOTHING)
        for each in credit.lines
    }
    rates = {each.line.id: each.line.rate for each in credit.lines}
    booked = _booked(uow.session, invoice)
    open_month = uow.today.replace(day=1)
    closed_month = (open_month - timedelta(days=1)).replace(day=1)
    ahead_of: dict[TaxRate, Money] = defaultdict(lambda: NOTHING)
    for line_id, amount in booked_by_line(credit, still_booked).items():
        months, unearned = corrections_of(schedules[line_id], amount, closed_month=closed_month)
        ahead = unearned if line_id in deferred_ids else NOTHING
        deferred = deferred_part(months, taken_at_once=amount - ahead, open_month=open_month) if ahead else {}
        uow.session.add_all(
            RevenueCorrection(
                credit_note_id=note.id,
                invoice_line_id=line_id,
                month=month,
                amount=corrected,
                deferred=deferred.get(month, NOTHING),
            )
            for month, corrected in months.items()
        )
        ahead_of[rates[line_id]] += ahead
    nets: dict[tuple[TaxRate, LedgerAccount], Money] = {}
    for block in credit.totals.blocks:
        nets[block.rate, LedgerAccount.CONTRACT_LIABILITY] = ahead_of[block.rate]
        nets[block.rate, _income_of(booked[block.rate])] = block.base - ahead_of[block.rate]
    postings = taken_back(nets, credit.totals.blocks, owed=_OWED[note.effect])
    book(uow, JournalSource.CREDIT_NOTE, note.id, JournalKind.RETURN, uow.today, postings)
    uow.record(
        "credited",
        entity=Invoice.__tablename__,
        entity_id=invoice.id,
        credit_note=note.number,
        total=note.total,
        balance=invoice.balance,
    )


def _income_of(accounts: set[LedgerAccount]) -> LedgerAccount:
    """Where the income of a rate was booked, as far as it was no sale to come."""
    is_other = LedgerAccount.OTHER_INCOME in accounts and LedgerAccount.SALES not in accounts
    return LedgerAccount.OTHER_INCOME if is_other else LedgerAccount.SALES


def _booked(session: Session, invoice: Invoice) -> dict[TaxRate, set[LedgerAccount]]:
    """The accounts that the invoice was booked on, by rate."""
    found: dict[TaxRate, set[LedgerAccount]] = defaultdict(set)
    for row in session.scalars(
        select(JournalLine).where(JournalLine.source_id == invoice.id, JournalLine.kind == JournalKind.SALE)
    ):
        found[TaxRate(row.tax_class, row.rate_bp)] |= {row.debit, row.credit}
    return found


def _schedules(session: Session, invoice_id: UUID) -> dict[UUID, list[Earned]]:
    """What each line of an invoice earns by month, after earlier credits."""
    months: dict[UUID, dict[date, Money]] = defaultdict(lambda: defaultdict(lambda: NOTHING))
    for kind in (RevenueMonth, RevenueCorrection):
        for line_id, month, amount in session.execute(
            select(kind.invoice_line_id, kind.month, kind.amount)
            .join(InvoiceLine, InvoiceLine.id == kind.invoice_line_id)
            .where(InvoiceLine.invoice_id == invoice_id)
        ):
            months[line_id][month] += amount
    schedules: dict[UUID, list[Earned]] = defaultdict(list)
    for line_id, amounts in months.items():
        schedules[line_id] = [Earned(month, amount) for month, amount in sorted(amounts.items())]
    return schedules


def _deferred_lines(session: Session, invoice_id: UUID) -> set[UUID]:
    """The lines of an invoice that were booked as owed to the customer."""
    return set(
        session.scalars(
            select(RevenueMonth.invoice_line_id)
            .join(InvoiceLine, InvoiceLine.id == RevenueMonth.invoice_line_id)
            .where(InvoiceLine.invoice_id == invoice_id, RevenueMonth.is_deferred)
        )
    )


def _issue(
    uow: UnitOfWork, note: CreditNote, invoice: Invoice, credit: Credit, issuer: Mapping[str, Any]
) -> None:
    snapshot = _snapshot(uow.session, note, invoice, credit, issuer)
    paper = Paper(
        PaperKind.CREDIT_NOTE,
        Template.CREDIT_NOTE,
        note.number,
        note.id,
        note.total,
        note.issued_on,
        snapshot,
    )
    issue_paper(uow, invoice.billing_account, paper)


def _snapshot(
    session: Session, note: CreditNote, invoice: Invoice, credit: Credit, issuer: Mapping[str, Any]
) -> dict[str, Any]:
    """Everything that stands on the document; the law asks for the days of the supply as well."""
    return {
        "form": 1,
        "number": note.number,
        "issued_on": note.issued_on.isoformat(),
        "kind": note.kind.value,
        "effect": note.effect.value,
        "reason": note.reason,
        **{name: getattr(note, name).minor_units for name in ("subtotal", "tax", "total")},
        "tax_rounding": note.tax_rounding.value,
        "price_mode": note.price_mode.value,
        "invoice": {
            "number": invoice.number,
            "issued_on": invoice.issued_on.isoformat(),
            "period": invoice.snapshot["period"],
        },
        "issuer": issuer,
        "recipient": recipient_of(invoice.billing_account),
        "lines": [
            _line_of_snapshot(session.get_one(InvoiceLine, each.line.id), each.amount)
            for each in credit.lines
        ],
        "taxes": [
            {
                "tax_class": block.rate.tax_class.value,
                "rate_bp": block.rate.basis_points,
                "base": block.base.minor_units,
                "tax": block.tax.minor_units,
            }
            for block in credit.totals.blocks
        ],
    }


def _line_of_snapshot(line: InvoiceLine, amount: Money) -> dict[str, Any]:
    about = line.description
    return {
        "position": line.position,
        **{name: about.get(name) for name in ("contract", "model", "model_code", "sites")},
        "start": line.service_start.isoformat(),
        "last": line.last_on.isoformat(),
        "amount": amount.minor_units,
        "billed": line.amount.minor_units,
        "tax_class": line.tax_class.value,
        "rate_bp": line.rate_bp,
        "is_reduced": line.tax_class is TaxClass.REDUCED,
    }
