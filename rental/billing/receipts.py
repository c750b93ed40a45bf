"""Receipts (領収書) as documents: issued for a payment when the customer asks for one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from rental.billing.book_models import Document
from rental.billing.issuing import the_issuer
from rental.billing.models import Invoice
from rental.billing.payment_models import Payment
from rental.billing.payment_queries import payment_with_all
from rental.billing.payments import taxes_of
from rental.billing.register import Paper, issue_paper, recipient_of
from rental.billing.rules.papers import PaperKind, Template
from rental.billing.rules.payments import (
    NOTHING,
    UNTAXED,
    AllocationKind,
    NothingArrived,
    PaymentMethod,
    TakenBackAlready,
    taxed_parts,
)
from rental.billing.rules.tax import DocumentTotals, TaxBlock, TaxRate
from rental.core.money import Money
from rental.core.numbering import number_of_year
from rental.core.uow import UnitOfWork, locked

SERIES = "payment_receipt"
_PURPOSE = "機器レンタル料"
_ADVANCE = "前受金"
_METHODS = {
    PaymentMethod.BANK_TRANSFER: "銀行振込",
    PaymentMethod.DIRECT_DEBIT: "口座振替",
    PaymentMethod.CASH: "現金",
}


class PaidInvoice(NamedTuple):
    """An invoice and what of it the payment settled."""

    number: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Receipt:
    """That a payment arrived. `method` and `purpose` are words of the document, in Japanese."""

    number: str
    issued_on: date
    received_on: date
    method: str
    purpose: str
    issuer: Mapping[str, Any]
    recipient: Mapping[str, Any]
    invoices: Sequence[PaidInvoice]
    totals: DocumentTotals


def issue_receipt(uow: UnitOfWork, payment_id: UUID) -> Document:
    """The receipt of a payment, with the invoices it settles today; issued once. Raises TakenBackAlready,
    NothingArrived, NoIssuer."""
    payment = locked(uow, Payment, payment_id)
    known = uow.session.scalar(
        select(Document).where(Document.source_id == payment.id, Document.kind == PaperKind.RECEIPT)
    )
    if known is not None:
        return known
    if payment.taken_back_on is not None:
        raise TakenBackAlready
    if payment.is_kept_credit:
        raise NothingArrived(number=payment.number)
    paid = _invoices_paid(uow.session, payment)
    receipt = Receipt(
        number=number_of_year(uow, SERIES, "RV"),
        issued_on=uow.today,
        received_on=payment.received_on,
        method=_METHODS[payment.method],
        purpose=_PURPOSE if paid else _ADVANCE,
        issuer=the_issuer(uow.session),
        recipient=recipient_of(payment.billing_account),
        invoices=[
            *(PaidInvoice(invoice.number, amount) for invoice, amount in paid),
            *([PaidInvoice(_ADVANCE, payment.unapplied)] if payment.unapplied else []),
        ],
        totals=_totals(uow.session, paid, payment.unapplied),
    )
    paper = Paper(
        PaperKind.RECEIPT,
        Template.RECEIPT,
        receipt.number,
        payment.id,
        payment.amount,
        receipt.issued_on,
        receipt_snapshot(receipt),
    )
    return issue_paper(uow, payment.billing_account, paper)


def _invoices_paid(session: Session, payment: Payment) -> list[tuple[Invoice, Money]]:
    """What the payment brought for each invoice; a bank's fee brought nothing."""
    complete = payment_with_all(session, payment.id)
    paid: dict[UUID, tuple[Invoice, Money]] = {}
    for each in complete.allocations if complete else ():
        if each.kind is AllocationKind.CASH and each.taken_back_on is None:
            _, before = paid.get(each.invoice_id, (each.invoice, NOTHING))
            paid[each.invoice_id] = (each.invoice, before + each.amount)
    return sorted(paid.values(), key=lambda each: each[0].number)


def _totals(session: Session, paid: Sequence[tuple[Invoice, Money]], ahead: Money) -> DocumentTotals:
    """What was paid by rate, with the tax in it. What is paid ahead was for nothing yet, so without tax."""
    sums: dict[TaxRate, TaxBlock] = {}
    parts = [
        part
        for invoice, amount in paid
        for part in taxed_parts(amount, taxes_of(session, invoice.id), rounding=invoice.tax_rounding)
    ]
    if ahead:
        parts.append(TaxBlock(UNTAXED, ahead, NOTHING))
    for part in parts:
        before = sums.get(part.rate, TaxBlock(part.rate, NOTHING, NOTHING))
        sums[part.rate] = TaxBlock(part.rate, before.base + part.base, before.tax + part.tax)
    return DocumentTotals(tuple(sorted(sums.values(), key=lambda block: -block.rate.basis_points)))


def receipt_snapshot(receipt: Receipt) -> dict[str, Any]:
    """Everything that stands on a receipt. Raises ValueError where the invoices are not its total."""
    totals = receipt.totals
    if sum((invoice.amount for invoice in receipt.invoices), Money(0)) != totals.total:
        raise ValueError("a receipt is for what its invoices were paid")
    return {
        "form": 1,
        "number": receipt.number,
        "issued_on": receipt.issued_on.isoformat(),
        "received_on": receipt.received_on.isoformat(),
        "method": receipt.method,
        "purpose": receipt.purpose,
        "issuer": dict(receipt.issuer),
        "recipient": dict(receipt.recipient),
        "subtotal": totals.subtotal.minor_units,
        "tax": totals.tax.minor_units,
        "total": totals.total.minor_units,
        "invoices": [
            {"number": invoice.number, "amount": invoice.amount.minor_units} for invoice in receipt.invoices
        ],
        "taxes": [
            {
                "tax_class": block.rate.tax_class.value,
                "rate_bp": block.rate.basis_points,
                "base": block.base.minor_units,
                "tax": block.tax.minor_units,
            }
            for block in totals.blocks
        ],
    }
