"""What is billed is what is owed: whenever, how often and in whatever order it became known."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rental.billing.rules.charges import Charge, Entry, Side, net_of, standing
from rental.billing.rules.periods import BillingCycle
from rental.billing.rules.rater import (
    PeriodsOverlap,
    RentedLine,
    charges_in,
    due_periods,
    entries_due,
)
from rental.billing.rules.segments import NoDayOwed, OwedTwice, Span
from rental.catalog.rules import Proration, Timing
from rental.core.money import Money, yen_of
from rental.core.periods import Period
from tests.rules.billing.day_by_day import Owed, owed_in
from tests.rules.billing.lines import (
    SEPTEMBER,
    Runs,
    billed_over_time,
    fees,
    histories,
    net_by_period,
    rented,
    runs,
    slot,
    span,
)
from tests.rules.billing.recorded import often

LONG_AFTER = date(2026, 12, 1)

unhurried = settings(deadline=None)


def as_owed(charge: Charge) -> Owed:
    used, slots = charge.used, frozenset(charge.slot_ids)
    return Owed(used.start, used.last_day, slots, charge.monthly_fee.minor_units, charge.amount.minor_units)


def net_of_finished(ledger: list[Entry]) -> dict[Period, Money]:
    return {period: net for period, net in net_by_period(ledger).items() if period.end <= LONG_AFTER}


@often
@given(histories())
def test_a_period_owes_what_counting_day_by_day_finds(known: list[RentedLine]) -> None:
    line = known[-1]
    for period in due_periods(line, as_of=LONG_AFTER):
        charges = charges_in(line, period)
        assert {as_owed(charge) for charge in charges} == owed_in(line, period)
        assert len(charges) == len(set(charges))


@often
@given(runs())
def test_a_finished_period_is_billed_at_what_it_owes(history: Runs) -> None:
    line, as_of = history[-1]
    net = net_by_period(billed_over_time(history))
    for period in due_periods(line, as_of=as_of):
        assert net.get(period, Money(0)).minor_units == sum(owed.amount for owed in owed_in(line, period))


@unhurried
@given(runs())
def test_a_second_run_finds_nothing(history: Runs) -> None:
    line, as_of = history[-1]
    assert entries_due(line, billed_over_time(history), as_of=as_of) == []


@unhurried
@given(runs())
def test_running_often_costs_the_same_as_running_once(history: Runs) -> None:
    last = (history[-1][0], LONG_AFTER)
    assert net_by_period(billed_over_time([*history, last])) == net_by_period(billed_over_time([last]))


@unhurried
@given(runs())
def test_no_day_of_a_slot_is_ever_billed_twice(history: Runs) -> None:
    ledger: list[Entry] = []
    for line, as_of in history:
        ledger += entries_due(line, ledger, as_of=as_of)
        stands = standing(ledger)
        assert set(stands.values()) <= {0, 1}
        billed_days = Counter(
            (slot_id, charge.used.start + timedelta(days=n))
            for charge in stands.elements()
            for slot_id in charge.slot_ids
            for n in range(charge.used.days)
        )
        assert set(billed_days.values()) <= {1}


@unhurried
@given(runs())
def test_paying_in_advance_costs_the_same_as_paying_in_arrears(history: Runs) -> None:
    in_arrears = [*history, (history[-1][0], LONG_AFTER)]
    in_advance = [(replace(line, timing=Timing.ADVANCE), as_of) for line, as_of in in_arrears]
    assert net_of_finished(billed_over_time(in_advance)) == net_of_finished(billed_over_time(in_arrears))


@unhurried
@given(runs(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_read_does_not_matter(history: Runs, random: Random) -> None:
    line, _ = history[-1]
    ledger = billed_over_time(history)
    due = entries_due(line, ledger, as_of=LONG_AFTER)

    spans = list(line.spans)
    random.shuffle(spans)
    random.shuffle(ledger)
    assert entries_due(replace(line, spans=tuple(spans)), ledger, as_of=LONG_AFTER) == due


@unhurried
@given(runs(), st.dates(date(2026, 1, 1), date(2026, 12, 31)))
def test_periods_left_alone_are_the_only_difference(history: Runs, since: date) -> None:
    line, _ = history[-1]
    ledger = billed_over_time(history[:-1])
    due_later, ledger_later = (
        [entry for entry in entries if entry.charge.period.end > since]
        for entries in (entries_due(line, ledger, as_of=LONG_AFTER), ledger)
    )
    assert entries_due(line, ledger, as_of=LONG_AFTER, since=since) == due_later
    assert entries_due(line, ledger_later, as_of=LONG_AFTER, since=since) == due_later


@given(fees)
def test_a_free_month_makes_no_line_and_blocks_no_change(fee: Money) -> None:
    free, priced = (rented(each, span(1, "2026-09-01")) for each in (0, fee.minor_units))
    assert entries_due(free, [], as_of=SEPTEMBER.end) == []
    assert net_of(billed_over_time([(free, SEPTEMBER.end), (priced, SEPTEMBER.end)])) == fee
    assert net_of(billed_over_time([(priced, SEPTEMBER.end), (free, SEPTEMBER.end)])) == yen_of(0)


def test_rent_runs_from_the_installation_scan() -> None:
    (entry,) = entries_due(rented(8800, span(1, "2026-09-12")), [], as_of=SEPTEMBER.end)
    share = entry.charge.share
    assert (share.days, share.of, share.full) == (19, 30, yen_of(8800))
    assert (entry.charge.used.start, entry.charge.used.last_day) == (date(2026, 9, 12), date(2026, 9, 30))
    assert (entry.side, entry.amount) == (Side.DEBIT, yen_of(5573))


def test_nothing_is_due_before_the_period_is_over() -> None:
    line = rented(8800, span(1, "2026-09-12"))
    assert entries_due(line, [], as_of=date(2026, 9, 30)) == []
    assert [e.charge.period for e in entries_due(line, [], as_of=date(2026, 10, 1))] == [SEPTEMBER]
    assert entries_due(rented(8800), [], as_of=LONG_AFTER) == []


def test_slots_of_equal_days_are_one_line_and_the_others_stand_apart() -> None:
    line = rented(9800, *(span(n, "2026-08-20") for n in range(1, 13)), span(13, "2026-09-16"))
    together, late = charges_in(line, SEPTEMBER)
    assert (together.quantity, together.share.is_whole, together.amount) == (12, True, yen_of(117_600))
    assert (late.slot_ids, late.share.days, late.amount) == ((slot(13),), 15, yen_of(4900))


def test_missed_months_are_billed_oldest_first() -> None:
    entries = entries_due(rented(3000, span(1, "2026-07-16")), [], as_of=date(2026, 10, 5))
    assert [(e.charge.period.start.month, e.amount.minor_units) for e in entries] == [
        (7, 1548),
        (8, 3000),
        (9, 3000),
    ]


def test_a_fee_changed_to_itself_or_back_on_one_day_cuts_nothing() -> None:
    plain = rented(3000, span(1, "2026-09-01"))
    same = rented(
        3000,
        span(1, "2026-09-01"),
        changes=[("2026-09-05", 3000), ("2026-09-10", 4000), ("2026-09-10", 3000)],
    )
    assert charges_in(same, SEPTEMBER) == charges_in(plain, SEPTEMBER)


def test_periods_cut_anew_are_refused_before_they_bill_days_twice() -> None:
    line = rented(3000, span(1, "2026-09-01"))
    billed = entries_due(line, [], as_of=SEPTEMBER.end)
    moved = replace(line, cycle=BillingCycle.closing(20, date(2026, 9, 1)))
    with pytest.raises(PeriodsOverlap) as refusal:
        entries_due(moved, billed, as_of=SEPTEMBER.end)
    assert refusal.value.params == {
        "start": date(2026, 8, 21),
        "end": date(2026, 9, 20),
        "next_start": date(2026, 9, 1),
        "next_end": date(2026, 9, 30),
    }
    assert entries_due(moved, billed, as_of=date(2026, 12, 1), since=date(2026, 10, 21)) != []


@pytest.mark.parametrize(
    ("spans", "first_on"),
    [
        ([span(1, "2026-09-01"), span(1, "2026-10-01")], date(2026, 10, 1)),
        ([span(1, "2026-09-01", "2026-09-20"), span(1, "2026-09-19")], date(2026, 9, 19)),
    ],
)
def test_a_slot_that_would_owe_a_day_twice_is_refused(spans: list[Span], first_on: date) -> None:
    with pytest.raises(OwedTwice) as refused:
        rented(3000, *spans)
    assert refused.value.params == {"first_on": first_on}


def test_a_slot_whose_rent_would_end_before_it_begins_is_refused() -> None:
    with pytest.raises(NoDayOwed):
        rented(3000, span(1, "2026-09-01", "2026-09-01"))


def test_a_free_beginning_stays_free_where_a_change_costs_the_whole_month() -> None:
    begun = rented(3000, span(1, "2026-09-10"), changes=[("2026-09-20", 6000)])
    line = replace(begun, proration=Proration.FREE, change_proration=Proration.FULL)
    assert entries_due(line, [], as_of=SEPTEMBER.end) == []
