"""Which days the country has off, with substitutes (振替休日) and days between two holidays (国民の休日)."""

from datetime import date
from functools import cache

from holidays import country_holidays


@cache
def national_holidays(year: int) -> frozenset[date]:
    """The national holidays of a year.

    Years to come follow the present law and the computed equinoxes; a day that the law adds later comes with
    a newer `holidays` package. Raises ValueError for a year of which nothing is known.
    """
    days = frozenset(country_holidays("JP", years=year))
    if not days:
        raise ValueError(f"no national holidays are known for {year}")
    return days


def is_national_holiday(day: date) -> bool:
    """Whether this is one; a year of which nothing is known has none.

    >>> is_national_holiday(date(2026, 11, 23))
    True
    """
    try:
        return day in national_holidays(day.year)
    except ValueError:
        return False
