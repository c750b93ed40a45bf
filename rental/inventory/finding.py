"""Which unit or place somebody means: by the code on its label, by our number, or by its maker's serial."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload

from rental.core.errors import Conflict, DomainError, Invalid, NotFound
from rental.core.text import narrow
from rental.inventory.labelling import UnknownLabelCode, label_with_code
from rental.inventory.models import LabelCode, StockLocation, Unit
from rental.inventory.rules.label_lives import LabelCodeState
from rental.inventory.rules.serials import normalised_serial, read_maker_barcode


class UnknownNumber(NotFound):
    """No unit of ours has this number or code."""

    code = "inventory.unknown_number"
    field = "code"

    def __init__(self, *, text: str) -> None:
        super().__init__(text=text[:60])


class RevokedCode(Conflict):
    """The label was taken out of use; its thing has another."""

    code = "inventory.revoked_code"
    field = "code"

    def __init__(self, *, label_code: str) -> None:
        super().__init__(label_code=label_code)


class NotAUnit(Conflict):
    """The code belongs to a place, not to a unit."""

    code = "inventory.not_a_unit"
    field = "code"

    def __init__(self, *, place: str) -> None:
        super().__init__(place=place)


class UnknownPlace(Invalid):
    """No place of ours has this code."""

    code = "inventory.unknown_place"
    field = "place"

    def __init__(self, *, text: str) -> None:
        super().__init__(text=text[:60])


def find_unit(session: Session, text: str, *, preferred_models: Collection[UUID] = ()) -> Unit:
    """The unit of a scanned or typed text; of two makers' equal serials the one of a preferred model.

    Raises UnknownNumber, RevokedCode, NotAUnit.
    """
    label = label_meant(session, text)
    if label is None:
        return _unit_with_number(session, text, preferred_models)
    if label.state is LabelCodeState.REVOKED:
        raise RevokedCode(label_code=label.code)
    if label.unit is None:
        raise NotAUnit(place=label.location.code if label.location else "")
    return label.unit


def _unit_with_number(session: Session, text: str, preferred_models: Collection[UUID]) -> Unit:
    units = units_with_number(session, text)
    if not units:
        raise UnknownNumber(text=text)
    return min(units, key=lambda unit: unit.equipment_model_id not in preferred_models)


def units_with_number(session: Session, text: str) -> Sequence[Unit]:
    """Units that have exactly this number, ours or the maker's: two makers may use the same one."""
    barcode = read_maker_barcode(text)
    try:
        serial = normalised_serial(barcode.serial if barcode and barcode.serial else text)
    except DomainError:
        return ()
    return session.scalars(
        select(Unit)
        .where(or_(Unit.tag == narrow(text).upper(), Unit.normalised_serial == serial))
        .options(joinedload(Unit.equipment_model), joinedload(Unit.location))
        .order_by(Unit.id)
        .limit(50)
    ).all()


def label_meant(session: Session, text: str) -> LabelCode | None:
    """The label with this code; a maker's serial may look like a code and yet be none of ours."""
    try:
        return label_with_code(session, text)
    except (Invalid, UnknownLabelCode):
        return None


def find_place(session: Session, text: str) -> StockLocation:
    """The place of a typed code or a scanned label. Raises UnknownPlace, RevokedCode."""
    place = session.scalar(select(StockLocation).where(StockLocation.code == narrow(text).upper()))
    if place is not None:
        return place
    label = label_meant(session, text)
    if label is None or label.location is None:
        raise UnknownPlace(text=text)
    if label.state is LabelCodeState.REVOKED:
        raise RevokedCode(label_code=label.code)
    return label.location
