"""The pages of a closing: what is due, what would be billed, how far the workers are, what needs a person."""

from datetime import date
from uuid import UUID

import pytest
from sqlalchemy import select, update

from rental.billing.limits import set_limits
from rental.billing.models import BillingItem, BillingRun, BillingSchedule, CompanyProfile, Invoice
from rental.billing.rules.bounds import Limits
from rental.billing.rules.runs import ItemState, SendingWay
from rental.billing.sending import mark_sent
from rental.core.money import Money
from rental.customers.models import BillingAccount
from rental.identity.permissions import Role
from rental.worker import run_everything_due
from tests.factories.billed import Rented, close, machines_in_service, make_issuer, owe_a_day_twice
from tests.support.beginnings import Once
from tests.support.story import Browser, Story
from tests.web.billing_story import hear_late_of_a_second_machine
from tests.web.company import rows_of
from tests.web.html import read_page


@pytest.fixture
def company(story: Story, once: Once) -> Story:
    """Two machines in service since the 16th, and a contract that contradicts itself; it is 1 May."""
    once(rent_out_in_april)
    return story


def rent_out_in_april(story: Story) -> None:
    with story.begin() as uow:
        make_issuer(uow)
    story.on("2026-04-16")
    machines_in_service(story, Rented(9800, machines=2))
    owe_a_day_twice(story, machines_in_service(story, Rented(4980), name="喫茶うたがい"))
    story.on("2026-05-01")


@pytest.fixture
def clerk(company: Story) -> Browser:
    return company.a(Role.BILLING)


def account_named(story: Story, name: str) -> UUID:
    with story.reading() as session:
        return session.scalars(select(BillingAccount.id).where(BillingAccount.name == name)).one()


# what is due


def test_the_page_offers_the_day_on_which_something_is_due(company: Story, clerk: Browser) -> None:
    page = read_page(clerk.get("/closings").text)
    assert "Closing of Thu 30 Apr 2026 2 billing accounts" in page.text
    assert "/closings/preview?closed_on=2026-04-30" in [link.attributes.get("href") for link in page.all("a")]


def test_what_is_billed_or_parked_is_not_due_and_the_next_day_is_named(
    company: Story, clerk: Browser
) -> None:
    close(company, "2026-04-30")
    page = read_page(clerk.get("/closings").text)
    assert "Nothing is due The next closing is on Sun 31 May 2026." in page.text


def test_accounts_of_other_closing_days_are_offered_on_theirs(company: Story, clerk: Browser) -> None:
    company.on("2026-04-10")
    machines_in_service(company, Rented(3000), name="喫茶はつか", closing_day=20)
    company.on("2026-05-01")
    text = read_page(clerk.get("/closings").text).text
    assert text.index("Closing of Mon 20 Apr 2026 1 billing account") < text.index("Closing of Thu 30 Apr")


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


# looking first


def test_looking_first_shows_what_would_be_billed_and_writes_nothing(company: Story, clerk: Browser) -> None:
    before = rows_of(company.app)
    page = clerk.get("/closings/preview?closed_on=2026-04-30")
    assert page.status_code == 200
    assert "喫茶みどり 経理部" in page.text
    assert "¥10,780" in page.text
    assert "says cannot be right: a machine would owe rent twice from 16 Apr 2026 on." in page.text
    assert "First invoice" in page.text
    assert "By days" in page.text
    assert "Close and bill 1 billing account" in page.text
    assert rows_of(company.app) == before


def test_the_preview_says_how_it_differs_from_the_closing_before(company: Story) -> None:
    close(company, "2026-04-30")
    company.on("2026-05-31")
    machines_in_service(company, Rented(3100), name="喫茶あたらしい")
    clerk = company.a(Role.BILLING)
    text = read_page(clerk.get("/closings/preview?closed_on=2026-05-31").text).text
    assert "Invoices 2 Total with tax ¥21,670 The closing before ¥10,780 Difference +¥10,890 +101.0 %" in text
    assert "喫茶みどり 経理部 ▲ Differs by over 20 % 1 ¥10,780 ¥21,560 +¥10,780" in text
    assert "喫茶あたらしい 経理部 ○ First invoice ○ By days 1 — ¥110 +¥110" in text
    assert text.index("喫茶みどり") < text.index("喫茶あたらしい")
    # what the closing of April parked is left out, and said so
    assert "喫茶うたがい 経理部 What contract" in text
    assert "To look at 3" in text


