"""Commands of people on site: in order per device, each done once, its answer kept with its effect.

A phone sends what it recorded, perhaps days later and perhaps twice. The server decides each command by
itself: applied, in conflict with what happened meanwhile, or refused; the answer never changes afterwards.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from rental.core.audit import plain
from rental.core.errors import Conflict, DomainError, Invalid, NotFound
from rental.core.uow import UnitOfWork
from rental.fieldwork import installing, reporting, visits
from rental.fieldwork.models import FieldCommand, FieldDevice, Visit, WorkOrder
from rental.fieldwork.rules import (
    OVER,
    BlockReason,
    CommandStatus,
    CommandType,
    PhotoKind,
    believed_time,
)


class CommandIdUsed(Invalid):
    """The id of a command came again with other content."""

    code = "fieldwork.command_id_used"
    field = "id"


class CommandOutOfOrder(Conflict):
    """A device's commands come in the order it made them; the answer names the last one we have."""

    code = "fieldwork.command_out_of_order"
    field = "seq"

    def __init__(self, *, last_seq: int) -> None:
        super().__init__(last_seq=last_seq)


class OverMeanwhile(Conflict):
    """The job was called off, finished, or given to somebody else while this was being done."""

    code = "fieldwork.over_meanwhile"


class UpgradeNeeded(Invalid):
    """A command of a kind this server does not know."""

    code = "fieldwork.upgrade_needed"
    field = "type"


class BadPayload(Invalid):
    """A command without what it needs."""

    code = "fieldwork.bad_payload"

    def __init__(self, *, name: str) -> None:
        super().__init__(name=name)
        self.field = f"payload.{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What a person told us. `seq` counts within the device; None lets the server count, for forms.

    `at` is the device's clock; None takes the server's, for forms: sent twice they are
    the same command. `base` is the revision of the work order that the person saw.
    """

    id: UUID
    device: str
    seq: int | None
    type: str
    work_order_id: UUID
    payload: dict[str, Any]
    base: int | None
    at: datetime | None

    def body_hash(self) -> str:
        """SHA-256 of everything the sender decided."""
        at = self.at.isoformat() if self.at else None
        body = [self.type, str(self.work_order_id), self.payload, self.base, at]
        return hashlib.sha256(json.dumps(body, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a command: `duplicate` when it had been applied before, `error` when it was not."""

    status: str
    result: dict[str, Any]
    error: DomainError | None = None


def apply_command(uow: UnitOfWork, account_id: UUID, command: Command) -> Answer:
    """Does the command once, and writes down what became of it.

    The same id again gives the answer of the first time. Raises CommandIdUsed for the same id with other
    content and CommandOutOfOrder for a gap in the device's sequence; then nothing was written.
    """
    device = _locked_device(uow, account_id, command.device)
    known = uow.session.get(FieldCommand, command.id)
    if known is not None:
        if known.account_id != account_id or known.body_hash != command.body_hash():
            raise CommandIdUsed
        repeated = known.status is CommandStatus.APPLIED
        return Answer("duplicate" if repeated else known.status.value, known.result)
    seq = device.last_seq + 1 if command.seq is None else command.seq
    if seq != device.last_seq + 1:
        raise CommandOutOfOrder(last_seq=device.last_seq)

    status, result, error = _tried(uow, account_id, command)
    device.last_seq = seq
    uow.session.add(
        FieldCommand(
            id=command.id,
            account_id=account_id,
            device=command.device,
            seq=seq,
            type=command.type[:40],
            work_order_id=command.work_order_id,
            payload=command.payload,
            base_revision=command.base,
            body_hash=command.body_hash(),
            device_at=command.at or uow.now,
            received_at=uow.now,
            status=status,
            result=result,
        )
    )
    uow.session.flush()
    return Answer(status.value, result, error)


def _tried(
    uow: UnitOfWork, account_id: UUID, command: Command
) -> tuple[CommandStatus, dict[str, Any], DomainError | None]:
    """The effect inside a savepoint: a refusal leaves nothing of it behind but its own record."""
    try:
        with uow.session.begin_nested():
            at = believed_time(command.at or uow.now, uow.now)
            effect = _effect_of(command)
            _require_own(uow, account_id, command)
            result = plain(effect(uow, account_id, command, at))
        return CommandStatus.APPLIED, result, None
    except DomainError as error:
        status = CommandStatus.CONFLICT if isinstance(error, _IN_CONFLICT) else CommandStatus.REJECTED
        result = {"code": error.code, "params": plain({k: str(v) for k, v in error.params.items()})}
        return status, result, error


# The world went on meanwhile: a person at the office decides, with what was scanned as evidence.
_IN_CONFLICT = (OverMeanwhile, installing.StandsElsewhere)
_FACTS = frozenset({CommandType.NOTE, CommandType.PHOTO})

Effect = Callable[[UnitOfWork, UUID, Command, datetime], dict[str, Any]]


def _effect_of(command: Command) -> Effect:
    try:
        return _EFFECTS[CommandType(command.type)]
    except ValueError:
        raise UpgradeNeeded(type=command.type[:40]) from None


