"""A general revision of fees: which contracts of a rate plan it concerns, and recording it one by one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload

from rental.billing.rules.amendments import Effect
from rental.catalog.models import RatePlanVersion
from rental.changes.amendments import amend, hold_contract, require_day_in_reach
from rental.changes.line_books import ContractBook, contract_book, contract_books
from rental.changes.models import Amendment
from rental.changes.plans import Plan, bound_until, fee_on, plan_revision
from rental.changes.rules import PricesHoldTax
from rental.contracts.models import Contract, Line
from rental.contracts.rules import ContractState
from rental.core.errors import DomainError
from rental.core.money import Money
from rental.core.uow import UnitOfWork


@dataclass(frozen=True, slots=True)
class Revision:
    """What every machine under a plan is to cost a month from a day on.

    With `fee_until_now` it is only for lines that cost this until then: others have agreed on their own fee.
    """

    rate_plan_id: UUID
    fee: Money
    effective_on: date
    effect: Effect = Effect.NEXT_PERIOD
    fee_until_now: Money | None = None


class LineToRevise(NamedTuple):
    """A line and what it costs until then; `revised_from` is None where its minimum term goes on."""

    line: Line
    fee: Money
    revised_from: date | None
    bound_until: date | None

    @property
    def machines(self) -> int:
        return self.line.quantity


@dataclass(frozen=True, slots=True)
class ContractToRevise:
    """A contract with lines that do not cost what they should yet; `problem` is why it cannot be planned."""

    contract: Contract
    lines: Sequence[LineToRevise] = ()
    problem: DomainError | None = None

    @property
    def is_open(self) -> bool:
        """Whether something would be recorded."""
        return any(line.revised_from for line in self.lines)

    def difference(self, fee: Money) -> Money:
        """How much more a month it costs at this fee."""
        lines = (line for line in self.lines if line.revised_from)
        return sum(((fee - line.fee) * line.machines for line in lines), Money(0))


@dataclass(frozen=True, slots=True)
class RevisionList:
    """Some of the contracts of a plan by their numbers, and the number to go on from where there are more."""

    contracts: Sequence[ContractToRevise]
    next_after: str | None = None


def foresee_revision(
    session: Session, revision: Revision, *, today: date, after: str = "", limit: int
) -> RevisionList:
    """What a revision would do to the next so many contracts in force. Writes nothing.

    What costs the fee by then already, and what ends, is left out. Raises TooFarBack, TooFarAhead.
    """
    require_day_in_reach(session, revision.effective_on, today=today)
    contracts = session.scalars(
        select(Contract)
        .where(
            Contract.state == ContractState.ACTIVE,
            Contract.ends_on.is_(None),
            Contract.number > after,
            Contract.id.in_(_under_plan(revision.rate_plan_id)),
        )
        .options(joinedload(Contract.customer))
        .order_by(Contract.number)
        .limit(limit + 1)
    ).all()
    shown = contracts[:limit]
    books = contract_books(session, shown)
    concerned = _lines_under_plan(session, revision.rate_plan_id, shown)
    found = [_to_revise(books[each.id], revision, concerned, today) for each in shown]
    more = len(contracts) > limit
    return RevisionList(
        [each for each in found if each.lines or each.problem], shown[-1].number if more else None
    )


def revise_contract(
    uow: UnitOfWork, contract_id: UUID, revision: Revision, *, reason: str, notified_on: date | None = None
) -> Amendment | None:
    """Records what is due of the revision for one contract; None where nothing is, as when it is done again.

    `notified_on` is when the customer was told. Raises NoReason, NotInForce, TooFarBack, TooFarAhead,
    PricesHoldTax.
    """
    contract = hold_contract(uow, contract_id)
    if contract.ends_on is not None:
        return None
    book = contract_book(uow.session, contract_id)
    concerned = _lines_under_plan(uow.session, revision.rate_plan_id, [contract])
    plan, _fees = _plan(book, revision, concerned, uow.today)
    if not plan.events:
        return None
    said = {**plan.said, "notified_on": notified_on.isoformat() if notified_on else None}
    return amend(uow, replace(plan, said=said), reason=reason)


def _under_plan(rate_plan_id: UUID) -> Select[UUID]:
    return (
        select(Line.contract_id)
        .join(RatePlanVersion, RatePlanVersion.id == Line.rate_plan_version_id)
        .where(RatePlanVersion.rate_plan_id == rate_plan_id)
    )


def _lines_under_plan(session: Session, rate_plan_id: UUID, contracts: Sequence[Contract]) -> set[UUID]:
    return set(
        session.scalars(
            select(Line.id)
            .join(RatePlanVersion, RatePlanVersion.id == Line.rate_plan_version_id)
            .where(
                RatePlanVersion.rate_plan_id == rate_plan_id,
                Line.contract_id.in_([contract.id for contract in contracts]),
            )
        )
    )


def _to_revise(book: ContractBook, revision: Revision, concerned: set[UUID], today: date) -> ContractToRevise:
    try:
        plan, fees = _plan(book, revision, concerned, today)
    except DomainError as error:
        return ContractToRevise(book.contract, problem=error)
    lines = [
        LineToRevise(
            book.lines[line_id].line, fee, _first_day(plan, line_id), bound_until(book.lines[line_id])
        )
        for line_id, fee in fees.items()
    ]
    return ContractToRevise(book.contract, lines)


def _plan(
    book: ContractBook, revision: Revision, concerned: set[UUID], today: date
) -> tuple[Plan, dict[UUID, Money]]:
    """The plan for the lines that would cost something else on the day it counts for them, and how much.

    Raises PricesHoldTax, for the new fee is without tax.
    """
    whole = _plan_of(book, revision, [line_id for line_id in book.lines if line_id in concerned], today)
    fees = {}
    for line_id in book.lines:
        if line_id in concerned:
            day = _first_day(whole, line_id) or revision.effective_on
            fee = fee_on(book.lines[line_id], day)
            if fee != revision.fee and revision.fee_until_now in (None, fee):
                fees[line_id] = fee
    if fees and book.account.holds_tax:
        raise PricesHoldTax
    return _plan_of(book, revision, list(fees), today), fees


def _plan_of(book: ContractBook, revision: Revision, line_ids: Sequence[UUID], today: date) -> Plan:
    return plan_revision(
        book,
        dict.fromkeys(line_ids, revision.fee),
        effective_on=revision.effective_on,
        today=today,
        effect=revision.effect,
    )


def _first_day(plan: Plan, line_id: UUID) -> date | None:
    return next((event.effective_on for event in plan.events.get(line_id, ())), None)
