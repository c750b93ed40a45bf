"""What is due when, the closings that bill it, and the invoices with the days they stand for."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from rental.billing.rules.recurring_revenue import Movement
from rental.billing.rules.runs import BillingKind, InvoiceState, ItemState, SendingWay
from rental.catalog.rules import TaxClass
from rental.contracts.models import Contract, Line, Slot
from rental.core.db import Base, text_enum
from rental.core.ids import new_id
from rental.core.money import Money, Rounding
from rental.core.stored_files import StoredFile
from rental.customers.models import BillingAccount
from rental.customers.rules import PriceMode

_IS_OWED = text("balance > 0")


class CompanyProfile(Base):
    """Who issues our invoices, as it stands on them. At most one row; without it nothing is billed."""

    __tablename__ = "company_profile"
    __table_args__ = (CheckConstraint("id = 1", name="single_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, default=1)
    name: Mapped[str] = mapped_column(String(100))
    registration_number: Mapped[str] = mapped_column(String(14))
    postal_code: Mapped[str | None] = mapped_column(String(8))
    address: Mapped[str] = mapped_column(String(400))
    phone: Mapped[str | None] = mapped_column(String(20))
    email: Mapped[str | None] = mapped_column(String(254))
    bank_account: Mapped[str] = mapped_column(String(400))
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class BillingLimits(Base):
    """Up to where documents are made without a second look, as the company decided (`rules.bounds.Limits`).
    At most one row; without it the limits are those we come with."""

    __tablename__ = "billing_limits"
    __table_args__ = (CheckConstraint("id = 1", name="single_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, default=1)
    document: Mapped[Money | None]
    times: Mapped[int | None]
    times_from: Mapped[Money]
    lines: Mapped[int]
    run: Mapped[Money | None]
    months_back: Mapped[int]
    grace_days: Mapped[int]
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class BillingSchedule(Base):
    """When a line is due next: an index to find work by, never proof that something was billed."""

    __tablename__ = "billing_schedule"
    __audited__ = False

    contract_line_id: Mapped[UUID] = mapped_column(ForeignKey(Line.id), primary_key=True)
    next_due_on: Mapped[date] = mapped_column(index=True)
    billed_through: Mapped[date | None]


class BillingRun(Base):
    """One closing. How far it is follows from the states of its items.

    While it is stopped, awaits the approval of somebody else than `asked_by_id` (nobody when the machinery
    opened it), or its invoices are drafts until a day, no further part of it is begun.
    """

    __tablename__ = "billing_run"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    closed_on: Mapped[date] = mapped_column(unique=True)
    opened_at: Mapped[datetime]
    opened_by: Mapped[str] = mapped_column(String(200))
    chunk_count: Mapped[int] = mapped_column(default=0, info={"derived": True})
    stopped_at: Mapped[datetime | None]
    stopped_by: Mapped[str | None] = mapped_column(String(200))
    awaits_approval: Mapped[bool] = mapped_column(default=False)
    asked_by_id: Mapped[UUID | None]
    approved_by: Mapped[str | None] = mapped_column(String(200))
    drafts_until: Mapped[date | None]

    @property
    def is_held_up(self) -> bool:
        """Whether no further part of it may be begun."""
        return self.stopped_at is not None or self.awaits_approval or self.drafts_until is not None


class BillingItem(Base):
    """One account to be billed in one run. `reason_code`: why it is parked or held, or has no invoice.

    `asked_by_id` is the person who asked for it to be billed; who approved it, and up to which total of a
    document, is kept until it is asked for again.
    """

    __tablename__ = "billing_item"
    __audited__ = False
    __table_args__ = (
        UniqueConstraint("billing_run_id", "billing_account_id"),
        CheckConstraint(
            "(state = 'todo' AND finished_at IS NULL) OR "
            "(state <> 'todo' AND finished_at IS NOT NULL "
            "AND (invoice_id IS NOT NULL OR reason_code IS NOT NULL))",
            name="finished_for_a_reason",
        ),
        Index("ix_billing_item_of_chunk", "billing_run_id", "chunk"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    billing_run_id: Mapped[UUID] = mapped_column(ForeignKey(BillingRun.id))
    billing_account_id: Mapped[UUID] = mapped_column(ForeignKey(BillingAccount.id), index=True)
    chunk: Mapped[int]
    state: Mapped[ItemState] = mapped_column(text_enum(ItemState), default=ItemState.TODO)
    reason_code: Mapped[str | None] = mapped_column(String(120))
    reason_params: Mapped[dict[str, Any] | None]
    contract_id: Mapped[UUID | None] = mapped_column(ForeignKey(Contract.id))
    invoice_id: Mapped[UUID | None] = mapped_column(ForeignKey("invoice.id"))
    finished_at: Mapped[datetime | None]
    asked_by_id: Mapped[UUID | None]
    approved_total: Mapped[Money | None]
    approved_by: Mapped[str | None] = mapped_column(String(200))

    run: Mapped[BillingRun] = relationship()
    billing_account: Mapped[BillingAccount] = relationship()
    contract: Mapped[Contract | None] = relationship()


class ClosingExclusion(Base):
    """That an account is left out of one closing, and why. The next closing asks for what it owes."""

    __tablename__ = "closing_exclusion"
    __table_args__ = (
        UniqueConstraint("billing_account_id", "closed_on"),
        CheckConstraint("reason <> ''", name="for_a_reason"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    billing_account_id: Mapped[UUID] = mapped_column(ForeignKey(BillingAccount.id))
    closed_on: Mapped[date] = mapped_column(index=True)
    reason: Mapped[str] = mapped_column(String(200))
    excluded_at: Mapped[datetime]
    excluded_by: Mapped[str] = mapped_column(String(200))

    billing_account: Mapped[BillingAccount] = relationship()


class Invoice(Base):
    """An issued invoice: numbered, never edited. `snapshot` is everything that stands on it, `period_end` the
    day after the last one it charges, `balance` what of the total is still owed."""

    __tablename__ = "invoice"
    __audited__ = False  # written in bulk; the run records each by name
    __table_args__ = (
        CheckConstraint("total = subtotal + tax", name="total_adds_up"),
        CheckConstraint("total >= 0", name="nothing_negative"),
        CheckConstraint("balance BETWEEN 0 AND total", name="balance_of_total"),
        CheckConstraint("period_end > period_start", name="ends_after_start"),
        CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_at_a_time"),
        CheckConstraint("(sent_at IS NULL) = (sent_by IS NULL)", name="sent_somehow"),
        Index("ix_invoice_of_account", "billing_account_id", "closed_on"),
        Index("ix_invoice_owed", "due_on", "id", sqlite_where=_IS_OWED, postgresql_where=_IS_OWED),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    billing_account_id: Mapped[UUID] = mapped_column(ForeignKey(BillingAccount.id))
    billing_run_id: Mapped[UUID] = mapped_column(ForeignKey(BillingRun.id), index=True)
    recipient_name: Mapped[str] = mapped_column(String(100))
    closed_on: Mapped[date]
    issued_on: Mapped[date] = mapped_column(index=True)
    due_on: Mapped[date] = mapped_column(index=True)
    period_start: Mapped[date]
    period_end: Mapped[date]
    subtotal: Mapped[Money]
    tax: Mapped[Money]
    total: Mapped[Money]
    balance: Mapped[Money] = mapped_column(server_default="0")
    tax_rounding: Mapped[Rounding] = mapped_column(text_enum(Rounding))
    charge_rounding: Mapped[Rounding] = mapped_column(text_enum(Rounding))
    price_mode: Mapped[PriceMode] = mapped_column(text_enum(PriceMode))
    snapshot: Mapped[dict[str, Any]]
    snapshot_sha256: Mapped[str] = mapped_column(String(64))
    finalised_at: Mapped[datetime]
    state: Mapped[InvoiceState] = mapped_column(text_enum(InvoiceState), default=InvoiceState.FINALISED)
    sent_at: Mapped[datetime | None]
    sent_by: Mapped[SendingWay | None] = mapped_column(text_enum(SendingWay))
    document_id: Mapped[UUID | None] = mapped_column(ForeignKey(StoredFile.id))

    billing_account: Mapped[BillingAccount] = relationship()
    billing_run: Mapped[BillingRun] = relationship()
    document: Mapped[StoredFile | None] = relationship()
    lines: Mapped[list["InvoiceLine"]] = relationship(order_by="InvoiceLine.position")


class InvoiceLine(Base):
    """One line. `description` and `formula` are the values its words and its sum are made of."""

    __tablename__ = "invoice_line"
    __audited__ = False
    __table_args__ = (
        UniqueConstraint("invoice_id", "position"),
        CheckConstraint("service_end > service_start", name="ends_after_start"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    invoice_id: Mapped[UUID] = mapped_column(ForeignKey(Invoice.id))
    position: Mapped[int]
    contract_line_id: Mapped[UUID] = mapped_column(ForeignKey(Line.id), index=True)
    description: Mapped[dict[str, Any]]
    quantity: Mapped[int]
    unit_price: Mapped[Money]
    amount: Mapped[Money]
    tax_class: Mapped[TaxClass] = mapped_column(text_enum(TaxClass))
    rate_bp: Mapped[int]
    service_start: Mapped[date]
    service_end: Mapped[date]
    formula: Mapped[dict[str, Any]]

    contract_line: Mapped[Line] = relationship()

    @property
    def last_on(self) -> date:
        """The last day it charges."""
        return self.service_end - timedelta(days=1)


class InvoiceTax(Base):
    """The amounts of one rate together, and their tax, rounded once."""

    __tablename__ = "invoice_tax"
    __audited__ = False

    invoice_id: Mapped[UUID] = mapped_column(ForeignKey(Invoice.id), primary_key=True)
    tax_class: Mapped[TaxClass] = mapped_column(text_enum(TaxClass), primary_key=True)
    rate_bp: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    base: Mapped[Money]
    tax: Mapped[Money]


class BillingClaim(Base):
    """That a period of a line was billed by an invoice: the first time as generation 0, then corrections."""

    __tablename__ = "billing_claim"
    __audited__ = False

    contract_line_id: Mapped[UUID] = mapped_column(ForeignKey(Line.id), primary_key=True)
    kind: Mapped[BillingKind] = mapped_column(text_enum(BillingKind), primary_key=True)
    period_start: Mapped[date] = mapped_column(primary_key=True)
    generation: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    period_end: Mapped[date]
    billing_run_id: Mapped[UUID] = mapped_column(ForeignKey(BillingRun.id))
    # Claimed before there is anything to claim it for: the invoice follows before the commit.
    invoice_id: Mapped[UUID] = mapped_column(
        ForeignKey(Invoice.id, deferrable=True, initially="DEFERRED"), index=True
    )


class BilledSegment(Base):
    """An entry of a line's ledger: a charge, or (with `reverses_id`) the taking back of one.

    `units` is how many each slot holds; `discount` names a discount, `about` what is paid for once. `rate_bp`
    is set where the rate was agreed, whatever holds on the day of supply. `slots` are those of a discount,
    which holds no days of its own.
    """

    __tablename__ = "billed_segment"
    __audited__ = False
    __table_args__ = (
        Index("ix_billed_segment_of_line", "contract_line_id", "period_end"),
        CheckConstraint("end_on > start_on", name="ends_after_start"),
        CheckConstraint("(sign = -1) = (reverses_id IS NOT NULL)", name="credit_of_a_charge"),
        CheckConstraint("sign IN (-1, 1)", name="charge_or_credit"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    contract_line_id: Mapped[UUID] = mapped_column(ForeignKey(Line.id))
    kind: Mapped[BillingKind] = mapped_column(text_enum(BillingKind))
    period_start: Mapped[date]
    period_end: Mapped[date]
    start_on: Mapped[date]
    end_on: Mapped[date]
    quantity: Mapped[int]
    units: Mapped[int] = mapped_column(default=1)
    monthly_fee: Mapped[Money]
    tax_class: Mapped[TaxClass] = mapped_column(text_enum(TaxClass))
    amount: Mapped[Money]
    full_amount: Mapped[Money]
    days: Mapped[int]
    of_days: Mapped[int]
    sign: Mapped[int]
    discount: Mapped[str] = mapped_column(String(100), default="")
    about: Mapped[str] = mapped_column(String(40), default="")
    rate_bp: Mapped[int | None]
    slots: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    reverses_id: Mapped[UUID | None] = mapped_column(ForeignKey("billed_segment.id"), unique=True)
    invoice_line_id: Mapped[UUID] = mapped_column(ForeignKey(InvoiceLine.id), index=True)


class UsageRecord(Base):
    """One reading of what was used; append-only. `external_id` is the name its sender knows it by, `subject`
    what is counted where every thing counts once."""

    __tablename__ = "usage_record"
    __audited__ = False  # they come by the thousand; the import records each file by name
    __table_args__ = (
        UniqueConstraint("contract_line_id", "external_id"),
        CheckConstraint("quantity >= 0", name="quantity_not_negative"),
        Index("ix_usage_record_of_line", "contract_line_id", "occurred_on"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    contract_line_id: Mapped[UUID] = mapped_column(ForeignKey(Line.id))
    external_id: Mapped[str] = mapped_column(String(100))
    occurred_on: Mapped[date]
    quantity: Mapped[int] = mapped_column(BigInteger)
    subject: Mapped[str] = mapped_column(String(100), default="")
    recorded_at: Mapped[datetime]


class BilledSpan(Base):
    """The days of one slot that a charge covers. Active ones of a slot and kind never share a day."""

    __tablename__ = "billed_span"
    __audited__ = False
    __table_args__ = (
        CheckConstraint("end_on > start_on", name="ends_after_start"),
        Index("ix_billed_span_of_slot", "slot_id", "kind", "start_on"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    slot_id: Mapped[UUID] = mapped_column(ForeignKey(Slot.id))
    kind: Mapped[BillingKind] = mapped_column(text_enum(BillingKind))
    start_on: Mapped[date]
    end_on: Mapped[date]
    is_active: Mapped[bool] = mapped_column(default=True)
    billed_segment_id: Mapped[UUID] = mapped_column(ForeignKey(BilledSegment.id), index=True)


class RecurringMovement(Base):
    """By how much the monthly revenue of a slot moved in a month (its first day), and what it was afterwards.

    Computed from the history of the contracts and written anew when that changes: figures, never books.
    """

    __tablename__ = "recurring_movement"
    __audited__ = False
    __table_args__ = (
        CheckConstraint("amount <> 0", name="moves_something"),
        CheckConstraint("revenue >= 0", name="never_below_nothing"),
    )

    slot_id: Mapped[UUID] = mapped_column(ForeignKey(Slot.id), primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True, index=True)
    movement: Mapped[Movement] = mapped_column(text_enum(Movement))
    amount: Mapped[Money]
    revenue: Mapped[Money]
