"""Writing down what was agreed anew about a contract in force. Whoever calls holds the contract."""

from datetime import date
from uuid import UUID

from rental.catalog.rules import AnchorKind
from rental.contracts.agreeing import terms_of_line
from rental.contracts.models import Contract, LineAnchor, Slot
from rental.contracts.rules import LineEventKind
from rental.core.uow import UnitOfWork, locked


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


def end_contract(uow: UnitOfWork, contract_id: UUID, *, ends_on: date) -> Contract:
    """Notice was given: this is the first day after the contract."""
    contract = locked(uow, Contract, contract_id)
    contract.ends_on = ends_on
    uow.session.flush()
    return contract
