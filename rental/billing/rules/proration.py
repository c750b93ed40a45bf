"""What a part of a billing period costs, and the sum with which a customer can check it."""

from dataclasses import dataclass
from typing import NamedTuple

from rental.catalog.rules import Proration
from rental.core.money import Money, Rounding
from rental.core.periods import Period

DAYS_OF_A_FIXED_MONTH = 30


class ProrationModes(NamedTuple):
    """How a part is charged that begins late, ends early, or is cut by a change of its terms.

    In Japan the first month is often charged by days and the last one whole (解約月は日割りなし).
    """

    start: Proration = Proration.ACTUAL
    stop: Proration = Proration.ACTUAL
    change: Proration = Proration.ACTUAL

    @classmethod
    def of(
        cls, start: Proration, stop: Proration | None = None, change: Proration | None = None
    ) -> "ProrationModes":
        """The modes agreed; what was not agreed follows the start. A change never makes a month free."""
        change = start if change is None else change
        return cls(
            start,
            start if stop is None else stop,
            Proration.ACTUAL if change is Proration.FREE else change,
        )


@dataclass(frozen=True, slots=True)
class Share:
    """`days` ÷ `of` × `full`: the sum behind an amount. Without a division the two counts are equal."""

    full: Money
    days: int
    of: int

    @property
    def is_whole(self) -> bool:
        """Whether all of `full` is owed, so that there is no sum to show."""
        return self.days == self.of

    def amount(self, rounding: Rounding) -> Money:
        """What is owed, rounded once, on the size of the amount."""
        return self.full.share(self.days, of=self.of, rounding=rounding)


def share_of_period(full: Money, period: Period, used: Period, mode: Proration, *, months: int = 1) -> Share:
    """What the days used owe of `full`, the price of the whole period of so many months.

    By actual days the period counts all its days, not only those left when the use began. By thirtieths
    every month has 30 days, and a part never costs more than the whole. Raises ValueError when `used` is
    not inside the period.
    """
    if used.start < period.start or used.end > period.end:
        raise ValueError(f"{used} is not inside {period}")
    return Share(full, *parts_of_fee(used.days, period.days, mode, months=months))


def parts_of_fee(days: int, of: int, mode: Proration, *, months: int = 1) -> tuple[int, int]:
    """How many of how many equal parts of the fee these days of a period of `of` days owe."""
    if days == of or mode is Proration.FULL:
        return of, of
    if mode is Proration.FREE:
        return 0, of
    if mode is Proration.FIXED30:
        return min(days, DAYS_OF_A_FIXED_MONTH * months), DAYS_OF_A_FIXED_MONTH * months
    return days, of
