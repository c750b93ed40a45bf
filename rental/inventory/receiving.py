"""Receiving: maker serials in, numbered and labelled units out, all of a delivery or none of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from rental.catalog.models import EquipmentModel
from rental.catalog.rules import OfferState
from rental.core.db import found
from rental.core.errors import Conflict, Invalid
from rental.core.ids import new_id
from rental.core.money import Money
from rental.core.numbering import next_number
from rental.core.text import tidy
from rental.core.uow import UnitOfWork, locked
from rental.inventory.labelling import label_units
from rental.inventory.models import Movement, Receipt, StockLocation, Unit, UnitStep
from rental.inventory.movements import Circumstances, carry_unit, place_of_kind
from rental.inventory.rules.serials import TypedSerial, duplicates_within
from rental.inventory.rules.unit_states import LocationKind, MovementKind, UnitState, require_custody
from rental.inventory.serial_numbering import issue_tags, preview_issue


class NothingToReceive(Invalid):
    """No serial number was given."""

    code = "inventory.nothing_to_receive"
    field = "serials"


class ModelWithdrawn(Conflict):
    """The model is not offered any more; new units of it are not taken in."""

    code = "inventory.model_withdrawn"
    field = "equipment_model_id"


class NothingToShelve(Conflict):
    """No unit of the delivery waits any more."""

    code = "inventory.nothing_to_shelve"


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A serial that cannot be received: its row, and where the other one is."""

    row: int
    serial: str
    other_row: int | None = None
    other_unit_id: UUID | None = None
    other_tag: str = ""
    other_place: str = ""


class SerialsTaken(Conflict):
    """Some serials stand twice in the list, or belong to units we have."""

    code = "inventory.serials_taken"
    field = "serials"

    def __init__(self, duplicates: Sequence[Duplicate]) -> None:
        super().__init__(
            count=len(duplicates),
            rows=", ".join(str(duplicate.row) for duplicate in duplicates[:20]),
        )
        self.duplicates = duplicates


def duplicates_among(
    session: Session, equipment_model_id: UUID, serials: Sequence[TypedSerial]
) -> list[Duplicate]:
    """Rows that repeat an earlier row, or name a unit of this model that we have, by row."""
    known = {
        unit.normalised_serial: unit
        for unit in session.scalars(
            select(Unit)
            .where(
                Unit.equipment_model_id == equipment_model_id,
                Unit.normalised_serial.in_([serial.normalised for serial in serials]),
            )
            .options(joinedload(Unit.location))
        )
    }
    repeats = duplicates_within(serials)
    duplicates = []
    for serial in serials:
        unit = known.get(serial.normalised)
        if unit is not None:
            duplicates.append(
                Duplicate(serial.row, serial.typed, None, unit.id, unit.tag, unit.location.name)
            )
        elif serial.row in repeats:
            duplicates.append(Duplicate(serial.row, serial.typed, other_row=repeats[serial.row]))
    return duplicates


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """What would become of one serial: its number, or why it would not be received."""

    serial: TypedSerial
    tag: str
    duplicate: Duplicate | None


def preview_receipt(
    session: Session, equipment_model: EquipmentModel, serials: Sequence[TypedSerial], *, on: date
) -> list[PreviewRow]:
    """Each row with the number it would get if nobody else took one meanwhile. Writes nothing.

    Raises what making a number raises, such as NoNumberingRule.
    """
    duplicates = {
        duplicate.row: duplicate for duplicate in duplicates_among(session, equipment_model.id, serials)
    }
    _, tags = preview_issue(session, equipment_model, len(serials) - len(duplicates), on=on)
    following = iter(tags)
    return [
        PreviewRow(serial, "", duplicates[serial.row])
        if serial.row in duplicates
        else PreviewRow(serial, next(following), None)
        for serial in serials
    ]


def receive_units(
    uow: UnitOfWork,
    equipment_model_id: UUID,
    serials: Sequence[TypedSerial],
    *,
    location_id: UUID,
    supplier_name: str,
    delivery_note: str = "",
    unit_cost: Money | None = None,
) -> Receipt:
    """A delivery of one model: every unit gets its number, its label code, its first movement.

    Raises SerialsTaken naming each row; then nothing was received.
    """
    if not serials:
        raise NothingToReceive
    model = locked(uow, EquipmentModel, equipment_model_id)
    if model.state is not OfferState.OFFERED:
        raise ModelWithdrawn(model=model.code)
    place = found(uow.session, StockLocation, location_id)
    require_custody(UnitState.RECEIVED, place.kind, tag=model.code, place=place.code)
    if duplicates := duplicates_among(uow.session, equipment_model_id, serials):
        raise SerialsTaken(duplicates)

    receipt = Receipt(
        id=new_id(),
        number="",
        equipment_model_id=model.id,
        location_id=place.id,
        supplier_name=tidy(supplier_name),
        delivery_note=tidy(delivery_note),
        unit_cost=unit_cost,
        received_on=uow.today,
        received_at=uow.now,
        unit_count=len(serials),
    )
    tags = issue_tags(uow, model, len(serials), on=uow.today)
    receipt.number = f"R{next_number(uow, 'receipt'):05}"
    uow.session.add(receipt)
    uow.session.flush()
    units = [
        Unit(
            id=new_id(),
            equipment_model_id=model.id,
            receipt_id=receipt.id,
            serial_number=serial.typed,
            normalised_serial=serial.normalised,
            tag=tag,
            state=UnitState.RECEIVED,
            location_id=place.id,
            received_on=uow.today,
            movement_count=1,
        )
        for serial, tag in zip(serials, tags, strict=True)
    ]
    uow.session.add_all(units)
    uow.session.flush()
    _record_arrival(uow, units, receipt)
    label_units(uow, [unit.id for unit in units])
    return receipt


def shelve_receipt(uow: UnitOfWork, receipt_id: UUID, *, to: UUID) -> int:
    """Everything of a delivery that still waits goes to one shelf; returns how many that were.

    What somebody put elsewhere meanwhile stays there. Raises NothingToShelve, WrongPlace.
    """
    shelf = found(uow.session, StockLocation, to)
    waiting = uow.session.scalars(
        select(Unit)
        .where(Unit.receipt_id == receipt_id, Unit.state == UnitState.RECEIVED)
        .order_by(Unit.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    if not waiting:
        raise NothingToShelve
    how = Circumstances(op_id=new_id())
    for unit in waiting:
        carry_unit(uow, unit, shelf, kind=MovementKind.SHELVING, state=UnitState.AVAILABLE, how=how)
    uow.session.flush()
    return len(waiting)


def _record_arrival(uow: UnitOfWork, units: Sequence[Unit], receipt: Receipt) -> None:
    supplier = place_of_kind(uow, LocationKind.SUPPLIER)
    op_id = new_id()
    for unit in units:
        movement = Movement(
            id=new_id(),
            unit_id=unit.id,
            seq=1,
            kind=MovementKind.RECEIPT,
            from_location_id=supplier.id,
            to_location_id=unit.location_id,
            happened_at=uow.now,
            recorded_at=uow.now,
            actor_id=uow.actor.id,
            actor_name=uow.actor.name,
            op_id=op_id,
            source=receipt.number,
        )
        step = UnitStep(
            unit_id=unit.id,
            from_state=None,
            to_state=UnitState.RECEIVED,
            happened_at=uow.now,
            actor_name=uow.actor.name,
            movement_id=movement.id,
        )
        uow.session.add_all((movement, step))
    uow.session.flush()
