"""Periods of days, and periods that were cut anew from a day on: what is not a plain row of months."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple, Protocol

from rental.billing.rules.refusals import NotBillable, Reason
from rental.core.periods import Period


class Cycle(Protocol):
    """How a line's time is cut: every day lies in one period, and periods follow each other."""

    @property
    def months(self) -> int:
        """How many fees a whole period costs."""

    def period_of(self, day: date) -> Period:
        """The period that this day belongs to."""

    def periods_from(self, day: date) -> Iterator[Period]:
        """The period that this day belongs to, and all after it, without end."""

    def whole(self, period: Period) -> Period:
        """The period that this one is cut from; itself, where nothing was cut anew."""

    def keeps_whole_fee(self, period: Period) -> bool:
        """Whether it costs what the whole would have cost, although it was cut short."""

    def restarted_on(self, day: date) -> "Cycle":
        """Periods as long as these, the first of which begins on this day."""

    def replaces(self, billed: Period) -> bool:
        """Whether this period was billed before its time was cut anew, so that others took its place."""


@dataclass(frozen=True, slots=True)
class DayCycle:
    """Periods of so many days, for what is rented by the day or the week; each costs one fee.

    >>> DayCycle(date(2026, 9, 1), 7).period_of(date(2026, 9, 9)).start
    datetime.date(2026, 9, 8)
    """

    first_day: date
    days: int

    def __post_init__(self) -> None:
        if self.days < 1:
            raise NotBillable("days", Reason.OUT_OF_RANGE, days=self.days)

    @property
    def months(self) -> int:
        return 1

    def period_of(self, day: date) -> Period:
        start = day - timedelta(days=(day - self.first_day).days % self.days)
        return Period(start, start + timedelta(days=self.days))

    def periods_from(self, day: date) -> Iterator[Period]:
        period = self.period_of(day)
        while True:
            yield period
            period = Period(period.end, period.end + timedelta(days=self.days))

    def whole(self, period: Period) -> Period:
        return period

    def keeps_whole_fee(self, period: Period) -> bool:
        return False

    def restarted_on(self, day: date) -> Cycle:
        return DayCycle(day, self.days)

    def replaces(self, billed: Period) -> bool:
        return False


class Anchor(NamedTuple):
    """From which day time is cut in another way.

    At the end of a period the days until the next cut are a stub. With `restarts` the day may lie inside a
    period: that one ends here and still costs its whole fee, as agreed where a new term begins at once.
    """

    since: date
    cycle: Cycle
    restarts: bool = False


@dataclass(frozen=True, slots=True)
class ReanchoredCycle:
    """A cycle whose cuts were moved, once or more often. Raises NotBillable for a move inside a period."""

    first: Cycle
    anchors: tuple[Anchor, ...]

    def __post_init__(self) -> None:
        for one, next_one in pairwise(self.anchors):
            if next_one.since <= one.since:
                raise NotBillable("anchors", Reason.NOT_ASCENDING, since=next_one.since)
        before = self.first
        for anchor in self.anchors:
            if not anchor.restarts and before.period_of(anchor.since).start != anchor.since:
                raise NotBillable("since", Reason.INSIDE_A_PERIOD, since=anchor.since)
            before = anchor.cycle

    @property
    def months(self) -> int:
        """The same for all of them: whoever pays by the quarter now is another line."""
        return self.first.months

    def period_of(self, day: date) -> Period:
        since, until, cycle, _ = self._in_force(day)
        period = cycle.period_of(day)
        if since <= period.start and period.end <= until:
            return period
        return Period(max(since, period.start), min(until, period.end))

    def periods_from(self, day: date) -> Iterator[Period]:
        while True:
            period = self.period_of(day)
            yield period
            day = period.end

    def whole(self, period: Period) -> Period:
        return self._in_force(period.start)[2].period_of(period.start)

    def keeps_whole_fee(self, period: Period) -> bool:
        _, until, _, is_cut_short = self._in_force(period.start)
        return is_cut_short and period.end == until

    def restarted_on(self, day: date) -> Cycle:
        return self.anchors[-1].cycle.restarted_on(day)

    def replaces(self, billed: Period) -> bool:
        return billed.end > self.anchors[0].since and billed != self.period_of(billed.start)

    def _in_force(self, day: date) -> tuple[date, date, Cycle, bool]:
        """From when until when which cycle counts on this day, and whether the next one cuts it short."""
        since, cycle = date.min, self.first
        for anchor in self.anchors:
            if day < anchor.since:
                return since, anchor.since, cycle, anchor.restarts
            since, cycle = anchor.since, anchor.cycle
        return since, date.max, cycle, False


def reanchored(cycle: Cycle, anchor: Anchor) -> ReanchoredCycle:
    """The cycle with one more anchor, which comes after those it has."""
    if isinstance(cycle, ReanchoredCycle):
        return ReanchoredCycle(cycle.first, (*cycle.anchors, anchor))
    return ReanchoredCycle(cycle, (anchor,))
