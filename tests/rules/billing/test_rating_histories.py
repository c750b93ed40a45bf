"""What the rater promises, whatever was recorded; what is owed is found by one that knows only days."""

from collections import Counter
from datetime import date, timedelta
from random import Random

from hypothesis import event, given
from hypothesis import strategies as st

from rental.billing.rules.charges import Entry, standing
from rental.billing.rules.document_lines import document_lines
from rental.billing.rules.rater import charges_in, due_periods, entries_due
from rental.catalog.rules import Timing
from rental.core.money import Money
from tests.rules.billing.lines import net_by_period
from tests.rules.billing.naive_rater import cost_of, months_of
from tests.rules.billing.recorded import FIRST, LONG_AFTER, Recorded, facts_of, often, recorded

ENOUGH = date(2028, 8, 1)  # after the last event, and every period of the slow rater's takes its time

Costs = dict[tuple[date, date], int]


def owed(case: Recorded, until: date) -> Costs:
    """What the slow rater finds for the periods that end by this day."""
    facts = facts_of(case.last)
    costs = {
        (start, end): cost_of(case.agreed, facts, start, end)
        for start, end in months_of(case.agreed, FIRST, until)
        if end <= until
    }
    return {period: cost for period, cost in costs.items() if cost}


def net(ledger: list[Entry], until: date) -> Costs:
    return {
        (period.start, period.end): amount.minor_units
        for period, amount in net_by_period(ledger).items()
        if period.end <= until
    }


@often
@given(recorded())
def test_what_is_billed_of_finished_periods_is_what_they_owe(case: Recorded) -> None:
    ledger = case.ledger()
    ledger += entries_due(case.line(case.last), ledger, as_of=LONG_AFTER)
    costs = owed(case, ENOUGH)
    event(f"periods that owe something: {len(costs)}")
    assert net(ledger, ENOUGH) == costs


@often
@given(recorded())
def test_running_again_with_nothing_new_says_nothing(case: Recorded) -> None:
    for timing in Timing:
        line = case.line(case.last, timing)
        assert entries_due(line, case.ledger(timing=timing), as_of=case.run_days[-1]) == []


@often
@given(recorded())
def test_a_run_after_every_event_costs_what_one_run_at_the_end_costs(case: Recorded) -> None:
    line = case.line(case.last)
    often_run = case.ledger()
    often_run += entries_due(line, often_run, as_of=LONG_AFTER)
    assert net_by_period(often_run) == net_by_period(entries_due(line, [], as_of=LONG_AFTER))


@often
@given(recorded())
def test_no_day_of_a_slot_stands_twice(case: Recorded) -> None:
    ledger: list[Entry] = []
    for events, as_of in zip(case.known, case.run_days, strict=True):
        ledger += entries_due(case.line(events), ledger, as_of=as_of)
        stands = standing(ledger)
        assert all(charge.amount for charge in stands), "what costs nothing makes no line"
        assert set(stands.values()) <= {0, 1}
        days = Counter(
            (slot_id, charge.used.start + timedelta(days=number))
            for charge in stands.elements()
            if charge.holds_days
            for slot_id in charge.slot_ids
            for number in range(charge.used.days)
        )
        assert set(days.values()) <= {1}


@often
@given(recorded())
def test_in_advance_and_corrected_costs_what_arrears_cost(case: Recorded) -> None:
    nets = []
    for timing in Timing:
        ledger = case.ledger(timing=timing)
        ledger += entries_due(case.line(case.last, timing), ledger, as_of=LONG_AFTER)
        nets.append(net(ledger, ENOUGH))
    assert nets[0] == nets[1]


@often
@given(recorded(), st.randoms(use_true_random=False))
def test_a_preview_says_what_the_run_says_in_whatever_order_the_rows_are_read(
    case: Recorded, random: Random
) -> None:
    ledger, events = case.ledger(runs=len(case.known) - 1), list(case.last)
    run = entries_due(case.line(events), ledger, as_of=LONG_AFTER)
    random.shuffle(events)
    random.shuffle(ledger)
    preview = entries_due(case.line(events), ledger, as_of=LONG_AFTER)
    assert preview == run
    assert [entry.charge.share for entry in preview] == [entry.charge.share for entry in run]


@often
@given(recorded())
def test_every_amount_is_its_formula_and_every_document_adds_up(case: Recorded) -> None:
    line, ledger = case.line(case.last), case.ledger()
    for period in due_periods(line, as_of=LONG_AFTER):
        charges = charges_in(line, period)
        for charge in charges:
            if charge.discount:
                assert charge.share.amount(line.rounding) <= charge.amount < Money(0)
            else:
                assert charge.amount == charge.share.amount(line.rounding)
                assert charge.share.full == charge.monthly_fee * (charge.quantity * line.cycle.months)
            assert 0 < charge.share.days <= charge.share.of
        assert sum(charge.amount.minor_units for charge in charges) >= 0, "a discount never pays out"
    entries = entries_due(line, ledger, as_of=LONG_AFTER)
    shown = sum((each.amount for each in document_lines(entries)), Money(0))
    assert shown == sum((entry.amount for entry in entries), Money(0))
