"""Jobs to do, trips that do them, and everything a person on site told us."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from rental.catalog.models import EquipmentModel
from rental.contracts.models import Contract, Slot
from rental.core.db import Base, text_enum
from rental.core.ids import new_id
from rental.core.stored_files import StoredFile
from rental.customers.models import Site
from rental.fieldwork.rules import (
    BlockReason,
    CommandStatus,
    ConflictOutcome,
    ItemState,
    PhotoKind,
    VisitState,
    WorkOrderKind,
    WorkOrderState,
)
from rental.identity.models import Account
from rental.inventory.models import Unit


class Visit(Base):
    """One trip of one technician to one site. `starts_at` is minutes after midnight, if a time was agreed."""

    __tablename__ = "visit"
    __table_args__ = (
        Index("ix_visit_of_day", "technician_id", "planned_on", "starts_at"),
        CheckConstraint("starts_at BETWEEN 0 AND 1439", name="starts_within_a_day"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey(Site.id), index=True)
    technician_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id))
    planned_on: Mapped[date] = mapped_column(index=True)
    starts_at: Mapped[int | None]
    state: Mapped[VisitState] = mapped_column(text_enum(VisitState), default=VisitState.PLANNED)
    departed_at: Mapped[datetime | None]
    arrived_at: Mapped[datetime | None]
    left_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    site: Mapped[Site] = relationship()
    technician: Mapped[Account] = relationship()
    work_orders: Mapped[list["WorkOrder"]] = relationship(back_populates="visit", order_by="WorkOrder.number")


class WorkOrder(Base):
    """A job to do at one site. `revision` rises with every change; a phone says which one it saw.

    `follows_id` names the job whose rest this one does.
    """

    __tablename__ = "work_order"
    __table_args__ = (
        Index("ix_work_order_by_state", "state", "wanted_on", "number"),
        CheckConstraint("(state = 'blocked') = (block_reason IS NOT NULL)", name="blocked_has_reason"),
        CheckConstraint("minutes BETWEEN 0 AND 1440", name="minutes_in_a_day"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    kind: Mapped[WorkOrderKind] = mapped_column(text_enum(WorkOrderKind))
    contract_id: Mapped[UUID] = mapped_column(ForeignKey(Contract.id), index=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey(Site.id), index=True)
    state: Mapped[WorkOrderState] = mapped_column(text_enum(WorkOrderState), default=WorkOrderState.DRAFT)
    wanted_on: Mapped[date]
    minutes: Mapped[int]
    visit_id: Mapped[UUID | None] = mapped_column(ForeignKey(Visit.id), index=True)
    follows_id: Mapped[UUID | None] = mapped_column(ForeignKey("work_order.id"))
    block_reason: Mapped[BlockReason | None] = mapped_column(text_enum(BlockReason))
    opened_at: Mapped[datetime]
    finished_at: Mapped[datetime | None] = mapped_column(index=True)
    revision: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": revision}  # noqa: RUF012

    contract: Mapped[Contract] = relationship()
    site: Mapped[Site] = relationship()
    visit: Mapped[Visit | None] = relationship(back_populates="work_orders")
    items: Mapped[list["WorkOrderItem"]] = relationship(
        back_populates="work_order", order_by="WorkOrderItem.position"
    )


class WorkOrderItem(Base):
    """One slot that the job is to fill, and the unit scanned for it."""

    __tablename__ = "work_order_item"
    __table_args__ = (
        UniqueConstraint("work_order_id", "position"),
        CheckConstraint(
            "state NOT IN ('scanned', 'installed') OR unit_id IS NOT NULL", name="scanned_has_unit"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    work_order_id: Mapped[UUID] = mapped_column(ForeignKey(WorkOrder.id))
    position: Mapped[int]
    slot_id: Mapped[UUID] = mapped_column(ForeignKey(Slot.id), index=True)
    equipment_model_id: Mapped[UUID] = mapped_column(ForeignKey(EquipmentModel.id))
    state: Mapped[ItemState] = mapped_column(text_enum(ItemState), default=ItemState.OPEN)
    unit_id: Mapped[UUID | None] = mapped_column(ForeignKey(Unit.id), index=True)
    scanned_at: Mapped[datetime | None]

    work_order: Mapped[WorkOrder] = relationship(back_populates="items")
    slot: Mapped[Slot] = relationship()
    equipment_model: Mapped[EquipmentModel] = relationship()
    unit: Mapped[Unit | None] = relationship()


_TO_DO = WorkOrderItem.state.in_((ItemState.OPEN, ItemState.SCANNED))
Index(
    "uq_work_order_item_to_do",
    WorkOrderItem.slot_id,
    unique=True,
    postgresql_where=_TO_DO,
    sqlite_where=_TO_DO,
)


class WorkOrderStep(Base):
    """One step of a job's life; the first has no state before it."""

    __tablename__ = "work_order_step"
    __audited__ = False  # the change of the job's own row is
    __table_args__ = (Index("ix_work_order_step_of_order", "work_order_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    work_order_id: Mapped[UUID] = mapped_column(ForeignKey(WorkOrder.id))
    from_state: Mapped[WorkOrderState | None] = mapped_column(text_enum(WorkOrderState))
    to_state: Mapped[WorkOrderState] = mapped_column(text_enum(WorkOrderState))
    happened_at: Mapped[datetime]
    actor_name: Mapped[str] = mapped_column(String(200))
    note: Mapped[str] = mapped_column(String(500), default="")


class FieldDevice(Base):
    """A phone, or a browser session that sends forms, and the last command we have of it."""

    __tablename__ = "field_device"
    __audited__ = False

    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), primary_key=True)
    device: Mapped[str] = mapped_column(String(64), primary_key=True)
    last_seq: Mapped[int] = mapped_column(BigInteger)


