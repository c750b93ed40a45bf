"""Lines to be rated: written down shortly, or with a history that nobody would think of."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

from hypothesis import strategies as st

from rental.billing.rules.charges import Entry
from rental.billing.rules.periods import BillingCycle
from rental.billing.rules.rater import RentedLine, entries_due
from rental.billing.rules.segments import FeeChange, FeeHistory, Span
from rental.catalog.rules import Proration
from rental.core.money import Money, Rounding, yen_of
from rental.core.periods import Period

LINE = UUID(int=1000)
CALENDAR = BillingCycle.calendar(date(2026, 1, 1))
SEPTEMBER = Period(date(2026, 9, 1), date(2026, 10, 1))

# A billing run each: what was known of the line then, and the day of the run.
Runs = list[tuple[RentedLine, date]]

days = st.dates(date(2026, 1, 1), date(2026, 5, 31))
fees = st.one_of(st.just(0), st.integers(1, 60_000)).map(Money)
cycles = st.builds(
    lambda make, day, months: make(day, date(2025, 12, 1), months),
    st.sampled_from([BillingCycle.closing, BillingCycle.fixed_day]),
    st.integers(1, 31),
    st.sampled_from([1, 2, 3]),
)


def slot(number: int) -> UUID:
    """The id of a slot; ids sort like their numbers."""
    return UUID(int=number)


def span(number: int, start: str, end: str | None = None) -> Span:
    """Days of a slot, from texts like 2026-04-01."""
    return Span(slot(number), date.fromisoformat(start), date.fromisoformat(end) if end else None)


def rented(fee: int, *spans: Span, changes: Sequence[tuple[str, int]] = ()) -> RentedLine:
    """A line of calendar months, rent in arrears, by actual days, rounded down."""
    fee_changes = tuple(FeeChange(date.fromisoformat(day), yen_of(new)) for day, new in changes)
    return RentedLine(LINE, CALENDAR, FeeHistory(yen_of(fee), fee_changes), spans)


def billed_over_time(runs: Runs) -> list[Entry]:
    """The ledger after these runs."""
    ledger: list[Entry] = []
    for line, as_of in runs:
        ledger += entries_due(line, ledger, as_of=as_of)
    return ledger


@st.composite
def histories(draw: st.DrawFn) -> list[RentedLine]:
    """One line as it was known after each thing that was recorded, late and in any order."""
    line = RentedLine(
        LINE,
        draw(cycles),
        FeeHistory(draw(fees)),
        (),
        proration=draw(st.sampled_from(Proration)),
        rounding=draw(st.sampled_from(Rounding)),
    )
    known = []
    for _ in range(draw(st.integers(1, 6))):
        line = draw(st.sampled_from([_install, _install, _end, _pause, _correct, _change_fee]))(draw, line)
        known.append(line)
    return known


@st.composite
def runs(draw: st.DrawFn) -> Runs:
    """A history with a billing run after each thing that was recorded."""
    known = draw(histories())
    run_days = st.dates(date(2026, 1, 1), date(2026, 9, 30))
    return list(zip(known, sorted(draw(st.tuples(*[run_days] * len(known)))), strict=True))


def _install(draw: st.DrawFn, line: RentedLine) -> RentedLine:
    """Often several on one day."""
    first = max((span.slot_id.int for span in line.spans), default=0) + 1
    start = draw(days)
    new = (Span(slot(number), start) for number in range(first, first + draw(st.integers(1, 3))))
    return replace(line, spans=(*line.spans, *new))


def _end(draw: st.DrawFn, line: RentedLine) -> RentedLine:
    """Some open spans end on the same day."""
    day = draw(days)
    return replace(
        line,
        spans=tuple(
            span._replace(end=day) if span.end is None and span.start < day and draw(st.booleans()) else span
            for span in line.spans
        ),
    )


def _pause(draw: st.DrawFn, line: RentedLine) -> RentedLine:
    """One open span has a gap; it may be empty."""
    day = draw(days)
    pausable = [span for span in line.spans if span.end is None and span.start < day]
    if not pausable:
        return line
    paused = draw(st.sampled_from(pausable))
    resumed = paused._replace(start=day + timedelta(days=draw(st.integers(0, 40))))
    others = [span for span in line.spans if span != paused]
    return replace(line, spans=(*others, paused._replace(end=day), resumed))


def _correct(draw: st.DrawFn, line: RentedLine) -> RentedLine:
    """All that was known of one slot was wrong: it had other days, or none."""
    if not line.spans:
        return line
    wrong = draw(st.sampled_from(line.spans)).slot_id
    others = tuple(span for span in line.spans if span.slot_id != wrong)
    start = draw(days)
    right = Span(wrong, start, start + timedelta(days=draw(st.integers(1, 100))))
    return replace(line, spans=(*others, right) if draw(st.booleans()) else others)


def _change_fee(draw: st.DrawFn, line: RentedLine) -> RentedLine:
    change = FeeChange(draw(days), draw(fees))
    return replace(line, fees=replace(line.fees, changes=(*line.fees.changes, change)))


def net_by_period(ledger: Iterable[Entry]) -> dict[Period, Money]:
    """What each period costs by the ledger, without the periods that cost nothing."""
    sums: dict[Period, Money] = {}
    for entry in ledger:
        sums[entry.charge.period] = sums.get(entry.charge.period, Money(0)) + entry.amount
    return {period: net for period, net in sums.items() if net}
