"""The books behind the documents: journal entries, the months that amounts are earned in, the register."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from rental.billing.models import InvoiceLine
from rental.billing.rules.journals import JournalKind, JournalSource, LedgerAccount
from rental.billing.rules.papers import PaperKind, Template
from rental.billing.rules.runs import SendingWay
from rental.catalog.rules import TaxClass
from rental.core.db import Base, text_enum
from rental.core.ids import new_id
from rental.core.money import Money
from rental.core.stored_files import StoredFile
from rental.customers.models import BillingAccount


class LedgerAccountName(Base):
    """What an account is called in the company's books. One row per account that is booked on."""

    __tablename__ = "ledger_account_name"

    account: Mapped[LedgerAccount] = mapped_column(text_enum(LedgerAccount), primary_key=True)
    name: Mapped[str] = mapped_column(String(24))
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class JournalEntry(Base):
    """What one document says in the books; of each kind there is one per document."""

    __tablename__ = "journal_entry"
    __audited__ = False

    source_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[JournalKind] = mapped_column(text_enum(JournalKind), primary_key=True)
    source_type: Mapped[JournalSource] = mapped_column(text_enum(JournalSource))
    entry_on: Mapped[date] = mapped_column(index=True)

    lines: Mapped[list["JournalLine"]] = relationship(order_by="JournalLine.position")


class JournalLine(Base):
    """An amount from one account to another: both sides in one row, so that no entry is out of balance."""

    __tablename__ = "journal_line"
    __audited__ = False
    __table_args__ = (
        ForeignKeyConstraint(
            ["source_id", "kind"],
            ["journal_entry.source_id", "journal_entry.kind"],
            name="fk_journal_line_entry",
        ),
        CheckConstraint("amount > 0", name="of_something"),
        CheckConstraint("debit <> credit", name="between_two_accounts"),
    )

    source_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[JournalKind] = mapped_column(text_enum(JournalKind), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    debit: Mapped[LedgerAccount] = mapped_column(text_enum(LedgerAccount))
    credit: Mapped[LedgerAccount] = mapped_column(text_enum(LedgerAccount))
    amount: Mapped[Money]
    tax_class: Mapped[TaxClass] = mapped_column(text_enum(TaxClass))
    rate_bp: Mapped[int]


class RevenueMonth(Base):
    """What an invoice line earns in the month that begins on this day, without tax.

    A deferred one was booked as owed to the customer: it becomes a sale when its month is closed.
    """

    __tablename__ = "revenue_schedule"
    __audited__ = False
    __table_args__ = (
        Index(
            "ix_revenue_schedule_deferred",
            "month",
            sqlite_where=text("is_deferred"),
            postgresql_where=text("is_deferred"),
        ),
    )

    invoice_line_id: Mapped[UUID] = mapped_column(ForeignKey(InvoiceLine.id), primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)
    amount: Mapped[Money]
    is_deferred: Mapped[bool] = mapped_column(server_default=false())


class RevenueRecognition(Base):
    """That what a document deferred to this month became a sale; its journal entry has the same id.

    `amount` is below zero for a credit note, and nothing where the lines of a document cancel out.
    """

    __tablename__ = "revenue_recognition"
    __audited__ = False
    __table_args__ = (UniqueConstraint("source_id", "month"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    source_id: Mapped[UUID]
    source_type: Mapped[JournalSource] = mapped_column(text_enum(JournalSource))
    month: Mapped[date]
    amount: Mapped[Money]


class ClosedMonth(Base):
    """A month (its first day) of the books that takes no further entry, and what was recognised with it."""

    __tablename__ = "closed_month"

    month: Mapped[date] = mapped_column(primary_key=True)
    closed_at: Mapped[datetime]
    closed_by: Mapped[str] = mapped_column(String(200))
    source_count: Mapped[int]
    amount: Mapped[Money]


class Document(Base):
    """An issued document as the law wants it to be found (電子帳簿保存法): by day, amount, counterparty.

    `source_id` is what it speaks of: the invoice, the credit note, the work order. `sha256` seals what stands
    on it, `file` is the drawing of that. `amount` is None where a document names none. A corrected document
    `supersedes` the one before, and says why; both stay. An invoice's document has the id of the invoice.
    `sent_at` is None until it is on its way, or where documents of its kind are not sent by us.
    """

    __tablename__ = "document"
    __audited__ = False  # written once itself, with who and when
    __table_args__ = (
        UniqueConstraint("source_id", "kind", "version"),
        CheckConstraint("(version = 1) = (supersedes_id IS NULL)", name="first_or_later"),
        CheckConstraint("(supersedes_id IS NULL) OR (reason <> '')", name="corrected_for_a_reason"),
        CheckConstraint("(sent_at IS NULL) = (sent_by IS NULL)", name="sent_somehow"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[PaperKind] = mapped_column(text_enum(PaperKind))
    number: Mapped[str] = mapped_column(String(40), unique=True)
    source_id: Mapped[UUID]
    billing_account_id: Mapped[UUID] = mapped_column(ForeignKey(BillingAccount.id), index=True)
    counterparty: Mapped[str] = mapped_column(String(100))
    dated_on: Mapped[date] = mapped_column(index=True)
    amount: Mapped[Money | None] = mapped_column(index=True)
    sha256: Mapped[str] = mapped_column(String(64))
    version: Mapped[int] = mapped_column(default=1)
    supersedes_id: Mapped[UUID | None] = mapped_column(ForeignKey("document.id"), unique=True)
    reason: Mapped[str | None] = mapped_column(String(400))
    registered_at: Mapped[datetime]
    registered_by: Mapped[str] = mapped_column(String(200))
    file_id: Mapped[UUID | None] = mapped_column(ForeignKey(StoredFile.id))
    sent_at: Mapped[datetime | None]
    sent_by: Mapped[SendingWay | None] = mapped_column(text_enum(SendingWay))

    billing_account: Mapped[BillingAccount] = relationship()
    file: Mapped[StoredFile | None] = relationship()


class DocumentContent(Base):
    """What stands on a document other than an invoice, which keeps its own, and how it is drawn."""

    __tablename__ = "document_content"
    __audited__ = False

    document_id: Mapped[UUID] = mapped_column(ForeignKey(Document.id), primary_key=True)
    template: Mapped[Template] = mapped_column(text_enum(Template))
    snapshot: Mapped[dict[str, Any]]
