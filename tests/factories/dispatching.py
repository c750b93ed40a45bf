"""Technicians with vans, and a day's worth of jobs around Tokyo."""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import select

from rental.catalog.equipment_models import ModelFacts, add_skill, change_equipment_model
from rental.catalog.models import EquipmentModel, Skill
from rental.contracts.activation import activate_contract
from rental.contracts.drafting import add_line, draft_contract
from rental.core.money import Money
from rental.core.uow import UnitOfWork
from rental.customers.models import Site
from rental.customers.rules import PositionSource, Window
from rental.customers.sites import add_site, place_site, set_hours
from rental.dispatch.day_problem import day_problem
from rental.dispatch.models import OperatingBase, RoutePlan, Technician
from rental.dispatch.planning import request_plan, store_outcome
from rental.dispatch.rules import PlanState, ShiftTimes
from rental.dispatch.solving import described
from rental.dispatch.technicians import add_base, set_shifts, set_skills, set_up_technician
from rental.fieldwork.models import WorkOrder
from rental.fieldwork.work_orders import open_installation_orders
from rental.routing.draft import Draft
from rental.routing.explain import reasons_of
from tests.factories.rented import make_customer, make_model, make_order, make_plan, stock

NINE_TO_SIX = ShiftTimes(540, 1080, 60, 690, 810)
WORKDAYS = range(5)


def make_base(uow: UnitOfWork, code: str = "B1") -> OperatingBase:
    """The house in Adachi; the same again when there is one."""
    known = uow.session.scalar(select(OperatingBase).where(OperatingBase.code == code))
    return known or add_base(uow, code=code, name="Adachi", latitude=35.776, longitude=139.801)


def make_technician(
    uow: UnitOfWork,
    account_id: UUID,
    *,
    skills: Mapping[str, int] | None = None,
    weekdays: Sequence[int] = WORKDAYS,
    shift: ShiftTimes = NINE_TO_SIX,
) -> Technician:
    """Somebody who starts in Adachi, nine to six with an hour's break, on these weekdays."""
    technician = set_up_technician(
        uow,
        account_id,
        base_id=make_base(uow).id,
        hourly_cost=Money(2600),
        max_overtime=60,
    )
    set_skills(uow, account_id, {make_skill(uow, code).id: n for code, n in (skills or {}).items()})
    set_shifts(uow, account_id, dict.fromkeys(weekdays, shift))
    return technician


def make_skill(uow: UnitOfWork, code: str) -> Skill:
    known = uow.session.scalar(select(Skill).where(Skill.code == code))
    return known or add_skill(uow, code=code, name=code.title())


def make_orders(uow: UnitOfWork, count: int) -> list[WorkOrder]:
    """Jobs of an hour each, at sites some kilometres apart."""
    return [make_order_at(uow, 35.66 + 0.012 * (n % 4), 139.70 + 0.02 * (n // 4)) for n in range(count)]


def make_order_at(
    uow: UnitOfWork,
    latitude: float,
    longitude: float,
    *,
    skill: str | None = None,
    hours: Mapping[int, Sequence[Window]] | None = None,
) -> WorkOrder:
    """One job at this point, for which somebody may have to know something."""
    order = make_order(uow)
    site = uow.session.get_one(Site, order.site_id)
    place_site(uow, site.id, latitude=latitude, longitude=longitude, source=PositionSource.ENTERED)
    if hours is not None:
        set_hours(uow, site.id, hours=hours)
    if skill:
        model = uow.session.get_one(EquipmentModel, order.items[0].equipment_model_id)
        need_skill(uow, model, skill)
    return order


def need_skill(uow: UnitOfWork, model: EquipmentModel, code: str) -> None:
    """From now on only who can do this may install the model."""
    facts = ModelFacts(
        name=model.name,
        maker=model.maker,
        category=model.category,
        install_minutes=model.install_minutes,
        repair_minutes=model.repair_minutes,
        skill_ids=frozenset({make_skill(uow, code).id}),
    )
    change_equipment_model(uow, model.id, version=model.version, facts=facts)


def make_unplaced_order(uow: UnitOfWork) -> WorkOrder:
    """A job at a site that nobody has found on the map."""
    model = make_model(uow, "XX-1")
    stock(uow, model)
    customer, account, _site = make_customer(uow, "喫茶まいご")
    site = add_site(uow, customer.id, name="まいご店", prefecture="東京都", city="港区", street="芝1-1")
    contract = draft_contract(uow, customer.id, account.id, months=24, wanted_on=uow.today)
    version = make_plan(uow, model)
    add_line(uow, contract.id, rate_plan_version_id=version.id, site_id=site.id, quantity=1)
    uow.session.refresh(contract)
    activate_contract(uow, contract.id, uow.today)
    (order,) = open_installation_orders(uow, contract.id)
    return order


def ask_for_plan(uow: UnitOfWork, day: date, *, seconds: int = 1) -> UUID:
    """A worker is to plan this day in a second."""
    return request_plan(uow, day, seconds=seconds).id


def make_draft_plan(uow: UnitOfWork, day: date) -> RoutePlan:
    """A draft of this day as it is when nobody searches: every order where it is cheapest at first sight."""
    plan = request_plan(uow, day, seconds=1)
    facts = day_problem(uow.session, day, not_before=plan.not_before)
    assert facts.problem is not None
    draft = Draft(facts.problem)
    draft.fill()
    store_outcome(uow, plan.id, described(facts, facts.problem, draft.plan(reasons_of(draft))))
    assert plan.state is PlanState.DRAFT
    return plan
