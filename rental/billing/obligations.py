"""Reading what the contracts of some accounts say, and what was billed for them, as plain values."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, aliased

from rental.billing.histories import NOT_STARTED, NOTHING, Supposed, own_facts, plain_history, recorded_starts
from rental.billing.models import BilledSegment, BilledSpan, BillingClaim, BillingSchedule
from rental.billing.rules.charges import Charge
from rental.billing.rules.consolidation import NO_PLACES, Place, Places
from rental.billing.rules.drafts import AccountTerms, LineFacts, looked_back_to, settled_until
from rental.billing.rules.proration import Share
from rental.billing.rules.runs import BillingKind
from rental.billing.rules.tax import TaxRate
from rental.catalog.models import EquipmentModel, RatePlan, RatePlanVersion
from rental.contracts.models import Contract, Line, Slot
from rental.contracts.rules import ContractState
from rental.core.periods import Period
from rental.customers.models import BillingAccount, Site
from rental.customers.rules import Consolidation

# Accounts by their ids, or by a question for their ids: hundreds of ids make a long statement.
Accounts = Collection[UUID] | Select[UUID]


def terms_of(account: BillingAccount) -> AccountTerms:
    """What was agreed with the account, as the rules take it."""
    return AccountTerms(
        account.closing_day,
        account.term_months,
        account.pay_day,
        account.holiday_rule,
        account.tax_rounding,
        account.charge_rounding,
        account.consolidation,
        account.price_mode,
    )


def hold_contracts(session: Session, account_ids: Accounts) -> None:
    """Nobody changes these contracts, or when they are due, until the transaction ends; by their ids."""
    session.execute(
        select(Contract.id)
        .where(Contract.billing_account_id.in_(account_ids))
        .order_by(Contract.id)
        .with_for_update()
    )
    session.execute(
        select(BillingSchedule.contract_line_id)
        .where(BillingSchedule.contract_line_id.in_(_lines_of(account_ids)))
        .order_by(BillingSchedule.contract_line_id)
        .with_for_update()
    )


def lines_owed_by(
    session: Session, account_ids: Accounts, *, closed_on: date, supposed: Supposed = NOTHING
) -> dict[UUID, list[LineFacts]]:
    """Every line of the active contracts of these accounts, by account, by contract and position.

    As many statements for a thousand accounts as for one. What is `supposed` counts as if it was recorded.
    """
    rows = session.execute(_line_rows(account_ids)).all()
    changed = supposed.lines()
    settled = {
        row.id: looked_back_to(closed_on)
        if row.id in changed
        else settled_until(closed_on, billed_through=row.billed_through, next_due_on=row.next_due_on)
        for row in rows
    }
    never_billed = {row.id for row in rows if row.next_due_on and not row.billed_through}
    since = min((day for line_id, day in settled.items() if line_id not in never_billed), default=closed_on)
    lines = _lines_of(account_ids)
    starts = recorded_starts(session, lines, with_events=changed)
    fees = {row.id: row.monthly_fee for row in rows}
    oldest = min(settled.values(), default=closed_on)
    own = own_facts(session, lines, starts, fees, since=oldest, supposed=supposed)
    billed = _billed(session, lines, since)
    generations = _generations(session, lines, since)
    if begun := [line_id for line_id in own if line_id in never_billed]:
        # What is paid for once or in advance was billed before a first period was: all there is of it.
        billed |= _billed(session, select(Line.id).where(Line.id.in_(begun)), date.min)
        generations |= _generations(session, select(Line.id).where(Line.id.in_(begun)), date.min)
    owed: dict[UUID, list[LineFacts]] = defaultdict(list)
    for row in rows:
        spans, sites, _ = starts.get(row.id, NOT_STARTED)
        charges = billed.get(row.id, {})
        its_own = own.get(row.id)
        if its_own is None and any(charge.kind is not BillingKind.RECURRING for charge in charges):
            its_own = plain_history(row.monthly_fee, spans)
        owed[row.billing_account_id].append(
            LineFacts(
                line_id=row.id,
                contract_id=row.contract_id,
                contract_number=row.number,
                monthly_fee=row.monthly_fee,
                tax_class=row.tax_class,
                spans=tuple(spans) if its_own is None else its_own.spans,
                settled_until=settled[row.id],
                billed_through=row.billed_through,
                billed=charges,
                generations=generations.get(row.id, {}),
                words={
                    "contract": row.number,
                    "model_code": row.model_code,
                    "model": row.model_name,
                    "plan": row.plan_name,
                    "plan_valid_from": row.valid_from.isoformat(),
                },
                sites=sites,
                own=None if its_own is None else its_own.own,
            )
        )
    return owed


def places_of(session: Session, accounts: Iterable[BillingAccount]) -> Places:
    """Where each line of those accounts stands that are sent a document for each site.

    A line is written for one site, and its slots stay there. No statement where no account asks for it.
    """
    by_site = [each.id for each in accounts if each.consolidation is Consolidation.PER_SITE]
    if not by_site:
        return NO_PLACES
    rows = session.execute(
        select(Slot.contract_line_id, Site.id, Site.number, Site.name)
        .join(Site, Site.id == Slot.site_id)
        .where(Slot.contract_line_id.in_(_lines_of(by_site)), Slot.position == 1)
    )
    return {line_id: Place(site_id, number, name) for line_id, site_id, number, name in rows}


def _lines_of(account_ids: Accounts) -> Select[UUID]:
    return (
        select(Line.id)
        .join(Contract, Contract.id == Line.contract_id)
        .where(Contract.billing_account_id.in_(account_ids), Contract.state == ContractState.ACTIVE)
    )


def _line_rows(account_ids: Accounts) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Line.id,
            Line.contract_id,
            Line.monthly_fee,
            Line.tax_class,
            Contract.number,
            Contract.billing_account_id,
            EquipmentModel.code.label("model_code"),
            EquipmentModel.name.label("model_name"),
            RatePlan.name.label("plan_name"),
            RatePlanVersion.valid_from,
            BillingSchedule.billed_through,
            BillingSchedule.next_due_on,
        )
        .join(Contract, Contract.id == Line.contract_id)
        .join(EquipmentModel, EquipmentModel.id == Line.equipment_model_id)
        .join(RatePlanVersion, RatePlanVersion.id == Line.rate_plan_version_id)
        .join(RatePlan, RatePlan.id == RatePlanVersion.rate_plan_id)
        .outerjoin(BillingSchedule, BillingSchedule.contract_line_id == Line.id)
        .where(Contract.billing_account_id.in_(account_ids), Contract.state == ContractState.ACTIVE)
        .order_by(Contract.number, Line.position)
    )


def _billed(session: Session, lines: Select[UUID], since: date) -> dict[UUID, dict[Charge, UUID]]:
    """The charges that were asked for and not taken back, by line, each with its row."""
    credit = aliased(BilledSegment)
    segments = session.scalars(
        select(BilledSegment)
        .outerjoin(credit, credit.reverses_id == BilledSegment.id)
        .where(
            BilledSegment.contract_line_id.in_(lines),
            BilledSegment.sign == 1,
            BilledSegment.period_end > since,
            credit.id.is_(None),
        )
    ).all()
    slots = _slots_of(session, lines, since) if segments else {}
    billed: dict[UUID, dict[Charge, UUID]] = defaultdict(dict)
    for segment in segments:
        billed[segment.contract_line_id][_charge(segment, slots.get(segment.id, ()))] = segment.id
    return billed


def _slots_of(session: Session, lines: Select[UUID], since: date) -> dict[UUID, list[UUID]]:
    slots: dict[UUID, list[UUID]] = defaultdict(list)
    rows = session.execute(
        select(BilledSpan.billed_segment_id, BilledSpan.slot_id)
        .join(BilledSegment, BilledSegment.id == BilledSpan.billed_segment_id)
        .where(
            BilledSegment.contract_line_id.in_(lines),
            BilledSegment.period_end > since,
            BilledSpan.start_on == BilledSegment.start_on,
            BilledSpan.end_on == BilledSegment.end_on,
        )
    )
    for segment_id, slot_id in rows:
        slots[segment_id].append(slot_id)
    return slots


def _charge(segment: BilledSegment, slot_ids: Sequence[UUID]) -> Charge:
    rate = None if segment.rate_bp is None else TaxRate(segment.tax_class, segment.rate_bp)
    named = [UUID(each) for each in segment.slots or ()]
    return Charge(
        line_id=segment.contract_line_id,
        period=Period(segment.period_start, segment.period_end),
        used=Period(segment.start_on, segment.end_on),
        slot_ids=tuple(sorted(named or slot_ids)),
        monthly_fee=segment.monthly_fee,
        tax_class=segment.tax_class,
        amount=segment.amount,
        share=Share(segment.full_amount, segment.days, segment.of_days),
        kind=segment.kind,
        units=segment.units,
        discount=segment.discount,
        about=segment.about,
        rate=rate,
    )


def _generations(
    session: Session, lines: Select[UUID], since: date
) -> dict[UUID, dict[tuple[BillingKind, date], int]]:
    """How often each period was billed, by line, kind and first day."""
    counts: dict[UUID, dict[tuple[BillingKind, date], int]] = defaultdict(dict)
    rows = session.execute(
        select(
            BillingClaim.contract_line_id,
            BillingClaim.kind,
            BillingClaim.period_start,
            func.max(BillingClaim.generation),
        )
        .where(BillingClaim.contract_line_id.in_(lines), BillingClaim.period_end > since)
        .group_by(BillingClaim.contract_line_id, BillingClaim.kind, BillingClaim.period_start)
    )
    for line_id, kind, period_start, highest in rows:
        counts[line_id][kind, period_start] = highest + 1
    return counts
