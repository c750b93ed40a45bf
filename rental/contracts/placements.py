"""Putting a unit into its slot: the slot goes into service and owes rent from its first billable day."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, select

from rental.catalog.rules import first_billable_day
from rental.contracts.events import SlotStarted
from rental.contracts.models import Contract, Line, LineEvent, Placement, Slot
from rental.contracts.rules import SLOT_STATES, LineEventKind, PlacementReason, SlotState
from rental.core.db import found
from rental.core.uow import UnitOfWork, locked
from rental.inventory.models import Movement


def start_slot(
    uow: UnitOfWork,
    slot_id: UUID,
    *,
    unit_id: UUID,
    movement: Movement,
    installed_at: datetime,
    installed_on: date,
    source: str,
    source_id: UUID,
) -> Slot:
    """The unit fills the slot from this moment on. `source` and `source_id` name what says so."""
    slot = locked(uow, Slot, slot_id)
    SLOT_STATES.check(slot.state, SlotState.IN_SERVICE)
    line = found(uow.session, Line, slot.contract_line_id)

    uow.session.add(
        Placement(
            slot_id=slot.id,
            unit_id=unit_id,
            placed_at=installed_at,
            reason=PlacementReason.INSTALLED,
            install_movement_id=movement.id,
        )
    )
    slot.started_on = rent_runs_from(uow, line, installed_on)
    slot.state = SlotState.IN_SERVICE
    uow.session.add(
        LineEvent(
            contract_line_id=line.id,
            slot_id=slot.id,
            effective_on=slot.started_on,
            seq=_next_seq(uow, line.id, slot.started_on),
            kind=LineEventKind.START,
            source=source,
            source_id=source_id,
            recorded_at=uow.now,
        )
    )
    uow.session.flush()
    uow.announce(SlotStarted(slot.id, slot.started_on))
    return slot


def rent_runs_from(uow: UnitOfWork, line: Line, installed_on: date) -> date:
    """The first billable day of a slot of this line when it is installed on this day."""
    contract = found(uow.session, Contract, line.contract_id)
    return first_billable_day(
        line.start_policy,
        installed_on=installed_on,
        contract_starts_on=contract.effective_on or installed_on,
        trial_days=line.trial_days,
    )


def _next_seq(uow: UnitOfWork, contract_line_id: UUID, day: date) -> int:
    """Slots of one line start one after the other: whoever writes an event holds the line."""
    locked(uow, Line, contract_line_id)
    with uow.session.no_autoflush:  # every event was saved by the step that wrote it
        highest = uow.session.scalar(
            select(func.max(LineEvent.seq)).where(
                LineEvent.contract_line_id == contract_line_id, LineEvent.effective_on == day
            )
        )
    return (highest or 0) + 1
