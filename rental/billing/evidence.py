"""Why an invoice line is owed: what was agreed, what happened since, who scanned which unit in its slots."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session, joinedload

from rental.billing.models import BilledSegment, BilledSpan, InvoiceLine, UsageRecord
from rental.billing.rules.charges import ChargeKind
from rental.catalog.models import RatePlanVersion
from rental.contracts.models import Line, LineEvent, OneOff, Placement, Slot
from rental.contracts.rules import LineEventKind
from rental.fieldwork.models import FieldCommand, WorkOrder, WorkOrderItem
from rental.identity.models import Account
from rental.inventory.models import Movement, Unit


def line_with_all(session: Session, invoice_id: UUID, position: int) -> InvoiceLine | None:
    """One line of an invoice with everything it follows from."""
    agreed = joinedload(InvoiceLine.contract_line)
    return session.scalar(
        select(InvoiceLine)
        .where(InvoiceLine.invoice_id == invoice_id, InvoiceLine.position == position)
        .options(
            agreed.joinedload(Line.contract),
            agreed.joinedload(Line.rate_plan_version).joinedload(RatePlanVersion.rate_plan),
        )
    )


def slots_charged(invoice_line_id: UUID) -> Select[Slot]:
    """The slots a line charges, or takes back, in no order yet."""
    charges = func.coalesce(BilledSegment.reverses_id, BilledSegment.id)
    spans = (
        select(BilledSpan.slot_id)
        .join(BilledSegment, charges == BilledSpan.billed_segment_id)
        .where(BilledSegment.invoice_line_id == invoice_line_id)
    )
    return select(Slot).where(Slot.id.in_(spans)).options(joinedload(Slot.site))


# A line may have thousands of readings; the page shows the last of them and the sum of all.
READINGS_SHOWN = 100
_ONCE = {ChargeKind.ONE_OFF.value, ChargeKind.PENALTY.value}


@dataclass(frozen=True, slots=True)
class Readings:
    """What was read in the days of a line: the latest of it, how many they are and what they make."""

    latest: Sequence[UsageRecord]
    count: int
    total: int


def events_behind(session: Session, line: InvoiceLine, *, until: datetime) -> Sequence[LineEvent]:
    """What had changed the line's rent by its last day, as it was known at this instant, latest first.

    A plain start is left out: it stands beside the machine that was installed. So is what concerns slots
    the line does not charge. Nothing where the line charges no rent.
    """
    if line.description.get("charge") in {*_ONCE, ChargeKind.USAGE.value}:
        return ()
    charged = slots_charged(line.id).with_only_columns(Slot.id)
    is_plain_start = and_(LineEvent.kind == LineEventKind.START, LineEvent.replaces_on.is_(None))
    return session.scalars(
        select(LineEvent)
        .where(
            LineEvent.contract_line_id == line.contract_line_id,
            LineEvent.effective_on <= line.service_end,
            LineEvent.recorded_at <= until,
            or_(LineEvent.slot_id.is_(None), LineEvent.slot_id.in_(charged)),
            ~is_plain_start,
        )
        .order_by(LineEvent.effective_on.desc(), LineEvent.seq.desc())
        .limit(200)
    ).all()


def costs_behind(session: Session, line: InvoiceLine, *, until: datetime) -> Sequence[OneOff]:
    """What happened once and is paid for by this line; nothing where it charges something else."""
    if line.description.get("charge") not in _ONCE:
        return ()
    return session.scalars(
        select(OneOff)
        .where(
            OneOff.contract_line_id == line.contract_line_id,
            OneOff.cost == line.description["name"],
            OneOff.happened_on >= line.service_start,
            OneOff.happened_on < line.service_end,
            OneOff.recorded_at <= until,
        )
        .order_by(OneOff.happened_on.desc(), OneOff.id.desc())
        .limit(200)
    ).all()


def readings_behind(session: Session, line: InvoiceLine, *, until: datetime) -> Readings:
    """What was used in the days of this line; nothing where it charges something else."""
    if line.description.get("charge") != ChargeKind.USAGE.value:
        return Readings((), 0, 0)
    of_line = (
        UsageRecord.contract_line_id == line.contract_line_id,
        UsageRecord.occurred_on >= line.service_start,
        UsageRecord.occurred_on < line.service_end,
        UsageRecord.recorded_at <= until,
    )
    count, total = session.execute(
        select(func.count(), func.coalesce(func.sum(UsageRecord.quantity), 0)).where(*of_line)
    ).one()
    latest = session.scalars(
        select(UsageRecord)
        .where(*of_line)
        .order_by(UsageRecord.occurred_on.desc(), UsageRecord.external_id.desc())
        .limit(READINGS_SHOWN)
    ).all()
    return Readings(latest, count, int(total))


@dataclass(frozen=True, slots=True)
class Evidence:
    """Which unit was in a slot, and how we know: the scan at the site, what told us of it, and the movement.

    `scanned_at` is when the unit was read, `told_at` when that reached us; both are unknown where no device
    told us. `removed_at` is None while the unit is there.
    """

    unit_id: UUID
    unit_tag: str
    placed_at: datetime
    removed_at: datetime | None
    movement_seq: int
    moved_by: str
    work_order_id: UUID | None
    work_order_number: str | None
    scanned_at: datetime | None
    device: str | None
    told_at: datetime | None


def evidence_for(
    session: Session, slot_ids: Collection[UUID], *, until: datetime
) -> dict[UUID, Sequence[Evidence]]:
    """The units that had come into each of these slots by this instant, in the order they came.

    A company that stands still on a day has instants of another calendar than its days: here only instants
    are compared with instants.
    """
    rows = session.execute(
        select(
            Placement.slot_id,
            Unit.id,
            Unit.tag,
            Placement.placed_at,
            Placement.removed_at,
            Movement.seq,
            func.coalesce(Account.name, Movement.actor_name),
            WorkOrder.id,
            WorkOrder.number,
            WorkOrderItem.scanned_at,
            FieldCommand.device,
            FieldCommand.received_at,
        )
        .join(Unit, Unit.id == Placement.unit_id)
        .join(Movement, Movement.id == Placement.install_movement_id)
        .outerjoin(WorkOrder, WorkOrder.number == Movement.source)
        .outerjoin(
            WorkOrderItem,
            and_(
                WorkOrderItem.work_order_id == WorkOrder.id,
                WorkOrderItem.slot_id == Placement.slot_id,
                WorkOrderItem.unit_id == Placement.unit_id,
            ),
        )
        .outerjoin(FieldCommand, FieldCommand.id == Movement.op_id)
        .outerjoin(Account, Account.id == FieldCommand.account_id)
        .where(Placement.slot_id.in_(slot_ids), Placement.placed_at <= until)
        .order_by(Placement.placed_at, Unit.tag)
    )
    found: dict[UUID, list[Evidence]] = defaultdict(list)
    for slot_id, *facts in rows:
        found[slot_id].append(Evidence(*facts))
    return dict(found)
