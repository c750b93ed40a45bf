"""What was agreed about stubs, ends, cuts, discounts and rates makes the price of a period."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rental.billing.rules.charges import Charge, ChargeKind
from rental.billing.rules.cycles import Anchor, Cycle, DayCycle, ReanchoredCycle, reanchored
from rental.billing.rules.discounts import LineDiscount, discount_on_document
from rental.billing.rules.periods import BillingCycle
from rental.billing.rules.rater import (
    PeriodsOverlap,
    RentedLine,
    charges_in,
    due_periods,
    entries_due,
)
from rental.billing.rules.refusals import NotBillable, Reason
from rental.billing.rules.segments import FeeChange, FeeHistory
from rental.billing.rules.service_days import End, end_of_rent
from rental.billing.rules.tax import TaxedAmount, TaxRate, rate_on
from rental.billing.rules.tax_codes import code_of, rate_of_code
from rental.catalog.rules import Proration, StopPolicy, StubPolicy, TaxClass, Timing
from rental.core.money import Money, yen_of
from rental.core.periods import Period
from tests.rules.billing.lines import CALENDAR, SEPTEMBER, net_by_period, rented, slot, span
from tests.rules.billing.recorded import often

STUB = rented(3000, span(1, "2026-08-22"))


def amounts(charges: list[Charge]) -> list[int]:
    return [charge.amount.minor_units for charge in charges]


def billed_on(line: RentedLine, day: date) -> list[int]:
    before = entries_due(line, [], as_of=day - timedelta(days=1))
    return [entry.amount.minor_units for entry in entries_due(line, before, as_of=day)]


@pytest.mark.parametrize(
    ("stub", "first_of_september", "first_of_october"),
    [
        (StubPolicy.SHORT, [967], [3000]),
        (StubPolicy.MERGE_NEXT, [], [967, 3000]),
        (StubPolicy.FREE, [], [3000]),
    ],
)
def test_a_stub_is_billed_alone_with_the_next_period_or_never(
    stub: StubPolicy, first_of_september: list[int], first_of_october: list[int]
) -> None:
    line = replace(STUB, stub=stub)
    assert billed_on(line, SEPTEMBER.start) == first_of_september
    assert billed_on(line, SEPTEMBER.end) == first_of_october


def test_in_advance_a_period_is_asked_for_some_days_before_it_begins() -> None:
    line = replace(rented(3000, span(1, "2026-09-01")), timing=Timing.ADVANCE, lead_days=10)
    assert list(due_periods(line, as_of=date(2026, 8, 21))) == []
    assert list(due_periods(line, as_of=date(2026, 8, 22))) == [SEPTEMBER]


def test_a_month_is_not_free_because_its_fee_changed() -> None:
    line = rented(3000, span(1, "2026-01-01"), changes=[("2026-09-16", 6000)])
    assert amounts(charges_in(replace(line, proration=Proration.FREE), SEPTEMBER)) == [1500, 3000]


def test_a_fee_of_one_slot_is_not_that_of_the_others() -> None:
    line = rented(3000, span(1, "2026-01-01"), span(2, "2026-01-01"))
    changes = (
        FeeChange(date(2026, 9, 16), yen_of(6000), slot(2)),
        FeeChange(date(2026, 10, 1), yen_of(900)),
    )
    line = replace(line, fees=FeeHistory(yen_of(3000), changes))
    assert sorted(amounts(charges_in(line, SEPTEMBER))) == [1500, 3000, 3000]
    assert amounts(charges_in(line, CALENDAR.period_of(date(2026, 10, 1)))) == [1800]


def test_an_overrun_has_a_ledger_and_a_price_of_its_own() -> None:
    days = end_of_rent(
        StopPolicy.AGREED_END,
        as_of=date(2026, 10, 1),
        started_on=date(2026, 1, 1),
        agreed_on=date(2026, 9, 20),
        retrieved_on=date(2026, 9, 25),
    ).overrun
    assert days == Period(date(2026, 9, 21), date(2026, 9, 26))
    line = replace(rented(6000, span(1, "2026-09-21", "2026-09-26")), kind=ChargeKind.OVERRUN)
    (charge,) = charges_in(line, SEPTEMBER)
    assert (charge.kind, charge.amount) == (ChargeKind.OVERRUN, yen_of(1000))


@pytest.mark.parametrize(
    ("policy", "returned", "counts", "end"),
    [
        (StopPolicy.CONTRACT_END, None, True, End(date(2026, 10, 1))),
        (StopPolicy.CONTRACT_END, "2026-11-05", True, End(date(2026, 10, 1))),
        (StopPolicy.RETRIEVAL, None, True, End(None)),
        (StopPolicy.RETRIEVAL, "2026-09-10", True, End(date(2026, 10, 1))),
        (StopPolicy.RETRIEVAL, "2026-11-05", True, End(date(2026, 11, 6))),
        (StopPolicy.RETRIEVAL, "2026-11-05", False, End(date(2026, 11, 5))),
        (
            StopPolicy.AGREED_END,
            None,
            True,
            End(date(2026, 10, 1), Period(date(2026, 10, 1), date(2026, 12, 1))),
        ),
        (StopPolicy.AGREED_END, "2026-09-10", True, End(date(2026, 10, 1))),
        (StopPolicy.AGREED_END, "2026-09-30", True, End(date(2026, 10, 1))),
        (StopPolicy.MONTH_END, None, True, End(None)),
        (StopPolicy.MONTH_END, "2026-12-31", True, End(date(2027, 1, 1))),
    ],
)
def test_rent_ends_when_it_was_agreed_to_end(
    policy: StopPolicy, returned: str | None, counts: bool, end: End
) -> None:
    found = end_of_rent(
        policy,
        as_of=date(2026, 12, 1),
        started_on=date(2026, 1, 1),
        agreed_on=date(2026, 9, 30),
        retrieved_on=date.fromisoformat(returned) if returned else None,
        retrieval_day_counts=counts,
    )
    assert found == end


@pytest.mark.parametrize("field", ["retrieved_on", "agreed_on"])
def test_an_end_before_the_start_is_refused(field: str) -> None:
    with pytest.raises(NotBillable) as refusal:
        end_of_rent(
            StopPolicy.RETRIEVAL,
            as_of=date(2026, 12, 1),
            started_on=date(2026, 9, 2),
            **{field: date(2026, 9, 1)},  # type: ignore[arg-type]
        )
    assert (refusal.value.field, refusal.value.params["reason"]) == (field, Reason.ENDS_BEFORE_START)


@often
@given(
    st.lists(st.tuples(st.dates(date(2026, 2, 1), date(2027, 2, 1)), st.integers(1, 31)), max_size=3),
    st.dates(date(2026, 1, 1), date(2027, 6, 1)),
)
def test_a_cycle_cut_anew_still_leaves_no_day_out(moves: list[tuple[date, int]], day: date) -> None:
    cycle: Cycle = CALENDAR
    for wished, cut_day in sorted(moves):
        since = cycle.period_of(wished).end
        if isinstance(cycle, ReanchoredCycle) and since <= cycle.anchors[-1].since:
            continue
        cycle = reanchored(cycle, Anchor(since, BillingCycle.closing(cut_day, since)))
    periods = list(islice(cycle.periods_from(day), 15))
    assert periods[0].contains(day)
    assert all(one.end == next_one.start for one, next_one in pairwise(periods))
    for period in periods:
        assert cycle.period_of(period.last_day) == period
        whole = cycle.whole(period)
        assert whole.start <= period.start < period.end <= whole.end


def test_the_days_between_two_ways_of_cutting_are_a_part_of_the_whole() -> None:
    cycle = reanchored(CALENDAR, Anchor(SEPTEMBER.start, BillingCycle.closing(20, SEPTEMBER.start)))
    line = replace(rented(3100, span(1, "2026-01-01")), cycle=cycle)
    stub = Period(SEPTEMBER.start, date(2026, 9, 21))
    (charge,) = charges_in(line, stub)
    assert (charge.share.days, charge.share.of, charge.amount) == (20, 31, yen_of(2000))
    assert cycle.period_of(stub.end) == Period(stub.end, date(2026, 10, 21))


def test_what_was_billed_by_other_cuts_is_taken_back_only_when_they_were_moved() -> None:
    line = replace(rented(3100, span(1, "2026-01-01")), timing=Timing.ADVANCE)
    billed = entries_due(line, [], as_of=SEPTEMBER.start, since=SEPTEMBER.start)
    closing = BillingCycle.closing(20, SEPTEMBER.start)
    with pytest.raises(PeriodsOverlap):
        entries_due(replace(line, cycle=closing), billed, as_of=date(2026, 9, 21), since=SEPTEMBER.start)

    moved = replace(line, cycle=reanchored(CALENDAR, Anchor(SEPTEMBER.start, closing)))
    ledger = billed + entries_due(moved, billed, as_of=date(2026, 9, 21), since=SEPTEMBER.start)
    assert {period.start.day: net.minor_units for period, net in net_by_period(ledger).items()} == {
        1: 2000,
        21: 3100,
    }


@pytest.mark.parametrize(
    ("anchors", "field", "reason"),
    [
        ([Anchor(date(2026, 9, 2), CALENDAR)], "since", Reason.INSIDE_A_PERIOD),
        ([Anchor(SEPTEMBER.start, CALENDAR)] * 2, "anchors", Reason.NOT_ASCENDING),
    ],
)
def test_cuts_move_only_where_a_period_ends(anchors: list[Anchor], field: str, reason: Reason) -> None:
    with pytest.raises(NotBillable) as refusal:
        ReanchoredCycle(CALENDAR, tuple(anchors))
    assert (refusal.value.field, refusal.value.params["reason"]) == (field, reason)


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(1, 40), st.dates(date(2020, 1, 1)))
def test_rent_by_days_is_cut_every_so_many_days(first: date, days: int, day: date) -> None:
    if day > date(9999, 1, 1):
        return
    period = DayCycle(first, days).period_of(day)
    assert period.contains(day)
    assert (period.days, (period.start - first).days % days) == (days, 0)


def test_a_week_begun_is_charged_by_its_days() -> None:
    line = replace(rented(7000, span(1, "2026-09-03")), cycle=DayCycle(SEPTEMBER.start, 7))
    due = entries_due(line, [], as_of=date(2026, 9, 15))
    assert [entry.amount.minor_units for entry in due] == [5000, 7000]
    with pytest.raises(NotBillable):
        DayCycle(SEPTEMBER.start, 0)


WELCOME = LineDiscount("welcome", basis_points=3333)


def test_a_discount_is_a_line_under_what_it_makes_cheaper() -> None:
    line = replace(rented(1000, span(1, "2026-01-01")), discounts=(WELCOME,))
    full, off = charges_in(line, SEPTEMBER)
    assert (off.amount, off.discount, off.tax_rate) == (yen_of(-333), "welcome", full.tax_rate)
    assert (full.holds_days, off.holds_days) == (True, False)


def test_a_discount_that_ends_divides_the_month() -> None:
    until = replace(WELCOME, basis_points=5000, days=Period(date(2026, 1, 1), date(2026, 9, 16)))
    line = replace(rented(3000, span(1, "2026-01-01")), discounts=(until,))
    assert amounts(charges_in(line, SEPTEMBER)) == [1500, 1500, -750]


def test_a_discount_for_some_periods_ends_with_the_last_of_them() -> None:
    twice = WELCOME.for_periods(2, CALENDAR, date(2026, 8, 22))
    assert twice.days == Period(date(2026, 8, 22), SEPTEMBER.end)


def test_an_amount_off_the_line_counts_once_a_period_and_never_pays_out() -> None:
    off = LineDiscount("loyal", amount=yen_of(1000))
    line = replace(rented(3000, span(1, "2026-01-01"), span(2, "2026-09-16")), discounts=(off,))
    assert amounts(charges_in(line, SEPTEMBER)) == [3000, 1500, -667, -333]
    cheap = replace(line, fees=FeeHistory(yen_of(100)))
    assert sum(amounts(charges_in(cheap, SEPTEMBER))) == 0


@often
@given(
    st.lists(st.tuples(st.integers(-50_000, 100_000), st.sampled_from([1000, 800, 0])), max_size=6),
    st.integers(0, 200_000),
)
def test_a_discount_on_a_document_takes_no_rate_below_nothing_and_loses_no_yen(
    lines: list[tuple[int, int]], discount: int
) -> None:
    taxed = [TaxedAmount(yen_of(amount), TaxRate(TaxClass.STANDARD, rate)) for amount, rate in lines]
    found = discount_on_document(taxed, yen_of(discount))
    assert found.carried_forward - found.granted == yen_of(discount)
    for share in found.shares:
        base = sum((each.amount for each in taxed if each.rate == share.rate), Money(0))
        assert yen_of(0) >= share.amount >= -max(base, Money(0))
        assert share.amount == Money(0) or found.carried_forward == Money(0) or -share.amount == base


def test_a_period_may_be_cut_where_the_tax_rate_changes() -> None:
    cycle = BillingCycle.closing(20, date(2019, 9, 21))
    line = replace(rented(3000, span(1, "2019-01-01")), cycle=cycle)
    period = cycle.period_of(date(2019, 10, 1))
    assert [charge.tax_rate.basis_points for charge in charges_in(line, period)] == [800]
    cut = charges_in(replace(line, cuts_at_rate_changes=True), period)
    assert [(charge.amount.minor_units, charge.tax_rate.basis_points) for charge in cut] == [
        (1000, 800),
        (2000, 1000),
    ]


def test_an_old_rate_may_live_on_by_law() -> None:
    old = rate_of_code("S8", date(2026, 9, 1), is_transitional=True)
    line = replace(rented(3000, span(1, "2026-01-01")), rate=old, cuts_at_rate_changes=True)
    assert [charge.tax_rate for charge in charges_in(line, SEPTEMBER)] == [TaxRate(TaxClass.STANDARD, 800)]


@pytest.mark.parametrize(
    ("code", "day", "reason"),
    [
        ("S9", date(2026, 1, 1), Reason.UNKNOWN),
        ("S10", date(2019, 9, 30), Reason.NOT_IN_FORCE),
        ("S8", date(2019, 10, 1), Reason.NOT_IN_FORCE),
    ],
)
def test_a_tax_code_counts_only_while_it_is_in_force(code: str, day: date, reason: Reason) -> None:
    with pytest.raises(NotBillable) as refusal:
        rate_of_code(code, day)
    assert (refusal.value.field, refusal.value.params["reason"]) == ("tax_code", reason)


@given(st.sampled_from(TaxClass), st.dates(date(2014, 4, 1), date(2090, 1, 1)))
def test_a_code_says_what_its_class_says(tax_class: TaxClass, day: date) -> None:
    assert rate_of_code(code_of(tax_class, day), day) == rate_on(tax_class, day)


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (lambda: replace(STUB, lead_days=-1), "lead_days"),
        (lambda: LineDiscount(""), "name"),
        (lambda: LineDiscount("more", basis_points=10_001), "basis_points"),
        (lambda: LineDiscount("less", amount=yen_of(-1)), "amount"),
        (lambda: WELCOME.for_periods(0, CALENDAR, SEPTEMBER.start), "periods"),
        (lambda: discount_on_document([], yen_of(-1)), "discount"),
    ],
)
def test_terms_that_cannot_be_are_refused_by_their_field(line: object, field: str) -> None:
    assert callable(line)
    with pytest.raises(NotBillable) as refusal:
        line()
    assert refusal.value.field == field
