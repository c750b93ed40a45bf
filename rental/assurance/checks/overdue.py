"""C3: whether everything that was due at a closing is being billed."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from rental.assurance.checks.asking import Check, Severity
from rental.billing.models import (
    BillingItem,
    BillingRun,
    BillingSchedule,
    ClosingExclusion,
    UsageRecord,
)
from rental.billing.rules.due_dates import closing_by
from rental.billing.rules.runs import ItemState, billed_as_of
from rental.contracts.models import Contract, Line, LineAnchor, LineEvent, OneOff
from rental.contracts.rules import ContractState
from rental.core.business_date import business_today
from rental.core.runtime import runtime
from rental.customers.models import BillingAccount

# Somebody opens the closing within a week of its day.
_LONGEST_DUE = timedelta(days=7)
# Lines that are asked about in one statement.
_AT_ONCE = 1000
_LEFT_OUT = select(ClosingExclusion.billing_account_id, ClosingExclusion.closed_on)


def due_and_not_billed(session: Session, as_of: datetime) -> list[dict[str, Any]]:
    """C3: a line that was due at its account's last closing of a week ago or more, and is still.

    Nobody opened that closing, or it passed the line over. Where a closing deals with the account, where it
    was left out of that one, or where something was recorded of the line since, it is for the next.
    """
    by = business_today(session, as_of, runtime().zone) - _LONGEST_DUE
    is_in_hand = (
        select(BillingItem.id)
        .where(BillingItem.billing_account_id == Contract.billing_account_id)
        .where(BillingItem.state != ItemState.DONE)
        .exists()
    )
    due = session.execute(
        select(
            BillingAccount.number.label("billing_account"),
            BillingAccount.id.label("account_id"),
            BillingAccount.closing_day,
            Contract.number.label("contract"),
            Line.position.label("line"),
            Line.id,
            BillingSchedule.next_due_on,
        )
        .join(Line, Line.id == BillingSchedule.contract_line_id)
        .join(Contract, Contract.id == Line.contract_id)
        .join(BillingAccount, BillingAccount.id == Contract.billing_account_id)
        .where(
            Contract.state == ContractState.ACTIVE,
            BillingSchedule.next_due_on <= billed_as_of(by),
            ~is_in_hand,
        )
    ).all()
    closing_of = {row.id: closing_by(by, row.closing_day) for row in due}
    late = [row for row in due if row.next_due_on <= billed_as_of(closing_of[row.id])]
    opened = dict(session.execute(select(BillingRun.closed_on, BillingRun.opened_at)).all()) if late else {}
    left_out = set(map(tuple, session.execute(_LEFT_OUT).all())) if late else set()
    late = [row for row in late if (row.account_id, closing_of[row.id]) not in left_out]
    recorded = _last_recorded(session, [row.id for row in late])
    return [
        {
            "billing_account": row.billing_account,
            "contract": row.contract,
            "line": row.line,
            "next_due_on": row.next_due_on,
        }
        for row in late
        if closing_of[row.id] not in opened or recorded[row.id] <= opened[closing_of[row.id]]
    ]


def _last_recorded(session: Session, line_ids: Sequence[UUID]) -> dict[UUID, datetime]:
    """When something was last recorded of each of these lines that decides what it owes."""
    last = dict.fromkeys(line_ids, datetime.min.replace(tzinfo=UTC))
    for kind in (LineEvent, LineAnchor, OneOff, UsageRecord):
        for first in range(0, len(line_ids), _AT_ONCE):
            some = line_ids[first : first + _AT_ONCE]
            rows = session.execute(
                select(kind.contract_line_id, func.max(kind.recorded_at))
                .where(kind.contract_line_id.in_(some))
                .group_by(kind.contract_line_id)
            )
            last.update((line_id, max(last[line_id], moment)) for line_id, moment in rows)
    return last


OVERDUE_CHECKS = (
    Check(
        "C3",
        "Is everything that has been due for a week being billed?",
        "Open the closing of those days; what is missed is made up for.",
        Severity.WARNING,
        due_and_not_billed,
    ),
)
