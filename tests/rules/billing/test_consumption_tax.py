"""Consumption tax is rounded once per rate and document, and every yen is in exactly one block."""

from collections.abc import Iterable
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rental.billing.rules.tax import PriceMode, TaxBlock, TaxedAmount, TaxRate, rate_on, totals_of
from rental.catalog.rules import TaxClass
from rental.core.money import Money, Rounding, yen_of

STANDARD = TaxRate(TaxClass.STANDARD, 1000)
REDUCED = TaxRate(TaxClass.REDUCED, 800)
OLD_STANDARD = TaxRate(TaxClass.STANDARD, 800)
EXEMPT = TaxRate(TaxClass.EXEMPT, 0)
OUT_OF_SCOPE = TaxRate(TaxClass.OUT_OF_SCOPE, 0)

amounts = st.lists(
    st.builds(
        TaxedAmount,
        st.integers(-1_000_000, 1_000_000).map(Money),
        st.sampled_from([STANDARD, REDUCED, OLD_STANDARD, EXEMPT, OUT_OF_SCOPE]),
    )
)
roundings = st.sampled_from(Rounding)


def yen_in(taxed: Iterable[TaxedAmount]) -> Money:
    return sum((each.amount for each in taxed), yen_of(0))


@given(amounts, roundings)
def test_tax_is_added_to_every_yen_once(lines: list[TaxedAmount], rounding: Rounding) -> None:
    totals = totals_of(lines, rounding=rounding)
    assert totals.subtotal == yen_in(lines)
    assert totals.total == totals.subtotal + totals.tax
    assert totals.tax == sum((block.tax for block in totals.blocks), yen_of(0))
    for block in totals.blocks:
        exact = Fraction(block.base.minor_units * block.rate.basis_points, 10_000)
        assert abs(block.tax.minor_units - exact) < 1


@given(amounts, roundings)
def test_tax_within_the_price_leaves_the_total_as_it_is(lines: list[TaxedAmount], rounding: Rounding) -> None:
    totals = totals_of(lines, rounding=rounding, price_mode=PriceMode.INCLUSIVE)
    assert totals.total == yen_in(lines)
    for block in totals.blocks:
        exact = Fraction(block.base.minor_units * block.rate.basis_points, 10_000)
        assert abs(block.tax.minor_units - exact) < 2


@given(amounts, roundings, st.sampled_from(PriceMode))
def test_a_document_taken_back_whole_mirrors_it(
    lines: list[TaxedAmount], rounding: Rounding, price_mode: PriceMode
) -> None:
    returned = [TaxedAmount(-amount, rate) for amount, rate in lines]
    totals, mirrored = (
        totals_of(each, rounding=rounding, price_mode=price_mode) for each in (lines, returned)
    )
    assert mirrored.blocks == tuple(TaxBlock(b.rate, -b.base, -b.tax) for b in totals.blocks)


@given(amounts)
def test_there_is_a_block_for_each_rate_that_occurs_and_no_other(lines: list[TaxedAmount]) -> None:
    order = [STANDARD, OLD_STANDARD, REDUCED, EXEMPT, OUT_OF_SCOPE]
    occurring = [rate for rate in order if any(line.rate == rate for line in lines)]
    assert [block.rate for block in totals_of(lines).blocks] == occurring


def test_many_small_lines_are_not_rounded_one_by_one() -> None:
    (block,) = totals_of([TaxedAmount(yen_of(105), STANDARD)] * 3).blocks
    assert (block.base, block.tax) == (yen_of(315), yen_of(31))


def test_a_price_with_its_tax_is_split() -> None:
    (block,) = totals_of([TaxedAmount(yen_of(1000), STANDARD)], price_mode=PriceMode.INCLUSIVE).blocks
    assert (block.base, block.tax) == (yen_of(910), yen_of(90))


@pytest.mark.parametrize(
    ("tax_class", "day", "rate"),
    [
        (TaxClass.STANDARD, date(2019, 10, 1), STANDARD),
        (TaxClass.STANDARD, date(2019, 9, 30), OLD_STANDARD),
        (TaxClass.STANDARD, date(2014, 4, 1), OLD_STANDARD),
        (TaxClass.STANDARD, date(2014, 3, 31), TaxRate(TaxClass.STANDARD, 500)),
        (TaxClass.STANDARD, date(1997, 3, 31), TaxRate(TaxClass.STANDARD, 300)),
        (TaxClass.REDUCED, date(2026, 4, 1), REDUCED),
        (TaxClass.REDUCED, date(2019, 9, 30), OLD_STANDARD),
        (TaxClass.EXEMPT, date(1980, 1, 1), EXEMPT),
        (TaxClass.OUT_OF_SCOPE, date(2026, 4, 1), OUT_OF_SCOPE),
    ],
)
def test_the_rate_is_that_of_the_day_of_supply(tax_class: TaxClass, day: date, rate: TaxRate) -> None:
    assert rate_on(tax_class, day) == rate


def test_there_is_no_rate_before_there_was_a_tax() -> None:
    with pytest.raises(ValueError, match="no consumption tax"):
        rate_on(TaxClass.STANDARD, date(1989, 3, 31))
