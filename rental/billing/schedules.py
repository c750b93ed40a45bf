"""When a line is due next: the index by which a closing finds its work."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from rental.billing.models import BillingClaim, BillingSchedule
from rental.billing.rules.runs import next_due_on
from rental.contracts.models import Contract, Line, LineTerms, Slot
from rental.core.db import found
from rental.core.errors import NotFound
from rental.core.uow import UnitOfWork
from rental.core.upserts import insert_new
from rental.customers.models import BillingAccount


def open_schedule(uow: UnitOfWork, slot_id: UUID, *, started_on: date) -> BillingSchedule:
    """The slot's line is due at the first closing from the first billable day on, or earlier if it was."""
    (schedule,) = open_schedules(uow, {slot_id: started_on})
    return schedule


def open_schedules(uow: UnitOfWork, started_on: Mapping[UUID, date]) -> Sequence[BillingSchedule]:
    """The same for many slots, each with its first billable day; one schedule for each of their lines.

    As many statements for a thousand slots as for one. Raises NotFound.
    """
    due_on = _due_on(uow.session, started_on)
    rows = [{"contract_line_id": line_id, "next_due_on": day} for line_id, day in due_on.items()]
    key = BillingSchedule.contract_line_id
    new = {row.contract_line_id for row in insert_new(uow.session, BillingSchedule, rows, key)}
    schedules = uow.session.scalars(
        select(BillingSchedule)
        .where(key.in_(due_on))
        .order_by(key)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    billed_through = _billed_through(uow.session, new)
    for schedule in schedules:
        line_id = schedule.contract_line_id
        schedule.next_due_on = min(schedule.next_due_on, due_on[line_id])
        if line_id in new:  # a closing may have been quicker than the word of the start
            schedule.billed_through = billed_through.get(line_id)
    uow.session.flush()
    return schedules


def slot_changed(uow: UnitOfWork, slot_id: UUID, *, on: date) -> None:
    """Something was recorded of a slot that counts from this day."""
    make_due(uow, {found(uow.session, Slot, slot_id).contract_line_id: on})


def make_due(uow: UnitOfWork, changed_on: Mapping[UUID, date]) -> None:
    """Something was recorded for these lines that counts from these days: the next closing looks again at the
    periods that hold them, and at those billed in advance. Whoever calls holds the contracts.
    """
    key = BillingSchedule.contract_line_id
    due_on = {line_id: _day_after(min(day, uow.today)) for line_id, day in sorted(changed_on.items())}
    rows = [{"contract_line_id": line_id, "next_due_on": day} for line_id, day in due_on.items()]
    insert_new(uow.session, BillingSchedule, rows)
    for schedule in uow.session.scalars(
        select(BillingSchedule)
        .where(key.in_(due_on))
        .order_by(key)
        .with_for_update()
        .execution_options(populate_existing=True)
    ):
        schedule.next_due_on = min(schedule.next_due_on, due_on[schedule.contract_line_id])
    uow.session.flush()


def _day_after(day: date) -> date:
    """When a change of this day is due; the period that holds the day ends on that day or later."""
    return day + timedelta(days=1)


def _due_on(session: Session, started_on: Mapping[UUID, date]) -> dict[UUID, date]:
    """When each line of these slots is due, in the order of the lines' ids. Raises NotFound."""
    rows = session.execute(
        select(Slot.id, Slot.contract_line_id, BillingAccount.closing_day, LineTerms.contract_line_id)
        .join(Line, Line.id == Slot.contract_line_id)
        .join(Contract, Contract.id == Line.contract_id)
        .join(BillingAccount, BillingAccount.id == Contract.billing_account_id)
        .outerjoin(LineTerms, LineTerms.contract_line_id == Line.id)
        .where(Slot.id.in_(started_on))
        .order_by(Slot.contract_line_id)
    ).all()
    if len(rows) < len(started_on):
        raise NotFound(kind=Slot.__tablename__)
    due_on: dict[UUID, date] = {}
    for slot_id, line_id, closing_day, own_terms_of in rows:
        start = started_on[slot_id]
        day = next_due_on(start, closing_day) if own_terms_of is None else _day_after(start)
        due_on[line_id] = min(day, due_on.get(line_id, day))
    return due_on


def _billed_through(session: Session, line_ids: Collection[UUID]) -> dict[UUID, date]:
    """Until when each of these lines was billed; without those that never were."""
    rows = session.execute(
        select(BillingClaim.contract_line_id, func.max(BillingClaim.period_end))
        .where(BillingClaim.contract_line_id.in_(line_ids))
        .group_by(BillingClaim.contract_line_id)
    )
    return dict(rows.all())
