"""The pages of invoices: the ledger, one invoice, and why every yen of it is owed."""

from datetime import date
from uuid import UUID

import pytest
from sqlalchemy import select

from rental.billing.models import BilledSpan, Invoice
from rental.catalog.rules import TaxClass
from rental.contracts.models import Contract, Placement
from rental.customers.models import BillingAccount
from rental.identity.permissions import Role
from rental.worker import run_everything_due
from tests.factories.billed import Rented, close, invoices_of, machines_in_service, make_issuer
from tests.support.beginnings import Once
from tests.support.story import Browser, Story
from tests.web.billing_story import hear_late_of_a_second_machine
from tests.web.company import Statements
from tests.web.html import Element, read_page


@pytest.fixture
def company(story: Story, once: Once) -> Story:
    """Two machines in service since the 16th, billed for April; it is 1 May."""
    once(bill_april)
    return story


def bill_april(story: Story) -> None:
    with story.begin() as uow:
        make_issuer(uow)
    story.on("2026-04-16")
    machines_in_service(story, Rented(9800, machines=2))
    story.on("2026-05-01")
    close(story, "2026-04-30")


@pytest.fixture
def clerk(company: Story) -> Browser:
    return company.a(Role.BILLING)


@pytest.fixture
def invoice(company: Story) -> Invoice:
    return invoices_of(company)[0]


def links_in(page: Element) -> list[str]:
    """Where the page leads, without its menus."""
    (main,) = page.all("main")
    return [link.attributes["href"] for link in main.all("a") if "href" in link.attributes]


def the_only(story: Story, kind: type[Contract] | type[BillingAccount]) -> UUID:
    with story.reading() as session:
        return session.scalars(select(kind.id)).one()


# the ledger


def test_the_ledger_adds_up_what_it_lists(company: Story, clerk: Browser) -> None:
    text = read_page(clerk.get("/invoices").text).text
    assert "Invoices 1 Total with tax ¥10,780 Still owed ¥10,780" in text
    assert (
        "INV-2026-00000001 喫茶みどり 経理部 30 Apr 2026 1 Jun 2026 ¥10,780 ¥10,780 ○ To be paid ✓ By post"
        in text
    )


@pytest.mark.parametrize(
    "words", ["INV-2026-00000001", "00000001", "みどり", "b00001", "Ｃ－２０２６－０００１"]
)
def test_an_invoice_is_found_by_any_number_that_belongs_to_it(
    company: Story, clerk: Browser, words: str
) -> None:
    assert "INV-2026-00000001" in clerk.get(f"/invoices?q={words}").text


@pytest.mark.parametrize("words", ["B00002", "C-2026", "C-2026-0002", "喫茶あおぞら"])
def test_other_numbers_find_nothing(company: Story, clerk: Browser, words: str) -> None:
    assert "Nothing matches" in clerk.get(f"/invoices?q={words}").text


# one invoice


def test_an_invoice_shows_what_stands_on_it_and_the_sum_of_every_line(
    company: Story, clerk: Browser, invoice: Invoice
) -> None:
    text = read_page(clerk.get(f"/invoices/{invoice.id}").text).text
    assert "¥9,800 × 2 × 15 ÷ 30 days = ¥9,800" in text
    assert "喫茶みどり 経理部 〒101-0041 東京都千代田区神田須田町1-2-3 みどりビル4階" in text
    assert "Total with tax ¥10,780 due on Mon 1 Jun 2026" in text
    assert "10 % ¥9,800 ¥980" in text
    assert "T9000000000000" in text
    assert "デモ銀行 本店 普通 0000001" in text


def test_each_rate_of_tax_stands_apart(company: Story) -> None:
    company.on("2026-05-10")
    machines_in_service(company, Rented(29800), Rented(1580, 3, TaxClass.REDUCED), name="喫茶ふたつ")
    company.on("2026-05-31")
    close(company, "2026-05-31")
    mixed = invoices_of(company)[-1]
    text = read_page(company.a(Role.BILLING).get(f"/invoices/{mixed.id}").text).text
    assert "10 % ¥21,148 ¥2,114 ※ 8 % reduced ¥3,363 ¥269 Together ¥24,511 ¥2,383" in text
    assert "Total with tax ¥26,894" in text


