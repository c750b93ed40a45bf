"""Half-open ranges of days: the first day is inside, the end is the first day outside."""

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """The days from `start` up to, but not including, `end`. Neighbours share a boundary and no day.

    >>> Period(date(2026, 2, 1), date(2026, 3, 1)).days
    28
    """

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ValueError(f"a period ends after it starts, got {self.start} to {self.end}")

    @property
    def days(self) -> int:
        return (self.end - self.start).days

    @property
    def last_day(self) -> date:
        return self.end - timedelta(days=1)

    def contains(self, day: date) -> bool:
        return self.start <= day < self.end

    def overlaps(self, other: "Period") -> bool:
        return self.start < other.end and other.start < self.end

    def overlap_days(self, used_from: date, used_until: date) -> int:
        """How many days of this period lie in the half-open range; 0 when none does."""
        return max(0, (min(self.end, used_until) - max(self.start, used_from)).days)
