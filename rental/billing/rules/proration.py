"""What a part of a billing period costs, and the sum with which a customer can check it."""

from dataclasses import dataclass
from enum import StrEnum

from rental.core.money import Money, Rounding
from rental.core.periods import Period

DAYS_OF_A_FIXED_MONTH = 30


class Proration(StrEnum):
    """How the days of a part are charged; a whole period always costs the whole fee."""

    ACTUAL = "actual"
    FIXED30 = "fixed30"
    FULL = "full"
    FREE = "free"


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
    if used == period:
        return Share(full, period.days, period.days)

    match mode:
        case Proration.ACTUAL:
            return Share(full, used.days, period.days)
        case Proration.FIXED30:
            divisor = DAYS_OF_A_FIXED_MONTH * months
            return Share(full, min(used.days, divisor), divisor)
        case Proration.FULL:
            return Share(full, period.days, period.days)
        case Proration.FREE:
            return Share(full, 0, period.days)
