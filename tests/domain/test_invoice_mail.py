"""An invoice goes out by mail once, through a real mail server; what cannot be sent says so."""

from collections.abc import Iterator

import pytest
from sqlalchemy import select

from rental.billing.models import Invoice
from rental.billing.rules.runs import InvoiceState, SendingWay
from rental.billing.sending import mail_invoice
from rental.config import SettingError, read_config
from rental.core.deliveries import RETRY_AFTER, run_again
from rental.core.mail import NoPost, SmtpPost
from rental.core.outbox import Delivery, DeliveryState
from rental.identity.permissions import Role
from tests.conftest import SECRET_KEY
from tests.factories.billed import Rented, close, invoices_of, machines_in_service, make_issuer
from tests.support.mail_server import Letterbox, mail_server
from tests.support.processes import free_port
from tests.support.story import Story


@pytest.fixture
def company(story: Story) -> Story:
    """A customer who wants invoices by mail; it is 1 May."""
    with story.begin() as uow:
        make_issuer(uow)
    machines_in_service(story, Rented(9800), email="keiri@example.jp")
    story.on("2026-05-01")
    return story


@pytest.fixture
def letterbox(company: Story) -> Iterator[Letterbox]:
    with mail_server() as (url, letters):
        company.runtime.post = SmtpPost(url)
        yield letters
        company.runtime.post = NoPost()


def test_the_invoice_is_mailed_once_with_its_document(company: Story, letterbox: Letterbox) -> None:
    close(company, "2026-04-30")
    (invoice,) = invoices_of(company)
    (letter,) = letterbox.letters
    assert letter["To"].addresses[0].addr_spec == "keiri@example.jp"
    assert letter["From"].addresses[0].addr_spec == "billing@example.jp"
    assert letter["Subject"] == "請求書 INV-2026-00000001（さくらリファインレンタル株式会社（デモ））"
    assert letter["Message-ID"] == f"<invoice-{invoice.id}@example.jp>"
    (attached,) = letter.iter_attachments()
    with company.reading() as session:
        kept = session.get_one(Invoice, invoice.id)
        assert kept.document
        assert attached.get_content() == company.runtime.files.get(kept.document.sha256)
        assert (kept.state, kept.sent_by) == (InvoiceState.SENT, SendingWay.MAIL)
    company.everything_happens_twice()
    assert len(letterbox.letters) == 1


def test_a_letter_sent_again_after_a_crash_has_the_same_id(company: Story, letterbox: Letterbox) -> None:
    """The server took it, and we died before writing so down."""
    server = company.runtime.post
    company.runtime.post = NoPost()
    close(company, "2026-04-30")
    (invoice,) = invoices_of(company)
    for _ in range(2):
        with company.reading() as session:
            way = mail_invoice(session, invoice.id, server, company.runtime.files)
        assert way is SendingWay.MAIL
    assert len({letter["Message-ID"] for letter in letterbox.letters}) == 1


def test_a_server_that_is_away_is_asked_again(company: Story, letterbox: Letterbox) -> None:
    letterbox.is_out_of_order = True
    close(company, "2026-04-30")
    assert letterbox.letters == []
    with company.reading() as session:
        failed = session.scalars(
            select(Delivery).where(Delivery.handler == "billing.send_made_document")
        ).one()
        assert failed.state is DeliveryState.FAILED
    letterbox.is_out_of_order = False
    company.later(minutes=1)
    company.everything_happens()
    assert len(letterbox.letters) == 1


def sending(story: Story) -> Delivery:
    """The delivery that sends the one invoice."""
    with story.reading() as session:
        statement = select(Delivery).where(Delivery.handler == "billing.send_made_document")
        return session.scalars(statement).one()


def five_attempts(story: Story) -> None:
    """All that are made without a person, with the waits between them."""
    close(story, "2026-04-30")
    for wait in RETRY_AFTER:
        assert sending(story).state is DeliveryState.FAILED
        assert story.everything_happens() == 0, "it is tried before its time"
        story.clock.forward(wait)
        story.everything_happens()
    assert (sending(story).state, sending(story).attempt_count) == (DeliveryState.PARKED, 5)


def test_an_address_that_nobody_has_is_shown_to_a_person_after_five_attempts(
    company: Story, letterbox: Letterbox
) -> None:
    letterbox.unknown.add("keiri@example.jp")
    five_attempts(company)
    parked = sending(company)
    assert parked.error_code == "SMTPRecipientsRefused"
    assert "550" in (parked.error_detail or "")
    assert "keiri@example.jp" in (parked.error_detail or "")
    (invoice,) = invoices_of(company)
    assert (invoice.state, invoice.sent_at, letterbox.letters) == (InvoiceState.FINALISED, None, [])
    page = company.a(Role.BILLING).get(f"/jobs/{parked.id}").text
    assert "SMTPRecipientsRefused" in page
    assert "no such mailbox" in page

    letterbox.unknown.clear()
    with company.begin() as uow:
        run_again(uow, parked.id)
    company.everything_happens()
    assert [letter["To"].addresses[0].addr_spec for letter in letterbox.letters] == ["keiri@example.jp"]
    assert invoices_of(company)[0].state is InvoiceState.SENT


def test_a_server_that_nobody_reaches_keeps_the_invoice_waiting(company: Story) -> None:
    company.runtime.post = SmtpPost(f"smtp://127.0.0.1:{free_port()}")
    five_attempts(company)
    assert sending(company).error_code == "ConnectionRefusedError"
    with mail_server() as (url, letters):
        company.runtime.post = SmtpPost(url)
        with company.begin() as uow:
            run_again(uow, sending(company).id)
        company.everything_happens()
        company.runtime.post = NoPost()
        assert len(letters.letters) == 1


def test_one_refused_letter_keeps_no_other_from_going_out(company: Story, letterbox: Letterbox) -> None:
    company.on("2026-04-01")
    machines_in_service(company, Rented(4980), name="喫茶あおぞら", email="aozora@example.jp")
    company.on("2026-05-01")
    letterbox.unknown.add("keiri@example.jp")
    close(company, "2026-04-30")
    assert [letter["To"].addresses[0].addr_spec for letter in letterbox.letters] == ["aozora@example.jp"]
    assert [invoice.state for invoice in invoices_of(company)] == [InvoiceState.FINALISED, InvoiceState.SENT]


def test_without_a_mail_server_the_invoice_stays_unsent(company: Story) -> None:
    close(company, "2026-04-30")
    (invoice,) = invoices_of(company)
    assert (invoice.state, invoice.sent_at) == (InvoiceState.FINALISED, None)


@pytest.mark.parametrize("url", ["mail.example.jp", "http://mail.example.jp", "smtp://"])
def test_a_mail_server_that_cannot_be_one_is_refused_by_name(url: str) -> None:
    with pytest.raises(SettingError, match="RENTAL_SMTP_URL"):
        read_config({"RENTAL_SECRET_KEY": SECRET_KEY, "RENTAL_SMTP_URL": url})
