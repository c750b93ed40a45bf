"""What was agreed about a line beyond a plain monthly rent, and the ledgers that follow from it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from rental.billing.rules.charges import Charge, ChargeKind, Entry, difference
from rental.billing.rules.cycles import Anchor, Cycle, DayCycle, ReanchoredCycle
from rental.billing.rules.discounts import LineDiscount
from rental.billing.rules.one_offs import OneOff, one_offs_due
from rental.billing.rules.periods import FREQUENCIES, BillingCycle
from rental.billing.rules.price_models import Flat, Graduated, Package, PerUnit, PriceModel, Tier, Volume
from rental.billing.rules.prices import UnitPrice
from rental.billing.rules.rater import (
    RentedLine,
    billing_date,
    due_periods,
    entries_due,
    is_stub,
    require_continued,
)
from rental.billing.rules.refusals import NotBillable, Reason
from rental.billing.rules.segments import FeeHistory, Span
from rental.billing.rules.tax import TaxRate
from rental.billing.rules.usage import Aggregation, MeteredLine, UsagePlan, UsageRecord, usage_due
from rental.catalog.rules import AnchorKind, Proration, StubPolicy, TaxClass, Timing
from rental.core.errors import DomainError
from rental.core.money import Money, Rounding
from rental.core.periods import Period

# Nothing is due any more, until something is recorded.
NEVER = date(9999, 12, 31)


class AgreedAnchor(NamedTuple):
    """From which day time is cut by another anchor; with `restarts` the day may lie inside a period."""

    since: date
    kind: AnchorKind
    anchored_on: date
    restarts: bool = False


class AgreedDiscount(NamedTuple):
    """A discount, for so many periods from the first day of rent where `periods` is given."""

    discount: LineDiscount
    periods: int | None = None


@dataclass(frozen=True, slots=True)
class LineTerms:
    """What was agreed about a line. The defaults are a plain rent: by the month of the account's closing day,
    in arrears, by actual days.

    `anchored_on` is the day from which periods are counted, by default the first day of rent. With `days`
    periods have so many days instead of months. `overrun_fee` is the price of a month after the agreed end.
    `problem` is why what is stored cannot be what was agreed.
    """

    anchor: AnchorKind = AnchorKind.CLOSING
    anchored_on: date | None = None
    months: int = 1
    days: int | None = None
    anchors: tuple[AgreedAnchor, ...] = ()
    timing: Timing = Timing.ARREARS
    lead_days: int = 0
    stub: StubPolicy = StubPolicy.SHORT
    proration: Proration = Proration.ACTUAL
    stop_proration: Proration | None = None
    change_proration: Proration | None = None
    rate_bp: int | None = None
    cuts_at_rate_changes: bool = False
    discounts: tuple[AgreedDiscount, ...] = ()
    overrun_fee: Money | None = None
    usage: UsagePlan | None = None
    problem: DomainError | None = None

    def __post_init__(self) -> None:
        if self.months not in FREQUENCIES:
            raise NotBillable("months", Reason.OUT_OF_RANGE, value=self.months)

    def with_anchors(self, *anchors: AgreedAnchor) -> "LineTerms":
        """The same, cut anew from these days on."""
        return replace(self, anchors=(*self.anchors, *anchors)) if anchors else self


PLAIN = LineTerms()


class Facts(NamedTuple):
    """Everything about one line that decides what it owes, as it is known now.

    `served` are the days from its first start to its last stop where something else than starts was recorded.
    """

    line_id: UUID
    terms: LineTerms
    spans: tuple[Span, ...]
    fees: FeeHistory
    kept: tuple[Span, ...] = ()
    one_offs: tuple[OneOff, ...] = ()
    usage: tuple[UsageRecord, ...] = ()
    tax_class: TaxClass = TaxClass.STANDARD
    rounding: Rounding = Rounding.DOWN
    served: Period | None = None

    @property
    def in_service(self) -> Period | None:
        """The days on which the line could be used: those of a pause and after its agreed end among them."""
        return self.served or _days_of((*self.spans, *self.kept))

    @property
    def first_day(self) -> date | None:
        """The first day of rent; None as long as there is none."""
        return min((span.start for span in self.spans), default=None)


def cycle_of(terms: LineTerms, *, closing_day: int, first_day: date) -> Cycle:
    """How the time of the line is cut."""
    since = terms.anchored_on or first_day
    first = _cycle(terms, terms.anchor, since, closing_day)
    if not terms.anchors:
        return first
    return ReanchoredCycle(
        first,
        tuple(
            Anchor(each.since, _cycle(terms, each.kind, each.anchored_on, closing_day), each.restarts)
            for each in terms.anchors
        ),
    )


def discounts_of(terms: LineTerms, *, closing_day: int, first_day: date) -> tuple[LineDiscount, ...]:
    """The discounts of the line, those for so many periods with their days."""
    if not terms.discounts:
        return ()
    return tuple(_discounts(terms, cycle_of(terms, closing_day=closing_day, first_day=first_day), first_day))


def rented_line(facts: Facts, cycle: Cycle) -> RentedLine:
    """The rent of the line as the rater takes it."""
    terms, first_day = facts.terms, facts.first_day
    return RentedLine(
        line_id=facts.line_id,
        cycle=cycle,
        fees=facts.fees,
        spans=facts.spans,
        tax_class=facts.tax_class,
        timing=terms.timing,
        proration=terms.proration,
        rounding=facts.rounding,
        stop_proration=terms.stop_proration,
        change_proration=terms.change_proration,
        stub=terms.stub,
        lead_days=terms.lead_days,
        discounts=tuple(_discounts(terms, cycle, first_day)) if first_day else (),
        rate=_rate(facts),
        cuts_at_rate_changes=terms.cuts_at_rate_changes,
    )


def everything_due(
    facts: Facts, billed: Sequence[Charge], *, closing_day: int, as_of: date, since: date
) -> list[Entry]:
    """What the next document has to say about rent, what happened once, usage, and days after the agreed end.

    Each kind has a ledger of its own; they come one after the other. Raises NotBillable, PeriodsOverlap and
    the like.
    """
    by_kind: dict[ChargeKind, list[Entry]] = {kind: [] for kind in ChargeKind}
    for charge in billed:
        by_kind[charge.kind].append(Entry(charge))
    line = _line_and_cycle(facts, closing_day, as_of)
    found = entries_due(line, by_kind[ChargeKind.RECURRING], as_of=as_of, since=since)
    for kind in (ChargeKind.ONE_OFF, ChargeKind.PENALTY):
        found += _once(facts, kind, by_kind[kind], as_of, since)
    found += _used(facts, line.cycle, by_kind[ChargeKind.USAGE], as_of, since)
    if facts.kept or by_kind[ChargeKind.OVERRUN]:
        kept = _kept_line(facts, line)
        found += entries_due(kept, by_kind[ChargeKind.OVERRUN], as_of=as_of, since=since)
    return found


def looked_at_next(facts: Facts, *, closing_day: int, as_of: date) -> tuple[date | None, date]:
    """Until when every period is over, and the first day on which more is due, if nothing else is recorded.

    Raises NotBillable.
    """
    line = _line_and_cycle(facts, closing_day, as_of)
    first_day = facts.first_day
    finished = line.cycle.period_of(as_of).start
    has_finished = first_day is not None and first_day < finished and not _stub_waits(line, as_of)
    return finished if has_finished else None, _next_due_on(facts, line, as_of)


def require_cuts_kept(terms: LineTerms, billed_through: date | None, *, closing_day: int) -> None:
    """Raises PeriodsOverlap when the days on which periods are cut were moved after something was billed."""
    if billed_through and not terms.anchors:
        cycle = cycle_of(terms, closing_day=closing_day, first_day=billed_through)
        require_continued(cycle, billed_through)


def usage_plan_of(said: Mapping[str, Any]) -> UsagePlan:
    """The plan as it is stored: names, whole numbers, and prices as texts. Raises NotBillable."""
    try:
        return UsagePlan(
            _price_model(said),
            Aggregation(said.get("aggregation", Aggregation.SUM)),
            said.get("included", 0),
            _yen(said.get("minimum")),
            _yen(said.get("maximum")),
        )
    except (TypeError, ValueError, AttributeError) as error:
        raise NotBillable("usage", Reason.NOT_A_NUMBER) from error


def _price_model(said: Mapping[str, Any]) -> PriceModel:
    match said.get("model"):
        case "flat":
            return Flat(Money(_whole(said, "price")))
        case "per_unit":
            return PerUnit(UnitPrice.of(_given(said, "unit_price")))
        case "graduated":
            return Graduated(_tiers(said))
        case "volume":
            return Volume(_tiers(said))
        case "package":
            price = UnitPrice.of(_given(said, "price"), field="price")
            return Package(_whole(said, "size"), price, said.get("free", 0))
        case other:
            raise NotBillable("model", Reason.UNKNOWN, value=str(other)[:40])


def _tiers(said: Mapping[str, Any]) -> tuple[Tier, ...]:
    return tuple(
        Tier(each.get("up_to"), UnitPrice.of(_given(each, "unit_price")), Money(each.get("flat", 0)))
        for each in _given(said, "tiers")
    )


def _given(said: Mapping[str, Any], name: str) -> Any:
    if name not in said:
        raise NotBillable(name, Reason.MISSING)
    return said[name]


def _whole(said: Mapping[str, Any], name: str) -> int:
    value = _given(said, name)
    if not isinstance(value, int):
        raise NotBillable(name, Reason.NOT_A_NUMBER, value=str(value)[:40])
    return value


def _days_of(spans: Sequence[Span]) -> Period | None:
    if not spans:
        return None
    return Period(min(span.start for span in spans), max(span.end or NEVER for span in spans))


def _yen(value: int | None) -> Money | None:
    return None if value is None else Money(value)


def _line_and_cycle(facts: Facts, closing_day: int, as_of: date) -> RentedLine:
    days = facts.in_service
    first_day = facts.first_day or (days.start if days else as_of)
    return rented_line(facts, cycle_of(facts.terms, closing_day=closing_day, first_day=first_day))


def _cycle(terms: LineTerms, kind: AnchorKind, since: date, closing_day: int) -> Cycle:
    if terms.days is not None:
        return DayCycle(since, terms.days)
    match kind:
        case AnchorKind.ANNIVERSARY:
            return BillingCycle.anniversary(since, terms.months)
        case AnchorKind.CALENDAR:
            return BillingCycle.calendar(since, terms.months)
        case AnchorKind.FIXED_DAY:
            return BillingCycle.fixed_day(since.day, since, terms.months)
        case AnchorKind.CLOSING:
            return BillingCycle.closing(closing_day, since, terms.months)


def _discounts(terms: LineTerms, cycle: Cycle, first_day: date) -> Iterator[LineDiscount]:
    for discount, periods in terms.discounts:
        yield discount.for_periods(periods, cycle, first_day) if periods else discount


def _rate(facts: Facts) -> TaxRate | None:
    return None if facts.terms.rate_bp is None else TaxRate(facts.tax_class, facts.terms.rate_bp)


def _once(facts: Facts, kind: ChargeKind, billed: Sequence[Entry], as_of: date, since: date) -> list[Entry]:
    happened = [each for each in facts.one_offs if each.kind is kind and each.happened_on >= since]
    known = [entry for entry in billed if entry.charge.period.end > since]
    return one_offs_due(happened, known, as_of=as_of, rounding=facts.rounding) if happened or known else []


def _used(facts: Facts, cycle: Cycle, billed: Sequence[Entry], as_of: date, since: date) -> list[Entry]:
    days = facts.in_service
    if facts.terms.usage is None or days is None:
        return difference((), (entry for entry in billed if entry.charge.period.end > since))
    metered = MeteredLine(
        facts.line_id, cycle, facts.terms.usage, days, facts.usage, facts.tax_class, facts.rounding
    )
    return usage_due(metered, billed, as_of=as_of, since=since)


def _kept_line(facts: Facts, line: RentedLine) -> RentedLine:
    """Days after the agreed end, in arrears and without discount; without a price they cost nothing."""
    return replace(
        line,
        fees=FeeHistory(facts.terms.overrun_fee or Money(0)),
        spans=facts.kept,
        timing=Timing.ARREARS,
        stub=StubPolicy.SHORT,
        lead_days=0,
        discounts=(),
        kind=ChargeKind.OVERRUN,
    )


def _next_due_on(facts: Facts, line: RentedLine, as_of: date) -> date:
    """The first day after this one on which more is due, without anything that is recorded later."""
    period = line.cycle.period_of(as_of)
    days, in_service = [], facts.in_service
    if _goes_on(facts.kept, period.start):
        days.append(period.end)
    if facts.terms.usage and in_service and in_service.end > period.start:
        days.append(period.end)
    if _goes_on(facts.spans, period.start):
        days.append(_next_billing_date(line, period, as_of))
    days += [each.happened_on for each in facts.one_offs if each.happened_on > as_of]
    return min(days, default=NEVER)


def _stub_waits(line: RentedLine, as_of: date) -> bool:
    """Whether the days before the first whole period are still to be asked for with that one."""
    if line.stub is not StubPolicy.MERGE_NEXT or line.first_day is None:
        return False
    return next(due_periods(line, as_of=as_of), None) is None


def _goes_on(spans: Sequence[Span], day: date) -> bool:
    """Whether a span holds this day or a later one."""
    return any(span.end is None or span.end > day for span in spans)


def _next_billing_date(line: RentedLine, period: Period, as_of: date) -> date:
    for each in line.cycle.periods_from(max(period.start, line.first_day or period.start)):
        asked_for = each
        if line.stub is StubPolicy.MERGE_NEXT and is_stub(line, each):
            asked_for = line.cycle.period_of(each.end)
        day = billing_date(asked_for, line.timing, line.lead_days)
        if day > as_of:
            return day
    raise AssertionError("periods have no end")
