"""Which months of the books still take entries."""

from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from rental.billing.book_models import ClosedMonth


def last_closed(session: Session) -> date | None:
    """The first day of the last month that takes no further entry; the ones before it take none either."""
    return session.scalar(select(func.max(ClosedMonth.month)))


def open_day(session: Session, meant: date) -> date:
    """The day an entry is booked on: the one that is meant, or the first one that is open after it."""
    closed = last_closed(session)
    return max(meant, month_after(closed)) if closed else meant


def month_after(month: date) -> date:
    """The first day of the month that follows."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)
