"""A month of the books is closed: what was paid ahead and is earned by its end becomes a sale, once."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from rental.billing.agreements import agree_terms
from rental.billing.book_models import (
    ClosedMonth,
    JournalEntry,
    JournalLine,
    RevenueMonth,
    RevenueRecognition,
)
from rental.billing.closing_months import close_month, open_months
from rental.billing.credit_notes import issue_credit_note
from rental.billing.models import InvoiceLine
from rental.billing.rules.books import MonthNotOver
from rental.billing.rules.credits import CreditKind
from rental.billing.rules.journals import JournalKind, JournalSource
from rental.catalog.rules import AnchorKind, Timing
from rental.contracts.agreeing import Terms
from rental.core.ids import new_id
from rental.core.money import Money, yen_of
from tests.domain.test_checks import red
from tests.factories.billed import Rented, close, invoices_of, machines_in_service, make_issuer
from tests.support.beginnings import Once
from tests.support.story import Story
from tests.web.company import rows_of

# 9,000 yen for the 91 days from 16 April to 15 July, down to the yen until the end of each month.
EARNED = {4: 1483, 5: 3066, 6: 2967, 7: 1484}


@pytest.fixture
def company(story: Story, once: Once) -> Story:
    """Three months from 16 April were billed ahead, and April's rent of another machine; it is 5 May."""
    once(bill_a_quarter_ahead)
    return story


def bill_a_quarter_ahead(story: Story) -> None:
    with story.begin() as uow:
        make_issuer(uow)
    story.on("2026-04-16")
    ahead = Terms(timing=Timing.ADVANCE, anchor=AnchorKind.ANNIVERSARY, months=3)
    machines_in_service(story, Rented(3000), agree=lambda uow, line_id: agree_terms(uow, line_id, ahead))
    machines_in_service(story, Rented(4980), name="喫茶あおぞら")
    story.on("2026-05-05")
    close(story, "2026-04-30")


def close_books(story: Story, month: str) -> list[tuple[str, int, int]]:
    """The months that are closed now, with how many documents and yen were recognised."""
    with story.begin("clerk") as uow:
        closed = close_month(uow, date.fromisoformat(f"{month}-01"))
        return [(f"{each.month:%Y-%m}", each.source_count, each.amount.minor_units) for each in closed]


def liability(story: Story) -> int:
    """What the books owe customers for days to come."""
    with story.reading() as session:
        rows = session.scalars(select(JournalLine)).all()
        return sum(
            row.amount.minor_units
            * ((row.credit == "contract_liability") - (row.debit == "contract_liability"))
            for row in rows
        )


def amiss(story: Story) -> dict[str, int]:
    """What the checks of money find; closings that nobody opened are none of their business."""
    return {code: count for code, count in red(story).items() if code.startswith("M")}


def recognised(story: Story) -> list[tuple[date, str, str, int]]:
    with story.reading() as session:
        rows = session.execute(
            select(JournalEntry.entry_on, JournalLine.debit, JournalLine.credit, JournalLine.amount)
            .join(RevenueRecognition, RevenueRecognition.id == JournalEntry.source_id)
            .join(JournalLine, JournalLine.source_id == JournalEntry.source_id)
            .order_by(JournalEntry.entry_on, JournalLine.debit)
        )
        return [(day, debit.value, credit.value, amount.minor_units) for day, debit, credit, amount in rows]


def test_a_closed_month_makes_a_sale_of_what_it_earned(company: Story) -> None:
    assert liability(company) == 9000
    assert close_books(company, "2026-04") == [("2026-04", 1, EARNED[4])]
    assert recognised(company) == [(date(2026, 4, 30), "contract_liability", "sales", EARNED[4])]
    assert liability(company) == 9000 - EARNED[4]
    assert amiss(company) == {}


def test_all_is_a_sale_when_the_last_month_is_closed(company: Story) -> None:
    company.on("2026-08-01")
    assert close_books(company, "2026-07") == [(f"2026-0{month}", 1, EARNED[month]) for month in (4, 5, 6, 7)]
    assert [row[0] for row in recognised(company)] == [
        date(2026, 4, 30),
        date(2026, 5, 31),
        date(2026, 6, 30),
        date(2026, 7, 31),
    ]
    assert liability(company) == 0
    assert amiss(company) == {}


def test_a_month_closed_again_stays_as_it_is(company: Story) -> None:
    close_books(company, "2026-04")
    before = rows_of(company.app)
    assert close_books(company, "2026-04") == []
    assert rows_of(company.app) == before


