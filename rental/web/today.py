"""Today, for what a page shows."""

from datetime import date

from rental.core.business_date import pinned_business_date
from rental.core.clock import day_of
from rental.core.db import reading
from rental.core.runtime import runtime
from rental.web.guards import signed_in


def today() -> date:
    """The business day of this request."""
    current = runtime()
    return pinned_day() or day_of(current.clock.now(), current.zone)


def pinned_day() -> date | None:
    """The day a demo company stands still on, or None when the calendar rules."""
    person = signed_in()
    return person.pinned_on if person else pinned_business_date(reading())
