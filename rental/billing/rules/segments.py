"""On which days which slots owe which fee: a line's history, seen through one billing period."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby, pairwise
from operator import itemgetter
from typing import NamedTuple
from uuid import UUID

from rental.billing.rules.charged_days import ChargedPart, Frame, Part, charged_parts
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
    """The days one slot owes rent, from its first billable day; `end` is the day after them, or None.

    A slot of a bulk line holds many units that bear no number of their own; any other holds one.
    """

    slot_id: UUID
    start: date
    end: date | None = None
    units: int = 1


# The spans of each slot, in the order of their days; slots in the order of their ids.
SpansBySlot = tuple[tuple[UUID, tuple[Span, ...]], ...]


class FeeChange(NamedTuple):
    """What one unit costs a month from a day on: in every slot, or in this one alone."""

    effective_on: date
    monthly_fee: Money
    slot_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class FeeHistory:
    """What one unit costs a month: at first, and after each change. Of several on one day the last counts."""

    at_first: Money
    changes: tuple[FeeChange, ...] = ()

    def of(self, slot_id: UUID) -> "FeeHistory":
        """The history of one slot: changes of all slots, and its own."""
        if all(change.slot_id is None for change in self.changes):
            return self
        own = tuple(change for change in self.changes if change.slot_id in (None, slot_id))
        return FeeHistory(self.at_first, own)

    def during(self, days: Period) -> Iterator[tuple[Period, Money]]:
        """These days cut at the changes among them, each part with its fee."""
        start, fee = days.start, self.at_first
        for change in sorted(self.changes, key=itemgetter(0)):
            if change.effective_on >= days.end:
                break
            if change.effective_on > start:
                yield Period(start, change.effective_on), fee
                start = change.effective_on
            fee = change.monthly_fee
        yield Period(start, days.end), fee


class Segment(NamedTuple):
    """Days of one period on which the same slots owed the same share of the same fee, slots by their ids."""

    used: Period
    monthly_fee: Money
    units: int
    days: int
    of: int
    slot_ids: tuple[UUID, ...]

    @property
    def quantity(self) -> int:
        """How many units it charges."""
        return self.units * len(self.slot_ids)


def spans_by_slot(spans: Sequence[Span]) -> SpansBySlot:
    """The spans of each slot together.

    Raises OwedTwice when a slot would owe a day twice, NoDayOwed for a span that holds none.
    """
    for span in spans:
        if span.end is not None and span.end <= span.start:
            raise NoDayOwed(start=span.start, end=span.end)
    ordered = sorted(spans, key=_slot_and_start)
    for one, next_one in pairwise(ordered):
        if one.slot_id == next_one.slot_id and (one.end is None or next_one.start < one.end):
            raise OwedTwice(first_on=next_one.start)
    return tuple((slot_id, tuple(own)) for slot_id, own in groupby(ordered, key=itemgetter(0)))


def segments_in(frame: Frame, slots: SpansBySlot, fees: FeeHistory) -> list[Segment]:
    """What is owed in one period, slots of equal days and fee together, in the order of the days."""
    found: dict[ChargedPart, list[UUID]] = {}
    all_period: dict[int, list[UUID]] = {}
    period, whole = frame.period, frame.whole
    start, end = period.start, period.end
    is_plain = whole is period and not frame.cuts and not fees.changes
    for slot_id, spans in slots:
        if is_plain and len(spans) == 1:  # nearly every slot of nearly every month
            _, begins_on, ends_on, units = spans[0]
            if begins_on <= start and (ends_on is None or ends_on >= end):
                all_period.setdefault(units, []).append(slot_id)
                continue
        parts = _parts_of_slot(period, spans, fees.of(slot_id))
        for charged in charged_parts(parts, frame):
            found.setdefault(charged, []).append(slot_id)
    days = whole.days
    for units, slot_ids in all_period.items():
        charged = ChargedPart(period, fees.at_first, units, days, days)
        others = found.get(charged)
        found[charged] = sorted([*others, *slot_ids]) if others else slot_ids
    segments = [Segment(*charged, tuple(slot_ids)) for charged, slot_ids in found.items()]
    return sorted(segments, key=_days_and_slots) if len(segments) > 1 else segments


def _parts_of_slot(period: Period, spans: Iterable[Span], fees: FeeHistory) -> list[Part]:
    """The days one slot owes in the period, as long as nothing changes in one part."""
    parts: list[Part] = []
    for span in spans:
        if not (days := _shared_days(span, period)):
            continue
        for part, fee in fees.during(days):
            last = parts[-1] if parts else None
            if last and last.used.end == part.start and last[1:] == (fee, span.units):
                parts[-1] = last._replace(used=Period(last.used.start, part.end))
            else:
                parts.append(Part(part, fee, span.units))
    return parts


def _shared_days(span: Span, period: Period) -> Period | None:
    start = max(span.start, period.start)
    end = period.end if span.end is None else min(span.end, period.end)
    if start == period.start and end == period.end:
        return period
    return Period(start, end) if start < end else None


def _slot_and_start(span: Span) -> tuple[int, date]:
    return span.slot_id.int, span.start


def _days_and_slots(segment: Segment) -> tuple[Period, tuple[UUID, ...]]:
    return segment.used, segment.slot_ids
