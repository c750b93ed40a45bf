"""A part of a period costs its days, a whole one the whole fee, and the sum can be checked by hand."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rental.billing.rules.proration import Share, share_of_period
from rental.catalog.rules import Proration
from rental.core.money import Money, Rounding, yen_of
from rental.core.periods import Period

FEBRUARY = Period(date(2026, 2, 1), date(2026, 3, 1))
MAY = Period(date(2026, 5, 1), date(2026, 6, 1))
QUARTER = Period(date(2026, 4, 1), date(2026, 7, 1))
THIRD_QUARTER = Period(date(2026, 7, 1), date(2026, 10, 1))

fees = st.integers(0, 10_000_000).map(Money)
modes = st.sampled_from(Proration)
roundings = st.sampled_from(Rounding)


@st.composite
def parts(draw: st.DrawFn) -> tuple[Period, Period]:
    """A period, and the days of it that were used."""
    period = draw(st.sampled_from([FEBRUARY, MAY]))
    first = draw(st.integers(0, period.days - 1))
    last = draw(st.integers(first, period.days - 1))
    day = period.start.toordinal()
    return period, Period(date.fromordinal(day + first), date.fromordinal(day + last + 1))


@given(fees, modes, roundings)
def test_a_whole_period_costs_the_whole_fee_in_every_mode(
    fee: Money, mode: Proration, rounding: Rounding
) -> None:
    for period in (FEBRUARY, MAY):
        share = share_of_period(fee, period, period, mode)
        assert share.is_whole
        assert share.amount(rounding) == fee


@given(fees, parts(), modes, roundings)
def test_a_part_never_costs_more_than_the_whole_nor_less_than_nothing(
    fee: Money, part: tuple[Period, Period], mode: Proration, rounding: Rounding
) -> None:
    assert yen_of(0) <= share_of_period(fee, *part, mode).amount(rounding) <= fee


@given(fees, parts())
def test_two_parts_of_a_period_cost_the_whole(fee: Money, part: tuple[Period, Period]) -> None:
    period, used = part
    rests = [(period.start, used.start), (used.end, period.end)]
    shares = [used, *(Period(start, end) for start, end in rests if start < end)]
    amounts = [share_of_period(fee, period, each, Proration.ACTUAL).amount(Rounding.DOWN) for each in shares]
    assert 0 <= (fee - sum(amounts, yen_of(0))).minor_units < len(shares)


@given(fees, parts(), roundings)
def test_the_formula_gives_the_amount(fee: Money, part: tuple[Period, Period], rounding: Rounding) -> None:
    share = share_of_period(fee, *part, Proration.ACTUAL)
    assert (share.days, share.of) == (part[1].days, part[0].days)
    assert share.amount(rounding) == fee.share(part[1].days, of=part[0].days, rounding=rounding)


def test_thirtieths_count_as_many_thirties_as_the_period_has_months() -> None:
    used = Period(date(2026, 4, 16), QUARTER.end)
    share = share_of_period(yen_of(9000), QUARTER, used, Proration.FIXED30, months=3)
    assert share == Share(yen_of(9000), days=76, of=90)
    assert share.amount(Rounding.DOWN) == yen_of(7600)

    all_but_a_day = Period(date(2026, 7, 2), date(2026, 10, 1))
    share = share_of_period(yen_of(9000), THIRD_QUARTER, all_but_a_day, Proration.FIXED30, months=3)
    assert share == Share(yen_of(9000), days=90, of=90)


def test_days_outside_the_period_are_refused() -> None:
    with pytest.raises(ValueError, match="is not inside"):
        share_of_period(yen_of(9000), MAY, QUARTER, Proration.ACTUAL)
