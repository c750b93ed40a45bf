"""Offering rate plans, and giving them a new version from a day on."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm.attributes import flag_modified

from rental.catalog.equipment_models import CodeTaken
from rental.catalog.models import EquipmentModel, RatePlan, RatePlanVersion
from rental.catalog.rules import OfferState, StartPolicy, StopPolicy, TaxClass, require_code, require_trial
from rental.core.db import found
from rental.core.errors import Conflict
from rental.core.money import Money
from rental.core.text import narrow, tidy
from rental.core.uow import UnitOfWork, locked


class VersionNotLater(Conflict):
    """A new version begins after the versions there are: what was offered before stays as it was."""

    code = "catalog.version_not_later"
    field = "valid_from"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a plan asks for: yen a month without tax, and the rules of its rent."""

    monthly_fee: Money
    tax_class: TaxClass
    start_policy: StartPolicy
    stop_policy: StopPolicy
    minimum_months: int
    trial_days: int = 0


def add_rate_plan(
    uow: UnitOfWork, equipment_model_id: UUID, *, code: str, name: str, valid_from: date, terms: Terms
) -> RatePlan:
    """A new plan for a model, with its first version."""
    code = narrow(code).upper()
    require_code(code)
    found(uow.session, EquipmentModel, equipment_model_id)
    same = select(RatePlan.id).where(RatePlan.equipment_model_id == equipment_model_id, RatePlan.code == code)
    if uow.session.scalar(same):
        raise CodeTaken(value=code)
    plan = RatePlan(equipment_model_id=equipment_model_id, code=code, name=tidy(name))
    uow.session.add(plan)
    uow.session.flush()
    _add_version(uow, plan, valid_from, terms)
    return plan


def add_version(uow: UnitOfWork, rate_plan_id: UUID, *, valid_from: date, terms: Terms) -> RatePlanVersion:
    """What the plan asks for from this day on; contracts that name an earlier version keep it."""
    plan = locked(uow, RatePlan, rate_plan_id)
    latest = uow.session.scalar(
        select(RatePlanVersion.valid_from)
        .where(RatePlanVersion.rate_plan_id == rate_plan_id)
        .order_by(RatePlanVersion.valid_from.desc())
        .limit(1)
    )
    if latest is not None and valid_from <= latest:
        raise VersionNotLater(latest=latest)
    flag_modified(plan, "name")  # whoever has the plan open learns that it changed
    return _add_version(uow, plan, valid_from, terms)


def offer_rate_plan(uow: UnitOfWork, rate_plan_id: UUID, *, offered: bool) -> RatePlan:
    """New contracts may name the plan, or may not any more."""
    plan = locked(uow, RatePlan, rate_plan_id)
    plan.state = OfferState.OFFERED if offered else OfferState.WITHDRAWN
    return plan


def _add_version(uow: UnitOfWork, plan: RatePlan, valid_from: date, terms: Terms) -> RatePlanVersion:
    require_trial(terms.start_policy, terms.trial_days)
    version = RatePlanVersion(
        rate_plan_id=plan.id,
        valid_from=valid_from,
        monthly_fee=terms.monthly_fee,
        tax_class=terms.tax_class,
        start_policy=terms.start_policy,
        stop_policy=terms.stop_policy,
        trial_days=terms.trial_days,
        minimum_months=terms.minimum_months,
    )
    uow.session.add(version)
    uow.session.flush()
    return version
