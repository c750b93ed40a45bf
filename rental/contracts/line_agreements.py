"""Everything agreed about a line at once: read for a page, and written as a whole while it is a draft."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from rental.catalog.rules import Cost, StartPolicy, StopPolicy, TaxClass, require_trial
from rental.contracts.agreeing import Terms, terms_of_line
from rental.contracts.drafting import NotADraft, forget_agreement
from rental.contracts.models import AgreedCost, Contract, Line, LineAnchor, LineDiscount, LineTerms
from rental.contracts.rules import ContractState
from rental.core.db import found
from rental.core.errors import ChangedMeanwhile
from rental.core.money import Money
from rental.core.text import tidy
from rental.core.uow import UnitOfWork, locked

NOTHING = Money(0)
PLAIN = Terms()


@dataclass(frozen=True, slots=True)
class Rent:
    """What one unit costs a month, how that is taxed, and from which day until which it is owed."""

    monthly_fee: Money
    tax_class: TaxClass
    start_policy: StartPolicy
    stop_policy: StopPolicy
    trial_days: int = 0


@dataclass(frozen=True, slots=True)
class Discount:
    """Hundredths of a per cent, or an amount a period. `ends_on` is the first day without it."""

    name: str
    basis_points: int = 0
    amount: Money = NOTHING
    starts_on: date | None = None
    ends_on: date | None = None
    periods: int | None = None


@dataclass(frozen=True, slots=True)
class CostPrice:
    """What one kind of cost is agreed to cost each time, in millionths of a yen."""

    cost: Cost
    unit_price_millionths: int
    tax_class: TaxClass = TaxClass.STANDARD


@dataclass(frozen=True, slots=True)
class Agreement:
    """Everything agreed about a line. `anchors` are new cuts of its time that were agreed later."""

    rent: Rent
    terms: Terms = PLAIN
    discounts: Sequence[Discount] = ()
    costs: Sequence[CostPrice] = ()
    anchors: Sequence[LineAnchor] = ()

    @property
    def is_plain(self) -> bool:
        """Whether it is a plain monthly rent, as most are."""
        return self.terms == PLAIN and not self.discounts and not self.costs and not self.anchors


def agreements_of(session: Session, lines: Collection[Line]) -> dict[UUID, Agreement]:
    """What is agreed about each of these lines; four statements for any number of them."""
    line_ids = [line.id for line in lines]
    terms = {
        row.contract_line_id: _terms_of(row)
        for row in session.scalars(select(LineTerms).where(LineTerms.contract_line_id.in_(line_ids)))
    }
    discounts: dict[UUID, list[Discount]] = defaultdict(list)
    for discount in session.scalars(
        select(LineDiscount).where(LineDiscount.contract_line_id.in_(line_ids)).order_by(LineDiscount.id)
    ):
        discounts[discount.contract_line_id].append(_discount_of(discount))
    costs: dict[UUID, list[CostPrice]] = defaultdict(list)
    for cost in session.scalars(
        select(AgreedCost).where(AgreedCost.contract_line_id.in_(line_ids)).order_by(AgreedCost.cost)
    ):
        price = CostPrice(cost.cost, cost.unit_price_millionths, cost.tax_class)
        costs[cost.contract_line_id].append(price)
    anchors: dict[UUID, list[LineAnchor]] = defaultdict(list)
    for anchor in session.scalars(
        select(LineAnchor).where(LineAnchor.contract_line_id.in_(line_ids)).order_by(LineAnchor.since)
    ):
        anchors[anchor.contract_line_id].append(anchor)
    return {
        line.id: Agreement(
            _rent_of(line), terms.get(line.id, PLAIN), discounts[line.id], costs[line.id], anchors[line.id]
        )
        for line in lines
    }


def agree_on_line(uow: UnitOfWork, line_id: UUID, agreement: Agreement, *, version: int) -> Line:
    """All of this in the place of what was agreed before. `version` is that of the contract looked at.

    Where nothing but a plain rent is left, nothing is written down beside the line. Raises NotADraft,
    ChangedMeanwhile, TrialWithoutDays.
    """
    line = found(uow.session, Line, line_id)
    contract = locked(uow, Contract, line.contract_id)
    if contract.state is not ContractState.DRAFT:
        raise NotADraft
    if contract.version != version:
        raise ChangedMeanwhile
    rent = agreement.rent
    require_trial(rent.start_policy, rent.trial_days)

    contract.monthly_fee += (rent.monthly_fee - line.monthly_fee) * line.quantity
    for each in fields(rent):
        setattr(line, each.name, getattr(rent, each.name))
    flag_modified(contract, "note")  # the version rises with everything agreed, in rows of their own
    _write(uow, line.id, agreement)
    uow.session.flush()
    return line


def _write(uow: UnitOfWork, line_id: UUID, agreement: Agreement) -> None:
    forget_agreement(uow, line_id)
    if agreement.terms != PLAIN or agreement.discounts:
        row = terms_of_line(uow, line_id)
        for each in fields(agreement.terms):
            setattr(row, each.name, getattr(agreement.terms, each.name))
    uow.session.add_all(
        LineDiscount(
            contract_line_id=line_id,
            name=tidy(discount.name),
            basis_points=discount.basis_points,
            amount=discount.amount,
            starts_on=discount.starts_on,
            ends_on=discount.ends_on,
            periods=discount.periods,
        )
        for discount in agreement.discounts
    )
    uow.session.add_all(
        AgreedCost(
            contract_line_id=line_id,
            cost=price.cost,
            unit_price_millionths=price.unit_price_millionths,
            tax_class=price.tax_class,
        )
        for price in agreement.costs
    )


def _rent_of(line: Line) -> Rent:
    return Rent(line.monthly_fee, line.tax_class, line.start_policy, line.stop_policy, line.trial_days)


def _terms_of(row: LineTerms) -> Terms:
    return Terms(**{each.name: getattr(row, each.name) for each in fields(Terms)})


def _discount_of(row: LineDiscount) -> Discount:
    return Discount(row.name, row.basis_points, row.amount, row.starts_on, row.ends_on, row.periods)
