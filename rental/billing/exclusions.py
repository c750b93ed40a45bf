"""Leaving an account out of one closing: a person says why, and the next closing asks for what it owes."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from rental.billing.models import BillingItem, BillingRun, ClosingExclusion
from rental.billing.reviewing import REASON_MAX_LENGTH
from rental.billing.rules.runs import BilledAlready, ClosesAnotherDay, ItemState, closing_days_of
from rental.core.text import tidy
from rental.core.uow import UnitOfWork, locked
from rental.customers.models import BillingAccount
from rental.customers.rules import require_line


def exclude_from_closing(
    uow: UnitOfWork, billing_account_id: UUID, closed_on: date, *, reason: str
) -> ClosingExclusion:
    """This closing says nothing about the account, opened or not. Said again, the reason is another one.

    What waits in the closing for a worker or for a person is taken out of it. Raises ClosesAnotherDay,
    BilledAlready, Missing and TooLong for the reason.
    """
    run = uow.session.scalars(
        select(BillingRun).where(BillingRun.closed_on == closed_on).with_for_update()
    ).one_or_none()
    account = locked(uow, BillingAccount, billing_account_id)
    if account.closing_day not in closing_days_of(closed_on):
        raise ClosesAnotherDay(account=account.number, closing_day=account.closing_day, closed_on=closed_on)
    reason = tidy(reason)
    require_line(reason, "reason", REASON_MAX_LENGTH)
    if (known := exclusion_of(uow.session, account.id, closed_on)) is not None:
        known.reason = reason
        uow.session.flush()
        return known
    if run is not None:
        _take_out(uow, run, account)

    uow.because(reason)
    exclusion = ClosingExclusion(
        billing_account_id=account.id,
        closed_on=closed_on,
        reason=reason,
        excluded_at=uow.now,
        excluded_by=uow.actor.name,
    )
    uow.session.add(exclusion)
    uow.session.flush()
    return exclusion


def include_again(uow: UnitOfWork, exclusion_id: UUID) -> date:
    """The account is due again in the closing it was left out of; returns the day of that closing."""
    exclusion = locked(uow, ClosingExclusion, exclusion_id)
    closed_on = exclusion.closed_on
    uow.session.delete(exclusion)
    uow.session.flush()
    return closed_on


def exclusion_of(session: Session, billing_account_id: UUID, closed_on: date) -> ClosingExclusion | None:
    """That the account is left out of this closing, if it is."""
    return session.scalar(
        select(ClosingExclusion).where(
            ClosingExclusion.billing_account_id == billing_account_id, ClosingExclusion.closed_on == closed_on
        )
    )


def excluded_from(session: Session, closed_on: date) -> Sequence[ClosingExclusion]:
    """Every account that is left out of this closing, by its number."""
    return session.scalars(
        select(ClosingExclusion)
        .join(BillingAccount, BillingAccount.id == ClosingExclusion.billing_account_id)
        .where(ClosingExclusion.closed_on == closed_on)
        .options(joinedload(ClosingExclusion.billing_account))
        .order_by(BillingAccount.number)
    ).all()


def _take_out(uow: UnitOfWork, run: BillingRun, account: BillingAccount) -> None:
    """The account's row in the run goes, unless the run has finished with it."""
    item = uow.session.scalars(
        select(BillingItem)
        .where(BillingItem.billing_run_id == run.id, BillingItem.billing_account_id == account.id)
        .with_for_update()
    ).one_or_none()
    if item is None:
        return
    if item.state is ItemState.DONE:
        raise BilledAlready(account=account.number, closed_on=run.closed_on)
    uow.session.delete(item)
    uow.session.flush()
