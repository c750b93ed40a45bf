"""What is taken off: from the charges of a line as lines of their own, or from a whole document."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice
from typing import NamedTuple

from rental.billing.rules.allocation import by_largest_remainder
from rental.billing.rules.charges import Charge
from rental.billing.rules.cycles import Cycle
from rental.billing.rules.proration import Share
from rental.billing.rules.refusals import NotBillable, Reason
from rental.billing.rules.tax import WHOLE, TaxedAmount
from rental.core.money import Money, Rounding
from rental.core.periods import Period

NOTHING = Money(0)
FOR_EVER = Period(date.min, date.max)


@dataclass(frozen=True, slots=True)
class LineDiscount:
    """What is taken off a line during some days: so many hundredths of a per cent, or an amount a period.

    `name` tells it from the other discounts of the line, on the ledger and on the document.
    """

    name: str
    basis_points: int = 0
    amount: Money = NOTHING
    days: Period = FOR_EVER

    def __post_init__(self) -> None:
        if not self.name:
            raise NotBillable("name", Reason.MISSING)
        if not 0 <= self.basis_points <= WHOLE:
            raise NotBillable("basis_points", Reason.OUT_OF_RANGE, value=self.basis_points)
        if self.amount < Money(0):
            raise NotBillable("amount", Reason.NEGATIVE, value=self.amount.minor_units)

    def for_periods(self, count: int, cycle: Cycle, first_day: date) -> "LineDiscount":
        """The same from a day on, for so many periods, of which that day begins the first."""
        if count < 1:
            raise NotBillable("periods", Reason.OUT_OF_RANGE, value=count)
        *_, last = islice(cycle.periods_from(first_day), count)
        return replace(self, days=Period(first_day, last.end))


def discounts_on(
    charges: Sequence[Charge], discounts: Iterable[LineDiscount], whole: Period, rounding: Rounding
) -> list[Charge]:
    """The discounts of one line in one period, each a negative charge of its own under what it makes cheaper.

    An amount counts once a period however many charges there are; where the discount holds for some days of
    the period only, their share of it counts. Together they never take off more than there is.
    """
    left = [charge.amount.minor_units for charge in charges]
    found: list[Charge] = []
    for discount in discounts:
        places = [place for place, charge in enumerate(charges) if _concerns(discount, charge)]
        shares = _shares_of(discount, [charges[place] for place in places], whole, rounding)
        for place, share in zip(places, shares, strict=True):
            off = min(share.amount(rounding).minor_units, left[place])
            if off:
                left[place] -= off
                found.append(_taken_off(charges[place], discount, Money(off), share))
    return found


def _concerns(discount: LineDiscount, charge: Charge) -> bool:
    return discount.days.start <= charge.used.start and charge.used.end <= discount.days.end


def _shares_of(
    discount: LineDiscount, charges: Sequence[Charge], whole: Period, rounding: Rounding
) -> list[Share]:
    """What is taken off each charge, and by which sum."""
    if discount.basis_points:
        return [Share(charge.amount, discount.basis_points, WHOLE) for charge in charges]
    if not charges:
        return []
    days = whole.overlap_days(discount.days.start, discount.days.end)
    amount = discount.amount.share(days, of=whole.days, rounding=rounding)
    weights = [charge.amount.minor_units for charge in charges]
    return [Share(share, 1, 1) for share in by_largest_remainder(amount, weights)]


def _taken_off(charge: Charge, discount: LineDiscount, off: Money, share: Share) -> Charge:
    return replace(
        charge,
        amount=-off,
        share=Share(-share.full, share.days, share.of) if share.of > 1 else Share(-off, 1, 1),
        discount=discount.name,
    )


class DocumentDiscount(NamedTuple):
    """A discount on a document: what each line gets of it, and what is left for a later document."""

    shares: tuple[TaxedAmount, ...]
    carried_forward: Money

    @property
    def granted(self) -> Money:
        """How much less the document asks for, before tax."""
        return sum((share.amount for share in self.shares), Money(0))


def discount_on_document(lines: Sequence[TaxedAmount], discount: Money) -> DocumentDiscount:
    """The discount spread over the lines of a document in proportion to what each rate asks for, before tax.

    One share per rate, in the order of the lines. No rate becomes negative; what cannot be granted is carried
    forward. Raises NotBillable for a negative discount.
    """
    if discount < Money(0):
        raise NotBillable("discount", Reason.NEGATIVE, value=discount.minor_units)
    sums: dict[object, TaxedAmount] = {}
    for amount, rate in lines:
        before = sums.get(rate, TaxedAmount(Money(0), rate))
        sums[rate] = TaxedAmount(before.amount + amount, rate)
    weights = [max(0, each.amount.minor_units) for each in sums.values()]
    granted = min(discount.minor_units, sum(weights))
    shares = by_largest_remainder(Money(-granted), weights)
    return DocumentDiscount(
        tuple(TaxedAmount(share, each.rate) for share, each in zip(shares, sums.values(), strict=True)),
        discount - Money(granted),
    )
