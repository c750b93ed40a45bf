"""What a list of numbers asks to be labelled: units, places, whole deliveries."""

import re
from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from rental.core.errors import Invalid
from rental.core.text import narrow, tidy
from rental.core.uow import UnitOfWork
from rental.inventory.finding import label_meant, units_with_number
from rental.inventory.label_sheets import Label
from rental.inventory.labelling import label_location
from rental.inventory.models import Receipt, StockLocation, Unit
from rental.inventory.queries import active_labels_of, units_of_receipt
from rental.inventory.rules.label_codes import label_url
from rental.inventory.rules.label_lives import LabelCodeState

MOST_LABELS = 2_000  # as many as one delivery may bring

_LINE_END = re.compile(r"\r\n|\r|\n")
Thing = Unit | StockLocation


class UnknownToPrint(Invalid):
    """Some lines name nothing of ours, or something that could be two things."""

    code = "inventory.unknown_to_print"
    field = "labels"

    def __init__(self, *, rows: Sequence[int], text: str) -> None:
        super().__init__(rows=", ".join(str(row) for row in rows[:20]), count=len(rows), text=text[:60])


class TooManyLabels(Invalid):
    """More than are printed in one go."""

    code = "inventory.too_many_labels"
    field = "labels"

    def __init__(self) -> None:
        super().__init__(maximum=MOST_LABELS)


def things_to_label(session: Session, text: str) -> list[Thing]:
    """What the lines name, each thing once, in their order.

    A line is the number of a delivery, the code of a place, our number of a unit, its maker's serial, or what
    stands on a label. Raises UnknownToPrint naming the rows, and TooManyLabels.
    """
    rows = [(row, line) for row, line in enumerate(_LINE_END.split(text), start=1) if narrow(line)]
    if len(rows) > MOST_LABELS:
        raise TooManyLabels
    known = _known_by_number(session, {_number(line) for _, line in rows})

    things: dict[object, Thing] = {}
    unknown: list[tuple[int, str]] = []
    for row, line in rows:
        named = known.get(_number(line)) or _meant(session, line)
        things |= {thing.id: thing for thing in named}
        if not named:
            unknown.append((row, line))
    if unknown:
        raise UnknownToPrint(rows=[row for row, _ in unknown], text=narrow(tidy(unknown[0][1])))
    if len(things) > MOST_LABELS:
        raise TooManyLabels
    return list(things.values())


def _number(line: str) -> str:
    """The line as our numbers are written; control characters, which no database takes, become spaces."""
    return narrow(tidy(line)).upper()


def labels_of_things(uow: UnitOfWork, things: Iterable[Thing], *, public_url: str) -> list[Label]:
    """What stands on each label; a place gets its code with its first label."""
    things = list(things)
    codes = active_labels_of(uow.session, [thing.id for thing in things if isinstance(thing, Unit)])
    return [
        _label_of_unit(thing, codes[thing.id].code, public_url)
        if isinstance(thing, Unit)
        else _label_of_place(thing, label_location(uow, thing.id).code, public_url)
        for thing in things
    ]


def _known_by_number(session: Session, numbers: set[str]) -> dict[str, list[Thing]]:
    """Whatever has exactly one of these numbers; a delivery stands for all its units."""
    known: dict[str, list[Thing]] = {}
    for unit in session.scalars(
        select(Unit).where(Unit.tag.in_(numbers)).options(joinedload(Unit.equipment_model))
    ):
        known[unit.tag] = [unit]
    for place in session.scalars(select(StockLocation).where(StockLocation.code.in_(numbers))):
        known[place.code] = [place]
    for receipt in session.scalars(select(Receipt).where(Receipt.number.in_(numbers))):
        known[receipt.number] = list(units_of_receipt(session, receipt.id))
    return known


def _meant(session: Session, line: str) -> list[Thing]:
    """By a label or a maker's serial. A revoked label and a serial of two makers are no answer."""
    label = label_meant(session, line)
    if label is not None:
        thing = label.unit or label.location
        return [thing] if thing and label.state is LabelCodeState.ACTIVE else []
    units = units_with_number(session, line)
    return list(units) if len(units) == 1 else []


def _label_of_unit(unit: Unit, code: str, public_url: str) -> Label:
    return Label(
        code=code,
        url=label_url(public_url, code),
        title=unit.equipment_model.name,
        serial_number=unit.serial_number,
    )


def _label_of_place(place: StockLocation, code: str, public_url: str) -> Label:
    return Label(code=code, url=label_url(public_url, code), title=place.code)
