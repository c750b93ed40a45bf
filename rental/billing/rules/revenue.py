"""In which month the amount of an invoice line is earned, to the yen (期間按分)."""

from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from itertools import takewhile
from typing import NamedTuple

from rental.billing.rules.allocation import by_largest_remainder
from rental.billing.rules.periods import BillingCycle
from rental.billing.rules.refusals import NotBillable, Reason
from rental.core.money import Money
from rental.core.periods import Period

_MONTHS = BillingCycle.calendar(date(2000, 1, 1))


class RevenueRule(StrEnum):
    """When an amount is earned: day by day, in equal months, at once, or as it is used.

    Straight-line is for the hardware part of a lease: all its rent over all its days, free ones included.
    """

    OVER_TIME_DAILY = "over_time_daily"
    OVER_TIME_MONTHLY = "over_time_monthly"
    POINT_IN_TIME = "point_in_time"
    USAGE = "usage"
    LEASE_STRAIGHT_LINE = "lease_straight_line"


class Earned(NamedTuple):
    """What is earned in the month that begins on this day."""

    month: date
    amount: Money


def revenue_schedule(amount: Money, service: Period, rule: RevenueRule) -> list[Earned]:
    """The months of a line with what each earns; together exactly the amount.

    Until a day of `service`, day by day means the whole yen of the amount for the days gone; a month is the
    difference to the one before. In equal months the rest of a yen falls into the last. What is earned at a
    point in time, or was used, belongs to the month in which the service began.
    """
    months = _months_of(service)
    match rule:
        case RevenueRule.OVER_TIME_DAILY | RevenueRule.LEASE_STRAIGHT_LINE:
            return _by_days(amount, service, months)
        case RevenueRule.OVER_TIME_MONTHLY:
            each = amount.share(1, of=len(months))
            last = amount - each * (len(months) - 1)
            amounts = [*[each] * (len(months) - 1), last]
            return [Earned(month.start, part) for month, part in zip(months, amounts, strict=True)]
        case RevenueRule.POINT_IN_TIME | RevenueRule.USAGE:
            return [Earned(months[0].start, amount)]


def lease_schedule(rents: Sequence[Money], service: Period) -> list[Earned]:
    """The rents of a whole non-cancellable term, free months among them, earned evenly over its days."""
    return revenue_schedule(sum(rents, Money(0)), service, RevenueRule.LEASE_STRAIGHT_LINE)


def still_deferred(schedule: Sequence[Earned], *, after_month: date) -> Money:
    """What is earned only after this month: the contract liability (前受収益) at its end."""
    return sum((each.amount for each in schedule if each.month > after_month), Money(0))


def bundle_shares(price: Money, alone: Mapping[str, Money]) -> dict[str, Money]:
    """The price of a bundle over its parts, by what each would cost alone."""
    weights = [amount.minor_units for amount in alone.values()]
    return dict(zip(alone, by_largest_remainder(price, weights), strict=True))


def credited(schedule: Sequence[Earned], credit: Money, *, closed_month: date) -> list[Earned]:
    """What a credit does to a schedule: corrections to add, per month, with their sign.

    It takes from what is not earned yet, the last month first. What is left lowers the first open month,
    for closed ones stay as they are; `closed_month` is the last of them. Raises NotBillable for a credit
    above the amount.
    """
    if credit < Money(0):
        raise NotBillable("credit", Reason.NEGATIVE, value=credit.minor_units)
    if credit > sum((each.amount for each in schedule), Money(0)):
        raise NotBillable("credit", Reason.MORE_THAN_HELD, value=credit.minor_units)
    left, found = credit, []
    for month, amount in reversed([each for each in schedule if each.month > closed_month]):
        taken = min(left, amount)
        if taken:
            found.append(Earned(month, -taken))
            left -= taken
    if left:
        found.append(Earned(_MONTHS.period_of(closed_month).end, -left))
    return sorted(found)


def _by_days(amount: Money, service: Period, months: Sequence[Period]) -> list[Earned]:
    earned, before = [], Money(0)
    for month in months:
        until = amount.share(service.overlap_days(service.start, month.end), of=service.days)
        earned.append(Earned(month.start, until - before))
        before = until
    return earned


def _months_of(service: Period) -> list[Period]:
    return list(takewhile(lambda month: month.start < service.end, _MONTHS.periods_from(service.start)))
