"""Contracts and work orders in every state, so that each of their addresses leads somewhere."""

from datetime import datetime, timedelta
from uuid import UUID

from rental.contracts.activation import activate_contract
from rental.core.ids import new_id
from rental.core.uow import UnitOfWork
from rental.customers.models import Customer
from rental.customers.rules import PositionSource
from rental.customers.sites import add_site, place_site
from rental.dispatch.technicians import give_day_off
from rental.fieldwork.device_sync import Command, apply_command
from rental.fieldwork.models import WorkOrder
from rental.fieldwork.reporting import add_note, add_photo, keep_photo_bytes
from rental.fieldwork.rules import CommandStatus, CommandType, PhotoKind, WorkOrderState
from rental.fieldwork.visits import cancel_work_order, plan_visit, publish_visit
from rental.fieldwork.work_orders import open_installation_orders
from tests.factories.dispatching import make_draft_plan, make_technician
from tests.factories.rented import make_active_contract, make_draft, make_order, send_out

# A picture by its first bytes, and something else by all others.
PHOTO = b"\x89PNG\r\n\x1a\n" + b"<script>alert(1)</script>"


def write_contracts(uow: UnitOfWork, technician_id: UUID) -> dict[str, object]:
    """A draft with a line, and a job sent out and photographed; the ids by their names in addresses."""
    draft = make_draft(uow)
    order = make_order(uow)
    send_out(uow, order, technician_id)
    photo_id = photographed(uow, order, at=uow.now)
    add_note(uow, order.id, "the door is behind the house", at=uow.now)
    return {
        "contract_id": draft.id,
        "line_id": draft.lines[0].id,
        "work_order_id": order.id,
        "photo_id": photo_id,
        "command_id": told_too_late(uow, technician_id),
    }


def told_too_late(uow: UnitOfWork, technician_id: UUID) -> UUID:
    """A scan for a job that the office cancelled meanwhile; it waits for a decision."""
    order = make_order(uow)
    send_out(uow, order, technician_id)
    cancel_work_order(uow, order.id, reason="shop is closed")
    command = Command(
        id=new_id(),
        device="browser",
        seq=None,
        type=CommandType.SCAN,
        work_order_id=order.id,
        payload={"code": "<script>alert(1)</script>"},
        base=None,
        at=None,
    )
    assert apply_command(uow, technician_id, command).status == CommandStatus.CONFLICT
    return command.id


def plan_a_day(uow: UnitOfWork, technician_id: UUID) -> dict[str, object]:
    """A technician with a day off, and a draft of the next day; the ids by their names in addresses."""
    make_technician(uow, technician_id, skills={"PLUMBING": 1}, weekdays=range(7))
    off_on = uow.today + timedelta(days=30)
    give_day_off(uow, technician_id, off_on, reason="<b>wedding</b>")
    return {"technician_id": technician_id, "off_on": off_on.isoformat(), **new_plan(uow)}


def new_plan(uow: UnitOfWork) -> dict[str, object]:
    """A draft of the next day with one more order than before, and its first stop."""
    make_order(uow)
    plan = make_draft_plan(uow, uow.today + timedelta(days=1))
    return {"route_plan_id": plan.id, "stop_id": plan.stops[0].id}


def plan_with_given_visit(uow: UnitOfWork, technician_id: UUID) -> dict[str, object]:
    """A draft with a visit that was sent out before, and its stop."""
    day = uow.today + timedelta(days=3)
    visit = plan_visit(uow, [make_order(uow).id], technician_id=technician_id, planned_on=day)
    publish_visit(uow, visit.id)
    plan = make_draft_plan(uow, day)
    return {
        "route_plan_id": plan.id,
        "stop_id": next(stop.id for stop in plan.stops if stop.visit_id == visit.id),
    }


def photographed(uow: UnitOfWork, order: WorkOrder, *, at: datetime, content: bytes = PHOTO) -> UUID:
    """A photo of the job."""
    file = keep_photo_bytes(uow, content)
    return add_photo(uow, order.id, file.sha256, PhotoKind.AFTER, at=at).id


def ready_draft(uow: UnitOfWork) -> dict[str, object]:
    """A draft that can be activated, with one line."""
    draft = make_draft(uow)
    return {"ready_draft_id": draft.id, "ready_line_id": draft.lines[0].id}


def unserved_contract(uow: UnitOfWork) -> UUID:
    """An active contract for which no job was opened yet."""
    return make_active_contract(uow).id


def order_that_is(uow: UnitOfWork, state: WorkOrderState, technician_id: UUID) -> UUID:
    """A job that is so far: not ready though its site is known by now, ready, or planned."""
    if state is WorkOrderState.DRAFT:
        return _late_found(uow)
    order = make_order(uow)
    if state is WorkOrderState.PLANNED:
        plan_visit(uow, [order.id], technician_id=technician_id, planned_on=uow.today)
    return order.id


def _late_found(uow: UnitOfWork) -> UUID:
    """A job whose site was found on the map only after it was opened."""
    contract = make_draft(uow)
    customer = uow.session.get_one(Customer, contract.customer_id)
    site = add_site(uow, customer.id, name="裏店", prefecture="東京都", city="港区", street="芝公園1-5")
    for slot in contract.lines[0].slots:
        slot.site_id = site.id
    uow.session.flush()
    uow.session.expire_all()
    activate_contract(uow, contract.id, uow.today)
    (order,) = open_installation_orders(uow, contract.id)
    place_site(uow, site.id, latitude=35.65, longitude=139.75, source=PositionSource.ENTERED)
    return order.id
