"""The pages of billing: look first, close, see what came of it, and why every yen is owed."""

from datetime import date

import pytest
from sqlalchemy import select

from rental.billing.models import BillingItem, BillingRun, CompanyProfile, Invoice
from rental.billing.rules.runs import ItemState
from rental.identity.permissions import Role
from tests.factories.billed import (
    Rented,
    close,
    invoices_of,
    machines_in_service,
    make_issuer,
    owe_a_day_twice,
)
from tests.support.story import Browser, Story
from tests.web.company import Statements, rows_of


@pytest.fixture
def company(story: Story) -> Story:
    """Two machines in service since the 16th, and a contract that contradicts itself; it is 1 May."""
    with story.begin() as uow:
        make_issuer(uow)
    story.on("2026-04-16")
    machines_in_service(story, Rented(9800, machines=2))
    owe_a_day_twice(story, machines_in_service(story, Rented(4980), name="喫茶うたがい"))
    story.on("2026-05-01")
    return story


@pytest.fixture
def clerk(company: Story) -> Browser:
    return company.a(Role.BILLING)


def test_looking_first_shows_what_would_be_billed_and_writes_nothing(company: Story, clerk: Browser) -> None:
    before = rows_of(company.app)
    page = clerk.get("/closings/preview?closed_on=2026-04-30")
    assert page.status_code == 200
    assert "喫茶みどり 経理部" in page.text
    assert "¥10,780" in page.text
    assert "cannot be right" in page.text
    assert rows_of(company.app) == before


def test_a_clerk_closes_a_month_and_sees_its_invoices(company: Story, clerk: Browser) -> None:
    answer = clerk.post("/closings", {"closed_on": "2026-04-30"}, page="/account")
    assert answer.status_code == 303
    page = clerk.get(answer.location)
    assert "At work" in page.text
    company.everything_happens()
    page = clerk.get(answer.location)
    assert "Needs a person" in page.text
    assert "喫茶うたがい" in page.text
    listed = clerk.get("/invoices?closed_on=2026-04-30")
    assert "INV-2026-00000001" in listed.text
    assert "¥10,780" in listed.text


def test_a_closing_in_the_future_is_refused_at_its_field(company: Story, clerk: Browser) -> None:
    answer = clerk.post("/closings", {"closed_on": "2026-05-31"}, page="/account")
    assert answer.status_code == 422
    assert "31 May 2026 has not come yet. Close a day up to today, 1 May 2026." in answer.text
    assert company.count(BillingRun) == 0


def test_an_invoice_shows_the_scan_behind_every_slot_and_its_sum(company: Story, clerk: Browser) -> None:
    close(company, "2026-04-30")
    (invoice,) = invoices_of(company)
    page = clerk.get(f"/invoices/{invoice.id}").text
    assert "¥9,800 × 2 × 15 ÷ 30 days = ¥9,800" in page
    assert "Why: 2 installations" in page
    assert page.count("Scanned on site 16 Apr 2026") == 2
    assert page.count("W000001") == 2
    assert "Rate plan スタンダード, version of 1 Apr 2025" in page
    assert "T9000000000000" in page


def test_the_document_is_handed_out_as_a_pdf(company: Story, clerk: Browser) -> None:
    close(company, "2026-04-30")
    (invoice,) = invoices_of(company)
    answer = clerk.get(f"/invoices/{invoice.id}/document.pdf")
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert answer.data.startswith(b"%PDF")


def test_a_parked_account_is_billed_again_from_its_closing(company: Story, clerk: Browser) -> None:
    run_id = close(company, "2026-04-30")
    with company.reading() as session:
        item_id = session.scalars(select(BillingItem.id).where(BillingItem.state == ItemState.PARKED)).one()
    answer = clerk.post(f"/closings/{run_id}/accounts/{item_id}/release", page=f"/closings/{run_id}")
    assert answer.status_code == 303
    with company.reading() as session:
        assert session.get_one(BillingItem, item_id).state is ItemState.TODO


def test_sales_may_look_and_not_close(company: Story) -> None:
    seller = company.a(Role.SALES)
    assert seller.get("/closings").status_code == 200
    assert seller.post("/closings", {"closed_on": "2026-04-30"}, page="/account").status_code == 403
    assert company.count(BillingRun) == 0


def test_without_an_issuer_the_page_says_what_to_do_first(story: Story) -> None:
    clerk = story.a(Role.BILLING)
    assert "Say first who issues the invoices" in clerk.get("/closings").text
    answer = clerk.post("/closings", {"closed_on": "2026-03-31"}, page="/account")
    assert answer.status_code == 409
    saved = clerk.post(
        "/issuer",
        {
            "name": "例株式会社",
            "registration_number": "Ｔ９００００００００００００",
            "address": "東京都",
            "bank_account": "銀行",
        },
        page="/issuer",
    )
    assert saved.status_code == 303
    assert story.count(CompanyProfile) == 1


def test_pages_ask_the_database_as_often_for_many_as_for_one(company: Story, clerk: Browser) -> None:
    close(company, "2026-04-30")
    clerk.get("/invoices")
    with Statements() as few:
        clerk.get("/invoices")
    for number in range(4):
        machines_in_service(company, Rented(9800), name=f"喫茶{number}")
    company.on("2026-06-01")
    close(company, "2026-05-31")
    later = company.a(Role.ADMINISTRATOR)
    later.get("/account")
    with Statements() as many:
        later.get("/invoices")
    assert company.count(Invoice) == 6
    assert len(many.texts) == len(few.texts)
    with Statements() as closings:
        later.get("/closings")
    assert len(closings.texts) <= len(few.texts) + 3
    assert date(2026, 5, 31) in {invoice.closed_on for invoice in invoices_of(company)}
