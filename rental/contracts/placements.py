"""Putting a unit into its slot: the slot goes into service and owes rent from its first billable day."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import aliased

from rental.catalog.rules import Cost, first_billable_day
from rental.contracts.costs import incur_costs
from rental.contracts.events import SlotEnded, SlotStarted
from rental.contracts.models import Contract, Line, LineEvent, LineTerms, Placement, Slot
from rental.contracts.rules import (
    SLOT_STATES,
    EndsBeforeStart,
    LineEventKind,
    PlacementReason,
    SlotState,
    first_day_not_owed,
)
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
    record_event(
        uow,
        line.id,
        LineEventKind.START,
        effective_on=slot.started_on,
        slot_id=slot.id,
        source=source,
        source_id=source_id,
    )
    _count_periods_from(uow, line.id, slot.started_on)
    incur_costs(
        uow,
        line.id,
        Cost.INITIAL,
        Cost.DELIVERY,
        Cost.INSTALLATION,
        slot_id=slot.id,
        happened_on=installed_on,
        source=source,
        source_id=source_id,
    )
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


def end_slot(uow: UnitOfWork, slot_id: UUID, *, retrieved_on: date, source: str, source_id: UUID) -> Slot:
    """The unit came back for good on this day; rent ends as its stop policy says. `source` tells how we know.

    The day itself is owed unless otherwise agreed. With notice given, rent goes on until the agreed end, and
    days after it were kept without agreement: they end here. Where rent ends with the contract, a unit that
    comes back ends nothing. Raises EndsBeforeStart, IllegalStep.
    """
    line = found(uow.session, Line, found(uow.session, Slot, slot_id).contract_line_id)
    contract = locked(uow, Contract, line.contract_id)  # first of all, as a closing and an amendment do
    slot = locked(uow, Slot, slot_id)
    SLOT_STATES.check(slot.state, SlotState.CLOSED)
    if slot.started_on is None or retrieved_on < slot.started_on:
        raise EndsBeforeStart(start=slot.started_on, end=retrieved_on)

    terms = uow.session.get(LineTerms, line.id)
    slot.state = SlotState.CLOSED
    uow.session.flush()
    slot.ended_on = first_day_not_owed(
        line.stop_policy,
        retrieved_on=retrieved_on,
        ends_on=contract.ends_on,
        retrieval_day_counts=terms is None or terms.retrieval_day_counts,
    )
    if (agreed := _agreed_stop(uow, slot, slot.started_on)) is not None:
        slot.ended_on = agreed
    elif slot.ended_on is not None:
        record_event(
            uow,
            line.id,
            LineEventKind.STOP,
            effective_on=slot.ended_on,
            slot_id=slot.id,
            source=source,
            source_id=source_id,
        )
        uow.announce(SlotEnded(slot.id, slot.ended_on))
    incur_costs(
        uow,
        line.id,
        Cost.REMOVAL,
        slot_id=slot.id,
        happened_on=retrieved_on,
        source=source,
        source_id=source_id,
    )
    return slot


def _agreed_stop(uow: UnitOfWork, slot: Slot, started_on: date) -> date | None:
    """The day on which rent of the slot ends already, because its line or its contract ends."""
    later = aliased(LineEvent)
    return uow.session.scalar(
        select(func.min(LineEvent.effective_on))
        .outerjoin(
            later,
            and_(
                later.contract_line_id == LineEvent.contract_line_id,
                later.replaces_on == LineEvent.effective_on,
                later.replaces_seq == LineEvent.seq,
            ),
        )
        .where(
            LineEvent.contract_line_id == slot.contract_line_id,
            LineEvent.kind == LineEventKind.STOP,
            or_(LineEvent.slot_id == slot.id, LineEvent.slot_id.is_(None)),
            LineEvent.effective_on >= started_on,
            later.id.is_(None),
        )
    )


def record_event(
    uow: UnitOfWork,
    line_id: UUID,
    kind: LineEventKind,
    *,
    effective_on: date,
    source: str,
    source_id: UUID | None,
    slot_id: UUID | None = None,
    value: int | None = None,
    replaces: tuple[date, int] | None = None,
    reason: str = "",
) -> LineEvent:
    """One more fact of a line, after those of the same day. Whoever records holds the line's contract."""
    replaces_on, replaces_seq = replaces or (None, None)
    event = LineEvent(
        contract_line_id=line_id,
        slot_id=slot_id,
        effective_on=effective_on,
        seq=_next_seq(uow, line_id, effective_on),
        kind=kind,
        value=value,
        replaces_on=replaces_on,
        replaces_seq=replaces_seq,
        source=source,
        source_id=source_id,
        reason=reason,
        recorded_at=uow.now,
    )
    uow.session.add(event)
    uow.session.flush()
    return event


def _count_periods_from(uow: UnitOfWork, line_id: UUID, day: date) -> None:
    """Periods are counted from the first day of rent or another one agreed, whatever is put right later."""
    terms = uow.session.get(LineTerms, line_id)
    if terms is not None and terms.anchored_on is None:
        terms.anchored_on = day


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
