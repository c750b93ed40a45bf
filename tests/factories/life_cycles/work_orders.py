"""Work orders, their items, and the visits on which they are done."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import select

from rental.core.ids import new_id
from rental.core.uow import UnitOfWork
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
from rental.inventory.models import Unit
from tests.factories.life_cycles.life import NOBODY, Act, Life, technician
from tests.factories.rented import (
    make_active_contract,
    make_order,
)


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
