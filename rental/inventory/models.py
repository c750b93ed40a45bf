"""Units, the places they can be, how they got there, and the codes on their labels."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from rental.catalog.models import EquipmentModel
from rental.core.db import Base, text_enum
from rental.core.ids import new_id
from rental.core.money import Money
from rental.customers.models import Site
from rental.identity.models import Account
from rental.inventory.rules.holding import ReservationState
from rental.inventory.rules.label_lives import LabelCodeState
from rental.inventory.rules.unit_states import LocationKind, MovementKind, UnitState


class NumberingRule(Base):
    """How unit numbers are made from a day on: for one model, or, without a model, for all others.

    `reset_on` lists the tokens whose values scope the counter, separated by commas.
    """

    __tablename__ = "numbering_rule"
    __table_args__ = (UniqueConstraint("equipment_model_id", "valid_from"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    equipment_model_id: Mapped[UUID | None] = mapped_column(ForeignKey(EquipmentModel.id))
    pattern: Mapped[str] = mapped_column(String(80))
    company_code: Mapped[str] = mapped_column(String(10))
    branch_code: Mapped[str] = mapped_column(String(10), default="")
    reset_on: Mapped[str] = mapped_column(String(80))
    valid_from: Mapped[date]
    created_at: Mapped[datetime]

    equipment_model: Mapped[EquipmentModel | None] = relationship()


Index(
    "uq_numbering_rule_company_valid_from",
    NumberingRule.valid_from,
    unique=True,
    postgresql_where=NumberingRule.equipment_model_id.is_(None),
    sqlite_where=NumberingRule.equipment_model_id.is_(None),
)


class StockLocation(Base):
    """Any place a unit can be. A site's place names the site, a van its technician."""

    __tablename__ = "stock_location"
    __table_args__ = (
        CheckConstraint("(kind = 'site') = (site_id IS NOT NULL)", name="site_has_site"),
        CheckConstraint("technician_id IS NULL OR kind = 'van'", name="only_vans_have_technicians"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    code: Mapped[str] = mapped_column(String(30), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[LocationKind] = mapped_column(text_enum(LocationKind))
    warehouse: Mapped[str] = mapped_column(String(100), default="")
    site_id: Mapped[UUID | None] = mapped_column(ForeignKey(Site.id), unique=True)
    technician_id: Mapped[UUID | None] = mapped_column(ForeignKey(Account.id), index=True)
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    site: Mapped[Site | None] = relationship()
    technician: Mapped[Account | None] = relationship()


class Receipt(Base):
    """One delivery of one model: where it came from, and what a unit of it cost without tax."""

    __tablename__ = "receipt"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    equipment_model_id: Mapped[UUID] = mapped_column(ForeignKey(EquipmentModel.id), index=True)
    location_id: Mapped[UUID] = mapped_column(ForeignKey(StockLocation.id))
    supplier_name: Mapped[str] = mapped_column(String(100))
    delivery_note: Mapped[str] = mapped_column(String(60), default="")
    unit_cost: Mapped[Money | None]
    received_on: Mapped[date]
    received_at: Mapped[datetime] = mapped_column(index=True)
    unit_count: Mapped[int]

    equipment_model: Mapped[EquipmentModel] = relationship()
    location: Mapped[StockLocation] = relationship()


class Unit(Base):
    """One physical thing. Movement says where it was, UnitStep how it came so far; this row keeps the latest.

    `version` rises with every change, so that nobody moves a unit from where it is not any more.
    """

    __tablename__ = "unit"
    __table_args__ = (
        UniqueConstraint("equipment_model_id", "normalised_serial"),
        Index("ix_unit_free", "equipment_model_id", "state", "received_on", "id"),
        Index("ix_unit_by_location", "location_id", "tag"),
        Index("ix_unit_by_state", "state", "tag"),
        Index("ix_unit_by_receiving", "received_on", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    equipment_model_id: Mapped[UUID] = mapped_column(ForeignKey(EquipmentModel.id))
    receipt_id: Mapped[UUID] = mapped_column(ForeignKey(Receipt.id), index=True)
    serial_number: Mapped[str] = mapped_column(String(60))
    normalised_serial: Mapped[str] = mapped_column(String(60), index=True, info={"derived": True})
    tag: Mapped[str] = mapped_column(String(40), unique=True)
    state: Mapped[UnitState] = mapped_column(text_enum(UnitState))
    location_id: Mapped[UUID] = mapped_column(ForeignKey(StockLocation.id))
    received_on: Mapped[date]
    movement_count: Mapped[int] = mapped_column(default=0, info={"derived": True})
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    equipment_model: Mapped[EquipmentModel] = relationship()
    receipt: Mapped[Receipt] = relationship()
    location: Mapped[StockLocation] = relationship()


class Movement(Base):
    """One recorded change of place; the database refuses to change it. `seq` counts within the unit.

    `happened_at` is when a person did it, by their device; `recorded_at` is when we heard of it.
    """

    __tablename__ = "movement"
    __audited__ = False  # it is a ledger of its own
    __table_args__ = (
        UniqueConstraint("unit_id", "seq"),
        UniqueConstraint("op_id", "unit_id"),
        CheckConstraint("from_location_id <> to_location_id", name="goes_somewhere"),
        Index("ix_movement_to", "to_location_id", "recorded_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    unit_id: Mapped[UUID] = mapped_column(ForeignKey(Unit.id))
    seq: Mapped[int]
    kind: Mapped[MovementKind] = mapped_column(text_enum(MovementKind))
    from_location_id: Mapped[UUID] = mapped_column(ForeignKey(StockLocation.id))
    to_location_id: Mapped[UUID] = mapped_column(ForeignKey(StockLocation.id))
    happened_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[str] = mapped_column(String(200))
    op_id: Mapped[UUID]
    source: Mapped[str] = mapped_column(String(40), default="")
    note: Mapped[str] = mapped_column(String(500), default="")
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]

    from_location: Mapped[StockLocation] = relationship(foreign_keys=[from_location_id])
    to_location: Mapped[StockLocation] = relationship(foreign_keys=[to_location_id])


class UnitStep(Base):
    """One step of a unit's life; the first has no state before it."""

    __tablename__ = "unit_step"
    __audited__ = False  # the change of the unit's own row is
    __table_args__ = (Index("ix_unit_step_of_unit", "unit_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    unit_id: Mapped[UUID] = mapped_column(ForeignKey(Unit.id))
    from_state: Mapped[UnitState | None] = mapped_column(text_enum(UnitState))
    to_state: Mapped[UnitState] = mapped_column(text_enum(UnitState))
    happened_at: Mapped[datetime]
    actor_name: Mapped[str] = mapped_column(String(200))
    movement_id: Mapped[UUID | None] = mapped_column(ForeignKey(Movement.id))
    note: Mapped[str] = mapped_column(String(500), default="")


class Reservation(Base):
    """A unit held for a slot. `slot_id` is the id of a contract's slot, a later package's table."""

    __tablename__ = "reservation"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    unit_id: Mapped[UUID] = mapped_column(ForeignKey(Unit.id))
    slot_id: Mapped[UUID] = mapped_column()
    state: Mapped[ReservationState] = mapped_column(
        text_enum(ReservationState), default=ReservationState.HELD
    )
    reason: Mapped[str] = mapped_column(String(200), default="")
    held_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    unit: Mapped[Unit] = relationship()


_HELD = Reservation.state == ReservationState.HELD
Index(
    "uq_reservation_held_unit", Reservation.unit_id, unique=True, postgresql_where=_HELD, sqlite_where=_HELD
)
Index(
    "uq_reservation_held_slot", Reservation.slot_id, unique=True, postgresql_where=_HELD, sqlite_where=_HELD
)


class LabelCode(Base):
    """The eight symbols on a label. An identifier and not a secret; a revoked one is never used again."""

    __tablename__ = "label_code"
    __table_args__ = (
        CheckConstraint("(unit_id IS NULL) <> (location_id IS NULL)", name="one_thing"),
        CheckConstraint("(state = 'revoked') = (revoked_at IS NOT NULL)", name="revoked_has_time"),
    )

    code: Mapped[str] = mapped_column(String(8), primary_key=True)
    unit_id: Mapped[UUID | None] = mapped_column(ForeignKey(Unit.id), index=True)
    location_id: Mapped[UUID | None] = mapped_column(ForeignKey(StockLocation.id), index=True)
    state: Mapped[LabelCodeState] = mapped_column(text_enum(LabelCodeState), default=LabelCodeState.ACTIVE)
    issued_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(Text, default="")
    print_count: Mapped[int] = mapped_column(default=0)

    unit: Mapped[Unit | None] = relationship()
    location: Mapped[StockLocation | None] = relationship()


_ACTIVE = LabelCode.state == LabelCodeState.ACTIVE
Index(
    "uq_label_code_active_unit",
    LabelCode.unit_id,
    unique=True,
    postgresql_where=_ACTIVE,
    sqlite_where=_ACTIVE,
)
Index(
    "uq_label_code_active_location",
    LabelCode.location_id,
    unique=True,
    postgresql_where=_ACTIVE,
    sqlite_where=_ACTIVE,
)


class LabelPrint(Base):
    """One sheet of labels that was made: which format, how many, by whom."""

    __tablename__ = "label_print"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    format_key: Mapped[str] = mapped_column(String(40))
    label_count: Mapped[int] = mapped_column(BigInteger)
    start_position: Mapped[int]
    printed_at: Mapped[datetime]
    printed_by: Mapped[str] = mapped_column(String(200))
