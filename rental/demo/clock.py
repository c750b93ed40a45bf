"""The demo company lives on a day of its own, so that its story is true on any day."""

from datetime import date

from rental.core.business_date import BusinessDate
from rental.core.uow import UnitOfWork


def pin_business_date(uow: UnitOfWork, day: date) -> None:
    """From now on `uow.today` is this day. Sign-in, leases and audit keep the real clock."""
    pinned = uow.session.get(BusinessDate, 1)
    if pinned is None:
        uow.session.add(BusinessDate(id=1, pinned_on=day))
    else:
        pinned.pinned_on = day
    uow.session.flush()
