"""What somebody does about a contract, all through the use cases of the product."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from rental.billing.agreements import agree_cost, agree_terms
from rental.billing.usage_readings import Reading, take_readings
from rental.catalog.models import RatePlan, RatePlanVersion
from rental.catalog.rate_plans import Terms as PlanTerms
from rental.catalog.rate_plans import add_rate_plan
from rental.catalog.rules import (
    AnchorKind,
    Cost,
    Proration,
    StartPolicy,
    StopPolicy,
    StubPolicy,
    TaxClass,
)
from rental.contracts.activation import activate_contract
from rental.contracts.agreeing import Terms, agree_discount
from rental.contracts.drafting import add_line, draft_contract
from rental.contracts.models import Contract, Line, Slot
from rental.contracts.placements import end_slot
from rental.contracts.rules import SlotState
from rental.core.ids import new_id
from rental.core.money import Money
from rental.core.uow import UnitOfWork
from rental.customers.models import BillingAccount, Site
from tests.factories.billed import install_by_scan
from tests.factories.rented import stock
from tests.faults.three_years.script import DEAR, FIRST, Tenancy

PRINTS = {"model": "per_unit", "unit_price": "1.5", "included": 100}
COSTS = {Cost.INITIAL: 5000, Cost.DELIVERY: 1200, Cost.REMOVAL: 3300}
LEAVING = (
    {"model": "percent", "basis_points": 5000},
    {"model": "fixed", "amount": 30_000, "tax_class": TaxClass.STANDARD.value},
)


@dataclass
class Doing:
    """Somebody at the desk today: a contract, its tenancy, and the chance that decides what exactly."""

    uow: UnitOfWork
    tenancy: Tenancy
    chance: Random
    technician_id: UUID

    @property
    def today(self) -> date:
        return self.uow.today

    @property
    def contract(self) -> Contract:
        return contract_of(self.uow.session, self.tenancy)

    def slots(self, *states: SlotState) -> list[Slot]:
        """Those of the contract in one of these states, by line and position."""
        return list(
            self.uow.session.scalars(
                select(Slot)
                .join(Line)
                .where(Line.contract_id == self.contract.id, Slot.state.in_(states))
                .order_by(Line.position, Slot.position)
            )
        )


def contract_of(session: Session, tenancy: Tenancy) -> Contract:
    """Contracts are known by what the clerk wrote on them: their numbers are given when they are signed."""
    return session.scalars(select(Contract).where(Contract.note == name_of(tenancy))).one()


def name_of(tenancy: Tenancy) -> str:
    return f"tenancy {tenancy.number}"


def account_name(tenancy: Tenancy) -> str:
    return f"商店{tenancy.account:03}"


# signing and installing


def sign(doing: Doing) -> None:
    """The contract is written and is in force; its machines are on the shelf."""
    uow, tenancy = doing.uow, doing.tenancy
    session = uow.session
    account = session.scalars(
        select(BillingAccount).where(BillingAccount.name == account_name(tenancy))
    ).one()
    site_id = session.scalars(select(Site.id).where(Site.customer_id == account.customer_id)).one()
    contract = draft_contract(
        uow, account.customer_id, account.id, months=60, wanted_on=uow.today, note=name_of(tenancy)
    )
    plan = plan_for(uow, tenancy.tax_class, tenancy.start, tenancy.stop, tenancy.trial_days)
    stock(uow, plan.rate_plan.equipment_model, tenancy.machines + tenancy.is_steady)
    line = add_line(
        uow,
        contract.id,
        rate_plan_version_id=plan.id,
        site_id=site_id,
        quantity=tenancy.machines,
        monthly_fee=Money(tenancy.agreed.fee),
    )
    if not tenancy.is_plain:
        _agree(doing, line.id)
    if tenancy.has_costs:
        for cost, price in COSTS.items():
            agree_cost(uow, line.id, cost, unit_price=price, tax_class=tenancy.tax_class)
    if tenancy.is_steady:
        dear = plan_for(uow, TaxClass.STANDARD, StartPolicy.INSTALLATION, StopPolicy.RETRIEVAL, 0)
        add_line(
            uow,
            contract.id,
            rate_plan_version_id=dear.id,
            site_id=site_id,
            quantity=1,
            monthly_fee=Money(DEAR),
        )
    session.expire(contract)
    activate_contract(uow, contract.id, uow.today)


def plan_for(
    uow: UnitOfWork, tax_class: TaxClass, start: StartPolicy, stop: StopPolicy, trial_days: int
) -> RatePlanVersion:
    """The plan with these rules; it is offered when the first contract asks for it."""
    code = "-".join(each.upper().replace("_", "")[:4] for each in (tax_class, start, stop))
    plan_id = uow.session.scalar(select(RatePlan.id).where(RatePlan.code == code))
    if plan_id is None:
        model_id = uow.session.scalars(select(RatePlan.equipment_model_id).limit(1)).one()
        terms = PlanTerms(
            monthly_fee=Money(3000),
            tax_class=tax_class,
            start_policy=start,
            stop_policy=stop,
            minimum_months=12,
            trial_days=trial_days,
        )
        plan_id = add_rate_plan(uow, model_id, code=code, name=code, valid_from=FIRST, terms=terms).id
    return uow.session.scalars(select(RatePlanVersion).where(RatePlanVersion.rate_plan_id == plan_id)).one()


def _agree(doing: Doing, line_id: UUID) -> None:
    tenancy = doing.tenancy
    agreed = tenancy.agreed
    agree_terms(
        doing.uow,
        line_id,
        Terms(
            anchor=AnchorKind.ANNIVERSARY,
            anchored_on=agreed.anchor,
            months=agreed.months,
            timing=tenancy.timing,
            lead_days=tenancy.lead_days,
            stub=StubPolicy(agreed.stub),
            proration=Proration(agreed.start_mode),
            stop_proration=Proration(agreed.stop_mode),
            change_proration=Proration(agreed.change_mode),
            overrun_fee=None if tenancy.overrun_fee is None else Money(tenancy.overrun_fee),
            usage=PRINTS if tenancy.is_metered else None,
            leaving=doing.chance.choice(LEAVING),
        ),
    )
    if agreed.percent_off:
        is_by_periods = tenancy.discount_periods is not None
        agree_discount(
            doing.uow,
            line_id,
            name="特別値引",
            basis_points=100 * agreed.percent_off,
            starts_on=None if is_by_periods else agreed.discount_from,
            ends_on=None if is_by_periods else agreed.discount_until,
            periods=tenancy.discount_periods,
        )


def install(doing: Doing) -> None:
    """Whatever the contract still waits for, today."""
    install_by_scan(doing.uow, doing.contract.id, doing.technician_id)


def install_some(doing: Doing) -> None:
    """One machine of each job; the others did not fit into the van."""
    install_by_scan(doing.uow, doing.contract.id, doing.technician_id, machines=1)


def tell_of_installation(doing: Doing) -> None:
    """It was the day before yesterday, and the phone has been without a network since."""
    effective_on = doing.contract.effective_on
    assert effective_on
    at = doing.uow.now - timedelta(days=min(2, (doing.today - effective_on).days))
    install_by_scan(doing.uow, doing.contract.id, doing.technician_id, at=at)


# fetching, and what is read


def fetch(doing: Doing) -> None:
    """One machine comes back; not the dear one, and never the last."""
    running = [each for each in doing.slots(SlotState.IN_SERVICE) if each.line.monthly_fee != Money(DEAR)]
    if len(running) > 1:
        _bring_back(doing, doing.chance.choice(running))


def fetch_all(doing: Doing) -> None:
    """After notice was given: too early, in time, or so late that it is an overrun."""
    for slot in doing.slots(SlotState.IN_SERVICE):
        _bring_back(doing, slot)


def _bring_back(doing: Doing, slot: Slot) -> None:
    end_slot(doing.uow, slot.id, retrieved_on=doing.today, source="work_order", source_id=new_id())


def read_meter(doing: Doing) -> None:
    """Readings of today, and of a day that nobody told of for a while."""
    late = doing.today - timedelta(days=doing.chance.choice((3, 20, 70)))
    days = (doing.today, late) if doing.chance.random() < 0.4 else (doing.today,)
    take_readings(
        doing.uow,
        [
            Reading(doing.contract.number, 1, f"{doing.today}/{day}", day, doing.chance.randint(0, 900))
            for day in days
        ],
    )


DOINGS: dict[str, Callable[[Doing], None]] = {
    each.__name__: each
    for each in (sign, install, install_some, tell_of_installation, fetch, fetch_all, read_meter)
}
