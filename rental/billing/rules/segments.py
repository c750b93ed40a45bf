"""On which days which slots owe which fee: a line's history, seen through one billing period."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby, pairwise
from operator import itemgetter
from typing import NamedTuple
from uuid import UUID

from rental.core.errors import Conflict
from rental.core.money import Money
from rental.core.periods import Period


class OwedTwice(Conflict):
    """A slot would owe the same days twice; `first_on` is the first of them."""

    code = "billing.owed_twice"

    def __init__(self, *, first_on: date) -> None:
        super().__init__(first_on=first_on)


class NoDayOwed(Conflict):
    """Rent of a slot would end before it begins."""

    code = "billing.no_day_owed"

    def __init__(self, *, start: date, end: date) -> None:
        super().__init__(start=start, end=end)


class Span(NamedTuple):
    """The days one slot owes rent, from its first billable day; `end` is the day after them, or None."""

    slot_id: UUID
    start: date
    end: date | None = None


class FeeChange(NamedTuple):
    """What one slot costs a month from a day on."""

    effective_on: date
    monthly_fee: Money


@dataclass(frozen=True, slots=True)
class FeeHistory:
    """What one slot costs a month: at first, and after each change. Of several on one day the last counts."""

    at_first: Money
    changes: tuple[FeeChange, ...] = ()

    def during(self, days: Period) -> Iterator[tuple[Period, Money]]:
        """These days cut at the changes among them, each part with its fee."""
        start, fee = days.start, self.at_first
        for change in sorted(self.changes, key=lambda change: change.effective_on):
            if change.effective_on >= days.end:
                break
            if change.effective_on > start:
                yield Period(start, change.effective_on), fee
                start = change.effective_on
            fee = change.monthly_fee
        yield Period(start, days.end), fee


class Segment(NamedTuple):
    """Days of one period on which the same slots owed the same fee; slots in the order of their ids."""

    used: Period
    monthly_fee: Money
    slot_ids: tuple[UUID, ...]


def require_separate(spans: Sequence[Span]) -> None:
    """Raises OwedTwice when a slot would owe a day twice, NoDayOwed for a span that holds none."""
    for span in spans:
        if span.end is not None and span.end <= span.start:
            raise NoDayOwed(start=span.start, end=span.end)
    for one, next_one in pairwise(sorted(spans, key=_slot_and_start)):
        if one.slot_id == next_one.slot_id and (one.end is None or next_one.start < one.end):
            raise OwedTwice(first_on=next_one.start)


def segments_in(
    period: Period, spans: Sequence[Span], fees: FeeHistory, *, last_only: bool = False
) -> list[Segment]:
    """What is owed in one period, slots of equal days and fee together, in the order of the days.

    With `last_only` each slot owes only the last of its segments, as where any use costs the whole month.
    """
    slots: dict[tuple[Period, Money], list[UUID]] = {}
    for slot_id, own_spans in groupby(sorted(spans, key=_slot_and_start), key=itemgetter(0)):
        parts = _parts_of_slot(period, own_spans, fees)
        for part in parts[-1:] if last_only else parts:
            slots.setdefault(part, []).append(slot_id)
    segments = [Segment(used, fee, tuple(slot_ids)) for (used, fee), slot_ids in slots.items()]
    return sorted(segments, key=lambda segment: (segment.used, segment.slot_ids))


def _parts_of_slot(period: Period, spans: Iterable[Span], fees: FeeHistory) -> list[tuple[Period, Money]]:
    """The days one slot owes in the period, as long as they follow each other at one fee in one part."""
    parts: list[tuple[Period, Money]] = []
    for span in spans:
        if not (days := _shared_days(span, period)):
            continue
        for part, fee in fees.during(days):
            if parts and parts[-1][0].end == part.start and parts[-1][1] == fee:
                parts[-1] = Period(parts[-1][0].start, part.end), fee
            else:
                parts.append((part, fee))
    return parts


def _shared_days(span: Span, period: Period) -> Period | None:
    start = max(span.start, period.start)
    end = period.end if span.end is None else min(span.end, period.end)
    if start == period.start and end == period.end:
        return period
    return Period(start, end) if start < end else None


def _slot_and_start(span: Span) -> tuple[int, date]:
    return span.slot_id.int, span.start
