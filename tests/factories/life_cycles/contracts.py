"""Contracts, and the slots of their lines."""

from sqlalchemy import select

from rental.contracts.activation import activate_contract
from rental.contracts.drafting import add_line, cancel_draft, change_draft, remove_line
from rental.contracts.models import Contract, Slot
from rental.contracts.placements import end_slot, start_slot
from rental.contracts.rules import CONTRACT_STATES, SLOT_STATES, ContractState, RenewalPolicy, SlotState
from rental.core.ids import new_id
from rental.core.uow import UnitOfWork
from rental.customers.models import Site
from rental.inventory.models import Movement, Unit
from tests.factories.life_cycles.life import Act, Life
from tests.factories.life_cycles.work_orders import done
from tests.factories.rented import (
    make_active_contract,
    make_draft,
)


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
