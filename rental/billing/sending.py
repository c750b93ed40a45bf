"""Sending an invoice: by mail where the account has an address, else by post."""

from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from rental.billing.models import Invoice
from rental.billing.rules.runs import INVOICE_STATES, InvoiceState, SendingWay
from rental.core import audit
from rental.core.db import found
from rental.core.files import FileStore
from rental.core.mail import NoMailServer, Post
from rental.core.uow import UnitOfWork, locked

_SUBJECT = "請求書 {number}（{issuer}）"
_TEXT = """{recipient} 御中

いつもお世話になっております。{issuer}です。
請求書を添付のとおりお送りいたします。ご確認のほどお願いいたします。

請求書番号　{number}
ご請求金額　{total}円（税込）
お支払期限　{due}

{issuer}
{contact}
"""


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


def message_of(invoice: Invoice, document: bytes) -> EmailMessage:
    """The letter with the document."""
    snapshot = invoice.snapshot
    issuer = snapshot["issuer"]
    sender = issuer["email"] or "noreply@localhost"
    message = EmailMessage()
    message["From"] = Address(issuer["name"], addr_spec=sender)
    message["To"] = Address(invoice.recipient_name, addr_spec=invoice.billing_account.email or "")
    message["Subject"] = _SUBJECT.format(number=invoice.number, issuer=issuer["name"])
    message["Message-ID"] = f"<invoice-{invoice.id}@{sender.rpartition('@')[2]}>"
    message["Date"] = format_datetime(invoice.finalised_at)
    message.set_content(
        _TEXT.format(
            recipient=invoice.recipient_name,
            issuer=issuer["name"],
            number=invoice.number,
            total=f"{snapshot['total']:,}",
            due=f"{invoice.due_on:%Y年%m月%d日}",
            contact=" ".join(filter(None, (issuer["address"], issuer["phone"]))),
        )
    )
    message.add_attachment(document, maintype="application", subtype="pdf", filename=f"{invoice.number}.pdf")
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
    uow.record("sent", entity=Invoice.__tablename__, entity_id=invoice.id, sent_by=way.value)
    uow.session.flush()
    return invoice
