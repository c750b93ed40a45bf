"""Units against a plain dictionary: whatever people do in any order, both agree and the books are clean."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import pytest
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from rental.assurance.checks.stock import STOCK_CHECKS
from rental.catalog.models import EquipmentModel, RatePlanVersion
from rental.contracts.activation import activate_contract
from rental.contracts.drafting import add_line, draft_contract
from rental.contracts.queries import slots_awaiting_install
from rental.core.db import db
from rental.core.errors import DomainError
from rental.core.ids import new_id
from rental.core.uow import UnitOfWork
from rental.customers.models import BillingAccount, Customer, Site
from rental.fieldwork.installing import complete_installation, scan_for_order
from rental.fieldwork.models import WorkOrder
from rental.fieldwork.visits import arrive
from rental.fieldwork.work_orders import open_installation_orders
from rental.identity.permissions import Role
from rental.inventory.models import Reservation, StockLocation, Unit
from rental.inventory.movements import load_unit, retire_unit, shelve_unit, transfer_unit, unload_unit
from rental.inventory.reservations import release_reservation
from rental.inventory.rules.holding import ReservationState
from rental.inventory.rules.unit_states import LocationKind, UnitState
from rental.inventory.stock_locations import add_stock_location
from tests.conftest import migrated
from tests.factories.rented import make_customer, make_model, make_plan, receive, send_out
from tests.support.databases import Database
from tests.support.story import Story

SHELVES = ("A-1", "A-2")
VANS = ("VAN-A", "VAN-B")
WATCHED = {"S1", "S1b", "S1c", "S2", "S3", "S4", "S8", "S9"}


@dataclass
class Believed:
    """What the dictionary says of a unit."""

    tag: str
    state: UnitState
    place: str
    movement_count: int = 1
    held_for: UUID | None = None


class Stock(RuleBasedStateMachine):
    """Receives, shelves, moves, promises, carries, installs and retires units of one model."""

    app: Flask
    database: Database

    def __init__(self) -> None:
        super().__init__()
        self.units: dict[UUID, Believed] = {}
        self.orders: dict[UUID, UUID] = {}  # open work orders, each for one slot

    @initialize()
    def open_the_company(self) -> None:
        with self.app.app_context():
            db.engine.dispose()
        self.database.renew()
        self.story = Story(self.app)
        self.technician = self.story.person(Role.TECHNICIAN).id
        with self.story.begin() as uow:
            self.model: EquipmentModel = make_model(uow)
            self.plan: RatePlanVersion = make_plan(uow, self.model)
            who: tuple[Customer, BillingAccount, Site] = make_customer(uow)
            self.customer, self.account, self.site = who
            for code in SHELVES:
                add_stock_location(uow, code=code, name=code, kind=LocationKind.BIN)
            for code in VANS:
                add_stock_location(
                    uow, code=code, name=code, kind=LocationKind.VAN, technician_id=self.technician
                )
            places = uow.session.execute(select(StockLocation.code, StockLocation.id))
            self.places: dict[str, UUID] = dict(places.all())

    @contextmanager
    def attempt(self, *, is_possible: bool) -> Iterator[UnitOfWork]:
        """Done when the dictionary says so, refused when it says not."""
        if is_possible:
            with self.story.begin() as uow:
                yield uow
        else:
            with pytest.raises(DomainError), self.story.begin() as uow:
                yield uow

    def some(self, data: st.DataObject, *states: UnitState) -> tuple[UUID, Believed]:
        """Three times in four a unit in one of these states, else any."""
        fitting = [key for key, unit in self.units.items() if unit.state in states]
        anything_goes: bool = data.draw(st.sampled_from((False, False, False, True)))
        wanted = list(self.units) if anything_goes or not fitting else fitting
        key: UUID = data.draw(st.sampled_from(wanted))
        return key, self.units[key]

    def moved(self, unit: Believed, place: str, state: UnitState | None = None) -> None:
        unit.place, unit.movement_count = place, unit.movement_count + 1
        unit.state = state or unit.state

    @rule(how_many=st.integers(1, 3))
    def receive(self, how_many: int) -> None:
        with self.story.begin() as uow:
            for unit in receive(uow, self.model, how_many):
                self.units[unit.id] = Believed(unit.tag, UnitState.RECEIVED, "RECEIVING")

    @precondition(lambda self: self.units)
    @rule(data=st.data(), shelf=st.sampled_from(SHELVES))
    def shelve(self, data: st.DataObject, shelf: str) -> None:
        key, unit = self.some(data, UnitState.RECEIVED)
        possible = unit.state is UnitState.RECEIVED
        with self.attempt(is_possible=possible) as uow:
            shelve_unit(uow, key, to=self.places[shelf])
        if possible:
            self.moved(unit, shelf, UnitState.AVAILABLE)

    @precondition(lambda self: self.units)
    @rule(data=st.data(), to=st.sampled_from((*SHELVES, *VANS, "SCRAP", "RECEIVING")))
    def transfer(self, data: st.DataObject, to: str) -> None:
        key, unit = self.some(data, UnitState.AVAILABLE, UnitState.RESERVED, UnitState.IN_TRANSIT)
        on_shelf = unit.state in (UnitState.AVAILABLE, UnitState.RESERVED) and to in SHELVES
        on_van = unit.state is UnitState.IN_TRANSIT and to in VANS
        possible = (on_shelf or on_van) and to != unit.place
        with self.attempt(is_possible=possible) as uow:
            transfer_unit(uow, key, to=self.places[to])
        if possible:
            self.moved(unit, to)

    @rule()
    def promise(self) -> None:
        """A contract for one machine holds the one longest in the house, or is refused."""
        free = [key for key, unit in self.units.items() if unit.state is UnitState.AVAILABLE]
        with self.attempt(is_possible=bool(free)) as uow:
            contract = draft_contract(uow, self.customer.id, self.account.id, months=12, wanted_on=uow.today)
            add_line(
                uow,
                contract.id,
                rate_plan_version_id=self.plan.id,
                site_id=self.site.id,
                quantity=1,
            )
            uow.session.expire_all()
            activate_contract(uow, contract.id, uow.today)
            (slot,) = slots_awaiting_install(uow.session, contract.id)
            (order,) = open_installation_orders(uow, contract.id)
            send_out(uow, order, self.technician)
        if free:
            self.orders[order.id] = slot.id
            oldest = self.units[min(free)]
            oldest.state, oldest.held_for = UnitState.RESERVED, slot.id

    @precondition(lambda self: self.units)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        key, unit = self.some(data, UnitState.RESERVED)
        with self.attempt(is_possible=unit.held_for is not None) as uow:
            held = select(Reservation.id).where(
                Reservation.unit_id == key, Reservation.state == ReservationState.HELD
            )
            release_reservation(uow, uow.session.scalar(held) or new_id(), reason="no longer wanted")
        unit.held_for = None
        if unit.state is UnitState.RESERVED:
            unit.state = UnitState.AVAILABLE

    @precondition(lambda self: self.units)
    @rule(data=st.data(), van=st.sampled_from(VANS))
    def load(self, data: st.DataObject, van: str) -> None:
        key, unit = self.some(data, UnitState.RESERVED)
        possible = unit.state is UnitState.RESERVED
        with self.attempt(is_possible=possible) as uow:
            load_unit(uow, key, to=self.places[van])
        if possible:
            self.moved(unit, van, UnitState.IN_TRANSIT)

    @precondition(lambda self: self.units)
    @rule(data=st.data(), shelf=st.sampled_from(SHELVES))
    def unload(self, data: st.DataObject, shelf: str) -> None:
        key, unit = self.some(data, UnitState.IN_TRANSIT)
        possible = unit.state is UnitState.IN_TRANSIT
        with self.attempt(is_possible=possible) as uow:
            unload_unit(uow, key, to=self.places[shelf])
        if possible:
            self.moved(unit, shelf, UnitState.RESERVED if unit.held_for else UnitState.AVAILABLE)

    @precondition(lambda self: self.units)
    @rule(data=st.data())
    def retire(self, data: st.DataObject) -> None:
        key, unit = self.some(data)
        possible = unit.state is UnitState.AVAILABLE
        with self.attempt(is_possible=possible) as uow:
            retire_unit(uow, key, reason="dropped")
        if possible:
            self.moved(unit, "SCRAP", UnitState.RETIRED)

    @precondition(lambda self: self.units and self.orders)
    @rule(data=st.data())
    def install(self, data: st.DataObject) -> None:
        """A technician scans a unit on site and completes the job; any unit that is not another's will do."""
        order_id = data.draw(st.sampled_from(list(self.orders)))
        _key, unit = self.some(data, UnitState.RESERVED, UnitState.IN_TRANSIT, UnitState.AVAILABLE)
        slot_id = self.orders[order_id]
        carried = (UnitState.AVAILABLE, UnitState.RESERVED, UnitState.IN_TRANSIT)
        possible = unit.state in carried and unit.held_for in (None, slot_id)
        with self.attempt(is_possible=possible) as uow:
            order = uow.session.get_one(WorkOrder, order_id)
            assert order.visit_id
            arrive(uow, order.visit_id, at=uow.now)
            scan_for_order(uow, order_id, unit.tag, at=uow.now)
            complete_installation(uow, order_id, self.technician, at=uow.now, op_id=new_id())
        if possible:
            self.fill(slot_id, unit)
            del self.orders[order_id]

    def fill(self, slot_id: UUID, unit: Believed) -> None:
        for other in self.units.values():
            if other.held_for == slot_id and other is not unit:
                other.held_for = None
                if other.state is UnitState.RESERVED:
                    other.state = UnitState.AVAILABLE
        if unit.state is not UnitState.IN_TRANSIT:
            self.moved(unit, "van", UnitState.IN_TRANSIT)
        self.moved(unit, f"SITE-{self.site.number}", UnitState.INSTALLED)
        unit.held_for = None

    @invariant()
    def both_agree(self) -> None:
        if not self.units:
            return
        with self.story.reading() as session:
            held = select(Reservation.unit_id, Reservation.slot_id).where(
                Reservation.state == ReservationState.HELD
            )
            slots = dict(session.execute(held).all())
            rows = session.scalars(select(Unit)).all()
            found = {
                unit.id: Believed(
                    unit.tag, unit.state, unit.location.code, unit.movement_count, slots.get(unit.id)
                )
                for unit in rows
            }
        assert found == self.units

    @invariant()
    def the_books_are_clean(self) -> None:
        if not self.units:
            return
        with self.story.reading() as session:
            for check in STOCK_CHECKS:
                if check.code in WATCHED:
                    assert check.ask(session, self.story.clock.now()) == [], check.code


@pytest.mark.slow
def test_units_do_what_a_dictionary_would(is_nightly: bool) -> None:
    """On SQLite; nightly longer."""
    with migrated("sqlite") as (app, database):
        machine = type("OneStock", (Stock,), {"app": app, "database": database})
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=150 if is_nightly else 10,
                stateful_step_count=60 if is_nightly else 25,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
