"""What the demo company has before its first customer: catalogue, numbering rule, shelves, vans."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select

from rental.billing.issuing import describe_company
from rental.catalog.equipment_models import ModelFacts, add_equipment_model, add_skill
from rental.catalog.models import RatePlan
from rental.catalog.rate_plans import Terms, add_rate_plan, add_version
from rental.catalog.rules import StartPolicy, StopPolicy, TaxClass
from rental.core.money import Money
from rental.core.uow import UnitOfWork
from rental.demo.crew import set_up_crew
from rental.demo.design import Design, Plan, Product
from rental.demo.people import technician_email
from rental.demo.plan import PriceRise
from rental.demo.rounds import WITHOUT_VAN
from rental.identity.accounts import normalised
from rental.identity.queries import account_with_email
from rental.inventory.labelling import label_location
from rental.inventory.models import StockLocation
from rental.inventory.rules.unit_states import LocationKind
from rental.inventory.serial_numbering import add_numbering_rule
from rental.inventory.stock_locations import add_stock_location, rename_stock_location

PATTERN = "{COMP}-{CAT}{YY}{MM}-{SEQ:5}-{CHK:iso7064_37_36}"
COMPANY = "株式会社さくらリファインレンタル（デモ）"
PLANS_VALID_FROM = date(2024, 4, 1)

_SKILLS = {
    "coffee": "コーヒー機器",
    "water": "給水機器",
    "plumbing": "水道接続",
    "cooling": "冷凍・冷却",
    "pos": "POS",
    "security": "防犯機器",
    "signage": "サイネージ",
    "electric": "電気工事（200V）",
}
# Who makes machines of this skill.
MAKERS = {
    "coffee": "キッサ工機（デモ）",
    "water": "ミズノワ（デモ）",
    "plumbing": "ミズノワ（デモ）",
    "cooling": "コオリ製作所（デモ）",
    "pos": "レジテック（デモ）",
    "security": "ミマモリ電子（デモ）",
    "signage": "ヒカリ映像（デモ）",
}
_STARTS = {
    "契約開始日": StartPolicy.CONTRACT_START,
    "設置スキャン日": StartPolicy.INSTALLATION,
    "15日目から課金": StartPolicy.AFTER_TRIAL,
}
_STOPS = {"LITE": StopPolicy.CONTRACT_END, "SPOT": StopPolicy.AGREED_END}
_TRIAL_DAYS = 14
# Racks and levels of each house; the main one has 40 shelves.
_SHELVES = {"B1": ("A", 10, 4), "B2": ("Y", 4, 2), "B3": ("T", 4, 2)}


@dataclass(frozen=True, slots=True)
class House:
    """A warehouse: where deliveries arrive, and its shelves."""

    name: str
    receiving_id: UUID
    shelf_ids: Sequence[UUID]


@dataclass(frozen=True, slots=True)
class Foundation:
    """The ids of what there is: models by code, plans by (model, plan), houses by their code."""

    model_ids: Mapping[str, UUID]
    plan_ids: Mapping[tuple[str, str], UUID]
    houses: Mapping[str, House]


def lay_foundation(uow: UnitOfWork, design: Design, technicians: int) -> Foundation:
    """The company opens: everything that is not bought or promised."""
    skill_ids = {code: add_skill(uow, code=code, name=name).id for code, name in _SKILLS.items()}
    model_ids = {product.code: _add_model(uow, product, skill_ids) for product in design.products}
    plan_ids = {
        (product.code, plan.code): _add_plan(uow, model_ids[product.code], product, plan)
        for product in design.products
        for plan in design.plans
    }
    add_numbering_rule(
        uow,
        equipment_model_id=None,
        pattern=PATTERN,
        company_code="SR",
        reset_on="COMP,CAT,YY,MM",
        valid_from=uow.today,
    )
    set_up_crew(uow, design, technicians, skill_ids)
    describe_company(
        uow,
        name=COMPANY,
        registration_number="T9000000000000",
        postal_code="120-0001",
        address="東京都足立区大谷田1-1-1",
        phone="03-0000-0001",
        email="billing@example.jp",
        bank_account="デモ銀行 本店 普通 0000001 カ）サクラリフアインレンタル",
    )
    houses = {base.code: _add_house(uow, base.code, base.name) for base in design.bases}
    for technician in design.technicians[:technicians]:
        if technician.number != WITHOUT_VAN:
            _add_van(uow, technician.number)
    return Foundation(model_ids, plan_ids, houses)


def raise_prices(uow: UnitOfWork, design: Design, foundation: Foundation, rise: PriceRise) -> None:
    """A second version of every plan of the dearer machines; contracts that name the first keep it."""
    for product in design.products:
        if product.category not in rise.categories:
            continue
        for plan in design.plans:
            terms = _terms(product, plan, percent=100 + rise.percent)
            plan_id = foundation.plan_ids[product.code, plan.code]
            add_version(uow, plan_id, valid_from=rise.valid_from, terms=terms)


def _add_model(uow: UnitOfWork, product: Product, skill_ids: Mapping[str, UUID]) -> UUID:
    facts = ModelFacts(
        name=product.name,
        maker=MAKERS[product.skills[0]],
        category=product.category,
        install_minutes=product.install_minutes,
        repair_minutes=product.repair_minutes,
        skill_ids=frozenset(skill_ids[skill] for skill in product.skills),
        purchase_price=Money(product.cost),
        litres=product.litres,
        weight_grams=product.grams,
    )
    return add_equipment_model(uow, code=product.code, facts=facts).id


def _add_plan(uow: UnitOfWork, equipment_model_id: UUID, product: Product, plan: Plan) -> UUID:
    added: RatePlan = add_rate_plan(
        uow,
        equipment_model_id,
        code=plan.code,
        name=plan.name,
        valid_from=PLANS_VALID_FROM,
        terms=_terms(product, plan),
    )
    return added.id


def _terms(product: Product, plan: Plan, *, percent: int = 100) -> Terms:
    """The rent with the plan's factor, in tens of yen. A trial costs the rent after its free days."""
    start = _STARTS[plan.billing_start]
    is_trial = start is StartPolicy.AFTER_TRIAL
    factor = 0.0 if is_trial else plan.price_factor
    fee = round(product.monthly_rent * (1 + factor) * percent / 1000) * 10
    return Terms(
        monthly_fee=Money(fee),
        tax_class=TaxClass.STANDARD,
        start_policy=start,
        stop_policy=_STOPS.get(plan.code, StopPolicy.RETRIEVAL),
        minimum_months=plan.minimum_months,
        trial_days=_TRIAL_DAYS if is_trial else 0,
    )


