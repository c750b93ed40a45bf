"""A delivery is received whole or not at all, and its numbers have no gap."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from rental.catalog.equipment_models import offer_equipment_model
from rental.catalog.models import EquipmentModel
from rental.core.money import Money
from rental.core.uow import UnitOfWork
from rental.inventory.finding import find_place
from rental.inventory.models import LabelCode, Movement, Receipt, Unit, UnitStep
from rental.inventory.movements import retire_unit, shelve_unit
from rental.inventory.receiving import (
    Duplicate,
    ModelWithdrawn,
    NothingToReceive,
    NothingToShelve,
    SerialsTaken,
    preview_receipt,
    receive_units,
    shelve_receipt,
)
from rental.inventory.rules.serials import read_serials
from rental.inventory.rules.unit_states import LocationKind, MovementKind, UnitState, WrongPlace
from rental.inventory.serial_numbering import issue_tags, preview_issue
from tests.factories.rented import make_model, make_rule, place, receive
from tests.support.story import Story

LEDGERS = (Receipt, Unit, Movement, UnitStep, LabelCode)


def arrive(uow: UnitOfWork, model: EquipmentModel, text: str) -> Receipt:
    return receive_units(
        uow,
        model.id,
        read_serials(text),
        location_id=place(uow, LocationKind.RECEIVING).id,
        supplier_name="Kissa Works",
        delivery_note="DN-1",
        unit_cost=Money(48_000),
    )


@contextmanager
def tried_out(story: Story) -> Iterator[UnitOfWork]:
    """A transaction that is undone, so that the next example starts where this one did."""
    with story.begin() as uow:
        yield uow
        uow.session.rollback()


def counted(story: Story) -> list[int]:
    return [story.count(kind) for kind in LEDGERS]


def test_each_unit_gets_its_number_its_label_and_its_first_movement(story: Story) -> None:
    with story.begin() as uow:
        make_rule(uow)
        receipt = arrive(uow, make_model(uow), "A-1\nA-2")
    assert (receipt.number, receipt.unit_count) == ("R00001", 2)
    with story.reading() as session:
        units = session.scalars(select(Unit).order_by(Unit.tag)).all()
        assert [(unit.tag[:-2], unit.serial_number) for unit in units] == [
            ("SR-CM2604-00001", "A-1"),
            ("SR-CM2604-00002", "A-2"),
        ]
        assert {unit.state for unit in units} == {UnitState.RECEIVED}
        for unit in units:
            movement = session.scalars(select(Movement).where(Movement.unit_id == unit.id)).one()
            assert (movement.kind, movement.seq, movement.source) == (MovementKind.RECEIPT, 1, "R00001")
            assert movement.from_location.kind is LocationKind.SUPPLIER
            step = session.scalars(select(UnitStep).where(UnitStep.unit_id == unit.id)).one()
            assert (step.from_state, step.to_state) == (None, UnitState.RECEIVED)
    assert story.count(LabelCode) == 2


def test_one_duplicate_stops_the_whole_delivery_and_is_named_by_row_with_where_the_other_one_is(
    story: Story,
) -> None:
    with story.begin() as uow:
        make_rule(uow)
        model = make_model(uow)
        arrive(uow, model, "CM200-1")
        known = uow.session.scalars(select(Unit)).one()
        shelf = place(uow, LocationKind.BIN)
        shelve_unit(uow, known.id, to=shelf.id)
    before, announced = counted(story), story.announced()
    with pytest.raises(SerialsTaken) as refused, story.begin() as uow:
        arrive(uow, model, "NEW-1\n\nｃｍ２００－１\nnew 1")
    assert refused.value.duplicates == [
        Duplicate(3, "ｃｍ２００－１", None, known.id, known.tag, shelf.name),
        Duplicate(4, "new 1", other_row=1),
    ]
    assert refused.value.params == {"count": 2, "rows": "3, 4"}
    assert counted(story) == before
    assert story.announced() == announced


def test_a_refused_delivery_leaves_no_gap_in_any_number(story: Story) -> None:
    with story.begin() as uow:
        make_rule(uow)
        model = make_model(uow)
        arrive(uow, model, "A-1")
    with pytest.raises(SerialsTaken), story.begin() as uow:
        arrive(uow, model, "A-2\nA-1")
    with story.begin() as uow:
        receipt = arrive(uow, model, "A-2")
        (unit,) = uow.session.scalars(select(Unit).where(Unit.receipt_id == receipt.id))
    assert receipt.number == "R00002"
    assert unit.tag.startswith("SR-CM2604-00002-")


def test_two_models_may_have_the_same_serial(story: Story) -> None:
    with story.begin() as uow:
        make_rule(uow)
        arrive(uow, make_model(uow, "CM-200"), "7")
        arrive(uow, make_model(uow, "GR-10", category="GR"), "7")
    assert story.count(Unit) == 2


def test_nothing_and_a_withdrawn_model_are_not_received(story: Story) -> None:
    with story.begin() as uow:
        make_rule(uow)
        model = make_model(uow)
        offer_equipment_model(uow, model.id, offered=False)
        shelf = place(uow, LocationKind.BIN)
    with pytest.raises(NothingToReceive), story.begin() as uow:
        arrive(uow, model, " \n")
    with pytest.raises(ModelWithdrawn), story.begin() as uow:
        arrive(uow, model, "A-1")
    with pytest.raises(WrongPlace), story.begin() as uow:
        offer_equipment_model(uow, model.id, offered=True)
        receive_units(uow, model.id, read_serials("A-1"), location_id=shelf.id, supplier_name="x")
    assert counted(story) == [0] * len(LEDGERS)


def test_each_scope_counts_from_one(story: Story) -> None:
    """The rule counts anew with the category and with the fiscal year, which begins in April."""
    story.on("2027-03-31")
    with story.begin() as uow:
        coffee, grinder = make_model(uow), make_model(uow, "GR-10", category="GR")
        tags = [unit.tag for model in (coffee, grinder, coffee) for unit in receive(uow, model)]
    story.on("2027-04-01")
    with story.begin() as uow:
        tags += [receive(uow, coffee)[0].tag]
    assert [tag[:-2] for tag in tags] == [
        "SR-CM2703-00001",
        "SR-GR2703-00001",
        "SR-CM2703-00002",
        "SR-CM2704-00001",
    ]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(
    sizes=st.lists(st.integers(1, 5), min_size=1, max_size=4), legacy=st.sets(st.integers(0, 19), max_size=8)
)
def test_numbers_follow_each_other_and_pass_over_those_that_came_from_elsewhere(
    story: Story, sizes: list[int], legacy: set[int]
) -> None:
    with tried_out(story) as uow:
        make_rule(uow)
        model, other = make_model(uow), make_model(uow, "GR-10", category="GR")
        _, following = preview_issue(uow.session, model, 40, on=uow.today)
        for place_in_row, unit in zip(sorted(legacy), receive(uow, other, len(legacy) or 1), strict=False):
            unit.tag = following[place_in_row]
        uow.session.flush()
        free = [tag for number, tag in enumerate(following) if number not in legacy]

        _, promised = preview_issue(uow.session, model, sum(sizes), on=uow.today)
        given_out = [tag for size in sizes for tag in issue_tags(uow, model, size, on=uow.today)]

        assert given_out == promised == free[: sum(sizes)]


def test_the_preview_says_what_receiving_then_does_and_writes_nothing(story: Story) -> None:
    with story.begin() as uow:
        make_rule(uow)
        model = make_model(uow)
        arrive(uow, model, "A-1")
    before = counted(story)
    with story.begin() as uow:
        rows = preview_receipt(uow.session, model, read_serials("B-1\nA-1\nB-2"), on=uow.today)
    assert [row.duplicate is not None for row in rows] == [False, True, False]
    assert counted(story) == before
    with story.begin() as uow:
        receipt = arrive(uow, model, "B-1\nB-2")
        units = uow.session.scalars(select(Unit).where(Unit.receipt_id == receipt.id).order_by(Unit.tag))
        assert [unit.tag for unit in units] == [rows[0].tag, rows[2].tag]


def test_a_delivery_goes_to_its_shelf_as_far_as_it_still_waits(story: Story) -> None:
    with story.begin() as uow:
        first, second, third = receive(uow, make_model(uow), 3)
        elsewhere = place(uow, LocationKind.BIN)
        shelve_unit(uow, first.id, to=elsewhere.id)
        retire_unit(uow, first.id, reason="broken when it came")
    with pytest.raises(WrongPlace), story.begin() as uow:
        shelve_receipt(uow, first.receipt_id, to=find_place(uow.session, "SCRAP").id)
    with story.begin() as uow:
        assert shelve_receipt(uow, first.receipt_id, to=elsewhere.id) == 2
    with story.reading() as session:
        states = dict(session.execute(select(Unit.id, Unit.state)).all())
    assert states == {
        first.id: UnitState.RETIRED,
        second.id: UnitState.AVAILABLE,
        third.id: UnitState.AVAILABLE,
    }
    with pytest.raises(NothingToShelve), story.begin() as uow:
        shelve_receipt(uow, first.receipt_id, to=elsewhere.id)