def test_only_what_is_remarkable_is_listed_until_all_is_asked_for(company: Story) -> None:
    close(company, "2026-04-30")
    company.on("2026-06-01")
    close(company, "2026-05-31")
    company.on("2026-06-30")
    clerk = company.a(Role.BILLING)
    machines_in_service(company, Rented(3000), name="喫茶あたらしい")
    shown = clerk.get("/closings/preview?closed_on=2026-06-30").text
    assert "喫茶あたらしい" in shown
    assert "喫茶みどり 経理部" not in shown
    assert "喫茶みどり 経理部" in clerk.get("/closings/preview?closed_on=2026-06-30&show=all").text


def test_what_is_added_to_a_closing_is_compared_together_with_the_rest(company: Story) -> None:
    close(company, "2026-04-30")
    company.on("2026-05-21")
    hear_late_of_a_second_machine(company, "2026-05-31")
    clerk = company.a(Role.BILLING)
    text = read_page(clerk.get("/closings/preview?closed_on=2026-05-31").text).text
    assert "Total with tax ¥3,824 Billed already ¥25,384 The closing before ¥10,780" in text
    assert "Difference +¥18,428 +170.9 %" in text
    account_id = account_named(company, "喫茶おくれ")
    shown = read_page(clerk.get(f"/closings/preview/{account_id}?closed_on=2026-05-31").text).text
    assert "Billed already ¥3,824" in shown


def test_a_missed_month_is_pointed_out(company: Story) -> None:
    company.on("2026-06-01")
    clerk = company.a(Role.BILLING)
    text = read_page(clerk.get("/closings/preview?closed_on=2026-05-31").text).text
    assert "○ First invoice ○ By days ▲ Earlier months" in text


def test_what_would_be_taken_back_is_pointed_out_and_explained(company: Story) -> None:
    company.on("2026-04-20")
    hear_late_of_a_second_machine(company, "2026-04-30")
    clerk = company.a(Role.BILLING)
    listed = read_page(clerk.get("/closings/preview?closed_on=2026-04-30").text).text
    assert "喫茶おくれ ○ By days ▲ Takes something back" in listed
    account_id = account_named(company, "喫茶おくれ")
    shown = read_page(clerk.get(f"/closings/preview/{account_id}?closed_on=2026-04-30").text).text
    assert "Billed ¥3,593 = -¥3,593" in shown
    assert "¥9,800 × 2 × 11 ÷ 30 days = ¥7,186" in shown


def test_one_invoice_to_come_is_shown_line_by_line(company: Story, clerk: Browser) -> None:
    account_id = account_named(company, "喫茶みどり 経理部")
    before = rows_of(company.app)
    text = read_page(clerk.get(f"/closings/preview/{account_id}?closed_on=2026-04-30").text).text
    assert "¥9,800 × 2 × 15 ÷ 30 days = ¥9,800" in text
    assert "Without tax ¥9,800 Consumption tax ¥980" in text
    assert rows_of(company.app) == before


def test_why_one_account_cannot_be_billed_is_said_on_its_preview(company: Story, clerk: Browser) -> None:
    account_id = account_named(company, "喫茶うたがい 経理部")
    page = clerk.get(f"/closings/preview/{account_id}?closed_on=2026-04-30")
    assert page.status_code == 200
    assert "a machine would owe rent twice from 16 Apr 2026 on" in page.text


def test_an_account_has_no_preview_on_a_day_that_is_not_its_own(company: Story, clerk: Browser) -> None:
    account_id = account_named(company, "喫茶みどり 経理部")
    assert clerk.get(f"/closings/preview/{account_id}?closed_on=2026-04-20").status_code == 404
    future = clerk.get(f"/closings/preview/{account_id}?closed_on=2026-05-31")
    assert "31 May 2026 has not come yet." in future.text


@pytest.mark.parametrize("day", ["", "2026-02-30", "soon"])
def test_a_day_that_is_none_is_refused_at_its_field(company: Story, clerk: Browser, day: str) -> None:
    page = clerk.get(f"/closings/preview?closed_on={day}")
    assert page.status_code == 422
    assert "Closing day: " in page.text


