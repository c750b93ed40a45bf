"""A charge and its place in the ledger: what was billed, what was taken back, and what still stands."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import NamedTuple
from uuid import UUID

from rental.billing.rules.prices import UnitPrice
from rental.billing.rules.proration import Share
from rental.billing.rules.tax import TaxRate, rate_on
from rental.catalog.rules import TaxClass
from rental.core.money import Money
from rental.core.periods import Period


class ChargeKind(StrEnum):
    """What is asked for. Each kind of a line has a ledger of its own."""

    RECURRING = "recurring"
    ONE_OFF = "one_off"
    USAGE = "usage"
    OVERRUN = "overrun"
    PENALTY = "penalty"


class Step(NamedTuple):
    """One line of the sum behind an amount: so many at this price, and what is added once."""

    quantity: int
    unit_price: UnitPrice
    flat: Money = Money(0)


@dataclass(frozen=True, slots=True)
class Charge:
    """What slots of equal days and fee owe for days of one billing period.

    Two charges are the same when they ask the same amount for the same; `share` and `steps`, the sums behind
    the amount, are there to be shown. `discount` names the discount a negative one grants on these days,
    `about` what is paid for once. `rate` is set where the rate was agreed or prescribed, whatever holds on
    the day of supply.
    """

    line_id: UUID
    period: Period
    used: Period
    slot_ids: tuple[UUID, ...]
    monthly_fee: Money
    tax_class: TaxClass
    amount: Money
    share: Share = field(compare=False)
    kind: ChargeKind = ChargeKind.RECURRING
    units: int = 1
    discount: str = ""
    about: str = ""
    rate: TaxRate | None = None
    steps: tuple[Step, ...] = field(default=(), compare=False)

    @property
    def quantity(self) -> int:
        """How many it asks for: the units of all its slots, or a count without a slot."""
        return self.units * (len(self.slot_ids) or 1)

    @property
    def holds_days(self) -> bool:
        """Whether it bills days of its slots; a discount only makes them cheaper."""
        return bool(self.slot_ids) and not self.discount

    @property
    def tax_rate(self) -> TaxRate:
        """The rate of the day of supply; rent is supplied from the first day charged."""
        return self.rate or rate_on(self.tax_class, self.used.start)


class Side(IntEnum):
    """Whether an entry asks for a charge or takes it back. The credits of a period come first."""

    CREDIT = -1
    DEBIT = 1


class Entry(NamedTuple):
    """One row of the ledger: a charge asked for, or taken back."""

    charge: Charge
    side: Side = Side.DEBIT

    @property
    def amount(self) -> Money:
        """The amount with its sign. A credit takes back what was billed, to the yen."""
        return self.charge.amount if self.side is Side.DEBIT else -self.charge.amount


def standing(ledger: Iterable[Entry]) -> Counter[Charge]:
    """Which charges were asked for and not taken back, in whatever order the entries come."""
    counts: Counter[Charge] = Counter()
    for charge, side in ledger:
        counts[charge] += side
    return counts


def difference(desired: Iterable[Charge], billed: Iterable[Entry]) -> list[Entry]:
    """What turns the ledger into what is owed: a credit per charge that changed, and the new charges.

    Nothing when they agree. The unused days are never priced by themselves: billed and credited together
    are what would have been billed had it been known in time.
    """
    stands = standing(billed)
    if not stands:
        return asked_for(desired)
    wanted = Counter(desired)
    changed = [Entry(charge, Side.CREDIT) for charge in (stands - wanted).elements()]
    new = [Entry(charge) for charge in (wanted - stands).elements()]
    return sorted(changed + new, key=_place)


def asked_for(desired: Iterable[Charge]) -> list[Entry]:
    """The entries of charges before which there was none."""
    return sorted((Entry(charge) for charge in desired), key=_place)


def net_of(entries: Iterable[Entry]) -> Money:
    """The sum of the entries."""
    return sum((entry.amount for entry in entries), Money(0))


def _place(entry: Entry) -> tuple[Period, Side, Period, tuple[UUID, ...], str, str]:
    charge, side = entry
    return charge.period, side, charge.used, charge.slot_ids, charge.discount, charge.about
