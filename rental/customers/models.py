"""Customers, whom we talk to there, who is sent the invoices, and the sites where units stand."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Double, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from rental.core.db import Base, text_enum
from rental.core.ids import new_id
from rental.core.money import Rounding
from rental.customers.rules import (
    Consolidation,
    CustomerKind,
    HolidayRule,
    Position,
    PositionSource,
    PriceMode,
    SiteState,
    Window,
    has_right_check_digit,
)


class Customer(Base):
    """Who rents. Without a registration number the customer is no qualified issuer, or has not told it."""

    __tablename__ = "customer"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    name_kana: Mapped[str] = mapped_column(String(200))
    search_name: Mapped[str] = mapped_column(String(1000), info={"derived": True})
    kind: Mapped[CustomerKind] = mapped_column(text_enum(CustomerKind))
    registration_number: Mapped[str | None] = mapped_column(String(14), index=True)
    note: Mapped[str] = mapped_column(String(2000))
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    @property
    def has_doubtful_registration_number(self) -> bool:
        """Whether the check digit contradicts the others: legal for a sole proprietor, and worth a look."""
        return self.registration_number is not None and not has_right_check_digit(self.registration_number)


class Contact(Base):
    """Somebody at the customer's whom we talk to. At most one of them is asked first."""

    __tablename__ = "contact"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    customer_id: Mapped[UUID] = mapped_column(ForeignKey(Customer.id), index=True)
    name: Mapped[str] = mapped_column(String(100))
    name_kana: Mapped[str] = mapped_column(String(200))
    department: Mapped[str] = mapped_column(String(100))
    title: Mapped[str] = mapped_column(String(100))
    email: Mapped[str | None] = mapped_column(String(254))
    phone: Mapped[str | None] = mapped_column(String(20))
    is_primary: Mapped[bool]
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    customer: Mapped[Customer] = relationship()


Index(
    "uq_contact_primary",
    Contact.customer_id,
    unique=True,
    postgresql_where=Contact.is_primary,
    sqlite_where=Contact.is_primary,
)


class BillingAccount(Base):
    """To whom invoices are addressed and when they are due. Day 31 is the last day of any month.

    No e-mail means that the invoices go by post. Whether prices hold the tax is agreed when the account is
    opened, and stays: every fee agreed since means it (ADR 0040).
    """

    __tablename__ = "billing_account"
    __table_args__ = (
        CheckConstraint("closing_day BETWEEN 1 AND 31", name="closing_day_of_a_month"),
        CheckConstraint("term_months BETWEEN 0 AND 6", name="term_of_half_a_year"),
        CheckConstraint("pay_day BETWEEN 1 AND 31", name="pay_day_of_a_month"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    customer_id: Mapped[UUID] = mapped_column(ForeignKey(Customer.id), index=True)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    postal_code: Mapped[str | None] = mapped_column(String(8))
    address: Mapped[str] = mapped_column(String(400))
    closing_day: Mapped[int]
    term_months: Mapped[int]
    pay_day: Mapped[int]
    holiday_rule: Mapped[HolidayRule] = mapped_column(text_enum(HolidayRule))
    tax_rounding: Mapped[Rounding] = mapped_column(text_enum(Rounding))
    charge_rounding: Mapped[Rounding] = mapped_column(text_enum(Rounding))
    price_mode: Mapped[PriceMode] = mapped_column(
        text_enum(PriceMode), default=PriceMode.EXCLUSIVE, server_default=PriceMode.EXCLUSIVE.value
    )
    consolidation: Mapped[Consolidation] = mapped_column(
        text_enum(Consolidation),
        default=Consolidation.PER_ACCOUNT,
        server_default=Consolidation.PER_ACCOUNT.value,
    )
    email: Mapped[str | None] = mapped_column(String(254))
    note: Mapped[str] = mapped_column(String(2000))
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    customer: Mapped[Customer] = relationship()

    @property
    def holds_tax(self) -> bool:
        """Whether the prices agreed with it hold the tax."""
        return self.price_mode is PriceMode.INCLUSIVE


class Site(Base):
    """A place of the customer where units stand. Without a position nobody has found it on the map yet.

    The precision is the radius in metres within which the point is right; none was given with a point that
    somebody entered. Sites without opening hours are visited at any time.
    """

    __tablename__ = "site"
    __table_args__ = (
        CheckConstraint(
            "(latitude IS NULL) = (longitude IS NULL) AND (latitude IS NULL) = (position_source IS NULL)"
            " AND (latitude IS NOT NULL OR position_precision_m IS NULL)",
            name="position_whole",
        ),
        CheckConstraint(
            "latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180", name="position_on_earth"
        ),
        CheckConstraint("position_precision_m >= 0", name="precision_is_a_radius"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    customer_id: Mapped[UUID] = mapped_column(ForeignKey(Customer.id), index=True)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    name_kana: Mapped[str] = mapped_column(String(200))
    search_name: Mapped[str] = mapped_column(String(1000), info={"derived": True})
    postal_code: Mapped[str | None] = mapped_column(String(8))
    prefecture: Mapped[str] = mapped_column(String(10))
    city: Mapped[str] = mapped_column(String(100))
    street: Mapped[str] = mapped_column(String(200))
    building: Mapped[str] = mapped_column(String(200))
    normalised_address: Mapped[str] = mapped_column(String(1000), index=True, info={"derived": True})
    latitude: Mapped[float | None] = mapped_column(Double)
    longitude: Mapped[float | None] = mapped_column(Double)
    position_source: Mapped[PositionSource | None] = mapped_column(text_enum(PositionSource))
    position_precision_m: Mapped[int | None]
    phone: Mapped[str | None] = mapped_column(String(20))
    access_note: Mapped[str] = mapped_column(String(2000))
    entrance_code: Mapped[str | None] = mapped_column(String(100), info={"secret": True})
    state: Mapped[SiteState] = mapped_column(text_enum(SiteState), default=SiteState.ACTIVE)
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    customer: Mapped[Customer] = relationship()
    hours: Mapped[list["SiteHours"]] = relationship(
        cascade="all, delete-orphan", order_by="SiteHours.weekday, SiteHours.opens"
    )

    @property
    def address(self) -> str:
        """The address on one line, without the building."""
        return f"{self.prefecture}{self.city}{self.street}"

    @property
    def position(self) -> Position | None:
        if self.latitude is None or self.longitude is None:
            return None
        return Position(self.latitude, self.longitude)

    def windows_on(self, weekday: int) -> tuple[Window, ...]:
        """When the site may be visited on this weekday, 0 being Monday, earliest first."""
        return tuple(Window(row.opens, row.closes) for row in self.hours if row.weekday == weekday)


class SiteHours(Base):
    """One window of one weekday in which a site may be visited, in minutes after midnight. 0 is Monday."""

    __tablename__ = "site_hours"
    __table_args__ = (
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday_of_a_week"),
        CheckConstraint("opens >= 0 AND opens < closes AND closes <= 1440", name="window_within_a_day"),
    )

    site_id: Mapped[UUID] = mapped_column(ForeignKey(Site.id), primary_key=True)
    weekday: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    opens: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    closes: Mapped[int]
