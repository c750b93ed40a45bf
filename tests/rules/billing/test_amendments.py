"""A change agreed changes the days and fees behind the next document, and nothing that was billed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rental.billing.rules.amendments import (
    Amended,
    Effect,
    Pause,
    Revisable,
    option_added,
    option_removed,
    price_change,
    price_revision,
    quantity_change,
    require_separate,
    suspension,
    transferred,
)
from rental.billing.rules.charges import ChargeKind, Entry, net_of
from rental.billing.rules.cycles import reanchored
from rental.billing.rules.document_lines import document_lines
from rental.billing.rules.drafts import Due
from rental.billing.rules.line_history import LineEvent, history_of
from rental.billing.rules.rater import RentedLine, charges_in, entries_due
from rental.billing.rules.refusals import NotBillable, Reason
from rental.billing.rules.segments import Span
from rental.catalog.rules import Timing
from rental.contracts.rules import LineEventKind
from rental.core.money import Money, yen_of
from rental.core.periods import Period
from tests.rules.billing.lines import CALENDAR, LINE, net_by_period, slot, span
from tests.rules.billing.recorded import often

JULY = Period(date(2026, 7, 1), date(2026, 8, 1))
START = LineEvent(LineEventKind.START, date(2026, 1, 1), 0, slot(1))


def amended(*changes: Amended, fee: int = 29800, timing: Timing = Timing.ADVANCE) -> RentedLine:
    """One machine since January, after these changes."""
    events = [START, *(event for change in changes for event in change.events)]
    history = history_of(events, fee=yen_of(fee))
    line = RentedLine(LINE, CALENDAR, history.fees, history.spans, timing=timing)
    for change in changes:
        if change.anchor:
            line = replace(line, cycle=reanchored(line.cycle, change.anchor))
    return line


def upgrade(effect: Effect, day: date = date(2026, 7, 18), fee: int = 44800) -> Amended:
    return price_change(CALENDAR, yen_of(fee), agreed_for=day, effect=effect, seq=9)


def amounts(entries: list[Entry]) -> list[int]:
    return [line.amount.minor_units for line in document_lines(entries)]


def test_an_upgrade_at_once_is_the_difference_of_the_days() -> None:
    billed = entries_due(amended(), [], as_of=JULY.start, since=JULY.start)
    new = entries_due(amended(upgrade(Effect.IMMEDIATE)), billed, as_of=date(2026, 7, 18), since=JULY.start)
    assert amounts(new) == [-13459, 20232]


def test_a_change_for_the_next_period_leaves_this_one_alone() -> None:
    billed = entries_due(amended(), [], as_of=JULY.start, since=JULY.start)
    down = amended(upgrade(Effect.NEXT_PERIOD, fee=9800))
    assert entries_due(down, billed, as_of=date(2026, 7, 31), since=JULY.start) == []
    assert amounts(entries_due(down, billed, as_of=JULY.end, since=JULY.start)) == [9800]


@pytest.mark.parametrize("timing", Timing)
def test_a_whole_new_price_credits_nothing_and_begins_a_period_of_its_own(timing: Timing) -> None:
    line = amended(upgrade(Effect.FULL_IMMEDIATELY), timing=timing)
    billed = entries_due(amended(timing=timing), [], as_of=JULY.start, since=JULY.start)
    new = entries_due(line, billed, as_of=date(2026, 8, 18), since=JULY.start)
    by_period = {
        (period.start.isoformat(), period.end.isoformat()): net.minor_units
        for period, net in net_by_period([*billed, *new]).items()
    }
    expected = {("2026-07-01", "2026-07-18"): 29800, ("2026-07-18", "2026-08-18"): 44800}
    if timing is Timing.ADVANCE:
        expected["2026-08-18", "2026-09-18"] = 44800
    assert by_period == expected
    assert net_of(entries_due(line, [*billed, *new], as_of=date(2026, 8, 18), since=JULY.start)) == Money(0)
    assert entries_due(line, [*billed, *new], as_of=date(2026, 8, 18), since=JULY.start) == []


def test_a_period_cut_anew_is_claimed_once() -> None:
    billed = entries_due(amended(), [], as_of=JULY.start, since=JULY.start)
    new = entries_due(
        amended(upgrade(Effect.FULL_IMMEDIATELY)), billed, as_of=date(2026, 7, 18), since=JULY.start
    )
    facts = _Facts(LINE, {(ChargeKind.RECURRING, JULY.start): 1})
    claims = list(Due(facts, new).claims())  # type: ignore[arg-type]
    assert [(claim.period.start, claim.generation) for claim in claims] == [
        (JULY.start, 1),
        (date(2026, 7, 18), 0),
    ]


class _Facts:
    """What a claim asks of a line."""

    def __init__(self, line_id: UUID, generations: dict[tuple[ChargeKind, date], int]) -> None:
        self.line_id, self.generations = line_id, generations


def test_a_whole_new_price_on_a_boundary_moves_no_cut() -> None:
    change = upgrade(Effect.FULL_IMMEDIATELY, JULY.start)
    assert change.anchor is None
    assert [charge.amount.minor_units for charge in charges_in(amended(change), JULY)] == [44800]


@often
@given(st.dates(date(2026, 3, 1), date(2026, 9, 1)), st.integers(0, 60_000), st.sampled_from(Effect))
def test_however_it_counts_nothing_is_lost_and_a_second_run_is_silent(
    day: date, fee: int, effect: Effect
) -> None:
    plain, line = amended(), amended(upgrade(effect, day, fee))
    end = date(2026, 12, 20)
    at_once = entries_due(line, [], as_of=end)
    ledger = entries_due(plain, [], as_of=day)
    ledger += entries_due(line, ledger, as_of=end)
    assert net_by_period(ledger) == net_by_period(at_once)
    assert entries_due(line, ledger, as_of=end) == []


def test_another_number_of_units_counts_by_days() -> None:
    more = quantity_change(slot(1), 3, agreed_for=date(2026, 7, 17), seq=1)
    charges = charges_in(amended(more, fee=3100), JULY)
    assert [(charge.quantity, charge.amount.minor_units) for charge in charges] == [(1, 1600), (3, 4500)]


def test_an_option_runs_to_the_end_of_the_contract_or_of_itself() -> None:
    added = option_added(
        [slot(7), slot(8)], agreed_for=date(2026, 7, 2), contract_ends=date(2027, 1, 1), seq=1
    )
    assert history_of(added.events, fee=yen_of(100)).spans == (
        span(7, "2026-07-02", "2027-01-01"),
        span(8, "2026-07-02", "2027-01-01"),
    )
    removed = option_removed(agreed_for=date(2026, 9, 1), seq=5)
    spans = history_of([*added.events[:2], *removed.events], fee=yen_of(100)).spans
    assert {each.end for each in spans} == {date(2026, 9, 1)}


def test_days_without_service_cost_nothing() -> None:
    pause = suspension(Pause(date(2026, 7, 11), date(2026, 7, 21)), seq=1)
    charges = charges_in(amended(pause, fee=3100), JULY)
    assert [charge.amount.minor_units for charge in charges] == [1000, 1100]


@given(st.lists(st.tuples(st.dates(date(2026, 1, 1), date(2026, 6, 1)), st.integers(1, 60)), max_size=3))
def test_a_transfer_leaves_no_gap_and_no_overlap(lengths: list[tuple[date, int]]) -> None:
    spans = [Span(slot(n), day, day + timedelta(days=d)) for n, (day, d) in enumerate(lengths)]
    spans.append(span(9, "2026-02-01"))
    day = date(2026, 4, 1)
    old, new = transferred(spans, day)
    assert all(each.end is not None and each.end <= day for each in old)
    assert all(each.start >= day for each in new)

    def days(of: tuple[Span, ...] | list[Span]) -> list[tuple[UUID, date]]:
        end = date(2026, 12, 1)
        return sorted(
            (each.slot_id, each.start + timedelta(days=n))
            for each in of
            for n in range(((each.end or end) - each.start).days)
        )

    assert days([*old, *new]) == days(spans)


def test_who_is_bound_keeps_the_price() -> None:
    bound = Revisable(LINE, CALENDAR, bound_until=date(2026, 6, 1))
    assert [each.effective_on for each in price_revision([bound], effective_on=date(2026, 5, 2))] == [
        date(2026, 6, 1)
    ]
    assert [each.effective_on for each in price_revision([bound], effective_on=date(2026, 5, 1))] == [None]


def test_what_cannot_be_agreed_is_refused_by_its_field() -> None:
    first, second = Pause(date(2026, 7, 1), date(2026, 7, 9)), Pause(date(2026, 7, 8), date(2026, 7, 20))
    refused: dict[tuple[str, Reason], Callable[[], object]] = {
        ("pauses_on", Reason.OVERLAPPING): lambda: suspension(second, [first], seq=1),
        ("resumes_on", Reason.ENDS_BEFORE_START): lambda: suspension(Pause(JULY.end, JULY.start), seq=1),
        ("fee", Reason.NEGATIVE): lambda: upgrade(Effect.IMMEDIATE, fee=-1),
        ("quantity", Reason.OUT_OF_RANGE): lambda: quantity_change(slot(1), 0, agreed_for=JULY.start, seq=1),
        ("agreed_for", Reason.ENDS_BEFORE_START): lambda: option_added(
            [], agreed_for=JULY.end, contract_ends=JULY.start, seq=1
        ),
        ("effect", Reason.OUT_OF_RANGE): lambda: price_revision(
            [], effective_on=JULY.start, effect=Effect.FULL_IMMEDIATELY
        ),
        ("effective_on", Reason.OVERLAPPING): lambda: require_separate(
            [*upgrade(Effect.IMMEDIATE).events, *upgrade(Effect.IMMEDIATE, fee=1).events]
        ),
        ("slot_id", Reason.OUT_OF_RANGE): lambda: price_change(
            CALENDAR,
            yen_of(1),
            agreed_for=date(2026, 7, 5),
            effect=Effect.FULL_IMMEDIATELY,
            seq=1,
            slot_id=slot(1),
        ),
    }
    for (field, reason), attempt in refused.items():
        with pytest.raises(NotBillable) as refusal:
            attempt()
        assert (refusal.value.field, refusal.value.params["reason"]) == (field, reason)
