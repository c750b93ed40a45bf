"""The pages on which payments are recorded and taken back, and the deposit of a contract."""

import pytest
from werkzeug.test import TestResponse

from rental.billing.models import Invoice
from rental.billing.payment_models import DepositEntry, Payment
from rental.identity.permissions import Role
from tests.factories.billed import Rented, close, invoices_of, machines_in_service, make_issuer
from tests.support.beginnings import Once
from tests.support.story import Browser, Story
from tests.web.company import Statements
from tests.web.html import read_page
from tests.web.test_document_pages import key_of


@pytest.fixture
def company(story: Story, once: Once) -> Story:
    """One account owes 10,780 yen for April and again for May; it is 12 June."""
    once(bill_two_months)
    return story


def bill_two_months(story: Story) -> None:
    with story.begin() as uow:
        make_issuer(uow)
    machines_in_service(story, Rented(9800))
    for today, closed_on in (("2026-05-01", "2026-04-30"), ("2026-06-01", "2026-05-31")):
        story.on(today)
        close(story, closed_on)
    story.on("2026-06-12")


@pytest.fixture
def clerk(company: Story) -> Browser:
    return company.a(Role.BILLING)


@pytest.fixture
def invoice(company: Story) -> Invoice:
    return invoices_of(company)[0]


def page_of_form(invoice: Invoice) -> str:
    return f"/billing-accounts/{invoice.billing_account_id}/payments/new"


def send(clerk: Browser, page: str, action: str = "", **typed: str) -> TestResponse:
    return clerk.post(action or page, {"request_key": key_of(clerk, page), **typed}, page=page)


def record(clerk: Browser, invoice: Invoice, **typed: str) -> str:
    """What the clerk sees after sending the form."""
    form = {
        "received_on": "2026-06-10",
        "amount": "10,780",
        "method": "bank_transfer",
        "reference": "",
        "distribution": "oldest",
    }
    answer = send(clerk, page_of_form(invoice), **{**form, **typed})
    return read_page(clerk.get(answer.location).text if answer.location else answer.text).text


def text_of(clerk: Browser, path: str) -> str:
    answer = clerk.get(path)
    assert answer.status_code == 200
    return read_page(answer.text).text


def payment_of(story: Story) -> Payment:
    with story.reading() as session:
        payment = session.query(Payment).one()
        assert payment.number
        return payment


def balances(story: Story) -> list[int]:
    return [each.balance.minor_units for each in invoices_of(story)]


# recording


def test_a_payment_is_recorded_from_its_invoice(company: Story, clerk: Browser, invoice: Invoice) -> None:
    page = clerk.get(f"/invoices/{invoice.id}").text
    assert f"{page_of_form(invoice)}?invoice={invoice.id}" in page
    form = read_page(clerk.get(f"{page_of_form(invoice)}?invoice={invoice.id}").text)
    values = {each.attributes.get("name"): each.attributes.get("value") for each in form.all("input")}
    assert values["amount"] == values[f"cash_{invoice.id.hex}"] == "10,780"
    assert values["received_on"] == "2026-06-12"

    text = record(clerk, invoice, reference="振込 12")
    assert "Payment PAY-2026-00000001" in text
    assert "INV-2026-00000001 Money received 12 Jun 2026 ¥10,780" in text
    shown = text_of(clerk, f"/invoices/{invoice.id}")
    assert "Settled ✓ By post 喫茶みどり 経理部" in shown
    assert "Still owed ¥0" in shown
    assert "PAY-2026-00000001 Money received 10 Jun 2026 ¥10,780" in shown


def test_the_list_says_what_arrived_and_what_is_left_of_it(
    company: Story, clerk: Browser, invoice: Invoice
) -> None:
    assert "No payments yet" in text_of(clerk, "/payments")
    record(clerk, invoice, amount="30000", reference="A-1")
    text = text_of(clerk, "/payments")
    assert "Payments 1 Arrived ¥30,000 Not used yet ¥8,440" in text
    assert "PAY-2026-00000001 10 Jun 2026 喫茶みどり 経理部 Bank transfer A-1 ¥30,000 ¥8,440" in text
    for words, is_found in (("A-1", True), ("みどり", True), ("pay-2026", True), ("zebra", False)):
        assert ("PAY-2026-00000001" in text_of(clerk, f"/payments?q={words}")) is is_found
    assert "PAY-2026-00000001" not in text_of(clerk, "/payments?method=cash")
    assert clerk.get("/payments?method=gold").status_code == 422


