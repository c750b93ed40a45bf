"""Do books, invoices and payments say the same of what is owed, and of what is held for customers?"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Subquery, and_, case, cast, func, or_, select, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from rental.assurance.checks.asking import Check, Severity, rows_of
from rental.billing.book_models import JournalLine
from rental.billing.credit_models import CreditNote
from rental.billing.models import Invoice
from rental.billing.payment_models import Allocation, DepositEntry, Payment
from rental.billing.rules.credits import CreditEffect
from rental.billing.rules.journals import LedgerAccount
from rental.billing.rules.payments import AllocationKind, PaymentMethod
from rental.contracts.models import Contract
from rental.contracts.rules import ContractState
from rental.core.business_date import business_today
from rental.core.runtime import runtime
from rental.customers.models import BillingAccount

# So long after the end of a contract its deposit is offset or paid back.
_LONGEST_HELD = timedelta(days=60)


def books_apart_from_what_is_owed(session: Session, _as_of: datetime) -> list[dict[str, Any]]:
    """M5: an account whose receivables in the journal are not its open invoices, or whose advances are not
    what of its payments, and of what credit notes keep for it, settles nothing yet."""
    booked = _booked_by_account()
    owed = _sum_by_account(Invoice.balance, Invoice.billing_account_id)
    unapplied = _sum_by_account(Payment.unapplied, Payment.billing_account_id)
    receivable = func.coalesce(booked.c.receivable, 0)
    advances = func.coalesce(booked.c.advances, 0)
    open_invoices = func.coalesce(owed.c.amount, 0)
    ahead = func.coalesce(unapplied.c.amount, 0)
    statement = select(
        BillingAccount.number.label("billing_account"),
        receivable.label("receivable"),
        open_invoices.label("open_invoices"),
        advances.label("advances"),
        ahead.label("paid_ahead"),
    )
    for part in (booked, owed, unapplied):
        statement = statement.outerjoin(part, part.c.billing_account_id == BillingAccount.id)
    return rows_of(session, statement.where(or_(receivable != open_invoices, advances != ahead)))


def _total(column: InstrumentedAttribute[Any] | ColumnElement[Any]) -> ColumnElement[int]:
    """PostgreSQL adds whole numbers up to decimal ones."""
    return cast(func.sum(column), BigInteger)


def _sum_by_account(column: InstrumentedAttribute[Any], account: InstrumentedAttribute[Any]) -> Subquery:
    return (
        select(account.label("billing_account_id"), _total(column).label("amount"))
        .group_by(account)
        .subquery()
    )


def _booked_by_account() -> Subquery:
    """What the journal says that each billing account owes, and is owed."""
    sources = union_all(
        select(Invoice.id.label("source_id"), Invoice.billing_account_id),
        select(CreditNote.id, Invoice.billing_account_id).join(Invoice, Invoice.id == CreditNote.invoice_id),
        select(Payment.id, Payment.billing_account_id),
        select(Allocation.id, Invoice.billing_account_id).join(Invoice, Invoice.id == Allocation.invoice_id),
        select(DepositEntry.id, Contract.billing_account_id).join(
            Contract, Contract.id == DepositEntry.contract_id
        ),
    ).subquery()
    return (
        select(
            sources.c.billing_account_id,
            _side(LedgerAccount.RECEIVABLE).label("receivable"),
            (-_side(LedgerAccount.ADVANCE_RECEIVED)).label("advances"),
        )
        .select_from(JournalLine)
        .join(sources, sources.c.source_id == JournalLine.source_id)
        .group_by(sources.c.billing_account_id)
        .subquery()
    )


def _side(account: LedgerAccount) -> ColumnElement[int]:
    """What an account was debited more than credited."""
    amount = cast(JournalLine.amount, BigInteger)
    return _total(
        case((JournalLine.debit == account, amount), (JournalLine.credit == account, -amount), else_=0)
    )


def settled_by_more_than_there_is(session: Session, _as_of: datetime) -> list[dict[str, Any]]:
    """M6: a payment whose parts are not its amount; an invoice whose settlements, credits and balance are not
    its total; a settlement between two accounts; a credit that is kept, and is not there.

    Amounts are above zero by the database's own rule.
    """
    in_force = Allocation.taken_back_on.is_(None)
    given = (
        select(Allocation.payment_id, _total(Allocation.amount).label("amount"))
        .where(in_force, Allocation.kind == AllocationKind.CASH)
        .group_by(Allocation.payment_id)
        .subquery()
    )
    settled = (
        select(Allocation.invoice_id, _total(Allocation.amount).label("amount"))
        .where(in_force)
        .group_by(Allocation.invoice_id)
        .subquery()
    )
    credited = (
        select(CreditNote.invoice_id, _total(CreditNote.total).label("amount"))
        .where(CreditNote.effect == CreditEffect.REDUCE_BALANCE)
        .group_by(CreditNote.invoice_id)
        .subquery()
    )
    given_amount, taken_back = func.coalesce(given.c.amount, 0), func.coalesce(credited.c.amount, 0)
    arrived = case((Payment.taken_back_on.is_(None), cast(Payment.amount, BigInteger)), else_=0)
    return [
        *rows_of(
            session,
            select(
                Payment.number.label("payment"),
                Payment.amount,
                Payment.unapplied,
                given_amount.label("given"),
            )
            .outerjoin(given, given.c.payment_id == Payment.id)
            .where(arrived != given_amount + cast(Payment.unapplied, BigInteger)),
        ),
        *rows_of(
            session,
            select(
                Invoice.number.label("invoice"),
                Invoice.total,
                Invoice.balance,
                settled.c.amount.label("settled"),
                taken_back.label("credited"),
            )
            .join(settled, settled.c.invoice_id == Invoice.id)
            .outerjoin(credited, credited.c.invoice_id == Invoice.id)
            .where(
                cast(Invoice.total, BigInteger)
                != cast(Invoice.balance, BigInteger) + settled.c.amount + taken_back
            ),
        ),
        *_settled_for_others(session),
        *_kept_and_not_there(session),
    ]


def _settled_for_others(session: Session) -> list[dict[str, Any]]:
    payer = func.coalesce(Payment.billing_account_id, Contract.billing_account_id)
    return rows_of(
        session,
        select(Invoice.number.label("invoice"), Payment.number.label("payment"), Allocation.amount)
        .select_from(Allocation)
        .join(Invoice, Invoice.id == Allocation.invoice_id)
        .outerjoin(Payment, Payment.id == Allocation.payment_id)
        .outerjoin(DepositEntry, DepositEntry.id == Allocation.deposit_entry_id)
        .outerjoin(Contract, Contract.id == DepositEntry.contract_id)
        .where(Allocation.taken_back_on.is_(None), payer != Invoice.billing_account_id),
    )


def _kept_and_not_there(session: Session) -> list[dict[str, Any]]:
    is_kept = CreditNote.effect == CreditEffect.CUSTOMER_CREDIT
    waits = and_(Payment.method == PaymentMethod.CREDIT_NOTE, Payment.reference == CreditNote.number)
    return rows_of(
        session,
        select(CreditNote.number.label("credit_note"), CreditNote.total, Payment.amount)
        .join(Invoice, Invoice.id == CreditNote.invoice_id)
        .outerjoin(Payment, waits)
        .where(
            or_(
                and_(is_kept, Payment.id.is_(None)),
                and_(~is_kept, Payment.id.is_not(None)),
                Payment.amount != CreditNote.total,
                Payment.billing_account_id != Invoice.billing_account_id,
            )
        ),
    )


def deposits_apart_from_the_books(session: Session, as_of: datetime) -> list[dict[str, Any]]:
    """C7: a contract whose deposit in the journal is not what its last movement says is held, and one whose
    deposit is still held long after its end."""
    booked = (
        select(DepositEntry.contract_id, (-_side(LedgerAccount.DEPOSITS_HELD)).label("amount"))
        .join(JournalLine, JournalLine.source_id == DepositEntry.id)
        .group_by(DepositEntry.contract_id)
        .subquery()
    )
    later = aliased(DepositEntry)
    is_last = ~(
        select(later.id)
        .where(later.contract_id == DepositEntry.contract_id, later.position > DepositEntry.position)
        .exists()
    )
    ended_before = business_today(session, as_of, runtime().zone) - _LONGEST_HELD
    held = cast(DepositEntry.balance, BigInteger)
    in_books = func.coalesce(booked.c.amount, 0)
    is_over = or_(Contract.ends_on < ended_before, Contract.state == ContractState.CANCELLED)
    return rows_of(
        session,
        select(
            Contract.number.label("contract"),
            DepositEntry.balance.label("held"),
            in_books.label("booked"),
            Contract.ends_on,
        )
        .join(DepositEntry, DepositEntry.contract_id == Contract.id)
        .outerjoin(booked, booked.c.contract_id == Contract.id)
        .where(is_last, or_(in_books != held, and_(held > 0, is_over))),
    )


_BEHIND_OUR_BACK = "Somebody changed the books behind the product's back: compare with the latest backup."

PAYMENT_CHECKS = (
    Check(
        "M5",
        "Do customers owe in the journal what their open invoices say, and have paid ahead what waits?",
        _BEHIND_OUR_BACK,
        Severity.ERROR,
        books_apart_from_what_is_owed,
    ),
    Check(
        "M6",
        "Does every payment settle no more than arrived, and every invoice no more than it asked for?",
        _BEHIND_OUR_BACK,
        Severity.ERROR,
        settled_by_more_than_there_is,
    ),
    Check(
        "C7",
        "Is every deposit in the journal what is held, and given back within 60 days of a contract's end?",
        "Offset it against what is still owed and pay the rest back, on the page of the contract.",
        Severity.ERROR,
        deposits_apart_from_the_books,
    ),
)
