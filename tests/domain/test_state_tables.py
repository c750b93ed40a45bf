"""Every step of every life cycle is taken by a use case, and every other step is refused by all of them."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import inspect, select
from sqlalchemy.exc import IntegrityError

from rental.contracts.models import Placement
from rental.contracts.rules import SlotState
from rental.core.db import Base
from rental.core.errors import DomainError
from rental.core.ids import new_id
from rental.core.states import IllegalStep
from rental.fieldwork.installing import complete_installation
from rental.fieldwork.visits import arrive, plan_visit, publish_visit
from rental.identity.permissions import Role
from rental.inventory.models import Movement, StockLocation, Unit
from rental.inventory.movements import move_unit
from rental.inventory.rules.unit_states import (
    CUSTODY,
    MOVED_IN,
    UNIT_STATES,
    LocationKind,
    MovementKind,
    UnitState,
    WrongPlace,
)
from rental.inventory.stock_locations import add_stock_location
from tests.factories.life_cycles import contracts, units, work_orders
from tests.factories.life_cycles.every import LIVES
from tests.factories.life_cycles.life import Act, Life, another, technician
from tests.factories.life_cycles.units import UNITS
from tests.factories.rented import make_order
from tests.support.story import Story


class OnlyTried(Exception):
    """The step was possible; nothing of it is kept."""


@pytest.fixture
def story(story: Story) -> Story:
    """A story with one technician."""
    story.person(Role.TECHNICIAN)
    return story


def states() -> Iterator[Any]:
    for name, life in LIVES.items():
        for state in life.table.kind:
            yield pytest.param(life, state, id=f"{name}-{state}")


def content(story: Story) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    with story.reading() as session:
        return {
            table.name: sorted((tuple(row) for row in session.execute(select(table))), key=repr)
            for table in Base.metadata.sorted_tables
        }


@pytest.mark.parametrize("name", LIVES)
def test_every_step_of_the_table_has_a_use_case_and_no_use_case_goes_beyond(name: str) -> None:
    life = LIVES[name]
    taken = {(now, then) for act in life.acts for now, then in act.leads.items() if now is not then}
    assert taken == set(life.table.steps())
    assert list(life.things) == list(life.table.kind.__members__.values())


@pytest.mark.parametrize(("life", "state"), list(states()))
def test_what_can_be_done_in_a_state_leads_where_the_table_says_and_all_else_is_refused(
    story: Story, life: Life, state: Any
) -> None:
    with story.begin() as uow:
        thing = life.things[state](uow)
        uow.session.flush()
        key = inspect(thing).identity
    before = content(story)
    for act in life.acts:
        if state in act.leads:
            _leads(story, life, key, act, state)
        else:
            with pytest.raises(DomainError), story.begin() as uow:
                act.do(uow, uow.session.get_one(life.kind, key))
                pytest.fail(f"{act.name} in {state}")
    assert content(story) == before


def _leads(story: Story, life: Life, key: Any, act: Act, state: Any) -> None:
    with pytest.raises(OnlyTried), story.begin() as uow:
        thing: Any = uow.session.get_one(life.kind, key)
        assert thing.state is state
        act.do(uow, thing)
        uow.session.flush()
        uow.session.refresh(thing)
        assert thing.state is act.leads[state], act.name
        raise OnlyTried


@pytest.mark.parametrize("name", LIVES)
def test_every_other_pair_of_states_is_refused_by_the_table(name: str) -> None:
    table = LIVES[name].table
    for now in table.kind:
        for wanted in table.kind:
            if (now, wanted) not in set(table.steps()):
                with pytest.raises(IllegalStep):
                    table.check(now, wanted)


@pytest.mark.parametrize("state", UnitState)
def test_a_unit_is_moved_only_to_places_where_one_in_its_state_can_be(story: Story, state: UnitState) -> None:
    """Each kind of movement, into each state, to each kind of place: 252 ways for a unit in each state."""
    with story.begin() as uow:
        unit_id = UNITS.things[state](uow).id  # type: ignore[attr-defined]
        places = {kind: another(uow, kind) for kind in LocationKind}
    before = content(story)
    for movement in MovementKind:
        for wanted in UnitState:
            for kind, place_id in places.items():
                is_allowed = (
                    (wanted is state or UNIT_STATES.allows(state, wanted))
                    and state in MOVED_IN[movement]
                    and kind in CUSTODY[wanted]
                )
                with pytest.raises(OnlyTried if is_allowed else DomainError), story.begin() as uow:
                    move_unit(uow, unit_id, to=place_id, kind=movement, state=wanted)
                    raise OnlyTried
    assert content(story) == before


def test_a_free_unit_is_not_installed_without_having_been_held_and_carried(story: Story) -> None:
    with story.begin() as uow:
        unit = units.available(uow)
    with pytest.raises(IllegalStep), story.begin() as uow:
        units.install(uow, unit)
    assert story.count(Movement) == 2


def test_an_installed_unit_is_not_in_a_warehouse(story: Story) -> None:
    with story.begin() as uow:
        unit = units.in_transit(uow)
        shelf = another(uow, LocationKind.BIN)
    with pytest.raises(WrongPlace), story.begin() as uow:
        move_unit(uow, unit.id, to=shelf, kind=MovementKind.INSTALLATION, state=UnitState.INSTALLED)


def test_the_database_refuses_a_second_open_placement_of_a_unit_and_of_a_slot(story: Story) -> None:
    with story.begin() as uow:
        slot = contracts.slot_in_service(uow)
        waiting = contracts.awaiting_slot(uow)
        assert waiting.state is SlotState.AWAITING_INSTALL
    with story.reading() as session:
        placed = session.scalars(select(Placement)).one()
        other_unit = session.scalars(select(Unit.id).where(Unit.id != placed.unit_id)).one()
        movement = session.scalars(select(Movement.id).where(Movement.unit_id == other_unit)).first()
    for slot_id, unit_id in ((waiting.id, placed.unit_id), (slot.id, other_unit)):
        with pytest.raises(IntegrityError), story.begin() as uow:
            uow.session.add(
                Placement(
                    slot_id=slot_id,
                    unit_id=unit_id,
                    placed_at=uow.now,
                    reason=placed.reason,
                    install_movement_id=movement,
                )
            )
    assert story.count(Placement) == 1


def test_a_reserved_unit_is_not_put_on_a_shelf_as_if_it_were_free(story: Story) -> None:
    """It would be free and held at once, and the next contract could not be activated."""
    with story.begin() as uow:
        unit = units.reserved(uow)
        shelf = another(uow, LocationKind.BIN)
    with pytest.raises(IllegalStep), story.begin() as uow:
        move_unit(uow, unit.id, to=shelf, kind=MovementKind.SHELVING, state=UnitState.AVAILABLE)


def test_a_technician_gets_a_van_though_somebody_took_its_code(story: Story) -> None:
    colleague = story.person(Role.TECHNICIAN, email="colleague@example.jp")
    with story.begin() as uow:
        add_stock_location(
            uow, code="VAN-01", name="Van 1", kind=LocationKind.VAN, technician_id=colleague.id
        )
    with story.begin() as uow:
        order = make_order(uow)
        visit = plan_visit(uow, [order.id], technician_id=technician(uow), planned_on=uow.today)
        publish_visit(uow, visit.id)
        arrive(uow, visit.id, at=uow.now)
        work_orders.scan(uow, order)
        complete_installation(uow, order.id, visit.technician_id, at=uow.now, op_id=new_id())
    with story.reading() as session:
        vans = select(StockLocation.code).where(StockLocation.kind == LocationKind.VAN)
        assert set(session.scalars(vans)) == {"VAN-01", "VAN-02"}
