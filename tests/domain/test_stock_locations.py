"""Places, and moving units between them by what the mover saw."""

import pytest

from rental.core.errors import ChangedMeanwhile, DomainError
from rental.core.states import IllegalStep
from rental.inventory.models import Movement, StockLocation, Unit
from rental.inventory.movements import (
    AlreadyThere,
    Circumstances,
    NotWhereItWas,
    load_unit,
    retire_unit,
    shelve_unit,
    transfer_unit,
    unload_unit,
)
from rental.inventory.queries import movements_of, units_matching
from rental.inventory.rules.unit_states import LocationKind, UnitState, WrongPlace
from rental.inventory.stock_locations import (
    BadLocationCode,
    LocationCodeOfSite,
    LocationCodeTaken,
    NamedAfterSite,
    VanNeedsTechnician,
    add_stock_location,
    location_of_site,
    rename_stock_location,
)
from tests.factories.rented import make_customer, make_model, place, receive, stock
from tests.factories.stock import held_unit
from tests.support.story import Story


def add_shelf(story: Story, code: str) -> StockLocation:
    with story.begin() as uow:
        return add_stock_location(uow, code=code, name=f"Shelf {code}", kind=LocationKind.BIN)


def test_a_code_is_brought_to_one_writing(story: Story) -> None:
    assert add_shelf(story, "ａ-01-3").code == "A-01-3"
    with pytest.raises(LocationCodeTaken):
        add_shelf(story, "A-01-3")


@pytest.mark.parametrize("code", ["", "-A", "A--1", "A 1", "棚1", "A" * 31, "A_1"])
def test_a_code_can_be_printed_large_and_read_aloud(story: Story, code: str) -> None:
    before = story.count(StockLocation)
    with pytest.raises(BadLocationCode):
        add_shelf(story, code)
    assert story.count(StockLocation) == before


@pytest.mark.parametrize("code", ["SITE-1", "ｓｉｔｅ-A-1"])
def test_the_codes_of_sites_are_kept_for_them(story: Story, code: str) -> None:
    with pytest.raises(LocationCodeOfSite):
        add_shelf(story, code)
    assert add_shelf(story, "SITES-1").code == "SITES-1"


def test_a_van_has_a_technician_and_nothing_else_has(story: Story) -> None:
    technician = story.person()
    for kind, technician_id in (
        (LocationKind.VAN, None),
        (LocationKind.BIN, technician.id),
        (LocationKind.SITE, None),
    ):
        with pytest.raises(VanNeedsTechnician), story.begin() as uow:
            add_stock_location(uow, code="X-1", name="X", kind=kind, technician_id=technician_id)
    with story.begin() as uow:
        van = add_stock_location(
            uow, code="VAN-1", name="Van", kind=LocationKind.VAN, technician_id=technician.id
        )
    assert van.technician_id == technician.id


def test_a_place_is_renamed_as_it_was_seen_and_a_sites_place_is_not(story: Story) -> None:
    shelf = add_shelf(story, "A-02-1")
    with story.begin() as uow:
        rename_stock_location(uow, shelf.id, name="  Top   shelf ", version=shelf.version)
        _customer, _account, site = make_customer(uow)
        of_site = location_of_site(uow, site.id)
    with pytest.raises(ChangedMeanwhile), story.begin() as uow:
        rename_stock_location(uow, shelf.id, name="Other", version=shelf.version)
    with pytest.raises(NamedAfterSite), story.begin() as uow:
        rename_stock_location(uow, of_site.id, name="Other", version=of_site.version)
    with story.reading() as session:
        assert session.get_one(StockLocation, shelf.id).name == "Top shelf"


