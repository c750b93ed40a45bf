"""Reading contracts, slots and placements."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Select, and_, case, cast, func, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from rental.catalog.models import RatePlanVersion
from rental.contracts.models import Contract, ContractStep, Line, LineEvent, Placement, Slot, Term
from rental.contracts.rules import ContractState, SlotState
from rental.core.money import Money
from rental.core.text import narrow
from rental.customers.models import BillingAccount, Customer, Site
from rental.customers.rules import PriceMode, kana_alike

NOTHING = Money(0)


def contracts_matching(
    *,
    words: str = "",
    state: ContractState | None = None,
    customer_id: UUID | None = None,
    ends_before: date | None = None,
) -> Select[Contract]:
    """Contracts whose number or customer has the words, in no order yet.

    `ends_before`: those whose last term has its last day before this day.
    """
    statement = select(Contract).options(
        joinedload(Contract.customer),
        joinedload(Contract.billing_account),
        selectinload(Contract.terms),
    )
    if words:
        named = [Customer.search_name.contains(word, autoescape=True) for word in kana_alike(words).split()]
        statement = statement.where(
            or_(
                Contract.number.startswith(narrow(words).upper(), autoescape=True),
                Contract.customer_id.in_(select(Customer.id).where(and_(*named))),
            )
        )
    if state:
        statement = statement.where(Contract.state == state)
    if customer_id:
        statement = statement.where(Contract.customer_id == customer_id)
    if ends_before:
        statement = statement.where(
            Contract.id.in_(
                select(Term.contract_id)
                .group_by(Term.contract_id)
                .having(func.max(Term.ends_on) <= ends_before)
            )
        )
    return statement


def contracts_of_customer(session: Session, customer_id: UUID) -> Sequence[Contract]:
    """What the customer rents or has rented, latest first."""
    return session.scalars(
        select(Contract)
        .where(Contract.customer_id == customer_id)
        .options(joinedload(Contract.billing_account))
        .order_by(Contract.number.desc())
        .limit(500)
    ).all()


@dataclass(frozen=True, slots=True)
class Totals:
    """What a list of contracts adds up to; fees that hold the tax are no part of those without."""

    contract_count: int = 0
    monthly_fee: Money = NOTHING
    monthly_fee_with_tax: Money = NOTHING
    slot_count: int = 0


def totals_of(session: Session, statement: Select[Contract]) -> Totals:
    """The sums over every contract of the statement, not only over a page."""
    some = statement.with_only_columns(
        Contract.id, Contract.billing_account_id, Contract.monthly_fee, Contract.slot_count
    )
    rows = some.order_by(None).subquery()
    holds_tax = BillingAccount.price_mode == PriceMode.INCLUSIVE
    sums = (
        select(
            func.count(),
            _sum(case((holds_tax, 0), else_=rows.c.monthly_fee)),
            _sum(case((holds_tax, rows.c.monthly_fee), else_=0)),
            func.coalesce(func.sum(rows.c.slot_count), 0),
        )
        .select_from(rows)
        .join(BillingAccount, BillingAccount.id == rows.c.billing_account_id)
    )
    count, fee, fee_with_tax, slots = session.execute(sums).one()
    return Totals(count, Money(fee), Money(fee_with_tax), int(slots))


def _sum(yen: ColumnElement[Any]) -> ColumnElement[int]:
    return func.coalesce(cast(func.sum(yen), BigInteger), 0)


def state_counts(session: Session) -> dict[ContractState, int]:
    """How many contracts are in each state."""
    rows = session.execute(select(Contract.state, func.count()).group_by(Contract.state)).all()
    return dict.fromkeys(ContractState, 0) | dict(rows)


def contract_with_all(session: Session, contract_id: UUID) -> Contract | None:
    """A contract with everything its page shows."""
    return session.scalar(
        select(Contract)
        .where(Contract.id == contract_id)
        .options(
            joinedload(Contract.customer),
            joinedload(Contract.billing_account),
            selectinload(Contract.terms),
            selectinload(Contract.lines).joinedload(Line.equipment_model),
            selectinload(Contract.lines)
            .joinedload(Line.rate_plan_version)
            .joinedload(RatePlanVersion.rate_plan),
            selectinload(Contract.lines).selectinload(Line.slots).joinedload(Slot.site),
            selectinload(Contract.lines)
            .selectinload(Line.slots)
            .selectinload(Slot.placements)
            .joinedload(Placement.unit),
        )
    )


def steps_of(session: Session, contract_id: UUID) -> Sequence[ContractStep]:
    """How the contract's life went, latest first."""
    return session.scalars(
        select(ContractStep)
        .where(ContractStep.contract_id == contract_id)
        .order_by(ContractStep.id.desc())
        .limit(200)
    ).all()


def line_events_of(session: Session, contract_id: UUID) -> Sequence[LineEvent]:
    """What changed what the contract's lines owe, latest first."""
    return session.scalars(
        select(LineEvent)
        .join(Line)
        .where(Line.contract_id == contract_id)
        .order_by(LineEvent.recorded_at.desc(), LineEvent.id.desc())
        .limit(1000)
    ).all()


def slots_awaiting_install(session: Session, contract_id: UUID) -> Sequence[Slot]:
    """The slots of a contract that have no unit yet, by line and position."""
    return session.scalars(
        select(Slot)
        .join(Line)
        .where(Line.contract_id == contract_id, Slot.state == SlotState.AWAITING_INSTALL)
        .options(joinedload(Slot.line).joinedload(Line.equipment_model), joinedload(Slot.site))
        .order_by(Line.position, Slot.position)
    ).all()


def placements_of_unit(session: Session, unit_id: UUID) -> Sequence[Placement]:
    """Which slots the unit has filled, latest first."""
    return session.scalars(
        select(Placement)
        .where(Placement.unit_id == unit_id)
        .options(
            joinedload(Placement.slot).joinedload(Slot.site),
            joinedload(Placement.slot)
            .joinedload(Slot.line)
            .joinedload(Line.contract)
            .joinedload(Contract.customer),
        )
        .order_by(Placement.placed_at.desc())
        .limit(200)
    ).all()


def open_placements_at(session: Session, site_id: UUID) -> Sequence[Placement]:
    """What stands at a site now, by contract and position."""
    return session.scalars(
        select(Placement)
        .join(Slot)
        .where(Slot.site_id == site_id, Placement.removed_at.is_(None))
        .options(
            joinedload(Placement.unit),
            joinedload(Placement.slot).joinedload(Slot.line).joinedload(Line.contract),
            joinedload(Placement.slot).joinedload(Slot.line).joinedload(Line.equipment_model),
        )
        .order_by(Placement.placed_at, Placement.id)
        .limit(1000)
    ).all()


def machine_counts(session: Session, customer_id: UUID) -> dict[UUID, int]:
    """How many machines stand at each of the customer's sites now; a site without any is left out."""
    rows = session.execute(
        select(Slot.site_id, func.count())
        .join(Placement, Placement.slot_id == Slot.id)
        .join(Site, Slot.site_id == Site.id)
        .where(Site.customer_id == customer_id, Placement.removed_at.is_(None))
        .group_by(Slot.site_id)
    ).all()
    return dict(rows)


def contracts_of_slots(session: Session, slot_ids: Collection[UUID]) -> dict[UUID, Contract]:
    """The contract each of these slots belongs to."""
    rows = session.execute(
        select(Slot.id, Contract)
        .join(Line, Slot.contract_line_id == Line.id)
        .join(Contract, Line.contract_id == Contract.id)
        .where(Slot.id.in_(slot_ids))
        .options(joinedload(Contract.customer))
    ).all()
    return dict(rows)
