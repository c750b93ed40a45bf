"""What stands on an invoice, kept as values: one text on every machine, and the seal of that text."""

import hashlib
from collections.abc import Mapping, Sequence
from json import JSONEncoder
from typing import Any

from rental.billing.line_facts import unit_price_of
from rental.billing.rules.drafts import Draft, DraftLine
from rental.catalog.rules import TaxClass
from rental.customers.models import BillingAccount

Row = dict[str, Any]
# A line of the document, the values its words are made of, and the sum behind its amount.
ToldLine = tuple[DraftLine, Row, Row]
_canonical = JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


def canonical(snapshot: Mapping[str, Any]) -> str:
    """The snapshot as one text, the same on every machine: its hash seals the invoice."""
    return _canonical(snapshot)


def sealed(snapshot: Mapping[str, Any]) -> str:
    """The SHA-256 of the snapshot, in hexadecimal."""
    return sealed_text(canonical(snapshot))


def sealed_text(text: str) -> str:
    """The same of a snapshot that is a text already."""
    return hashlib.sha256(text.encode()).hexdigest()


def around_number(snapshot: Row) -> tuple[str, str]:
    """The canonical text of a snapshot that lacks only its number, cut where that belongs."""
    before = canonical({name: value for name, value in snapshot.items() if name < "number"})
    after = canonical({name: value for name, value in snapshot.items() if name > "number"})
    return f'{before[:-1]},"number":"', f'",{after[1:]}'


def snapshot_of(
    invoice: Row, issuer: Row, account: BillingAccount, draft: Draft, lines: Sequence[ToldLine]
) -> Row:
    """Everything that stands on the invoice but its number, as JSON values: it will read the same in ten
    years."""
    return {
        "form": 1,
        **{name: invoice[name].isoformat() for name in ("closed_on", "issued_on", "due_on")},
        **{name: invoice[name].minor_units for name in ("subtotal", "tax", "total")},
        **{name: invoice[name].value for name in ("tax_rounding", "charge_rounding", "price_mode")},
        "period": {"start": draft.period.start.isoformat(), "last": draft.period.last_day.isoformat()},
        "issuer": issuer,
        "recipient": {
            "number": account.number,
            "name": account.name,
            "postal_code": account.postal_code,
            "address": account.address,
            "customer": account.customer.name,
        },
        "lines": [_line_of_snapshot(told) for told in lines],
        "taxes": [
            {
                "tax_class": block.rate.tax_class.value,
                "rate_bp": block.rate.basis_points,
                "base": block.base.minor_units,
                "tax": block.tax.minor_units,
            }
            for block in draft.totals.blocks
        ],
    }


def _line_of_snapshot(told: ToldLine) -> Row:
    line, description, formula = told
    charge, rate = line.charge, line.charge.tax_rate
    return {
        "quantity": charge.quantity,
        "unit_price": unit_price_of(charge).minor_units,
        "amount": line.line.amount.minor_units,
        "tax_class": rate.tax_class.value,
        "rate_bp": rate.basis_points,
        **description,
        "start": formula["start"],
        "last": formula["last"],
        "is_reduced": rate.tax_class is TaxClass.REDUCED,
        "formula": formula,
    }
