"""What became of every account in a closing, as a list to keep or to hand on."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from rental.billing.exclusions import excluded_from
from rental.billing.models import BillingItem, BillingRun, ClosingExclusion, Invoice
from rental.billing.rules.runs import ASIDE, ItemState
from rental.contracts.models import Contract
from rental.core.money import Money
from rental.customers.models import BillingAccount

_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class LogRow:
    """An account in a closing; with one of its invoices, where it has any.

    `state` is None for an account that was left out, `reason` what the person said who did so; else
    `reason_code` and `reason_params` say why it waits, or has no invoice.
    """

    account: str
    name: str
    state: ItemState | None
    reason_code: str | None = None
    reason_params: dict[str, Any] | None = None
    reason: str = ""
    contract: str | None = None
    invoice: str | None = None
    closed_on: date | None = None
    total: Money | None = None
    at: datetime | None = None
    by: str | None = None


def log_of(session: Session, run: BillingRun, *, exceptions_only: bool = False) -> Iterator[LogRow]:
    """Every account of the closing by its number, then those that were left out.

    With `exceptions_only` just those that a person has to deal with, or has dealt with by leaving them out.
    """
    of_run = and_(
        Invoice.billing_account_id == BillingItem.billing_account_id, Invoice.billing_run_id == run.id
    )
    statement = (
        select(
            BillingAccount.number,
            BillingAccount.name,
            BillingItem.state,
            BillingItem.reason_code,
            BillingItem.reason_params,
            Contract.number,
            Invoice.number,
            Invoice.closed_on,
            Invoice.total,
            BillingItem.finished_at,
            BillingItem.approved_by,
        )
        .join(BillingAccount, BillingAccount.id == BillingItem.billing_account_id)
        .outerjoin(Contract, Contract.id == BillingItem.contract_id)
        .outerjoin(Invoice, of_run)
        .where(BillingItem.billing_run_id == run.id)
        .order_by(BillingAccount.number, Invoice.number)
    )
    if exceptions_only:
        statement = statement.where(BillingItem.state.in_(ASIDE))
    for row in session.execute(statement.execution_options(yield_per=_AT_ONCE)):
        account, name, state, code, params, contract, invoice, closed_on, total, at, by = row
        yield LogRow(account, name, state, code, params, "", contract, invoice, closed_on, total, at, by)
    yield from map(_left_out, excluded_from(session, run.closed_on))


def _left_out(exclusion: ClosingExclusion) -> LogRow:
    account = exclusion.billing_account
    return LogRow(
        account.number,
        account.name,
        None,
        reason=exclusion.reason,
        at=exclusion.excluded_at,
        by=exclusion.excluded_by,
    )
