"""When a line is due next: the index by which a closing finds its work."""

from datetime import date
from uuid import UUID

from rental.billing.models import BillingSchedule
from rental.billing.rules.runs import next_due_on
from rental.contracts.models import Contract, Line, Slot
from rental.core.db import found
from rental.core.uow import UnitOfWork
from rental.core.upserts import insert_new
from rental.customers.models import BillingAccount


def open_schedule(uow: UnitOfWork, slot_id: UUID, *, started_on: date) -> BillingSchedule:
    """The slot's line is due at the first closing from the first billable day on, or earlier if it was."""
    slot = found(uow.session, Slot, slot_id)
    line = found(uow.session, Line, slot.contract_line_id)
    contract = found(uow.session, Contract, line.contract_id)
    account = found(uow.session, BillingAccount, contract.billing_account_id)

    due_on = next_due_on(started_on, account.closing_day)
    insert_new(uow.session, BillingSchedule, [{"contract_line_id": line.id, "next_due_on": due_on}])
    schedule = uow.session.get_one(BillingSchedule, line.id, with_for_update=True, populate_existing=True)
    schedule.next_due_on = min(schedule.next_due_on, due_on)
    return schedule
