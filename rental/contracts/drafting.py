"""Writing a contract: whose it is, for how long, which machines at which sites at what fee."""

from datetime import date
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm.attributes import flag_modified

from rental.catalog.models import EquipmentModel, RatePlan, RatePlanVersion
from rental.catalog.rules import OfferState
from rental.contracts.models import (
    AgreedCost,
    Contract,
    ContractStep,
    Line,
    LineDiscount,
    LineTerms,
    Slot,
    Term,
)
from rental.contracts.rules import CONTRACT_STATES, ContractState, RenewalPolicy, require_quantity
from rental.core.db import found
from rental.core.errors import ChangedMeanwhile, Conflict, Invalid, NotFound
from rental.core.ids import new_id
from rental.core.money import Money
from rental.core.numbering import next_number
from rental.core.text import tidy
from rental.core.uow import UnitOfWork, locked
from rental.customers.models import BillingAccount, Customer, Site


class NotADraft(Conflict):
    """What is agreed changes by an amendment, not by editing."""

    code = "contracts.not_a_draft"


class ForeignBillingAccount(Invalid):
    """The billing account belongs to another customer."""

    code = "contracts.foreign_billing_account"
    field = "billing_account_id"


class ForeignSite(Invalid):
    """The site belongs to another customer."""

    code = "contracts.foreign_site"
    field = "site_id"


class PlanNotOffered(Conflict):
    """The plan, or its model, is not offered any more."""

    code = "contracts.plan_not_offered"
    field = "rate_plan_version_id"


class FeeWithTaxNeeded(Invalid):
    """The fees of plans are without tax, and what is agreed with this account holds it."""

    code = "contracts.fee_with_tax_needed"
    field = "monthly_fee"


def draft_contract(
    uow: UnitOfWork,
    customer_id: UUID,
    billing_account_id: UUID,
    *,
    months: int,
    wanted_on: date,
    renewal: RenewalPolicy = RenewalPolicy.AUTO,
    notice_days: int = 90,
    note: str = "",
) -> Contract:
    """A new draft without lines. `wanted_on` is the day the customer wants the machines."""
    customer = locked(uow, Customer, customer_id)
    account = found(uow.session, BillingAccount, billing_account_id)
    if account.customer_id != customer.id:
        raise ForeignBillingAccount
    contract = Contract(
        id=new_id(),
        number=f"C-{uow.today.year}-{next_number(uow, f'contract:{uow.today.year}'):04}",
        customer_id=customer.id,
        billing_account_id=account.id,
        wanted_on=wanted_on,
        monthly_fee=Money(0),
        slot_count=0,
        note=tidy(note),
        created_at=uow.now,
        terms=[Term(sequence=1, months=months, renewal=renewal, notice_days=notice_days)],
    )
    uow.session.add(contract)
    uow.session.flush()
    step_contract(uow, contract, None, ContractState.DRAFT)
    return contract


def add_line(
    uow: UnitOfWork,
    contract_id: UUID,
    *,
    rate_plan_version_id: UUID,
    site_id: UUID,
    quantity: int,
    monthly_fee: Money | None = None,
) -> Line:
    """So many units of the plan's model at one site; the fee is the plan's unless another was agreed.

    Where prices hold the tax another has to be: FeeWithTaxNeeded.
    """
    return write_line(
        uow,
        _draft(uow, contract_id),
        rate_plan_version_id=rate_plan_version_id,
        site_id=site_id,
        quantity=quantity,
        monthly_fee=monthly_fee,
    )


