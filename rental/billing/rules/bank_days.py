"""On which days banks are open (Banking Act article 15; its enforcement order, article 5)."""

from datetime import date, timedelta
from functools import cache

from holidays import country_holidays

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


@cache
def national_holidays(year: int) -> frozenset[date]:
    """The holidays of a year with substitutes (振替休日) and days between two of them (国民の休日).

    Years to come follow the present law and the computed equinoxes; a day that the law adds later comes with
    a newer `holidays` package. Raises ValueError for a year of which nothing is known.
    """
    days = frozenset(country_holidays("JP", years=year))
    if not days:
        raise ValueError(f"no national holidays are known for {year}")
    return days
