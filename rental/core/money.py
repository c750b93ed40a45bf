"""Integer yen: an amount is a whole number of yen and says how it was rounded."""

from dataclasses import dataclass
from enum import StrEnum
from functools import total_ordering


class Rounding(StrEnum):
    """What happens to a part of a yen. Down is what Japanese invoices use unless agreed otherwise."""

    DOWN = "down"
    UP = "up"
    HALF_UP = "half_up"


@total_ordering
@dataclass(frozen=True, slots=True)
class Money:
    """An amount in yen; `minor_units` is the whole number, because yen has no smaller coin.

    >>> yen_of(3950).share(23, of=30)
    Money(minor_units=3028)
    """

    minor_units: int

    def __post_init__(self) -> None:
        if type(self.minor_units) is int:  # nearly always, and a closing makes millions of amounts
            return
        if isinstance(self.minor_units, bool) or not isinstance(self.minor_units, int):
            raise TypeError(f"yen are whole numbers, got {self.minor_units!r}")

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor_units + other.minor_units)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor_units - other.minor_units)

    def __neg__(self) -> "Money":
        return Money(-self.minor_units)

    def __mul__(self, count: int) -> "Money":
        return Money(self.minor_units * count)

    def __lt__(self, other: "Money") -> bool:
        return self.minor_units < other.minor_units

    def __bool__(self) -> bool:
        return self.minor_units != 0

    def share(self, part: int, *, of: int, rounding: Rounding = Rounding.DOWN) -> "Money":
        """`part` of `of` equal parts, rounded on the size of the amount: a credit mirrors its charge.

        Raises ValueError when `of` is not positive or `part` is negative.
        """
        if of <= 0 or part < 0:
            raise ValueError(f"cannot take {part} of {of} parts")
        whole, rest = divmod(abs(self.minor_units) * part, of)
        if rest and (rounding is Rounding.UP or (rounding is Rounding.HALF_UP and 2 * rest >= of)):
            whole += 1
        return Money(whole if self.minor_units >= 0 else -whole)


def yen_of(amount: int) -> Money:
    """The amount in yen."""
    return Money(amount)
