"""What a contract costs a month once everything recorded so far counts: told event by event."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date, timedelta
from uuid import UUID

from rental.billing.rules import line_history
from rental.billing.rules.line_history import EventKey, history_of
from rental.billing.rules.segments import FeeChange, FeeHistory
from rental.contracts.models import LineEvent
from rental.contracts.rules import LineEventKind
from rental.core.errors import DomainError
from rental.core.money import Money
from rental.core.periods import Period


class RentMeter:
    """Counts starts as they come; a line with other events is calculated from its history each time."""

    def __init__(self, fees: Mapping[UUID, Money]) -> None:
        self._fees = fees
        self._events: dict[UUID, list[line_history.LineEvent]] = defaultdict(list)
        self._is_plain: dict[UUID, bool] = defaultdict(lambda: True)
        self._cost: dict[UUID, Money] = {}

    def after(self, recorded: Iterable[LineEvent]) -> Money:
        """The monthly rent with these events as well."""
        touched = set()
        for row in recorded:
            line_id = row.contract_line_id
            touched.add(line_id)
            self._events[line_id].append(_event(row))
            is_plain_start = row.kind is LineEventKind.START and row.value is None and not row.replaces_on
            self._is_plain[line_id] &= is_plain_start
        for line_id in touched:
            self._cost[line_id] = self._cost_of(line_id)
        return sum(self._cost.values(), Money(0))

    def _cost_of(self, line_id: UUID) -> Money:
        fee, events = self._fees[line_id], self._events[line_id]
        if self._is_plain[line_id]:
            return fee * len(events)
        try:
            history = history_of(events, fee=fee)
        except DomainError:  # facts that contradict each other are told by the closing that meets them
            return self._cost.get(line_id, Money(0))
        cost = Money(0)
        for span in history.spans:
            if span.end is None:
                *_, (_days, last) = history.fees.of(span.slot_id).during(Period(date.min, date.max))
                cost += last * span.units
        return cost


def fee_changes(rows: Iterable[LineEvent], fees: Mapping[UUID, Money]) -> dict[UUID, tuple[FeeChange, ...]]:
    """How the fee of each line changed, or will, by the lines whose fee did."""
    events: dict[UUID, list[line_history.LineEvent]] = defaultdict(list)
    priced = set()
    for row in rows:
        events[row.contract_line_id].append(_event(row))
        if row.kind is LineEventKind.PRICE:
            priced.add(row.contract_line_id)
    changes = {}
    for line_id in priced:
        with suppress(DomainError):
            changes[line_id] = history_of(events[line_id], fee=fees[line_id]).fees.changes
    return changes


def fee_on(day: date, at_first: Money, changes: Iterable[FeeChange]) -> Money:
    """The fee of the machines of a line on a day, but for those with a fee of their own."""
    whole = (change for change in changes if change.slot_id is None)
    fees = FeeHistory(at_first, tuple(whole)).during(Period(date.min, day + timedelta(days=1)))
    *_, (_days, fee) = fees
    return fee


def rent_on(day: date, rows: Iterable[LineEvent], fees: Mapping[UUID, Money]) -> Money:
    """What a month of the machines costs that stand at sites on this day, also where rent begins later.

    A line whose facts contradict each other counts nothing.
    """
    events: dict[UUID, list[line_history.LineEvent]] = defaultdict(list)
    for row in rows:
        events[row.contract_line_id].append(_event(row))
    rent = Money(0)
    for line_id, own in events.items():
        with suppress(DomainError):
            history = history_of(own, fee=fees[line_id])
            for span in history.spans:
                if span.end is None or day < span.end:
                    until = Period(date.min, max(day, span.start) + timedelta(days=1))
                    *_, (_days, fee) = history.fees.of(span.slot_id).during(until)
                    rent += fee * span.units
    return rent


def _event(row: LineEvent) -> line_history.LineEvent:
    replaces = None
    if row.replaces_on is not None and row.replaces_seq is not None:
        replaces = EventKey(row.replaces_on, row.replaces_seq)
    return line_history.LineEvent(row.kind, row.effective_on, row.seq, row.slot_id, row.value, replaces)
