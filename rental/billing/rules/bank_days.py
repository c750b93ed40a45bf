"""On which days banks are open (Banking Act article 15; its enforcement order, article 5)."""

from datetime import date, timedelta

from rental.core.national_holidays import national_holidays

_SATURDAY = 5
_NEW_YEAR = {(12, 31), (1, 1), (1, 2), (1, 3)}


def is_bank_holiday(day: date) -> bool:
    """Whether banks are closed: Saturday, Sunday, a national holiday, and 31 December to 3 January."""
    return (
        day.weekday() >= _SATURDAY or (day.month, day.day) in _NEW_YEAR or day in national_holidays(day.year)
    )


def bank_day_from(day: date) -> date:
    """This day, or the first after it on which banks are open."""
    while is_bank_holiday(day):
        day += timedelta(days=1)
    return day


def bank_day_until(day: date) -> date:
    """This day, or the last before it on which banks are open."""
    while is_bank_holiday(day):
        day -= timedelta(days=1)
    return day
