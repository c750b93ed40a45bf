"""The pages on which something is credited or corrected, and the register an inspector searches."""

import csv
import io
from uuid import UUID

import pytest
from werkzeug.test import TestResponse

from rental.billing.models import Invoice
from rental.core.mail import NoPost, SmtpPost
from rental.customers.models import BillingAccount
from rental.identity.permissions import Role
from tests.factories.billed import Rented, close, invoices_of, machines_in_service, make_issuer
from tests.support.beginnings import Once
from tests.support.mail_server import mail_server
from tests.support.story import Browser, Story
from tests.web.company import Statements
from tests.web.html import read_page


@pytest.fixture
def company(story: Story, once: Once) -> Story:
    """Two accounts were billed for April: 10,780 and 3,300 yen with tax; it is 12 May."""
    once(bill_april)
    return story


def bill_april(story: Story) -> None:
    with story.begin() as uow:
        make_issuer(uow)
    machines_in_service(story, Rented(4900), Rented(4900))
    machines_in_service(story, Rented(3000), name="=喫茶あおぞら")
    story.on("2026-05-01")
    close(story, "2026-04-30")
    story.on("2026-05-12")


@pytest.fixture
def clerk(company: Story) -> Browser:
    return company.a(Role.BILLING)


@pytest.fixture
def invoice(company: Story) -> Invoice:
    return invoices_of(company)[0]


def key_of(clerk: Browser, page: str) -> str:
    (field,) = [
        each
        for each in read_page(clerk.get(page).text).all("input")
        if each.attributes.get("name") == "request_key"
    ]
    return field.attributes["value"]


def correct(clerk: Browser, invoice_id: UUID, reason: str) -> TestResponse:
    page = f"/invoices/{invoice_id}/correction"
    return clerk.post(page, {"request_key": key_of(clerk, page), "reason": reason}, page=page)


def credit(clerk: Browser, invoice_id: UUID, **typed: str) -> str:
    """What the clerk sees after sending the form."""
    page = f"/invoices/{invoice_id}/credit"
    form = {
        "request_key": key_of(clerk, page),
        "kind": "price_reduction",
        "reason": "故障のため",
        "extent": "parts",
        "effect": "reduce_balance",
        "has_document": "made",
    }
    answer = clerk.post(page, {**form, **typed}, page=page)
    return read_page(clerk.get(answer.location).text if answer.location else answer.text).text


# crediting


def test_a_clerk_takes_a_part_back_and_sees_it_on_the_invoice(
    company: Story, clerk: Browser, invoice: Invoice
) -> None:
    text = credit(clerk, invoice.id, line_1="1,000", line_2="５００円")
    assert "Credit note CN-2026-00000001" in text
    assert "10 % ¥1,500 ¥150" in text
    page = read_page(clerk.get(f"/invoices/{invoice.id}").text).text
    assert "Still owed ¥9,130" in page
    assert "CN-2026-00000001 Price reduction 12 May 2026 · 故障のため -¥1,650" in page


def test_all_that_is_left_is_taken_back_at_once(company: Story, clerk: Browser, invoice: Invoice) -> None:
    credit(clerk, invoice.id, line_1="1000", has_document="books")
    assert "¥9,680" in credit(clerk, invoice.id, extent="whole", kind="error")
    assert (
        "All of this invoice was taken back already."
        in read_page(clerk.get(f"/invoices/{invoice.id}/credit").text).text
    )


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"line_2": "4901"}, "Only ¥4,900 are left of this line. Write that or less."),
        ({}, "Write an amount at one of the lines, or take back all that is left."),
        ({"extent": "whole", "has_document": "books"}, "Document: This comes to ¥10,780 with tax."),
        (
            {"line_1": "100", "effect": "refund"},
            "What becomes of it: Only ¥0 of the invoice were paid, and this comes to ¥110.",
        ),
    ],
)
def test_what_is_too_much_is_refused_at_its_field(
    company: Story, clerk: Browser, invoice: Invoice, typed: dict[str, str], said: str
) -> None:
    assert said in credit(clerk, invoice.id, **typed)
    assert invoices_of(company)[0].balance == invoice.balance


def test_a_form_sent_twice_credits_once(company: Story, clerk: Browser, invoice: Invoice) -> None:
    key = key_of(clerk, f"/invoices/{invoice.id}/credit")
    for _ in range(2):
        credit(clerk, invoice.id, request_key=key, line_1="1000")
    assert (invoice.total - invoices_of(company)[0].balance).minor_units == 1100


def test_a_credit_below_the_limit_may_do_without_a_document(
    company: Story, clerk: Browser, invoice: Invoice
) -> None:
    text = credit(clerk, invoice.id, line_1="1000", has_document="books")
    assert "This credit has no document Below ¥10,000 with tax an entry in the books is enough." in text
    assert "Open the document" not in text


