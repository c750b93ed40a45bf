"""From what was recorded about a line, in the order of its days, to the days and fees its slots owe."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple
from uuid import UUID

from rental.billing.rules.refusals import NotBillable, Reason
from rental.billing.rules.segments import FeeChange, FeeHistory, Span
from rental.contracts.rules import LineEventKind
from rental.core.money import Money
from rental.core.periods import Period


class EventKey(NamedTuple):
    """Which event of a line: the day it counts from, and its place among those of that day."""

    effective_on: date
    seq: int


class LineEvent(NamedTuple):
    """One recorded fact about a line, or about one of its slots; never edited.

    `effective_on` is the first day on which it counts, so a stop names the first day that is not owed.
    `value` is the fee of a price event in yen, and the units of a slot for a start or a quantity event.
    A mistake is put right by an event that `replaces` the wrong one; a withdrawal puts nothing in its place.
    """

    kind: LineEventKind
    effective_on: date
    seq: int
    slot_id: UUID | None = None
    value: int | None = None
    replaces: EventKey | None = None

    @property
    def key(self) -> EventKey:
        return EventKey(self.effective_on, self.seq)


class LineHistory(NamedTuple):
    """Which slots owed rent on which days, and what it cost; `kept` are days after the agreed end.

    `in_service` goes from the first start to the last stop, whatever was paused: what stands there can be
    used. It ends with `date.max` while there is no stop, and is None without any day.
    """

    spans: tuple[Span, ...]
    fees: FeeHistory
    kept: tuple[Span, ...] = ()
    in_service: Period | None = None


@dataclass(slots=True)
class _Slot:
    """One slot on the way through its events: since when how many units run, or that they pause."""

    slot_id: UUID
    since: date | None = None
    units: int = 0
    is_paused: bool = False
    is_kept: bool = False
    spans: list[Span] = field(default_factory=list)
    kept: list[Span] = field(default_factory=list)
    started_on: date | None = None
    served: list[Period] = field(default_factory=list)

    def start(self, day: date, units: int) -> None:
        """It stands at the site from this day on."""
        self.units, self.started_on = units, day
        self.open(day)

    def stop(self, day: date) -> None:
        """It is gone from this day on. One that would have stood there for no day never did."""
        self.close(day)
        self._serve(day)
        self.units, self.is_paused, self.is_kept = 0, False, False

    def finish(self) -> None:
        """Nothing more is known: what runs goes on."""
        self.close(None)
        self._serve(date.max)

    def close(self, day: date | None) -> None:
        """Ends the running span. One that would hold no day never was; None leaves it open."""
        if self.since is not None and (day is None or self.since < day):
            running = self.kept if self.is_kept else self.spans
            running.append(Span(self.slot_id, self.since, day, self.units))
        self.since = None

    def open(self, day: date) -> None:
        if self.units:
            self.since = day

    def _serve(self, until: date) -> None:
        if self.started_on is not None and self.started_on < until:
            self.served.append(Period(self.started_on, until))
        self.started_on = None


def history_of(events: Iterable[LineEvent], *, fee: Money) -> LineHistory:
    """The history of a line whose units cost this fee at first. The order of the rows does not matter.

    A stop, a pause, a resumption or the agreed end without a slot concerns all slots it can concern. Raises
    NotBillable, which names the field and the day, for what cannot have happened in this order.
    """
    slots, changes = _told(events)
    spans, kept, served = [], [], []
    for slot in slots:
        slot.finish()
        spans += slot.spans
        kept += slot.kept
        served += slot.served
    return LineHistory(
        tuple(spans), FeeHistory(fee, tuple(changes)), tuple(kept), _from_first_to_last(served)
    )


def slots_standing(events: Iterable[LineEvent]) -> frozenset[UUID]:
    """The slots that started and that nothing stops, whether or not they pause. Raises NotBillable."""
    slots, _ = _told(events)
    return frozenset(slot.slot_id for slot in slots if slot.units)


def _told(events: Iterable[LineEvent]) -> tuple[Collection[_Slot], list[FeeChange]]:
    """Every slot after all that was said of it, and every change of a fee."""
    slots: dict[UUID, _Slot] = {}
    changes: list[FeeChange] = []
    for event in _that_count(list(events)):
        if event.kind is LineEventKind.PRICE:
            changes.append(FeeChange(event.effective_on, Money(_value_of(event)), event.slot_id))
            continue
        for slot in _concerned(event, slots):
            _tell(slot, event)
    return slots.values(), changes


def _from_first_to_last(served: Sequence[Period]) -> Period | None:
    if not served:
        return None
    return Period(min(each.start for each in served), max(each.end for each in served))


def _that_count(events: Sequence[LineEvent]) -> list[LineEvent]:
    """The events that nothing replaced, in the order in which they count."""
    known: set[EventKey] = set()
    for event in events:
        if event.key in known:
            raise NotBillable("seq", Reason.SAID_TWICE, on=event.effective_on, seq=event.seq)
        known.add(event.key)
    replaced = [event.replaces for event in events if event.replaces]
    for key in replaced:
        if key not in known:
            raise NotBillable("replaces", Reason.UNKNOWN, on=key.effective_on, seq=key.seq)
    if len(set(replaced)) < len(replaced):
        raise NotBillable("replaces", Reason.SAID_TWICE)
    gone = set(replaced)
    return sorted(
        (each for each in events if each.key not in gone and each.kind is not LineEventKind.WITHDRAWAL),
        key=lambda event: event.key,
    )


def _concerned(event: LineEvent, slots: dict[UUID, _Slot]) -> Iterator[_Slot]:
    if event.slot_id is not None:
        yield slots.setdefault(event.slot_id, _Slot(event.slot_id))
        return
    if event.kind in (LineEventKind.START, LineEventKind.QUANTITY):
        raise NotBillable("slot_id", Reason.MISSING, on=event.effective_on)
    for slot in slots.values():
        if slot.units and _can_concern(event.kind, slot):
            yield slot


def _can_concern(kind: LineEventKind, slot: _Slot) -> bool:
    """Whether a word about all slots speaks of this one as well."""
    if kind is LineEventKind.STOP:
        return True
    if kind is LineEventKind.KEPT:
        return not slot.is_kept
    return not slot.is_kept and slot.is_paused == (kind is LineEventKind.RESUME)


def _tell(slot: _Slot, event: LineEvent) -> None:
    day = event.effective_on
    is_start = event.kind is LineEventKind.START
    if is_start and slot.units:
        raise _refusal(event, Reason.ALREADY_STARTED)
    if not is_start and not slot.units:
        raise _refusal(event, Reason.NOT_STARTED)
    if slot.is_kept and event.kind is not LineEventKind.STOP:
        raise _refusal(event, Reason.NOT_IN_FORCE)
    match event.kind:
        case LineEventKind.START:
            slot.start(day, 1 if event.value is None else _value_of(event))
        case LineEventKind.STOP:
            slot.stop(day)
        case LineEventKind.KEPT:
            slot.close(day)
            slot.is_paused, slot.is_kept = False, True
            slot.open(day)
        case LineEventKind.QUANTITY:
            if not slot.is_paused:
                slot.close(day)
            slot.units = _value_of(event)
            if not slot.is_paused:
                slot.open(day)
        case LineEventKind.PAUSE:
            if slot.is_paused:
                raise _refusal(event, Reason.ALREADY_PAUSED)
            slot.close(day)
            slot.is_paused = True
        case LineEventKind.RESUME:
            if not slot.is_paused:
                raise _refusal(event, Reason.NOT_PAUSED)
            slot.is_paused = False
            slot.open(day)


def _value_of(event: LineEvent) -> int:
    """The value of an event that needs one. Only a fee may be nothing: no units are a stop."""
    if event.value is None:
        raise NotBillable("value", Reason.MISSING, on=event.effective_on, kind=event.kind)
    if event.value < 0:
        raise NotBillable("value", Reason.NEGATIVE, on=event.effective_on, value=event.value)
    if event.value == 0 and event.kind is not LineEventKind.PRICE:
        raise NotBillable("value", Reason.OUT_OF_RANGE, on=event.effective_on, value=event.value)
    return event.value


def _refusal(event: LineEvent, reason: Reason) -> NotBillable:
    return NotBillable(
        "effective_on", reason, on=event.effective_on, kind=event.kind, slot=str(event.slot_id)
    )
