"""On site: scan each machine for its place, then complete: it moves, fills its slot, and rent runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm.attributes import flag_modified

from rental.catalog.models import EquipmentModel
from rental.contracts.placements import start_slot
from rental.core.db import found
from rental.core.errors import Conflict, NotFound
from rental.core.money import Money
from rental.core.numbering import next_number
from rental.core.uow import UnitOfWork, locked
from rental.fieldwork.events import InstallationCompleted
from rental.fieldwork.models import WorkOrder, WorkOrderItem
from rental.fieldwork.rules import (
    ITEM_STATES,
    BlockReason,
    ItemState,
    WorkOrderState,
    require_all_scanned,
)
from rental.fieldwork.visits import end_visit_when_finished
from rental.fieldwork.work_orders import open_follow_up, step_order
from rental.identity.models import Account
from rental.inventory.finding import find_unit
from rental.inventory.models import Reservation, StockLocation, Unit
from rental.inventory.movements import Circumstances, carry_unit, move_unit
from rental.inventory.reservations import (
    hold_this_unit,
    reservation_of_unit,
    reservations_for_slots,
    use_reservation,
)
from rental.inventory.rules.unit_states import LocationKind, MovementKind, UnitState
from rental.inventory.stock_locations import add_stock_location, location_of_site, van_of


class WrongModel(Conflict):
    """The machine is of a model that this job does not ask for, or not any more."""

    code = "fieldwork.wrong_model"
    field = "code"

    def __init__(self, *, tag: str, model: str, wanted: str) -> None:
        super().__init__(tag=tag, model=model, wanted=wanted)


class StandsElsewhere(Conflict):
    """By our books the machine stands at a customer's."""

    code = "fieldwork.stands_elsewhere"
    field = "code"

    def __init__(self, *, tag: str) -> None:
        super().__init__(tag=tag)


class NotFit(Conflict):
    """The machine was not looked at yet, or its life is over."""

    code = "fieldwork.not_fit"
    field = "code"

    def __init__(self, *, tag: str, state: UnitState) -> None:
        super().__init__(tag=tag, state=state)


class NotOnSite(Conflict):
    """Who is not there cannot install anything."""

    code = "fieldwork.not_on_site"


@dataclass(frozen=True, slots=True)
class Scan:
    """A machine that was read; `again` when it was read for this job before."""

    item: WorkOrderItem
    unit: Unit
    again: bool


@dataclass(frozen=True, slots=True)
class RentStart:
    """From which day a slot owes how much a month, as it was agreed."""

    tag: str
    started_on: date
    monthly_fee: Money


def scan_for_order(uow: UnitOfWork, work_order_id: UUID, text: str, *, at: datetime) -> Scan:
    """The machine with this label, number or maker's serial is the one for the next fitting place of the job.

    Raises NotOnSite, UnknownNumber, RevokedCode, NotAUnit, WrongModel, StandsElsewhere, NotFit or
    HeldForAnother.
    """
    order = _on_site(uow, work_order_id)
    wanted = [item.equipment_model_id for item in order.items]
    unit = locked(uow, Unit, find_unit(uow.session, text, preferred_models=wanted).id)
    for item in order.items:
        if item.unit_id == unit.id and item.state is ItemState.SCANNED:
            return Scan(item, unit, again=True)
    open_items = [item for item in order.items if item.state is ItemState.OPEN]
    fitting = [item for item in open_items if item.equipment_model_id == unit.equipment_model_id]
    if not fitting:
        raise WrongModel(
            tag=unit.tag,
            model=_codes(uow, [unit.equipment_model_id]),
            wanted=_codes(uow, [item.equipment_model_id for item in open_items]),
        )
    if unit.state is UnitState.INSTALLED:
        raise StandsElsewhere(tag=unit.tag)
    if unit.state in (UnitState.RECEIVED, UnitState.RETIRED):
        raise NotFit(tag=unit.tag, state=unit.state)

    item = _place_for(uow, fitting, unit)
    hold_this_unit(
        uow, item.slot_id, unit.id, exchangeable={each.slot_id for each in order.items} - {item.slot_id}
    )
    ITEM_STATES.check(item.state, ItemState.SCANNED)
    item.state, item.unit_id, item.scanned_at = ItemState.SCANNED, unit.id, at
    _touch(order)
    uow.session.flush()
    return Scan(item, unit, again=False)


def undo_scan(uow: UnitOfWork, work_order_id: UUID, item_id: UUID) -> None:
    """The machine was read by mistake: its place in the job is open again."""
    order = _on_site(uow, work_order_id)
    item = next((item for item in order.items if item.id == item_id), None)
    if item is None:
        raise NotFound(kind="work_order_item")
    ITEM_STATES.check(item.state, ItemState.OPEN)
    item.state, item.unit_id, item.scanned_at = ItemState.OPEN, None, None
    _touch(order)
    uow.session.flush()


