"""What follows from something agreed anew: facts to record and days to cut at. Nothing is written here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from rental.billing.rules import amendments
from rental.billing.rules.agreed import AgreedAnchor
from rental.billing.rules.amendments import Amended, Effect, Pause, Revisable
from rental.billing.rules.charges import ChargeKind
from rental.billing.rules.early_termination import MinimumTerm, minimum_term, termination_fee_of
from rental.billing.rules.line_history import EventKey, LineEvent, slots_standing
from rental.billing.rules.one_offs import OneOff
from rental.billing.rules.prices import UnitPrice
from rental.billing.rules.refusals import NotBillable, Reason
from rental.catalog.rules import AnchorKind, Cost, StopPolicy, TaxClass
from rental.changes.line_books import ContractBook, LineBook
from rental.changes.rules import AlreadyTerminated, AmendmentKind, LeavingReason, StartStays, StopStays
from rental.contracts.rules import LineEventKind, SlotState, months_after
from rental.core.money import Money, Rounding
from rental.core.periods import Period

_NO_SLOT = UUID(int=0)  # what counts for the whole line


@dataclass(frozen=True, slots=True)
class Plan:
    """What an amendment records, by line. `said` is what was agreed, as the form had it.

    `ends_on` is the first day after the contract, where notice is given.
    """

    kind: AmendmentKind
    contract_id: UUID
    effective_on: date
    said: Mapping[str, Any]
    line_id: UUID | None = None
    events: Mapping[UUID, Sequence[LineEvent]] = field(default_factory=dict)
    anchors: Mapping[UUID, Sequence[AgreedAnchor]] = field(default_factory=dict)
    one_offs: Mapping[UUID, Sequence[OneOff]] = field(default_factory=dict)
    ends_on: date | None = None

    def first_days(self) -> dict[UUID, date]:
        """From which day something counts for each line; of an event put right also the day it had."""
        days: dict[UUID, list[date]] = {}
        for line_id, events in self.events.items():
            days.setdefault(line_id, []).extend(event.effective_on for event in events)
            days[line_id].extend(event.replaces.effective_on for event in events if event.replaces)
        for line_id, anchors in self.anchors.items():
            last_days = (anchor.since - timedelta(days=1) for anchor in anchors)
            days.setdefault(line_id, []).extend(last_days)  # what ends there may be cut short
        for line_id, one_offs in self.one_offs.items():
            days.setdefault(line_id, []).extend(each.happened_on for each in one_offs)
        return {line_id: min(found) for line_id, found in days.items()}


class Leaving(NamedTuple):
    """What leaving early costs: what is left of the minimum term, and the rent of a month it is made of."""

    term: MinimumTerm
    monthly_fee: Money
    amount: Money
    tax_class: TaxClass


def plan_price(
    book: ContractBook,
    line_id: UUID,
    fee: Money,
    *,
    agreed_for: date,
    today: date,
    effect: Effect | None = None,
    slot_id: UUID | None = None,
) -> Plan:
    """Another fee for a line or one of its slots. Without an effect: up at once, down from the next period.

    Raises NotBillable, naming the field.
    """
    line = book.line(line_id)
    if effect is None:
        is_down = fee < fee_on(line, agreed_for)
        effect = Effect.NEXT_PERIOD if is_down else Effect.IMMEDIATE
    amended = amendments.price_change(
        line.cycle(today=today), fee, agreed_for=agreed_for, effect=effect, seq=0, slot_id=slot_id
    )
    said = {"fee": fee.minor_units, "effect": effect.value, "slot_id": _text(slot_id)}
    return _plan_of(AmendmentKind.PRICE, book, line, amended, agreed_for, said, today)


def plan_revision(
    book: ContractBook,
    fees: Mapping[UUID, Money],
    *,
    effective_on: date,
    today: date,
    effect: Effect = Effect.NEXT_PERIOD,
) -> Plan:
    """New fees for several lines at once; lines in their minimum term keep theirs and are left out."""
    revisable = [
        Revisable(line_id, book.line(line_id).cycle(today=today), bound_until(book.line(line_id)))
        for line_id in fees
    ]
    events = {}
    for line_id, day in amendments.price_revision(revisable, effective_on=effective_on, effect=effect):
        if day is not None:
            line, fee = book.line(line_id), fees[line_id]
            price = LineEvent(LineEventKind.PRICE, day, line.next_seq(day), value=fee.minor_units)
            line.history(price)
            events[line_id] = (price,)
    said = {
        "fees": {str(line_id): fee.minor_units for line_id, fee in fees.items()},
        "revised": [str(line_id) for line_id in events],
        "effect": effect.value,
    }
    return Plan(AmendmentKind.REVISION, book.contract.id, effective_on, said, events=events)


def plan_quantity(
    book: ContractBook, line_id: UUID, slot_id: UUID, units: int, *, agreed_for: date, today: date
) -> Plan:
    """Another number of units in a slot that holds many. Raises NotBillable."""
    line = book.line(line_id)
    amended = amendments.quantity_change(slot_id, units, agreed_for=agreed_for, seq=0)
    said = {"units": units, "slot_id": str(slot_id)}
    return _plan_of(AmendmentKind.QUANTITY, book, line, amended, agreed_for, said, today)


def plan_suspension(
    book: ContractBook, line_id: UUID, pause: Pause, *, today: date, slot_id: UUID | None = None
) -> Plan:
    """Days without rent at the customer's wish (休止) until the day it goes on. Raises NotBillable."""
    line = book.line(line_id)
    amended = amendments.suspension(pause, seq=0, slot_id=slot_id)
    said = {
        "resumes_on": pause.resumes_on.isoformat(),
        "extends_term": pause.extend_term,
        "slot_id": _text(slot_id),
    }
    return _plan_of(AmendmentKind.SUSPENSION, book, line, amended, pause.pauses_on, said, today)


