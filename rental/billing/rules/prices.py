"""Prices of one piece, which may have parts of a yen, kept as whole millionths."""

from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from rental.billing.rules.refusals import NotBillable, Reason
from rental.core.money import Money, Rounding

MILLIONTHS = 1_000_000
MOST_DECIMALS = 6
MOST_DIGITS = 12  # before the point


class UnitPrice(NamedTuple):
    """What one piece costs.

    >>> UnitPrice.of("0.55").times(3, Rounding.DOWN)
    Money(minor_units=1)
    """

    millionths: int

    @classmethod
    def of(cls, value: str | int | Decimal, *, field: str = "unit_price") -> "UnitPrice":
        """The price as it was typed. Raises NotBillable, naming the field."""
        shown = str(value)[:40]
        try:
            typed = Decimal(value)
        except InvalidOperation:
            raise NotBillable(field, Reason.NOT_A_NUMBER, value=shown) from None
        if not typed.is_finite():
            raise NotBillable(field, Reason.NOT_A_NUMBER, value=shown)
        if typed < 0:
            raise NotBillable(field, Reason.NEGATIVE, value=shown)
        if typed and typed.adjusted() >= MOST_DIGITS:
            raise NotBillable(field, Reason.OUT_OF_RANGE, value=shown)
        _, digits, exponent = typed.as_tuple()
        if (
            isinstance(exponent, int)
            and exponent < -MOST_DECIMALS
            and any(digits[exponent + MOST_DECIMALS :])
        ):
            raise NotBillable(field, Reason.TOO_MANY_DECIMALS, value=shown, most=MOST_DECIMALS)
        return cls(int(typed.scaleb(MOST_DECIMALS)))

    @property
    def text(self) -> str:
        """As it is written: 0.55, 1200."""
        yen, rest = divmod(self.millionths, MILLIONTHS)
        return f"{yen}.{rest:06}".rstrip("0") if rest else str(yen)

    def times(self, quantity: int, rounding: Rounding) -> Money:
        """What so many cost, rounded once."""
        return yen_in(self.millionths * quantity, rounding)


def yen_in(millionths: int, rounding: Rounding) -> Money:
    """Millionths of a yen as whole yen."""
    return Money(millionths).share(1, of=MILLIONTHS, rounding=rounding)


def require_not_negative(value: int, field: str) -> None:
    """Raises NotBillable, naming the field."""
    if value < 0:
        raise NotBillable(field, Reason.NEGATIVE, value=value)