def _require_own(uow: UnitOfWork, account_id: UUID, command: Command) -> None:
    """A technician acts on own jobs. When one is over, facts are kept and anything else is a conflict."""
    order = visits.locked_with_visit(uow, command.work_order_id)
    visit = uow.session.get(Visit, order.visit_id) if order.visit_id else None
    if visit is None or visit.technician_id != account_id:
        if _knew_it(uow, account_id, command):
            raise OverMeanwhile(state=order.state)
        raise NotFound(kind="work_order")
    if order.state in OVER and command.type not in _FACTS:
        raise OverMeanwhile(state=order.state)


def _knew_it(uow: UnitOfWork, account_id: UUID, command: Command) -> bool:
    """Whether this person worked on the job before it was given to somebody else."""
    earlier = select(FieldCommand.id).where(
        FieldCommand.work_order_id == command.work_order_id, FieldCommand.account_id == account_id
    )
    return uow.session.scalar(earlier.limit(1)) is not None


def _depart(uow: UnitOfWork, account_id: UUID, command: Command, at: datetime) -> dict[str, Any]:
    visits.depart(uow, _visit_id(uow, command), at=at)
    return {}


def _arrive(uow: UnitOfWork, account_id: UUID, command: Command, at: datetime) -> dict[str, Any]:
    visits.arrive(uow, _visit_id(uow, command), at=at)
    return {}


def _scan(uow: UnitOfWork, account_id: UUID, command: Command, at: datetime) -> dict[str, Any]:
    scan = installing.scan_for_order(uow, command.work_order_id, _text(command, "code"), at=at)
    return {"item_id": scan.item.id, "tag": scan.unit.tag, "again": scan.again}


def _undo_scan(uow: UnitOfWork, account_id: UUID, command: Command, at: datetime) -> dict[str, Any]:
    installing.undo_scan(uow, command.work_order_id, _id(command, "item_id"))
    return {}


def _note(uow: UnitOfWork, account_id: UUID, command: Command, at: datetime) -> dict[str, Any]:
    return {"note_id": reporting.add_note(uow, command.work_order_id, _text(command, "text"), at=at).id}


def _photo(uow: UnitOfWork, account_id: UUID, command: Command, at: datetime) -> dict[str, Any]:
    kind = _choice(command, "kind", PhotoKind)
    photo = reporting.add_photo(uow, command.work_order_id, _text(command, "sha256"), kind, at=at)
    return {"photo_id": photo.id}


def _complete(uow: UnitOfWork, account_id: UUID, command: Command, at: datetime) -> dict[str, Any]:
    starts = installing.complete_installation(
        uow,
        command.work_order_id,
        account_id,
        at=at,
        op_id=command.id,
        leaves_rest=command.payload.get("leaves_rest") is True,
    )
    return {
        "rent": [
            {"tag": start.tag, "from": start.started_on, "monthly_fee": start.monthly_fee} for start in starts
        ]
    }


def _block(uow: UnitOfWork, account_id: UUID, command: Command, at: datetime) -> dict[str, Any]:
    follow_up = installing.block_work_order(
        uow,
        command.work_order_id,
        reason=_choice(command, "reason", BlockReason),
        note=str(command.payload.get("note", ""))[:500],
        at=at,
    )
    return {"follow_up": follow_up.number}


_EFFECTS: dict[CommandType, Effect] = {
    CommandType.DEPART: _depart,
    CommandType.ARRIVE: _arrive,
    CommandType.SCAN: _scan,
    CommandType.UNDO_SCAN: _undo_scan,
    CommandType.NOTE: _note,
    CommandType.PHOTO: _photo,
    CommandType.COMPLETE: _complete,
    CommandType.BLOCK: _block,
}


def _visit_id(uow: UnitOfWork, command: Command) -> UUID:
    order = uow.session.get_one(WorkOrder, command.work_order_id)
    if order.visit_id is None:
        raise OverMeanwhile(state=order.state)
    return order.visit_id


def _text(command: Command, name: str) -> str:
    value = command.payload.get(name)
    if not isinstance(value, str) or not value.strip() or "\x00" in value:
        raise BadPayload(name=name)
    return value


def _id(command: Command, name: str) -> UUID:
    try:
        return UUID(_text(command, name))
    except ValueError:
        raise BadPayload(name=name) from None


def _choice(command: Command, name: str, kind: type[Any]) -> Any:
    try:
        return kind(_text(command, name))
    except ValueError:
        raise BadPayload(name=name) from None


def _locked_device(uow: UnitOfWork, account_id: UUID, device: str) -> FieldDevice:
    """The device's row, held: its commands are taken one at a time."""
    its_row = (
        select(FieldDevice)
        .where(FieldDevice.account_id == account_id, FieldDevice.device == device)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    known = uow.session.scalar(its_row)
    if known is not None:
        return known
    insert = insert_sqlite if uow.session.get_bind().dialect.name == "sqlite" else insert_postgresql
    uow.session.execute(
        insert(FieldDevice).values(account_id=account_id, device=device, last_seq=0).on_conflict_do_nothing()
    )
    return uow.session.scalars(its_row).one()
