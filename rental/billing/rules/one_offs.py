"""What is asked for once: setting up, delivery, removal, and what leaving early costs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from uuid import UUID

from rental.billing.rules.charges import Charge, ChargeKind, Entry, Step, difference
from rental.billing.rules.prices import UnitPrice
from rental.billing.rules.proration import Share
from rental.billing.rules.refusals import NotBillable, Reason
from rental.billing.rules.tax import TaxRate
from rental.catalog.rules import TaxClass
from rental.core.money import Money, Rounding
from rental.core.periods import Period


@dataclass(frozen=True, slots=True)
class OneOff:
    """Something that happened on a day and is paid for once: so many at a price; `about` says what."""

    line_id: UUID
    happened_on: date
    unit_price: UnitPrice
    quantity: int = 1
    tax_class: TaxClass = TaxClass.STANDARD
    kind: ChargeKind = ChargeKind.ONE_OFF
    rate: TaxRate | None = None
    about: str = ""

    def __post_init__(self) -> None:
        if self.quantity < 1:
            raise NotBillable("quantity", Reason.OUT_OF_RANGE, value=self.quantity)
        if self.kind not in (ChargeKind.ONE_OFF, ChargeKind.PENALTY):
            raise NotBillable("kind", Reason.UNKNOWN, value=self.kind)

    def times(self, count: int) -> "OneOff":
        """So many of it, where this is one."""
        return replace(self, quantity=count)


def one_off_charge(one_off: OneOff, rounding: Rounding) -> Charge:
    """The charge for it; its period is the day on which it happened."""
    day = Period(one_off.happened_on, one_off.happened_on + timedelta(days=1))
    amount = one_off.unit_price.times(one_off.quantity, rounding)
    return Charge(
        line_id=one_off.line_id,
        period=day,
        used=day,
        slot_ids=(),
        monthly_fee=Money(0),
        tax_class=one_off.tax_class,
        amount=amount,
        share=Share(amount, 1, 1),
        kind=one_off.kind,
        units=one_off.quantity,
        about=one_off.about,
        rate=one_off.rate,
        steps=(Step(one_off.quantity, one_off.unit_price),),
    )


def one_offs_due(
    one_offs: Iterable[OneOff], billed: Sequence[Entry], *, as_of: date, rounding: Rounding = Rounding.DOWN
) -> list[Entry]:
    """What the next document has to say about what happened by this day; what never happened is taken back.

    All of one line and one kind, for each has a ledger of its own.
    """
    happened = [each for each in one_offs if each.happened_on <= as_of]
    charges = (one_off_charge(each, rounding) for each in happened)
    return difference([charge for charge in charges if charge.amount], billed)
