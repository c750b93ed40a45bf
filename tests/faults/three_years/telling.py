"""What the lines should have been billed, told again from what was recorded, by two who never met a database.

The one applies the rules closing by closing to what was known then, each time to all periods there ever were.
The other is the slow rater, who asks every slot on every day.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from math import ceil, floor
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from rental.billing.histories import agreed_terms, one_of
from rental.billing.models import BilledSegment, BillingRun, Invoice, InvoiceLine
from rental.billing.models import UsageRecord as StoredReading
from rental.billing.rules.agreed import PLAIN, Facts, LineTerms, everything_due
from rental.billing.rules.charges import Charge, ChargeKind, Entry, standing
from rental.billing.rules.line_history import EventKey, LineEvent, history_of
from rental.billing.rules.one_offs import OneOff
from rental.billing.rules.runs import billed_as_of, closing_days_of
from rental.billing.rules.usage import UsageRecord
from rental.contracts.models import Contract, Line, LineAnchor
from rental.contracts.models import LineEvent as StoredEvent
from rental.contracts.models import OneOff as StoredOneOff
from tests.faults.three_years.doings import name_of
from tests.faults.three_years.script import Tenancy
from tests.rules.billing.naive_rater import Agreed, cost_of, in_service, kept_after_the_end, months_of
from tests.rules.billing.recorded import facts_of

Key = tuple[Any, ...]


class At(NamedTuple):
    """Something, and the moment at which it became known."""

    moment: datetime
    what: Any


@dataclass
class Records:
    """Everything recorded about the lines, by line, each with the moment at which it became known."""

    lines: dict[tuple[str, int], Line]
    terms: dict[UUID, LineTerms]
    runs: list[tuple[date, datetime]]
    events: dict[UUID, list[At]]
    anchors: dict[UUID, list[At]]
    one_offs: dict[UUID, list[At]]
    readings: dict[UUID, list[At]]
    ledger: dict[UUID, Counter[Key]]

    @classmethod
    def read(cls, session: Session) -> "Records":
        rows = session.execute(
            select(Contract.note, Line).join(Line, Line.contract_id == Contract.id).order_by(Line.position)
        )
        runs = select(BillingRun.closed_on, BillingRun.opened_at).order_by(BillingRun.closed_on)
        records = cls(
            {(note, line.position): line for note, line in rows.all()},
            agreed_terms(session, select(Line.id)),
            [(closed_on, opened_at) for closed_on, opened_at in session.execute(runs)],
            events=defaultdict(list),
            anchors=defaultdict(list),
            one_offs=defaultdict(list),
            readings=defaultdict(list),
            ledger=defaultdict(Counter),
        )
        for row in session.scalars(select(StoredEvent).order_by(StoredEvent.recorded_at)):
            replaces = EventKey(row.replaces_on, row.replaces_seq or 0) if row.replaces_on else None
            event = LineEvent(row.kind, row.effective_on, row.seq, row.slot_id, row.value, replaces)
            records.events[row.contract_line_id].append(At(row.recorded_at, event))
        for anchor in session.scalars(select(LineAnchor)):
            records.anchors[anchor.contract_line_id].append(At(anchor.recorded_at, anchor.since))
        for cost in session.scalars(select(StoredOneOff)):
            one_off = one_of(cost).times(cost.quantity)
            records.one_offs[cost.contract_line_id].append(At(cost.recorded_at, one_off))
        for read in session.scalars(select(StoredReading)):
            reading = UsageRecord(read.external_id, read.occurred_on, read.quantity, read.subject)
            records.readings[read.contract_line_id].append(At(read.recorded_at, reading))
        # By the closing that billed it; a document made up for carries the day of the one that was missed.
        billed = (
            select(BilledSegment, BillingRun.closed_on)
            .join(InvoiceLine, InvoiceLine.id == BilledSegment.invoice_line_id)
            .join(Invoice, Invoice.id == InvoiceLine.invoice_id)
            .join(BillingRun, BillingRun.id == Invoice.billing_run_id)
        )
        for segment, closed_on in session.execute(billed):
            records.ledger[segment.contract_line_id][_stored_key(segment, closed_on)] += 1
        return records

    def lines_of(self, tenancy: Tenancy) -> list[Line]:
        return [line for (note, _), line in self.lines.items() if note == name_of(tenancy)]

    def facts(self, line: Line, tenancy: Tenancy, moment: datetime) -> Facts:
        """What was known of the line at this moment."""

        def known(what: dict[UUID, list[At]]) -> list[Any]:
            return known_at(moment, what[line.id])

        since = set(known(self.anchors))
        terms = self.terms.get(line.id, PLAIN)
        terms = replace(terms, anchors=tuple(each for each in terms.anchors if each.since in since))
        spans, fees, kept, served = history_of(known(self.events), fee=line.monthly_fee)
        return Facts(
            line.id,
            terms,
            spans,
            fees,
            kept,
            _together(known(self.one_offs)),
            tuple(known(self.readings)),
            line.tax_class,
            tenancy.rounding,
            served,
        )


def known_at(moment: datetime, recorded: Sequence[At]) -> list[Any]:
    """What of this was known at the moment."""
    return [each.what for each in recorded if each.moment <= moment]


def _together(one_offs: Sequence[OneOff]) -> tuple[OneOff, ...]:
    """Equal things of one day are asked for together."""
    counts = Counter(replace(each, quantity=1) for each in one_offs for _ in range(each.quantity))
    return tuple(each.times(count) for each, count in counts.items())


def _stored_key(segment: BilledSegment, closed_on: date) -> Key:
    return (
        closed_on,
        segment.kind.value,
        segment.sign,
        segment.period_start,
        segment.period_end,
        segment.start_on,
        segment.end_on,
        segment.amount.minor_units,
        segment.discount,
        segment.about,
    )


def _key(entry: Entry, closed_on: date) -> Key:
    charge = entry.charge
    return (
        closed_on,
        charge.kind.value,
        int(entry.side),
        charge.period.start,
        charge.period.end,
        charge.used.start,
        charge.used.end,
        charge.amount.minor_units,
        charge.discount,
        charge.about,
    )


@dataclass
class Told:
    """The ledger of a line as the rules alone tell it, and what stands after the last closing."""

    ledger: Counter[Key]
    standing: list[Charge]
    as_of: date
    moment: datetime


def told_again(records: Records, line: Line, tenancy: Tenancy) -> Told:
    """Every closing of the account once more."""
    ledger: list[Entry] = []
    keys: Counter[Key] = Counter()
    as_of, moment = date.min, datetime.min.replace(tzinfo=UTC)
    for closed_on, opened_at in records.runs:
        if tenancy.closing_day in closing_days_of(closed_on):
            as_of, moment = billed_as_of(closed_on), opened_at
            entries = everything_due(
                records.facts(line, tenancy, moment),
                list(standing(ledger).elements()),
                closing_day=tenancy.closing_day,
                as_of=as_of,
                since=date.min,
            )
            ledger += entries
            keys.update(_key(entry, closed_on) for entry in entries)
    return Told(keys, list(standing(ledger).elements()), as_of, moment)


# the slow rater


def slowly(records: Records, line: Line, tenancy: Tenancy, told: Told) -> Iterator[tuple[object, int, int]]:
    """What was billed beside what it costs: for each period that is over, of each kind of charge."""
    events = known_at(told.moment, records.events[line.id])
    if not events:
        return
    facts, agreed = facts_of(events), _agreed(line, tenancy)
    starts = [fact.on for fact in facts if fact.kind == "start"]
    first = min(starts, default=told.as_of)
    if tenancy.discount_periods and line.position == 1:
        *_, last = _first_of(periods_of(agreed, (), first, told.as_of), tenancy.discount_periods)
        agreed = replace(agreed, discount_from=first, discount_until=last[1])
    anchors = sorted(records.terms.get(line.id, PLAIN).anchors)
    periods = [
        period
        for period in periods_of(agreed, anchors, first - timedelta(days=100), told.as_of)
        if period[1] <= told.as_of
    ]
    billed = _by_period(told)
    kept = kept_after_the_end(facts)
    readings, served = known_at(told.moment, records.readings[line.id]), in_service(facts)
    late = Agreed(**{**vars(agreed), "fee": tenancy.overrun_fee or 0, "percent_off": 0, "stub": "short"})
    for period in periods:
        if not _waits(agreed, told, period[0]):
            cost = cost_of(agreed, facts, *period)
            yield ("rent", period), billed[ChargeKind.RECURRING, period], cost
        if kept:
            yield ("overrun", period), billed[ChargeKind.OVERRUN, period], cost_of(late, kept, *period)
        if readings:
            since, until = max(period[0], served[0]), min(period[1], served[1])
            used = sum(each.quantity for each in readings if since <= each.occurred_on < until)
            yield ("usage", period), billed[ChargeKind.USAGE, period], _used(used, tenancy)
    for kind in (ChargeKind.ONE_OFF, ChargeKind.PENALTY):
        known = known_at(told.moment, records.one_offs[line.id])
        happened = [each for each in known if each.kind is kind and each.happened_on < told.as_of]
        cost = sum(each.quantity * each.unit_price.millionths for each in happened) // 10**6
        yield kind, sum(amount for (of, _), amount in billed.items() if of is kind), cost


def periods_of(
    agreed: Agreed, anchors: Sequence[Any], first: date, last: date
) -> Iterator[tuple[date, date]]:
    """The whole periods; what was left over where time was cut anew is for the rules alone to tell."""
    pieces = [(date.min, agreed.anchor), *((each.since, each.anchored_on) for each in anchors)]
    ends = [since for since, _ in pieces[1:]] + [date.max]
    for (since, anchor), until in zip(pieces, ends, strict=True):
        for start, end in months_of(replace(agreed, anchor=anchor), first, last):
            if since <= start and end <= until:
                yield start, end


def _agreed(line: Line, tenancy: Tenancy) -> Agreed:
    if line.position == 1:
        return tenancy.agreed
    day = date(2026, 1, tenancy.closing_day % 31 + 1)
    return Agreed(day, fee=line.monthly_fee.minor_units, rounding=tenancy.rounding.value)


def _by_period(told: Told) -> Counter[tuple[ChargeKind, tuple[date, date]]]:
    billed: Counter[tuple[ChargeKind, tuple[date, date]]] = Counter()
    for charge in told.standing:
        billed[charge.kind, (charge.period.start, charge.period.end)] += charge.amount.minor_units
    return billed


def _first_of(periods: Iterator[tuple[date, date]], count: int) -> list[tuple[date, date]]:
    return [period for period, _ in zip(periods, range(count), strict=False)]


def _waits(agreed: Agreed, told: Told, start: date) -> bool:
    """A stub that is asked for with the period after it may be over and not billed yet."""
    return agreed.stub == "merge_next" and not any(charge.period.start > start for charge in told.standing)


def _used(quantity: int, tenancy: Tenancy) -> int:
    exact = Fraction(3, 2) * max(0, quantity - 100)
    how = tenancy.rounding.value
    return floor(exact) if how == "down" else ceil(exact) if how == "up" else floor(exact + Fraction(1, 2))
