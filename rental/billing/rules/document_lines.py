"""How entries of the ledger read on a document: new charges, and credits for what was billed too much."""

from collections.abc import Iterable
from typing import NamedTuple

from rental.billing.rules.charges import Charge, ChargeKind, Entry, Side
from rental.billing.rules.tax import TaxedAmount
from rental.core.money import Money


class DocumentLine(NamedTuple):
    """One line of a document: a new charge, or a charge taken back except for what remains of it.

    Where a month of 29,800 yen was billed and the unit went back on the 10th, the ledger takes back the month
    and asks for ten days of it; the document says in one line that 19,867 yen are credited.
    """

    entry: Entry
    remaining: tuple[Charge, ...] = ()

    @property
    def amount(self) -> Money:
        """The amount with its sign."""
        amount = self.entry.amount
        return sum((charge.amount for charge in self.remaining), amount) if self.remaining else amount

    @property
    def taxed_amount(self) -> TaxedAmount:
        """What it adds to the totals. A credit has the rate of the charge it takes back."""
        return TaxedAmount(self.amount, self.entry.charge.tax_rate)


def document_lines(entries: Iterable[Entry]) -> list[DocumentLine]:
    """One credit per charge that changed and one line per new charge, in the order of the entries.

    A charge that only repeats days, fee and rate of a credited one stands in the line of that credit.
    """
    lines: list[DocumentLine] = []
    for entry in entries:
        place = None if entry.side is Side.CREDIT else _credit_that_leaves(entry.charge, lines)
        if place is None:
            lines.append(DocumentLine(entry))
        else:
            lines[place] = DocumentLine(lines[place].entry, (*lines[place].remaining, entry.charge))
    return lines


def _credit_that_leaves(charge: Charge, lines: list[DocumentLine]) -> int | None:
    """Where the credit stands whose charge held all of this one; credits come before the charges."""
    for place, line in enumerate(lines):
        if line.entry.side is Side.CREDIT and _is_part(charge, line.entry.charge):
            return place
    return None


def _is_part(charge: Charge, of: Charge) -> bool:
    """Whether it asks for some of what the other asked for; of usage there is one charge a period."""
    is_same_thing = (charge.line_id, charge.kind, charge.discount, charge.about) == (
        of.line_id,
        of.kind,
        of.discount,
        of.about,
    )
    if charge.kind is ChargeKind.USAGE:
        return is_same_thing and charge.period == of.period and charge.tax_rate == of.tax_rate
    return (
        is_same_thing
        and charge.period == of.period
        and charge.monthly_fee == of.monthly_fee
        and charge.tax_rate == of.tax_rate
        and of.used.start <= charge.used.start
        and charge.used.end <= of.used.end
        and set(charge.slot_ids) <= set(of.slot_ids)
    )
