"""A closing looked at before it is opened: what it would bill, and how that differs from the one before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, case, cast, func, select
from sqlalchemy.orm import Session, joinedload

from rental.billing.due import Foreseen, documents_due, preview_run
from rental.billing.exclusions import excluded_from
from rental.billing.invoicing import Billable
from rental.billing.issuing import the_issuer
from rental.billing.limits import doubt_of, limits_of
from rental.billing.models import BillingItem, BillingRun, Invoice
from rental.billing.obligations import lines_owed_by, places_of
from rental.billing.queries import LONGEST_MONTH
from rental.billing.rules.catching_up import Document
from rental.billing.rules.remarks import Remark, remarks_on
from rental.billing.rules.runs import ASIDE, billed_as_of, closing_days_of, require_past
from rental.core.db import found
from rental.core.errors import DomainError, NotFound
from rental.core.money import Money
from rental.customers.models import BillingAccount

NOTHING = Money(0)


@dataclass(frozen=True, slots=True)
class InvoiceToCome:
    """What an account would be sent: documents for each closing it missed, and those of this day.

    `before` is what the closing before asked for, None if none ever did; `already` what this one asked for
    when it was opened earlier. `doubt` is why the documents would be held until somebody has seen them.
    """

    account: BillingAccount
    documents: Sequence[Document]
    before: Money | None
    already: Money
    remarks: tuple[Remark, ...]
    doubt: DomainError | None = None

    @property
    def line_count(self) -> int:
        """How many lines all the documents have."""
        return sum(len(document.draft.lines) for document in self.documents)

    @property
    def total(self) -> Money:
        """What all the documents ask for, with tax."""
        return sum((document.draft.totals.total for document in self.documents), NOTHING)

    @property
    def difference(self) -> Money:
        """How much more this closing asks for than the one before."""
        return self.total + self.already - (self.before or NOTHING)


@dataclass(frozen=True, slots=True)
class ClosingToCome:
    """What a closing would do. `invoices` begin with the one that differs most from the one before.

    `parked` are left out until a person has dealt with them, those that are held among them. `ended` were
    billed by the closing before, each with what it asked for, and owe nothing any more. `already` is what was
    billed when the closing was opened earlier.
    """

    invoices: Sequence[InvoiceToCome] = ()
    refused: Sequence[tuple[BillingAccount, DomainError]] = ()
    parked: Sequence[BillingItem] = ()
    ended: Sequence[tuple[BillingAccount, Money]] = ()
    total_before: Money = NOTHING
    already: Money = NOTHING

    @property
    def difference(self) -> Money:
        """How much more this closing asks for than the one before."""
        return self.total + self.already - self.total_before

    @property
    def total(self) -> Money:
        """What would be asked for, with tax."""
        return sum((invoice.total for invoice in self.invoices), NOTHING)

    @property
    def remarkable(self) -> Sequence[InvoiceToCome]:
        """The invoices that are worth a look."""
        return [invoice for invoice in self.invoices if invoice.remarks]

    @property
    def document_count(self) -> int:
        """How many documents would be made: an account may be sent several."""
        return sum(len(invoice.documents) for invoice in self.invoices)

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
    invoices = [_to_come(each, billed.get(each.account.id), closed_on) for each in foreseen if each.documents]
    parked = _parked(session, closed_on)
    seen = {each.account.id for each in foreseen} | {item.billing_account_id for item in parked}
    seen |= {exclusion.billing_account_id for exclusion in excluded_from(session, closed_on)}
    return ClosingToCome(
        sorted(invoices, key=lambda invoice: -abs(invoice.difference.minor_units)),
        [(each.account, each.refusal) for each in foreseen if each.refusal],
        parked,
        _ended(session, {key: each for key, each in billed.items() if key not in seen}),
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
    places = places_of(session, [account])
    owed = Billable(account, lines, documents_due(session, account, lines, closed_on, places))
    if not owed.documents:
        return None
    foreseen = Foreseen(account, owed.documents, doubt=doubt_of(session, owed, limits_of(session)))
    return _to_come(foreseen, _billed(session, closed_on).get(account_id), closed_on)


class _Billed(NamedTuple):
    """What the closing before asked one account for, and what this one did already."""

    before: Money
    already: Money


def _to_come(foreseen: Foreseen, billed: _Billed | None, closed_on: date) -> InvoiceToCome:
    before, already = billed or (None, NOTHING)
    remarks = remarks_on(
        [document.draft for document in foreseen.documents],
        before=before,
        already=already,
        as_of=billed_as_of(closed_on),
        is_doubtful=foreseen.doubt is not None,
    )
    return InvoiceToCome(foreseen.account, foreseen.documents, before, already, remarks, foreseen.doubt)


def _ended(session: Session, billed: Mapping[UUID, _Billed]) -> list[tuple[BillingAccount, Money]]:
    """Those of them that the closing before asked for something, and this one will not; dearest first."""
    gone = {key: before for key, (before, already) in billed.items() if before and not already}
    accounts = session.scalars(
        select(BillingAccount).where(BillingAccount.id.in_(gone)).order_by(BillingAccount.number)
    )
    return sorted(
        ((account, gone[account.id]) for account in accounts), key=lambda each: -each[1].minor_units
    )


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
        .where(BillingItem.state.in_(ASIDE), _closes_on(closed_on))
        .options(joinedload(BillingItem.billing_account), joinedload(BillingItem.run))
        .order_by(BillingAccount.number, BillingRun.closed_on)
    ).all()


def _closes_on(closed_on: date) -> ColumnElement[bool]:
    days = closing_days_of(closed_on)
    return BillingAccount.closing_day.between(days.start, days.stop - 1)
