"""Contracts, what they promise line by line and slot by slot, and which unit kept the promise when."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from rental.catalog.models import EquipmentModel, RatePlanVersion
from rental.catalog.rules import (
    AnchorKind,
    Cost,
    Proration,
    StartPolicy,
    StopPolicy,
    StubPolicy,
    TaxClass,
    Timing,
)
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
    """An agreement with a customer. `monthly_fee`, as agreed for today, and `slot_count` are sums over its
    lines, for lists.

    `ends_on` is the first day after it, once notice was given.
    """

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
    ends_on: Mapped[date | None]
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

    @property
    def last_on(self) -> date | None:
        """The last day of the contract, once notice was given."""
        return self.ends_on - timedelta(days=1) if self.ends_on else None


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
    line_terms: Mapped["LineTerms | None"] = relationship(viewonly=True)
    slots: Mapped[list["Slot"]] = relationship(back_populates="line", order_by="Slot.position")


class LineTerms(Base):
    """What was agreed about a line beyond a plain monthly rent. A line without a row is a plain one: by the
    month of the account's closing day, in arrears, by actual days.

    `anchored_on` is the day from which periods are counted; unknown until rent begins, unless one was agreed.
    With `period_days`, periods have so many days instead of months. A proration that is NULL follows the
    first one. `rate_bp` overrides the rate of the tax class. `usage` says how usage is priced, `leaving` what
    it costs to leave before the minimum term, both in the words of the rules.
    """

    __tablename__ = "line_terms"
    __table_args__ = (
        CheckConstraint("months IN (1, 2, 3, 6, 12)", name="months_of_a_period"),
        CheckConstraint("period_days >= 1", name="days_of_a_period"),
        CheckConstraint("lead_days >= 0", name="lead_not_negative"),
        CheckConstraint("overrun_fee >= 0", name="overrun_not_negative"),
    )

    contract_line_id: Mapped[UUID] = mapped_column(ForeignKey(Line.id), primary_key=True)
    anchor: Mapped[AnchorKind] = mapped_column(text_enum(AnchorKind), default=AnchorKind.CLOSING)
    anchored_on: Mapped[date | None]
    months: Mapped[int] = mapped_column(default=1)
    period_days: Mapped[int | None]
    timing: Mapped[Timing] = mapped_column(text_enum(Timing), default=Timing.ARREARS)
    lead_days: Mapped[int] = mapped_column(default=0)
    stub: Mapped[StubPolicy] = mapped_column(text_enum(StubPolicy), default=StubPolicy.SHORT)
    proration: Mapped[Proration] = mapped_column(text_enum(Proration), default=Proration.ACTUAL)
    stop_proration: Mapped[Proration | None] = mapped_column(text_enum(Proration))
    change_proration: Mapped[Proration | None] = mapped_column(text_enum(Proration))
    retrieval_day_counts: Mapped[bool] = mapped_column(default=True)
    rate_bp: Mapped[int | None]
    cuts_at_rate_changes: Mapped[bool] = mapped_column(default=False)
    overrun_fee: Mapped[Money | None]
    usage: Mapped[dict[str, Any] | None]
    leaving: Mapped[dict[str, Any] | None]
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class LineDiscount(Base):
    """What is taken off a line: hundredths of a per cent, or an amount a period; never changed, and deleted
    only with a draft's terms.

    From `starts_on`, where it is not NULL, until the day before `ends_on`; or for so many periods from the
    first day of rent.
    """

    __tablename__ = "line_discount"
    __table_args__ = (
        UniqueConstraint("contract_line_id", "name"),
        CheckConstraint("basis_points BETWEEN 0 AND 10000", name="part_of_the_whole"),
        CheckConstraint("amount >= 0", name="amount_not_negative"),
        CheckConstraint("ends_on > starts_on", name="ends_after_start"),
        CheckConstraint("periods >= 1", name="periods_at_least_one"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    contract_line_id: Mapped[UUID] = mapped_column(ForeignKey(Line.id))
    name: Mapped[str] = mapped_column(String(100))
    basis_points: Mapped[int] = mapped_column(default=0)
    amount: Mapped[Money]
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None]
    periods: Mapped[int | None]


class LineAnchor(Base):
    """From which day the time of a line is cut in another way; append-only.

    With `restarts` the day may lie inside a period, which ends there and still costs its whole fee.
    """

    __tablename__ = "line_anchor"

    contract_line_id: Mapped[UUID] = mapped_column(ForeignKey(Line.id), primary_key=True)
    since: Mapped[date] = mapped_column(primary_key=True)
    kind: Mapped[AnchorKind] = mapped_column(text_enum(AnchorKind))
    anchored_on: Mapped[date]
    restarts: Mapped[bool]
    reason: Mapped[str] = mapped_column(String(500))
    recorded_at: Mapped[datetime]


class AgreedCost(Base):
    """What is paid for once when it happens, at what price: the initial cost, delivery, removal and the like.

    Prices are in millionths of a yen.
    """

    __tablename__ = "agreed_cost"
    __table_args__ = (CheckConstraint("unit_price_millionths >= 0", name="price_not_negative"),)

    contract_line_id: Mapped[UUID] = mapped_column(ForeignKey(Line.id), primary_key=True)
    cost: Mapped[Cost] = mapped_column(text_enum(Cost), primary_key=True)
    unit_price_millionths: Mapped[int] = mapped_column(BigInteger)
    tax_class: Mapped[TaxClass] = mapped_column(text_enum(TaxClass))


class Slot(Base):
    """One billable position of a line at one site. `started_on` is its first billable day, `ended_on` the
    first one after its unit came back for good."""

    __tablename__ = "slot"
    __table_args__ = (
        UniqueConstraint("contract_line_id", "position"),
        CheckConstraint(
            "(state IN ('in_service', 'closed')) = (started_on IS NOT NULL)", name="in_service_from_a_day"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    contract_line_id: Mapped[UUID] = mapped_column(ForeignKey(Line.id))
    site_id: Mapped[UUID] = mapped_column(ForeignKey(Site.id), index=True)
    position: Mapped[int]
    state: Mapped[SlotState] = mapped_column(text_enum(SlotState), default=SlotState.PLANNED)
    started_on: Mapped[date | None]
    ended_on: Mapped[date | None]
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
    """A dated fact that changes what a line owes; append-only. `source_id` is what caused it.

    `effective_on` is the first day on which it counts: a stop names the first day that is not owed. Without a
    slot it concerns all of them. `value` is the fee of a price event in yen, and the units of a slot for a
    start or a quantity. A mistake is put right by an event that replaces the wrong one, named by its day and
    its place among those of that day.
    """

    __tablename__ = "line_event"
    __table_args__ = (
        UniqueConstraint("contract_line_id", "effective_on", "seq"),
        Index("uq_line_event_replaced", "contract_line_id", "replaces_on", "replaces_seq", unique=True),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    contract_line_id: Mapped[UUID] = mapped_column(ForeignKey(Line.id))
    slot_id: Mapped[UUID | None] = mapped_column(ForeignKey(Slot.id), index=True)
    effective_on: Mapped[date]
    seq: Mapped[int]
    kind: Mapped[LineEventKind] = mapped_column(text_enum(LineEventKind))
    value: Mapped[int | None] = mapped_column(BigInteger)
    replaces_on: Mapped[date | None]
    replaces_seq: Mapped[int | None]
    source: Mapped[str] = mapped_column(String(40))
    source_id: Mapped[UUID | None]
    reason: Mapped[str] = mapped_column(String(500), default="")
    recorded_at: Mapped[datetime]


class OneOff(Base):
    """Something that happened on a day and is paid for once; append-only.

    One that `replaces_id` another takes it back; with no quantity nothing takes its place.
    """

    __tablename__ = "one_off"
    __table_args__ = (
        CheckConstraint("quantity >= 0", name="quantity_not_negative"),
        CheckConstraint("unit_price_millionths >= 0", name="price_not_negative"),
        CheckConstraint("quantity >= 1 OR replaces_id IS NOT NULL", name="nothing_in_place_of_something"),
        UniqueConstraint("replaces_id"),
        UniqueConstraint("contract_line_id", "slot_id", "cost", "source_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    contract_line_id: Mapped[UUID] = mapped_column(ForeignKey(Line.id), index=True)
    slot_id: Mapped[UUID | None] = mapped_column(ForeignKey(Slot.id), index=True)
    happened_on: Mapped[date]
    cost: Mapped[Cost] = mapped_column(text_enum(Cost))
    unit_price_millionths: Mapped[int] = mapped_column(BigInteger)
    quantity: Mapped[int]
    tax_class: Mapped[TaxClass] = mapped_column(text_enum(TaxClass))
    replaces_id: Mapped[UUID | None] = mapped_column(ForeignKey("one_off.id"))
    source: Mapped[str] = mapped_column(String(40))
    source_id: Mapped[UUID]
    reason: Mapped[str] = mapped_column(String(500), default="")
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
