"""Reading invoices and closings, and the evidence behind a line."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, Select, cast, func, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from rental.billing.models import BilledSegment, BilledSpan, BillingItem, Invoice, InvoiceLine
from rental.billing.rules.runs import InvoiceState, ItemState, RunState, run_state
from rental.catalog.models import RatePlanVersion
from rental.contracts.models import Line, Placement, Slot
from rental.core.money import Money
from rental.core.text import narrow
from rental.customers.models import Site
from rental.fieldwork.models import WorkOrder
from rental.inventory.models import Movement, Unit

SHOWN_AT_MOST = 200


def invoices_matching(
    *, words: str = "", state: InvoiceState | None = None, closed_on: date | None = None
) -> Select[Invoice]:
    """Invoices whose number or recipient has the words, in no order yet."""
    statement = select(Invoice)
    if words:
        statement = statement.where(
            or_(
                Invoice.number.contains(narrow(words).upper(), autoescape=True),
                Invoice.recipient_name.contains(words, autoescape=True),
            )
        )
    if state:
        statement = statement.where(Invoice.state == state)
    if closed_on:
        statement = statement.where(Invoice.closed_on == closed_on)
    return statement


@dataclass(frozen=True, slots=True)
class InvoiceTotals:
    """What a list of invoices adds up to."""

    invoice_count: int
    total: Money


def invoice_totals(session: Session, statement: Select[Invoice]) -> InvoiceTotals:
    """The sums over every invoice of the statement, not only over a page."""
    rows = statement.with_only_columns(Invoice.id, Invoice.total).order_by(None).subquery()
    count, total = session.execute(
        select(func.count(), func.coalesce(cast(func.sum(rows.c.total), BigInteger), 0)).select_from(rows)
    ).one()
    return InvoiceTotals(count, Money(total))


def invoice_state_counts(session: Session) -> dict[InvoiceState, int]:
    """How many invoices are in each state."""
    rows = session.execute(select(Invoice.state, func.count()).group_by(Invoice.state)).all()
    return dict.fromkeys(InvoiceState, 0) | dict(rows)


def invoice_with_all(session: Session, invoice_id: UUID) -> Invoice | None:
    """An invoice with what its page shows."""
    return session.scalar(
        select(Invoice)
        .where(Invoice.id == invoice_id)
        .options(
            joinedload(Invoice.billing_account),
            joinedload(Invoice.billing_run),
            joinedload(Invoice.document),
            selectinload(Invoice.lines)
            .joinedload(InvoiceLine.contract_line)
            .joinedload(Line.rate_plan_version)
            .joinedload(RatePlanVersion.rate_plan),
        )
    )


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a slot stands in an invoice line: the unit that was scanned there, when, and for which job."""

    position: int
    site_id: UUID
    site_name: str
    unit_id: UUID
    unit_tag: str
    placed_at: datetime
    movement_seq: int
    work_order_id: UUID | None
    work_order_number: str | None


def evidence_of(session: Session, invoice_id: UUID) -> dict[UUID, list[Evidence]]:
    """The installations behind each line of an invoice, by the line's id."""
    rows = session.execute(
        select(
            InvoiceLine.id,
            Slot.position,
            Slot.site_id,
            Site.name,
            Unit.id,
            Unit.tag,
            Placement.placed_at,
            Movement.seq,
            WorkOrder.id,
            WorkOrder.number,
        )
        .distinct()
        .join(BilledSegment, BilledSegment.invoice_line_id == InvoiceLine.id)
        .join(
            BilledSpan,
            BilledSpan.billed_segment_id == func.coalesce(BilledSegment.reverses_id, BilledSegment.id),
        )
        .join(Slot, Slot.id == BilledSpan.slot_id)
        .join(Site, Site.id == Slot.site_id)
        .join(Placement, Placement.slot_id == Slot.id)
        .join(Unit, Unit.id == Placement.unit_id)
        .join(Movement, Movement.id == Placement.install_movement_id)
        .outerjoin(WorkOrder, WorkOrder.number == Movement.source)
        .where(InvoiceLine.invoice_id == invoice_id)
        .order_by(Slot.position, Placement.placed_at)
        .limit(5000)
    )
    found: dict[UUID, list[Evidence]] = defaultdict(list)
    for line_id, *facts in rows:
        found[line_id].append(Evidence(*facts))
    return found


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a closing is, from the states of its accounts, and what it has invoiced."""

    counts: dict[ItemState, int]
    invoice_count: int
    total: Money

    @property
    def state(self) -> RunState:
        return run_state(todo=self.counts[ItemState.TODO], parked=self.counts[ItemState.PARKED])

    @property
    def account_count(self) -> int:
        return sum(self.counts.values())

    @property
    def percent(self) -> int:
        """How much of the work is done, rounded down: 100 means all of it."""
        waiting = self.counts[ItemState.TODO]
        return 100 * (self.account_count - waiting) // self.account_count if self.account_count else 100


def progress_of(session: Session, run_ids: Collection[UUID]) -> dict[UUID, Progress]:
    """How far each of these closings is; what is not committed yet does not count."""
    counts: dict[UUID, dict[ItemState, int]] = {run_id: dict.fromkeys(ItemState, 0) for run_id in run_ids}
    for run_id, state, count in session.execute(
        select(BillingItem.billing_run_id, BillingItem.state, func.count())
        .where(BillingItem.billing_run_id.in_(run_ids))
        .group_by(BillingItem.billing_run_id, BillingItem.state)
    ):
        counts[run_id][state] = count
    sums = {
        run_id: (count, Money(total))
        for run_id, count, total in session.execute(
            select(Invoice.billing_run_id, func.count(), cast(func.sum(Invoice.total), BigInteger))
            .where(Invoice.billing_run_id.in_(run_ids))
            .group_by(Invoice.billing_run_id)
        )
    }
    return {run_id: Progress(counts[run_id], *sums.get(run_id, (0, Money(0)))) for run_id in run_ids}


def parked_items(session: Session, run_id: UUID) -> Sequence[BillingItem]:
    """The accounts of a closing that wait for a person."""
    return session.scalars(
        select(BillingItem)
        .where(BillingItem.billing_run_id == run_id, BillingItem.state == ItemState.PARKED)
        .options(joinedload(BillingItem.billing_account), joinedload(BillingItem.contract))
        .order_by(BillingItem.finished_at, BillingItem.id)
        .limit(SHOWN_AT_MOST)
    ).all()