def test_a_closing_in_the_future_is_refused_at_its_field(company: Story, clerk: Browser) -> None:
    answer = clerk.post("/closings", {"closed_on": "2026-05-31"}, page="/account")
    assert answer.status_code == 422
    assert "31 May 2026 has not come yet. Close a day up to today, 1 May 2026." in answer.text
    assert company.count(BillingRun) == 0


def test_a_day_that_was_closed_says_so_and_shows_what_is_due_since(company: Story, clerk: Browser) -> None:
    run_id = close(company, "2026-04-30")
    page = clerk.get("/closings/preview?closed_on=2026-04-30")
    assert "This day was closed on 1 May 2026 10:00." in page.text
    assert f"/closings/{run_id}" in page.text
    assert "Close and bill" not in page.text


# at work


def test_a_clerk_closes_a_month_and_sees_its_invoices(company: Story, clerk: Browser) -> None:
    answer = clerk.post("/closings", {"closed_on": "2026-04-30"}, page="/account")
    assert answer.status_code == 303
    page = read_page(clerk.get(answer.location).text)
    assert "At work" in page.text
    assert "0 billed 2 wait" in page.text
    company.everything_happens()
    page = read_page(clerk.get(answer.location).text)
    assert "Needs attention" in page.text
    assert "喫茶うたがい" in page.text
    assert "1 billed 1 parked" in page.text
    assert "Invoices 1 Total with tax ¥10,780" in page.text
    listed = clerk.get("/invoices?closed_on=2026-04-30")
    assert "INV-2026-00000001" in listed.text
    assert "¥10,780" in listed.text


def test_progress_is_that_of_committed_states_and_ends_with_a_fresh_page(
    company: Story, clerk: Browser
) -> None:
    answer = clerk.post("/closings", {"closed_on": "2026-04-30"}, page="/account")
    address, script = f"{answer.location}/progress", {"HX-Request": "true"}
    moving = clerk.client.get(address, headers=script)
    assert moving.status_code == 200
    assert "0 billed" in moving.text
    assert "hx-get" in moving.text
    company.everything_happens()
    over = clerk.client.get(address, headers=script)
    assert (over.status_code, over.headers["HX-Refresh"]) == (204, "true")
    assert clerk.get(address).location == answer.location


def test_closing_twice_leads_to_the_same_closing(company: Story, clerk: Browser) -> None:
    once = clerk.post("/closings", {"closed_on": "2026-04-30"}, page="/account").location
    company.everything_happens()
    assert clerk.post("/closings", {"closed_on": "2026-04-30"}, page="/account").location == once
    company.everything_happens()
    assert company.count(BillingRun) == 1
    assert "Invoices 1 Total with tax ¥10,780" in read_page(clerk.get(once).text).text


def test_what_was_not_mailed_is_counted_with_the_reason(company: Story) -> None:
    machines_in_service(company, Rented(3000), name="喫茶メール", email="keiri@example.jp")
    company.on("2026-05-31")
    clerk = company.a(Role.BILLING)
    text = read_page(clerk.get(f"/closings/{close(company, '2026-05-31')}").text).text
    assert "Sent 2 1 not sent" in text  # April was missed: it goes by post with May
    assert "1 invoice was not sent No mail server is set up." in text


def test_what_was_sent_without_a_document_of_ours_is_not_waited_for(company: Story, clerk: Browser) -> None:
    """Invoices of a time before our books."""
    answer = clerk.post("/closings", {"closed_on": "2026-04-30"}, page="/account")
    with company.app.app_context():
        while company.count(Invoice) == 0:  # the chunk is billed, and nothing is drawn of it
            assert run_everything_due(limit=1) == 1
    assert "1 document to draw" in clerk.get(answer.location).text
    with company.begin() as uow:
        mark_sent(uow, uow.session.scalars(select(Invoice.id)).one(), SendingWay.POST)
    text = read_page(clerk.get(answer.location).text).text
    assert "to draw" not in text
    assert "Sent 1 " in text
    assert "not sent" not in text


