"""The card of a unit, which a scanned label opens: one statement, because somebody stands there waiting."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnClause, and_, bindparam, literal_column, select

from rental.catalog.models import EquipmentModel
from rental.core.errors import NotFound
from rental.core.questions import Question
from rental.inventory.models import LabelCode, StockLocation, Unit, UnitStep
from rental.inventory.rules.label_lives import LabelCodeState
from rental.inventory.rules.unit_states import LocationKind, UnitState

_STEPS = 5


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the unit's life."""

    to_state: UnitState
    happened_at: datetime
    note: str


@dataclass(frozen=True, slots=True)
class UnitCard:
    """What one wants to know of a unit in one's hands. `steps` are its latest, the newest first."""

    id: UUID
    tag: str
    serial_number: str
    state: UnitState
    received_on: date
    model_code: str
    model_name: str
    place_code: str
    place_name: str
    place_kind: LocationKind
    label_code: str | None
    steps: tuple[Step, ...]


# Written out, not bound: SQLite plans anew each time a bound value decides whether a partial index will do.
_ACTIVE: ColumnClause[str] = literal_column(f"'{LabelCodeState.ACTIVE}'")
_CARD = Question(
    select(
        Unit.id,
        Unit.tag,
        Unit.serial_number,
        Unit.state,
        Unit.received_on,
        EquipmentModel.code.label("model_code"),
        EquipmentModel.name.label("model_name"),
        StockLocation.code.label("place_code"),
        StockLocation.name.label("place_name"),
        StockLocation.kind.label("place_kind"),
        LabelCode.code.label("label_code"),
        UnitStep.to_state,
        UnitStep.happened_at,
        UnitStep.note,
    )
    .join(EquipmentModel, Unit.equipment_model_id == EquipmentModel.id)
    .join(StockLocation, Unit.location_id == StockLocation.id)
    .outerjoin(LabelCode, and_(LabelCode.unit_id == Unit.id, LabelCode.state == _ACTIVE))
    .outerjoin(UnitStep, UnitStep.unit_id == Unit.id)
    .where(Unit.id == bindparam("unit_id"))
    .order_by(UnitStep.id.desc())
    .limit(literal_column("5"))
)


def unit_card(unit_id: UUID) -> UnitCard:
    """The card of this unit. Raises NotFound."""
    rows = _CARD.ask(unit_id=unit_id)
    if not rows:
        raise NotFound(kind=Unit.__tablename__)
    facts = rows[0]
    return UnitCard(
        id=facts.id,
        tag=facts.tag,
        serial_number=facts.serial_number,
        state=facts.state,
        received_on=facts.received_on,
        model_code=facts.model_code,
        model_name=facts.model_name,
        place_code=facts.place_code,
        place_name=facts.place_name,
        place_kind=facts.place_kind,
        label_code=facts.label_code,
        steps=tuple(Step(row.to_state, row.happened_at, row.note) for row in rows if row.to_state),
    )
