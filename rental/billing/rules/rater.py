"""What a line owes for each period, and what the next document has to say about it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import pairwise, takewhile
from uuid import UUID

from rental.billing.rules.charges import Charge, Entry, difference
from rental.billing.rules.periods import BillingCycle
from rental.billing.rules.proration import Proration, share_of_period
from rental.billing.rules.segments import FeeHistory, Segment, Span, require_separate, segments_in
from rental.catalog.rules import TaxClass
from rental.core.errors import Conflict
from rental.core.money import Rounding
from rental.core.periods import Period


class Timing(StrEnum):
    """When a period is billed: on its first day, or on the first day after it."""

    ADVANCE = "advance"
    ARREARS = "arrears"


class PeriodsOverlap(Conflict):
    """A period would bill days that another one has billed: the days on which periods are cut were moved."""

    code = "billing.periods_overlap"

    def __init__(self, one: Period, other: Period) -> None:
        super().__init__(start=one.start, end=one.last_day, next_start=other.start, next_end=other.last_day)


@dataclass(frozen=True, slots=True)
class RentedLine:
    """Everything that decides what a line owes: the terms agreed, and what has happened to its slots so far.

    Raises OwedTwice when a slot would owe a day twice, NoDayOwed when it would stop before it starts.
    """

    line_id: UUID
    cycle: BillingCycle
    fees: FeeHistory
    spans: tuple[Span, ...]
    tax_class: TaxClass = TaxClass.STANDARD
    timing: Timing = Timing.ARREARS
    proration: Proration = Proration.ACTUAL
    rounding: Rounding = Rounding.DOWN

    def __post_init__(self) -> None:
        require_separate(self.spans)


def entries_due(
    line: RentedLine, billed: Sequence[Entry], *, as_of: date, since: date = date.min
) -> list[Entry]:
    """What the next document has to say about a line: a preview and a run ask the same.

    `billed` is everything that was billed for the line in periods that end after `since`; earlier ones are
    left alone. Periods that are due enter, and those billed before, because what is known about them may
    have changed. Raises PeriodsOverlap.
    """
    periods = {entry.charge.period for entry in billed if entry.charge.period.end > since}
    periods.update(due_periods(line, as_of=as_of, since=since))
    for one, next_one in pairwise(sorted(periods)):
        if one.overlaps(next_one):
            raise PeriodsOverlap(one, next_one)

    desired = (charge for period in periods for charge in charges_in(line, period))
    return difference(desired, (entry for entry in billed if entry.charge.period in periods))


def require_continued(cycle: BillingCycle, billed_through: date) -> None:
    """Raises PeriodsOverlap when the next period begins before what was billed ended."""
    period = cycle.period_of(billed_through)
    if period.start < billed_through:
        raise PeriodsOverlap(Period(billed_through - timedelta(days=1), billed_through), period)


def due_periods(line: RentedLine, *, as_of: date, since: date = date.min) -> Iterator[Period]:
    """The periods that may be billed on this day, oldest first, without those that end by `since`."""
    if not line.spans:
        return iter(())
    first_day = min(span.start for span in line.spans)
    later = line.cycle.periods_from(max(first_day, since))
    return takewhile(lambda period: billing_date(period, line.timing) <= as_of, later)


def billing_date(period: Period, timing: Timing) -> date:
    """The first day on which a document may ask for this period."""
    return period.start if timing is Timing.ADVANCE else period.end


def charges_in(line: RentedLine, period: Period) -> list[Charge]:
    """What the line owes for one period. Free days and free slots make no charge."""
    last_only = line.proration is Proration.FULL
    segments = segments_in(period, line.spans, line.fees, last_only=last_only)
    return [charge for segment in segments if (charge := _charge(line, period, segment)).amount]


def _charge(line: RentedLine, period: Period, segment: Segment) -> Charge:
    full = segment.monthly_fee * (len(segment.slot_ids) * line.cycle.months)
    share = share_of_period(full, period, segment.used, line.proration, months=line.cycle.months)
    return Charge(
        line_id=line.line_id,
        period=period,
        used=segment.used,
        slot_ids=segment.slot_ids,
        monthly_fee=segment.monthly_fee,
        tax_class=line.tax_class,
        amount=share.amount(line.rounding),
        share=share,
    )