def test_the_document_is_handed_out_as_a_pdf(clerk: Browser, invoice: Invoice) -> None:
    assert f"/invoices/{invoice.id}/document.pdf" in clerk.get(f"/invoices/{invoice.id}").text
    answer = clerk.get(f"/invoices/{invoice.id}/document.pdf")
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert answer.data.startswith(b"%PDF")


def test_until_the_document_is_drawn_the_page_says_so(company: Story) -> None:
    company.on("2026-05-31")
    clerk = company.a(Role.BILLING)
    clerk.post("/closings", {"closed_on": "2026-05-31"}, page="/account")
    with company.app.app_context():
        while company.count(Invoice) == 1:  # the chunk is billed, and nothing is drawn of it
            assert run_everything_due(limit=1) == 1
    page = clerk.get(f"/invoices/{invoices_of(company)[-1].id}")
    assert "The document is being drawn" in page.text
    assert "document.pdf" not in page.text


def test_an_invoice_that_was_not_mailed_says_why_and_what_to_do(company: Story) -> None:
    machines_in_service(company, Rented(3000), name="喫茶メール", email="keiri@example.jp")
    company.on("2026-05-31")
    close(company, "2026-05-31")
    unsent = invoices_of(company)[-1]
    text = read_page(company.a(Role.BILLING).get(f"/invoices/{unsent.id}").text).text
    assert "This invoice was not sent No mail server is set up." in text
    assert "Goes to keiri@example.jp" in text


def test_an_invoice_that_goes_by_post_says_so(clerk: Browser, invoice: Invoice) -> None:
    text = read_page(clerk.get(f"/invoices/{invoice.id}").text).text
    assert "✓ By post 喫茶みどり 経理部" in text
    assert "was not sent" not in text


# why a line is owed


def test_a_line_shows_the_scan_behind_every_slot(company: Story, clerk: Browser, invoice: Invoice) -> None:
    page = clerk.get(f"/invoices/{invoice.id}").text
    assert "Why: 2 installations" in page
    assert f"/invoices/{invoice.id}/lines/1" in page
    text = read_page(clerk.get(f"/invoices/{invoice.id}/lines/1").text).text
    assert "Fee of a month ¥9,800 × 2 machines = ¥19,600 Days 15 of 30" in text
    assert "Sum ¥9,800 × 2 × 15 ÷ 30 days = ¥9,800 Rounded Down: ¥9,800" in text
    assert "Rate plan スタンダード, version of 1 Apr 2025" in text
    assert "Rent starts With the installation" in text
    with company.reading() as session:
        tags = [placement.unit.tag for placement in session.scalars(select(Placement))]
    for position, tag in enumerate(sorted(tags), start=1):
        scan = f"{tag} 16 Apr 2026 10:00 Technician Example Phone phone W000001 Movement 4"
        assert f"Slot {position} 喫茶みどり 神田店 {scan} {tag} 16 Apr 2026" in text


def test_every_link_of_the_evidence_leads_to_what_it_names(
    company: Story, clerk: Browser, invoice: Invoice
) -> None:
    links = links_in(read_page(clerk.get(f"/invoices/{invoice.id}/lines/1").text))
    kinds = ("/contracts/", "/equipment-models/", "/sites/", "/units/", "/work-orders/")
    assert {kind for kind in kinds for link in links if link.startswith(kind)} == set(kinds)
    anchors = []
    for link in links:
        path, _, anchor = link.partition("#")
        answer = clerk.get(path)
        assert answer.status_code == 200, link
        if anchor:
            anchors.append(anchor.partition("-")[0])
            assert f'id="{anchor}"' in answer.text, link
    assert set(anchors) == {"line", "version", "movement"}


def test_the_movement_that_is_linked_is_the_one_to_the_site(
    company: Story, clerk: Browser, invoice: Invoice
) -> None:
    links = links_in(read_page(clerk.get(f"/invoices/{invoice.id}/lines/1").text))
    link = next(link for link in links if "#movement-" in link)
    path, _, anchor = link.partition("#")
    (entry,) = [each for each in read_page(clerk.get(path).text) if each.attributes.get("id") == anchor]
    assert "Installed VAN-01 to 喫茶みどり 神田店" in entry.text
    assert "W000001" in entry.text


