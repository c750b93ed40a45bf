"""What is due at a closing: which accounts, and the documents each of them would be sent."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import Session, joinedload

from rental.billing.invoicing import Billable
from rental.billing.issuing import the_issuer
from rental.billing.limits import doubt_of, limits_of
from rental.billing.models import BillingItem, BillingRun, BillingSchedule, ClosingExclusion, Invoice
from rental.billing.obligations import Accounts, lines_owed_by, places_of, terms_of
from rental.billing.rules.catching_up import Document, documents_of, is_overdue
from rental.billing.rules.consolidation import Places
from rental.billing.rules.drafts import Draft, LineFacts, dues_of
from rental.billing.rules.runs import (
    ASIDE,
    ClosesAnotherDay,
    NegativeTotal,
    NotRatable,
    UnknownAccount,
    billed_as_of,
    closing_days_of,
    require_past,
)
from rental.contracts.models import Contract, Line
from rental.contracts.rules import ContractState
from rental.core.errors import DomainError
from rental.core.money import Money
from rental.core.text import narrow
from rental.customers.models import BillingAccount, Customer

# So many accounts are billed in one transaction: large enough for the database, short enough for a lease.
CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a closing would do with one account: documents, a refusal, or nothing.

    `doubt` says why the documents would be held until a person has looked at them.
    """

    account: BillingAccount
    documents: Sequence[Document] = ()
    refusal: DomainError | None = None
    doubt: DomainError | None = None

    @property
    def draft(self) -> Draft | None:
        """The last of the newest documents."""
        return self.documents[-1].draft if self.documents else None

    @property
    def total(self) -> Money:
        """What all of them ask for, with tax."""
        return sum((document.draft.totals.total for document in self.documents), Money(0))


def preview_run(
    session: Session,
    closed_on: date,
    *,
    today: date,
    account: str | None = None,
    chunk_size: int = CHUNK,
) -> list[Foreseen]:
    """What opening this closing would bill, computed as the run does it. Writes nothing.

    Raises ClosingInFuture, NoIssuer, UnknownAccount, ClosesAnotherDay.
    """
    require_past(closed_on, today=today)
    the_issuer(session)
    due = accounts_due(closed_on, only=only_account(session, account, closed_on))
    limits = limits_of(session)
    foreseen = []
    for account_ids in in_chunks(session.scalars(due).all(), chunk_size):
        for billed, owed in billables_due(session, account_ids, closed_on):
            if isinstance(owed, DomainError):
                foreseen.append(Foreseen(billed, refusal=owed))
            else:
                foreseen.append(Foreseen(billed, owed.documents, doubt=doubt_of(session, owed, limits)))
    return foreseen


def is_above_limit(session: Session, closed_on: date, *, today: date, account: str | None) -> bool:
    """Whether everything that would be billed is more than one person may let pass."""
    limit = limits_of(session).run
    if limit is None:
        return False
    foreseen = preview_run(session, closed_on, today=today, account=account)
    return sum((each.total for each in foreseen), Money(0)) > limit


def only_account(session: Session, number: str | None, closed_on: date) -> UUID | None:
    """The account with this number, when one was named."""
    if number is None:
        return None
    account = session.scalar(select(BillingAccount).where(BillingAccount.number == narrow(number).upper()))
    if account is None:
        raise UnknownAccount(account=number)
    if account.closing_day not in closing_days_of(closed_on):
        raise ClosesAnotherDay(account=number, closing_day=account.closing_day, closed_on=closed_on)
    return account.id


def accounts_due(closed_on: date, *, only: UUID | None = None) -> Select[UUID]:
    """The accounts that close on this day and have a line that is due, without those that are set aside or
    excluded from it."""
    days = closing_days_of(closed_on)
    is_due = exists().where(
        Contract.billing_account_id == BillingAccount.id,
        Contract.state == ContractState.ACTIVE,
        Line.contract_id == Contract.id,
        BillingSchedule.contract_line_id == Line.id,
        BillingSchedule.next_due_on <= billed_as_of(closed_on),
    )
    is_aside = exists().where(
        BillingItem.billing_account_id == BillingAccount.id, BillingItem.state.in_(ASIDE)
    )
    is_excluded = exists().where(
        ClosingExclusion.billing_account_id == BillingAccount.id, ClosingExclusion.closed_on == closed_on
    )
    due = (
        select(BillingAccount.id)
        .where(BillingAccount.closing_day.between(days.start, days.stop - 1), is_due)
        .where(~is_aside, ~is_excluded)
        .order_by(BillingAccount.number)
    )
    return due.where(BillingAccount.id == only) if only else due


def billables_due(
    session: Session, account_ids: Accounts, closed_on: date
) -> Iterator[tuple[BillingAccount, Billable | DomainError]]:
    """What each account owes, in the order of their numbers: that is the order of the invoices."""
    accounts = session.scalars(
        select(BillingAccount)
        .where(BillingAccount.id.in_(account_ids))
        .options(joinedload(BillingAccount.customer).load_only(Customer.name))
        .order_by(BillingAccount.number)
    ).all()
    owed = lines_owed_by(session, account_ids, closed_on=closed_on)
    places = places_of(session, accounts)
    for account in accounts:
        lines = owed.get(account.id, [])
        try:
            yield account, Billable(account, lines, documents_due(session, account, lines, closed_on, places))
        except (NotRatable, NegativeTotal) as error:
            yield account, error


def documents_due(
    session: Session, account: BillingAccount, lines: Sequence[LineFacts], closed_on: date, places: Places
) -> list[Document]:
    """The documents of one account at this closing, with those for each closing it missed.

    Raises NotRatable, NegativeTotal.
    """
    terms = terms_of(account)
    dues = dues_of(terms, lines, closed_on=closed_on)
    is_behind = any(is_overdue(due, closed_on) for due in dues)
    made = _closings_made(session, account.id, closed_on) if is_behind else ()
    return documents_of(terms, dues, closed_on=closed_on, made=made, places=places)


def _closings_made(session: Session, account_id: UUID, closed_on: date) -> set[date]:
    """The earlier closing days on which the account was billed, or somebody saw that it owed nothing."""
    own = BillingItem.billing_account_id == account_id
    runs = select(BillingRun.closed_on).join(BillingItem, BillingItem.billing_run_id == BillingRun.id)
    invoices = select(Invoice.closed_on).where(Invoice.billing_account_id == account_id)
    return {
        day
        for statement in (
            runs.where(own, BillingRun.closed_on < closed_on),
            invoices.where(Invoice.closed_on < closed_on),
        )
        for day in session.scalars(statement)
    }


def in_chunks(account_ids: Sequence[UUID], size: int) -> Iterator[Sequence[UUID]]:
    return (account_ids[first : first + size] for first in range(0, len(account_ids), size))
