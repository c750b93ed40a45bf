"""Consumption tax is rounded once per rate and document, and every yen is in exactly one block."""

from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rental.billing.rules.credits import (
    Left,
    LeftLine,
    MoreThanLeft,
    NothingCredited,
    NothingLeft,
    booked_by_line,
    credit_of,
    left_of_taxes,
    whole_credit,
)
from rental.billing.rules.tax import TaxBlock, TaxedAmount, TaxRate, rate_on, totals_of, without_tax
from rental.catalog.rules import TaxClass
from rental.core.money import Money, Rounding, yen_of
from rental.customers.rules import PriceMode

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
small_amounts = st.lists(
    st.builds(TaxedAmount, st.integers(-60, 60).map(Money), st.sampled_from([STANDARD, REDUCED]))
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


@given(amounts, roundings)
def test_lines_without_the_tax_they_hold_are_the_base_of_their_rate(
    lines: list[TaxedAmount], rounding: Rounding
) -> None:
    totals = totals_of(lines, rounding=rounding, price_mode=PriceMode.INCLUSIVE)
    nets: dict[TaxRate, Money] = {}
    for line, net in zip(lines, without_tax(lines, rounding=rounding), strict=True):
        nets[line.rate] = nets.get(line.rate, Money(0)) + net
        exact = Fraction(line.amount.minor_units * 10_000, 10_000 + line.rate.basis_points)
        assert abs(net.minor_units - exact) < 2
    assert nets == {block.rate: block.base for block in totals.blocks}


@given(st.data(), st.one_of(amounts, small_amounts), roundings)
def test_credits_of_prices_with_tax_take_from_each_line_what_it_has_until_nothing_is_left(
    data: st.DataObject, lines: list[TaxedAmount], rounding: Rounding
) -> None:
    """Some parts and some whole lines, and the rest at once."""
    totals = totals_of(lines, rounding=rounding, price_mode=PriceMode.INCLUSIVE)
    left = [LeftLine(UUID(int=place), place, line.rate, line.amount) for place, line in enumerate(lines)]
    nets = without_tax(lines, rounding=rounding)
    booked = {line.id: net for line, net in zip(left, nets, strict=True)}
    blocks = {block.rate: block for block in totals.blocks}
    for is_last in (False, False, False, True):
        now = Left(left, blocks, totals.total, Money(0))
        try:
            if is_last:
                credit = whole_credit(now, rounding=rounding, price_mode=PriceMode.INCLUSIVE)
            else:
                asked = {
                    line.position: Money(data.draw(st.sampled_from([0, 1, line.left.minor_units])))
                    for line in left
                    if line.left > Money(0)
                }
                credit = credit_of(now, asked, rounding=rounding, price_mode=PriceMode.INCLUSIVE)
        except (MoreThanLeft, NothingCredited, NothingLeft):
            continue
        taken = booked_by_line(credit, booked)
        for line_id, net in taken.items():
            assert min(booked[line_id], Money(0)) <= net <= max(booked[line_id], Money(0))
            booked[line_id] -= net
        gone = {each.line.id: each.amount for each in credit.lines}
        left = [line._replace(left=line.left - gone.get(line.id, Money(0))) for line in left]
        blocks = left_of_taxes(blocks.values(), credit.totals.blocks)
        assert all(booked[line.id] == Money(0) for line in left if line.left == Money(0))


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
