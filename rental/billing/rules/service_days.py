"""Until which day a slot owes rent, and which days after it are an overrun (延滞)."""

from datetime import date, timedelta
from typing import NamedTuple

from rental.billing.rules.periods import day_in_month
from rental.billing.rules.refusals import NotBillable, Reason
from rental.catalog.rules import StopPolicy
from rental.core.periods import Period


class End(NamedTuple):
    """The first day that is not owed, None while nobody knows it; and the days that cost the overrun price.

    While a unit that should have come back stands at the customer's, `overrun` holds the days so far.
    """

    end: date | None
    overrun: Period | None = None


def end_of_rent(
    policy: StopPolicy,
    *,
    as_of: date,
    started_on: date,
    agreed_on: date | None = None,
    retrieved_on: date | None = None,
    retrieval_day_counts: bool = True,
) -> End:
    """When rent ends. `agreed_on` is the last day agreed, of the contract or of a notice; None without one.

    A unit that comes back before the agreed end owes rent until then, unless rent ends with the month in
    which it came back. A unit that is kept longer than agreed owes rent on, or the overrun price where the
    agreed end counts. Raises NotBillable when it would have ended before it began.
    """
    if retrieved_on is not None and retrieved_on < started_on:
        raise NotBillable("retrieved_on", Reason.ENDS_BEFORE_START, start=started_on, end=retrieved_on)
    if agreed_on is not None and agreed_on < started_on:
        raise NotBillable("agreed_on", Reason.ENDS_BEFORE_START, start=started_on, end=agreed_on)
    agreed_end = agreed_on + timedelta(days=1) if agreed_on else None
    returned = retrieved_on + timedelta(days=retrieval_day_counts) if retrieved_on else None
    match policy:
        case StopPolicy.CONTRACT_END:
            return End(agreed_end)
        case StopPolicy.RETRIEVAL:
            if returned is None:
                return End(None)
            return End(max(returned, agreed_end or returned))
        case StopPolicy.MONTH_END:
            return End(day_in_month(retrieved_on, 1, months_later=1) if retrieved_on else None)
        case StopPolicy.AGREED_END:
            until = returned or as_of
            overrun = Period(agreed_end, until) if agreed_end and agreed_end < until else None
            return End(agreed_end, overrun)