def plan_removal(book: ContractBook, line_id: UUID, *, agreed_for: date, today: date) -> Plan:
    """A line ends before its contract; `agreed_for` is the first day without it. Raises NotBillable."""
    line = book.line(line_id)
    amended = amendments.option_removed(agreed_for=agreed_for, seq=0)
    if all(span.end is not None and span.end <= agreed_for for span in line.history().spans):
        raise NotBillable("effective_on", Reason.NOT_IN_FORCE, on=agreed_for)
    return _plan_of(AmendmentKind.OPTION_REMOVED, book, line, amended, agreed_for, {}, today)


def plan_anchor(
    book: ContractBook, line_id: UUID, kind: AnchorKind, *, since: date, anchored_on: date, today: date
) -> Plan:
    """Time is cut in another way from a day on, which must begin a period. Raises NotBillable."""
    line = book.line(line_id)
    anchor = AgreedAnchor(since, kind, anchored_on)
    line.cycle(anchor, today=today)
    said = {"kind": kind.value, "anchored_on": anchored_on.isoformat()}
    return Plan(
        AmendmentKind.ANCHOR,
        book.contract.id,
        since,
        said,
        line.line.id,
        anchors={line.line.id: (anchor,)},
    )


def plan_correction(
    book: ContractBook,
    line_id: UUID,
    wrong: tuple[date, int],
    *,
    effective_on: date,
    today: date,
    value: int | None = None,
) -> Plan:
    """What was recorded wrongly, with the day and value it should have had.

    A start never moves behind its end, nor an end before the start of what it ends: rent would run on.
    Raises NotBillable, NotFound.
    """
    line = book.line(line_id)
    event = line.event(*wrong)
    if event.kind is LineEventKind.WITHDRAWAL:
        raise NotBillable("replaces", Reason.UNKNOWN, on=event.effective_on, seq=event.seq)
    right = event._replace(
        effective_on=effective_on,
        seq=0,
        value=event.value if value is None else value,
        replaces=event.key,
    )
    if event.kind in (LineEventKind.START, LineEventKind.STOP):
        _require_ends_kept(line, event, right)
    said = {"replaces": _key(event), "kind": event.kind.value, "value": right.value}
    return _plan_of(AmendmentKind.CORRECTION, book, line, Amended((right,)), effective_on, said, today)


def plan_withdrawal(book: ContractBook, line_id: UUID, wrong: tuple[date, int], *, today: date) -> Plan:
    """What was recorded and never happened. Raises NotBillable, NotFound, StartStays, StopStays."""
    line = book.line(line_id)
    event = line.event(*wrong)
    if event.kind is LineEventKind.START:
        raise StartStays
    if event.kind is LineEventKind.STOP and _has_come_back(line, event):
        raise StopStays
    gone = LineEvent(LineEventKind.WITHDRAWAL, event.effective_on, 0, replaces=EventKey(*wrong))
    said = {"replaces": _key(event), "kind": event.kind.value}
    return _plan_of(AmendmentKind.WITHDRAWAL, book, line, Amended((gone,)), event.effective_on, said, today)


def plan_termination(
    book: ContractBook,
    *,
    last_on: date,
    requested_on: date,
    leaving: LeavingReason,
    extensions: Sequence[Period] = (),
) -> Plan:
    """The contract ends with this day. Where rent ends with an agreed day it ends then, and what is kept
    longer costs the overrun price; where it ends with the retrieval it goes on until then.

    `extensions` are pauses that moved the minimum term. What leaving early costs falls due on the last day.
    Raises AlreadyTerminated, NotBillable.
    """
    if book.contract.ends_on is not None:
        raise AlreadyTerminated(ends_on=book.contract.ends_on)
    ends_on = last_on + timedelta(days=1)
    if book.contract.effective_on is not None and ends_on <= book.contract.effective_on:
        start = book.contract.effective_on
        raise NotBillable("last_on", Reason.ENDS_BEFORE_START, start=start, end=ends_on)
    events, fees = {}, {}
    for line_id, line in book.lines.items():
        if (kind := _ENDS_WITH.get(line.line.stop_policy)) and line.events:
            end = LineEvent(kind, ends_on, line.next_seq(ends_on))
            line.history(end)
            events[line_id] = (end,)
        if fee := _penalty(line, ends_on, extensions):
            fees[line_id] = (fee,)
    said = {
        "last_on": last_on.isoformat(),
        "requested_on": requested_on.isoformat(),
        "leaving": leaving.value,
    }
    return Plan(
        AmendmentKind.TERMINATION,
        book.contract.id,
        ends_on,
        said,
        events=events,
        one_offs=fees,
        ends_on=ends_on,
    )


