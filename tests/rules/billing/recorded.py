"""What may have been recorded about a line: in any order, late, put right, on the awkward days."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st

from rental.billing.rules.charges import Entry
from rental.billing.rules.discounts import LineDiscount
from rental.billing.rules.line_history import LineEvent, history_of
from rental.billing.rules.periods import BillingCycle
from rental.billing.rules.rater import RentedLine, entries_due
from rental.billing.rules.refusals import NotBillable
from rental.catalog.rules import Proration, StubPolicy, Timing
from rental.contracts.rules import LineEventKind
from rental.core.money import Money, Rounding
from rental.core.periods import Period
from tests.rules.billing.naive_rater import NEVER, Agreed, Fact

often = settings(
    deadline=None,
    max_examples=2000 if os.environ.get("RENTAL_TEST_PROFILE") == "nightly" else 200,
)

FIRST, LAST = date(2027, 10, 25), date(2028, 4, 30)  # over the end of a year and the 29th of February
LONG_AFTER = date(2028, 12, 1)

_awkward = st.builds(
    lambda month, day: date(month.year, month.month, min(day, _last_of(month))),
    st.sampled_from([date(2027, 11, 1), date(2027, 12, 1), *(date(2028, n, 1) for n in range(1, 5))]),
    st.sampled_from([1, 28, 29, 30, 31]),
)
days = st.one_of(st.dates(FIRST, LAST), _awkward)
_fees = st.one_of(st.just(0), st.integers(1, 60_000))
_modes = st.sampled_from(["actual", "fixed30", "full", "free"])
_change_modes = st.sampled_from(["actual", "fixed30", "full"])
_anchor_days = st.one_of(st.sampled_from([1, 29, 30, 31]), st.integers(1, 31))
_months = st.sampled_from([1, 1, 1, 2, 3])
_roundings = st.sampled_from(["down", "up", "half_up"])
_stubs = st.sampled_from(["short", "merge_next", "free"])
_discounts = st.just((0, NEVER, 0)) | st.tuples(st.integers(1, 100), days, st.integers(1, 120))
_kinds = st.sampled_from([LineEventKind.START] * 4 + list(LineEventKind))
_slots = st.integers(1, 3).map(lambda number: UUID(int=number))
_units = st.integers(1, 5)
_one_in_six = st.integers(0, 5).map(lambda number: number == 0)
_counts = st.integers(1, 12)
_run_days = st.dates(FIRST, LONG_AFTER)


def _last_of(month: date) -> int:
    return ((month + timedelta(days=32)).replace(day=1) - timedelta(days=1)).day


@dataclass(frozen=True)
class Recorded:
    """The terms of a line, and what was known of it when."""

    agreed: Agreed
    known: tuple[tuple[LineEvent, ...], ...]
    run_days: tuple[date, ...]

    def line(self, events: Sequence[LineEvent], timing: Timing = Timing.ARREARS) -> RentedLine:
        """The line as it looked with these events."""
        agreed = self.agreed
        history = history_of(events, fee=Money(agreed.fee))
        percent = LineDiscount("welcome", basis_points=100 * agreed.percent_off)
        return RentedLine(
            UUID(int=1000),
            BillingCycle.anniversary(agreed.anchor, agreed.months),
            history.fees,
            history.spans,
            timing=timing,
            proration=Proration(agreed.start_mode),
            stop_proration=Proration(agreed.stop_mode),
            change_proration=Proration(agreed.change_mode),
            rounding=Rounding(agreed.rounding),
            stub=StubPolicy(agreed.stub),
            discounts=(self._limited(percent),) if agreed.percent_off else (),
        )

    def _limited(self, discount: LineDiscount) -> LineDiscount:
        days = Period(self.agreed.discount_from, self.agreed.discount_until)
        return LineDiscount(discount.name, discount.basis_points, days=days)

    @property
    def last(self) -> tuple[LineEvent, ...]:
        """Everything that was recorded in the end."""
        return self.known[-1]

    def ledger(self, *, timing: Timing = Timing.ARREARS, runs: int | None = None) -> list[Entry]:
        """What was billed after each thing that was recorded, or after the first few."""
        ledger: list[Entry] = []
        for events, as_of in list(zip(self.known, self.run_days, strict=True))[:runs]:
            ledger += entries_due(self.line(events, timing), ledger, as_of=as_of)
        return ledger


def facts_of(events: Sequence[LineEvent]) -> list[Fact]:
    """The same as plain words and numbers, without what was put right."""
    gone = {event.replaces for event in events if event.replaces}
    return [
        Fact(
            event.kind.value,
            event.effective_on,
            event.seq,
            event.slot_id.int if event.slot_id else 0,
            1 if event.value is None else event.value,
        )
        for event in events
        if event.key not in gone and event.kind is not LineEventKind.WITHDRAWAL
    ]


@st.composite
def agreements(draw: st.DrawFn) -> Agreed:
    percent_off, since, length = draw(_discounts)
    return Agreed(
        anchor=date(2027, 1, draw(_anchor_days)),
        months=draw(_months),
        fee=draw(_fees),
        start_mode=draw(_modes),
        stop_mode=draw(_modes),
        change_mode=draw(_change_modes),
        rounding=draw(_roundings),
        stub=draw(_stubs),
        percent_off=percent_off,
        discount_from=since,
        discount_until=since + timedelta(days=length),
    )


@st.composite
def recorded(draw: st.DrawFn) -> Recorded:
    """One line; what cannot have happened was refused, and so is not recorded."""
    events: tuple[LineEvent, ...] = ()
    known = []
    for seq in range(draw(_counts)):
        candidate = (*events, draw(_events(seq, events)))
        try:
            history_of(candidate, fee=Money(0))
        except NotBillable:
            candidate = events
        events = candidate
        known.append(events)
    run_days = [draw(_run_days) for _ in known]
    return Recorded(draw(agreements()), tuple(known), tuple(sorted(run_days)))


@st.composite
def _events(draw: st.DrawFn, seq: int, before: Sequence[LineEvent]) -> LineEvent:
    kind = draw(_kinds)
    needs_slot = kind in (LineEventKind.START, LineEventKind.QUANTITY)
    slot = draw(_slots)
    value = draw(_fees) if kind is LineEventKind.PRICE else draw(_units)
    is_correction = draw(_one_in_six) and bool(before)
    replaces = draw(st.sampled_from(before)).key if is_correction else None
    if kind is LineEventKind.WITHDRAWAL and before:
        replaces = draw(st.sampled_from(before)).key
    return LineEvent(
        kind,
        draw(days),
        seq,
        slot if needs_slot or draw(st.booleans()) else None,
        value if kind in (LineEventKind.START, LineEventKind.QUANTITY, LineEventKind.PRICE) else None,
        replaces,
    )