def test_a_form_sent_twice_records_once(company: Story, clerk: Browser, invoice: Invoice) -> None:
    key = key_of(clerk, page_of_form(invoice))
    for _ in range(2):
        record(clerk, invoice, request_key=key)
    assert company.count(Payment) == 1
    assert balances(company) == [0, 10_780]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"amount": "0"}, "Amount received: Write an amount from 1 to 999,999,999 yen."),
        ({"received_on": "2026-06-13"}, "Money received on: 13 Jun 2026 is still to come."),
        ({"reference": "KNOWN"}, "Reference of the bank: Payment PAY-2026-00000001 has the reference KNOWN"),
        ({"cash": "100"}, "For INV-2026-00000001: Choose “The amounts below”, or leave the amounts"),
        ({"distribution": "below"}, "For INV-2026-00000001: Write an amount at one of the invoices."),
        (
            {"distribution": "below", "cash": "10,780"},
            "For INV-2026-00000001: Only ¥10,779 of invoice INV-2026-00000001 are still owed",
        ),
        (
            {"distribution": "below", "cash": "5000", "amount": "4999"},
            "For INV-2026-00000001: ¥5,000 were given to invoices, and only ¥4,999 of the payment are there.",
        ),
        (
            {"distribution": "below", "fee": "440"},
            "Transfer fee we bear, INV-2026-00000001: The fee at invoice INV-2026-00000001 cannot be right",
        ),
    ],
)
def test_what_cannot_be_right_is_refused_at_its_field(
    company: Story, clerk: Browser, invoice: Invoice, typed: dict[str, str], said: str
) -> None:
    record(clerk, invoice, amount="1", reference="KNOWN")
    at_invoice = {name: f"{name}_{invoice.id.hex}" for name in ("cash", "fee")}
    fields = {at_invoice.get(name, name): value for name, value in typed.items()}
    assert said in record(clerk, invoice, **fields)
    assert company.count(Payment) == 1


def test_what_somebody_else_settled_meanwhile_is_not_passed_over(
    company: Story, clerk: Browser, invoice: Invoice
) -> None:
    """The form was opened while the invoice was open; its amount must not become an advance in silence."""
    record(clerk, invoice)
    text = record(clerk, invoice, distribution="below", **{f"cash_{invoice.id.hex}": "100"})
    assert "Only ¥0 of invoice INV-2026-00000001 are still owed, and ¥100 were given to it." in text
    assert company.count(Payment) == 1


# afterwards


def test_what_is_left_settles_the_invoice_a_clerk_names(
    company: Story, clerk: Browser, invoice: Invoice
) -> None:
    record(clerk, invoice, amount="11,000", distribution="below", **{f"cash_{invoice.id.hex}": "10,000"})
    assert balances(company) == [780, 10_780]
    path = f"/payments/{payment_of(company).id}"
    form = read_page(clerk.get(path).text)
    values = {each.attributes.get("name"): each.attributes.get("value") for each in form.all("input")}
    second = invoices_of(company)[1]
    assert values[f"cash_{invoice.id.hex}"] == "780"
    assert values[f"cash_{second.id.hex}"] == "220"

    refused = send(clerk, path, f"{path}/allocations")
    assert "For INV-2026-00000001: Write an amount at one of the invoices." in read_page(refused.text).text
    send(clerk, path, f"{path}/allocations", **{f"cash_{second.id.hex}": "1,000"})
    assert balances(company) == [780, 9_780]
    assert "Not used yet ¥0" in text_of(clerk, path)


def test_a_payment_is_taken_back_for_a_reason(company: Story, clerk: Browser, invoice: Invoice) -> None:
    record(clerk, invoice, amount="20,000")
    path = f"/payments/{payment_of(company).id}"
    second = invoices_of(company)[1]

    released: dict[str, object] = {"what": str(second.id), "reason": "別の請求書の分"}
    assert clerk.post(f"{path}/take-back", released, page=f"{path}/take-back").status_code == 303
    assert balances(company) == [0, 10_780]
    assert "Not used yet ¥9,220" in text_of(clerk, path)

    refused = clerk.post(f"{path}/take-back", {"what": "all", "reason": ""}, page=f"{path}/take-back")
    assert "Reason: Please fill this in." in read_page(refused.text).text
    clerk.post(f"{path}/take-back", {"what": "all", "reason": "組戻し"}, page=f"{path}/take-back")
    assert balances(company) == [10_780, 10_780]
    text = text_of(clerk, path)
    assert "This payment was taken back on 12 Jun 2026 組戻し" in text
    assert "Take back" not in text
    assert "Taken back" in text_of(clerk, "/payments")


def test_a_receipt_is_issued_once_and_opened_again(company: Story, clerk: Browser, invoice: Invoice) -> None:
    record(clerk, invoice)
    path = f"/payments/{payment_of(company).id}"
    first, again = (clerk.post(f"{path}/receipt", page=path) for _ in range(2))
    assert first.location == again.location
    document = clerk.get(first.location)
    assert (document.status_code, document.data[:5]) == (200, b"%PDF-")
    assert "Open the receipt" in text_of(clerk, path)
    assert "RV-2026-00000001 Receipt" in text_of(clerk, "/documents?kind=receipt")


