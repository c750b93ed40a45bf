"""Agreeing anew: what follows is recorded in one transaction, and the next closing looks at it."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from rental.billing.limits import limits_of
from rental.billing.rules.periods import day_in_month
from rental.billing.schedules import make_due
from rental.catalog.rules import Cost
from rental.changes.line_books import ContractBook
from rental.changes.models import Amendment
from rental.changes.plans import Plan
from rental.changes.rules import (
    MONTHS_AHEAD,
    AlreadyTerminated,
    AmendmentKind,
    NoReason,
    TooFarAhead,
    TooFarBack,
)
from rental.changes.standing_fees import restate_fee
from rental.contracts.amending import (
    add_line_in_force,
    end_contract,
    mark_amended,
    put_ends_right,
    put_slot_right,
    record_anchor,
)
from rental.contracts.costs import record_cost
from rental.contracts.models import Contract
from rental.contracts.placements import record_event
from rental.contracts.rules import LineEventKind
from rental.core.money import Money
from rental.core.periods import Period
from rental.core.text import tidy
from rental.core.uow import UnitOfWork, locked

SOURCE = "amendment"


def hold_contract(uow: UnitOfWork, contract_id: UUID) -> Contract:
    """Nobody bills or amends the contract until the transaction ends; what is planned from here on holds."""
    return locked(uow, Contract, contract_id)


def require_in_reach(session: Session, plan: Plan, *, today: date) -> None:
    """Raises TooFarBack for what the company does not bill anew any more, and TooFarAhead."""
    require_day_in_reach(session, plan.effective_on, *plan.first_days().values(), today=today)


def require_day_in_reach(session: Session, *days: date, today: date) -> None:
    """The same of these days."""
    earliest = day_in_month(today, today.day, months_later=-limits_of(session).months_back)
    if min(days) < earliest:
        raise TooFarBack(earliest=earliest)
    latest = day_in_month(today, today.day, months_later=MONTHS_AHEAD)
    if max(days) > latest:
        raise TooFarAhead(latest=latest)


def amend(uow: UnitOfWork, plan: Plan, *, reason: str) -> Amendment:
    """Records what was planned; the next closing bills the difference for periods billed before.

    The contract is held, and was when the plan was made. Raises NoReason, and what require_in_reach raises.
    """
    reason = _tidy_reason(reason)
    require_in_reach(uow.session, plan, today=uow.today)

    uow.because(reason)
    amendment = Amendment(
        contract_id=plan.contract_id,
        contract_line_id=plan.line_id,
        kind=plan.kind,
        effective_on=plan.effective_on,
        said=dict(plan.said),
        reason=reason,
        recorded_at=uow.now,
        recorded_by=uow.actor.name,
    )
    uow.session.add(amendment)
    uow.session.flush()
    _record(uow, plan, amendment)
    make_due(uow, plan.first_days())
    mark_amended(uow, plan.contract_id)
    restate_fee(uow, plan.contract_id)
    return amendment


def add_option(
    uow: UnitOfWork,
    book: ContractBook,
    *,
    rate_plan_version_id: UUID,
    site_id: UUID,
    quantity: int,
    reason: str,
    monthly_fee: Money | None = None,
) -> Amendment:
    """More machines, or another option, for as long as the contract runs; rent begins with the installation.

    Raises NoReason, AlreadyTerminated, and what add_line_in_force raises.
    """
    reason = _tidy_reason(reason)
    if book.contract.ends_on is not None:
        raise AlreadyTerminated(ends_on=book.contract.ends_on)
    uow.because(reason)
    line = add_line_in_force(
        uow,
        book.contract.id,
        rate_plan_version_id=rate_plan_version_id,
        site_id=site_id,
        quantity=quantity,
        monthly_fee=monthly_fee,
    )
    amendment = Amendment(
        contract_id=book.contract.id,
        contract_line_id=line.id,
        kind=AmendmentKind.OPTION_ADDED,
        effective_on=uow.today,
        said={"quantity": quantity, "fee": line.monthly_fee.minor_units},
        reason=reason,
        recorded_at=uow.now,
        recorded_by=uow.actor.name,
    )
    uow.session.add(amendment)
    uow.session.flush()
    mark_amended(uow, book.contract.id)
    restate_fee(uow, book.contract.id)
    return amendment


def extensions_of(session: Session, contract_id: UUID) -> list[Period]:
    """The pauses that move the minimum term."""
    return [
        Period(each.effective_on, date.fromisoformat(each.said["resumes_on"]))
        for each in amendments_of(session, contract_id)
        if each.kind is AmendmentKind.SUSPENSION and each.said["extends_term"]
    ]


def amendments_of(session: Session, contract_id: UUID) -> Sequence[Amendment]:
    """What was agreed anew about the contract, latest first."""
    return session.scalars(
        select(Amendment).where(Amendment.contract_id == contract_id).order_by(Amendment.id.desc()).limit(500)
    ).all()


def _record(uow: UnitOfWork, plan: Plan, amendment: Amendment) -> None:
    for line_id, anchors in plan.anchors.items():
        for anchor in anchors:
            record_anchor(
                uow,
                line_id,
                anchor.kind,
                since=anchor.since,
                anchored_on=anchor.anchored_on,
                restarts=anchor.restarts,
                reason=amendment.reason,
            )
    for line_id, events in plan.events.items():
        for event in events:
            record_event(
                uow,
                line_id,
                event.kind,
                effective_on=event.effective_on,
                slot_id=event.slot_id,
                value=event.value,
                replaces=event.replaces,
                reason=amendment.reason,
                source=SOURCE,
                source_id=amendment.id,
            )
            if event.replaces and event.slot_id:
                put_slot_right(uow, event.slot_id, event.kind, event.effective_on)
            elif event.replaces and event.kind is LineEventKind.STOP:
                put_ends_right(uow, line_id, event.replaces.effective_on, event.effective_on)
    for line_id, costs in plan.one_offs.items():
        for cost in costs:
            record_cost(
                uow,
                line_id,
                Cost(cost.about),
                happened_on=cost.happened_on,
                unit_price_millionths=cost.unit_price.millionths,
                quantity=cost.quantity,
                tax_class=cost.tax_class,
                reason=amendment.reason,
                source=SOURCE,
                source_id=amendment.id,
            )
    if plan.ends_on is not None:
        end_contract(uow, plan.contract_id, ends_on=plan.ends_on)


def _tidy_reason(reason: str) -> str:
    said = tidy(reason)[:500]
    if not said:
        raise NoReason
    return said
