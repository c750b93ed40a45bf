"""Two months that were closed, one that is at work, and the pages on which invoices can be seen."""

from collections.abc import Callable
from datetime import date

from playwright.sync_api import Page
from sqlalchemy import select

from rental.billing.credit_notes import issue_credit_note
from rental.billing.deposits import receive_deposit
from rental.billing.models import BillingRun, Invoice
from rental.billing.payments import record_payment
from rental.billing.reissue import reissue_invoice
from rental.billing.rules.credits import CreditKind
from rental.billing.rules.payments import PaymentMethod, Share
from rental.billing.runs import open_run
from rental.catalog.rules import TaxClass
from rental.contracts.models import Line
from rental.core.money import Money
from rental.customers.models import BillingAccount
from tests.browser.scenes import BILLING, SALES, Scene
from tests.factories.billed import Rented, close, machines_in_service, make_issuer, owe_a_day_twice
from tests.support.story import Story

LONG_NAME = "カフェ・ド・フルール・エトワール丸の内北口オアゾ地下一階プロムナード店"
FIRST_CLOSING, SECOND_CLOSING = date(2026, 2, 28), date(2026, 3, 31)


class Billed:
    """Invoices with one rate and with two, of parts of a month and of a whole one, sent and not sent."""

    def __init__(self, story: Story) -> None:
        self.story = story
        now = story.clock.now()
        with story.begin() as uow:
            make_issuer(uow)
        story.on("2026-02-10")
        machines_in_service(
            story,
            Rented(29800, machines=2),
            Rented(1580, machines=3, tax_class=TaxClass.REDUCED),
            name="湯島書房",
            email="keiri@example.jp",
        )
        machines_in_service(story, Rented(9800), name=LONG_NAME)
        owe_a_day_twice(story, machines_in_service(story, Rented(4980), name="喫茶うたがい"))
        story.on("2026-02-28")
        close(story, FIRST_CLOSING.isoformat())
        story.on("2026-03-12")
        many = machines_in_service(story, Rented(4980, machines=51), name="八重洲歯科")
        self.contract_id = many.contract_id
        with story.reading() as session:
            line = session.scalars(select(Line).where(Line.contract_id == self.contract_id)).one()
            self.plan_id = line.rate_plan_version.rate_plan_id
        machines_in_service(story, Rented(12000), name="二十日締めの店", closing_day=20)
        story.on("2026-03-31")
        close(story, SECOND_CLOSING.isoformat())
        story.clock.set(now)
        self._read()
        self._credit()
        self._pay()

    def begin_another_closing(self) -> None:
        """Nobody works on it."""
        with self.story.begin() as uow:
            self.closing_at_work_id = open_run(uow, date(2026, 3, 20)).id

    def _credit(self) -> None:
        """The customer of one invoice could not use the machine for some days, and has moved since."""
        with self.story.begin() as uow:
            self.credit_note_id = issue_credit_note(
                uow,
                self.mixed_id,
                kind=CreditKind.PRICE_REDUCTION,
                reason="故障により3日間ご利用いただけなかったため",
                amounts={1: Money(900)},
            ).id
            account = uow.session.get_one(Invoice, self.mixed_id).billing_account
            account.address = "東京都文京区湯島2-1-1"
            uow.session.flush()
            reissue_invoice(uow, self.mixed_id, reason="ご住所の変更")
        self.story.everything_happens()

    def _pay(self) -> None:
        """One invoice is paid with more than it asks for; a deposit is held."""
        with self.story.begin() as uow:
            invoice = uow.session.get_one(Invoice, self.paid_id)
            self.payment_id = record_payment(
                uow,
                invoice.billing_account_id,
                received_on=uow.today,
                amount=invoice.balance + Money(30_000),
                method=PaymentMethod.BANK_TRANSFER,
                reference="FB-0012",
                shares=[Share(invoice.id, invoice.balance - Money(440), Money(440))],
            ).id
            self.payer_id = invoice.billing_account_id
            self.contract_id = invoice.lines[0].contract_line.contract_id
            receive_deposit(uow, self.contract_id, amount=Money(300_000), received_on=uow.today)
        self.story.everything_happens()

    def _read(self) -> None:
        with self.story.reading() as session:
            closings = dict(session.execute(select(BillingRun.closed_on, BillingRun.id)).all())
            invoices = dict(
                session.execute(select(Invoice.recipient_name, Invoice.id).order_by(Invoice.number)).all()
            )
            accounts = dict(session.execute(select(BillingAccount.name, BillingAccount.id)).all())
        self.closing_parked_id, self.closing_id = closings[FIRST_CLOSING], closings[SECOND_CLOSING]
        self.mixed_id, self.many_id = invoices["湯島書房 経理部"], invoices["八重洲歯科 経理部"]
        self.account_id = accounts["八重洲歯科 経理部"]
        self.paid_id = invoices[f"{LONG_NAME} 経理部"]
        self.refused_id = accounts["喫茶うたがい 経理部"]


def _at(path: str) -> Callable[[object], str]:
    """A path with attributes of the billed things in braces."""
    return lambda room: path.format(billed=room.billed)  # type: ignore[attr-defined]


def _take_the_name_away(page: Page) -> None:
    page.locator("main #name").fill("")
    page.locator("main form button[type=submit]").last.click()
    page.locator(".error-summary").first.wait_for()


