"""Bases, what technicians can do and when they work, and the routes planned for them."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Double, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from rental.catalog.models import Skill
from rental.core.db import Base, text_enum
from rental.core.ids import new_id
from rental.core.money import Money
from rental.customers.models import Site
from rental.dispatch.rules import Absence, CureKind, LeftOutReason, PlanFailure, PlanState
from rental.fieldwork.models import Visit, WorkOrder
from rental.identity.models import Account


class OperatingBase(Base):
    """A house of the company from which vans start and to which they come back."""

    __tablename__ = "operating_base"
    __table_args__ = (
        CheckConstraint(
            "latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180", name="position_on_earth"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    latitude: Mapped[float] = mapped_column(Double)
    longitude: Mapped[float] = mapped_column(Double)
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class Technician(Base):
    """Somebody with the role, as planning knows them: where they start, what an hour of them costs.

    `max_overtime` is in minutes. Who is not active is planned for no more.
    """

    __tablename__ = "technician"
    __table_args__ = (
        CheckConstraint("hourly_cost >= 0", name="cost_not_negative"),
        CheckConstraint("max_overtime BETWEEN 0 AND 240", name="overtime_of_a_day"),
    )

    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), primary_key=True)
    base_id: Mapped[UUID] = mapped_column(ForeignKey(OperatingBase.id), index=True)
    hourly_cost: Mapped[Money]
    max_overtime: Mapped[int]
    is_active: Mapped[bool]
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    account: Mapped[Account] = relationship()
    base: Mapped[OperatingBase] = relationship()
    skill_rows: Mapped[list["TechnicianSkill"]] = relationship(
        cascade="all, delete-orphan", order_by="TechnicianSkill.skill_id"
    )
    shifts: Mapped[list["Shift"]] = relationship(cascade="all, delete-orphan", order_by="Shift.weekday")
    days_off: Mapped[list["DayOff"]] = relationship(cascade="all, delete-orphan", order_by="DayOff.off_on")

    def shift_on(self, day: date) -> "Shift | None":
        """When the technician works on this weekday, if at all."""
        return next((shift for shift in self.shifts if shift.weekday == day.weekday()), None)

    def is_off(self, day: date) -> bool:
        return any(each.off_on == day for each in self.days_off)


class TechnicianSkill(Base):
    """How well a technician can do something: 1 is enough to be sent, 3 can teach it."""

    __tablename__ = "technician_skill"
    __table_args__ = (CheckConstraint("level BETWEEN 1 AND 3", name="level_of_three"),)

    account_id: Mapped[UUID] = mapped_column(ForeignKey(Technician.account_id), primary_key=True)
    skill_id: Mapped[UUID] = mapped_column(ForeignKey(Skill.id), primary_key=True)
    level: Mapped[int]

    skill: Mapped[Skill] = relationship()


class Shift(Base):
    """When a technician works on one weekday, 0 being Monday, in minutes after midnight.

    The break starts from `break_from` until `break_until`; without one its minutes are 0.
    """

    __tablename__ = "shift"
    __table_args__ = (
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday_of_a_week"),
        CheckConstraint("starts >= 0 AND starts < ends AND ends <= 1440", name="shift_within_a_day"),
        CheckConstraint(
            "break_minutes = 0 OR (break_minutes BETWEEN 1 AND 120 AND starts <= break_from"
            " AND break_from <= break_until AND break_until + break_minutes <= ends)",
            name="break_within_shift",
        ),
    )

    account_id: Mapped[UUID] = mapped_column(ForeignKey(Technician.account_id), primary_key=True)
    weekday: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    starts: Mapped[int]
    ends: Mapped[int]
    break_minutes: Mapped[int]
    break_from: Mapped[int]
    break_until: Mapped[int]


class DayOff(Base):
    """A day on which a technician does not work."""

    __tablename__ = "day_off"

    account_id: Mapped[UUID] = mapped_column(ForeignKey(Technician.account_id), primary_key=True)
    off_on: Mapped[date] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(String(200))


class RoutePlan(Base):
    """The routes of one day: asked for, worked out by a worker, looked at, and published.

    Times before `not_before`, in minutes after midnight, were over when it was asked for. `cost` and its
    parts in yen are there when a plan was found, `failure` when none was. `fault_count` is what the check
    found wrong: no plan with a fault is kept. `inputs_hash` says what the plan was made from.
    """

    __tablename__ = "route_plan"
    __table_args__ = (
        Index("ix_route_plan_of_day", "planned_on", "number"),
        CheckConstraint("seconds_allowed BETWEEN 1 AND 120", name="seconds_of_patience"),
        CheckConstraint("not_before BETWEEN 0 AND 1440", name="not_before_within_a_day"),
        CheckConstraint("(state = 'failed') = (failure IS NOT NULL)", name="failed_has_reason"),
        CheckConstraint(
            "state NOT IN ('draft', 'published', 'superseded')"
            " OR (cost IS NOT NULL AND inputs_hash IS NOT NULL AND fault_count = 0)",
            name="kept_was_checked",
        ),
        CheckConstraint("state <> 'published' OR published_at IS NOT NULL", name="published_at_known"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    number: Mapped[int] = mapped_column(unique=True)
    planned_on: Mapped[date]
    not_before: Mapped[int]
    state: Mapped[PlanState] = mapped_column(text_enum(PlanState), default=PlanState.REQUESTED)
    requested_by_id: Mapped[UUID | None] = mapped_column(ForeignKey(Account.id))
    requested_by: Mapped[str] = mapped_column(String(200))
    requested_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    published_at: Mapped[datetime | None]
    published_by: Mapped[str | None] = mapped_column(String(200))
    seconds_allowed: Mapped[int]
    inputs_hash: Mapped[str | None] = mapped_column(String(64))
    travel_source: Mapped[str | None] = mapped_column(String(100))
    cost: Mapped[Money | None]
    cost_parts: Mapped[dict[str, Any] | None]
    fault_count: Mapped[int | None]
    failure: Mapped[PlanFailure | None] = mapped_column(text_enum(PlanFailure))
    failure_detail: Mapped[str | None] = mapped_column(Text)
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    routes: Mapped[list["PlanRoute"]] = relationship(
        cascade="all, delete-orphan", order_by="PlanRoute.position"
    )
    stops: Mapped[list["PlanStop"]] = relationship(
        cascade="all, delete-orphan", order_by="PlanStop.technician_id, PlanStop.position"
    )
    left_out: Mapped[list["PlanLeftOut"]] = relationship(
        cascade="all, delete-orphan", order_by="PlanLeftOut.work_order_id"
    )

    @property
    def cost_of_routes(self) -> Money | None:
        """What the day costs when it is driven like this: without the value of what is left out."""
        if self.cost is None or self.cost_parts is None:
            return None
        return self.cost - Money(self.cost_parts["left_out"])


class PlanRoute(Base):
    """One technician's day in a plan, in minutes after midnight; or why they have none.

    Who is at work and goes nowhere has a shift, but neither `leaves` nor `returns`. The way home comes last.
    """

    __tablename__ = "plan_route"
    __table_args__ = (
        UniqueConstraint("route_plan_id", "position"),
        CheckConstraint("(absence IS NULL) = (shift_starts IS NOT NULL)", name="at_work_or_absent"),
    )

    route_plan_id: Mapped[UUID] = mapped_column(ForeignKey(RoutePlan.id), primary_key=True)
    technician_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), primary_key=True)
    position: Mapped[int]
    absence: Mapped[Absence | None] = mapped_column(text_enum(Absence))
    base_id: Mapped[UUID | None] = mapped_column(ForeignKey(OperatingBase.id))
    shift_starts: Mapped[int | None]
    shift_ends: Mapped[int | None]
    leaves: Mapped[int | None]
    returns: Mapped[int | None]
    break_starts: Mapped[int | None]
    break_ends: Mapped[int | None]
    home_minutes: Mapped[int]
    home_metres: Mapped[int]
    home_is_estimated: Mapped[bool] = mapped_column(default=False)

    technician: Mapped[Account] = relationship()
    base: Mapped[OperatingBase | None] = relationship()


class PlanStop(Base):
    """One visit of a route: everything to be done at one site. Times are minutes after midnight.

    `travel_is_estimated` where the road service had no answer for the way there.

    `visit_id` is the visit that was there before, and stays as it is, or the one made by publishing.
    """

    __tablename__ = "plan_stop"
    __table_args__ = (
        UniqueConstraint("route_plan_id", "technician_id", "position"),
        CheckConstraint("arrives <= starts AND starts <= ends", name="times_in_order"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    route_plan_id: Mapped[UUID] = mapped_column(ForeignKey(RoutePlan.id))
    technician_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id))
    position: Mapped[int]
    site_id: Mapped[UUID] = mapped_column(ForeignKey(Site.id))
    visit_id: Mapped[UUID | None] = mapped_column(ForeignKey(Visit.id))
    is_fixed: Mapped[bool]
    arrives: Mapped[int]
    waits: Mapped[int]
    starts: Mapped[int]
    ends: Mapped[int]
    travel_minutes: Mapped[int]
    travel_metres: Mapped[int]
    travel_is_estimated: Mapped[bool] = mapped_column(default=False)

    site: Mapped[Site] = relationship()
    technician: Mapped[Account] = relationship()
    visit: Mapped[Visit | None] = relationship()
    orders: Mapped[list["PlanStopOrder"]] = relationship(
        cascade="all, delete-orphan", order_by="PlanStopOrder.work_order_id"
    )


class PlanStopOrder(Base):
    """An order that a stop does, with the revision that the plan was made from."""

    __tablename__ = "plan_stop_order"

    plan_stop_id: Mapped[UUID] = mapped_column(ForeignKey(PlanStop.id), primary_key=True)
    work_order_id: Mapped[UUID] = mapped_column(ForeignKey(WorkOrder.id), primary_key=True)
    revision: Mapped[int]

    work_order: Mapped[WorkOrder] = relationship()


class PlanLeftOut(Base):
    """An order in no route, why, and the cheapest that would bring it in: what the plan then costs more."""

    __tablename__ = "plan_left_out"

    route_plan_id: Mapped[UUID] = mapped_column(ForeignKey(RoutePlan.id), primary_key=True)
    work_order_id: Mapped[UUID] = mapped_column(ForeignKey(WorkOrder.id), primary_key=True)
    reason: Mapped[LeftOutReason] = mapped_column(text_enum(LeftOutReason))
    cure: Mapped[CureKind | None] = mapped_column(text_enum(CureKind))
    cure_yen: Mapped[Money | None]
    cure_technician_id: Mapped[UUID | None] = mapped_column(ForeignKey(Account.id))
    cure_starts: Mapped[int | None]
    cure_minutes: Mapped[int | None]

    work_order: Mapped[WorkOrder] = relationship()
    cure_technician: Mapped[Account | None] = relationship()


class PlanProgress(Base):
    """How good the best plan was after so many milliseconds. Written while the search runs."""

    __tablename__ = "plan_progress"
    __audited__ = False

    route_plan_id: Mapped[UUID] = mapped_column(ForeignKey(RoutePlan.id), primary_key=True)
    milliseconds: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    cost: Mapped[Money]


class TravelPair(Base):
    """A way that a road service measured, in seconds and metres; the places as degrees to six decimals.

    `source` is the service, the version of its data and the profile. Kept so that nobody asks again.
    """

    __tablename__ = "travel_pair"
    __audited__ = False

    source: Mapped[str] = mapped_column(String(100), primary_key=True)
    from_place: Mapped[str] = mapped_column(String(24), primary_key=True)
    to_place: Mapped[str] = mapped_column(String(24), primary_key=True)
    seconds: Mapped[int]
    metres: Mapped[int]
    is_possible: Mapped[bool]
    measured_at: Mapped[datetime]
