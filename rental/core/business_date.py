"""The day the company's books say it is: the calendar's, or one that a loaded demo company pins."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import CheckConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from rental.core.clock import day_of
from rental.core.db import Base


class BusinessDate(Base):
    """At most one row; while it is there, its day is today for every business rule."""

    __tablename__ = "business_date"
    __table_args__ = (CheckConstraint("id = 1", name="single_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, default=1)
    pinned_on: Mapped[date]


# The pinned day, to be read along with something else.
PINNED_ON = select(BusinessDate.pinned_on).scalar_subquery()


def pinned_business_date(session: Session) -> date | None:
    """The pinned day, or None when the calendar rules."""
    return session.scalar(select(BusinessDate.pinned_on))


def business_today(session: Session, now: datetime, zone: ZoneInfo) -> date:
    """Today for every business rule: the pinned day, else the calendar's in the company's zone."""
    return pinned_business_date(session) or day_of(now, zone)