def test_a_month_that_is_not_over_stays_open(company: Story) -> None:
    before = rows_of(company.app)
    with pytest.raises(MonthNotOver) as refused:
        close_books(company, "2026-05")
    assert refused.value.params == {"month": date(2026, 5, 1), "today": date(2026, 5, 5)}
    assert rows_of(company.app) == before


def test_a_credit_takes_from_the_months_to_come(company: Story) -> None:
    """9,000 yen less 6,000 of the last days, then all the rest: April stays earned, May bears it."""
    close_books(company, "2026-04")
    for amount, left in ((6000, 1517), (None, 0)):
        with company.begin("clerk") as uow:
            issue_credit_note(
                uow,
                invoices_of(company)[0].id,
                kind=CreditKind.PRICE_REDUCTION,
                reason="途中で返却",
                amounts=None if amount is None else {1: Money(amount)},
            )
        assert liability(company) == left
        assert amiss(company) == {}
    company.on("2026-08-01")
    assert sum(yen for _month, _count, yen in close_books(company, "2026-07")) == 0
    assert liability(company) == 0
    assert amiss(company) == {}


def test_what_is_billed_late_is_booked_in_the_open_month(company: Story) -> None:
    """May is closed when somebody bills the 31st of it."""
    company.on("2026-06-03")
    close_books(company, "2026-05")
    close(company, "2026-05-31")
    with company.reading() as session:
        late = session.scalars(select(JournalEntry.entry_on).order_by(JournalEntry.entry_on.desc())).first()
    assert late == date(2026, 6, 1)
    assert amiss(company) == {}


def test_the_months_to_close_are_foreseen(company: Story) -> None:
    company.on("2026-06-03")
    with company.reading() as session:
        months = open_months(session, today=date(2026, 6, 3))
    assert [(each.month, each.source_count, each.amount) for each in months] == [
        (date(2026, 4, 1), 1, yen_of(EARNED[4])),
        (date(2026, 5, 1), 1, yen_of(EARNED[5])),
    ]
    close_books(company, "2026-04")
    with company.reading() as session:
        assert [each.month.month for each in open_months(session, today=date(2026, 6, 3))] == [5]


def test_the_database_lets_no_entry_into_a_closed_month(company: Story) -> None:
    close_books(company, "2026-04")
    for day, is_refused in ((date(2026, 4, 30), True), (date(2026, 5, 1), False)):
        entry = {"source_id": new_id(), "kind": JournalKind.SALE, "source_type": JournalSource.INVOICE}
        if is_refused:
            with pytest.raises(DBAPIError, match="a closed month takes no entry"), company.begin() as uow:
                uow.session.execute(insert(JournalEntry).values({**entry, "entry_on": day}))
        else:
            with company.begin() as uow:
                uow.session.execute(insert(JournalEntry).values({**entry, "entry_on": day}))


@pytest.mark.parametrize("kind", [ClosedMonth, RevenueRecognition])
def test_what_was_closed_stays_closed(company: Story, kind: type[ClosedMonth | RevenueRecognition]) -> None:
    close_books(company, "2026-04")
    with pytest.raises(DBAPIError, match="written once"), company.begin() as uow:
        uow.session.execute(kind.__table__.delete())  # type: ignore[attr-defined]
    with pytest.raises(DBAPIError, match="written once"), company.begin() as uow:
        uow.session.execute(kind.__table__.update().values(amount=Money(0)))  # type: ignore[attr-defined]


def a_deferral_nobody_booked(session: Session) -> None:
    line = session.scalars(select(InvoiceLine.id).limit(1)).one()
    row = {"invoice_line_id": line, "month": date(2027, 1, 1), "amount": Money(1), "is_deferred": True}
    session.execute(insert(RevenueMonth).values(row))


SABOTAGE: dict[str, Callable[[Session], None]] = {"M10": a_deferral_nobody_booked}


@pytest.mark.parametrize("code", list(SABOTAGE))
def test_a_sabotage_turns_just_its_check_red(company: Story, code: str) -> None:
    with company.begin() as uow:
        SABOTAGE[code](uow.session)
    assert amiss(company) == {code: 1}


def test_months_are_closed_to_the_yen_whatever_the_days(company: Story) -> None:
    """Closed one by one or together, the same is recognised."""
    day = date(2026, 5, 1)
    yen = 0
    for _ in range(4):
        month = day - timedelta(days=1)
        company.on(day.isoformat())
        yen += sum(each[2] for each in close_books(company, f"{month:%Y-%m}"))
        day = (day + timedelta(days=32)).replace(day=1)
    assert yen == 9000
