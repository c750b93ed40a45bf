"""What arrived from customers, which invoices it settled, and what is held for them as a deposit."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from rental.billing.models import Invoice
from rental.billing.rules.deposits import DepositKind
from rental.billing.rules.payments import (
    REASON_MAX_LENGTH,
    REFERENCE_MAX_LENGTH,
    AllocationKind,
    PaymentMethod,
)
from rental.contracts.models import Contract
from rental.core.db import Base, text_enum
from rental.core.ids import new_id
from rental.core.money import Money
from rental.customers.models import BillingAccount

_IN_FORCE = text("reference IS NOT NULL AND taken_back_on IS NULL")


class Payment(Base):
    """Money that arrived, once, or what a credit note keeps. `unapplied` is what settles no invoice yet
    (前受金).

    `reference` is what the bank calls it, None where it says nothing; or the number of the credit note. Taken
    back (組戻し) it stays, with the day and the reason, and settles nothing any more.
    """

    __tablename__ = "payment"
    __table_args__ = (
        CheckConstraint("amount > 0", name="of_something"),
        CheckConstraint("unapplied BETWEEN 0 AND amount", name="unapplied_of_amount"),
        CheckConstraint("(taken_back_on IS NULL) = (taken_back_for IS NULL)", name="taken_back_for_a_reason"),
        CheckConstraint("taken_back_on IS NULL OR unapplied = 0", name="nothing_left_of_taken_back"),
        Index("ix_payment_of_account", "billing_account_id", "received_on"),
        Index(
            "uq_payment_in_force",
            "method",
            "reference",
            unique=True,
            sqlite_where=_IN_FORCE,
            postgresql_where=_IN_FORCE,
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    billing_account_id: Mapped[UUID] = mapped_column(ForeignKey(BillingAccount.id))
    received_on: Mapped[date] = mapped_column(index=True)
    amount: Mapped[Money]
    unapplied: Mapped[Money]
    method: Mapped[PaymentMethod] = mapped_column(text_enum(PaymentMethod))
    reference: Mapped[str | None] = mapped_column(String(REFERENCE_MAX_LENGTH))
    recorded_at: Mapped[datetime]
    taken_back_on: Mapped[date | None]
    taken_back_for: Mapped[str | None] = mapped_column(String(REASON_MAX_LENGTH))

    billing_account: Mapped[BillingAccount] = relationship()
    allocations: Mapped[list["Allocation"]] = relationship(back_populates="payment", order_by="Allocation.id")

    @property
    def is_kept_credit(self) -> bool:
        return self.method is PaymentMethod.CREDIT_NOTE


class DepositEntry(Base):
    """One movement of the deposit of a contract (保証金); `balance` is what is held after it."""

    __tablename__ = "deposit_entry"
    __table_args__ = (
        UniqueConstraint("contract_id", "position"),
        CheckConstraint("amount > 0", name="of_something"),
        CheckConstraint("balance >= 0", name="never_below_nothing"),
        CheckConstraint("position > 0", name="counted_from_one"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    contract_id: Mapped[UUID] = mapped_column(ForeignKey(Contract.id))
    position: Mapped[int]
    kind: Mapped[DepositKind] = mapped_column(text_enum(DepositKind))
    amount: Mapped[Money]
    balance: Mapped[Money]
    entered_on: Mapped[date]
    recorded_at: Mapped[datetime]

    contract: Mapped[Contract] = relationship()


class Allocation(Base):
    """What of an invoice was settled, and by what (消込). Taken back it stays, with the day."""

    __tablename__ = "allocation"
    __table_args__ = (
        CheckConstraint("amount > 0", name="of_something"),
        CheckConstraint(
            "(kind = 'deposit') = (deposit_entry_id IS NOT NULL) "
            "AND (payment_id IS NULL) = (deposit_entry_id IS NOT NULL)",
            name="of_one_source",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    invoice_id: Mapped[UUID] = mapped_column(ForeignKey(Invoice.id), index=True)
    payment_id: Mapped[UUID | None] = mapped_column(ForeignKey(Payment.id), index=True)
    deposit_entry_id: Mapped[UUID | None] = mapped_column(ForeignKey(DepositEntry.id), unique=True)
    kind: Mapped[AllocationKind] = mapped_column(text_enum(AllocationKind))
    amount: Mapped[Money]
    allocated_on: Mapped[date]
    taken_back_on: Mapped[date | None]

    invoice: Mapped[Invoice] = relationship()
    payment: Mapped[Payment | None] = relationship(back_populates="allocations")
    deposit_entry: Mapped[DepositEntry | None] = relationship()

    @property
    def means(self) -> AllocationKind | PaymentMethod:
        """What settles it, in a word."""
        return PaymentMethod.CREDIT_NOTE if self.payment and self.payment.is_kept_credit else self.kind
