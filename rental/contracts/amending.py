"""Writing down what was agreed anew about a contract in force. Whoever calls holds the contract."""

from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm.attributes import flag_modified

from rental.catalog.models import EquipmentModel
from rental.catalog.rules import AnchorKind
from rental.contracts.agreeing import terms_of_line
from rental.contracts.drafting import write_line
from rental.contracts.events import LineAdded
from rental.contracts.models import Contract, Line, LineAnchor, Slot
from rental.contracts.rules import SLOT_STATES, LineEventKind, SlotState
from rental.core.db import found
from rental.core.money import Money
from rental.core.uow import UnitOfWork, locked
from rental.inventory.reservations import reserve_units


def add_line_in_force(
    uow: UnitOfWork,
    contract_id: UUID,
    *,
    rate_plan_version_id: UUID,
    site_id: UUID,
    quantity: int,
    monthly_fee: Money | None = None,
) -> Line:
    """More machines for a contract in force: they are held, and fieldwork hears about it.

    Rent begins with their installation and ends with the contract. Raises NotEnoughStock, ForeignSite,
    PlanNotOffered, QuantityOutOfRange; then nothing has changed.
    """
    contract = locked(uow, Contract, contract_id)
    line = write_line(
        uow,
        contract,
        rate_plan_version_id=rate_plan_version_id,
        site_id=site_id,
        quantity=quantity,
        monthly_fee=monthly_fee,
    )
    model = found(uow.session, EquipmentModel, line.equipment_model_id)
    reserve_units(uow, model, [slot.id for slot in line.slots])
    for slot in line.slots:
        SLOT_STATES.check(slot.state, SlotState.AWAITING_INSTALL)
        slot.state = SlotState.AWAITING_INSTALL
    uow.session.flush()
    uow.announce(LineAdded(contract.id, line.id))
    return line


def record_anchor(
    uow: UnitOfWork,
    line_id: UUID,
    kind: AnchorKind,
    *,
    since: date,
    anchored_on: date,
    restarts: bool,
    reason: str,
) -> LineAnchor:
    """From this day the time of the line is cut in another way. The database refuses two on one day."""
    terms_of_line(uow, line_id)
    anchor = LineAnchor(
        contract_line_id=line_id,
        since=since,
        kind=kind,
        anchored_on=anchored_on,
        restarts=restarts,
        reason=reason,
        recorded_at=uow.now,
    )
    uow.session.add(anchor)
    uow.session.flush()
    return anchor


def put_slot_right(uow: UnitOfWork, slot_id: UUID, kind: LineEventKind, day: date) -> None:
    """The slot says the same as the event that put another right."""
    slot = locked(uow, Slot, slot_id)
    if kind is LineEventKind.START:
        slot.started_on = day
    elif kind is LineEventKind.STOP and slot.ended_on is not None:
        slot.ended_on = day
    uow.session.flush()


def mark_amended(uow: UnitOfWork, contract_id: UUID) -> Contract:
    """Something was agreed anew: whoever looked at the contract before looks again first."""
    contract = locked(uow, Contract, contract_id)
    flag_modified(contract, "note")  # the version rises with amendments as well, in rows of their own
    uow.session.flush()
    return contract


def put_ends_right(uow: UnitOfWork, line_id: UUID, was: date, day: date) -> None:
    """The slots whose rent ended with the line on one day ended on another."""
    ended = select(Slot.id).where(Slot.contract_line_id == line_id, Slot.ended_on == was).order_by(Slot.id)
    for slot_id in uow.session.scalars(ended).all():
        put_slot_right(uow, slot_id, LineEventKind.STOP, day)


def end_contract(uow: UnitOfWork, contract_id: UUID, *, ends_on: date) -> Contract:
    """Notice was given: this is the first day after the contract."""
    contract = locked(uow, Contract, contract_id)
    contract.ends_on = ends_on
    uow.session.flush()
    return contract
