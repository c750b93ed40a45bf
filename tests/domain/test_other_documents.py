"""Delivery notes from what was scanned, and receipts as documents."""

from dataclasses import replace
from datetime import date
from uuid import UUID

import pypdfium2
import pytest
from sqlalchemy import select

from rental.billing.book_models import Document, DocumentContent
from rental.billing.delivery_notes import issue_delivery_note
from rental.billing.issuing import the_issuer
from rental.billing.receipts import PaidInvoice, Receipt, receipt_snapshot
from rental.billing.register import draw_issued, recipient_of
from rental.billing.rules.papers import NothingDelivered, PaperKind, Template
from rental.billing.rules.tax import TaxedAmount, rate_on, totals_of
from rental.catalog.rules import TaxClass
from rental.core.documents import render
from rental.core.money import yen_of
from rental.customers.models import BillingAccount
from rental.fieldwork.models import WorkOrder
from rental.fieldwork.work_orders import open_installation_orders
from rental.inventory.models import Unit
from tests.factories.billed import Rented, machines_in_service, make_issuer, promised
from tests.support.story import Story
from tests.web.company import rows_of


@pytest.fixture
def company(story: Story) -> Story:
    """Two machines went into service on 16 April; it is the 20th."""
    with story.begin() as uow:
        make_issuer(uow)
    story.on("2026-04-16")
    machines_in_service(story, Rented(9800, machines=2))
    story.on("2026-04-20")
    return story


def written(pdf: bytes) -> str:
    pages = [page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(pdf)]
    return "".join("\n".join(pages).split())


def deliver(story: Story) -> UUID:
    with story.begin() as uow:
        order_id = uow.session.scalars(select(WorkOrder.id)).one()
        document_id = issue_delivery_note(uow, order_id).id
    story.everything_happens()
    return document_id


def test_a_delivery_note_names_every_machine_that_was_scanned(company: Story) -> None:
    document_id = deliver(company)
    with company.reading() as session:
        document = session.get_one(Document, document_id)
        assert (document.kind, document.number) == (PaperKind.DELIVERY_NOTE, "DN-2026-00000001")
        assert (document.dated_on, document.amount) == (date(2026, 4, 20), None)
        text = written(draw_issued(session, document_id))
        units = session.scalars(select(Unit)).all()
        assert len(units) == 2
        for unit in units:
            assert unit.tag in text
            assert unit.serial_number in text
        assert document.file
        assert company.runtime.files.get(document.file.sha256) == draw_issued(session, document_id)
    for words in ("納品日2026年4月16日", "台数2台", "喫茶みどり経理部御中"):
        assert words in text


def test_a_delivery_note_is_issued_once(company: Story) -> None:
    first = deliver(company)
    company.on("2026-04-25")
    assert deliver(company) == first
    assert company.count(DocumentContent) == 1


def test_what_was_not_installed_was_not_delivered(company: Story) -> None:
    with company.begin() as uow:
        contract = promised(uow, [Rented(3000)], "喫茶あした")
        (order,) = open_installation_orders(uow, contract.id)
    before = rows_of(company.app)
    with pytest.raises(NothingDelivered) as refused, company.begin() as uow:
        issue_delivery_note(uow, order.id)
    assert refused.value.params == {"work_order": order.number}
    assert rows_of(company.app) == before


@pytest.fixture
def receipt(company: Story) -> Receipt:
    with company.reading() as session:
        account = session.scalars(select(BillingAccount)).one()
        return Receipt(
            number="RC-2026-00000001",
            issued_on=date(2026, 6, 2),
            received_on=date(2026, 6, 1),
            method="銀行振込",
            purpose="機器レンタル料",
            issuer=the_issuer(session),
            recipient=recipient_of(account),
            invoices=[PaidInvoice("INV-2026-00000001", yen_of(10780))],
            totals=totals_of([TaxedAmount(yen_of(9800), rate_on(TaxClass.STANDARD, date(2026, 4, 16)))]),
        )


def test_a_receipt_says_who_paid_what_when_and_for_which_invoice(receipt: Receipt) -> None:
    pdf = render(Template.RECEIPT.file_name, receipt_snapshot(receipt))
    assert render(Template.RECEIPT.file_name, receipt_snapshot(receipt)) == pdf
    text = written(pdf)
    for words in (
        "領収書",
        "¥10,780",
        "機器レンタル料として",
        "上記の金額を2026年6月1日に銀行振込にて正に領収いたしました。",
        "INV-2026-00000001¥10,780",
        "10%対象¥9,800¥980",
        "喫茶みどり経理部御中",
    ):
        assert words in text


def test_a_receipt_is_for_exactly_what_its_invoices_were_paid(receipt: Receipt) -> None:
    short = [PaidInvoice("INV-2026-00000001", yen_of(10779))]
    with pytest.raises(ValueError, match="for what its invoices were paid"):
        receipt_snapshot(replace(receipt, invoices=short))
