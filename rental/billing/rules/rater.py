"""What a line owes for each period, and what the next document has to say about it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise, takewhile
from uuid import UUID

from rental.billing.rules.charged_days import Frame
from rental.billing.rules.charges import Charge, ChargeKind, Entry, asked_for, difference
from rental.billing.rules.cycles import Cycle
from rental.billing.rules.discounts import LineDiscount, discounts_on
from rental.billing.rules.prices import require_not_negative
from rental.billing.rules.proration import ProrationModes, Share
from rental.billing.rules.segments import FeeHistory, Segment, Span, SpansBySlot, segments_in, spans_by_slot
from rental.billing.rules.tax import TaxRate, rate_changes
from rental.catalog.rules import Proration, StubPolicy, TaxClass, Timing
from rental.core.errors import Conflict
from rental.core.money import Rounding
from rental.core.periods import Period


class PeriodsOverlap(Conflict):
    """A period would bill days that another one has billed: the days on which periods are cut were moved."""

    code = "billing.periods_overlap"

    def __init__(self, one: Period, other: Period) -> None:
        super().__init__(start=one.start, end=one.last_day, next_start=other.start, next_end=other.last_day)


@dataclass(frozen=True, slots=True)
class RentedLine:
    """Everything that decides what a line owes: the terms agreed, and what has happened to its slots so far.

    `proration` is how a part is charged; the end of service and a change of the fee may have modes of their
    own. Paid in advance, a period is asked for `lead_days` before it begins. Of a change of the tax rate
    inside a period `cuts_at_rate_changes` takes note; `rate` overrides them all, as a law's transition does.
    Raises OwedTwice when a slot would owe a day twice, NoDayOwed when it would stop before it starts.
    """

    line_id: UUID
    cycle: Cycle
    fees: FeeHistory
    spans: tuple[Span, ...]
    tax_class: TaxClass = TaxClass.STANDARD
    timing: Timing = Timing.ARREARS
    proration: Proration = Proration.ACTUAL
    rounding: Rounding = Rounding.DOWN
    stop_proration: Proration | None = None
    change_proration: Proration | None = None
    stub: StubPolicy = StubPolicy.SHORT
    lead_days: int = 0
    discounts: tuple[LineDiscount, ...] = ()
    kind: ChargeKind = ChargeKind.RECURRING
    rate: TaxRate | None = None
    cuts_at_rate_changes: bool = False
    slots: SpansBySlot = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        require_not_negative(self.lead_days, "lead_days")
        object.__setattr__(self, "slots", spans_by_slot(self.spans))

    @property
    def first_day(self) -> date | None:
        """The first day any slot owes; None as long as there is none."""
        return min((span.start for span in self.spans), default=None)

    @property
    def modes(self) -> ProrationModes:
        """How a part is charged at its beginning, at its end and between two fees."""
        return ProrationModes.of(self.proration, self.stop_proration, self.change_proration)


def entries_due(
    line: RentedLine, billed: Sequence[Entry], *, as_of: date, since: date = date.min
) -> list[Entry]:
    """What the next document has to say about a line: a preview and a run ask the same.

    `billed` is everything that was billed for the line in periods that end after `since`; earlier ones are
    left alone. Periods that are due enter, and those billed before, because what is known about them may
    have changed. Raises PeriodsOverlap.
    """
    due = list(due_periods(line, as_of=as_of, since=since))
    if not billed:
        return asked_for(charge for period in due for charge in charges_in(line, period))
    known = {entry.charge.period for entry in billed if entry.charge.period.end > since}
    replaced = {period for period in known if line.cycle.replaces(period)}
    periods = known.union(due) - replaced
    for one, next_one in pairwise(sorted(periods)):
        if one.overlaps(next_one):
            raise PeriodsOverlap(one, next_one)

    desired = (charge for period in periods for charge in charges_in(line, period))
    return difference(desired, (entry for entry in billed if entry.charge.period in known))


def require_continued(cycle: Cycle, billed_through: date) -> None:
    """Raises PeriodsOverlap when the next period begins before what was billed ended."""
    period = cycle.period_of(billed_through)
    if period.start < billed_through:
        raise PeriodsOverlap(Period(billed_through - timedelta(days=1), billed_through), period)


def due_periods(line: RentedLine, *, as_of: date, since: date = date.min) -> Iterator[Period]:
    """The periods that may be billed on this day, oldest first, without those that end by `since`."""
    first_day = line.first_day
    if first_day is None:
        return iter(())
    later = line.cycle.periods_from(max(first_day, since))
    if line.stub is not StubPolicy.MERGE_NEXT:
        return takewhile(lambda period: billing_date(period, line.timing, line.lead_days) <= as_of, later)
    return takewhile(lambda period: _billing_date_with_stub(line, period) <= as_of, later)


def billing_date(period: Period, timing: Timing, lead_days: int = 0) -> date:
    """The first day on which a document may ask for this period."""
    return period.start - timedelta(days=lead_days) if timing is Timing.ADVANCE else period.end


def is_stub(line: RentedLine, period: Period) -> bool:
    """Whether the rent of the line begins inside this period."""
    return line.first_day is not None and period.start < line.first_day < period.end


def charges_in(line: RentedLine, period: Period) -> list[Charge]:
    """What the line owes for one period, discounts among it. Free days and free slots make no charge."""
    if line.stub is StubPolicy.FREE and is_stub(line, period):
        return []
    whole = line.cycle.whole(period)
    frame = Frame(
        period,
        whole,
        line.cycle.months,
        line.modes,
        whole is not period and line.cycle.keeps_whole_fee(period),
        _cuts(line, period) if line.discounts or line.cuts_at_rate_changes else (),
    )
    segments = segments_in(frame, line.slots, line.fees)
    charges = [charge for segment in segments if (charge := _charge(line, period, segment)).amount]
    if line.discounts:
        charges += discounts_on(charges, line.discounts, whole, line.rounding)
    return charges


def _billing_date_with_stub(line: RentedLine, period: Period) -> date:
    """A stub is asked for together with the period after it."""
    if is_stub(line, period):
        period = line.cycle.period_of(period.end)
    return billing_date(period, line.timing, line.lead_days)


def _cuts(line: RentedLine, period: Period) -> tuple[date, ...]:
    """The days inside the period on which a discount or a tax rate changes."""
    days = {day for discount in line.discounts for day in (discount.days.start, discount.days.end)}
    if line.cuts_at_rate_changes and line.rate is None:
        days.update(rate_changes(line.tax_class))
    return tuple(sorted(day for day in days if period.start < day < period.end))


def _charge(line: RentedLine, period: Period, segment: Segment) -> Charge:
    full = segment.monthly_fee * (segment.quantity * line.cycle.months)
    share = Share(full, segment.days, segment.of)
    return Charge(
        line_id=line.line_id,
        period=period,
        used=segment.used,
        slot_ids=segment.slot_ids,
        monthly_fee=segment.monthly_fee,
        tax_class=line.tax_class,
        amount=full if segment.days == segment.of else share.amount(line.rounding),
        share=share,
        kind=line.kind,
        units=segment.units,
        rate=line.rate,
    )
