"""Reading invoices and closings."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    and_,
    case,
    cast,
    exists,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.orm import Session, aliased, joinedload, selectinload

from rental.billing.models import (
    BilledSegment,
    BilledSpan,
    BillingItem,
    BillingRun,
    BillingSchedule,
    ClosingExclusion,
    Invoice,
    InvoiceLine,
)
from rental.billing.rules.due_dates import closing_on
from rental.billing.rules.payments import Standing
from rental.billing.rules.runs import ASIDE, InvoiceState, ItemState, RunState, run_state
from rental.contracts.models import Contract, Line, Placement
from rental.contracts.rules import ContractState
from rental.core.money import Money
from rental.core.text import narrow
from rental.customers.models import BillingAccount

SHOWN_AT_MOST = 200
LATEST = 6
# The closing before lies this many days back at most, whichever months they are.
LONGEST_MONTH = timedelta(days=31)
NOTHING = Money(0)


# Written out, not as a parameter: only so does either database see that ix_invoice_owed answers it.
IS_OWED = Invoice.balance > literal_column("0")


def invoices_matching(
    *,
    words: str = "",
    state: InvoiceState | None = None,
    closed_on: date | None = None,
    standing: Standing | None = None,
    on: date,
) -> Select[Invoice]:
    """Invoices in no order yet whose number or recipient has the words, or which are of the billing account
    or contract with exactly this number; and which stand like this on a day."""
    statement = select(Invoice)
    if words:
        number = narrow(words).upper()
        accounts = select(BillingAccount.id).where(BillingAccount.number == number)
        statement = statement.where(
            or_(
                Invoice.number.contains(number, autoescape=True),
                Invoice.recipient_name.contains(words, autoescape=True),
                Invoice.billing_account_id.in_(accounts),
                Invoice.id.in_(_charging(Contract.number == number)),
            )
        )
    if state:
        statement = statement.where(Invoice.state == state)
    if closed_on:
        statement = statement.where(Invoice.closed_on == closed_on)
    if standing:
        statement = statement.where(_stands(standing, on))
    return statement


def _stands(standing: Standing, on: date) -> ColumnElement[bool]:
    match standing:
        case Standing.OPEN:
            return IS_OWED
        case Standing.OVERDUE:
            return and_(IS_OWED, Invoice.due_on < on)
        case Standing.SETTLED:
            return Invoice.balance == literal_column("0")


@dataclass(frozen=True, slots=True)
class InvoiceTotals:
    """What a list of invoices adds up to: what was asked for, what of it is owed, what of that is overdue."""

    invoice_count: int
    total: Money
    owed: Money
    overdue: Money


def invoice_totals(session: Session, statement: Select[Invoice], *, on: date) -> InvoiceTotals:
    """The sums over every invoice of the statement, not only over a page."""
    rows = (
        statement.with_only_columns(Invoice.id, Invoice.total, Invoice.balance, Invoice.due_on)
        .order_by(None)
        .subquery()
    )
    overdue = case((rows.c.due_on < on, cast(rows.c.balance, BigInteger)), else_=0)
    sums = (
        func.coalesce(cast(func.sum(each), BigInteger), 0) for each in (rows.c.total, rows.c.balance, overdue)
    )
    count, *amounts = session.execute(select(func.count(), *sums).select_from(rows)).one()
    return InvoiceTotals(count, *map(Money, amounts))


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
            joinedload(Invoice.document),
            selectinload(Invoice.lines).joinedload(InvoiceLine.contract_line),
        )
    )


def invoices_of_account(session: Session, billing_account_id: UUID) -> Sequence[Invoice]:
    """The latest invoices of a billing account, latest first."""
    return _latest(session, Invoice.billing_account_id == billing_account_id)


def invoices_of_customer(session: Session, customer_id: UUID) -> Sequence[Invoice]:
    """The latest invoices of all billing accounts of a customer, latest first."""
    accounts = select(BillingAccount.id).where(BillingAccount.customer_id == customer_id)
    return _latest(session, Invoice.billing_account_id.in_(accounts))


def invoices_of_contract(session: Session, contract_id: UUID) -> Sequence[Invoice]:
    """The latest invoices that charge a line of the contract, latest first."""
    return _latest(session, Invoice.id.in_(_charging(Line.contract_id == contract_id)))


def invoices_of_unit(session: Session, unit_id: UUID) -> Sequence[Invoice]:
    """The latest invoices that charge a slot which the unit had come into by then, latest first."""
    issued = aliased(Invoice)
    charging = (
        select(InvoiceLine.invoice_id)
        .join(BilledSegment, BilledSegment.invoice_line_id == InvoiceLine.id)
        .join(BilledSpan, BilledSpan.billed_segment_id == BilledSegment.id)
        .join(Placement, Placement.slot_id == BilledSpan.slot_id)
        .join(issued, issued.id == InvoiceLine.invoice_id)
        .where(Placement.unit_id == unit_id, Placement.placed_at <= issued.finalised_at)
    )
    return _latest(session, Invoice.id.in_(charging))


def _charging(*conditions: ColumnElement[bool]) -> Select[UUID]:
    """The invoices with a line of contract lines like these."""
    return (
        select(InvoiceLine.invoice_id)
        .join(Line, Line.id == InvoiceLine.contract_line_id)
        .join(Contract, Contract.id == Line.contract_id)
        .where(*conditions)
    )


def _latest(session: Session, condition: ColumnElement[bool]) -> Sequence[Invoice]:
    return session.scalars(
        select(Invoice).where(condition).order_by(Invoice.number.desc()).limit(LATEST)
    ).all()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a closing is, from the states of its accounts, and what it has invoiced.

    What was sent counts as drawn, whoever drew it.
    """

    counts: dict[ItemState, int]
    invoice_count: int = 0
    drawn_count: int = 0
    sent_count: int = 0
    total: Money = NOTHING
    is_stopped: bool = False
    awaits_approval: bool = False
    is_draft: bool = False

    @property
    def is_moving(self) -> bool:
        """Whether accounts wait to be billed, or invoices to be drawn."""
        if self.drawn_count < self.invoice_count:
            return True
        is_held_up = self.is_stopped or self.awaits_approval or self.is_draft
        return self.counts[ItemState.TODO] > 0 and not is_held_up

    @property
    def state(self) -> RunState:
        return run_state(
            todo=self.counts[ItemState.TODO],
            aside=sum(self.counts[state] for state in ASIDE),
            is_stopped=self.is_stopped,
            awaits_approval=self.awaits_approval,
            is_draft=self.is_draft,
        )

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
    is_sent = Invoice.state == InvoiceState.SENT
    sums = {
        run_id: (count, drawn, sent, Money(total))
        for run_id, count, drawn, sent, total in session.execute(
            select(
                Invoice.billing_run_id,
                func.count(),
                func.count(case((is_sent | Invoice.document_id.is_not(None), 1))),
                func.count(case((is_sent, 1))),
                cast(func.sum(Invoice.total), BigInteger),
            )
            .where(Invoice.billing_run_id.in_(run_ids))
            .group_by(Invoice.billing_run_id)
        )
    }
    runs = session.execute(
        select(
            BillingRun.id, BillingRun.stopped_at, BillingRun.awaits_approval, BillingRun.drafts_until
        ).where(BillingRun.id.in_(run_ids))
    )
    return {
        run_id: Progress(
            counts[run_id],
            *sums.get(run_id, (0, 0, 0, NOTHING)),
            is_stopped=stopped_at is not None,
            awaits_approval=awaits_approval,
            is_draft=drafts_until is not None,
        )
        for run_id, stopped_at, awaits_approval, drafts_until in runs
    }


