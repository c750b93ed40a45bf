"""What a line owes, found the slow way: every slot is asked on every day. Shares no step with the rules."""

from datetime import date, timedelta
from fractions import Fraction
from math import ceil, floor
from typing import NamedTuple
from uuid import UUID

from rental.billing.rules.rater import RentedLine
from rental.catalog.rules import Proration
from rental.core.money import Rounding
from rental.core.periods import Period


class Owed(NamedTuple):
    """Yen for the days from the first to the last, both owed."""

    first: date
    last: date
    slots: frozenset[UUID]
    fee: int
    amount: int


def owed_in(line: RentedLine, period: Period) -> set[Owed]:
    """What the line owes for one period."""
    all_days = [period.start + timedelta(days=n) for n in range((period.end - period.start).days)]
    stretches: dict[tuple[date, date, int], set[UUID]] = {}
    for slot_id in {span.slot_id for span in line.spans}:
        own = _stretches(line, slot_id, all_days)
        for stretch in own[-1:] if line.proration is Proration.FULL else own:
            if line.proration is not Proration.FREE or _serves(line, slot_id, all_days):
                stretches.setdefault(stretch, set()).add(slot_id)

    owed = set()
    for (first, last, fee), slots in stretches.items():
        used = (last - first).days + 1
        amount = _amount(line, fee * len(slots) * line.cycle.months, used, len(all_days))
        if amount:
            owed.add(Owed(first, last, frozenset(slots), fee, amount))
    return owed


def _stretches(line: RentedLine, slot_id: UUID, all_days: list[date]) -> list[tuple[date, date, int]]:
    found: list[tuple[date, date, int]] = []
    for day in all_days:
        if not _in_service(line, slot_id, day):
            continue
        fee = _fee(line, day)
        if found and found[-1][1] == day - timedelta(days=1) and found[-1][2] == fee:
            found[-1] = (found[-1][0], day, fee)
        else:
            found.append((day, day, fee))
    return found


def _serves(line: RentedLine, slot_id: UUID, days: list[date]) -> bool:
    return all(_in_service(line, slot_id, day) for day in days)


def _in_service(line: RentedLine, slot_id: UUID, day: date) -> bool:
    return any(
        span.slot_id == slot_id and span.start <= day and (span.end is None or day < span.end)
        for span in line.spans
    )


def _fee(line: RentedLine, day: date) -> int:
    latest, fee = date.min, line.fees.at_first
    for change in line.fees.changes:
        if latest <= change.effective_on <= day:
            latest, fee = change.effective_on, change.monthly_fee
    return fee.minor_units


def _amount(line: RentedLine, full: int, used: int, all_days: int) -> int:
    if used == all_days or line.proration is Proration.FULL:
        return full
    fixed = line.proration is Proration.FIXED30
    divisor = 30 * line.cycle.months if fixed else all_days
    exact = Fraction(full * used, divisor)
    rounded = {
        Rounding.DOWN: floor(exact),
        Rounding.UP: ceil(exact),
        Rounding.HALF_UP: floor(exact + Fraction(1, 2)),
    }
    return min(full, rounded[line.rounding])
