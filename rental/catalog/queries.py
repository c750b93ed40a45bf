"""Reading models, skills and rate plans."""

from collections.abc import Collection, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import ScalarSelect, Select, func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from rental.catalog.models import EquipmentModel, EquipmentModelSkill, RatePlan, RatePlanVersion, Skill
from rental.catalog.rules import OfferState
from rental.core.money import Money
from rental.core.text import folded


def equipment_models_matching(*, words: str, state: OfferState | None) -> Select[EquipmentModel]:
    """Models whose code, name or maker contains the words, in no order yet."""
    statement = select(EquipmentModel)
    if words:
        statement = statement.where(EquipmentModel.search_name.contains(folded(words), autoescape=True))
    if state:
        statement = statement.where(EquipmentModel.state == state)
    return statement


def equipment_model_with_code(session: Session, code: str) -> EquipmentModel | None:
    return session.scalar(select(EquipmentModel).where(EquipmentModel.code == code))


def offered_models(session: Session) -> Sequence[EquipmentModel]:
    """Everything new contracts may name and new deliveries may bring, by code."""
    return session.scalars(
        select(EquipmentModel)
        .where(EquipmentModel.state == OfferState.OFFERED)
        .order_by(EquipmentModel.code)
        .limit(1000)
    ).all()


def every_skill(session: Session) -> Sequence[Skill]:
    return session.scalars(select(Skill).order_by(Skill.code).limit(1000)).all()


def skills() -> Select[Skill]:
    """Every skill, in no order yet."""
    return select(Skill)


def model_counts_of_skills(session: Session, skill_ids: Collection[UUID]) -> dict[UUID, int]:
    """How many models ask for each of these skills."""
    rows = session.execute(
        select(EquipmentModelSkill.skill_id, func.count())
        .where(EquipmentModelSkill.skill_id.in_(skill_ids))
        .group_by(EquipmentModelSkill.skill_id)
    ).all()
    return dict.fromkeys(skill_ids, 0) | dict(rows)


def skills_needed(session: Session, model_ids: Collection[UUID]) -> Sequence[Skill]:
    """What somebody must be able to do to work on all these models, by code."""
    models = session.scalars(select(EquipmentModel).where(EquipmentModel.id.in_(model_ids)))
    needed = {row.skill.id: row.skill for model in models for row in model.skill_rows}
    return sorted(needed.values(), key=lambda skill: skill.code)


def rate_plans_of(session: Session, equipment_model_id: UUID) -> Sequence[RatePlan]:
    """The plans of one model with all their versions, by code."""
    return session.scalars(
        select(RatePlan)
        .where(RatePlan.equipment_model_id == equipment_model_id)
        .options(selectinload(RatePlan.versions))
        .order_by(RatePlan.code)
    ).all()


def cheapest_fees(session: Session, model_ids: Collection[UUID], on: date) -> dict[UUID, Money]:
    """The lowest monthly fee at which each of these models is offered on this day, if it is at all."""
    rows = session.execute(
        select(RatePlan.equipment_model_id, func.min(RatePlanVersion.monthly_fee))
        .join(RatePlan, RatePlanVersion.id == _holding_version(on))
        .join(EquipmentModel, EquipmentModel.id == RatePlan.equipment_model_id)
        .where(
            RatePlan.equipment_model_id.in_(model_ids),
            RatePlan.state == OfferState.OFFERED,
            EquipmentModel.state == OfferState.OFFERED,
        )
        .group_by(RatePlan.equipment_model_id)
    ).all()
    return dict(rows)


def _holding_version(on: date) -> ScalarSelect[UUID]:
    """The version of a plan that holds on this day, for a statement that has the plan."""
    return (
        select(RatePlanVersion.id)
        .where(RatePlanVersion.rate_plan_id == RatePlan.id, RatePlanVersion.valid_from <= on)
        .order_by(RatePlanVersion.valid_from.desc())
        .limit(1)
        .correlate(RatePlan)
        .scalar_subquery()
    )


def versions_on_offer(session: Session, on: date) -> Sequence[RatePlanVersion]:
    """The version of every offered plan that holds on this day, by model and plan."""
    return session.scalars(
        select(RatePlanVersion)
        .join(RatePlan, RatePlanVersion.id == _holding_version(on))
        .join(EquipmentModel, EquipmentModel.id == RatePlan.equipment_model_id)
        .where(RatePlan.state == OfferState.OFFERED, EquipmentModel.state == OfferState.OFFERED)
        .options(joinedload(RatePlanVersion.rate_plan).joinedload(RatePlan.equipment_model))
        .order_by(EquipmentModel.code, RatePlan.code)
        .limit(2000)
    ).all()


def version_on(session: Session, rate_plan_id: UUID, on: date) -> RatePlanVersion | None:
    """The version of a plan that holds on this day, if the plan existed by then."""
    return session.scalar(
        select(RatePlanVersion)
        .where(RatePlanVersion.rate_plan_id == rate_plan_id, RatePlanVersion.valid_from <= on)
        .order_by(RatePlanVersion.valid_from.desc())
        .limit(1)
    )