class FieldCommand(Base):
    """Something a person on site told us, and what became of it; never changed.

    `device_at` is the phone's clock, `received_at` ours; `base_revision` is what the phone saw of the job.
    """

    __tablename__ = "field_command"
    __audited__ = False  # it is a ledger of its own
    __table_args__ = (
        UniqueConstraint("account_id", "device", "seq"),
        ForeignKeyConstraint(["account_id", "device"], ["field_device.account_id", "field_device.device"]),
        Index("ix_field_command_of_order", "work_order_id", "received_at"),
        Index("ix_field_command_by_status", "status", "received_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id))
    device: Mapped[str] = mapped_column(String(64))
    seq: Mapped[int] = mapped_column(BigInteger)
    type: Mapped[str] = mapped_column(String(40))
    work_order_id: Mapped[UUID]
    payload: Mapped[dict[str, Any]]
    base_revision: Mapped[int | None]
    body_hash: Mapped[str] = mapped_column(String(64))
    device_at: Mapped[datetime]
    received_at: Mapped[datetime]
    status: Mapped[CommandStatus] = mapped_column(text_enum(CommandStatus))
    result: Mapped[dict[str, Any]]

    account: Mapped[Account] = relationship()
    decision: Mapped["ConflictDecision | None"] = relationship(back_populates="command")


class ConflictDecision(Base):
    """What the office made of a command in conflict; never changed. Without an account no person decided."""

    __tablename__ = "conflict_decision"

    command_id: Mapped[UUID] = mapped_column(ForeignKey(FieldCommand.id), primary_key=True)
    outcome: Mapped[ConflictOutcome] = mapped_column(text_enum(ConflictOutcome))
    note: Mapped[str] = mapped_column(Text, default="")
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey(Account.id))
    decided_by: Mapped[str] = mapped_column(String(200))
    decided_at: Mapped[datetime]

    command: Mapped[FieldCommand] = relationship(back_populates="decision")


class WorkOrderPhoto(Base):
    """A photo taken for a job."""

    __tablename__ = "work_order_photo"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    work_order_id: Mapped[UUID] = mapped_column(ForeignKey(WorkOrder.id), index=True)
    file_id: Mapped[UUID] = mapped_column(ForeignKey(StoredFile.id))
    kind: Mapped[PhotoKind] = mapped_column(text_enum(PhotoKind))
    taken_at: Mapped[datetime]
    taken_by: Mapped[str] = mapped_column(String(200))

    file: Mapped[StoredFile] = relationship()


class WorkOrderNote(Base):
    """A note written on site."""

    __tablename__ = "work_order_note"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    work_order_id: Mapped[UUID] = mapped_column(ForeignKey(WorkOrder.id), index=True)
    text: Mapped[str] = mapped_column(Text)
    written_at: Mapped[datetime]
    written_by: Mapped[str] = mapped_column(String(200))
