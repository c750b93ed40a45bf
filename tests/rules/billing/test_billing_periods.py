"""Billing periods follow each other without a gap, wherever they are cut and however long they are."""

from collections.abc import Callable
from datetime import date, timedelta
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rental.billing.rules.periods import FREQUENCIES, BillingCycle, day_in_month

days = st.dates(date(1990, 1, 1), date(2090, 12, 31))
lengths = st.sampled_from(FREQUENCIES)
cut_days = st.integers(1, 31)
cycles = st.one_of(
    st.builds(BillingCycle.anniversary, days, lengths),
    st.builds(BillingCycle.calendar, days, lengths),
    st.builds(BillingCycle.fixed_day, cut_days, days, lengths),
    st.builds(BillingCycle.closing, cut_days, days, lengths),
)


@given(cycles, days)
def test_every_day_lies_in_the_one_period_that_is_found_for_it(cycle: BillingCycle, day: date) -> None:
    period = cycle.period_of(day)
    assert period.contains(day)
    assert cycle.period_of(period.last_day) == period
    assert cycle.period_of(period.end).start == period.end
    assert cycle.period_of(period.start - timedelta(days=1)).end == period.start


@given(cycles, days)
def test_periods_follow_each_other_and_are_as_long_as_agreed(cycle: BillingCycle, day: date) -> None:
    found = list(islice(cycle.periods_from(day), 14))
    assert found[0] == cycle.period_of(day)
    assert all(one.end == next_one.start for one, next_one in pairwise(found))
    assert all(round(period.days / 30.44) == cycle.months for period in found)


@given(cut_days, days, lengths)
def test_a_period_begins_on_its_day_or_on_the_last_of_a_shorter_month(
    day: int, first_day: date, months: int
) -> None:
    for period in islice(BillingCycle.fixed_day(day, first_day, months).periods_from(first_day), 14):
        is_last_of_its_month = (period.start + timedelta(days=1)).day == 1
        assert period.start.day == day or (period.start.day < day and is_last_of_its_month)


@given(cut_days, days)
def test_a_closing_day_is_the_last_of_its_period(closing_day: int, first_day: date) -> None:
    for period in islice(BillingCycle.closing(closing_day, first_day).periods_from(first_day), 14):
        assert period.last_day == day_in_month(period.last_day, closing_day)


@given(days, lengths)
def test_closing_at_the_end_of_the_month_is_the_calendar(first_day: date, months: int) -> None:
    closing, calendar = BillingCycle.closing(31, first_day, months), BillingCycle.calendar(first_day, months)
    assert list(islice(closing.periods_from(first_day), 14)) == list(
        islice(calendar.periods_from(first_day), 14)
    )


@given(st.sampled_from([BillingCycle.fixed_day, BillingCycle.closing]), cut_days, days, lengths)
def test_the_first_period_holds_the_first_day(
    make: Callable[[int, date, int], BillingCycle], day: int, first_day: date, months: int
) -> None:
    assert make(day, first_day, months).period(0).contains(first_day)


@pytest.mark.parametrize(
    ("cycle", "day", "start", "end"),
    [
        (BillingCycle.calendar(date(2026, 9, 12)), "2026-09-12", "2026-09-01", "2026-10-01"),
        (BillingCycle.closing(20, date(2026, 9, 12)), "2026-09-20", "2026-08-21", "2026-09-21"),
        (BillingCycle.closing(20, date(2026, 9, 12)), "2026-09-21", "2026-09-21", "2026-10-21"),
        (BillingCycle.closing(30, date(2026, 1, 10)), "2026-02-28", "2026-01-31", "2026-03-01"),
        (BillingCycle.closing(30, date(2026, 1, 10)), "2026-04-30", "2026-03-31", "2026-05-01"),
        (BillingCycle.fixed_day(31, date(2026, 2, 10)), "2026-02-10", "2026-01-31", "2026-02-28"),
        (BillingCycle.anniversary(date(2024, 2, 29), 12), "2026-06-01", "2026-02-28", "2027-02-28"),
        (BillingCycle.anniversary(date(2024, 2, 29), 12), "2028-06-01", "2028-02-29", "2029-02-28"),
        (BillingCycle.calendar(date(2026, 4, 1), 12), "2027-03-31", "2026-04-01", "2027-04-01"),
        (BillingCycle.calendar(date(2026, 4, 1), 3), "2026-03-31", "2026-01-01", "2026-04-01"),
    ],
)
def test_the_periods_people_ask_about(cycle: BillingCycle, day: str, start: str, end: str) -> None:
    period = cycle.period_of(date.fromisoformat(day))
    assert (period.start.isoformat(), period.end.isoformat()) == (start, end)


@pytest.mark.parametrize(("day", "months"), [(0, 1), (32, 1), (15, 0), (15, 4), (15, -1)])
def test_a_cycle_that_cannot_be_is_refused(day: int, months: int) -> None:
    with pytest.raises(ValueError, match=r"a day of the month is|a period lasts"):
        BillingCycle.fixed_day(day, date(2026, 1, 1), months)
