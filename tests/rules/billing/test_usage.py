"""Usage costs what its pieces cost one by one, once each, and in its own period however late it is known."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rental.billing.rules.charges import Entry
from rental.billing.rules.document_lines import document_lines
from rental.billing.rules.price_models import (
    Flat,
    Graduated,
    Package,
    PerUnit,
    PriceModel,
    Tier,
    Volume,
    millionths_of,
)
from rental.billing.rules.prices import MILLIONTHS, UnitPrice
from rental.billing.rules.refusals import NotBillable, Reason
from rental.billing.rules.usage import (
    Aggregation,
    MeteredLine,
    UsagePlan,
    UsageRecord,
    distinct,
    quantity_of,
    usage_due,
)
from rental.core.money import Rounding, yen_of
from rental.core.periods import Period
from tests.rules.billing.lines import CALENDAR, LINE
from tests.rules.billing.recorded import often

YEAR = Period(date(2026, 1, 1), date(2027, 1, 1))
prices = st.integers(0, 3 * MILLIONTHS).map(UnitPrice)


def record(name: str, day: str, quantity: int, subject: str = "") -> UsageRecord:
    return UsageRecord(name, date.fromisoformat(day), quantity, subject)


def metered(*records: UsageRecord, model: PriceModel | None = None) -> MeteredLine:
    plan = UsagePlan(model or PerUnit(UnitPrice.of(10)))
    return MeteredLine(LINE, CALENDAR, plan, YEAR, records)


@st.composite
def tiers(draw: st.DrawFn) -> tuple[Tier, ...]:
    bounds = sorted(draw(st.sets(st.integers(1, 60), max_size=4)))
    flats = st.integers(0, 500).map(yen_of)
    return tuple(Tier(bound, draw(prices), draw(flats)) for bound in [*bounds, None])


@often
@given(tiers(), st.integers(0, 80))
def test_a_graduated_price_is_the_price_of_each_piece(tiers: tuple[Tier, ...], quantity: int) -> None:
    total, entered = Fraction(0), set()
    for piece in range(1, quantity + 1):
        tier = next(each for each in tiers if each.up_to is None or piece <= each.up_to)
        total += Fraction(tier.unit_price.millionths, MILLIONTHS)
        entered.add(tier)
    total += sum(tier.flat.minor_units for tier in entered)
    assert Fraction(millionths_of(Graduated(tiers).steps(quantity)), MILLIONTHS) == total


@often
@given(tiers(), st.integers(1, 80))
def test_a_volume_price_is_one_price_for_all(tiers: tuple[Tier, ...], quantity: int) -> None:
    reached = next(tier for tier in tiers if tier.up_to is None or quantity <= tier.up_to)
    (step,) = Volume(tiers).steps(quantity)
    assert step == (quantity, reached.unit_price, reached.flat)


@given(st.integers(1, 20), st.integers(0, 20), st.integers(0, 100))
def test_packages_hold_everything_that_is_not_free(size: int, free: int, quantity: int) -> None:
    steps = Package(size, UnitPrice.of(1), free).steps(quantity)
    count = steps[0].quantity if steps else 0
    assert count * size >= quantity - free > (count - 1) * size or (count == 0 and quantity <= free)


def test_a_flat_price_is_the_same_for_none() -> None:
    assert millionths_of(Flat(yen_of(500)).steps(0)) == 500 * MILLIONTHS


@pytest.mark.parametrize(
    ("aggregation", "quantity"),
    [(Aggregation.SUM, 12), (Aggregation.MAX, 7), (Aggregation.LAST, 2), (Aggregation.UNIQUE, 2)],
)
def test_readings_make_one_quantity(aggregation: Aggregation, quantity: int) -> None:
    records = [
        record("c", "2026-05-09", 2, "room 1"),
        record("a", "2026-05-01", 3, "room 1"),
        record("b", "2026-05-02", 7, "room 2"),
    ]
    assert quantity_of(distinct(records), aggregation) == quantity
    assert quantity_of([], aggregation) == 0


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 50)), max_size=9), st.randoms())
def test_a_reading_sent_often_counts_once(said: list[tuple[int, int]], random: object) -> None:
    records = [record(str(n), "2026-05-01", dict(said)[n]) for n, _ in said]
    assert distinct([*records, *reversed(records)]) == distinct(records)
    assert sum(each.quantity for each in distinct(records)) == sum(dict(said).values())


def test_late_usage_corrects_its_own_period_in_one_line() -> None:
    early = metered(record("a", "2026-05-10", 100))
    billed = usage_due(early, [], as_of=date(2026, 6, 1))
    assert [entry.amount for entry in billed] == [yen_of(1000)]

    late = replace(
        early, records=(*early.records, record("b", "2026-05-31", 5), record("c", "2026-06-02", 8))
    )
    entries = usage_due(late, billed, as_of=date(2026, 7, 1))
    correction, june = document_lines(entries)
    assert (correction.amount, correction.entry.charge.period.start) == (yen_of(50), date(2026, 5, 1))
    assert (june.amount, june.entry.charge.period.start) == (yen_of(80), date(2026, 6, 1))
    assert usage_due(late, [*billed, *entries], as_of=date(2026, 7, 1)) == []


def test_what_was_used_after_the_line_was_ended_for_days_past_is_given_back() -> None:
    line = metered(record("a", "2026-05-10", 100), record("b", "2026-06-20", 30), model=Flat(yen_of(500)))
    billed = usage_due(line, [], as_of=date(2026, 8, 1))
    assert [entry.charge.period.start.month for entry in billed] == [1, 2, 3, 4, 5, 6, 7]
    ended = replace(line, in_service=Period(YEAR.start, date(2026, 6, 1)))
    given_back = usage_due(ended, billed, as_of=date(2026, 8, 1))
    assert [(entry.charge.period.start.month, entry.amount) for entry in given_back] == [
        (6, yen_of(-500)),
        (7, yen_of(-500)),
    ]


def test_what_was_used_on_a_day_out_of_service_does_not_count() -> None:
    early, late = record("a", "2026-05-10", 100), record("b", "2026-05-20", 30)
    line = replace(metered(early, late), in_service=Period(YEAR.start, late.occurred_on))
    assert [entry.amount for entry in usage_due(line, [], as_of=date(2026, 6, 1))] == [yen_of(1000)]


@often
@given(
    st.lists(
        st.tuples(st.dates(YEAR.start, YEAR.end.replace(year=2026, month=12, day=31)), st.integers(0, 99))
    ),
    st.data(),
)
def test_usage_that_comes_bit_by_bit_costs_what_it_costs_at_once(
    readings: list[tuple[date, int]], data: st.DataObject
) -> None:
    records = [UsageRecord(str(n), day, quantity) for n, (day, quantity) in enumerate(readings)]
    model = data.draw(tiers().map(Graduated))
    ledger: list[Entry] = []
    for count in range(0, len(records), 3):
        as_of = data.draw(st.dates(YEAR.start, YEAR.end))
        ledger += usage_due(metered(*records[:count], model=model), ledger, as_of=as_of)
    line = metered(*records, model=model)
    ledger += usage_due(line, ledger, as_of=YEAR.end)
    owed = Fraction(0)
    for month in range(1, 13):
        quantity = sum(each.quantity for each in records if each.occurred_on.month == month)
        owed += floor(Fraction(millionths_of(model.steps(quantity)), MILLIONTHS))
    assert sum(entry.amount.minor_units for entry in ledger) == owed
    assert usage_due(line, ledger, as_of=YEAR.end) == []


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("0.1234567", Reason.TOO_MANY_DECIMALS),
        ("1.0000000000000000000000000000000001", Reason.TOO_MANY_DECIMALS),
        ("-1", Reason.NEGATIVE),
        ("NaN", Reason.NOT_A_NUMBER),
        ("Infinity", Reason.NOT_A_NUMBER),
        ("ten", Reason.NOT_A_NUMBER),
        ("1e999999", Reason.OUT_OF_RANGE),
        ("1e-999999", Reason.TOO_MANY_DECIMALS),
    ],
)
def test_a_price_that_is_none_is_refused(typed: str, reason: Reason) -> None:
    with pytest.raises(NotBillable) as refusal:
        UnitPrice.of(typed, field="fee")
    assert (refusal.value.field, refusal.value.params["reason"]) == ("fee", reason)


@given(st.integers(0, 10**17), st.sampled_from(Rounding), st.integers(0, 1000))
def test_a_price_is_read_to_the_last_decimal(millionths: int, rounding: Rounding, quantity: int) -> None:
    text = f"{millionths // MILLIONTHS}.{millionths % MILLIONTHS:06}00"
    assert UnitPrice.of(text).millionths == millionths
    exact = Fraction(millionths * quantity, MILLIONTHS)
    assert abs(UnitPrice.of(text).times(quantity, rounding).minor_units - exact) < 1


TEN = UnitPrice.of(10)


@pytest.mark.parametrize(
    ("attempt", "field", "reason"),
    [
        (lambda: distinct([record("a", "2026-05-01", -1)]), "quantity", Reason.NEGATIVE),
        (
            lambda: distinct([record("a", "2026-05-01", 1), record("a", "2026-05-01", 2)]),
            "external_id",
            Reason.SAID_TWICE,
        ),
        (lambda: Graduated(()), "tiers", Reason.MISSING),
        (lambda: Graduated((Tier(10, TEN),)), "tiers", Reason.MISSING),
        (lambda: Volume((Tier(10, TEN), Tier(10, TEN), Tier(None, TEN))), "up_to", Reason.NOT_ASCENDING),
        (lambda: Volume((Tier(None, TEN), Tier(None, TEN))), "up_to", Reason.NOT_ASCENDING),
        (lambda: Package(0, TEN), "size", Reason.OUT_OF_RANGE),
        (lambda: UsagePlan(PerUnit(TEN), included=-1), "included", Reason.NEGATIVE),
        (
            lambda: UsagePlan(PerUnit(TEN), minimum=yen_of(2), maximum=yen_of(1)),
            "maximum",
            Reason.OUT_OF_RANGE,
        ),
    ],
)
def test_what_cannot_be_priced_is_refused_by_its_field(
    attempt: Callable[[], object], field: str, reason: Reason
) -> None:
    with pytest.raises(NotBillable) as refusal:
        attempt()
    assert (refusal.value.field, refusal.value.params["reason"]) == (field, reason)
