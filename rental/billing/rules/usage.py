"""What was used in a period and what it costs, however late it became known."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from rental.billing.rules.charges import Charge, ChargeKind, Entry, difference
from rental.billing.rules.cycles import Cycle
from rental.billing.rules.price_models import PriceModel, millionths_of
from rental.billing.rules.prices import require_not_negative, yen_in
from rental.billing.rules.proration import Share
from rental.billing.rules.refusals import NotBillable, Reason
from rental.catalog.rules import TaxClass
from rental.core.money import Money, Rounding
from rental.core.periods import Period


class Aggregation(StrEnum):
    """What the quantity of a period is: everything together, the highest or latest reading, or how many."""

    SUM = "sum"
    MAX = "max"
    LAST = "last"
    UNIQUE = "unique"


class UsageRecord(NamedTuple):
    """One reading. `external_id` is the name its sender knows it by; `subject` is what UNIQUE counts."""

    external_id: str
    occurred_on: date
    quantity: int
    subject: str = ""


@dataclass(frozen=True, slots=True)
class UsagePlan:
    """How usage is priced: what is included is free, and a period costs at least and at most so much."""

    model: PriceModel
    aggregation: Aggregation = Aggregation.SUM
    included: int = 0
    minimum: Money | None = None
    maximum: Money | None = None

    def __post_init__(self) -> None:
        require_not_negative(self.included, "included")
        require_not_negative(self.minimum.minor_units if self.minimum else 0, "minimum")
        require_not_negative(self.maximum.minor_units if self.maximum else 0, "maximum")
        if self.minimum and self.maximum is not None and self.maximum < self.minimum:
            raise NotBillable("maximum", Reason.OUT_OF_RANGE, minimum=self.minimum.minor_units)


@dataclass(frozen=True, slots=True)
class MeteredLine:
    """A line that pays for what it uses, always in arrears, and the days on which it could be used."""

    line_id: UUID
    cycle: Cycle
    plan: UsagePlan
    in_service: Period
    records: tuple[UsageRecord, ...]
    tax_class: TaxClass = TaxClass.STANDARD
    rounding: Rounding = Rounding.DOWN


def distinct(records: Iterable[UsageRecord]) -> list[UsageRecord]:
    """Each reading once, by day and name, however often it was sent.

    Raises NotBillable for a negative one, and when two readings bear one name and say different things.
    """
    found: dict[str, UsageRecord] = {}
    for record in records:
        require_not_negative(record.quantity, "quantity")
        if found.setdefault(record.external_id, record) != record:
            raise NotBillable("external_id", Reason.SAID_TWICE, value=record.external_id)
    return sorted(found.values(), key=lambda record: (record.occurred_on, record.external_id))


def quantity_of(records: Sequence[UsageRecord], aggregation: Aggregation) -> int:
    """The quantity of one period from its readings, which come by day and name."""
    if not records:
        return 0
    match aggregation:
        case Aggregation.SUM:
            return sum(record.quantity for record in records)
        case Aggregation.MAX:
            return max(record.quantity for record in records)
        case Aggregation.LAST:
            return records[-1].quantity
        case Aggregation.UNIQUE:
            return len({record.subject for record in records if record.quantity})


def usage_due(
    line: MeteredLine, billed: Sequence[Entry], *, as_of: date, since: date = date.min
) -> list[Entry]:
    """What the next document has to say about usage, oldest period first.

    A reading that comes after its period was billed corrects that period, which the entries name. One of a
    day that is no day in service any more, because the line was ended for days already past, does not count,
    like the rent of that day.
    """
    by_period: dict[Period, list[UsageRecord]] = {}
    for record in distinct(line.records):
        if line.in_service.contains(record.occurred_on):
            by_period.setdefault(line.cycle.period_of(record.occurred_on), []).append(record)
    periods = {
        entry.charge.period
        for entry in billed
        if entry.charge.period.end > since and entry.charge.period.overlaps(line.in_service)
    }
    for period in line.cycle.periods_from(max(line.in_service.start, since)):
        if period.end > as_of or period.start >= line.in_service.end:
            break
        periods.add(period)
    desired = (usage_charge(line, period, by_period.get(period, ())) for period in periods)
    return difference(
        [charge for charge in desired if charge.amount],
        [entry for entry in billed if entry.charge.period.end > since],
    )


def usage_charge(line: MeteredLine, period: Period, records: Sequence[UsageRecord]) -> Charge:
    """What the readings of one period cost.

    What is included is taken from the quantity before it is priced; then the minimum counts, for the days
    in service like a flat fee, and then the maximum.
    """
    plan = line.plan
    quantity = quantity_of(records, plan.aggregation)
    steps = plan.model.steps(max(0, quantity - plan.included))
    amount = yen_in(millionths_of(steps), line.rounding)
    days = period.overlap_days(line.in_service.start, line.in_service.end)
    share = Share(amount, 1, 1)
    if plan.minimum is not None and days:
        least = Share(plan.minimum, days, period.days)
        if least.amount(line.rounding) > amount:
            amount, share = least.amount(line.rounding), least
    if plan.maximum is not None and amount > plan.maximum:
        amount, share = plan.maximum, Share(plan.maximum, 1, 1)
    used_from, used_until = max(period.start, line.in_service.start), min(period.end, line.in_service.end)
    return Charge(
        line_id=line.line_id,
        period=period,
        used=Period(used_from, used_until) if used_from < used_until else period,
        slot_ids=(),
        monthly_fee=Money(0),
        tax_class=line.tax_class,
        amount=amount,
        share=share,
        kind=ChargeKind.USAGE,
        units=quantity,
        steps=steps,
    )