_ENDS_WITH = {
    StopPolicy.CONTRACT_END: LineEventKind.STOP,
    StopPolicy.AGREED_END: LineEventKind.KEPT,
}


def _plan_of(
    kind: AmendmentKind,
    book: ContractBook,
    line: LineBook,
    amended: Amended,
    effective_on: date,
    said: Mapping[str, Any],
    today: date,
) -> Plan:
    """The plan for one line, if its history stays possible with it."""
    events = _in_order(line, amended.events)
    line.history(*events)
    anchors: Mapping[UUID, Sequence[AgreedAnchor]] = {}
    if amended.anchor is not None:
        since = amended.anchor.since
        anchor = AgreedAnchor(since, AnchorKind.ANNIVERSARY, since, restarts=amended.anchor.restarts)
        line.cycle(anchor, today=today)
        anchors = {line.line.id: (anchor,)}
    return Plan(kind, book.contract.id, effective_on, said, line.line.id, {line.line.id: events}, anchors)


def _in_order(line: LineBook, events: Sequence[LineEvent]) -> tuple[LineEvent, ...]:
    """The events behind those recorded for the same days."""
    placed: list[LineEvent] = []
    for event in events:
        before = sum(each.effective_on == event.effective_on for each in placed)
        placed.append(event._replace(seq=line.next_seq(event.effective_on) + before))
    return tuple(placed)


def fee_on(line: LineBook, day: date) -> Money:
    """What one machine of the line costs on this day, but for those with a fee of their own."""
    fees = line.history().fees.of(_NO_SLOT)
    *_, (_days, fee) = fees.during(Period(date.min, day + timedelta(days=1)))
    return fee


def bound_until(line: LineBook) -> date | None:
    """The first day after the minimum term, which is counted from the first day of rent."""
    months, first_day = line.line.rate_plan_version.minimum_months, line.first_day
    if not months or first_day is None:
        return None
    return months_after(first_day, months)


def leaving_early(line: LineBook, ends_on: date, extensions: Sequence[Period] = ()) -> Leaving | None:
    """What it costs that the line ends before this day; None where nothing runs, or nothing was agreed.

    `extensions` are pauses that moved the minimum term.
    """
    first_day = line.first_day
    agreed = line.line.line_terms
    if first_day is None or agreed is None or not agreed.leaving or ends_on <= first_day:
        return None
    term = minimum_term(
        first_day, line.line.rate_plan_version.minimum_months, ended_on=ends_on, pauses=extensions
    )
    fee = termination_fee_of(agreed.leaving)
    running = [span for span in line.history().spans if span.end is None or span.end >= ends_on]
    monthly = fee_on(line, ends_on) * sum(span.units for span in running)
    return Leaving(term, monthly, fee.amount(term, monthly, Rounding.DOWN), fee.tax_class)


def _penalty(line: LineBook, ends_on: date, extensions: Sequence[Period]) -> OneOff | None:
    leaving = leaving_early(line, ends_on, extensions)
    if leaving is None or not leaving.amount:
        return None
    return OneOff(
        line.line.id,
        ends_on - timedelta(days=1),
        UnitPrice.of(leaving.amount.minor_units),
        tax_class=leaving.tax_class,
        kind=ChargeKind.PENALTY,
        about=Cost.EARLY_TERMINATION.value,
    )


def _require_ends_kept(line: LineBook, wrong: LineEvent, right: LineEvent) -> None:
    """No slot that was stopped would stand without end, also one that would pause at present."""
    told = right._replace(seq=line.next_seq(right.effective_on))
    if slots_standing((*line.events, told)) - slots_standing(line.events):
        start, end = (right, wrong) if wrong.kind is LineEventKind.START else (wrong, right)
        raise NotBillable(
            "effective_on", Reason.ENDS_BEFORE_START, start=start.effective_on, end=end.effective_on
        )


def _has_come_back(line: LineBook, stop: LineEvent) -> bool:
    """Whether a machine whose rent ended with this was fetched."""
    return any(slot.state is SlotState.CLOSED for slot in line.line.slots if stop.slot_id in (None, slot.id))


def _key(event: LineEvent) -> list[Any]:
    return [event.effective_on.isoformat(), event.seq]


def _text(slot_id: UUID | None) -> str | None:
    return str(slot_id) if slot_id else None
