"""A sample of an invoice: an invented customer's, to look at before a template is chosen."""

from datetime import date, timedelta
from typing import Any

from sqlalchemy.orm import Session

from rental.billing.documents import draw
from rental.billing.issuing import the_issuer
from rental.billing.rules.looks import Look
from rental.billing.rules.tax import DocumentTotals, TaxedAmount, rate_on, totals_of
from rental.catalog.rules import TaxClass
from rental.core.money import Money

# What the invented customer rents: model, its code, class of tax, machines, fee of a month.
_RENTED = (
    ("エスプレッソマシン", "ESP-200", TaxClass.STANDARD, 2, 9_800),
    ("ウォーターサーバー", "WTR-050", TaxClass.STANDARD, 1, 3_600),
    ("軽減税率の品", "RED-001", TaxClass.REDUCED, 1, 1_290),
)


def draw_sample(session: Session, look: Look, *, today: date) -> bytes:
    """The sample in this look, as a PDF. Raises NoIssuer."""
    return draw(sample_snapshot(the_issuer(session), look, today=today))


def sample_snapshot(issuer: dict[str, Any], look: Look, *, today: date) -> dict[str, Any]:
    """What stands on the sample: the month before today, paid for at the end of the next."""
    last = today.replace(day=1) - timedelta(days=1)
    first = last.replace(day=1)
    totals = totals_of(
        [TaxedAmount(Money(count * fee), rate_on(tax_class, first)) for *_, tax_class, count, fee in _RENTED]
    )
    return {
        "form": 1,
        "number": "SAMPLE-0001",
        "closed_on": last.isoformat(),
        "issued_on": today.isoformat(),
        "due_on": (last + timedelta(days=31)).isoformat(),
        "period": {"start": first.isoformat(), "last": last.isoformat()},
        "issuer": issuer,
        "recipient": {
            "number": "B00000",
            "name": "見本商事株式会社 経理部",
            "postal_code": "100-0000",
            "address": "東京都千代田区見本町1-2-3",
            "customer": "見本商事株式会社",
        },
        "lines": [_line(first, last, *each) for each in _RENTED],
        **_amounts(totals),
        **look.part_of_snapshot(),
    }


def _line(
    first: date, last: date, model: str, code: str, tax_class: TaxClass, count: int, fee: int
) -> dict[str, Any]:
    rate = rate_on(tax_class, first)
    days = (last - first).days + 1
    return {
        "kind": "charge",
        "model": model,
        "model_code": code,
        "contract": "C-0000-0001",
        "sites": ["見本店"],
        "quantity": count,
        "unit_price": fee,
        "amount": count * fee,
        "tax_class": tax_class.value,
        "rate_bp": rate.basis_points,
        "is_reduced": tax_class is TaxClass.REDUCED,
        "start": first.isoformat(),
        "last": last.isoformat(),
        "formula": {"full": count * fee, "days": days, "of": days, "amount": count * fee},
    }


def _amounts(totals: DocumentTotals) -> dict[str, Any]:
    return {
        **{name: getattr(totals, name).minor_units for name in ("subtotal", "tax", "total")},
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
