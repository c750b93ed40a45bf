"""Sending invoices, credit notes and corrections: by mail where the account has an address, else by post."""

from collections.abc import Mapping
from datetime import date, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from rental.billing.book_models import Document, DocumentContent
from rental.billing.models import Invoice
from rental.billing.rules.papers import SENT_BY_ITSELF, PaperKind
from rental.billing.rules.runs import INVOICE_STATES, InvoiceState, SendingWay
from rental.core import audit
from rental.core.db import found
from rental.core.files import FileStore
from rental.core.mail import NoMailServer, Post
from rental.core.uow import UnitOfWork, locked


class _Words(NamedTuple):
    """What a letter says; the braces are filled from what stands on the document."""

    subject: str
    text: str


_GREETING = """{recipient} 御中

いつもお世話になっております。{issuer}です。
"""
_CLOSE = """
{issuer}
{contact}
"""
_INVOICE = _Words(
    "請求書 {number}（{issuer}）",
    """請求書を添付のとおりお送りいたします。ご確認のほどお願いいたします。

請求書番号　{number}
ご請求金額　{total}円（税込）
お支払期限　{due}
""",
)
_WORDS = {
    PaperKind.CREDIT_NOTE: _Words(
        "返還請求書 {number}（{issuer}）",
        """返還請求書を添付のとおりお送りいたします。ご確認のほどお願いいたします。

返還請求書番号　{number}
ご返還金額　{total}円（税込）
元の請求書番号　{about}
返還の理由　{reason}
""",
    ),
    PaperKind.CORRECTED_INVOICE: _Words(
        "訂正した請求書 {number}（{issuer}）",
        """先にお送りした請求書 {about} を訂正し、添付のとおりお送りいたします。
お手数をおかけいたしますが、差し替えのほどお願いいたします。

請求書番号　{number}
訂正の理由　{reason}
ご請求金額　{total}円（税込、変更はございません）
お支払期限　{due}
""",
    ),
}


def mail_invoice(session: Session, invoice_id: UUID, post: Post, files: FileStore) -> SendingWay | None:
    """Hands the invoice over to the mail server; its id is the message's, so that one sent twice is known.

    None while it cannot be sent: it was sent before, or nobody named a mail server.
    """
    invoice = found(session, Invoice, invoice_id)
    if invoice.state is InvoiceState.SENT or invoice.document is None:
        return None
    if not invoice.billing_account.email:
        return SendingWay.POST
    try:
        post.send(message_of(invoice, files.get(invoice.document.sha256)))
    except NoMailServer:
        return None
    return SendingWay.MAIL


def mail_document(session: Session, document_id: UUID, post: Post, files: FileStore) -> SendingWay | None:
    """The same for a document that is not an invoice.

    None as well for documents that are not sent by themselves.
    """
    document = found(session, Document, document_id)
    is_waiting = document.kind in SENT_BY_ITSELF and document.sent_at is None
    if not is_waiting or document.file is None:
        return None
    if not document.billing_account.email:
        return SendingWay.POST
    content = session.get_one(DocumentContent, document.id)
    try:
        post.send(message_with(document, content.snapshot, files.get(document.file.sha256)))
    except NoMailServer:
        return None
    return SendingWay.MAIL


def message_of(invoice: Invoice, drawing: bytes) -> EmailMessage:
    """The letter with the invoice."""
    return _letter(
        f"invoice-{invoice.id}",
        _INVOICE,
        invoice.snapshot,
        drawing,
        to=invoice.billing_account.email or "",
        at=invoice.finalised_at,
    )


def message_with(document: Document, snapshot: Mapping[str, Any], drawing: bytes) -> EmailMessage:
    """The letter with a credit note or a corrected invoice."""
    return _letter(
        f"document-{document.id}",
        _WORDS[document.kind],
        snapshot,
        drawing,
        to=document.billing_account.email or "",
        at=document.registered_at,
    )


def _letter(
    name: str, words: _Words, said: Mapping[str, Any], drawing: bytes, *, to: str, at: datetime
) -> EmailMessage:
    """A letter about what stands on a document; by its name a server knows one that comes again."""
    issuer, number = said["issuer"], said["number"]
    sender = issuer["email"] or "noreply@localhost"
    corrects, invoice = said.get("corrects", {}), said.get("invoice", {})
    filling = {
        "number": number,
        "issuer": issuer["name"],
        "recipient": said["recipient"]["name"],
        "total": f"{said['total']:,}",
        "due": f"{date.fromisoformat(said['due_on']):%Y年%m月%d日}" if "due_on" in said else "",
        "about": corrects.get("number") or invoice.get("number", ""),
        "reason": corrects.get("reason") or said.get("reason", ""),
        "contact": " ".join(filter(None, (issuer["address"], issuer["phone"]))),
    }
    message = EmailMessage()
    message["From"] = Address(issuer["name"], addr_spec=sender)
    message["To"] = Address(said["recipient"]["name"], addr_spec=to)
    message["Subject"] = words.subject.format_map(filling)
    message["Message-ID"] = f"<{name}@{sender.rpartition('@')[2]}>"
    message["Date"] = format_datetime(at)
    message.set_content(f"{_GREETING}{words.text}{_CLOSE}".format_map(filling))
    message.add_attachment(drawing, maintype="application", subtype="pdf", filename=f"{number}.pdf")
    return message


def mark_closing_sent(uow: UnitOfWork, billing_run_id: UUID, way: SendingWay) -> int:
    """Every invoice of a closing reached its recipient without us; returns how many that were.

    For taking over what was billed before we kept the books.
    """
    sent = uow.session.scalars(
        update(Invoice)
        .where(Invoice.billing_run_id == billing_run_id, Invoice.state == InvoiceState.FINALISED)
        .values(state=InvoiceState.SENT, sent_at=uow.now, sent_by=way)
        .returning(Invoice.id)
        .execution_options(synchronize_session=False)
    ).all()
    of_closing = select(Invoice.id).where(
        Invoice.billing_run_id == billing_run_id, Invoice.state == InvoiceState.SENT
    )
    uow.session.execute(
        update(Document)
        .where(Document.sent_at.is_(None), Document.id.in_(of_closing))
        .values(sent_at=uow.now, sent_by=way)
        .execution_options(synchronize_session=False)
    )
    facts = {"sent_by": way.value}
    audit.append(
        uow.session,
        [audit.Change("sent", Invoice.__tablename__, each, None, facts) for each in sorted(sent)],
    )
    return len(sent)


def mark_sent(uow: UnitOfWork, invoice_id: UUID, way: SendingWay) -> Invoice:
    """The invoice is on its way, or in the tray of letters to post."""
    invoice = locked(uow, Invoice, invoice_id)
    if invoice.state is InvoiceState.SENT:
        return invoice
    INVOICE_STATES.check(invoice.state, InvoiceState.SENT)
    invoice.state, invoice.sent_at, invoice.sent_by = InvoiceState.SENT, uow.now, way
    document = locked(uow, Document, invoice_id)
    document.sent_at, document.sent_by = uow.now, way
    uow.record("sent", entity=Invoice.__tablename__, entity_id=invoice.id, sent_by=way.value)
    uow.session.flush()
    return invoice


def mark_document_sent(uow: UnitOfWork, document_id: UUID, way: SendingWay) -> Document:
    """The same for a document that is not an invoice."""
    document = locked(uow, Document, document_id)
    if document.sent_at is not None:
        return document
    document.sent_at, document.sent_by = uow.now, way
    uow.record("sent", entity=Document.__tablename__, entity_id=document.id, sent_by=way.value)
    uow.session.flush()
    return document
