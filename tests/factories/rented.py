"""From a model in the catalogue to machines at a customer's counter."""

from collections.abc import Sequence
from datetime import date
from itertools import count
from uuid import UUID

from sqlalchemy import select

from rental.catalog.equipment_models import ModelFacts, add_equipment_model
from rental.catalog.models import EquipmentModel, RatePlan, RatePlanVersion
from rental.catalog.rate_plans import Terms, add_rate_plan
from rental.catalog.rules import StartPolicy, StopPolicy, TaxClass
from rental.contracts.activation import activate_contract
from rental.contracts.drafting import add_line, draft_contract
from rental.contracts.models import Contract
from rental.core.money import Money
from rental.core.uow import UnitOfWork
from rental.customers.accounts import open_billing_account, register_customer
from rental.customers.models import BillingAccount, Customer, Site
from rental.customers.rules import CustomerKind, PositionSource, PriceMode
from rental.customers.sites import add_site, place_site
from rental.fieldwork.models import Visit, WorkOrder
from rental.fieldwork.visits import plan_visit, publish_visit
from rental.fieldwork.work_orders import open_installation_orders
from rental.inventory.models import LabelCode, NumberingRule, StockLocation, Unit
from rental.inventory.movements import shelve_unit
from rental.inventory.receiving import receive_units
from rental.inventory.rules.serials import read_serials
from rental.inventory.rules.unit_states import LocationKind
from rental.inventory.serial_numbering import add_numbering_rule
from rental.inventory.stock_locations import add_stock_location

_another = count(1)
PATTERN = "{COMP}-{CAT}{YY}{MM}-{SEQ:5}-{CHK:iso7064_37_36}"


def make_model(uow: UnitOfWork, code: str = "CM-200", *, category: str = "CM") -> EquipmentModel:
    """A coffee machine that takes an hour to install."""
    facts = ModelFacts(
        name=f"Coffee machine {code}",
        maker="Kissa Works",
        category=category,
        install_minutes=60,
        repair_minutes=45,
        skill_ids=frozenset(),
    )
    return add_equipment_model(uow, code=code, facts=facts)


def make_plan(
    uow: UnitOfWork,
    model: EquipmentModel,
    *,
    code: str = "STD",
    fee: int = 9800,
    valid_from: date | None = None,
    start: StartPolicy = StartPolicy.INSTALLATION,
    trial_days: int = 0,
    minimum_months: int = 12,
) -> RatePlanVersion:
    """A plan with one version, valid from this year's first day unless said otherwise."""
    plan: RatePlan = add_rate_plan(
        uow,
        model.id,
        code=code,
        name=f"{code} plan",
        valid_from=valid_from or uow.today.replace(month=1, day=1),
        terms=Terms(
            monthly_fee=Money(fee),
            tax_class=TaxClass.STANDARD,
            start_policy=start,
            stop_policy=StopPolicy.RETRIEVAL,
            minimum_months=minimum_months,
            trial_days=trial_days,
        ),
    )
    return uow.session.scalars(select(RatePlanVersion).where(RatePlanVersion.rate_plan_id == plan.id)).one()


def make_customer(
    uow: UnitOfWork, name: str = "喫茶みどり", price_mode: PriceMode = PriceMode.EXCLUSIVE
) -> tuple[Customer, BillingAccount, Site]:
    """A café with a billing account and one site on the map."""
    customer = register_customer(uow, name=name, kind=CustomerKind.CORPORATION)
    account = open_billing_account(
        uow, customer.id, name=name, address="東京都千代田区神田1-2-3", price_mode=price_mode
    )
    return customer, account, make_site(uow, customer, f"{name} 神田店")


def make_site(uow: UnitOfWork, customer: Customer, name: str = "神田店") -> Site:
    """A site on the map."""
    site = add_site(uow, customer.id, name=name, prefecture="東京都", city="千代田区", street="神田1-2-3")
    place_site(uow, site.id, latitude=35.6918, longitude=139.7709, source=PositionSource.ENTERED)
    return site


def make_rule(uow: UnitOfWork) -> NumberingRule:
    """The company's numbering rule."""
    return add_numbering_rule(
        uow,
        equipment_model_id=None,
        pattern=PATTERN,
        company_code="SR",
        reset_on="COMP,CAT,FY",
        valid_from=uow.today.replace(month=1, day=1),
    )


def place(uow: UnitOfWork, kind: LocationKind) -> StockLocation:
    """The first place of this kind; a shelf is added when there is none."""
    found = uow.session.scalar(
        select(StockLocation).where(StockLocation.kind == kind).order_by(StockLocation.code).limit(1)
    )
    return found or add_stock_location(uow, code="A-01-1", name="Shelf A-01-1", kind=LocationKind.BIN)


def receive(uow: UnitOfWork, model: EquipmentModel, how_many: int = 1) -> Sequence[Unit]:
    """New units in the receiving area."""
    if not uow.session.scalar(select(NumberingRule.id)):
        make_rule(uow)
    serials = "\n".join(f"{model.code}-{next(_another):06}" for _ in range(how_many))
    receipt = receive_units(
        uow,
        model.id,
        read_serials(serials),
        location_id=place(uow, LocationKind.RECEIVING).id,
        supplier_name="Kissa Works",
    )
    return uow.session.scalars(select(Unit).where(Unit.receipt_id == receipt.id).order_by(Unit.tag)).all()


def stock(uow: UnitOfWork, model: EquipmentModel, how_many: int = 1) -> Sequence[Unit]:
    """New units on a shelf, free to be promised."""
    units = receive(uow, model, how_many)
    shelf = place(uow, LocationKind.BIN)
    for unit in units:
        shelve_unit(uow, unit.id, to=shelf.id)
    return units


def make_draft(uow: UnitOfWork, *, machines: int = 1, stocked: bool = True) -> Contract:
    """A draft for so many machines at one site, with as many in stock."""
    number = next(_another)
    model = make_model(uow, f"CM-{number:06}")
    version = make_plan(uow, model)
    if stocked:
        stock(uow, model, machines)
    customer, account, site = make_customer(uow, f"喫茶みどり {number}")
    contract = draft_contract(uow, customer.id, account.id, months=24, wanted_on=uow.today)
    add_line(uow, contract.id, rate_plan_version_id=version.id, site_id=site.id, quantity=machines)
    uow.session.refresh(contract)
    return contract


def make_active_contract(uow: UnitOfWork, *, machines: int = 1) -> Contract:
    """A contract with units held for it; its jobs are opened when the workers hear of it."""
    return activate_contract(uow, make_draft(uow, machines=machines).id, uow.today)


def make_order(uow: UnitOfWork, *, machines: int = 1) -> WorkOrder:
    """A job that is ready to be planned."""
    contract = make_active_contract(uow, machines=machines)
    (order,) = open_installation_orders(uow, contract.id)
    return order


def send_out(uow: UnitOfWork, order: WorkOrder, technician_id: UUID) -> Visit:
    """The technician has the job on the phone for today."""
    visit = plan_visit(uow, [order.id], technician_id=technician_id, planned_on=uow.today)
    return publish_visit(uow, visit.id)


def code_of(uow: UnitOfWork, unit_id: UUID) -> str:
    """What stands on the unit's label."""
    return uow.session.scalars(select(LabelCode.code).where(LabelCode.unit_id == unit_id)).one()
