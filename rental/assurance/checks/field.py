"""W and C: what was done on site, what people on site told us, and what the slots owe for it."""

from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from rental.assurance.checks.asking import Check, Severity, rows_of
from rental.assurance.checks.money import days_billed_twice
from rental.contracts.models import Contract, Line, LineEvent, Placement, Slot
from rental.contracts.rules import LineEventKind, SlotState
from rental.fieldwork.models import FieldCommand, FieldDevice, Visit, WorkOrder, WorkOrderItem
from rental.fieldwork.rules import CommandStatus, CommandType, ItemState, WorkOrderState
from rental.identity.models import Account
from rental.inventory.models import Movement, StockLocation
from rental.inventory.rules.unit_states import MovementKind


def work_without_proof(session: Session, as_of: datetime) -> list[dict[str, Any]]:
    """W1: a work order that is done without technician, time, or the movements to the site it promised."""
    proven = (
        exists()
        .where(
            Placement.slot_id == WorkOrderItem.slot_id,
            Placement.unit_id == WorkOrderItem.unit_id,
            Movement.id == Placement.install_movement_id,
            Movement.unit_id == WorkOrderItem.unit_id,
            Movement.kind == MovementKind.INSTALLATION,
            Movement.source == WorkOrder.number,
            StockLocation.id == Movement.to_location_id,
            StockLocation.site_id == WorkOrder.site_id,
        )
        .correlate(WorkOrderItem, WorkOrder)
    )
    is_proven = and_(WorkOrderItem.state == ItemState.INSTALLED, proven)
    is_bad = and_(WorkOrderItem.state != ItemState.LEFT, ~is_proven)
    good, bad = (func.count(case((which, 1))) for which in (is_proven, is_bad))
    return rows_of(
        session,
        select(
            WorkOrder.number.label("work_order"),
            WorkOrder.finished_at,
            Visit.technician_id.label("technician"),
            good.label("installed"),
            bad.label("unproven"),
        )
        .outerjoin(Visit, Visit.id == WorkOrder.visit_id)
        .outerjoin(WorkOrderItem, WorkOrderItem.work_order_id == WorkOrder.id)
        .where(WorkOrder.state == WorkOrderState.DONE)
        .group_by(WorkOrder.id, WorkOrder.number, WorkOrder.finished_at, Visit.technician_id)
        .having(or_(WorkOrder.finished_at.is_(None), Visit.technician_id.is_(None), good == 0, bad > 0)),
    )


def commands_out_of_line(session: Session, as_of: datetime) -> list[dict[str, Any]]:
    """W5: a hole in what a device told us, a command without its effect, or an effect without its command."""
    return [
        *_devices_with_holes(session),
        *_completions_without_effect(session),
        *_installations_nobody_reported(session),
    ]


def _devices_with_holes(session: Session) -> list[dict[str, Any]]:
    heard = func.count(FieldCommand.id)
    highest = func.coalesce(func.max(FieldCommand.seq), 0)
    return rows_of(
        session,
        select(
            Account.name.label("account"),
            FieldDevice.device,
            FieldDevice.last_seq,
            heard.label("commands"),
            highest.label("highest"),
        )
        .join(Account, Account.id == FieldDevice.account_id)
        .outerjoin(
            FieldCommand,
            and_(
                FieldCommand.account_id == FieldDevice.account_id, FieldCommand.device == FieldDevice.device
            ),
        )
        .group_by(FieldDevice.account_id, FieldDevice.device, FieldDevice.last_seq, Account.name)
        .having(or_(heard != FieldDevice.last_seq, highest != FieldDevice.last_seq)),
    )


def _completions_without_effect(session: Session) -> list[dict[str, Any]]:
    return rows_of(
        session,
        select(FieldCommand.id.label("command"), WorkOrder.number.label("work_order"), WorkOrder.state)
        .outerjoin(WorkOrder, WorkOrder.id == FieldCommand.work_order_id)
        .where(
            FieldCommand.type == CommandType.COMPLETE.value,
            FieldCommand.status == CommandStatus.APPLIED,
            or_(WorkOrder.id.is_(None), WorkOrder.state != WorkOrderState.DONE),
        ),
    )


def _installations_nobody_reported(session: Session) -> list[dict[str, Any]]:
    """The command that completed a job is the act that moved its units."""
    reported = exists().where(
        FieldCommand.id == Movement.op_id,
        FieldCommand.type == CommandType.COMPLETE.value,
        FieldCommand.status == CommandStatus.APPLIED,
    )
    return rows_of(
        session,
        select(Movement.id.label("movement"), Movement.source).where(
            Movement.kind == MovementKind.INSTALLATION, ~reported
        ),
    )


def slots_that_owe_wrongly(session: Session, as_of: datetime) -> list[dict[str, Any]]:
    """C1: a slot in service that does not owe rent once from its first billable day, or another that does.

    A second start would be billed as a second span over the same days; nor may a day be billed twice.
    """
    return [*_starts_gone_wrong(session), *days_billed_twice(session)]


def _starts_gone_wrong(session: Session) -> list[dict[str, Any]]:
    starts = func.count(LineEvent.id)
    is_off = or_(
        LineEvent.effective_on != Slot.started_on, LineEvent.contract_line_id != Slot.contract_line_id
    )
    off = func.count(case((is_off, 1)))
    owed = case((Slot.state.in_((SlotState.IN_SERVICE, SlotState.CLOSED)), 1), else_=0)
    later = aliased(LineEvent)
    is_replaced = exists().where(
        later.contract_line_id == LineEvent.contract_line_id,
        later.replaces_on == LineEvent.effective_on,
        later.replaces_seq == LineEvent.seq,
    )
    return rows_of(
        session,
        select(
            Contract.number.label("contract"),
            Line.position.label("line"),
            Slot.position.label("slot"),
            Slot.state,
            Slot.started_on,
            starts.label("starts"),
        )
        .join(Line, Line.id == Slot.contract_line_id)
        .join(Contract, Contract.id == Line.contract_id)
        .outerjoin(
            LineEvent, and_(LineEvent.slot_id == Slot.id, LineEvent.kind == LineEventKind.START, ~is_replaced)
        )
        .group_by(Contract.number, Line.position, Slot.id, Slot.position, Slot.state, Slot.started_on)
        .having(or_(starts != owed, off > 0)),
    )


FIELD_CHECKS = (
    Check(
        "W1",
        "Does every finished work order name its technician, its time and the units it moved?",
        "Open the work order with the technician: what was installed that day, and where?",
        Severity.ERROR,
        work_without_proof,
    ),
    Check(
        "W5",
        "Did everything a phone told us take effect, and did nothing happen that nobody told us?",
        "Compare the phone's list of the day with the work order; send again what is missing.",
        Severity.ERROR,
        commands_out_of_line,
    ),
    Check(
        "C1",
        "Does every slot in service owe rent exactly once, each day once, and no other slot?",
        "Look when the unit was installed, and correct the start before the next closing.",
        Severity.ERROR,
        slots_that_owe_wrongly,
    ),
)
