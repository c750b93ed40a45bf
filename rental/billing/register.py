"""The register of issued documents (電子帳簿保存法): entered when they are issued, drawn afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from rental.billing.book_models import Document, DocumentContent
from rental.billing.document_templates import looks_of
from rental.billing.documents import MEDIA_TYPE, draw_invoice, keep_document
from rental.billing.events import DocumentDrawn, DocumentIssued
from rental.billing.rules.papers import PaperKind, Template
from rental.billing.snapshots import sealed
from rental.core.db import found
from rental.core.documents import render
from rental.core.money import Money
from rental.core.stored_files import StoredFile, keep_file
from rental.core.uow import UnitOfWork, locked
from rental.customers.models import BillingAccount


@dataclass(frozen=True, slots=True)
class Paper:
    """A document to be issued: what it is, what it speaks of, and everything that stands on it."""

    kind: PaperKind
    template: Template
    number: str
    source_id: UUID
    amount: Money | None
    dated_on: date
    snapshot: Mapping[str, Any]


def recipient_of(account: BillingAccount) -> dict[str, Any]:
    """Whom a document is for, as it stands on it."""
    return {
        "number": account.number,
        "name": account.name,
        "postal_code": account.postal_code,
        "address": account.address,
        "customer": account.customer.name,
    }


def issue_paper(
    uow: UnitOfWork,
    account: BillingAccount,
    paper: Paper,
    *,
    supersedes: Document | None = None,
    reason: str | None = None,
) -> Document:
    """The document is entered with what stands on it, in the look that was chosen; a worker draws it.

    One it corrects stays beside it.
    """
    said = {name: part for name, part in paper.snapshot.items() if name != "look"}
    said |= looks_of(uow.session, [account.id])[account.id]
    document = Document(
        kind=paper.kind,
        number=paper.number,
        source_id=paper.source_id,
        billing_account_id=account.id,
        counterparty=account.name,
        dated_on=paper.dated_on,
        amount=paper.amount,
        sha256=sealed(said),
        version=supersedes.version + 1 if supersedes else 1,
        supersedes_id=supersedes.id if supersedes else None,
        reason=reason,
        registered_at=uow.now,
        registered_by=uow.actor.name,
    )
    uow.session.add(document)
    uow.session.flush()
    uow.session.add(DocumentContent(document_id=document.id, template=paper.template, snapshot=said))
    uow.session.flush()
    uow.record(
        "issued",
        entity=Document.__tablename__,
        entity_id=document.id,
        number=document.number,
        sha256=document.sha256,
    )
    uow.announce(DocumentIssued(document.id))
    return document


def draw_issued(session: Session, document_id: UUID) -> bytes:
    """What stands on the document, as a PDF: the same bytes whenever it is drawn."""
    document = found(session, Document, document_id)
    if document.kind is PaperKind.INVOICE:
        return draw_invoice(session, document.id)
    content = session.get_one(DocumentContent, document.id)
    return render(content.template.file_name, content.snapshot)


def keep_issued(uow: UnitOfWork, document_id: UUID, content: bytes) -> StoredFile:
    """The drawing is kept with the document, once; returns the one that is kept."""
    document = locked(uow, Document, document_id)
    if document.file is not None:
        return document.file
    if document.kind is PaperKind.INVOICE:
        return keep_document(uow, document.id, content)
    file = keep_file(uow, content, media_type=MEDIA_TYPE, download_name=f"{document.number}.pdf")
    document.file_id = file.id
    uow.session.flush()
    uow.announce(DocumentDrawn(document.id))
    return file