def _add_house(uow: UnitOfWork, base: str, name: str) -> House:
    """The first house takes over the receiving area that every company has from the start."""
    letter, racks, levels = _SHELVES[base]
    present = uow.session.scalar(select(StockLocation).where(StockLocation.kind == LocationKind.RECEIVING))
    if present is None or base != "B1":
        receiving = add_stock_location(
            uow, code=f"RCV-{letter}", name=f"{name} 入荷場", kind=LocationKind.RECEIVING, warehouse=name
        )
    else:
        receiving = present
        rename_stock_location(uow, receiving.id, version=receiving.version, name=f"{name} 入荷場")
    shelves = []
    for code in [
        f"{letter}-{rack:02}-{level}" for rack in range(1, racks + 1) for level in range(1, levels + 1)
    ]:
        shelf = add_stock_location(
            uow, code=code, name=f"{name} {code}", kind=LocationKind.BIN, warehouse=name
        )
        label_location(uow, shelf.id)
        shelves.append(shelf.id)
    return House(name, receiving.id, shelves)


def _add_van(uow: UnitOfWork, number: int) -> None:
    account = account_with_email(uow.session, normalised(technician_email(number)))
    if account is None:
        raise ValueError(f"technician {number} was not let in")
    van = add_stock_location(
        uow,
        code=f"VAN-T{number:02}",
        name=f"{account.name.partition(' ')[0]}号車",
        kind=LocationKind.VAN,
        technician_id=account.id,
    )
    label_location(uow, van.id)
