"""Codes on labels: given to every unit and place, revoked when a label is lost, and printed on sheets."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from rental.catalog.models import EquipmentModel
from rental.core.errors import NotFound
from rental.core.text import tidy
from rental.core.uow import UnitOfWork, locked
from rental.inventory.models import LabelCode, LabelPrint, StockLocation, Unit
from rental.inventory.rules.label_codes import CODES, code_from, read_label_code
from rental.inventory.rules.label_lives import LABEL_CODE_STATES, LabelCodeState


class UnknownLabelCode(NotFound):
    """No label of ours has this code."""

    code = "inventory.unknown_label_code"
    field = "code"


def new_codes(uow: UnitOfWork, count: int) -> list[str]:
    """Random codes that stand on no label of ours, not even on a revoked one."""
    codes: list[str] = []
    while len(codes) < count:
        drawn = dict.fromkeys(code_from(uow.draw(CODES)) for _ in range(count - len(codes)))
        taken = set(uow.session.scalars(select(LabelCode.code).where(LabelCode.code.in_(drawn))))
        codes += [code for code in drawn if code not in taken.union(codes)]
    return codes


def label_units(uow: UnitOfWork, unit_ids: Sequence[UUID]) -> None:
    """A first code for each of these new units."""
    for unit_id, code in zip(unit_ids, new_codes(uow, len(unit_ids)), strict=True):
        uow.session.add(LabelCode(code=code, unit_id=unit_id, issued_at=uow.now))
    uow.session.flush()


def label_location(uow: UnitOfWork, location_id: UUID) -> LabelCode:
    """The code of a place, given when its first label is wanted."""
    locked(uow, StockLocation, location_id)
    present = uow.session.scalar(
        select(LabelCode).where(
            LabelCode.location_id == location_id, LabelCode.state == LabelCodeState.ACTIVE
        )
    )
    if present:
        return present
    label = LabelCode(code=new_codes(uow, 1)[0], location_id=location_id, issued_at=uow.now)
    uow.session.add(label)
    uow.session.flush()
    return label


def replace_unit_code(uow: UnitOfWork, unit_id: UUID, *, reason: str) -> LabelCode:
    """The old label opens nothing any more; the unit gets a new code."""
    locked(uow, Unit, unit_id)
    uow.because(reason)
    present = uow.session.scalars(
        select(LabelCode).where(LabelCode.unit_id == unit_id, LabelCode.state == LabelCodeState.ACTIVE)
    )
    for label in present:
        LABEL_CODE_STATES.check(label.state, LabelCodeState.REVOKED)
        label.state = LabelCodeState.REVOKED
        label.revoked_at = uow.now
        label.reason = tidy(reason)
    uow.session.flush()
    label_units(uow, [unit_id])
    return uow.session.scalars(
        select(LabelCode).where(LabelCode.unit_id == unit_id, LabelCode.state == LabelCodeState.ACTIVE)
    ).one()


def note_printing(
    uow: UnitOfWork, codes: Sequence[str], *, format_key: str, start_position: int
) -> LabelPrint:
    """A sheet with these codes was made; a reprint keeps its code and is counted."""
    for label in uow.session.scalars(
        select(LabelCode).where(LabelCode.code.in_(codes)).with_for_update().order_by(LabelCode.code)
    ):
        label.print_count += 1
    row = LabelPrint(
        format_key=format_key,
        label_count=len(codes),
        start_position=start_position,
        printed_at=uow.now,
        printed_by=uow.actor.name,
    )
    uow.session.add(row)
    uow.session.flush()
    return row


def label_with_code(session: Session, text: str) -> LabelCode:
    """What a scanned or typed code stands for, revoked ones too. Raises UnknownLabelCode, NotALabelCode …"""
    label = session.scalar(
        select(LabelCode)
        .where(LabelCode.code == read_label_code(text))
        .options(
            joinedload(LabelCode.unit).joinedload(Unit.equipment_model).lazyload(EquipmentModel.skill_rows),
            joinedload(LabelCode.unit).joinedload(Unit.location),
            joinedload(LabelCode.location),
        )
    )
    if label is None:
        raise UnknownLabelCode(code=read_label_code(text))
    return label