def write_line(
    uow: UnitOfWork,
    contract: Contract,
    *,
    rate_plan_version_id: UUID,
    site_id: UUID,
    quantity: int,
    monthly_fee: Money | None,
) -> Line:
    """Another line of a contract that the caller holds. Raises ForeignSite, PlanNotOffered and the like."""
    require_quantity(quantity)
    site = found(uow.session, Site, site_id)
    if site.customer_id != contract.customer_id:
        raise ForeignSite
    version = found(uow.session, RatePlanVersion, rate_plan_version_id)
    plan = found(uow.session, RatePlan, version.rate_plan_id)
    model = found(uow.session, EquipmentModel, plan.equipment_model_id)
    if OfferState.WITHDRAWN in (plan.state, model.state):
        raise PlanNotOffered(plan=plan.code)

    position = uow.session.scalar(
        select(func.coalesce(func.max(Line.position), 0)).where(Line.contract_id == contract.id)
    )
    line = Line(
        id=new_id(),
        contract_id=contract.id,
        position=(position or 0) + 1,
        equipment_model_id=model.id,
        rate_plan_version_id=version.id,
        quantity=quantity,
        monthly_fee=agreed_fee(contract, version, monthly_fee),
        tax_class=version.tax_class,
        start_policy=version.start_policy,
        stop_policy=version.stop_policy,
        trial_days=version.trial_days,
        slots=[Slot(id=new_id(), site_id=site.id, position=number) for number in range(1, quantity + 1)],
    )
    uow.session.add(line)
    contract.monthly_fee += line.monthly_fee * quantity
    contract.slot_count += quantity
    uow.session.flush()
    return line


def agreed_fee(contract: Contract, version: RatePlanVersion, monthly_fee: Money | None) -> Money:
    """The fee of the plan unless another was agreed. Raises FeeWithTaxNeeded."""
    if monthly_fee is not None:
        return monthly_fee
    if contract.billing_account.holds_tax:
        raise FeeWithTaxNeeded
    return version.monthly_fee


def remove_line(uow: UnitOfWork, contract_id: UUID, line_id: UUID) -> None:
    """A line that is not wanted after all."""
    contract = _draft(uow, contract_id)
    line = found(uow.session, Line, line_id)
    if line.contract_id != contract.id:
        raise NotFound(kind="contract_line")
    forget_agreement(uow, line.id)
    for slot in line.slots:
        uow.session.delete(slot)
    uow.session.flush()
    contract.monthly_fee -= line.monthly_fee * line.quantity
    contract.slot_count -= line.quantity
    uow.session.delete(line)
    uow.session.flush()


def forget_agreement(uow: UnitOfWork, line_id: UUID) -> None:
    """Nothing is agreed any more beyond the fee of a line of a draft, which the caller holds."""
    for kind in (LineDiscount, AgreedCost, LineTerms):
        for row in uow.session.scalars(select(kind).where(kind.contract_line_id == line_id)):
            uow.session.delete(row)
    uow.session.flush()


def change_draft(
    uow: UnitOfWork,
    contract_id: UUID,
    *,
    version: int,
    months: int,
    wanted_on: date,
    renewal: RenewalPolicy,
    notice_days: int,
    note: str,
) -> Contract:
    """The facts of the agreement itself. Raises NotADraft, ChangedMeanwhile."""
    contract = _draft(uow, contract_id)
    if contract.version != version:
        raise ChangedMeanwhile
    (term,) = contract.terms
    term.months, term.renewal, term.notice_days = months, renewal, notice_days
    contract.wanted_on = wanted_on
    contract.note = tidy(note)
    flag_modified(contract, "note")  # the version rises with the term as well, a row of its own
    uow.session.flush()
    return contract


def cancel_draft(uow: UnitOfWork, contract_id: UUID, *, reason: str) -> None:
    """Nothing came of it. The number stays with the draft."""
    contract = locked(uow, Contract, contract_id)
    uow.because(reason)
    step_contract(uow, contract, contract.state, ContractState.CANCELLED, note=reason)


def step_contract(
    uow: UnitOfWork, contract: Contract, now: ContractState | None, wanted: ContractState, *, note: str = ""
) -> None:
    """Takes a locked contract one step further and writes the step down."""
    if now is not None:
        CONTRACT_STATES.check(now, wanted)
        contract.state = wanted
    uow.session.add(
        ContractStep(
            contract_id=contract.id,
            from_state=now,
            to_state=wanted,
            happened_at=uow.now,
            actor_name=uow.actor.name,
            note=tidy(note)[:500],
        )
    )
    uow.session.flush()


def _draft(uow: UnitOfWork, contract_id: UUID) -> Contract:
    contract = locked(uow, Contract, contract_id)
    if contract.state is not ContractState.DRAFT:
        raise NotADraft
    return contract
