"""Things in every state of their life, and everything somebody can do to them, all through the use cases."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from rental.contracts.activation import activate_contract
from rental.contracts.drafting import add_line, cancel_draft, change_draft, remove_line
from rental.contracts.models import Contract, Slot
from rental.contracts.placements import end_slot, start_slot
from rental.contracts.rules import CONTRACT_STATES, SLOT_STATES, ContractState, RenewalPolicy, SlotState
from rental.core.db import Base
from rental.core.ids import new_id
from rental.core.states import States
from rental.core.uow import UnitOfWork
from rental.customers.models import Site
from rental.fieldwork.installing import (
    block_work_order,
    complete_installation,
    scan_for_order,
    undo_scan,
)
from rental.fieldwork.models import Visit, WorkOrder, WorkOrderItem
from rental.fieldwork.rules import (
    ITEM_STATES,
    VISIT_STATES,
    WORK_ORDER_STATES,
    BlockReason,
    ItemState,
    VisitState,
    WorkOrderState,
)
from rental.fieldwork.visits import (
    arrive,
    call_off_visit,
    cancel_work_order,
    depart,
    plan_visit,
    publish_visit,
)
from rental.fieldwork.work_orders import make_ready, open_installation_orders
from rental.identity.models import Account
from rental.inventory.labelling import replace_unit_code
from rental.inventory.models import LabelCode, Movement, Reservation, StockLocation, Unit
from rental.inventory.movements import (
    load_unit,
    move_unit,
    retire_unit,
    shelve_unit,
    transfer_unit,
    unload_unit,
)
from rental.inventory.reservations import hold_this_unit, release_reservation, use_reservation
from rental.inventory.rules.holding import RESERVATION_STATES, ReservationState
from rental.inventory.rules.label_lives import LABEL_CODE_STATES, LabelCodeState
from rental.inventory.rules.unit_states import CUSTODY, UNIT_STATES, LocationKind, MovementKind, UnitState
from rental.inventory.stock_locations import add_stock_location, location_of_site
from tests.factories.rented import (
    make_active_contract,
    make_customer,
    make_draft,
    make_model,
    make_order,
    make_site,
    receive,
    stock,
)

NOBODY = UUID(int=0)
TECHNICIAN = "technician@example.jp"  # there is one such person in the story


@dataclass(frozen=True)
class Act:
    """Something somebody can do to a thing, and the state it leads to from each state where it is possible.

    `do` is tried in all other states too, and must be refused there.
    """

    name: str
    do: Callable[[UnitOfWork, Any], object]
    leads: Mapping[Any, Any]


@dataclass(frozen=True)
class Life:
    """A table of states, with a thing in each of them and every act upon it."""

    table: States[Any]
    kind: type[Base]
    things: Mapping[Any, Callable[[UnitOfWork], Base]]
    acts: tuple[Act, ...]


def technician(uow: UnitOfWork) -> UUID:
    return uow.session.scalars(select(Account.id).where(Account.normalised_email == TECHNICIAN)).one()


def another(uow: UnitOfWork, kind: LocationKind) -> UUID:
    """A place of this kind where nothing is yet."""
    if kind is LocationKind.SITE:
        return location_of_site(uow, make_site(uow, make_customer(uow)[0]).id).id
    if kind is LocationKind.SUPPLIER:
        return uow.session.scalars(select(StockLocation.id).where(StockLocation.kind == kind)).one()
    owner = technician(uow) if kind is LocationKind.VAN else None
    code = f"{kind}-{new_id().hex[-8:]}"
    return add_stock_location(uow, code=code, name=code, kind=kind, technician_id=owner).id


# units


def received(uow: UnitOfWork) -> Unit:
    return receive(uow, make_model(uow))[0]


def available(uow: UnitOfWork) -> Unit:
    return stock(uow, make_model(uow))[0]


def reserved(uow: UnitOfWork) -> Unit:
    make_active_contract(uow)
    return uow.session.scalars(select(Unit)).one()


def in_transit(uow: UnitOfWork) -> Unit:
    unit = reserved(uow)
    load_unit(uow, unit.id, to=another(uow, LocationKind.VAN))
    return unit


def installed(uow: UnitOfWork) -> Unit:
    done(uow)
    return uow.session.scalars(select(Unit)).one()


def retired(uow: UnitOfWork) -> Unit:
    unit = available(uow)
    retire_unit(uow, unit.id, reason="dropped")
    return unit


def release(uow: UnitOfWork, unit: Unit) -> None:
    held = select(Reservation.id).where(
        Reservation.unit_id == unit.id, Reservation.state == ReservationState.HELD
    )
    release_reservation(uow, uow.session.scalar(held) or NOBODY, reason="no longer wanted")


def release_and_unload(uow: UnitOfWork, unit: Unit) -> None:
    release(uow, unit)
    unload_unit(uow, unit.id, to=another(uow, LocationKind.BIN))


def install(uow: UnitOfWork, unit: Unit) -> None:
    move_unit(
        uow,
        unit.id,
        to=another(uow, LocationKind.SITE),
        kind=MovementKind.INSTALLATION,
        state=UnitState.INSTALLED,
    )


def transfer(uow: UnitOfWork, unit: Unit) -> None:
    (kind,) = CUSTODY[unit.state]
    transfer_unit(uow, unit.id, to=another(uow, kind))


_STAYS = (UnitState.RECEIVED, UnitState.AVAILABLE, UnitState.RESERVED, UnitState.IN_TRANSIT)
UNITS = Life(
    UNIT_STATES,
    Unit,
    {
        UnitState.RECEIVED: received,
        UnitState.AVAILABLE: available,
        UnitState.RESERVED: reserved,
        UnitState.IN_TRANSIT: in_transit,
        UnitState.INSTALLED: installed,
        UnitState.RETIRED: retired,
    },
    (
        Act(
            "shelve",
            lambda uow, unit: shelve_unit(uow, unit.id, to=another(uow, LocationKind.BIN)),
            {UnitState.RECEIVED: UnitState.AVAILABLE},
        ),
        Act(
            "hold",
            lambda uow, unit: hold_this_unit(uow, new_id(), unit.id, exchangeable=()),
            {UnitState.AVAILABLE: UnitState.RESERVED},
        ),
        Act(
            "release",
            release,
            {UnitState.RESERVED: UnitState.AVAILABLE, UnitState.IN_TRANSIT: UnitState.IN_TRANSIT},
        ),
        Act(
            "load",
            lambda uow, unit: load_unit(uow, unit.id, to=another(uow, LocationKind.VAN)),
            {UnitState.RESERVED: UnitState.IN_TRANSIT},
        ),
        Act(
            "unload",
            lambda uow, unit: unload_unit(uow, unit.id, to=another(uow, LocationKind.BIN)),
            {UnitState.IN_TRANSIT: UnitState.RESERVED},
        ),
        Act("release and unload", release_and_unload, {UnitState.IN_TRANSIT: UnitState.AVAILABLE}),
        Act("install", install, {UnitState.IN_TRANSIT: UnitState.INSTALLED}),
        Act(
            "retire",
            lambda uow, unit: retire_unit(uow, unit.id, reason="dropped"),
            {UnitState.AVAILABLE: UnitState.RETIRED},
        ),
        Act("transfer", transfer, {state: state for state in _STAYS}),
    ),
)


# reservations and labels


def held(uow: UnitOfWork) -> Reservation:
    make_active_contract(uow)
    return uow.session.scalars(select(Reservation)).one()


def used(uow: UnitOfWork) -> Reservation:
    done(uow)
    return uow.session.scalars(select(Reservation)).one()


def released(uow: UnitOfWork) -> Reservation:
    reservation = held(uow)
    release_reservation(uow, reservation.id, reason="no longer wanted")
    return reservation


RESERVATIONS = Life(
    RESERVATION_STATES,
    Reservation,
    {ReservationState.HELD: held, ReservationState.USED: used, ReservationState.RELEASED: released},
    (
        Act(
            "release",
            lambda uow, reservation: release_reservation(uow, reservation.id, reason="no longer wanted"),
            {ReservationState.HELD: ReservationState.RELEASED},
        ),
        Act("use", use_reservation, {ReservationState.HELD: ReservationState.USED}),
    ),
)


def active_label(uow: UnitOfWork) -> LabelCode:
    available(uow)
    return uow.session.scalars(select(LabelCode)).one()


def revoked_label(uow: UnitOfWork) -> LabelCode:
    label = active_label(uow)
    replace_label(uow, label)
    return label


def replace_label(uow: UnitOfWork, label: LabelCode) -> None:
    assert label.unit_id
    replace_unit_code(uow, label.unit_id, reason="scratched")


LABELS = Life(
    LABEL_CODE_STATES,
    LabelCode,
    {LabelCodeState.ACTIVE: active_label, LabelCodeState.REVOKED: revoked_label},
    (
        Act(
            "replace",
            replace_label,
            {
                LabelCodeState.ACTIVE: LabelCodeState.REVOKED,
                LabelCodeState.REVOKED: LabelCodeState.REVOKED,  # its successor is
            },
        ),
    ),
)


# contracts and slots


def cancelled_draft(uow: UnitOfWork) -> Contract:
    contract = make_draft(uow)
    cancel_draft(uow, contract.id, reason="too dear")
    return contract


def write_anew(uow: UnitOfWork, contract: Contract) -> None:
    change_draft(
        uow,
        contract.id,
        version=contract.version,
        months=36,
        wanted_on=contract.wanted_on,
        renewal=RenewalPolicy.EXPIRE,
        notice_days=30,
        note="",
    )


def agree_on_more(uow: UnitOfWork, contract: Contract) -> None:
    site = select(Site.id).where(Site.customer_id == contract.customer_id)
    add_line(
        uow,
        contract.id,
        rate_plan_version_id=contract.lines[0].rate_plan_version_id,
        site_id=uow.session.scalars(site).one(),
        quantity=2,
    )


_DRAFT_STAYS = {ContractState.DRAFT: ContractState.DRAFT}
CONTRACTS = Life(
    CONTRACT_STATES,
    Contract,
    {
        ContractState.DRAFT: make_draft,
        ContractState.ACTIVE: make_active_contract,
        ContractState.CANCELLED: cancelled_draft,
    },
    (
        Act(
            "activate",
            lambda uow, contract: activate_contract(uow, contract.id, uow.today),
            {ContractState.DRAFT: ContractState.ACTIVE},
        ),
        Act(
            "cancel",
            lambda uow, contract: cancel_draft(uow, contract.id, reason="too dear"),
            {ContractState.DRAFT: ContractState.CANCELLED},
        ),
        Act("change", write_anew, _DRAFT_STAYS),
        Act("add a line", agree_on_more, _DRAFT_STAYS),
        Act(
            "remove a line",
            lambda uow, contract: remove_line(uow, contract.id, contract.lines[0].id),
            _DRAFT_STAYS,
        ),
    ),
)


def planned_slot(uow: UnitOfWork) -> Slot:
    return make_draft(uow).lines[0].slots[0]


def awaiting_slot(uow: UnitOfWork) -> Slot:
    return make_active_contract(uow).lines[0].slots[0]


def slot_in_service(uow: UnitOfWork) -> Slot:
    done(uow)
    return uow.session.scalars(select(Slot)).one()


def fill_slot(uow: UnitOfWork, slot: Slot) -> None:
    unit = uow.session.scalars(select(Unit)).one()
    movement = uow.session.scalars(select(Movement).order_by(Movement.seq.desc()).limit(1)).one()
    start_slot(
        uow,
        slot.id,
        unit_id=unit.id,
        movement=movement,
        installed_at=uow.now,
        installed_on=uow.today,
        source="work_order",
        source_id=new_id(),
    )


def closed_slot(uow: UnitOfWork) -> Slot:
    slot = slot_in_service(uow)
    bring_back(uow, slot)
    return slot


def bring_back(uow: UnitOfWork, slot: Slot) -> None:
    end_slot(uow, slot.id, retrieved_on=uow.today, source="work_order", source_id=new_id())


SLOTS = Life(
    SLOT_STATES,
    Slot,
    {
        SlotState.PLANNED: planned_slot,
        SlotState.AWAITING_INSTALL: awaiting_slot,
        SlotState.IN_SERVICE: slot_in_service,
        SlotState.CLOSED: closed_slot,
    },
    (
        Act(
            "activate",
            lambda uow, slot: activate_contract(uow, slot.line.contract_id, uow.today),
            {SlotState.PLANNED: SlotState.AWAITING_INSTALL},
        ),
        Act("fill", fill_slot, {SlotState.AWAITING_INSTALL: SlotState.IN_SERVICE}),
        Act("bring back", bring_back, {SlotState.IN_SERVICE: SlotState.CLOSED}),
    ),
)


# work orders, their items, and visits


def draft_order(uow: UnitOfWork) -> WorkOrder:
    """Of a site that was not found on the map at first."""
    contract = make_active_contract(uow)
    site = contract.lines[0].slots[0].site
    there = (site.latitude, site.longitude, site.position_source)
    site.latitude = site.longitude = site.position_source = None
    (order,) = open_installation_orders(uow, contract.id)
    site.latitude, site.longitude, site.position_source = there
    return order


def planned(uow: UnitOfWork) -> WorkOrder:
    order = make_order(uow)
    plan(uow, order)
    return order


def dispatched(uow: UnitOfWork) -> WorkOrder:
    order = planned(uow)
    publish_visit(uow, visit_of(order))
    return order


def en_route(uow: UnitOfWork) -> WorkOrder:
    order = dispatched(uow)
    depart(uow, visit_of(order), at=uow.now)
    return order


def on_site(uow: UnitOfWork) -> WorkOrder:
    order = dispatched(uow)
    arrive(uow, visit_of(order), at=uow.now)
    return order


def scanned(uow: UnitOfWork) -> WorkOrder:
    order = on_site(uow)
    scan(uow, order)
    return order


def done(uow: UnitOfWork) -> WorkOrder:
    order = scanned(uow)
    complete(uow, order)
    return order


def blocked(uow: UnitOfWork) -> WorkOrder:
    order = on_site(uow)
    block(uow, order)
    return order


def cancelled(uow: UnitOfWork) -> WorkOrder:
    order = make_order(uow)
    cancel(uow, order)
    return order


def visit_of(order: WorkOrder) -> UUID:
    return order.visit_id or NOBODY


def plan(uow: UnitOfWork, order: WorkOrder) -> None:
    plan_visit(uow, [order.id], technician_id=technician(uow), planned_on=uow.today)


def scan(uow: UnitOfWork, order: WorkOrder) -> None:
    scan_for_order(uow, order.id, uow.session.scalars(select(Unit.tag)).one(), at=uow.now)


def complete(uow: UnitOfWork, order: WorkOrder) -> None:
    complete_installation(uow, order.id, technician(uow), at=uow.now, op_id=new_id())


def scan_and_complete(uow: UnitOfWork, order: WorkOrder) -> None:
    scan(uow, order)
    complete(uow, order)


def block(uow: UnitOfWork, order: WorkOrder) -> None:
    block_work_order(uow, order.id, reason=BlockReason.ABSENT, note="", at=uow.now)


def cancel(uow: UnitOfWork, order: WorkOrder) -> None:
    cancel_work_order(uow, order.id, reason="not wanted any more")


_OPEN = tuple(state for state in WorkOrderState if WORK_ORDER_STATES.allows(state, WorkOrderState.CANCELLED))
WORK_ORDERS = Life(
    WORK_ORDER_STATES,
    WorkOrder,
    {
        WorkOrderState.DRAFT: draft_order,
        WorkOrderState.READY: make_order,
        WorkOrderState.PLANNED: planned,
        WorkOrderState.DISPATCHED: dispatched,
        WorkOrderState.EN_ROUTE: en_route,
        WorkOrderState.ON_SITE: on_site,
        WorkOrderState.BLOCKED: blocked,
        WorkOrderState.DONE: done,
        WorkOrderState.CANCELLED: cancelled,
    },
    (
        Act(
            "make ready",
            lambda uow, order: make_ready(uow, order.id),
            {WorkOrderState.DRAFT: WorkOrderState.READY},
        ),
        Act("plan", plan, {WorkOrderState.READY: WorkOrderState.PLANNED}),
        Act(
            "publish",
            lambda uow, order: publish_visit(uow, visit_of(order)),
            {WorkOrderState.PLANNED: WorkOrderState.DISPATCHED},
        ),
        Act(
            "call off",
            lambda uow, order: call_off_visit(uow, visit_of(order)),
            {
                WorkOrderState.PLANNED: WorkOrderState.READY,
                WorkOrderState.DISPATCHED: WorkOrderState.READY,
            },
        ),
        Act(
            "depart",
            lambda uow, order: depart(uow, visit_of(order), at=uow.now),
            {WorkOrderState.DISPATCHED: WorkOrderState.EN_ROUTE},
        ),
        Act(
            "arrive",
            lambda uow, order: arrive(uow, visit_of(order), at=uow.now),
            {
                WorkOrderState.DISPATCHED: WorkOrderState.ON_SITE,
                WorkOrderState.EN_ROUTE: WorkOrderState.ON_SITE,
            },
        ),
        Act("scan and complete", scan_and_complete, {WorkOrderState.ON_SITE: WorkOrderState.DONE}),
        Act("block", block, {WorkOrderState.ON_SITE: WorkOrderState.BLOCKED}),
        Act("cancel", cancel, dict.fromkeys(_OPEN, WorkOrderState.CANCELLED)),
    ),
)


def item_of(uow: UnitOfWork, order: WorkOrder) -> WorkOrderItem:
    return uow.session.scalars(select(WorkOrderItem).where(WorkOrderItem.work_order_id == order.id)).one()


def on_order(do: Callable[[UnitOfWork, WorkOrder], object]) -> Callable[[UnitOfWork, Any], object]:
    """What is done to the order of an item."""
    return lambda uow, item: do(uow, item.work_order)


ITEMS = Life(
    ITEM_STATES,
    WorkOrderItem,
    {
        ItemState.OPEN: lambda uow: item_of(uow, on_site(uow)),
        ItemState.SCANNED: lambda uow: item_of(uow, scanned(uow)),
        ItemState.INSTALLED: lambda uow: item_of(uow, done(uow)),
        ItemState.LEFT: lambda uow: item_of(uow, blocked(uow)),
    },
    (
        Act(
            "scan",
            on_order(scan),
            {ItemState.OPEN: ItemState.SCANNED, ItemState.SCANNED: ItemState.SCANNED},
        ),
        Act(
            "undo",
            lambda uow, item: undo_scan(uow, item.work_order_id, item.id),
            {ItemState.SCANNED: ItemState.OPEN},
        ),
        Act("complete", on_order(complete), {ItemState.SCANNED: ItemState.INSTALLED}),
        Act("block", on_order(block), {ItemState.OPEN: ItemState.LEFT, ItemState.SCANNED: ItemState.LEFT}),
        Act("cancel", on_order(cancel), {ItemState.OPEN: ItemState.LEFT, ItemState.SCANNED: ItemState.LEFT}),
    ),
)


def visit(at: Callable[[UnitOfWork], WorkOrder]) -> Callable[[UnitOfWork], Visit]:
    """The visit of an order that is so far."""
    return lambda uow: uow.session.get_one(Visit, visit_of(at(uow)))


def called_off(uow: UnitOfWork) -> WorkOrder:
    order = dispatched(uow)
    cancel(uow, order)
    return order


def its_order(do: Callable[[UnitOfWork, WorkOrder], object]) -> Callable[[UnitOfWork, Any], object]:
    """What is done to the order of a visit."""
    return lambda uow, row: do(
        uow, uow.session.scalars(select(WorkOrder).where(WorkOrder.visit_id == row.id)).one()
    )


VISITS = Life(
    VISIT_STATES,
    Visit,
    {
        VisitState.PLANNED: visit(planned),
        VisitState.PUBLISHED: visit(dispatched),
        VisitState.EN_ROUTE: visit(en_route),
        VisitState.ON_SITE: visit(on_site),
        VisitState.LEFT: visit(done),
        VisitState.CANCELLED: visit(called_off),
    },
    (
        Act(
            "publish",
            lambda uow, row: publish_visit(uow, row.id),
            {VisitState.PLANNED: VisitState.PUBLISHED},
        ),
        Act(
            "call off",
            lambda uow, row: call_off_visit(uow, row.id),
            {VisitState.PLANNED: VisitState.CANCELLED, VisitState.PUBLISHED: VisitState.CANCELLED},
        ),
        Act(
            "depart",
            lambda uow, row: depart(uow, row.id, at=uow.now),
            {VisitState.PUBLISHED: VisitState.EN_ROUTE},
        ),
        Act(
            "arrive",
            lambda uow, row: arrive(uow, row.id, at=uow.now),
            {VisitState.PUBLISHED: VisitState.ON_SITE, VisitState.EN_ROUTE: VisitState.ON_SITE},
        ),
        Act("scan and complete", its_order(scan_and_complete), {VisitState.ON_SITE: VisitState.LEFT}),
        Act("block the job", its_order(block), {VisitState.ON_SITE: VisitState.LEFT}),
        Act(
            "cancel the job",
            its_order(cancel),
            {
                VisitState.PLANNED: VisitState.CANCELLED,
                VisitState.PUBLISHED: VisitState.CANCELLED,
                VisitState.EN_ROUTE: VisitState.CANCELLED,
                VisitState.ON_SITE: VisitState.LEFT,
            },
        ),
    ),
)

LIVES = {
    "unit": UNITS,
    "reservation": RESERVATIONS,
    "label_code": LABELS,
    "contract": CONTRACTS,
    "slot": SLOTS,
    "work_order": WORK_ORDERS,
    "item": ITEMS,
    "visit": VISITS,
}
