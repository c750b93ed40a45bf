"""Reading what was recorded about lines, and what was agreed beyond a plain rent, as plain values."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, aliased

from rental.billing.models import UsageRecord as StoredReading
from rental.billing.rules.agreed import (
    PLAIN,
    AgreedAnchor,
    AgreedDiscount,
    LineTerms,
    usage_plan_of,
)
from rental.billing.rules.charges import ChargeKind
from rental.billing.rules.discounts import FOR_EVER, LineDiscount
from rental.billing.rules.drafts import Own
from rental.billing.rules.line_history import EventKey, LineEvent, history_of
from rental.billing.rules.one_offs import OneOff
from rental.billing.rules.prices import UnitPrice
from rental.billing.rules.segments import FeeHistory, Span
from rental.billing.rules.usage import UsageRecord
from rental.catalog.rules import Cost
from rental.contracts import models as stored
from rental.contracts.models import Slot
from rental.contracts.rules import LineEventKind
from rental.core.errors import DomainError
from rental.core.money import Money
from rental.core.periods import Period
from rental.customers.models import Site

# A period that is not settled may have begun so much earlier.
_LONGEST_PERIOD = timedelta(days=366)
# A line's slots that started and go on, where each slot is, and its events where it has others than starts.
Recorded = tuple[list[Span], dict[UUID, str], list[LineEvent]]
NOT_STARTED: Recorded = ([], {}, [])


class OwnHistory(NamedTuple):
    """A line that is more than a plain rent, and the days its slots owe."""

    own: Own
    spans: tuple[Span, ...]


class Supposed(NamedTuple):
    """What is looked at as if it had been recorded, by line: for a preview of a change."""

    events: Mapping[UUID, Sequence[LineEvent]] = {}
    anchors: Mapping[UUID, Sequence[AgreedAnchor]] = {}
    one_offs: Mapping[UUID, Sequence[OneOff]] = {}

    def lines(self) -> set[UUID]:
        """The lines it speaks of."""
        return {*self.events, *self.anchors, *self.one_offs}


NOTHING = Supposed()


def recorded_starts(
    session: Session, lines: Select[UUID] | Collection[UUID], *, with_events: Collection[UUID] = ()
) -> dict[UUID, Recorded]:
    """The days each slot owes rent, and where it is, by line; and all events of a line that has others.

    Of the lines in `with_events` there are all events in any case.
    """
    found: dict[UUID, Recorded] = {}
    event = stored.LineEvent
    rows = session.execute(
        select(
            event.contract_line_id,
            event.slot_id,
            event.effective_on,
            event.kind,
            event.seq,
            event.value,
            event.replaces_on,
            event.replaces_seq,
            Site.name,
        )
        .outerjoin(Slot, Slot.id == event.slot_id)
        .outerjoin(Site, Site.id == Slot.site_id)
        .where(event.contract_line_id.in_(lines))
        .order_by(event.contract_line_id, event.effective_on, event.seq)
    ).all()
    start = LineEventKind.START
    eventful = set(with_events)
    for line_id, slot_id, effective_on, kind, _seq, value, replaces_on, _replaced, site in rows:
        spans, sites, _ = found.setdefault(line_id, ([], {}, []))
        if slot_id is not None:
            sites[slot_id] = site
        if slot_id is not None and kind is start and value is None and replaces_on is None:
            spans.append(Span(slot_id, effective_on))
        else:
            eventful.add(line_id)
    if eventful:
        for row in rows:
            if row.contract_line_id in eventful:
                found[row.contract_line_id][2].append(_event(row))
    return found


def own_facts(
    session: Session,
    lines: Select[UUID],
    starts: Mapping[UUID, Recorded],
    fees: Mapping[UUID, Money],
    *,
    since: date,
    supposed: Supposed = NOTHING,
) -> dict[UUID, OwnHistory]:
    """The lines that are more than a plain rent: by their terms, by their history, by what happened once.

    A handful of statements for any number of lines; one where none of them is.
    """
    terms = agreed_terms(session, lines)
    one_offs = _one_offs(session, lines, since)
    metered = [line_id for line_id, each in terms.items() if each.usage]
    usage = _readings(session, metered, since - _LONGEST_PERIOD)
    eventful = {line_id for line_id, (_, _, events) in starts.items() if events}
    found = {}
    for line_id in fees:
        if line_id not in (terms.keys() | one_offs.keys() | eventful | supposed.lines()):
            continue
        spans, _, events = starts.get(line_id, NOT_STARTED)
        its_terms = terms.get(line_id, PLAIN)
        its_terms = its_terms.with_anchors(*supposed.anchors.get(line_id, ()))
        own = Own(
            its_terms,
            FeeHistory(fees[line_id]),
            one_offs=(*one_offs.get(line_id, ()), *supposed.one_offs.get(line_id, ())),
            usage=tuple(usage.get(line_id, ())),
            problem=its_terms.problem,
        )
        history = [*events, *supposed.events.get(line_id, ())]
        found[line_id] = _with_history(OwnHistory(own, tuple(spans)), history, fees[line_id])
    return found


def plain_history(fee: Money, spans: Sequence[Span]) -> OwnHistory:
    """A plain rent, seen as a line with terms: other things were billed that it does not owe any more."""
    return OwnHistory(Own(PLAIN, FeeHistory(fee)), tuple(spans))


def agreed_terms(session: Session, lines: Select[UUID] | Collection[UUID]) -> dict[UUID, LineTerms]:
    """The terms of those lines that have other than plain ones."""
    rows = session.scalars(select(stored.LineTerms).where(stored.LineTerms.contract_line_id.in_(lines))).all()
    if not rows:
        return {}
    line_ids = [row.contract_line_id for row in rows]
    discounts, anchors = _discounts(session, line_ids), _anchors(session, line_ids)
    return {
        row.contract_line_id: _terms_of(row, discounts[row.contract_line_id], anchors[row.contract_line_id])
        for row in rows
    }


def _terms_of(
    row: stored.LineTerms, discounts: Sequence[AgreedDiscount], anchors: Sequence[AgreedAnchor]
) -> LineTerms:
    """As the rules take them; one line whose terms cannot be must not keep the others from being billed."""
    try:
        return LineTerms(
            anchor=row.anchor,
            anchored_on=row.anchored_on,
            months=row.months,
            days=row.period_days,
            anchors=tuple(anchors),
            timing=row.timing,
            lead_days=row.lead_days,
            stub=row.stub,
            proration=row.proration,
            stop_proration=row.stop_proration,
            change_proration=row.change_proration,
            rate_bp=row.rate_bp,
            cuts_at_rate_changes=row.cuts_at_rate_changes,
            discounts=tuple(discounts),
            overrun_fee=row.overrun_fee,
            usage=usage_plan_of(row.usage) if row.usage else None,
        )
    except DomainError as error:
        return LineTerms(problem=error)


def _with_history(history: OwnHistory, events: Sequence[LineEvent], fee: Money) -> OwnHistory:
    """The same with the days and fees of its events; with the reason when they contradict each other."""
    if not events:
        return history
    try:
        spans, fees, kept, served = history_of(events, fee=fee)
    except DomainError as error:
        return OwnHistory(history.own._replace(problem=error), ())
    return OwnHistory(history.own._replace(fees=fees, kept=kept, served=served), spans)


def _event(row: Any) -> LineEvent:
    _line_id, slot_id, effective_on, kind, seq, value, replaces_on, replaces_seq, _site = row
    replaces = EventKey(replaces_on, replaces_seq) if replaces_on else None
    return LineEvent(kind, effective_on, seq, slot_id, value, replaces)


def _discounts(session: Session, line_ids: Collection[UUID]) -> dict[UUID, list[AgreedDiscount]]:
    found: dict[UUID, list[AgreedDiscount]] = defaultdict(list)
    for row in session.scalars(
        select(stored.LineDiscount)
        .where(stored.LineDiscount.contract_line_id.in_(line_ids))
        .order_by(stored.LineDiscount.id)
    ):
        days = Period(row.starts_on or FOR_EVER.start, row.ends_on or FOR_EVER.end)
        discount = LineDiscount(row.name, row.basis_points, row.amount, days)
        found[row.contract_line_id].append(AgreedDiscount(discount, row.periods))
    return found


def _anchors(session: Session, line_ids: Collection[UUID]) -> dict[UUID, list[AgreedAnchor]]:
    found: dict[UUID, list[AgreedAnchor]] = defaultdict(list)
    for row in session.scalars(
        select(stored.LineAnchor)
        .where(stored.LineAnchor.contract_line_id.in_(line_ids))
        .order_by(stored.LineAnchor.since)
    ):
        found[row.contract_line_id].append(
            AgreedAnchor(row.since, row.kind, row.anchored_on, restarts=row.restarts)
        )
    return found


def _one_offs(session: Session, lines: Select[UUID], since: date) -> dict[UUID, list[OneOff]]:
    """What happened once and was not taken back; equal things of one day together."""
    later = aliased(stored.OneOff)
    happened: dict[UUID, Counter[OneOff]] = defaultdict(Counter)
    for row in session.scalars(
        select(stored.OneOff)
        .outerjoin(later, later.replaces_id == stored.OneOff.id)
        .where(
            stored.OneOff.contract_line_id.in_(lines),
            stored.OneOff.happened_on >= since,
            stored.OneOff.quantity > 0,
            later.id.is_(None),
        )
        .order_by(stored.OneOff.happened_on, stored.OneOff.id)
    ):
        happened[row.contract_line_id][one_of(row)] += row.quantity
    return {
        line_id: [each.times(count) for each, count in counts.items()] for line_id, counts in happened.items()
    }


def one_of(row: stored.OneOff) -> OneOff:
    """One piece of it, as the rules take it."""
    is_penalty = row.cost is Cost.EARLY_TERMINATION
    return OneOff(
        row.contract_line_id,
        row.happened_on,
        UnitPrice(row.unit_price_millionths),
        tax_class=row.tax_class,
        kind=ChargeKind.PENALTY if is_penalty else ChargeKind.ONE_OFF,
        about=row.cost.value,
    )


def _readings(session: Session, line_ids: Collection[UUID], since: date) -> dict[UUID, list[UsageRecord]]:
    found: dict[UUID, list[UsageRecord]] = defaultdict(list)
    if not line_ids:
        return found
    rows = session.execute(
        select(
            StoredReading.contract_line_id,
            StoredReading.external_id,
            StoredReading.occurred_on,
            StoredReading.quantity,
            StoredReading.subject,
        )
        .where(StoredReading.contract_line_id.in_(line_ids), StoredReading.occurred_on > since)
        .order_by(StoredReading.contract_line_id, StoredReading.occurred_on, StoredReading.external_id)
    )
    for line_id, external_id, occurred_on, quantity, subject in rows:
        found[line_id].append(UsageRecord(external_id, occurred_on, quantity, subject))
    return found