def parked_items(session: Session, run_id: UUID) -> Sequence[BillingItem]:
    """The accounts of a closing that cannot be billed and wait for a person to mend the cause."""
    return _items_in(session, run_id, ItemState.PARKED)


def held_items(session: Session, run_id: UUID) -> Sequence[BillingItem]:
    """The accounts of a closing that are not billed before a person has looked at them."""
    return _items_in(session, run_id, ItemState.HELD)


def _items_in(session: Session, run_id: UUID, state: ItemState) -> Sequence[BillingItem]:
    return session.scalars(
        select(BillingItem)
        .where(BillingItem.billing_run_id == run_id, BillingItem.state == state)
        .options(joinedload(BillingItem.billing_account), joinedload(BillingItem.contract))
        .order_by(BillingItem.finished_at, BillingItem.id)
        .limit(SHOWN_AT_MOST)
    ).all()


def closing_of(session: Session, closed_on: date) -> BillingRun | None:
    """The closing of this day, if it was opened."""
    return session.scalar(select(BillingRun).where(BillingRun.closed_on == closed_on))


def days_to_close(session: Session) -> dict[date, int]:
    """The closing days on which something falls due, in order, and how many accounts that concerns.

    Without those that a closing is billing just now, and those that are parked and wait for a person. One
    that was excluded from a closing falls due on its next.
    """
    is_in_hand = exists().where(
        BillingItem.billing_account_id == BillingAccount.id, BillingItem.state != ItemState.DONE
    )
    excluded_on = (
        select(func.max(ClosingExclusion.closed_on))
        .where(ClosingExclusion.billing_account_id == BillingAccount.id)
        .scalar_subquery()
    )
    first_due = (
        select(
            BillingAccount.closing_day,
            func.min(BillingSchedule.next_due_on).label("due_on"),
            excluded_on.label("excluded_on"),
        )
        .join(Contract, Contract.billing_account_id == BillingAccount.id)
        .join(Line, Line.contract_id == Contract.id)
        .join(BillingSchedule, BillingSchedule.contract_line_id == Line.id)
        .where(Contract.state == ContractState.ACTIVE, ~is_in_hand)
        .group_by(BillingAccount.id, BillingAccount.closing_day)
        .subquery()
    )
    counts: dict[date, int] = defaultdict(int)
    key = (first_due.c.closing_day, first_due.c.due_on, first_due.c.excluded_on)
    for closing_day, due_on, left_out_on, count in session.execute(select(*key, func.count()).group_by(*key)):
        day = closing_on(due_on - timedelta(days=1), closing_day)
        if left_out_on and left_out_on >= day:
            day = closing_on(left_out_on + timedelta(days=1), closing_day)
        counts[day] += count
    return dict(sorted(counts.items()))


def total_before(session: Session, run: BillingRun) -> Money:
    """What the accounts of a closing were asked for by the closing before."""
    accounts = select(BillingItem.billing_account_id).where(BillingItem.billing_run_id == run.id)
    total = session.scalar(
        select(cast(func.sum(Invoice.total), BigInteger)).where(
            Invoice.billing_account_id.in_(accounts),
            Invoice.closed_on < run.closed_on,
            Invoice.closed_on >= run.closed_on - LONGEST_MONTH,
        )
    )
    return Money(total or 0)
