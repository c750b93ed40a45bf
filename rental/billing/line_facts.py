"""What a document line says: the values of which its words, its price and the sum behind it are made."""

from typing import Any

from rental.billing.rules.charges import Charge, ChargeKind, Side
from rental.billing.rules.drafts import DraftLine
from rental.billing.rules.prices import MILLIONTHS
from rental.core.money import Money

Row = dict[str, Any]


def unit_price_of(charge: Charge) -> Money:
    """The fee of a month, or the price of a piece, where there is one of whole yen; or the steps tell."""
    if len(charge.steps) != 1 or charge.steps[0].flat:
        return charge.monthly_fee
    yen, rest = divmod(charge.steps[0].unit_price.millionths, MILLIONTHS)
    return charge.monthly_fee if rest else Money(yen)


def description_of(line: DraftLine) -> Row:
    """The values that the words of a line are made of."""
    is_credit = line.line.entry.side is Side.CREDIT
    charge = line.charge
    said: Row = {
        **line.facts.words,
        "sites": line.site_names,
        "kind": "credit" if is_credit else "rent",
    }
    if charge.discount:
        said |= {"charge": "discount", "name": charge.discount}
    elif charge.kind is not ChargeKind.RECURRING:
        said |= {"charge": charge.kind.value, "name": charge.about}
    return said


def formula_of(line: DraftLine) -> Row:
    """The sum behind the amount; for a credit, what was billed and what remains of it."""
    return {
        **_sum_of(line.charge),
        "billed": line.line.entry.amount.minor_units,
        "remaining": [_sum_of(charge) for charge in line.line.remaining],
    }


def _sum_of(charge: Charge) -> Row:
    """Plain rent of a month says only its share; months and steps are told where there are others."""
    share = charge.share
    fee = charge.monthly_fee.minor_units * charge.quantity
    said = _share_of(charge)
    if fee and not charge.discount and share.full.minor_units != fee:
        said["months"] = share.full.minor_units // fee
    if charge.steps:
        said["steps"] = [
            {"quantity": each.quantity, "price": each.unit_price.text, "flat": each.flat.minor_units}
            for each in charge.steps
        ]
    return said


def _share_of(charge: Charge) -> Row:
    share = charge.share
    return {
        "start": charge.used.start.isoformat(),
        "last": charge.used.last_day.isoformat(),
        "full": share.full.minor_units,
        "days": share.days,
        "of": share.of,
        "amount": charge.amount.minor_units,
    }
