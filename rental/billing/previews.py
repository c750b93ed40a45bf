"""A closing looked at before it is opened: what it would bill, and how that differs from the one before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, case, cast, func, select
from sqlalchemy.orm import Session, joinedload

from rental.billing.issuing import the_issuer
from rental.billing.models import BillingItem, BillingRun, Invoice
from rental.billing.obligations import lines_owed_by, terms_of
from rental.billing.queries import LONGEST_MONTH
from rental.billing.rules.drafts import Draft, draft_of, dues_of
from rental.billing.rules.remarks import Remark, remarks_on
from rental.billing.rules.runs import ItemState, billed_as_of, closing_days_of, require_past
from rental.billing.runs import preview_run
from rental.core.db import found
from rental.core.errors import DomainError, NotFound
from rental.core.money import Money
from rental.customers.models import BillingAccount

NOTHING = Money(0)


@dataclass(frozen=True, slots=True)
class InvoiceToCome:
    """What an account would be sent. `before` is what the closing before asked for, None if none ever did;
    `already` what this one asked for when it was opened earlier."""

    account: BillingAccount
    draft: Draft
    before: Money | None
    already: Money
    remarks: tuple[Remark, ...]

    @property
    def difference(self) -> Money:
        """How much more this closing asks for than the one before."""
        return self.draft.totals.total + self.already - (self.before or NOTHING)


@dataclass(frozen=True, slots=True)
class ClosingToCome:
    """What a closing would do. `invoices` begin with the one that differs most from the one before.

    `parked` are left out until a person has dealt with them. `already` is what was billed when the closing
    was opened earlier.
    """

    invoices: Sequence[InvoiceToCome] = ()
    refused: Sequence[tuple[BillingAccount, DomainError]] = ()
    parked: Sequence[BillingItem] = ()
    total_before: Money = NOTHING
    already: Money = NOTHING

    @property
    def difference(self) -> Money:
        """How much more this closing asks for than the one before."""
        return self.total + self.already - self.total_before

    @property
    def total(self) -> Money:
        """What would be asked for, with tax."""
        return sum((invoice.draft.totals.total for invoice in self.invoices), NOTHING)

    @property
    def remarkable(self) -> Sequence[InvoiceToCome]:
        """The invoices that are worth a look."""
        return [invoice for invoice in self.invoices if invoice.remarks]

    @property
    def exception_count(self) -> int:
        """How many accounts a person should look at."""
        return len(self.remarkable) + len(self.refused) + len(self.parked)


def foresee_closing(session: Session, closed_on: date, *, today: date) -> ClosingToCome:
    """What closing this day would bill, beside what the closing before did. Writes nothing.

    Raises ClosingInFuture, NoIssuer.
    """
    foreseen = preview_run(session, closed_on, today=today)
    billed = _billed(session, closed_on)
    invoices = [
        _to_come(each.account, each.draft, billed.get(each.account.id), closed_on)
        for each in foreseen
        if each.draft
    ]
    return ClosingToCome(
        sorted(invoices, key=lambda invoice: -abs(invoice.difference.minor_units)),
        [(each.account, each.refusal) for each in foreseen if each.refusal],
        _parked(session, closed_on),
        sum((each.before for each in billed.values()), NOTHING),
        sum((each.already for each in billed.values()), NOTHING),
    )


def foresee_invoice(
    session: Session, account_id: UUID, closed_on: date, *, today: date
) -> InvoiceToCome | None:
    """What closing this day would send to one account; None when it owes nothing new.

    Raises NotFound for an account that does not close on this day; ClosingInFuture, NoIssuer, NotRatable,
    NegativeTotal.
    """
    require_past(closed_on, today=today)
    the_issuer(session)
    account = found(session, BillingAccount, account_id)
    if account.closing_day not in closing_days_of(closed_on):
        raise NotFound(kind="billing_account")
    lines = lines_owed_by(session, [account_id], closed_on=closed_on).get(account_id, [])
    terms = terms_of(account)
    draft = draft_of(terms, dues_of(terms, lines, closed_on=closed_on), closed_on=closed_on)
    if draft is None:
        return None
    return _to_come(account, draft, _billed(session, closed_on).get(account_id), closed_on)


class _Billed(NamedTuple):
    """What the closing before asked one account for, and what this one did already."""

    before: Money
    already: Money


def _to_come(account: BillingAccount, draft: Draft, billed: _Billed | None, closed_on: date) -> InvoiceToCome:
    before, already = billed or (None, NOTHING)
    remarks = remarks_on(draft, before=before, already=already, as_of=billed_as_of(closed_on))
    return InvoiceToCome(account, draft, before, already, remarks)


def _billed(session: Session, closed_on: date) -> dict[UUID, _Billed]:
    """What was asked of every account that closes on this day and was ever billed."""
    is_of_last_month = (Invoice.closed_on >= closed_on - LONGEST_MONTH) & (Invoice.closed_on < closed_on)
    rows = session.execute(
        select(
            Invoice.billing_account_id,
            cast(func.sum(case((is_of_last_month, Invoice.total), else_=0)), BigInteger),
            cast(func.sum(case((Invoice.closed_on == closed_on, Invoice.total), else_=0)), BigInteger),
        )
        .join(BillingAccount, BillingAccount.id == Invoice.billing_account_id)
        .where(Invoice.closed_on <= closed_on, _closes_on(closed_on))
        .group_by(Invoice.billing_account_id)
    )
    return {account_id: _Billed(Money(before), Money(already)) for account_id, before, already in rows}


def _parked(session: Session, closed_on: date) -> Sequence[BillingItem]:
    return session.scalars(
        select(BillingItem)
        .join(BillingAccount, BillingAccount.id == BillingItem.billing_account_id)
        .join(BillingRun, BillingRun.id == BillingItem.billing_run_id)
        .where(BillingItem.state == ItemState.PARKED, _closes_on(closed_on))
        .options(joinedload(BillingItem.billing_account), joinedload(BillingItem.run))
        .order_by(BillingAccount.number, BillingRun.closed_on)
    ).all()


def _closes_on(closed_on: date) -> ColumnElement[bool]:
    days = closing_days_of(closed_on)
    return BillingAccount.closing_day.between(days.start, days.stop - 1)