def test_sales_may_look_and_not_close(company: Story) -> None:
    seller = company.a(Role.SALES)
    assert seller.get("/closings").status_code == 200
    assert "Close and bill" not in seller.get("/closings/preview?closed_on=2026-04-30").text
    assert seller.post("/closings", {"closed_on": "2026-04-30"}, page="/account").status_code == 403
    assert company.count(BillingRun) == 0


# what needs a person


def parked_items(story: Story) -> list[UUID]:
    with story.reading() as session:
        return list(session.scalars(select(BillingItem.id).where(BillingItem.state == ItemState.PARKED)))


def test_a_parked_account_says_why_and_is_billed_again_from_its_closing(
    company: Story, clerk: Browser
) -> None:
    run_id = close(company, "2026-04-30")
    (item_id,) = parked_items(company)
    text = read_page(clerk.get(f"/closings/{run_id}").text).text
    assert "a machine would owe rent twice from 16 Apr 2026 on. Correct it, then bill again." in text
    assert "parked 1 May 2026 10:00 C-2026-0002" in text
    answer = clerk.post(f"/closings/{run_id}/accounts/{item_id}/release", page=f"/closings/{run_id}")
    assert answer.status_code == 303
    with company.reading() as session:
        assert session.get_one(BillingItem, item_id).state is ItemState.TODO


def test_everything_that_is_parked_is_billed_again_at_once(company: Story) -> None:
    owe_a_day_twice(company, machines_in_service(company, Rented(4980), name="喫茶まよい"))
    company.on("2026-05-31")
    clerk = company.a(Role.BILLING)
    run_id = close(company, "2026-05-31")
    assert len(parked_items(company)) == 2
    answer = clerk.post(f"/closings/{run_id}/release", page=f"/closings/{run_id}")
    assert answer.status_code == 303
    assert "2 billing accounts are being billed again." in clerk.get(answer.location).text
    assert parked_items(company) == []
    company.everything_happens()  # the causes were not mended
    assert len(parked_items(company)) == 2


def test_an_account_of_another_closing_is_not_released(company: Story, clerk: Browser) -> None:
    run_id = close(company, "2026-04-30")
    (item_id,) = parked_items(company)
    with company.begin() as uow:
        other = BillingRun(closed_on=uow.today, opened_at=uow.now, opened_by="story")
        uow.session.add(other)
    wrong = f"/closings/{other.id}/accounts/{item_id}/release"
    assert clerk.post(wrong, page=f"/closings/{run_id}").status_code == 404
    assert parked_items(company) == [item_id]


# what waits for somebody's word


def test_a_document_above_the_limit_is_looked_at_and_approved_by_somebody_else(
    company: Story, clerk: Browser
) -> None:
    with company.begin() as uow:
        set_limits(uow, Limits(document=Money(10_000)))
    told = "The document asks for ¥10,780, more than the limit of ¥10,000."
    account_id = account_named(company, "喫茶みどり 経理部")
    preview = f"/closings/preview/{account_id}?closed_on=2026-04-30"
    assert told in read_page(clerk.get(preview).text).text
    closing = clerk.post("/closings", {"closed_on": "2026-04-30"}, page="/account").location
    company.everything_happens()
    page = read_page(clerk.get(closing).text)
    assert told in page.text
    (review,) = (
        link.attributes["href"] for link in page.all("a") if "/accounts/" in str(link.attributes.get("href"))
    )
    assert "9,800 × 2 × 15 ÷ 30 days = ¥9,800" in read_page(clerk.get(review).text).text
    refused = clerk.post(f"{review}/approve", {}, page=review)
    assert (refused.status_code, company.count(Invoice)) == (409, 0)
    chief = company.a(Role.ADMINISTRATOR)
    assert chief.post(f"{review}/approve", {}, page=review).status_code == 303
    company.everything_happens()
    assert company.count(Invoice) == 1
    assert "Nothing to decide" in clerk.get(review).text


