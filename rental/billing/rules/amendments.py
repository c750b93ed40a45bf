"""What an agreed change is in the history of a line: events to record, and cuts that move."""

from collections.abc import Iterable, Sequence
from datetime import date
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from rental.billing.rules.cycles import Anchor, Cycle
from rental.billing.rules.line_history import LineEvent
from rental.billing.rules.refusals import NotBillable, Reason
from rental.billing.rules.segments import Span
from rental.contracts.rules import LineEventKind
from rental.core.money import Money


class Effect(StrEnum):
    """From when a new price counts.

    Immediately: from that day, and the days before at the old price. From the next period: the month stays
    as it is, the usual way down. Full immediately: nothing is credited, and a whole new period begins.
    """

    IMMEDIATE = "immediate"
    NEXT_PERIOD = "next_period"
    FULL_IMMEDIATELY = "full_immediately"


class Amended(NamedTuple):
    """The events to record, and the new anchor where time is cut anew."""

    events: tuple[LineEvent, ...]
    anchor: Anchor | None = None


class Pause(NamedTuple):
    """Days without service, until the day before `resumes_on`; `extend_term` moves the minimum term."""

    pauses_on: date
    resumes_on: date
    extend_term: bool = False


class Revisable(NamedTuple):
    """A contract line as far as a general revision of prices asks; `bound_until` ends its minimum term."""

    line_id: UUID
    cycle: Cycle
    bound_until: date | None = None


class Revision(NamedTuple):
    """From when the new price counts for a line; None where the line is left alone."""

    line_id: UUID
    effective_on: date | None


def price_change(
    cycle: Cycle, fee: Money, *, agreed_for: date, effect: Effect, seq: int, slot_id: UUID | None = None
) -> Amended:
    """A new fee, up or down, for a slot or the whole line."""
    if fee < Money(0):
        raise NotBillable("fee", Reason.NEGATIVE, value=fee.minor_units)
    day = _first_boundary(cycle, agreed_for) if effect is Effect.NEXT_PERIOD else agreed_for
    price = LineEvent(LineEventKind.PRICE, day, seq, slot_id, fee.minor_units)
    if effect is not Effect.FULL_IMMEDIATELY:
        return Amended((price,))
    if slot_id is not None:
        raise NotBillable("slot_id", Reason.OUT_OF_RANGE)
    if _first_boundary(cycle, day) == day:
        return Amended((price,))
    return Amended((price,), Anchor(day, cycle.restarted_on(day), restarts=True))


def quantity_change(slot_id: UUID, units: int, *, agreed_for: date, seq: int) -> Amended:
    """Another number of units in the one slot of a bulk line; elsewhere units come and go by their scans."""
    if units < 1:
        raise NotBillable("quantity", Reason.OUT_OF_RANGE, value=units)
    return Amended((LineEvent(LineEventKind.QUANTITY, agreed_for, seq, slot_id, units),))


def option_added(slot_ids: Iterable[UUID], *, agreed_for: date, contract_ends: date, seq: int) -> Amended:
    """A line that runs from a day to the end of its contract; `contract_ends` is the first day after it."""
    if contract_ends <= agreed_for:
        raise NotBillable("agreed_for", Reason.ENDS_BEFORE_START, start=agreed_for, end=contract_ends)
    slots = list(slot_ids)
    starts = [LineEvent(LineEventKind.START, agreed_for, seq + n, slot) for n, slot in enumerate(slots)]
    stop = LineEvent(LineEventKind.STOP, contract_ends, seq + len(slots))
    return Amended((*starts, stop))


def option_removed(*, agreed_for: date, seq: int) -> Amended:
    """All slots of a line end; `agreed_for` is the first day without them."""
    return Amended((LineEvent(LineEventKind.STOP, agreed_for, seq),))


def suspension(
    pause: Pause, others: Sequence[Pause] = (), *, seq: int, slot_id: UUID | None = None
) -> Amended:
    """A pause at the customer's wish (休止). Raises NotBillable when it meets another one."""
    if pause.resumes_on <= pause.pauses_on:
        raise NotBillable("resumes_on", Reason.ENDS_BEFORE_START, start=pause.pauses_on, end=pause.resumes_on)
    for other in others:
        if pause.pauses_on < other.resumes_on and other.pauses_on < pause.resumes_on:
            raise NotBillable("pauses_on", Reason.OVERLAPPING, start=other.pauses_on, end=other.resumes_on)
    return Amended(
        (
            LineEvent(LineEventKind.PAUSE, pause.pauses_on, seq, slot_id),
            LineEvent(LineEventKind.RESUME, pause.resumes_on, seq, slot_id),
        )
    )


def transferred(spans: Iterable[Span], day: date) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """The days that stay with the old contract and those of the new one (名義変更): no gap, no overlap."""
    old, new = [], []
    for span in spans:
        if span.start < day:
            ends_before = span.end is not None and span.end <= day
            old.append(span if ends_before else span._replace(end=day))
        if span.end is None or span.end > day:
            new.append(span._replace(start=max(span.start, day)))
    return tuple(old), tuple(new)


def price_revision(
    lines: Iterable[Revisable], *, effective_on: date, effect: Effect = Effect.NEXT_PERIOD
) -> list[Revision]:
    """From when a general revision counts for each line; lines in their minimum term keep their price.

    What is to be decided first is shown first: this is the list for the preview and for the notices.
    """
    if effect is Effect.FULL_IMMEDIATELY:
        raise NotBillable("effect", Reason.OUT_OF_RANGE, value=effect)
    found = []
    for line in lines:
        day = _first_boundary(line.cycle, effective_on) if effect is Effect.NEXT_PERIOD else effective_on
        is_bound = line.bound_until is not None and day < line.bound_until
        found.append(Revision(line.line_id, None if is_bound else day))
    return found


def require_separate(changes: Iterable[LineEvent]) -> None:
    """Raises NotBillable when two changes of one kind are meant for the same slot and day."""
    said: set[tuple[LineEventKind, date, UUID | None]] = set()
    for change in changes:
        key = change.kind, change.effective_on, change.slot_id
        if key in said:
            raise NotBillable("effective_on", Reason.OVERLAPPING, on=change.effective_on, kind=change.kind)
        said.add(key)


def _first_boundary(cycle: Cycle, day: date) -> date:
    """The first day of a period on or after a day."""
    period = cycle.period_of(day)
    return period.start if period.start == day else period.end
