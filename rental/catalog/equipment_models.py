"""Adding and changing the models we rent, and the skills they ask for."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm.attributes import flag_modified

from rental.catalog.models import EquipmentModel, EquipmentModelSkill, Skill
from rental.catalog.queries import equipment_model_with_code
from rental.catalog.rules import LONGEST_CATEGORY, OfferState, require_code
from rental.core.errors import ChangedMeanwhile, Conflict, NotFound
from rental.core.images import read_image
from rental.core.money import Money
from rental.core.stored_files import keep_file
from rental.core.text import folded, narrow, tidy
from rental.core.uow import UnitOfWork, locked


class CodeTaken(Conflict):
    """Something else has this code already."""

    code = "catalog.code_taken"
    field = "code"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """What people decide about a model. Times in minutes, size in litres, weight in grams."""

    name: str
    maker: str
    category: str
    install_minutes: int
    repair_minutes: int
    skill_ids: frozenset[UUID]
    purchase_price: Money | None = None
    litres: int | None = None
    weight_grams: int | None = None


def add_skill(uow: UnitOfWork, *, code: str, name: str) -> Skill:
    """A new skill that models may ask for."""
    code = narrow(code).upper()
    require_code(code)
    if uow.session.scalar(select(Skill.id).where(Skill.code == code)):
        raise CodeTaken(value=code)
    skill = Skill(code=code, name=tidy(name))
    uow.session.add(skill)
    uow.session.flush()
    return skill


def add_equipment_model(uow: UnitOfWork, *, code: str, facts: ModelFacts) -> EquipmentModel:
    """A new model. Its code never changes: it is part of numbers that stand on machines."""
    code = narrow(code).upper()
    require_code(code)
    if equipment_model_with_code(uow.session, code):
        raise CodeTaken(value=code)
    model = EquipmentModel(code=code)
    _write_facts(uow, model, facts)
    uow.session.add(model)
    uow.session.flush()
    return model


def change_equipment_model(
    uow: UnitOfWork, equipment_model_id: UUID, *, version: int, facts: ModelFacts
) -> EquipmentModel:
    """The facts as they should be from now on. Raises ChangedMeanwhile."""
    model = locked(uow, EquipmentModel, equipment_model_id)
    if model.version != version:
        raise ChangedMeanwhile
    _write_facts(uow, model, facts)
    flag_modified(model, "name")
    uow.session.flush()
    return model


def offer_equipment_model(uow: UnitOfWork, equipment_model_id: UUID, *, offered: bool) -> None:
    """New contracts may name the model, or may not any more."""
    model = locked(uow, EquipmentModel, equipment_model_id)
    model.state = OfferState.OFFERED if offered else OfferState.WITHDRAWN


def show_photo(uow: UnitOfWork, equipment_model_id: UUID, *, content: bytes, download_name: str) -> None:
    """The photo by which people recognise the model. Raises NotAnImage."""
    model = locked(uow, EquipmentModel, equipment_model_id)
    image = read_image(content)
    file = keep_file(uow, content, media_type=image.media_type, download_name=download_name)
    model.photo_id = file.id


def _write_facts(uow: UnitOfWork, model: EquipmentModel, facts: ModelFacts) -> None:
    category = narrow(facts.category).upper()
    require_code(category, longest=LONGEST_CATEGORY, field="category")
    kept = [row for row in model.skill_rows if row.skill_id in facts.skill_ids]
    new = facts.skill_ids - {row.skill_id for row in kept}
    _require_skills(uow, new)

    model.name = tidy(facts.name)
    model.maker = tidy(facts.maker)
    model.category = category
    model.search_name = folded(f"{model.code} {model.name} {model.maker}")[:400]
    model.install_minutes = facts.install_minutes
    model.repair_minutes = facts.repair_minutes
    model.purchase_price = facts.purchase_price
    model.litres = facts.litres
    model.weight_grams = facts.weight_grams
    model.skill_rows = kept + [EquipmentModelSkill(skill_id=skill_id) for skill_id in sorted(new)]


def _require_skills(uow: UnitOfWork, skill_ids: Collection[UUID]) -> None:
    known = uow.session.scalars(select(Skill.id).where(Skill.id.in_(skill_ids))).all()
    if len(known) != len(skill_ids):
        raise NotFound(kind="skill")