def test_a_document_is_declined_with_a_reason_that_its_closing_shows(company: Story, clerk: Browser) -> None:
    with company.begin() as uow:
        set_limits(uow, Limits(document=Money(10_000)))
    close(company, "2026-04-30")
    with company.reading() as session:
        held = session.scalars(select(BillingItem).where(BillingItem.state == ItemState.HELD)).one()
    review = f"/closings/{held.billing_run_id}/accounts/{held.id}"
    unsaid = clerk.post(f"{review}/decline", {"reason": " "}, page=review)
    assert (unsaid.status_code, "Reason: Please fill this in." in unsaid.text) == (422, True)
    answer = clerk.post(f"{review}/decline", {"reason": "台数が違う"}, page=review)
    text = read_page(clerk.get(answer.location).text).text
    assert "declined the document: 台数が違う" in text
    assert "To be approved" not in text


def test_a_closing_is_stopped_and_goes_on(company: Story, clerk: Browser) -> None:
    closing = clerk.post("/closings", {"closed_on": "2026-04-30"}, page="/account").location
    clerk.post(f"{closing}/stop", {}, page=closing)
    company.everything_happens()
    assert company.count(Invoice) == 0
    assert "hx-get" not in clerk.get(closing).text
    clerk.post(f"{closing}/resume", {}, page=closing)
    company.everything_happens()
    assert company.count(Invoice) == 1


def test_a_closing_above_the_limit_waits_for_a_second_person(company: Story, clerk: Browser) -> None:
    clerk.post(
        "/billing-limits",
        {
            "times_from": "1,000,000",
            "lines": "1000",
            "months_back": "24",
            "grace_days": "0",
            "run": "¥10,000",
        },
        page="/billing-limits",
    )
    closing = clerk.post("/closings", {"closed_on": "2026-04-30"}, page="/account").location
    company.everything_happens()
    assert (company.count(Invoice), "Waits for approval" in clerk.get(closing).text) == (0, True)
    assert clerk.post(f"{closing}/approve", {}, page=closing).status_code == 409
    company.a(Role.ADMINISTRATOR).post(f"{closing}/approve", {}, page=closing)
    company.everything_happens()
    assert company.count(Invoice) == 1


def test_invoices_are_drafts_for_the_days_of_grace_or_until_somebody_has_seen_enough(
    company: Story, clerk: Browser
) -> None:
    limits = {"times_from": "1,000,000", "lines": "1000", "months_back": "24"}
    for days in ("15", "-1", ""):
        refused = clerk.post("/billing-limits", {**limits, "grace_days": days}, page="/billing-limits")
        assert (refused.status_code, "Days of grace: " in refused.text) == (422, True), days
    clerk.post("/billing-limits", {**limits, "grace_days": "3"}, page="/billing-limits")
    closing = clerk.post("/closings", {"closed_on": "2026-04-30"}, page="/account").location
    company.everything_happens()
    text = read_page(clerk.get(closing).text).text
    assert (company.count(Invoice), "Drafts until" in text, "Look at the drafts" in text) == (0, True, True)
    assert "hx-get" not in clerk.get(closing).text
    assert "¥10,780" in clerk.get("/closings/preview?closed_on=2026-04-30").text
    clerk.post(f"{closing}/finalise", {}, page=closing)
    company.everything_happens()
    assert (company.count(Invoice), "Drafts until" in clerk.get(closing).text) == (1, False)


def test_each_missed_closing_is_shown_as_the_document_it_becomes(company: Story) -> None:
    account_id = account_named(company, "喫茶みどり 経理部")
    company.on("2026-05-31")
    clerk = company.a(Role.BILLING)
    text = read_page(clerk.get(f"/closings/preview/{account_id}?closed_on=2026-05-31").text).text
    assert "Closing of 30 Apr 2026 ¥10,780" in text
    assert "Closing of 31 May 2026 ¥21,560" in text


def test_who_was_billed_and_owes_nothing_any_more_is_named(company: Story) -> None:
    close(company, "2026-04-30")
    with company.begin() as uow:
        uow.session.execute(update(BillingSchedule).values(next_due_on=date(2027, 1, 1)))
    machines_in_service(company, Rented(3000), name="喫茶あたらしい")
    company.on("2026-05-31")
    text = read_page(company.a(Role.BILLING).get("/closings/preview?closed_on=2026-05-31").text).text
    assert "Nothing any more 1 billing account" in text
    assert "喫茶みどり 経理部 The closing before: ¥10,780 ○ Ended" in text
