"""Turning a draft into a promise: checked first, then stock is held and the field hears of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from rental.catalog.models import EquipmentModel
from rental.contracts import rules
from rental.contracts.drafting import step_contract
from rental.contracts.events import ContractActivated
from rental.contracts.models import Contract, Line
from rental.contracts.rules import SLOT_STATES, AgreedLine, ContractState, SlotState, months_after
from rental.core.db import found
from rental.core.errors import DomainError
from rental.core.uow import UnitOfWork, locked
from rental.inventory.queries import stock_of_models
from rental.inventory.reservations import NotEnoughStock, reserve_units

EARLIEST = timedelta(days=92)


@dataclass(frozen=True, slots=True)
class Need:
    """How many units of a model a contract needs, and how many are free."""

    equipment_model: EquipmentModel
    needed: int
    free: int

    @property
    def is_covered(self) -> bool:
        return self.free >= self.needed


@dataclass(frozen=True, slots=True)
class Readiness:
    """What stands between a draft and its activation; no obstacle is the good answer."""

    needs: Sequence[Need]
    obstacles: Sequence[DomainError]


def check_draft(session: Session, contract_id: UUID) -> Readiness:
    """Everything activation would refuse, all at once. Writes nothing."""
    contract = found(session, Contract, contract_id)
    needed_units = _needed_units(contract)
    stock = stock_of_models(session, [model.id for model, _count in needed_units])
    needs = [Need(model, needed, stock[model.id].free) for model, needed in needed_units]
    obstacles: list[DomainError] = [
        NotEnoughStock(model=need.equipment_model.code, needed=need.needed, free=need.free)
        for need in needs
        if not need.is_covered
    ]
    try:
        _require_billable(contract)
    except DomainError as error:
        obstacles.insert(0, error)
    return Readiness(needs, obstacles)


def activate_contract(uow: UnitOfWork, contract_id: UUID, effective_on: date) -> Contract:
    """Turn a draft into a promise: units are held, fieldwork hears about it.

    Raises NothingAgreed, TermTooShort, TooLongAgo, NotEnoughStock; then nothing has changed.
    """
    contract = locked(uow, Contract, contract_id)
    rules.CONTRACT_STATES.check(contract.state, ContractState.ACTIVE)
    _require_billable(contract)
    if effective_on < uow.today - EARLIEST:
        raise rules.TooLongAgo(earliest=uow.today - EARLIEST)

    for model, _count in _needed_units(contract):
        slots = [
            slot for line in contract.lines if line.equipment_model_id == model.id for slot in line.slots
        ]
        reserve_units(uow, model, [slot.id for slot in slots])
        for slot in slots:
            SLOT_STATES.check(slot.state, SlotState.AWAITING_INSTALL)
            slot.state = SlotState.AWAITING_INSTALL

    contract.effective_on = effective_on
    (term,) = contract.terms
    term.starts_on, term.ends_on = effective_on, months_after(effective_on, term.months)
    step_contract(uow, contract, contract.state, ContractState.ACTIVE)
    uow.announce(ContractActivated(contract.id, effective_on))
    return contract


def _require_billable(contract: Contract) -> None:
    (term,) = contract.terms
    rules.require_billable([_agreed(line) for line in contract.lines], months=term.months)


def _agreed(line: Line) -> AgreedLine:
    version = line.rate_plan_version
    return AgreedLine(version.rate_plan.code, version.minimum_months, line.quantity)


def _needed_units(contract: Contract) -> list[tuple[EquipmentModel, int]]:
    """By model, in the order of their codes: everybody locks stock in the same order."""
    models = {line.equipment_model_id: line.equipment_model for line in contract.lines}
    return [
        (
            model,
            sum(line.quantity for line in contract.lines if line.equipment_model_id == model.id),
        )
        for model in sorted(models.values(), key=lambda model: model.code)
    ]
