"""Deciding what people did on site while the world went on: once, and for everybody to read afterwards."""

from uuid import UUID

from rental.core.errors import Conflict
from rental.core.text import tidy
from rental.core.uow import UnitOfWork, locked
from rental.fieldwork.models import ConflictDecision, FieldCommand
from rental.fieldwork.rules import CommandStatus, ConflictOutcome


class NotInConflict(Conflict):
    """The command was taken over or refused: nothing about it waits for a decision."""

    code = "fieldwork.not_in_conflict"


class DecidedAlready(Conflict):
    """Somebody was faster; a decision is made once."""

    code = "fieldwork.decided_already"

    def __init__(self, *, decided_by: str) -> None:
        super().__init__(decided_by=decided_by)


def decide_conflict(
    uow: UnitOfWork, command_id: UUID, outcome: ConflictOutcome, note: str = ""
) -> ConflictDecision:
    """Takes a conflict off the list. The command stays as it came; what is to be put right, people put right.

    Raises NotFound, NotInConflict, DecidedAlready.
    """
    command = locked(uow, FieldCommand, command_id)
    if command.status is not CommandStatus.CONFLICT:
        raise NotInConflict
    if command.decision is not None:
        raise DecidedAlready(decided_by=command.decision.decided_by)

    decision = ConflictDecision(
        command_id=command.id,
        outcome=outcome,
        note="\n".join(tidy(line) for line in note.splitlines()).strip(),
        account_id=uow.actor.id,
        decided_by=uow.actor.name,
        decided_at=uow.now,
    )
    uow.session.add(decision)
    uow.session.flush()
    return decision