def _credit_nothing(page: Page) -> None:
    page.locator("main form button[type=submit]").last.click()
    page.locator(".error-summary").first.wait_for()


def _look_at_a_fee(page: Page) -> None:
    page.locator("#fee").fill("6000")
    page.locator("main form button[type=submit]").first.click()
    page.locator(".figures").wait_for()


BILLED_SCENES = {
    "closings": Scene(BILLING, "/closings"),
    "closing-preview": Scene(BILLING, "/closings/preview?closed_on=2026-04-30"),
    "closing-preview-nothing-due": Scene(BILLING, "/closings/preview?closed_on=2026-04-10"),
    "closing-preview-in-future": Scene(BILLING, "/closings/preview?closed_on=2027-01-31", status=422),
    "invoice-to-come": Scene(BILLING, _at("/closings/preview/{billed.account_id}?closed_on=2026-04-30")),
    "invoice-not-to-come": Scene(BILLING, _at("/closings/preview/{billed.refused_id}?closed_on=2026-04-30")),
    "closing": Scene(BILLING, _at("/closings/{billed.closing_id}")),
    "closing-parked": Scene(BILLING, _at("/closings/{billed.closing_parked_id}")),
    "closing-at-work": Scene(BILLING, _at("/closings/{billed.closing_at_work_id}")),
    "invoices": Scene(SALES, "/invoices"),
    "invoices-no-match": Scene(BILLING, "/invoices?q=zebra"),
    "invoice-mixed": Scene(BILLING, _at("/invoices/{billed.mixed_id}")),
    "invoice": Scene(SALES, _at("/invoices/{billed.many_id}")),
    "invoice-line": Scene(BILLING, _at("/invoices/{billed.mixed_id}/lines/1")),
    "invoice-line-of-many": Scene(BILLING, _at("/invoices/{billed.many_id}/lines/1")),
    "credit-note-new": Scene(BILLING, _at("/invoices/{billed.mixed_id}/credit")),
    "credit-note-errors": Scene(BILLING, _at("/invoices/{billed.mixed_id}/credit"), _credit_nothing),
    "credit-note": Scene(SALES, _at("/credit-notes/{billed.credit_note_id}")),
    "invoice-correction": Scene(BILLING, _at("/invoices/{billed.mixed_id}/correction")),
    "payments": Scene(BILLING, "/payments"),
    "payments-no-match": Scene(SALES, "/payments?q=zebra"),
    "payment": Scene(BILLING, _at("/payments/{billed.payment_id}")),
    "payment-read-only": Scene(SALES, _at("/payments/{billed.payment_id}")),
    "payment-new": Scene(BILLING, _at("/billing-accounts/{billed.payer_id}/payments/new")),
    "payment-new-errors": Scene(
        BILLING, _at("/billing-accounts/{billed.payer_id}/payments/new"), _credit_nothing
    ),
    "statement": Scene(BILLING, _at("/billing-accounts/{billed.payer_id}/statement")),
    "invoices-overdue": Scene(SALES, "/invoices?standing=overdue"),
    "billing-account-that-paid": Scene(BILLING, _at("/billing-accounts/{billed.payer_id}")),
    "payment-take-back": Scene(BILLING, _at("/payments/{billed.payment_id}/take-back")),
    "deposit": Scene(BILLING, _at("/contracts/{billed.contract_id}/deposit")),
    "documents": Scene(BILLING, "/documents"),
    "documents-no-match": Scene(BILLING, "/documents?counterparty=zebra"),
    "documents-errors": Scene(BILLING, "/documents?amount_from=2&amount_until=1", status=422),
    "billing-account": Scene(BILLING, _at("/billing-accounts/{billed.account_id}")),
    "amendments": Scene(SALES, _at("/contracts/{billed.contract_id}/amendments")),
    "amendment": Scene(SALES, _at("/contracts/{billed.contract_id}/amendments/price")),
    "amendment-look": Scene(SALES, _at("/contracts/{billed.contract_id}/amendments/price"), _look_at_a_fee),
    "amendment-end": Scene(
        SALES,
        _at(
            "/contracts/{billed.contract_id}/amendments/termination"
            "?look=1&last_on=2026-09-30&requested_on=2026-04-01&leaving=moving"
        ),
    ),
    "price-revisions": Scene(
        SALES,
        _at(
            "/price-revisions?look=1&rate_plan_id={billed.plan_id}&fee=5200&effective_on=2027-04-01&effect=next_period"
        ),
    ),
    "amendment-errors": Scene(
        SALES, _at("/contracts/{billed.contract_id}/amendments/price?look=1&fee=x"), status=422
    ),
    "issuer": Scene(BILLING, "/issuer"),
    "document-templates": Scene(BILLING, "/document-templates"),
    "document-template-new": Scene(BILLING, "/document-templates/new"),
    "books": Scene(BILLING, "/books"),
    "ledger-account": Scene(BILLING, "/books/accounts/sales"),
    "billing-limits": Scene(BILLING, "/billing-limits"),
    "recurring-revenue": Scene(BILLING, "/recurring-revenue"),
    "issuer-errors": Scene(BILLING, "/issuer", _take_the_name_away),
}
