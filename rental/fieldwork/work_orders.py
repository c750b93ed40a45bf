"""Opening jobs, and their steps at the office: ready, planned, sent out, called off."""

from collections.abc import Sequence
from datetime import date, datetime
from itertools import groupby
from uuid import UUID

from sqlalchemy import select

from rental.contracts.models import Contract, Slot
from rental.contracts.queries import slots_awaiting_install
from rental.core.db import found
from rental.core.errors import Conflict
from rental.core.ids import new_id
from rental.core.numbering import next_number
from rental.core.states import IllegalStep
from rental.core.text import tidy
from rental.core.uow import UnitOfWork, locked
from rental.customers.models import Site
from rental.fieldwork.models import WorkOrder, WorkOrderItem, WorkOrderStep
from rental.fieldwork.rules import (
    OVER,
    WORK_ORDER_STATES,
    ItemState,
    WorkOrderKind,
    WorkOrderState,
)


class SiteNotOnMap(Conflict):
    """A site without a position cannot be planned."""

    code = "fieldwork.site_not_on_map"

    def __init__(self, *, site: str) -> None:
        super().__init__(site=site)


def open_installation_orders(uow: UnitOfWork, contract_id: UUID) -> Sequence[WorkOrder]:
    """One job for each site of the contract, for the slots that wait for a machine and have no job yet."""
    contract = locked(uow, Contract, contract_id)
    waiting = slots_awaiting_install(uow.session, contract_id)
    taken = set(
        uow.session.scalars(
            select(WorkOrderItem.slot_id).where(
                WorkOrderItem.slot_id.in_([slot.id for slot in waiting]),
                WorkOrderItem.state.in_((ItemState.OPEN, ItemState.SCANNED)),
            )
        )
    )
    free = sorted((slot for slot in waiting if slot.id not in taken), key=lambda slot: slot.site.number)
    wanted_on = max(contract.wanted_on, contract.effective_on or contract.wanted_on)
    return [
        open_work_order(uow, contract, list(slots), wanted_on=wanted_on)
        for _site, slots in groupby(free, key=lambda slot: slot.site.number)
    ]


def open_work_order(
    uow: UnitOfWork,
    contract: Contract,
    slots: Sequence[Slot],
    *,
    wanted_on: date,
    follows_id: UUID | None = None,
) -> WorkOrder:
    """A job to fill these slots of one site; ready at once when nothing is missing."""
    models = [slot.line.equipment_model for slot in slots]
    order = WorkOrder(
        id=new_id(),
        number=f"W{next_number(uow, 'work_order'):06}",
        kind=WorkOrderKind.INSTALLATION,
        contract_id=contract.id,
        site_id=slots[0].site_id,
        state=WorkOrderState.DRAFT,
        wanted_on=wanted_on,
        minutes=min(1440, sum(model.install_minutes for model in models)),
        follows_id=follows_id,
        opened_at=uow.now,
        items=[
            WorkOrderItem(id=new_id(), position=position, slot_id=slot.id, equipment_model_id=model.id)
            for position, (slot, model) in enumerate(zip(slots, models, strict=True), 1)
        ],
    )
    uow.session.add(order)
    uow.session.flush()
    write_step(uow, order, None, WorkOrderState.DRAFT)
    if found(uow.session, Site, order.site_id).latitude is not None:
        step_order(uow, order, WorkOrderState.READY)
    uow.session.flush()
    return order


def make_ready(uow: UnitOfWork, work_order_id: UUID) -> WorkOrder:
    """A draft whose missing facts are there now can be planned. Raises SiteNotOnMap, IllegalStep."""
    order = locked(uow, WorkOrder, work_order_id)
    if order.state is not WorkOrderState.DRAFT:  # a planned job becomes ready again by calling off its visit
        raise IllegalStep(
            kind=WorkOrderState.__name__, now=order.state.value, wanted=WorkOrderState.READY.value
        )
    site = found(uow.session, Site, order.site_id)
    if site.latitude is None:
        raise SiteNotOnMap(site=site.name)
    step_order(uow, order, WorkOrderState.READY)
    uow.session.flush()
    return order


def open_follow_up(uow: UnitOfWork, order: WorkOrder) -> WorkOrder:
    """A job for the slots that this one left without a machine."""
    contract = locked(uow, Contract, order.contract_id)
    slots = [item.slot for item in order.items if item.state is ItemState.LEFT]
    return open_work_order(uow, contract, slots, wanted_on=uow.today, follows_id=order.id)


def step_order(
    uow: UnitOfWork,
    order: WorkOrder,
    state: WorkOrderState,
    *,
    happened_at: datetime | None = None,
    note: str = "",
) -> None:
    """Takes a locked job one step further and writes the step down. Raises IllegalStep."""
    before = order.state
    WORK_ORDER_STATES.check(before, state)
    order.state = state
    write_step(uow, order, before, state, happened_at=happened_at, note=note)


def write_step(
    uow: UnitOfWork,
    order: WorkOrder,
    before: WorkOrderState | None,
    state: WorkOrderState,
    *,
    happened_at: datetime | None = None,
    note: str = "",
) -> None:
    """The step as the job's history keeps it."""
    uow.session.add(
        WorkOrderStep(
            work_order_id=order.id,
            from_state=before,
            to_state=state,
            happened_at=happened_at or uow.now,
            actor_name=uow.actor.name,
            note=tidy(note)[:500],
        )
    )


def is_over(order: WorkOrder) -> bool:
    """Whether nothing more will happen in this job."""
    return order.state in OVER
