"""Every yen is earned in one month, every movement is part of the change, every end costs what was agreed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from math import floor
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rental.billing.rules.allocation import by_largest_remainder
from rental.billing.rules.bank_days import is_bank_holiday
from rental.billing.rules.charges import ChargeKind
from rental.billing.rules.deposits import DepositEntry, DepositKind, held, settle
from rental.billing.rules.discounts import LineDiscount
from rental.billing.rules.due_dates import debit_on, debit_requested_by
from rental.billing.rules.early_termination import (
    FeeTable,
    FixedFee,
    MinimumTerm,
    PartOfRemainingRent,
    ResidualValue,
    Row,
    TerminationFee,
    minimum_term,
)
from rental.billing.rules.one_offs import OneOff, one_offs_due
from rental.billing.rules.prices import UnitPrice
from rental.billing.rules.recurring_revenue import (
    less_amounts,
    monthly,
    movements,
    revenue_of_slots,
    sum_by_movement,
)
from rental.billing.rules.refusals import NotBillable, Reason
from rental.billing.rules.revenue import (
    RevenueRule,
    bundle_shares,
    credited,
    lease_schedule,
    revenue_schedule,
    still_deferred,
)
from rental.billing.rules.segments import FeeChange, FeeHistory
from rental.core.money import Money, Rounding, yen_of
from rental.core.periods import Period
from tests.rules.billing.lines import LINE, slot, span
from tests.rules.billing.recorded import often

services = st.builds(
    lambda start, days: Period(start, start + timedelta(days=days)),
    st.dates(date(2024, 1, 1), date(2028, 1, 1)),
    st.integers(1, 800),
)
yen = st.integers(-10_000_000, 10_000_000).map(Money)
plenty = st.integers(0, 1_000_000).map(Money)


def in_all(amounts: object) -> Money:
    return sum(amounts, Money(0))  # type: ignore[call-overload,no-any-return]


@often
@given(yen, services, st.sampled_from(RevenueRule))
def test_a_schedule_earns_exactly_the_amount(amount: Money, service: Period, rule: RevenueRule) -> None:
    schedule = revenue_schedule(amount, service, rule)
    assert in_all(each.amount for each in schedule) == amount
    months = [each.month for each in schedule]
    assert months == sorted(set(months))
    assert all(month.day == 1 for month in months)


@often
@given(plenty, services)
def test_until_any_month_the_days_gone_are_earned(amount: Money, service: Period) -> None:
    earned = Money(0)
    for month, part in revenue_schedule(amount, service, RevenueRule.OVER_TIME_DAILY):
        earned += part
        gone = sum((service.start + timedelta(days=n)) < _next(month) for n in range(service.days))
        assert earned.minor_units == floor(Fraction(amount.minor_units * gone, service.days))


def _next(month: date) -> date:
    return (month + timedelta(days=32)).replace(day=1)


def test_equal_months_leave_the_rest_to_the_last() -> None:
    schedule = revenue_schedule(
        yen_of(1000), Period(date(2026, 1, 16), date(2026, 4, 16)), RevenueRule.OVER_TIME_MONTHLY
    )
    assert [each.amount.minor_units for each in schedule] == [250, 250, 250, 250]
    uneven = revenue_schedule(
        yen_of(1000), Period(date(2026, 1, 1), date(2026, 4, 1)), RevenueRule.OVER_TIME_MONTHLY
    )
    assert [each.amount.minor_units for each in uneven] == [333, 333, 334]


def test_a_lease_earns_in_its_free_months_too() -> None:
    service = Period(date(2026, 1, 1), date(2026, 4, 1))
    schedule = lease_schedule([yen_of(0), yen_of(450), yen_of(450)], service)
    assert [each.amount.minor_units for each in schedule] == [310, 280, 310]


@often
@given(plenty, services, st.data())
def test_a_credit_takes_back_what_is_not_earned_first(
    amount: Money, service: Period, data: st.DataObject
) -> None:
    schedule = revenue_schedule(amount, service, RevenueRule.OVER_TIME_DAILY)
    credit = data.draw(st.integers(0, amount.minor_units).map(Money))
    closed = data.draw(st.sampled_from([each.month for each in schedule]))
    corrections = credited(schedule, credit, closed_month=closed)
    assert in_all(each.amount for each in corrections) == -credit
    assert all(each.month > closed for each in corrections)
    deferred = still_deferred(schedule, after_month=closed)
    left = still_deferred([*schedule, *corrections], after_month=closed)
    assert left == deferred - credit


@often
@given(st.integers(-100_000, 100_000), st.lists(st.integers(0, 10_000), min_size=1, max_size=8))
def test_shares_add_up_and_are_less_than_a_yen_off(total: int, weights: list[int]) -> None:
    if not sum(weights):
        return
    shares = by_largest_remainder(Money(total), weights)
    assert in_all(shares) == Money(total)
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share.minor_units - Fraction(total * weight, sum(weights))) < 1


@given(st.dictionaries(st.text(min_size=1, max_size=3), st.integers(1, 9999).map(Money), min_size=1), plenty)
def test_the_parts_of_a_bundle_are_the_bundle(alone: dict[str, Money], price: Money) -> None:
    assert in_all(bundle_shares(price, alone).values()) == price


revenues = st.dictionaries(
    st.integers(1, 6).map(lambda number: UUID(int=number)), st.integers(0, 9000).map(Money)
)


@often
@given(revenues, revenues, st.sets(st.integers(1, 6).map(lambda number: UUID(int=number))))
def test_movements_are_the_change_of_the_recurring_revenue(
    before: dict[UUID, Money], now: dict[UUID, Money], known: set[UUID]
) -> None:
    moved = movements(before, now, known=known)
    assert in_all(each.amount for each in moved) == in_all(now.values()) - in_all(before.values())
    assert in_all(sum_by_movement(moved).values()) == in_all(each.amount for each in moved)
    assert len({each.of for each in moved}) == len(moved)


def test_a_slot_brings_its_fee_less_discounts_and_nothing_while_it_pauses() -> None:
    spans = [
        span(1, "2026-01-01"),
        span(2, "2026-01-01", "2026-09-01"),
        span(2, "2026-10-01"),
        span(3, "2026-01-01")._replace(units=3),
    ]
    fees = FeeHistory(yen_of(999), (FeeChange(date(2026, 10, 1), yen_of(2000), slot(1)),))
    half = LineDiscount("half", basis_points=5000, days=Period(date(2026, 1, 1), date(2026, 10, 1)))
    september = revenue_of_slots(spans, fees, on=date(2026, 9, 30), discounts=[half])
    october = revenue_of_slots(spans, fees, on=date(2026, 10, 31), discounts=[half])
    assert september == {slot(1): yen_of(499), slot(3): yen_of(1498)}
    assert october == {slot(1): yen_of(2000), slot(2): yen_of(999), slot(3): yen_of(2997)}


def test_an_amount_off_lowers_the_revenue_of_the_line() -> None:
    off = LineDiscount("loyal", amount=yen_of(1000))
    assert less_amounts(yen_of(5000), [off], on=date(2026, 9, 30), months=3) == yen_of(4667)
    assert less_amounts(yen_of(500), [off], on=date(2026, 9, 30)) == yen_of(0)


deposits = st.lists(
    st.builds(
        DepositEntry, st.sampled_from(DepositKind), st.integers(0, 500).map(Money), st.just(date(2026, 1, 1))
    )
)


@often
@given(deposits)
def test_no_more_of_a_deposit_is_given_away_than_is_held(entries: list[DepositEntry]) -> None:
    balance, refused = 0, False
    for kind, amount, _ in entries:
        balance += amount.minor_units if kind is DepositKind.RECEIVED else -amount.minor_units
        refused = refused or balance < 0
    if refused:
        with pytest.raises(NotBillable):
            held(entries)
    else:
        assert held(entries) == Money(balance)


@given(plenty, plenty)
def test_a_deposit_is_used_up_before_anything_is_asked_for(balance: Money, owed: Money) -> None:
    end = settle(balance, owed)
    assert end.offset + end.refund == balance
    assert end.offset + end.still_owed == owed
    assert not (end.refund and end.still_owed)


@often
@given(
    st.dates(date(2024, 1, 1), date(2026, 1, 31)),
    st.integers(0, 36),
    st.integers(0, 1500),
    st.integers(0, 60),
)
def test_months_are_over_when_their_boundary_is(start: date, months: int, days: int, paused: int) -> None:
    ended = start + timedelta(days=days)
    term = minimum_term(start, months, ended_on=ended)
    assert term.remaining == max(0, months - term.elapsed)
    assert 30.4 * term.elapsed - 3 <= days <= 30.5 * (term.elapsed + 1) + 3
    pause = Period(start, start + timedelta(days=paused + 1))
    later = minimum_term(start, months, ended_on=ended + timedelta(days=paused + 1), pauses=[pause])
    assert later == term


@pytest.mark.parametrize(
    ("fee", "amount"),
    [
        (TerminationFee(None), 0),
        (TerminationFee(FixedFee(yen_of(100)), at_least=yen_of(500)), 500),
        (TerminationFee(PartOfRemainingRent(10_000), at_most=yen_of(5000)), 5000),
        (TerminationFee(PartOfRemainingRent(3_333)), 1999),
        (TerminationFee(FeeTable((Row(6, yen_of(9)), Row(12, yen_of(7))))), 0),
        (TerminationFee(ResidualValue(yen_of(60_000), 36)), 28_333),
    ],
)
def test_leaving_early_costs_what_was_agreed_within_its_limits(fee: TerminationFee, amount: int) -> None:
    assert fee.amount(MinimumTerm(19, 5), yen_of(1200)).minor_units == amount
    assert fee.amount(MinimumTerm(24, 0), yen_of(1200)) == yen_of(0)
    for model in (fee.model,):
        assert model is None or model.fee(MinimumTerm(24, 0), yen_of(1200), Rounding.DOWN) == yen_of(0)


def test_what_happens_once_is_asked_for_once_and_taken_back_when_it_never_did() -> None:
    delivery = OneOff(LINE, date(2026, 9, 10), UnitPrice.of("1500.5"), quantity=3)
    assert one_offs_due([delivery], [], as_of=date(2026, 9, 9)) == []
    billed = one_offs_due([delivery], [], as_of=date(2026, 9, 10))
    (entry,) = billed
    assert (entry.charge.kind, entry.charge.quantity, entry.amount) == (ChargeKind.ONE_OFF, 3, yen_of(4501))
    assert one_offs_due([delivery], billed, as_of=date(2026, 10, 1)) == []
    assert [each.amount for each in one_offs_due([], billed, as_of=date(2026, 10, 1))] == [yen_of(-4501)]
    assert one_offs_due([replace(delivery, unit_price=UnitPrice(0))], [], as_of=date(2026, 10, 1)) == []


@given(st.dates(date(2016, 1, 15), date(2035, 1, 1)), st.integers(0, 9))
def test_money_is_collected_on_bank_days_and_asked_for_so_many_before(day: date, before: int) -> None:
    collected = debit_on(day)
    asked = debit_requested_by(collected, bank_days_before=before)
    between = [asked + timedelta(days=n) for n in range((collected - asked).days)]
    assert not is_bank_holiday(collected)
    assert sum(not is_bank_holiday(each) for each in between) == before


JULY = Period(date(2026, 7, 1), date(2026, 8, 1))


@pytest.mark.parametrize(
    ("attempt", "field", "reason"),
    [
        (lambda: monthly(yen_of(1), 0), "months", Reason.OUT_OF_RANGE),
        (lambda: by_largest_remainder(yen_of(1), []), "weights", Reason.MISSING),
        (lambda: by_largest_remainder(yen_of(1), [-1, 2]), "weights", Reason.NEGATIVE),
        (lambda: credited([], yen_of(1), closed_month=JULY.start), "credit", Reason.MORE_THAN_HELD),
        (lambda: credited([], yen_of(-1), closed_month=JULY.start), "credit", Reason.NEGATIVE),
        (lambda: settle(yen_of(1), yen_of(-1)), "owed", Reason.NEGATIVE),
        (
            lambda: held([DepositEntry(DepositKind.RECEIVED, yen_of(-1), JULY.start)]),
            "amount",
            Reason.NEGATIVE,
        ),
        (lambda: minimum_term(JULY.end, 1, ended_on=JULY.start), "ended_on", Reason.ENDS_BEFORE_START),
        (lambda: minimum_term(JULY.start, -1, ended_on=JULY.end), "months", Reason.NEGATIVE),
        (lambda: PartOfRemainingRent(10_001), "basis_points", Reason.OUT_OF_RANGE),
        (lambda: FeeTable(()), "rows", Reason.MISSING),
        (lambda: FeeTable((Row(6, yen_of(1)), Row(6, yen_of(1)))), "up_to_months", Reason.NOT_ASCENDING),
        (lambda: ResidualValue(yen_of(1), 0), "life_months", Reason.OUT_OF_RANGE),
        (lambda: OneOff(LINE, JULY.start, UnitPrice(1), quantity=0), "quantity", Reason.OUT_OF_RANGE),
        (lambda: OneOff(LINE, JULY.start, UnitPrice(1), kind=ChargeKind.USAGE), "kind", Reason.UNKNOWN),
        (lambda: debit_requested_by(JULY.start, bank_days_before=-1), "bank_days_before", Reason.NEGATIVE),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(
    attempt: Callable[[], object], field: str, reason: Reason
) -> None:
    with pytest.raises(NotBillable) as refusal:
        attempt()
    assert (refusal.value.field, refusal.value.params["reason"]) == (field, reason)
