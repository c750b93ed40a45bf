"""Correcting what stands on an invoice (訂正): a new document supersedes the old one, and both stay."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from rental.billing.book_models import Document, DocumentContent
from rental.billing.issuing import the_issuer
from rental.billing.models import Invoice
from rental.billing.register import Paper, issue_paper, recipient_of
from rental.billing.rules.credits import REASON_MAX_LENGTH
from rental.billing.rules.papers import NothingToCorrect, PaperKind, Template
from rental.core.text import tidy
from rental.core.uow import UnitOfWork, locked
from rental.customers.rules import require_line

_INVOICES = (PaperKind.INVOICE, PaperKind.CORRECTED_INVOICE)


def reissue_invoice(uow: UnitOfWork, invoice_id: UUID, *, reason: str) -> Document:
    """The invoice again, with the names and addresses of both sides as they are now.

    What is owed does not change by it: amounts are corrected by a credit note or by the next closing. Raises
    NothingToCorrect, NoIssuer, Missing, TooLong.
    """
    invoice = locked(uow, Invoice, invoice_id)
    reason = tidy(reason)
    require_line(reason, "reason", REASON_MAX_LENGTH)
    latest = latest_document(uow.session, invoice.id)
    said = _said(uow.session, invoice, latest)
    meant = {"issuer": the_issuer(uow.session), "recipient": recipient_of(invoice.billing_account)}
    if all(said[part] == meant[part] for part in meant):
        raise NothingToCorrect

    uow.because(reason)
    number = f"{invoice.number}-{latest.version + 1}"
    snapshot = {
        **said,
        **meant,
        "number": number,
        "issued_on": uow.today.isoformat(),
        "corrects": {"number": latest.number, "issued_on": latest.dated_on.isoformat(), "reason": reason},
    }
    paper = Paper(
        PaperKind.CORRECTED_INVOICE,
        Template.INVOICE,
        number,
        invoice.id,
        invoice.total,
        uow.today,
        snapshot,
    )
    return issue_paper(uow, invoice.billing_account, paper, supersedes=latest, reason=reason)


def latest_document(session: Session, invoice_id: UUID) -> Document:
    """The document of an invoice that is in force: the original or its last correction."""
    return session.scalars(
        select(Document)
        .where(Document.source_id == invoice_id, Document.kind.in_(_INVOICES))
        .order_by(Document.version.desc())
        .limit(1)
    ).one()


def _said(session: Session, invoice: Invoice, latest: Document) -> Mapping[str, Any]:
    if latest.kind is PaperKind.INVOICE:
        return invoice.snapshot
    return session.get_one(DocumentContent, latest.id).snapshot
