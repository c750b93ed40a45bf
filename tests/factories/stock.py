"""Units, deliveries and places for the pages of the warehouse."""

from rental.catalog.models import EquipmentModel
from rental.contracts.activation import activate_contract
from rental.core.uow import UnitOfWork
from rental.identity.models import Account
from rental.inventory.models import Unit
from rental.inventory.movements import load_unit
from rental.inventory.queries import units_held_for
from rental.inventory.rules.unit_states import LocationKind, UnitState
from rental.inventory.stock_locations import add_stock_location
from tests.factories.rented import make_draft, place, receive, stock

SHELVES = ("A-01-1", "A-01-2")
VAN = "VAN-1"


def fill_the_warehouse(uow: UnitOfWork, model: EquipmentModel, technician: Account) -> dict[str, object]:
    """Two shelves, a van, and a delivery of one unit; the ids by their names in addresses."""
    shelf, _ = (
        add_stock_location(uow, code=code, name=f"Shelf {code}", kind=LocationKind.BIN) for code in SHELVES
    )
    add_stock_location(uow, code=VAN, name="Van", kind=LocationKind.VAN, technician_id=technician.id)
    (unit,) = receive(uow, model)
    return {"unit_id": unit.id, "receipt_id": unit.receipt_id, "location_id": shelf.id}


def unit_that_is(uow: UnitOfWork, state: UnitState, model: EquipmentModel) -> Unit:
    """A new unit, taken this far by what people do."""
    if state is UnitState.RECEIVED:
        return receive(uow, model)[0]
    if state is UnitState.AVAILABLE:
        return stock(uow, model)[0]
    unit = held_unit(uow)
    if state is UnitState.IN_TRANSIT:
        load_unit(uow, unit.id, to=place(uow, LocationKind.VAN).id)
    return unit


def held_unit(uow: UnitOfWork) -> Unit:
    """A unit promised to a contract."""
    contract = activate_contract(uow, make_draft(uow).id, uow.today)
    (slot,) = contract.lines[0].slots
    return units_held_for(uow.session, [slot.id])[slot.id]
