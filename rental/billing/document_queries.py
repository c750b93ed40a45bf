"""Finding issued documents as an inspector asks for them, and those that belong to an invoice."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session, joinedload

from rental.billing.book_models import Document
from rental.billing.credit_models import CreditNote, CreditNoteLine
from rental.billing.rules.papers import SENT, PaperKind
from rental.billing.rules.runs import SendingWay
from rental.core.money import Money
from rental.core.text import narrow
from rental.customers.models import BillingAccount


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for; all of it must be so. Both ends of a range belong to it.

    Unsent are those that should have reached the customer by now and have not.
    """

    counterparty: str = ""
    number: str = ""
    kind: PaperKind | None = None
    dated_from: date | None = None
    dated_until: date | None = None
    amount_from: Money | None = None
    amount_until: Money | None = None
    way: SendingWay | Literal["unsent"] | None = None


def documents_matching(wanted: Wanted) -> Select[Document]:
    """The documents in no order yet. The counterparty is found by a part of its name or by its number."""
    statement = select(Document).options(joinedload(Document.billing_account), joinedload(Document.file))
    if wanted.counterparty:
        accounts = select(BillingAccount.id).where(
            BillingAccount.number == narrow(wanted.counterparty).upper()
        )
        statement = statement.where(
            or_(
                Document.counterparty.contains(wanted.counterparty, autoescape=True),
                Document.billing_account_id.in_(accounts),
            )
        )
    if wanted.number:
        statement = statement.where(Document.number.contains(narrow(wanted.number).upper(), autoescape=True))
    if wanted.kind:
        statement = statement.where(Document.kind == wanted.kind)
    if wanted.dated_from:
        statement = statement.where(Document.dated_on >= wanted.dated_from)
    if wanted.dated_until:
        statement = statement.where(Document.dated_on <= wanted.dated_until)
    if wanted.amount_from:
        statement = statement.where(Document.amount >= wanted.amount_from)
    if wanted.amount_until:
        statement = statement.where(Document.amount <= wanted.amount_until)
    if wanted.way == "unsent":
        statement = statement.where(Document.sent_at.is_(None), Document.kind.in_(SENT))
    elif wanted.way:
        statement = statement.where(Document.sent_by == wanted.way)
    return statement


def documents_about(session: Session, source_id: UUID) -> Sequence[Document]:
    """The documents of one invoice, credit note or work order, in the order of their issue."""
    return session.scalars(
        select(Document)
        .where(Document.source_id == source_id)
        .options(joinedload(Document.file))
        .order_by(Document.version, Document.id)
    ).all()


def credit_notes_of(session: Session, invoice_id: UUID) -> Sequence[CreditNote]:
    """The credit notes of an invoice, in the order of their numbers."""
    return session.scalars(
        select(CreditNote).where(CreditNote.invoice_id == invoice_id).order_by(CreditNote.number)
    ).all()


def credit_note_called(session: Session, number: str | None) -> CreditNote | None:
    """The credit note with this number."""
    return session.scalar(select(CreditNote).where(CreditNote.number == number))


def credit_note_with_all(session: Session, credit_note_id: UUID) -> CreditNote | None:
    """A credit note with what its page shows."""
    return session.scalar(
        select(CreditNote)
        .where(CreditNote.id == credit_note_id)
        .options(
            joinedload(CreditNote.invoice),
            joinedload(CreditNote.lines).joinedload(CreditNoteLine.invoice_line),
            joinedload(CreditNote.taxes),
        )
    )