def test_a_unit_that_somebody_moved_is_not_moved_from_where_it_no_longer_is(story: Story) -> None:
    first, second = add_shelf(story, "A-01-1"), add_shelf(story, "A-01-2")
    with story.begin() as uow:
        (unit,) = receive(uow, make_model(uow))
        arrived_at = unit.location_id
        shelve_unit(uow, unit.id, to=first.id, how=Circumstances(seen_at=arrived_at))
    before = story.count(Movement)
    for move in (shelve_unit, transfer_unit, unload_unit):
        with pytest.raises(NotWhereItWas) as refused, story.begin() as uow:
            move(uow, unit.id, to=second.id, how=Circumstances(seen_at=arrived_at))
        assert refused.value.params == {"tag": unit.tag, "expected": "RECEIVING", "now": "A-01-1"}
    with pytest.raises(NotWhereItWas), story.begin() as uow:
        retire_unit(uow, unit.id, reason="broken", how=Circumstances(seen_at=arrived_at))
    with pytest.raises(NotWhereItWas), story.begin() as uow:
        load_unit(uow, unit.id, to=second.id, how=Circumstances(seen_at=arrived_at))
    assert story.count(Movement) == before
    with story.begin() as uow:
        transfer_unit(uow, unit.id, to=second.id, how=Circumstances(seen_at=first.id))
    with pytest.raises(AlreadyThere), story.begin() as uow:
        transfer_unit(uow, unit.id, to=second.id, how=Circumstances(seen_at=second.id))


def test_a_unit_goes_only_where_its_state_belongs(story: Story) -> None:
    with story.begin() as uow:
        (unit,) = stock(uow, make_model(uow))
        receiving, scrap = place(uow, LocationKind.RECEIVING), place(uow, LocationKind.SCRAP)
    for wrong in (receiving, scrap):
        with pytest.raises(WrongPlace), story.begin() as uow:
            transfer_unit(uow, unit.id, to=wrong.id)


def test_a_held_unit_is_not_retired_and_comes_back_from_the_van_still_held(story: Story) -> None:
    technician = story.person()
    with story.begin() as uow:
        unit = held_unit(uow)
        shelf_id = unit.location_id
        van = add_stock_location(
            uow, code="VAN-1", name="Van", kind=LocationKind.VAN, technician_id=technician.id
        )
    with pytest.raises(IllegalStep), story.begin() as uow:
        retire_unit(uow, unit.id, reason="broken")
    with story.begin() as uow:
        load_unit(uow, unit.id, to=van.id, how=Circumstances(seen_at=shelf_id))
        unload_unit(uow, unit.id, to=shelf_id, how=Circumstances(seen_at=van.id))
    with story.reading() as session:
        assert session.get_one(Unit, unit.id).state is UnitState.RESERVED


def test_what_is_held_for_nobody_does_not_leave_the_house(story: Story) -> None:
    technician = story.person()
    with story.begin() as uow:
        (unit,) = stock(uow, make_model(uow))
        van = add_stock_location(
            uow, code="VAN-1", name="Van", kind=LocationKind.VAN, technician_id=technician.id
        )
    with pytest.raises(IllegalStep), story.begin() as uow:
        load_unit(uow, unit.id, to=van.id)


def test_the_reason_of_a_retirement_stands_in_the_ledger(story: Story) -> None:
    with story.begin() as uow:
        (unit,) = stock(uow, make_model(uow))
        retire_unit(uow, unit.id, reason=" cracked  frame ")
    with story.reading() as session:
        latest = movements_of(session, unit.id)[0]
        assert (latest.note, latest.to_location.kind) == ("cracked frame", LocationKind.SCRAP)
    with pytest.raises(DomainError), story.begin() as uow:
        shelve_unit(uow, unit.id, to=place(uow, LocationKind.BIN).id)


def test_a_whole_rack_is_found_by_the_beginning_of_its_code(story: Story) -> None:
    top, bottom = add_shelf(story, "A-01-1"), add_shelf(story, "A-01-2")
    other = add_shelf(story, "A-02-1")
    with story.begin() as uow:
        units = receive(uow, make_model(uow), 3)
        for unit, shelf in zip(units, (top, bottom, other), strict=True):
            shelve_unit(uow, unit.id, to=shelf.id)
    with story.reading() as session:
        found = session.scalars(units_matching(place_words="ａ-01").order_by(Unit.tag)).all()
    assert [unit.id for unit in found] == [units[0].id, units[1].id]
