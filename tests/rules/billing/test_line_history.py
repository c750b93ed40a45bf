"""What was recorded becomes days and fees in whatever order it is read; the impossible does not."""

from datetime import date
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rental.billing.rules.line_history import EventKey, LineEvent, history_of
from rental.billing.rules.refusals import NotBillable, Reason
from rental.billing.rules.segments import FeeChange, Span
from rental.contracts.rules import LineEventKind
from rental.core.money import yen_of
from rental.core.periods import Period
from tests.rules.billing.lines import slot, span
from tests.rules.billing.naive_rater import NEVER, in_service
from tests.rules.billing.recorded import Recorded, facts_of, often, recorded

FEE = yen_of(1000)


def event(
    kind: str,
    day: str,
    seq: int = 0,
    of: int | None = 1,
    value: int | None = None,
    replaces: tuple[str, int] | None = None,
) -> LineEvent:
    key = EventKey(date.fromisoformat(replaces[0]), replaces[1]) if replaces else None
    return LineEvent(LineEventKind(kind), date.fromisoformat(day), seq, slot(of) if of else None, value, key)


def spans(*events: LineEvent) -> tuple[Span, ...]:
    return history_of(events, fee=FEE).spans


def test_a_slot_starts_pauses_resumes_and_stops() -> None:
    assert spans(
        event("start", "2026-04-01"),
        event("pause", "2026-05-01"),
        event("resume", "2026-06-01"),
        event("stop", "2026-07-01"),
    ) == (span(1, "2026-04-01", "2026-05-01"), span(1, "2026-06-01", "2026-07-01"))


def test_units_of_a_bulk_line_change_while_it_pauses_too() -> None:
    assert spans(
        event("start", "2026-04-01", value=5),
        event("qty", "2026-04-11", value=8),
        event("pause", "2026-04-21"),
        event("qty", "2026-04-25", value=2),
        event("resume", "2026-05-01"),
    ) == (
        span(1, "2026-04-01", "2026-04-11")._replace(units=5),
        span(1, "2026-04-11", "2026-04-21")._replace(units=8),
        span(1, "2026-05-01")._replace(units=2),
    )


def test_a_stop_of_the_line_stops_whatever_runs_or_pauses() -> None:
    assert spans(
        event("start", "2026-04-01"),
        event("start", "2026-04-01", 1, of=2),
        event("stop", "2026-04-10", of=2),
        event("pause", "2026-04-20"),
        event("stop", "2026-05-01", of=None),
    ) == (span(1, "2026-04-01", "2026-04-20"), span(2, "2026-04-01", "2026-04-10"))


def test_a_line_that_ends_in_a_pause_was_in_service_until_then() -> None:
    events = [
        event("start", "2026-04-01"),
        event("pause", "2026-04-20", of=None),
        event("resume", "2026-08-01", of=None),
        event("stop", "2026-05-10", of=None),
    ]
    days = Period(date(2026, 4, 1), date(2026, 5, 10))
    assert history_of(events, fee=FEE).in_service == days
    assert history_of(events[:1], fee=FEE).in_service == Period(days.start, date.max)


@often
@given(recorded())
def test_a_line_is_in_service_from_its_first_start_to_its_last_stop(case: Recorded) -> None:
    found = history_of(case.last, fee=FEE).in_service
    first, after = in_service(facts_of(case.last))
    assert found == (Period(first, date.max if after == NEVER else after) if first < NEVER else None)


def test_a_mistake_is_put_right_by_what_replaces_it() -> None:
    wrong = event("start", "2026-04-10")
    right = event("start", "2026-04-15", 1, replaces=("2026-04-10", 0))
    assert spans(wrong, right) == (span(1, "2026-04-15"),)
    assert spans(wrong, event("withdrawal", "2026-04-20", 2, replaces=("2026-04-10", 0))) == ()


def test_fees_change_for_one_slot_or_for_all() -> None:
    history = history_of(
        [event("price", "2026-06-01", of=None, value=900), event("price", "2026-05-01", value=0)], fee=FEE
    )
    assert history.fees.changes == (
        FeeChange(date(2026, 5, 1), yen_of(0), slot(1)),
        FeeChange(date(2026, 6, 1), yen_of(900)),
    )


def test_what_stops_on_the_day_it_starts_never_was() -> None:
    assert spans(event("start", "2026-04-01"), event("stop", "2026-04-01", 1)) == ()


@often
@given(recorded(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(case: Recorded, random: Random) -> None:
    shuffled = list(case.last)
    random.shuffle(shuffled)
    assert history_of(shuffled, fee=FEE) == history_of(case.last, fee=FEE)


START = event("start", "2026-04-01")


@pytest.mark.parametrize(
    ("events", "field", "reason"),
    [
        ([START, event("stop", "2026-03-31")], "effective_on", Reason.NOT_STARTED),
        ([event("pause", "2026-04-01")], "effective_on", Reason.NOT_STARTED),
        ([START, event("start", "2026-04-02")], "effective_on", Reason.ALREADY_STARTED),
        ([START, event("resume", "2026-04-02")], "effective_on", Reason.NOT_PAUSED),
        (
            [START, event("pause", "2026-04-02"), event("pause", "2026-04-03")],
            "effective_on",
            Reason.ALREADY_PAUSED,
        ),
        ([START, event("qty", "2026-04-02", value=-1)], "value", Reason.NEGATIVE),
        ([START, event("qty", "2026-04-02", value=0)], "value", Reason.OUT_OF_RANGE),
        ([START, event("qty", "2026-04-02")], "value", Reason.MISSING),
        ([event("price", "2026-04-02", value=-1)], "value", Reason.NEGATIVE),
        ([event("start", "2026-04-02", of=None)], "slot_id", Reason.MISSING),
        ([START, START], "seq", Reason.SAID_TWICE),
        ([event("withdrawal", "2026-04-01", replaces=("2026-04-02", 0))], "replaces", Reason.UNKNOWN),
        (
            [
                START,
                event("withdrawal", "2026-04-01", 1, replaces=("2026-04-01", 0)),
                event("withdrawal", "2026-04-01", 2, replaces=("2026-04-01", 0)),
            ],
            "replaces",
            Reason.SAID_TWICE,
        ),
    ],
)
def test_what_cannot_have_happened_is_refused_by_its_field(
    events: list[LineEvent], field: str, reason: Reason
) -> None:
    with pytest.raises(NotBillable) as refusal:
        history_of(events, fee=FEE)
    assert (refusal.value.field, refusal.value.params["reason"]) == (field, reason)