def test_what_a_credit_note_keeps_settles_the_next_invoice(
    company: Story, clerk: Browser, invoice: Invoice
) -> None:
    record(clerk, invoice)
    page = f"/invoices/{invoice.id}/credit"
    whole = {"kind": "return", "extent": "whole", "reason": "返品", "has_document": "made"}
    note = send(clerk, page, effect="customer_credit", **whole).location
    told = read_page(clerk.get(note).text)
    assert "Kept as PAY-2026-00000002 Not used yet ¥10,780" in told.text
    (path,) = {link.attributes["href"] for link in told.all("a") if link.text == "PAY-2026-00000002"}

    text = text_of(clerk, path)
    assert "Amount kept ¥10,780 Not used yet ¥10,780 Way of payment Kept by a credit note" in text
    assert "receipt" not in text
    assert "Take back" not in text
    listed = text_of(clerk, "/payments")
    assert "Arrived ¥10,780 Not used yet ¥10,780" in listed
    assert "Kept by a credit note CN-2026-00000001 ¥10,780 ¥10,780" in listed
    assert "Kept by a credit note" not in read_page(clerk.get(page_of_form(invoice)).text).text

    assert "Transfer fee" not in text
    second = invoices_of(company)[1]
    waits = "Not used for any invoice yet PAY-2026-00000002 Kept by a credit note 12 Jun 2026 ¥10,780"
    assert waits in text_of(clerk, f"/invoices/{second.id}")
    assert "Not used for any" not in text_of(clerk, f"/invoices/{invoice.id}")  # nothing of it is owed
    send(clerk, path, f"{path}/allocations", **{f"cash_{second.id.hex}": "10,780"})
    assert balances(company) == [0, 0]
    assert "Not used for any" not in text_of(clerk, f"/invoices/{second.id}")
    assert "PAY-2026-00000002 Kept by a credit note" in text_of(clerk, f"/invoices/{second.id}")

    asked = f"{path}/take-back"
    assert "The whole payment" not in text_of(clerk, asked)
    released: dict[str, object] = {"what": str(second.id), "reason": "別の請求書の分"}
    assert clerk.post(asked, released, page=asked).status_code == 303
    assert balances(company) == [0, 10_780]


def test_who_sells_looks_and_records_nothing(company: Story, clerk: Browser, invoice: Invoice) -> None:
    record(clerk, invoice, amount="20,000")
    seller = company.a(Role.SALES)
    text = text_of(seller, f"/payments/{payment_of(company).id}")
    assert "Take back" not in text
    assert "Use what is left" not in text
    assert "Record a payment" not in text_of(seller, f"/invoices/{invoice.id}")


def test_the_list_asks_the_database_as_often_for_two_as_for_one(
    company: Story, clerk: Browser, invoice: Invoice
) -> None:
    counts = []
    for _ in range(2):
        record(clerk, invoice, amount="10")
        with Statements() as asked:
            text_of(clerk, "/payments")
        counts.append(len(asked.texts))
    assert counts[0] == counts[1]


# deposits


def test_a_deposit_is_left_offset_and_paid_back(company: Story, clerk: Browser, invoice: Invoice) -> None:
    with company.reading() as session:
        contract_id = session.get_one(Invoice, invoice.id).lines[0].contract_line.contract_id
    contract, path = f"/contracts/{contract_id}", f"/contracts/{contract_id}/deposit"
    assert "No deposit was left so far." in text_of(clerk, path)
    day = {"received_on": "2026-06-12", "invoice_id": ""}
    send(clerk, path, kind="received", amount="30,000", **day)
    refused = send(clerk, path, kind="offset", amount="5,000", **day)
    assert "Choose the invoice that the deposit pays." in read_page(refused.text).text
    send(clerk, path, kind="offset", amount="10,780", **{**day, "invoice_id": str(invoice.id)})
    refused = send(clerk, path, kind="refunded", amount="19,221", **day)
    assert "Amount: Only ¥19,220 are held as a deposit. Write that or less." in read_page(refused.text).text

    text = text_of(clerk, path)
    assert "Held for the customer ¥19,220" in text
    assert "Deposit received DR-2026-00000001 12 Jun 2026 ¥30,000 held after it ¥30,000" in text
    assert "Offset against an invoice 12 Jun 2026 ¥19,220 held after it -¥10,780" in text
    assert "Deposit ¥19,220" in text_of(clerk, contract)
    assert "From the deposit 12 Jun 2026 ¥10,780" in text_of(clerk, f"/invoices/{invoice.id}")
    assert balances(company) == [0, 10_780]
    assert company.count(DepositEntry) == 2
