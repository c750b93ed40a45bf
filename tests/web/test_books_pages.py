"""The page of the books: months are closed, accounts get the company's words."""

import pytest
from sqlalchemy import select

from rental.billing.book_models import ClosedMonth, LedgerAccountName
from rental.identity.permissions import Role
from tests.domain.test_closing_months import bill_a_quarter_ahead
from tests.support.beginnings import Once
from tests.support.story import Browser, Story
from tests.web.company import rows_of
from tests.web.html import read_page


@pytest.fixture
def company(story: Story, once: Once) -> Story:
    """Three months from 16 April were billed ahead; it is 5 May."""
    once(bill_a_quarter_ahead)
    return story


@pytest.fixture
def clerk(company: Story) -> Browser:
    return company.a(Role.BILLING)


def text_of(clerk: Browser, page: str) -> str:
    return read_page(clerk.get(page).text).text


def test_a_clerk_closes_a_month(company: Story, clerk: Browser) -> None:
    assert "2026-04 1 ¥1,483 ○ Not closed yet" in text_of(clerk, "/books")
    assert clerk.post("/books/months/2026-04", page="/books").status_code == 303
    text = text_of(clerk, "/books")
    assert "1 month is closed now." in text
    assert "2026-04 1 ¥1,483 ✓ Closed for good" in text
    assert clerk.post("/books/months/2026-04", page="/books").status_code == 303
    assert company.count(ClosedMonth) == 1


def test_closings_to_be_billed_are_named_before_a_month_is_closed(company: Story, clerk: Browser) -> None:
    warning = "Some closings are still to be billed."
    assert warning not in text_of(clerk, "/books")
    company.on("2026-06-01")
    assert warning in text_of(company.a(Role.ADMINISTRATOR), "/books")


def test_a_month_that_is_not_over_is_refused_in_words(company: Story, clerk: Browser) -> None:
    before = rows_of(company.app)
    answer = clerk.post("/books/months/2026-05", page="/books")
    assert answer.status_code == 409
    assert "2026-05 is not over yet: today is 5 May 2026. Close a month that has ended." in answer.text
    assert rows_of(company.app) == before


@pytest.mark.parametrize("month", ["2026-13", "202604", "may", "0000-01"])
def test_what_is_no_month_is_not_found(clerk: Browser, month: str) -> None:
    assert clerk.post(f"/books/months/{month}", page="/books").status_code == 404


def rename(clerk: Browser, name: str, version: str = "1") -> str:
    page = "/books/accounts/contract_liability"
    answer = clerk.post(page, {"name": name, "version": version}, page=page)
    return text_of(clerk, answer.location) if answer.location else read_page(answer.text).text


def test_a_clerk_gives_an_account_the_name_of_the_company(company: Story, clerk: Browser) -> None:
    text = rename(clerk, "　契約負債 ")
    assert "Saved." in text
    assert "契約負債 Contract liabilities" in text
    with company.reading() as session:
        row = session.scalars(select(LedgerAccountName).where(LedgerAccountName.version == 2)).one()
        assert row.name == "契約負債"


@pytest.mark.parametrize(
    ("name", "version", "said"),
    [
        ("", "1", "Name in the books: Please fill this in"),
        ("売" * 25, "1", "24"),
        ("契約負債", "9", "changed"),
    ],
)
def test_a_name_that_cannot_be_is_refused(
    company: Story, clerk: Browser, name: str, version: str, said: str
) -> None:
    before = rows_of(company.app)
    assert said in rename(clerk, name, version)
    assert rows_of(company.app) == before


def test_an_account_that_nobody_books_on_is_not_found(clerk: Browser) -> None:
    assert clerk.get("/books/accounts/petty_cash").status_code == 404
