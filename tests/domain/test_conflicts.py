"""What was told too late is decided once by the office, and never changes again."""

from uuid import UUID

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError

from rental.core.errors import DomainError, NotFound
from rental.core.ids import new_id
from rental.fieldwork.conflicts import DecidedAlready, NotInConflict, decide_conflict
from rental.fieldwork.device_sync import Command, apply_command
from rental.fieldwork.models import ConflictDecision, FieldCommand, WorkOrder
from rental.fieldwork.queries import commands_in_conflict, conflict_count
from rental.fieldwork.rules import CommandStatus, CommandType, ConflictOutcome
from rental.fieldwork.visits import cancel_work_order
from rental.identity.models import Account
from rental.identity.permissions import Role
from tests.factories.rented import make_order, send_out
from tests.support.story import Story


@pytest.fixture
def technician(story: Story) -> Account:
    return story.person(Role.TECHNICIAN)


def told(story: Story, technician: Account, *, is_cancelled: bool) -> UUID:
    """An arrival: taken over, or in conflict when the office cancelled the job meanwhile."""
    with story.begin() as uow:
        order: WorkOrder = make_order(uow)
        send_out(uow, order, technician.id)
        if is_cancelled:
            cancel_work_order(uow, order.id, reason="shop is closed")
        command = Command(
            id=new_id(),
            device="phone",
            seq=None,
            type=CommandType.ARRIVE,
            work_order_id=order.id,
            payload={},
            base=None,
            at=None,
        )
        apply_command(uow, technician.id, command)
    return command.id


def waiting(story: Story) -> set[UUID]:
    with story.reading() as session:
        ids = {command.id for command in commands_in_conflict(session)}
        assert conflict_count(session) == len(ids)
    return ids


def test_a_decided_conflict_waits_no_more_and_its_command_stays_as_it_came(
    story: Story, technician: Account
) -> None:
    first, second = (told(story, technician, is_cancelled=True) for _ in range(2))
    assert waiting(story) == {first, second}
    with story.begin("Aoi Sato") as uow:
        decide_conflict(uow, first, ConflictOutcome.CORRECTED, " moved  by hand \r\nto the shelf ")
    assert waiting(story) == {second}
    with story.reading() as session:
        command = session.get_one(FieldCommand, first)
        assert command.status is CommandStatus.CONFLICT
        assert command.decision
        assert (command.decision.outcome, command.decision.note, command.decision.decided_by) == (
            ConflictOutcome.CORRECTED,
            "moved by hand\nto the shelf",
            "Aoi Sato",
        )
        assert command.decision.decided_at == story.clock.now()


def test_nothing_is_decided_twice_nor_what_is_no_conflict(story: Story, technician: Account) -> None:
    conflict, applied = (told(story, technician, is_cancelled=late) for late in (True, False))
    with story.begin("Aoi Sato") as uow:
        decide_conflict(uow, conflict, ConflictOutcome.NOTED)
    refusals: list[tuple[UUID, type[DomainError]]] = [
        (conflict, DecidedAlready),
        (applied, NotInConflict),
        (new_id(), NotFound),
    ]
    for command_id, refusal in refusals:
        with pytest.raises(refusal), story.begin() as uow:
            decide_conflict(uow, command_id, ConflictOutcome.CORRECTED)
    with story.reading() as session:
        assert session.scalars(select(ConflictDecision.outcome)).all() == [ConflictOutcome.NOTED]


def test_the_database_lets_nobody_change_a_decision(story: Story, technician: Account) -> None:
    conflict = told(story, technician, is_cancelled=True)
    with story.begin() as uow:
        decide_conflict(uow, conflict, ConflictOutcome.NOTED)
    for statement in (update(ConflictDecision).values(note="other"), delete(ConflictDecision)):
        with pytest.raises(DBAPIError, match="written once"), story.begin() as uow:
            uow.session.execute(statement)
    assert story.count(ConflictDecision) == 1
