"""Contracts, what they promise line by line and slot by slot, and which unit kept the promise when."""

from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from rental.catalog.models import EquipmentModel, RatePlanVersion
from rental.catalog.rules import StartPolicy, StopPolicy, TaxClass
from rental.contracts.rules import (
    ContractState,
    LineEventKind,
    PlacementReason,
    RenewalPolicy,
    SlotState,
)
from rental.core.db import Base, text_enum
from rental.core.ids import new_id
from rental.core.money import Money
from rental.customers.models import BillingAccount, Customer, Site
from rental.inventory.models import Movement, Unit


class Contract(Base):
    """An agreement with a customer. `monthly_fee` and `slot_count` are sums over its lines, for lists."""

    __tablename__ = "contract"
    __table_args__ = (
        Index("ix_contract_by_state", "state", "number"),
        CheckConstraint("(state = 'active') = (effective_on IS NOT NULL)", name="active_from_a_day"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    customer_id: Mapped[UUID] = mapped_column(ForeignKey(Customer.id), index=True)
    billing_account_id: Mapped[UUID] = mapped_column(ForeignKey(BillingAccount.id), index=True)
    state: Mapped[ContractState] = mapped_column(text_enum(ContractState), default=ContractState.DRAFT)
    effective_on: Mapped[date | None]
    wanted_on: Mapped[date]
    monthly_fee: Mapped[Money] = mapped_column(info={"derived": True})
    slot_count: Mapped[int] = mapped_column(info={"derived": True})
    note: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    customer: Mapped[Customer] = relationship()
    billing_account: Mapped[BillingAccount] = relationship()
    terms: Mapped[list["Term"]] = relationship(back_populates="contract", order_by="Term.sequence")
    lines: Mapped[list["Line"]] = relationship(back_populates="contract", order_by="Line.position")


class Term(Base):
    """One agreed span; a renewal adds another. `starts_on` is unknown until the contract is active.

    `ends_on` is the first day after the term.
    """

    __tablename__ = "term"
    __table_args__ = (
        UniqueConstraint("contract_id", "sequence"),
        CheckConstraint("months BETWEEN 1 AND 120", name="months_in_ten_years"),
        CheckConstraint("(starts_on IS NULL) = (ends_on IS NULL)", name="both_days_or_none"),
        CheckConstraint("ends_on > starts_on", name="ends_after_start"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    contract_id: Mapped[UUID] = mapped_column(ForeignKey(Contract.id))
    sequence: Mapped[int]
    months: Mapped[int]
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None] = mapped_column(index=True)
    renewal: Mapped[RenewalPolicy] = mapped_column(text_enum(RenewalPolicy))
    notice_days: Mapped[int]

    contract: Mapped[Contract] = relationship(back_populates="terms")

    @property
    def last_on(self) -> date | None:
        """The last day of the term, once it is known."""
        return self.ends_on - timedelta(days=1) if self.ends_on else None


class Line(Base):
    """A commercial row: so many units of a model at a site, at this fee, with policies as agreed."""

    __tablename__ = "contract_line"
    __table_args__ = (
        UniqueConstraint("contract_id", "position"),
        CheckConstraint("quantity >= 1", name="at_least_one"),
        CheckConstraint("monthly_fee >= 0", name="fee_not_negative"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    contract_id: Mapped[UUID] = mapped_column(ForeignKey(Contract.id))
    position: Mapped[int]
    equipment_model_id: Mapped[UUID] = mapped_column(ForeignKey(EquipmentModel.id), index=True)
    rate_plan_version_id: Mapped[UUID] = mapped_column(ForeignKey(RatePlanVersion.id))
    quantity: Mapped[int]
    monthly_fee: Mapped[Money]
    tax_class: Mapped[TaxClass] = mapped_column(text_enum(TaxClass))
    start_policy: Mapped[StartPolicy] = mapped_column(text_enum(StartPolicy))
    stop_policy: Mapped[StopPolicy] = mapped_column(text_enum(StopPolicy))
    trial_days: Mapped[int]

    contract: Mapped[Contract] = relationship(back_populates="lines")
    equipment_model: Mapped[EquipmentModel] = relationship()
    rate_plan_version: Mapped[RatePlanVersion] = relationship()
    slots: Mapped[list["Slot"]] = relationship(back_populates="line", order_by="Slot.position")


class Slot(Base):
    """One billable position of a line at one site. `started_on` is its first billable day."""

    __tablename__ = "slot"
    __table_args__ = (
        UniqueConstraint("contract_line_id", "position"),
        CheckConstraint("(state = 'in_service') = (started_on IS NOT NULL)", name="in_service_from_a_day"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    contract_line_id: Mapped[UUID] = mapped_column(ForeignKey(Line.id))
    site_id: Mapped[UUID] = mapped_column(ForeignKey(Site.id), index=True)
    position: Mapped[int]
    state: Mapped[SlotState] = mapped_column(text_enum(SlotState), default=SlotState.PLANNED)
    started_on: Mapped[date | None]
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    line: Mapped[Line] = relationship(back_populates="slots")
    site: Mapped[Site] = relationship()
    placements: Mapped[list["Placement"]] = relationship(
        back_populates="slot", order_by="Placement.placed_at"
    )


class Placement(Base):
    """Which unit filled a slot, from when until when; no end while it is there."""

    __tablename__ = "placement"
    __table_args__ = (CheckConstraint("removed_at > placed_at", name="ends_after_start"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    slot_id: Mapped[UUID] = mapped_column(ForeignKey(Slot.id), index=True)
    unit_id: Mapped[UUID] = mapped_column(ForeignKey(Unit.id), index=True)
    placed_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]
    reason: Mapped[PlacementReason] = mapped_column(text_enum(PlacementReason))
    install_movement_id: Mapped[UUID] = mapped_column(ForeignKey(Movement.id), unique=True)

    slot: Mapped[Slot] = relationship(back_populates="placements")
    unit: Mapped[Unit] = relationship()


_OPEN = Placement.removed_at.is_(None)
Index("uq_placement_open_slot", Placement.slot_id, unique=True, postgresql_where=_OPEN, sqlite_where=_OPEN)
Index("uq_placement_open_unit", Placement.unit_id, unique=True, postgresql_where=_OPEN, sqlite_where=_OPEN)


class LineEvent(Base):
    """A dated fact that changes what a line owes; append-only. `source_id` is what caused it."""

    __tablename__ = "line_event"
    __table_args__ = (UniqueConstraint("contract_line_id", "effective_on", "seq"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    contract_line_id: Mapped[UUID] = mapped_column(ForeignKey(Line.id))
    slot_id: Mapped[UUID | None] = mapped_column(ForeignKey(Slot.id), index=True)
    effective_on: Mapped[date]
    seq: Mapped[int]
    kind: Mapped[LineEventKind] = mapped_column(text_enum(LineEventKind))
    source: Mapped[str] = mapped_column(String(40))
    source_id: Mapped[UUID | None]
    recorded_at: Mapped[datetime]


class ContractStep(Base):
    """One step of a contract's life; the first has no state before it."""

    __tablename__ = "contract_step"
    __audited__ = False  # the change of the contract's own row is
    __table_args__ = (Index("ix_contract_step_of_contract", "contract_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    contract_id: Mapped[UUID] = mapped_column(ForeignKey(Contract.id))
    from_state: Mapped[ContractState | None] = mapped_column(text_enum(ContractState))
    to_state: Mapped[ContractState] = mapped_column(text_enum(ContractState))
    happened_at: Mapped[datetime]
    actor_name: Mapped[str] = mapped_column(String(200))
    note: Mapped[str] = mapped_column(String(500), default="")
