"""What a quantity costs: each piece by itself, by steps, by the step reached, or by the package."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from rental.billing.rules.charges import Step
from rental.billing.rules.prices import MILLIONTHS, UnitPrice, require_not_negative
from rental.billing.rules.refusals import NotBillable, Reason
from rental.core.money import Money

NOTHING = Money(0)


class PriceModel(Protocol):
    """How a quantity is priced; the steps are the sum that a customer can check."""

    def steps(self, quantity: int) -> tuple[Step, ...]:
        """The lines of the sum. Nothing costs nothing."""


class Tier(NamedTuple):
    """A price for the pieces up to a bound, which is among them; the last tier has none.

    `flat` is asked for once when a piece falls into the tier.
    """

    up_to: int | None
    unit_price: UnitPrice
    flat: Money = NOTHING


@dataclass(frozen=True, slots=True)
class Flat:
    """The same whatever the quantity, also for none."""

    price: Money

    def steps(self, quantity: int) -> tuple[Step, ...]:
        return (Step(0, UnitPrice(0), self.price),)


@dataclass(frozen=True, slots=True)
class PerUnit:
    """Every piece at one price."""

    unit_price: UnitPrice

    def steps(self, quantity: int) -> tuple[Step, ...]:
        return (Step(quantity, self.unit_price),) if quantity else ()


@dataclass(frozen=True, slots=True)
class Graduated:
    """Every piece at the price of its own tier. Raises NotBillable for tiers that leave a piece unpriced."""

    tiers: tuple[Tier, ...]

    def __post_init__(self) -> None:
        _require_tiers(self.tiers)

    def steps(self, quantity: int) -> tuple[Step, ...]:
        found, below = [], 0
        for up_to, unit_price, flat in self.tiers:
            if quantity <= below:
                break
            reached = quantity if up_to is None else min(quantity, up_to)
            found.append(Step(reached - below, unit_price, flat))
            below = reached
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Volume:
    """All pieces at the price of the tier that the quantity reaches; more may cost less."""

    tiers: tuple[Tier, ...]

    def __post_init__(self) -> None:
        _require_tiers(self.tiers)

    def steps(self, quantity: int) -> tuple[Step, ...]:
        if not quantity:
            return ()
        reached = next(tier for tier in self.tiers if tier.up_to is None or quantity <= tier.up_to)
        return (Step(quantity, reached.unit_price, reached.flat),)


@dataclass(frozen=True, slots=True)
class Package:
    """Whole packages of so many pieces, after those that are free."""

    size: int
    price: UnitPrice
    free: int = 0

    def __post_init__(self) -> None:
        if self.size < 1:
            raise NotBillable("size", Reason.OUT_OF_RANGE, value=self.size)
        require_not_negative(self.free, "free")

    def steps(self, quantity: int) -> tuple[Step, ...]:
        packages = -(-max(0, quantity - self.free) // self.size)
        return (Step(packages, self.price),) if packages else ()


def millionths_of(steps: Sequence[Step]) -> int:
    """What the steps cost together, in millionths of a yen: nothing is rounded before the end."""
    return sum(
        step.quantity * step.unit_price.millionths + step.flat.minor_units * MILLIONTHS for step in steps
    )


def _require_tiers(tiers: Sequence[Tier]) -> None:
    if not tiers or tiers[-1].up_to is not None:
        raise NotBillable("tiers", Reason.MISSING)
    below = 0
    for tier in tiers:
        require_not_negative(tier.unit_price.millionths, "unit_price")
        require_not_negative(tier.flat.minor_units, "flat")
        if tier is not tiers[-1] and (tier.up_to is None or tier.up_to <= below):
            raise NotBillable("up_to", Reason.NOT_ASCENDING, value=tier.up_to)
        below = tier.up_to or below
