"""The invoice as a PDF, made of its snapshot after it was finalised: the same bytes whenever it is made."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from rental.billing.book_models import Document
from rental.billing.events import InvoiceDocumentMade
from rental.billing.models import Invoice
from rental.core.db import found
from rental.core.documents import render
from rental.core.stored_files import StoredFile, keep_file
from rental.core.uow import UnitOfWork, locked

TEMPLATE = "invoice.typ"
MEDIA_TYPE = "application/pdf"


def draw_invoice(session: Session, invoice_id: UUID) -> bytes:
    """The document of a finalised invoice."""
    return draw(found(session, Invoice, invoice_id).snapshot)


def draw(snapshot: Mapping[str, Any]) -> bytes:
    """What the snapshot says, as a PDF."""
    return render(TEMPLATE, snapshot)


def keep_document(uow: UnitOfWork, invoice_id: UUID, content: bytes) -> StoredFile:
    """The document is kept with the invoice, once; returns the one that is kept.

    A worker does so after the invoice was finalised. Whoever opens one that has none yet, because it comes
    from a time before our books or the worker is behind, may do it sooner: the bytes are the same.
    """
    invoice = locked(uow, Invoice, invoice_id)
    if invoice.document is not None:
        return invoice.document
    file = keep_file(uow, content, media_type=MEDIA_TYPE, download_name=f"{invoice.number}.pdf")
    invoice.document_id = file.id
    uow.session.get_one(Document, invoice.id).file_id = file.id
    uow.session.flush()
    uow.announce(InvoiceDocumentMade(invoice.id))
    return file
