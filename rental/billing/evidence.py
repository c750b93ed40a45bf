"""Why an invoice line is owed: what was agreed, which slots it charges, who scanned which unit there."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import Session, joinedload

from rental.billing.models import BilledSegment, BilledSpan, InvoiceLine
from rental.catalog.models import RatePlanVersion
from rental.contracts.models import Line, Placement, Slot
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
