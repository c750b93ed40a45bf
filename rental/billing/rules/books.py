"""What the books of the company refuse."""

from datetime import date

from rental.core.errors import Conflict


class MonthNotOver(Conflict):
    """A month can only be closed when nothing more can happen in it."""

    code = "billing.month_not_over"
    field = "month"

    def __init__(self, *, month: date, today: date) -> None:
        super().__init__(month=month, today=today)


def require_over(month: date, *, today: date) -> None:
    """Raises MonthNotOver for a month (its first day) that has days to come, today among them."""
    if month >= today.replace(day=1):
        raise MonthNotOver(month=month, today=today)