def test_a_credit_says_what_was_billed_and_what_remains_of_it(company: Story) -> None:
    company.on("2026-05-21")
    hear_late_of_a_second_machine(company, "2026-05-31")
    close(company, "2026-05-31")
    late = invoices_of(company)[-1]
    assert [line.amount.minor_units for line in late.lines] == [-3477, 6954]
    clerk = company.a(Role.BILLING)
    shown = read_page(clerk.get(f"/invoices/{late.id}").text).text
    assert "Credit: " in shown
    assert "Billed ¥3,477 = -¥3,477" in shown
    text = read_page(clerk.get(f"/invoices/{late.id}/lines/1").text).text
    assert "Why ¥3,477 are taken back" in text
    assert "¥3,477 were billed for 21 May 2026 – 31 May 2026." in text
    assert "Nothing of it remains." in text
    assert text.count("Movement 4") == 1
    assert read_page(clerk.get(f"/invoices/{late.id}/lines/2").text).text.count("Movement 4") == 2


def test_a_hundred_slots_are_paged_and_cost_no_more_questions(company: Story, clerk: Browser) -> None:
    company.on("2026-05-02")
    machines_in_service(company, Rented(4980, machines=60), name="喫茶おおきな")
    company.on("2026-05-31")
    close(company, "2026-05-31")
    few, many = invoices_of(company)[-2:]
    later = company.a(Role.ADMINISTRATOR)
    later.get(f"/invoices/{few.id}/lines/1")
    with Statements() as of_few:
        later.get(f"/invoices/{few.id}/lines/1")
    with Statements() as of_many:
        page = later.get(f"/invoices/{many.id}/lines/1")
    assert len(of_many.texts) == len(of_few.texts)
    assert page.text.count("#movement-") == 50
    (rest,) = [link for link in links_in(read_page(page.text)) if "after=" in link]
    last = read_page(later.get(rest).text).text
    assert ("Slot 51" in last, "Slot 60" in last, "Slot 50" in last) == (True, True, False)
    assert company.count(BilledSpan) == 2 + 2 + 60


@pytest.mark.parametrize("address", ["{other}/lines/1", "{invoice}/lines/2", "{invoice}/lines/0"])
def test_a_line_that_is_not_there_is_not_found(clerk: Browser, invoice: Invoice, address: str) -> None:
    other = UUID(int=0)
    assert clerk.get(f"/invoices/{address.format(other=other, invoice=invoice.id)}").status_code == 404


# what was charged leads to its invoices


def test_contract_account_customer_and_unit_lead_to_the_invoices_that_charged_them(
    company: Story, clerk: Browser, invoice: Invoice
) -> None:
    with company.reading() as session:
        contract = session.scalars(select(Contract)).one()
        unit_id = session.scalars(select(Placement.unit_id)).first()
    for path in (
        f"/contracts/{contract.id}",
        f"/billing-accounts/{contract.billing_account_id}",
        f"/customers/{contract.customer_id}",
        f"/units/{unit_id}",
    ):
        assert f"/invoices/{invoice.id}" in links_in(read_page(clerk.get(path).text)), path
    (everything,) = [
        link
        for link in links_in(read_page(clerk.get(f"/contracts/{contract.id}").text))
        if link.startswith("/invoices?")
    ]
    assert invoice.number in clerk.get(everything).text


def test_what_was_never_billed_leads_to_no_invoice(company: Story, clerk: Browser) -> None:
    machines_in_service(company, Rented(3000), name="喫茶あたらしい")
    with company.reading() as session:
        contract_id = session.scalars(select(Contract.id).order_by(Contract.number.desc())).first()
    links = links_in(read_page(clerk.get(f"/contracts/{contract_id}").text))
    assert not [link for link in links if link.startswith("/invoices")]


def test_whoever_may_not_see_invoices_is_not_led_to_them(company: Story) -> None:
    storekeeper = company.a(Role.WAREHOUSE)
    account_id = the_only(company, BillingAccount)
    for path in (f"/contracts/{the_only(company, Contract)}", f"/billing-accounts/{account_id}"):
        answer = storekeeper.get(path)
        assert answer.status_code == 200
        assert "/invoices" not in answer.text


def test_lists_ask_the_database_as_often_for_many_as_for_one(company: Story, clerk: Browser) -> None:
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
