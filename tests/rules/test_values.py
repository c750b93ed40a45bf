"""Money, periods, states, numbers on the wire: plain values, held to their promises by property."""

from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rental.assurance.events import CheckStarted
from rental.core.clock import SettableClock, SystemClock, day_of
from rental.core.events import Event, from_wire, to_wire
from rental.core.ids import new_id
from rental.core.money import Money, Rounding, yen_of
from rental.core.outbox import DELIVERY_STATES, DeliveryState
from rental.core.periods import Period
from rental.core.states import IllegalStep, States
from rental.identity.events import SignedInSomewhereNew
from rental.identity.rules import ACCOUNT_STATES, wait_after

yen = st.integers(-10_000_000, 10_000_000).map(Money)
days = st.dates(date(2000, 1, 1), date(2100, 1, 1))


@st.composite
def periods(draw: st.DrawFn) -> Period:
    start = draw(days)
    return Period(start, start + timedelta(days=draw(st.integers(1, 400))))


@given(yen, st.integers(0, 365), st.integers(1, 365))
def test_parts_of_an_amount_lose_less_than_a_yen(amount: Money, part: int, of: int) -> None:
    part = min(part, of)
    both = amount.share(part, of=of) + amount.share(of - part, of=of)
    assert abs((amount - both).minor_units) <= 1
    assert amount.share(of, of=of) == amount


@given(yen, st.integers(0, 31))
def test_a_credit_mirrors_its_charge(amount: Money, part: int) -> None:
    for rounding in Rounding:
        assert (-amount).share(part, of=31, rounding=rounding) == -amount.share(
            part, of=31, rounding=rounding
        )


def test_the_shares_people_argue_about() -> None:
    assert yen_of(3950).share(23, of=30) == yen_of(3028)
    assert yen_of(2800).share(14, of=28) == yen_of(1400)
    assert yen_of(100).share(1, of=3, rounding=Rounding.UP) == yen_of(34)
    assert yen_of(100).share(1, of=8, rounding=Rounding.HALF_UP) == yen_of(13)
    assert yen_of(101) * 3 - yen_of(3) == yen_of(300)
    assert yen_of(1) > yen_of(0)
    assert not yen_of(0)


@pytest.mark.parametrize("amount", [1.5, "100", True, None])
def test_yen_are_whole_numbers(amount: object) -> None:
    with pytest.raises(TypeError):
        Money(amount)  # type: ignore[arg-type]


@pytest.mark.parametrize(("part", "of"), [(1, 0), (-1, 3), (1, -3)])
def test_a_share_of_nothing_is_refused(part: int, of: int) -> None:
    with pytest.raises(ValueError, match="cannot take"):
        yen_of(100).share(part, of=of)


@given(periods(), days)
def test_a_cut_period_keeps_its_days(period: Period, cut: date) -> None:
    cut = min(max(cut, period.start), period.end)
    assert period.overlap_days(period.start, cut) + period.overlap_days(cut, period.end) == period.days


@given(periods(), periods())
def test_periods_overlap_exactly_when_they_share_a_day(one: Period, other: Period) -> None:
    assert one.overlaps(other) == (one.overlap_days(other.start, other.end) > 0)
    assert one.contains(one.last_day)
    assert not one.contains(one.end)


def test_a_period_ends_after_it_starts() -> None:
    with pytest.raises(ValueError, match="ends after"):
        Period(date(2026, 2, 1), date(2026, 2, 1))


@pytest.mark.parametrize("states", [DELIVERY_STATES, ACCOUNT_STATES])
def test_every_step_is_either_in_the_table_or_refused_by_name(states: States[StrEnum]) -> None:
    allowed = set(states.steps())
    for now in states.kind:
        for wanted in states.kind:
            if (now, wanted) in allowed:
                states.check(now, wanted)
            else:
                with pytest.raises(IllegalStep) as refusal:
                    states.check(now, wanted)
                assert refusal.value.params["wanted"] == wanted.value


def test_done_is_done() -> None:
    assert [step for step in DELIVERY_STATES.steps() if step[0] is DeliveryState.DONE] == []


def test_a_life_cycle_without_a_row_for_a_state_is_refused() -> None:
    with pytest.raises(ValueError, match="no row for"):
        States({DeliveryState.DONE: set()})


@given(st.uuids(), st.uuids())
def test_events_survive_the_wire(one: UUID, other: UUID) -> None:
    event = SignedInSomewhereNew(one, other)
    assert from_wire(SignedInSomewhereNew, to_wire(event)) == event


def test_a_newer_senders_extra_fields_are_passed_over() -> None:
    wire = {**to_wire(CheckStarted(UUID(int=7))), "colour": "yellow"}
    assert from_wire(CheckStarted, wire) == CheckStarted(UUID(int=7))


def test_an_event_carries_plain_facts_only() -> None:
    class Bad(Event):
        pass

    with pytest.raises(TypeError, match="cannot carry"):
        to_wire(CheckStarted(object()))  # type: ignore[arg-type]
    assert to_wire(Bad()) == {}


def test_ids_are_version_7_and_sort_by_time() -> None:
    ids = [new_id() for _ in range(200)]
    assert {made.version for made in ids} == {7}
    assert {made.variant for made in ids} == {"specified in RFC 4122"}
    assert len(set(ids)) == 200
    assert [made.int >> 80 for made in ids] == sorted(made.int >> 80 for made in ids)


def test_the_day_is_the_companys_not_greenwichs() -> None:
    late = datetime(2026, 3, 31, 15, 0, tzinfo=UTC)
    assert day_of(late, ZoneInfo("Asia/Tokyo")) == date(2026, 4, 1)
    with pytest.raises(ValueError, match="time zone"):
        SettableClock(datetime(2026, 4, 1))  # noqa: DTZ001
    assert SystemClock().now().tzinfo is UTC


def test_a_guesser_waits_twice_as_long_each_time_up_to_a_quarter_of_an_hour() -> None:
    assert [wait_after(count).total_seconds() for count in range(1, 8)] == [0, 0, 2, 4, 8, 16, 32]
    assert wait_after(100) == timedelta(minutes=15)
