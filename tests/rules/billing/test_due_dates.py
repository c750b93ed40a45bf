"""Invoices close and fall due on the days agreed, and never on a day when banks are closed."""

from calendar import monthrange
from datetime import date, timedelta

import jpholiday
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rental.billing.rules.bank_days import bank_day_from, bank_day_until, is_bank_holiday
from rental.billing.rules.due_dates import closing_on, debit_on, debit_requested_by, due_on
from rental.core.national_holidays import national_holidays
from rental.customers.rules import HolidayRule

days = st.dates(date(2000, 1, 1), date(2090, 12, 31))
days_of_a_month = st.integers(1, 31)
terms = st.integers(0, 6)


@pytest.mark.parametrize("year", range(2016, 2036))
def test_two_sources_name_the_same_national_holidays(year: int) -> None:
    assert national_holidays(year) == {holiday for holiday, _ in jpholiday.year_holidays(year)}


@pytest.mark.parametrize("year", range(2021, 2036))
@pytest.mark.parametrize(("closing_day", "term_months", "pay_day"), [(31, 1, 31), (20, 1, 10), (20, 2, 10)])
def test_due_dates_of_fifteen_years_agree_with_another_calendar(
    year: int, closing_day: int, term_months: int, pay_day: int
) -> None:
    """The terms of G14, worked out day by day with nothing but the other library's holidays."""
    for month in range(1, 13):
        closed_on = closing_on(date(year, month, 1), closing_day)
        later = date(year, month, 1) + timedelta(days=31 * term_months)
        nominal = min(pay_day, monthrange(later.year, later.month)[1])
        plain = date(later.year, later.month, nominal)
        for rule, step in ((HolidayRule.PREVIOUS, -1), (HolidayRule.NEXT, 1)):
            day = plain
            while is_closed(day):
                day += timedelta(days=step)
            terms_agreed = {"term_months": term_months, "pay_day": pay_day, "holiday_rule": rule}
            assert due_on(closed_on, **terms_agreed) == day


@pytest.mark.parametrize("year", range(2021, 2036))
def test_debits_of_fifteen_years_agree_with_another_calendar(year: int) -> None:
    """As in G15: the 27th of each month, to be asked for two and seven bank days before."""
    for month in range(1, 13):
        day = date(year, month, 27)
        while is_closed(day):
            day += timedelta(days=1)
        assert debit_on(date(year, month, 27)) == day
        open_before = [
            each for each in (day - timedelta(days=n) for n in range(1, 25)) if not is_closed(each)
        ]
        assert [debit_requested_by(day, bank_days_before=k) for k in (2, 7)] == [
            open_before[1],
            open_before[6],
        ]


def is_closed(day: date) -> bool:
    """Whether banks are, by the other library."""
    around_new_year = (day.month, day.day) >= (12, 31) or (day.month, day.day) <= (1, 3)
    return day.isoweekday() >= 6 or around_new_year or jpholiday.is_holiday(day)


@pytest.mark.parametrize(
    "day",
    [
        "2026-01-01",  # New Year's Day
        "2026-05-06",  # substitute for Constitution Day, a Sunday
        "2026-09-22",  # between two holidays
        "2026-12-31",
        "2027-01-03",
        "2026-08-15",  # Saturday
        "2026-08-16",  # Sunday
        "2019-05-01",  # the accession, for one year
        "2021-07-22",  # moved for the Olympics
    ],
)
def test_banks_are_closed(day: str) -> None:
    assert is_bank_holiday(date.fromisoformat(day))


@pytest.mark.parametrize("day", ["2026-12-30", "2027-01-04", "2026-08-14", "2026-12-23", "2021-07-19"])
def test_banks_are_open(day: str) -> None:
    assert not is_bank_holiday(date.fromisoformat(day))


def test_a_year_without_known_holidays_is_refused_instead_of_guessed() -> None:
    with pytest.raises(ValueError, match="no national holidays are known for 2150"):
        is_bank_holiday(date(2150, 6, 1))


@given(days)
def test_the_bank_days_around_a_day_have_only_holidays_between(day: date) -> None:
    before, after = bank_day_until(day), bank_day_from(day)
    assert before <= day <= after
    assert not is_bank_holiday(before)
    assert not is_bank_holiday(after)
    between = [before + timedelta(days=n) for n in range(1, (after - before).days)]
    assert all(is_bank_holiday(each) for each in between)
    assert (before == after) == (not is_bank_holiday(day))


@given(days, days_of_a_month)
def test_a_closing_is_the_first_on_or_after_the_issue(issued_on: date, closing_day: int) -> None:
    closed_on = closing_on(issued_on, closing_day)
    assert 0 <= (closed_on - issued_on).days <= 31
    assert closing_on(closed_on, closing_day) == closed_on
    assert closing_on(closed_on + timedelta(days=1), closing_day) > closed_on


@given(days, terms, days_of_a_month)
def test_the_holiday_rule_moves_a_due_date_to_the_nearest_bank_day_or_not_at_all(
    closed_on: date, term_months: int, pay_day: int
) -> None:
    previous, plain, following = (
        due_on(closed_on, term_months=term_months, pay_day=pay_day, holiday_rule=rule)
        for rule in (HolidayRule.PREVIOUS, HolidayRule.NONE, HolidayRule.NEXT)
    )
    assert (previous, following) == (bank_day_until(plain), bank_day_from(plain))
    assert plain.day == pay_day or (plain + timedelta(days=1)).day == 1
    assert 12 * plain.year + plain.month == 12 * closed_on.year + closed_on.month + term_months


def test_the_terms_people_name() -> None:
    end_of_next_month = due_on(
        date(2026, 9, 30), term_months=1, pay_day=31, holiday_rule=HolidayRule.PREVIOUS
    )
    tenth_of_the_month_after_next = due_on(
        date(2026, 8, 20), term_months=2, pay_day=10, holiday_rule=HolidayRule.NEXT
    )
    assert end_of_next_month == date(2026, 10, 30)
    assert tenth_of_the_month_after_next == date(2026, 10, 13)
