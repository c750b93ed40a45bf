"""Equipment models with their skills, and rate plans with their versions by date."""

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from rental.catalog.rules import OfferState, StartPolicy, StopPolicy, TaxClass
from rental.core.db import Base, text_enum
from rental.core.ids import new_id
from rental.core.money import Money
from rental.core.stored_files import StoredFile


class Skill(Base):
    """Something a technician must be able to do, such as plumbing."""

    __tablename__ = "skill"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class EquipmentModel(Base):
    """A product we can rent. `category` is the short code that stands in our numbers for such machines."""

    __tablename__ = "equipment_model"
    __table_args__ = (
        CheckConstraint("install_minutes BETWEEN 0 AND 1440", name="install_minutes_in_a_day"),
        CheckConstraint("repair_minutes BETWEEN 0 AND 1440", name="repair_minutes_in_a_day"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    search_name: Mapped[str] = mapped_column(String(400), info={"derived": True})
    maker: Mapped[str] = mapped_column(String(100))
    category: Mapped[str] = mapped_column(String(10))
    state: Mapped[OfferState] = mapped_column(text_enum(OfferState), default=OfferState.OFFERED)
    install_minutes: Mapped[int]
    repair_minutes: Mapped[int]
    purchase_price: Mapped[Money | None]
    litres: Mapped[int | None]
    weight_grams: Mapped[int | None]
    photo_id: Mapped[UUID | None] = mapped_column(ForeignKey(StoredFile.id))
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    photo: Mapped[StoredFile | None] = relationship()
    skill_rows: Mapped[list["EquipmentModelSkill"]] = relationship(
        cascade="all, delete-orphan", lazy="selectin", order_by="EquipmentModelSkill.skill_id"
    )


class EquipmentModelSkill(Base):
    """Whoever installs this model must be able to do this."""

    __tablename__ = "equipment_model_skill"

    equipment_model_id: Mapped[UUID] = mapped_column(ForeignKey(EquipmentModel.id), primary_key=True)
    skill_id: Mapped[UUID] = mapped_column(ForeignKey(Skill.id), primary_key=True)

    skill: Mapped[Skill] = relationship(lazy="joined")


class RatePlan(Base):
    """A way to rent one equipment model; what it costs stands in its versions."""

    __tablename__ = "rate_plan"
    __table_args__ = (UniqueConstraint("equipment_model_id", "code"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    equipment_model_id: Mapped[UUID] = mapped_column(ForeignKey(EquipmentModel.id))
    code: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(100))
    state: Mapped[OfferState] = mapped_column(text_enum(OfferState), default=OfferState.OFFERED)
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    equipment_model: Mapped[EquipmentModel] = relationship()
    versions: Mapped[list["RatePlanVersion"]] = relationship(
        back_populates="rate_plan", order_by="RatePlanVersion.valid_from"
    )


class RatePlanVersion(Base):
    """What a plan costs and how it runs from a day on, until the next. Never changed: contracts name it.

    `trial_days` is 0 unless rent starts after a trial.
    """

    __tablename__ = "rate_plan_version"
    __table_args__ = (
        UniqueConstraint("rate_plan_id", "valid_from"),
        CheckConstraint("monthly_fee >= 0", name="fee_not_negative"),
        CheckConstraint("minimum_months BETWEEN 0 AND 120", name="minimum_months_in_ten_years"),
        CheckConstraint("(start_policy = 'after_trial') = (trial_days > 0)", name="trial_has_days"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    rate_plan_id: Mapped[UUID] = mapped_column(ForeignKey(RatePlan.id))
    valid_from: Mapped[date]
    monthly_fee: Mapped[Money]
    tax_class: Mapped[TaxClass] = mapped_column(text_enum(TaxClass))
    start_policy: Mapped[StartPolicy] = mapped_column(text_enum(StartPolicy))
    stop_policy: Mapped[StopPolicy] = mapped_column(text_enum(StopPolicy))
    trial_days: Mapped[int] = mapped_column(default=0)
    minimum_months: Mapped[int]

    rate_plan: Mapped[RatePlan] = relationship(back_populates="versions")
