"""Credit notes and corrected invoices go out like invoices: once, by mail or as letters to post."""

from collections.abc import Iterator
from email.message import EmailMessage
from uuid import UUID

import pytest
from sqlalchemy import select

from rental.billing.book_models import Document
from rental.billing.credit_notes import issue_credit_note
from rental.billing.delivery_notes import issue_delivery_note
from rental.billing.document_queries import Wanted, documents_matching
from rental.billing.models import Invoice
from rental.billing.reissue import reissue_invoice
from rental.billing.rules.credits import CreditKind
from rental.billing.rules.papers import PaperKind
from rental.billing.rules.runs import SendingWay
from rental.billing.sending import mail_document, mark_closing_sent
from rental.core.mail import NoPost, SmtpPost
from rental.core.money import yen_of
from rental.customers.models import BillingAccount
from rental.fieldwork.models import WorkOrder
from tests.factories.billed import Rented, close, invoices_of, machines_in_service, make_issuer
from tests.support.beginnings import Once
from tests.support.mail_server import Letterbox, mail_server
from tests.support.story import Story


def text_of(letter: EmailMessage) -> str:
    body = letter.get_body()
    assert body is not None
    return str(body.get_content())


@pytest.fixture
def company(story: Story, once: Once) -> Story:
    """April was billed to one account that wants mail, and to one without an address; it is 12 May."""
    once(bill_april)
    return story


def bill_april(story: Story) -> None:
    with story.begin() as uow:
        make_issuer(uow)
    machines_in_service(story, Rented(9800), email="keiri@example.jp")
    machines_in_service(story, Rented(3000), name="喫茶あおぞら")
    story.on("2026-05-01")
    close(story, "2026-04-30")
    story.on("2026-05-12")


@pytest.fixture
def letterbox(company: Story) -> Iterator[Letterbox]:
    with mail_server() as (url, letters):
        company.runtime.post = SmtpPost(url)
        yield letters
        company.runtime.post = NoPost()


def credit(story: Story, invoice: Invoice, *, has_document: bool = True) -> UUID:
    with story.begin() as uow:
        note = issue_credit_note(
            uow,
            invoice.id,
            kind=CreditKind.GOODWILL,
            reason="故障のため",
            amounts={1: yen_of(1000)},
            has_document=has_document,
        )
    story.everything_happens()
    return note.id


def correct(story: Story, invoice: Invoice) -> None:
    with story.begin() as uow:
        uow.session.get_one(BillingAccount, invoice.billing_account_id).name = "喫茶みどり 本部"
    with story.begin() as uow:
        reissue_invoice(uow, invoice.id, reason="宛名の誤り")
    story.everything_happens()


def document_of(story: Story, kind: PaperKind) -> Document:
    with story.reading() as session:
        return session.scalars(select(Document).where(Document.kind == kind)).one()


def numbers(story: Story, wanted: Wanted) -> list[str]:
    with story.reading() as session:
        return sorted(document.number for document in session.scalars(documents_matching(wanted)))


def test_a_credit_note_is_mailed_once_with_its_document(company: Story, letterbox: Letterbox) -> None:
    credit(company, invoices_of(company)[0])
    note = document_of(company, PaperKind.CREDIT_NOTE)
    (letter,) = letterbox.letters
    assert letter["To"].addresses[0].addr_spec == "keiri@example.jp"
    assert letter["Subject"] == "返還請求書 CN-2026-00000001（さくらリファインレンタル株式会社（デモ））"
    assert letter["Message-ID"] == f"<document-{note.id}@example.jp>"
    text = text_of(letter)
    for words in (
        "ご返還金額　1,100円（税込）",
        "元の請求書番号　INV-2026-00000001",
        "返還の理由　故障のため",
    ):
        assert words in text
    (attached,) = letter.iter_attachments()
    with company.reading() as session:
        kept = session.get_one(Document, note.id)
        assert kept.file
        assert attached.get_content() == company.runtime.files.get(kept.file.sha256)
    assert (note.sent_by, note.sent_at) == (SendingWay.MAIL, company.clock.now())
    company.everything_happens_twice()
    assert len(letterbox.letters) == 1


def test_a_corrected_invoice_names_the_one_it_takes_the_place_of(
    company: Story, letterbox: Letterbox
) -> None:
    correct(company, invoices_of(company)[0])
    (letter,) = letterbox.letters
    text = text_of(letter)
    assert "喫茶みどり 本部 御中" in text
    assert "先にお送りした請求書 INV-2026-00000001 を訂正し" in text
    assert "請求書番号　INV-2026-00000001-2" in text
    assert "訂正の理由　宛名の誤り" in text
    assert "お支払期限　2026年06月01日" in text
    assert document_of(company, PaperKind.CORRECTED_INVOICE).sent_by is SendingWay.MAIL


def test_a_letter_sent_again_after_a_crash_has_the_same_id(company: Story, letterbox: Letterbox) -> None:
    """The server took it, and we died before writing so down."""
    server = company.runtime.post
    company.runtime.post = NoPost()
    credit(company, invoices_of(company)[0])
    note = document_of(company, PaperKind.CREDIT_NOTE)
    assert note.sent_at is None
    for _ in range(2):
        with company.reading() as session:
            assert mail_document(session, note.id, server, company.runtime.files) is SendingWay.MAIL
    assert len(letterbox.letters) == 2
    assert {letter["Message-ID"] for letter in letterbox.letters} == {f"<document-{note.id}@example.jp>"}


def test_a_server_that_is_away_is_asked_again(company: Story, letterbox: Letterbox) -> None:
    letterbox.is_out_of_order = True
    credit(company, invoices_of(company)[0])
    assert document_of(company, PaperKind.CREDIT_NOTE).sent_at is None
    letterbox.is_out_of_order = False
    company.later(minutes=1)
    company.everything_happens()
    assert len(letterbox.letters) == 1
    assert document_of(company, PaperKind.CREDIT_NOTE).sent_by is SendingWay.MAIL


def test_without_an_address_it_lies_with_the_letters_to_post(company: Story, letterbox: Letterbox) -> None:
    credit(company, invoices_of(company)[1])
    assert letterbox.letters == []
    assert numbers(company, Wanted(way=SendingWay.POST)) == ["CN-2026-00000001", "INV-2026-00000002"]


def test_what_could_not_be_sent_is_found(company: Story) -> None:
    """Without a mail server nothing is mailed, and the register says so."""
    credit(company, invoices_of(company)[0])
    assert numbers(company, Wanted(way="unsent")) == ["CN-2026-00000001", "INV-2026-00000001"]


def test_a_credit_without_a_document_sends_nothing(company: Story, letterbox: Letterbox) -> None:
    credit(company, invoices_of(company)[0], has_document=False)
    assert letterbox.letters == []


def test_a_delivery_note_is_handed_over_not_sent(company: Story, letterbox: Letterbox) -> None:
    with company.begin() as uow:
        for order_id in uow.session.scalars(select(WorkOrder.id)).all():
            issue_delivery_note(uow, order_id)
    company.everything_happens()
    assert letterbox.letters == []
    assert "DN-2026-00000001" not in numbers(company, Wanted(way="unsent"))


def test_a_closing_that_was_sent_without_us_is_sent_in_the_register(company: Story) -> None:
    first = invoices_of(company)[0]
    with company.begin() as uow:
        assert mark_closing_sent(uow, first.billing_run_id, SendingWay.MAIL) == 1
    assert numbers(company, Wanted(way=SendingWay.MAIL)) == [first.number]
    assert numbers(company, Wanted(way="unsent")) == []
