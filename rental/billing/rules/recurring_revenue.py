"""Monthly recurring revenue (MRR) and what moved it, so that the movements always add up."""

from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from rental.billing.rules.discounts import LineDiscount
from rental.billing.rules.refusals import NotBillable, Reason
from rental.billing.rules.segments import FeeHistory, Span
from rental.billing.rules.tax import WHOLE
from rental.core.money import Money, Rounding
from rental.core.periods import Period

# What each slot or customer brings in a month.
Revenue = Mapping[UUID, Money]


class Movement(StrEnum):
    """Why recurring revenue is another than before."""

    NEW = "new"
    EXPANSION = "expansion"
    CONTRACTION = "contraction"
    CHURN = "churn"
    REACTIVATION = "reactivation"


class Moved(NamedTuple):
    """One movement of one slot or customer, with its sign."""

    of: UUID
    movement: Movement
    amount: Money


def monthly(amount: Money, months: int) -> Money:
    """A recurring amount of so many months as the amount of one, half a yen up."""
    if months < 1:
        raise NotBillable("months", Reason.OUT_OF_RANGE, value=months)
    return amount.share(1, of=months, rounding=Rounding.HALF_UP)


def revenue_of_slots(
    spans: Iterable[Span], fees: FeeHistory, *, on: date, discounts: Iterable[LineDiscount] = ()
) -> dict[UUID, Money]:
    """What each slot of a line brings a month, seen on a day; those that pause or have ended bring nothing.

    Discounts by the hundred lower it while they last. One-off charges and usage are no part of it. An
    amount off the line belongs to the line and not to a slot: take it off with `less_amounts`.
    """
    percent = sum(each.basis_points for each in discounts if each.days.contains(on))
    today = Period(on, date.fromordinal(on.toordinal() + 1))
    found: dict[UUID, Money] = {}
    for slot_id, start, end, units in spans:
        if start <= on and (end is None or on < end):
            ((_, fee),) = fees.of(slot_id).during(today)
            full = fee * units
            off = full.share(min(percent, WHOLE), of=WHOLE, rounding=Rounding.HALF_UP)
            found[slot_id] = full - off
    return {slot_id: amount for slot_id, amount in found.items() if amount}


def less_amounts(revenue: Money, discounts: Iterable[LineDiscount], *, on: date, months: int = 1) -> Money:
    """The revenue of a line less its discounts of an amount a period; never below nothing."""
    off = sum((each.amount for each in discounts if each.days.contains(on)), Money(0))
    return max(Money(0), revenue - monthly(off, months))


def movements(before: Revenue, now: Revenue, *, known: Iterable[UUID] = ()) -> list[Moved]:
    """What moved between two ends of month, in the order of the ids.

    `known` are those that brought something at some time before, so that coming back is told from coming.
    """
    returning = set(known)
    found = []
    for each in sorted(before.keys() | now.keys()):
        was, is_now = before.get(each, Money(0)), now.get(each, Money(0))
        if was == is_now:
            continue
        if not was:
            movement = Movement.REACTIVATION if each in returning else Movement.NEW
        elif not is_now:
            movement = Movement.CHURN
        else:
            movement = Movement.EXPANSION if is_now > was else Movement.CONTRACTION
        found.append(Moved(each, movement, is_now - was))
    return found


def sum_by_movement(moved: Iterable[Moved]) -> dict[Movement, Money]:
    """Each movement with its sum; together they are the change of the recurring revenue."""
    sums = dict.fromkeys(Movement, Money(0))
    for each in moved:
        sums[each.movement] += each.amount
    return sums
