"""Consumption tax: the rate of the day of supply, rounded once per rate and document."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import NamedTuple

from rental.catalog.rules import TaxClass
from rental.core.money import Money, Rounding
from rental.customers.rules import PriceMode

WHOLE = 10_000  # basis points


class TaxRate(NamedTuple):
    """A rate as a document names it. The old 8 % and the reduced 8 % are two; what is not taxed has 0."""

    tax_class: TaxClass
    basis_points: int


# From which day each rate holds, newest first. Before the reduced rate came, its goods had the standard one.
_STANDARD = (
    (date(2019, 10, 1), TaxRate(TaxClass.STANDARD, 1000)),
    (date(2014, 4, 1), TaxRate(TaxClass.STANDARD, 800)),
    (date(1997, 4, 1), TaxRate(TaxClass.STANDARD, 500)),
    (date(1989, 4, 1), TaxRate(TaxClass.STANDARD, 300)),
)
_ORDER = {tax_class: place for place, tax_class in enumerate(TaxClass)}
_RATES = {
    TaxClass.STANDARD: _STANDARD,
    TaxClass.REDUCED: ((date(2019, 10, 1), TaxRate(TaxClass.REDUCED, 800)), *_STANDARD),
}


class TaxedAmount(NamedTuple):
    """One amount of a document with its rate; negative where something is taken back."""

    amount: Money
    rate: TaxRate


@dataclass(frozen=True, slots=True)
class TaxBlock:
    """The amounts of one rate together: `base` is without the tax."""

    rate: TaxRate
    base: Money
    tax: Money


@dataclass(frozen=True, slots=True)
class DocumentTotals:
    """One block per rate that occurs: from the highest rate down, then exempt, then out of scope.

    `subtotal` is everything without tax, `tax` the sum of the taxes of the rates, each rounded by itself,
    `total` what is to be paid: added up once, because a closing asks for them again and again.
    """

    blocks: tuple[TaxBlock, ...]
    subtotal: Money = field(init=False, repr=False, compare=False)
    tax: Money = field(init=False, repr=False, compare=False)
    total: Money = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        subtotal = sum(block.base.minor_units for block in self.blocks)
        tax = sum(block.tax.minor_units for block in self.blocks)
        object.__setattr__(self, "subtotal", Money(subtotal))
        object.__setattr__(self, "tax", Money(tax))
        object.__setattr__(self, "total", Money(subtotal + tax))


@cache
def rate_on(tax_class: TaxClass, supplied_on: date) -> TaxRate:
    """The rate of a class for what is supplied on a day. Raises ValueError for days before the tax."""
    if tax_class not in _RATES:
        return TaxRate(tax_class, 0)
    for since, rate in _RATES[tax_class]:
        if supplied_on >= since:
            return rate
    raise ValueError(f"there was no consumption tax on {supplied_on}")


def rate_changes(tax_class: TaxClass) -> tuple[date, ...]:
    """The days on which the rate of a class changed."""
    return tuple(since for since, _ in _RATES.get(tax_class, ()))


def totals_of(
    amounts: Iterable[TaxedAmount],
    *,
    rounding: Rounding = Rounding.DOWN,
    price_mode: PriceMode = PriceMode.EXCLUSIVE,
) -> DocumentTotals:
    """The totals of a document. The law allows one rounding per rate and document, so no line is rounded."""
    sums: dict[TaxRate, Money] = {}
    for amount, rate in amounts:
        sums[rate] = sums.get(rate, Money(0)) + amount
    blocks = (_block(rate, summed, rounding, price_mode) for rate, summed in sums.items())
    return DocumentTotals(tuple(sorted(blocks, key=_place)))


def without_tax(amounts: Iterable[TaxedAmount], *, rounding: Rounding) -> list[Money]:
    """What amounts that hold the tax come to without it, in their order; of each rate exactly its base.

    Each bears what the tax of its rate grows by with it, so that nothing is left to hand out at the end.
    """
    sums: dict[TaxRate, Money] = {}
    taxes: dict[TaxRate, Money] = {}
    found = []
    for amount, rate in amounts:
        sums[rate] = sums.get(rate, Money(0)) + amount
        tax = tax_within(sums[rate], rate, rounding)
        found.append(amount - (tax - taxes.get(rate, Money(0))))
        taxes[rate] = tax
    return found


def tax_within(amount: Money, rate: TaxRate, rounding: Rounding) -> Money:
    """The tax that an amount holds."""
    return amount.share(rate.basis_points, of=WHOLE + rate.basis_points, rounding=rounding)


def _block(rate: TaxRate, summed: Money, rounding: Rounding, price_mode: PriceMode) -> TaxBlock:
    if price_mode is PriceMode.EXCLUSIVE:
        return TaxBlock(rate, summed, summed.share(rate.basis_points, of=WHOLE, rounding=rounding))
    tax = tax_within(summed, rate, rounding)
    return TaxBlock(rate, summed - tax, tax)


def _place(block: TaxBlock) -> tuple[int, int]:
    return -block.rate.basis_points, _ORDER[block.rate.tax_class]
