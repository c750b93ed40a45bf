"""Credit notes: what was taken back of invoices, and from which months."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from rental.billing.models import Invoice, InvoiceLine
from rental.billing.rules.credits import REASON_MAX_LENGTH, CreditEffect, CreditKind
from rental.catalog.rules import TaxClass
from rental.core.db import Base, text_enum
from rental.core.ids import new_id
from rental.core.money import Money, Rounding
from rental.customers.rules import PriceMode


class CreditNote(Base):
    """A credit note: numbered, never edited. Amounts are above zero; what stands on it is its document's.

    Below 10,000 yen with tax it may be an entry in the books alone: then `has_document` is false.
    """

    __tablename__ = "credit_note"
    __table_args__ = (
        CheckConstraint("total = subtotal + tax", name="total_adds_up"),
        CheckConstraint("total > 0", name="of_something"),
        CheckConstraint("has_document OR total < 10000", name="document_where_needed"),
        CheckConstraint("reason <> ''", name="for_a_reason"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    invoice_id: Mapped[UUID] = mapped_column(ForeignKey(Invoice.id), index=True)
    kind: Mapped[CreditKind] = mapped_column(text_enum(CreditKind))
    effect: Mapped[CreditEffect] = mapped_column(text_enum(CreditEffect))
    reason: Mapped[str] = mapped_column(String(REASON_MAX_LENGTH))
    issued_on: Mapped[date] = mapped_column(index=True)
    subtotal: Mapped[Money]
    tax: Mapped[Money]
    total: Mapped[Money]
    tax_rounding: Mapped[Rounding] = mapped_column(text_enum(Rounding))
    price_mode: Mapped[PriceMode] = mapped_column(text_enum(PriceMode))
    has_document: Mapped[bool]
    finalised_at: Mapped[datetime]

    invoice: Mapped[Invoice] = relationship()
    lines: Mapped[list["CreditNoteLine"]] = relationship(order_by="CreditNoteLine.position")
    taxes: Mapped[list["CreditNoteTax"]] = relationship()


class CreditNoteLine(Base):
    """What is taken back of one line of the invoice, in the sign of that line."""

    __tablename__ = "credit_note_line"
    __audited__ = False
    __table_args__ = (
        UniqueConstraint("credit_note_id", "invoice_line_id"),
        CheckConstraint("amount <> 0", name="of_something"),
    )

    credit_note_id: Mapped[UUID] = mapped_column(ForeignKey(CreditNote.id), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    invoice_line_id: Mapped[UUID] = mapped_column(ForeignKey(InvoiceLine.id), index=True)
    amount: Mapped[Money]

    invoice_line: Mapped[InvoiceLine] = relationship()


class CreditNoteTax(Base):
    """What is taken back of one rate together, and its tax, rounded once."""

    __tablename__ = "credit_note_tax"
    __audited__ = False

    credit_note_id: Mapped[UUID] = mapped_column(ForeignKey(CreditNote.id), primary_key=True)
    tax_class: Mapped[TaxClass] = mapped_column(text_enum(TaxClass), primary_key=True)
    rate_bp: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    base: Mapped[Money]
    tax: Mapped[Money]


class RevenueCorrection(Base):
    """What a credit adds to the revenue of a month: below zero where the line earned something.

    `deferred` is how much of that was still owed to the customer; the rest lowers sales at once.
    """

    __tablename__ = "revenue_correction"
    __audited__ = False
    __table_args__ = (
        ForeignKeyConstraint(
            ["credit_note_id", "invoice_line_id"],
            ["credit_note_line.credit_note_id", "credit_note_line.invoice_line_id"],
            name="fk_revenue_correction_of_line",
        ),
    )

    credit_note_id: Mapped[UUID] = mapped_column(primary_key=True)
    invoice_line_id: Mapped[UUID] = mapped_column(primary_key=True, index=True)
    month: Mapped[date] = mapped_column(primary_key=True)
    amount: Mapped[Money]
    deferred: Mapped[Money] = mapped_column(server_default="0")
