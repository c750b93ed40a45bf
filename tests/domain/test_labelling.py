"""A label opens one thing, for as long as it is not revoked, and never another."""

from collections.abc import Iterator

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from rental.inventory.finding import RevokedCode, UnknownPlace, find_place, find_unit
from rental.inventory.label_choice import (
    MOST_LABELS,
    TooManyLabels,
    UnknownToPrint,
    labels_of_things,
    things_to_label,
)
from rental.inventory.labelling import label_location, label_units, note_printing, replace_unit_code
from rental.inventory.models import LabelCode, LabelPrint
from rental.inventory.rules.label_codes import ALPHABET
from rental.inventory.rules.label_lives import LabelCodeState
from rental.inventory.rules.unit_states import LocationKind
from tests.factories.rented import code_of, make_model, place, receive
from tests.support.story import Story

URL = "https://r.example.jp"


def number_of(code: str) -> int:
    """The number that a code is made of, so that a test can draw it again."""
    number = 0
    for symbol in code[:7]:
        number = number * len(ALPHABET) + ALPHABET.index(symbol)
    return number


def test_the_old_label_opens_nothing_and_the_new_one_opens_the_unit(story: Story) -> None:
    with story.begin() as uow:
        (unit,) = receive(uow, make_model(uow))
        old = code_of(uow, unit.id)
    story.later(minutes=1)
    with story.begin() as uow:
        new = replace_unit_code(uow, unit.id, reason=" torn  off ").code
    assert new != old
    with story.reading() as session:
        assert find_unit(session, new).id == unit.id
        with pytest.raises(RevokedCode):
            find_unit(session, old)
        revoked = session.get_one(LabelCode, old)
        assert (revoked.state, revoked.reason) == (LabelCodeState.REVOKED, "torn off")


def test_a_revoked_code_is_drawn_again_and_not_used(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    with story.begin() as uow:
        unit, other = receive(uow, make_model(uow), 2)
        old = code_of(uow, unit.id)
        replace_unit_code(uow, unit.id, reason="torn off")
    drawn: Iterator[int] = iter([number_of(old), 12_345])
    monkeypatch.setattr("secrets.randbelow", lambda _below: next(drawn))
    with story.begin() as uow:
        fresh = replace_unit_code(uow, other.id, reason="torn off").code
    assert number_of(fresh) == 12_345
    assert next(drawn, None) is None


def test_the_database_itself_refuses_a_second_active_code(story: Story) -> None:
    with story.begin() as uow:
        (unit,) = receive(uow, make_model(uow))
        shelf = place(uow, LocationKind.BIN)
        label_location(uow, shelf.id)
    with pytest.raises(IntegrityError), story.begin() as uow:
        label_units(uow, [unit.id])
    with pytest.raises(IntegrityError), story.begin() as uow:
        uow.session.add(LabelCode(code="00000000", location_id=shelf.id, issued_at=uow.now))
        uow.session.flush()
    assert story.count(LabelCode) == 2


def test_a_label_is_of_one_thing(story: Story) -> None:
    with story.begin() as uow:
        (unit,) = receive(uow, make_model(uow))
        replace_unit_code(uow, unit.id, reason="torn off")
        shelf = place(uow, LocationKind.BIN)
    for both in ({"unit_id": unit.id, "location_id": shelf.id}, {}):
        with pytest.raises(IntegrityError), story.begin() as uow:
            uow.session.add(LabelCode(code="00000000", issued_at=uow.now, **both))
            uow.session.flush()


def test_a_reprint_keeps_the_code_and_is_counted(story: Story) -> None:
    with story.begin() as uow:
        (unit,) = receive(uow, make_model(uow))
    codes = set()
    for start in (1, 4):
        with story.begin("storekeeper") as uow:
            (label,) = labels_of_things(uow, things_to_label(uow.session, unit.tag), public_url=URL)
            note_printing(uow, [label.code], format_key="a4_unit", start_position=start)
            codes.add(label.code)
    with story.reading() as session:
        (row,) = session.scalars(select(LabelCode))
        sheets = session.scalars(select(LabelPrint).order_by(LabelPrint.id)).all()
    assert codes == {row.code}
    assert row.print_count == 2
    assert [(sheet.label_count, sheet.start_position, sheet.printed_by) for sheet in sheets] == [
        (1, 1, "storekeeper"),
        (1, 4, "storekeeper"),
    ]


def test_a_place_gets_its_code_with_its_first_label_and_keeps_it(story: Story) -> None:
    with story.begin() as uow:
        shelf = place(uow, LocationKind.BIN)
        things = things_to_label(uow.session, "a-01-1")
        first, second = (labels_of_things(uow, things, public_url=URL)[0] for _ in range(2))
    assert first == second
    assert (first.title, first.url) == ("A-01-1", f"HTTPS://R.EXAMPLE.JP/Q/{first.code}")
    with story.reading() as session:
        assert find_place(session, first.url).id == shelf.id
        with pytest.raises(UnknownPlace):
            find_place(session, "A-99-9")


def test_lines_name_units_places_and_whole_deliveries_each_once(story: Story) -> None:
    with story.begin() as uow:
        units = receive(uow, make_model(uow), 3)
        shelf = place(uow, LocationKind.BIN)
        code = code_of(uow, units[1].id)
        lines = f"{units[2].serial_number}\n\n{code[:4]}-{code[4:]}\nA-01-1\nr00001\n{units[0].tag.lower()}"
        things = things_to_label(uow.session, lines)
    assert [thing.id for thing in things] == [units[2].id, units[1].id, shelf.id, units[0].id]


def test_what_is_no_clear_answer_is_named_by_its_row(story: Story) -> None:
    with story.begin() as uow:
        (unit,) = receive(uow, make_model(uow))
        (twin,) = receive(uow, make_model(uow, "GR-10", category="GR"))
        twin.serial_number, twin.normalised_serial = unit.serial_number, unit.normalised_serial
        old = code_of(uow, unit.id)
        replace_unit_code(uow, unit.id, reason="torn off")
    with story.reading() as session:
        with pytest.raises(UnknownToPrint) as refused:
            things_to_label(session, f"{unit.tag}\nnowhere\n\n{old}\n{unit.serial_number}")
        assert refused.value.params == {"rows": "2, 4, 5", "count": 3, "text": "nowhere"}
        with pytest.raises(TooManyLabels):
            things_to_label(session, "x\n" * (MOST_LABELS + 1))
