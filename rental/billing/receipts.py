"""Receipts (領収書) as documents. Nothing issues them yet: that takes payments, which are not kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from rental.billing.rules.papers import Template
from rental.billing.rules.tax import DocumentTotals
from rental.core.documents import render
from rental.core.money import Money


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


def draw_receipt(receipt: Receipt) -> bytes:
    """The receipt as a PDF: the same bytes whenever it is drawn."""
    return render(Template.RECEIPT.file_name, receipt_snapshot(receipt))
