"""An account is left out of one closing for a reason, and comes back with the next."""

from datetime import date

import pytest
from sqlalchemy import select

from rental.billing.closing_log import log_of
from rental.billing.exclusions import exclude_from_closing, include_again
from rental.billing.models import BillingItem, BillingRun, ClosingExclusion
from rental.billing.queries import days_to_close
from rental.billing.rules.runs import BilledAlready, ClosesAnotherDay
from rental.core.errors import DomainError
from rental.customers.rules import Missing
from tests.domain.test_checks import red
from tests.factories.billed import (
    InService,
    Rented,
    close,
    invoices_of,
    items_of,
    machines_in_service,
    make_issuer,
    owe_a_day_twice,
)
from tests.support.story import Story
from tests.web.company import rows_of


@pytest.fixture
def company(story: Story) -> Story:
    """It is 1 April."""
    with story.begin() as uow:
        make_issuer(uow)
    return story


@pytest.fixture
def left_out(company: Story) -> InService:
    return machines_in_service(company, Rented(9800))


@pytest.fixture
def other(company: Story) -> InService:
    return machines_in_service(company, Rented(4980), name="喫茶あおぞら")


def leave_out(story: Story, account: InService, closed_on: str, reason: str = "注文番号待ち") -> None:
    with story.begin("clerk") as uow:
        exclude_from_closing(uow, account.account_id, date.fromisoformat(closed_on), reason=reason)


def billed(story: Story, account: InService) -> list[tuple[str, int]]:
    return [
        (str(invoice.closed_on), invoice.subtotal.minor_units)
        for invoice in invoices_of(story, account.account_id)
    ]


def to_close(story: Story) -> dict[str, int]:
    with story.reading() as session:
        return {str(day): count for day, count in days_to_close(session).items()}


def test_it_is_not_billed_this_month_and_for_both_the_next(
    company: Story, left_out: InService, other: InService
) -> None:
    company.on("2026-05-01")
    leave_out(company, left_out, "2026-04-30")
    assert to_close(company) == {"2026-04-30": 1, "2026-05-31": 1}
    run_id = close(company, "2026-04-30")
    assert set(items_of(company, run_id)) == {other.account_id}
    assert billed(company, left_out) == []
    company.on("2026-06-01")
    assert to_close(company) == {"2026-05-31": 2}
    close(company, "2026-05-31")
    assert billed(company, left_out) == [("2026-04-30", 9800), ("2026-05-31", 9800)]


def test_closing_the_day_again_does_not_bill_it(
    company: Story, left_out: InService, other: InService
) -> None:
    company.on("2026-05-01")
    close(company, "2026-04-30")
    company.on("2026-06-01")
    leave_out(company, left_out, "2026-05-31")
    for _ in range(2):
        close(company, "2026-05-31")
    company.everything_happens_twice()
    assert billed(company, left_out) == [("2026-04-30", 9800)]
    assert billed(company, other) == [("2026-04-30", 4980), ("2026-05-31", 4980)]


def test_one_that_is_parked_leaves_the_closing_and_is_free_for_the_next(
    company: Story, left_out: InService
) -> None:
    owe_a_day_twice(company, left_out)
    company.on("2026-05-01")
    run_id = close(company, "2026-04-30")
    assert list(items_of(company, run_id)) == [left_out.account_id]
    leave_out(company, left_out, "2026-04-30")
    assert items_of(company, run_id) == {}
    company.on("2026-06-01")
    assert list(items_of(company, close(company, "2026-05-31"))) == [left_out.account_id]


def test_taken_back_it_is_due_again(company: Story, left_out: InService) -> None:
    company.on("2026-05-01")
    leave_out(company, left_out, "2026-04-30")
    close(company, "2026-04-30")
    with company.begin("clerk") as uow:
        exclusion_id = uow.session.scalars(select(ClosingExclusion.id)).one()
        assert include_again(uow, exclusion_id) == date(2026, 4, 30)
    close(company, "2026-04-30")
    assert billed(company, left_out) == [("2026-04-30", 9800)]


def test_said_twice_it_holds_once(company: Story, left_out: InService) -> None:
    leave_out(company, left_out, "2026-04-30")
    before = rows_of(company.app)
    leave_out(company, left_out, "2026-04-30")
    assert rows_of(company.app) == before
    leave_out(company, left_out, "2026-04-30", "金額の確認中")
    with company.reading() as session:
        assert session.scalars(select(ClosingExclusion.reason)).all() == ["金額の確認中"]


@pytest.mark.parametrize(
    ("closed_on", "reason", "refusal"),
    [
        ("2026-04-30", "注文番号待ち", BilledAlready),
        ("2026-05-20", "注文番号待ち", ClosesAnotherDay),
        ("2026-05-31", "  ", Missing),
    ],
)
def test_what_cannot_be_left_out_is_refused(
    company: Story, left_out: InService, closed_on: str, reason: str, refusal: type[DomainError]
) -> None:
    company.on("2026-05-01")
    close(company, "2026-04-30")
    before = rows_of(company.app)
    with pytest.raises(refusal):
        leave_out(company, left_out, closed_on, reason)
    assert rows_of(company.app) == before


def test_it_is_no_leak_until_its_next_closing_is_missed(company: Story, left_out: InService) -> None:
    company.on("2026-05-01")
    leave_out(company, left_out, "2026-04-30")
    for day, is_missed in (("2026-05-20", False), ("2026-06-06", False), ("2026-06-07", True)):
        company.on(day)
        assert ("C3" in red(company)) == is_missed, day


def test_the_log_names_every_account_of_a_closing(
    company: Story, left_out: InService, other: InService
) -> None:
    doubtful = machines_in_service(company, Rented(100), name="喫茶うたがい")
    owe_a_day_twice(company, doubtful)
    company.on("2026-05-01")
    leave_out(company, left_out, "2026-04-30")
    run_id = close(company, "2026-04-30")
    with company.reading() as session:
        run = session.get_one(BillingRun, run_id)
        rows = [
            (row.name, row.state.value if row.state else None, row.reason_code or row.reason, row.invoice)
            for row in log_of(session, run)
        ]
        exceptions = [row.name for row in log_of(session, run, exceptions_only=True)]
    assert rows == [
        ("喫茶あおぞら 経理部", "done", "", "INV-2026-00000001"),
        ("喫茶うたがい 経理部", "parked", "billing.not_ratable", None),
        ("喫茶みどり 経理部", None, "注文番号待ち", None),
    ]
    assert exceptions == ["喫茶うたがい 経理部", "喫茶みどり 経理部"]
    assert company.count(BillingItem) == 2
