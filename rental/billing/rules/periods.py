"""How a line's time is cut into billing periods, without drifting at the ends of months."""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, lru_cache

from rental.core.periods import Period

FREQUENCIES = (1, 2, 3, 6, 12)
# So many answers of the calendar: a closing asks for the same few again and again.
_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class BillingCycle:
    """Periods of so many months, cut at one day of the month; day 31 is the last day of any month.

    Every boundary is counted from the first one, never from its neighbour: 31 January is followed by
    28 February and then by 31 March. With `cut_after_day` the day is the last of its period (締め日),
    otherwise the first of the next. `first_month` is counted from January of year 0.

    A start inside a period leaves a stub; it is billed alone, as a part of its period.

    >>> BillingCycle.calendar(date(2026, 9, 12)).period_of(date(2026, 9, 12)).end
    datetime.date(2026, 10, 1)
    """

    first_month: int
    day: int
    months: int
    cut_after_day: bool = False

    def __post_init__(self) -> None:
        if self.months not in FREQUENCIES:
            raise ValueError(f"a period lasts one of {FREQUENCIES} months, got {self.months}")
        if not 1 <= self.day <= 31:
            raise ValueError(f"a day of the month is 1 to 31, got {self.day}")

    @classmethod
    def anniversary(cls, starts_on: date, months: int = 1) -> "BillingCycle":
        """Cut on the day of the month on which billing started."""
        return cls(_month_number(starts_on), starts_on.day, months)

    @classmethod
    def calendar(cls, first_day: date, months: int = 1) -> "BillingCycle":
        """Cut on the first of the month. A fiscal year has a `first_day` in April."""
        return cls(_month_number(first_day), 1, months)

    @classmethod
    def fixed_day(cls, day: int, first_day: date, months: int = 1) -> "BillingCycle":
        """Cut on this day of the month; the first period is the one that holds `first_day`."""
        return cls(_month_number(first_day), day, months)._beginning_by(first_day)

    @classmethod
    @lru_cache(maxsize=_REMEMBERED)
    def closing(cls, closing_day: int, first_day: date, months: int = 1) -> "BillingCycle":
        """Cut after the closing day of the month; the first period is the one that holds `first_day`."""
        return cls(_month_number(first_day), closing_day, months, cut_after_day=True)._beginning_by(first_day)

    def boundary(self, index: int) -> date:
        """The first day of the period of this index; those before the first are negative."""
        cut = _day_of(self.first_month + index * self.months, self.day)
        return cut + timedelta(days=1) if self.cut_after_day else cut

    def period(self, index: int) -> Period:
        """The period of this index."""
        return _period(self, index)

    def period_of(self, day: date) -> Period:
        """The period that this day belongs to."""
        return self.period(self._index_of(day))

    def periods_from(self, day: date) -> Iterator[Period]:
        """The period that this day belongs to, and all after it, without end."""
        index = self._index_of(day)
        while True:
            yield self.period(index)
            index += 1

    def whole(self, period: Period) -> Period:
        """The period itself: no month of this cycle is cut short."""
        return period

    def keeps_whole_fee(self, period: Period) -> bool:
        """Never, for none is cut short."""
        return False

    def restarted_on(self, day: date) -> "BillingCycle":
        """Periods as long as these, the first of which begins on this day."""
        return BillingCycle.anniversary(day, self.months)

    def replaces(self, billed: Period) -> bool:
        """Never: what was billed by other cuts contradicts this cycle."""
        return False

    def _index_of(self, day: date) -> int:
        return _index(self, day)

    def _beginning_by(self, day: date) -> "BillingCycle":
        """This cycle, or the same a month earlier when its first period begins after the day."""
        if self.boundary(0) <= day:
            return self
        return BillingCycle(self.first_month - 1, self.day, self.months, self.cut_after_day)


def day_in_month(of: date, day: int, *, months_later: int = 0) -> date:
    """This day of the month in which `of` lies, or of a later one; its last day when the month is shorter.

    >>> day_in_month(date(2026, 1, 15), 31, months_later=1)
    datetime.date(2026, 2, 28)
    """
    return _day_of(_month_number(of) + months_later, day)


@cache  # a closing asks for the same few again and again
def _period(cycle: BillingCycle, index: int) -> Period:
    return Period(cycle.boundary(index), cycle.boundary(index + 1))


@lru_cache(maxsize=_REMEMBERED)
def _index(cycle: BillingCycle, day: date) -> int:
    index = (_month_number(day) - cycle.first_month) // cycle.months
    return index - 1 if day < cycle.boundary(index) else index


@lru_cache(maxsize=_REMEMBERED)
def _day_of(month_number: int, day: int) -> date:
    year, month = divmod(month_number, 12)
    return date(year, month + 1, min(day, monthrange(year, month + 1)[1]))


def _month_number(day: date) -> int:
    """Its month, counted from January of year 0."""
    return 12 * day.year + day.month - 1
