"""What a scanned or typed text means: one of our units, or one of our places."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from flask import Response, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from rental.inventory.finding import UnknownNumber, UnknownPlace, find_place, find_unit, label_meant
from rental.inventory.models import StockLocation, Unit
from rental.inventory.rules.label_lives import LabelCodeState

# As many units in one address as every server on the way takes.
FULL_BASKET = 50


@dataclass(frozen=True, slots=True)
class Said:
    """The answer to the last scan: ok, again or bad, and why; `read` is what was read."""

    tone: str
    title: str
    read: str = ""


def unit_or_place(session: Session, text: str) -> Unit | StockLocation:
    """By the code on a label, by number or name. Raises UnknownNumber, RevokedCode."""
    label = label_meant(session, text)
    if label and label.location and label.state is LabelCodeState.ACTIVE:
        return label.location
    try:
        return find_unit(session, text)
    except UnknownNumber:
        try:
            return find_place(session, text)
        except UnknownPlace:
            raise UnknownNumber(text=text) from None


def units_in_address(session: Session) -> Sequence[Unit]:
    """The units that the address names, in its order; what is none of ours is passed over."""
    wanted: list[UUID] = []
    for text in request.values.getlist("unit")[:FULL_BASKET]:
        try:
            wanted.append(UUID(text))
        except ValueError:
            continue
    rows = session.scalars(
        select(Unit)
        .where(Unit.id.in_(wanted))
        .options(joinedload(Unit.equipment_model), joinedload(Unit.location))
    )
    known = {unit.id: unit for unit in rows}
    return [known[unit_id] for unit_id in dict.fromkeys(wanted) if unit_id in known]


def go_to(url: str) -> ResponseReturnValue:
    """Another page, also when the request would only replace a part of this one."""
    if "HX-Request" in request.headers:
        return Response(status=204, headers={"HX-Redirect": url})
    return redirect(url, 303)
