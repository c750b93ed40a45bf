"""Recurring revenue is counted from the history of the contracts, and its movements always add up."""

from datetime import date, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from rental.billing.models import RecurringMovement
from rental.billing.recurring_revenue import (
    LineHistory,
    movements_of,
    revenue_by_month,
    write_movements,
)
from rental.billing.rules.recurring_revenue import Movement, revenue_of_slots
from rental.billing.rules.segments import FeeChange, FeeHistory, Span
from rental.core.money import Money
from rental.identity.permissions import Role
from tests.factories.billed import Rented, machines_in_service
from tests.support.story import Story
from tests.web.html import read_page

SLOT = UUID(int=1)
UNTIL = date(2027, 1, 1)


def count(story: Story, until: date) -> int:
    with story.begin() as uow:
        return write_movements(uow, until=until)


def test_months_that_ended_are_counted_once_and_add_up(story: Story) -> None:
    story.on("2026-04-16")
    machines_in_service(story, Rented(9800, machines=2))
    story.on("2026-05-31")
    machines_in_service(story, Rented(3000), name="喫茶ごがつ")
    assert count(story, date(2026, 5, 31)) == 2
    assert count(story, date(2026, 7, 1)) == 1
    assert count(story, date(2026, 7, 1)) == 0
    with story.reading() as session:
        assert [
            (each.month, each.moved[Movement.NEW], each.revenue) for each in revenue_by_month(session)
        ] == [
            (date(2026, 5, 1), Money(3000), Money(22_600)),
            (date(2026, 4, 1), Money(19_600), Money(19_600)),
        ]
        assert [each.month for each in revenue_by_month(session, limit=1)] == [date(2026, 5, 1)]


def test_a_history_that_changed_is_counted_anew_and_the_rest_stays(story: Story) -> None:
    machines_in_service(story, Rented(9800, machines=2))
    count(story, date(2026, 7, 1))
    with story.begin() as uow:
        wrong = uow.session.scalars(select(RecurringMovement).limit(1)).one()
        wrong.amount = Money(1)
    assert count(story, date(2026, 7, 1)) == 1
    with story.reading() as session:
        assert [each.revenue for each in revenue_by_month(session)] == [Money(19_600)]


def test_the_tick_counts_by_itself_and_the_page_shows_it(story: Story) -> None:
    story.on("2026-04-16")
    machines_in_service(story, Rented(9800))
    story.tick()
    story.on("2026-05-02")
    story.later(hours=4)
    story.tick()
    text = read_page(story.a(Role.BILLING).get("/recurring-revenue").text).text
    assert "2026-04 +¥9,800 – – – – +¥9,800 ¥9,800" in text


def moved(*spans: Span, changes: tuple[FeeChange, ...] = ()) -> list[tuple[str, Movement, int, int]]:
    line = LineHistory(spans, FeeHistory(Money(1000), changes))
    return [
        (
            row["month"].isoformat()[:7],
            row["movement"],
            row["amount"].minor_units,
            row["revenue"].minor_units,
        )
        for row in movements_of([line], until=UNTIL)
    ]


def test_a_slot_that_comes_changes_its_fee_pauses_and_goes() -> None:
    first = Span(SLOT, date(2026, 1, 31), date(2026, 4, 30))
    again = Span(SLOT, date(2026, 6, 10), date(2026, 9, 1))
    changes = (FeeChange(date(2026, 3, 1), Money(1500)), FeeChange(date(2026, 7, 31), Money(1200)))
    assert moved(first, again, changes=changes) == [
        ("2026-01", Movement.NEW, 1000, 1000),
        ("2026-03", Movement.EXPANSION, 500, 1500),
        ("2026-04", Movement.CHURN, -1500, 0),
        ("2026-06", Movement.REACTIVATION, 1500, 1500),
        ("2026-07", Movement.CONTRACTION, -300, 1200),
        ("2026-09", Movement.CHURN, -1200, 0),
    ]


def test_a_slot_that_comes_and_goes_within_a_month_moves_nothing() -> None:
    assert moved(Span(SLOT, date(2026, 2, 3), date(2026, 2, 28))) == []


days = st.dates(date(2025, 1, 1), date(2026, 12, 31))


@st.composite
def lines(draw: st.DrawFn) -> LineHistory:
    """Up to three slots, each in service at most once, and a fee that changes."""
    slots = draw(st.lists(st.tuples(days, st.none() | st.integers(1, 400)), max_size=3))
    spans = tuple(
        Span(
            UUID(int=draw(st.integers(1, 10**9)) * 10 + number),
            start,
            start + timedelta(length) if length else None,
        )
        for number, (start, length) in enumerate(slots)
    )
    changes = tuple(
        FeeChange(day, Money(fee))
        for day, fee in draw(st.lists(st.tuples(days, st.integers(0, 999)), max_size=3))
    )
    return LineHistory(spans, FeeHistory(Money(draw(st.integers(0, 999))), changes))


@given(
    known=st.lists(lines(), max_size=4),
    on=st.dates(date(2025, 1, 1), UNTIL).map(lambda day: day.replace(day=1)),
)
def test_all_movements_together_are_the_revenue_of_any_month_end(known: list[LineHistory], on: date) -> None:
    known = [
        LineHistory(
            tuple(span._replace(slot_id=UUID(int=100 * place + n)) for n, span in enumerate(line.spans)),
            line.fees,
        )
        for place, line in enumerate(known)
    ]
    last_day = on - timedelta(days=1)
    revenue = {
        key: each
        for line in known
        for key, each in revenue_of_slots(line.spans, line.fees, on=last_day).items()
    }
    rows = movements_of(known, until=on)
    assert sum((row["amount"] for row in rows), Money(0)) == sum(revenue.values(), Money(0))
    latest = {row["slot_id"]: row["revenue"] for row in rows}
    assert {key: each for key, each in latest.items() if each} == revenue