def complete_installation(
    uow: UnitOfWork,
    work_order_id: UUID,
    technician_id: UUID,
    *,
    at: datetime,
    op_id: UUID,
    leaves_rest: bool = False,
    how: Circumstances | None = None,
) -> Sequence[RentStart]:
    """Every scanned machine moves to the site, fills its slot and starts to owe rent, all at once.

    With `leaves_rest` the machines that were not scanned get a job of their own. Raises NotOnSite,
    MachinesMissing or NothingInstalled.
    """
    order = _on_site(uow, work_order_id)
    require_all_scanned([item.state for item in order.items], leaves_rest=leaves_rest)
    site_place = location_of_site(uow, order.site_id)
    van = van_of(uow, technician_id) or _new_van(uow, technician_id)
    how = how or Circumstances(happened_at=at, op_id=op_id, source=order.number)
    held = reservations_for_slots(uow, [item.slot_id for item in order.items])

    starts = []
    for item in order.items:
        if item.state is ItemState.SCANNED:
            reservation = held.get(item.slot_id)
            starts.append(_install(uow, order, item, reservation, van, site_place, at=at, how=how))
        else:
            ITEM_STATES.check(item.state, ItemState.LEFT)
            item.state = ItemState.LEFT
    step_order(uow, order, WorkOrderState.DONE, happened_at=at)
    order.finished_at = at
    uow.session.flush()
    if any(item.state is ItemState.LEFT for item in order.items):
        open_follow_up(uow, order)
    _end_visit(uow, order, at)
    uow.announce(InstallationCompleted(order.id, uow.business_day(at)))
    return starts


def block_work_order(
    uow: UnitOfWork, work_order_id: UUID, *, reason: BlockReason, note: str, at: datetime
) -> WorkOrder:
    """Nothing could be done. Returns the job that takes it up again."""
    order = _on_site(uow, work_order_id)
    for item in order.items:
        ITEM_STATES.check(item.state, ItemState.LEFT)
        item.state = ItemState.LEFT
    order.block_reason = reason
    step_order(uow, order, WorkOrderState.BLOCKED, happened_at=at, note=note)
    order.finished_at = at
    uow.session.flush()
    follow_up = open_follow_up(uow, order)
    _end_visit(uow, order, at)
    return follow_up


def _install(
    uow: UnitOfWork,
    order: WorkOrder,
    item: WorkOrderItem,
    reservation: Reservation | None,
    van: StockLocation,
    site_place: StockLocation,
    *,
    at: datetime,
    how: Circumstances,
) -> RentStart:
    unit = locked(uow, Unit, item.unit_id) if item.unit_id else None
    if unit is None or reservation is None or reservation.unit_id != unit.id:
        raise StandsElsewhere(tag=unit.tag if unit else "?")
    if unit.state is UnitState.RESERVED:  # nobody scanned it onto the van; the scan on site says so as well
        loading = Circumstances(happened_at=how.happened_at, source=order.number, note=how.note)
        carry_unit(uow, unit, van, kind=MovementKind.LOADING, state=UnitState.IN_TRANSIT, how=loading)
    movement = move_unit(
        uow,
        unit.id,
        to=site_place.id,
        kind=MovementKind.INSTALLATION,
        state=UnitState.INSTALLED,
        how=how,
    )
    use_reservation(uow, reservation)
    slot = start_slot(
        uow,
        item.slot_id,
        unit_id=unit.id,
        movement=movement,
        installed_at=at,
        installed_on=uow.business_day(at),
        source="work_order",
        source_id=order.id,
    )
    ITEM_STATES.check(item.state, ItemState.INSTALLED)
    item.state = ItemState.INSTALLED
    return RentStart(unit.tag, slot.started_on or uow.business_day(at), slot.line.monthly_fee)


def _on_site(uow: UnitOfWork, work_order_id: UUID) -> WorkOrder:
    order = locked(uow, WorkOrder, work_order_id)
    if order.state is not WorkOrderState.ON_SITE:
        raise NotOnSite(state=order.state)
    return order


def _place_for(uow: UnitOfWork, fitting: Sequence[WorkOrderItem], unit: Unit) -> WorkOrderItem:
    """The place this very unit is held for, else the first open one for its model."""
    reservation = reservation_of_unit(uow, unit.id)
    its_own = (item for item in fitting if reservation and item.slot_id == reservation.slot_id)
    return next(its_own, fitting[0])


def _new_van(uow: UnitOfWork, technician_id: UUID) -> StockLocation:
    """Whoever installs something carried it there: a technician without a van in our books gets one."""
    name = found(uow.session, Account, technician_id).name
    code = f"VAN-{next_number(uow, 'van'):02}"
    while uow.session.scalar(select(StockLocation.id).where(StockLocation.code == code)):
        code = f"VAN-{next_number(uow, 'van'):02}"  # somebody at the office gave a van this code
    return add_stock_location(
        uow,
        code=code,
        name=name,
        kind=LocationKind.VAN,
        technician_id=technician_id,
    )


def _end_visit(uow: UnitOfWork, order: WorkOrder, at: datetime) -> None:
    if order.visit_id:
        end_visit_when_finished(uow, order.visit_id, at=at)


def _touch(order: WorkOrder) -> None:
    """A change of an item is a change of the job: its revision rises."""
    flag_modified(order, "state")


def _codes(uow: UnitOfWork, model_ids: Sequence[UUID]) -> str:
    codes = uow.session.scalars(
        select(EquipmentModel.code).where(EquipmentModel.id.in_(model_ids)).order_by(EquipmentModel.code)
    )
    return ", ".join(codes)