def test_the_page_says_how_a_credit_note_reached_the_customer(
    company: Story, clerk: Browser, invoice: Invoice
) -> None:
    with company.begin() as uow:
        uow.session.get_one(BillingAccount, invoice.billing_account_id).email = "keiri@example.jp"
    assert "The document is being drawn" in credit(clerk, invoice.id, line_1="1000")
    company.everything_happens()
    page = "/documents?sending=unsent"
    assert "CN-2026-00000001" in read_page(clerk.get(page).text).text
    with mail_server() as (url, _letters):
        company.runtime.post = SmtpPost(url)
        credit(clerk, invoice.id, line_1="1000")
        company.everything_happens()
        company.runtime.post = NoPost()
    (row,) = list(csv.DictReader(io.StringIO(clerk.get("/documents.csv?number=CN-2026-00000002").text)))
    assert (row["Sent by"], row["Sent at"]) == ("By mail", company.clock.now().isoformat())
    assert "CN-2026-00000002" not in read_page(clerk.get(page).text).text


# correcting


def test_a_clerk_issues_an_invoice_again_under_the_right_name(
    company: Story, clerk: Browser, invoice: Invoice
) -> None:
    refused = correct(clerk, invoice.id, "宛名の誤り")
    assert (refused.status_code, "says what is known of both sides today" in refused.text) == (409, True)
    with company.begin() as uow:
        uow.session.get_one(BillingAccount, invoice.billing_account_id).name = "喫茶みどり 本部"
    assert correct(clerk, invoice.id, "宛名の誤り").status_code == 303
    text = read_page(clerk.get(f"/invoices/{invoice.id}").text).text
    assert "INV-2026-00000001-2 Corrected invoice 12 May 2026 · 宛名の誤り" in text


# the register


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"INV-2026-00000001", "INV-2026-00000002", "CN-2026-00000001"}),
        ("dated_from=2026-05-02", {"CN-2026-00000001"}),
        ("dated_until=2026-05-01", {"INV-2026-00000001", "INV-2026-00000002"}),
        ("amount_from=3,300", {"INV-2026-00000001", "INV-2026-00000002"}),
        ("amount_from=3301", {"INV-2026-00000001"}),
        ("amount_until=3300", {"INV-2026-00000002", "CN-2026-00000001"}),
        ("counterparty=みどり", {"INV-2026-00000001", "CN-2026-00000001"}),
        ("counterparty=みどり&amount_from=2000&dated_until=2026-05-31", {"INV-2026-00000001"}),
        ("counterparty=b00002", {"INV-2026-00000002"}),
        ("kind=credit_note", {"CN-2026-00000001"}),
        ("number=inv", {"INV-2026-00000001", "INV-2026-00000002"}),
        ("counterparty=みどり&amount_until=100", set()),
    ],
)
def test_documents_are_found_by_any_combination(
    company: Story, clerk: Browser, invoice: Invoice, query: str, found: set[str]
) -> None:
    credit(clerk, invoice.id, line_1="1000")
    file = clerk.get(f"/documents.csv?{query}")
    assert file.mimetype == "text/csv"
    head, *rows = csv.reader(io.StringIO(file.data.decode("utf-8-sig")))
    assert {row[0] for row in rows} == found
    page = read_page(clerk.get(f"/documents?{query}").text)
    (main,) = page.all("main")
    shown = {link.text for link in main.all("a") if link.attributes["href"].endswith("/document.pdf")}
    assert shown == found
    assert head[:6] == ["Document", "Kind", "Dated", "Counterparty number", "Counterparty", "Amount"]


def test_the_file_for_an_inspector_holds_both_seals_and_no_formula(company: Story, clerk: Browser) -> None:
    file = clerk.get("/documents.csv").data.decode("utf-8-sig")
    rows = {row["Document"]: row for row in csv.DictReader(io.StringIO(file))}
    first, second = invoices_of(company)
    assert rows[first.number]["SHA-256 of the content"] == first.snapshot_sha256
    assert len(rows[first.number]["SHA-256 of the file"]) == 64
    assert rows[second.number]["Counterparty"] == "'=喫茶あおぞら 経理部"
    assert rows[second.number]["Amount"] == "3300"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("dated_from=2026-05-02&dated_until=2026-05-01", "The range ends before it begins."),
        ("amount_from=200&amount_until=100", "The range ends below where it begins."),
    ],
)
def test_a_range_the_wrong_way_round_is_refused(clerk: Browser, query: str, said: str) -> None:
    answer = clerk.get(f"/documents?{query}")
    assert (answer.status_code, said in answer.text) == (422, True)
    assert clerk.get(f"/documents.csv?{query}").status_code == 422


def test_every_document_of_the_register_can_be_opened(
    company: Story, clerk: Browser, invoice: Invoice
) -> None:
    credit(clerk, invoice.id, line_1="1000")
    page = read_page(clerk.get("/documents").text)
    (main,) = page.all("main")
    links = [a.attributes["href"] for a in main.all("a") if a.attributes["href"].endswith(".pdf")]
    assert len(links) == 3
    for link in links:
        answer = clerk.get(link)
        assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
        assert answer.data.startswith(b"%PDF")
        assert clerk.get(link).data == answer.data


def test_the_register_is_read_with_few_statements(company: Story, clerk: Browser) -> None:
    clerk.get("/documents")
    with Statements() as asked:
        clerk.get("/documents")
    assert len(asked.texts) <= 8
