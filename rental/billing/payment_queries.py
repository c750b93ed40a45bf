"""Which invoices are open, what settled them, and what arrived."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import BigInteger, Select, and_, cast, func, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from rental.billing.models import Invoice
from rental.billing.payment_models import Allocation, DepositEntry, Payment
from rental.billing.rules.payments import ARRIVING, AllocationKind, OpenItem, PaymentMethod
from rental.core.money import Money
from rental.core.text import narrow
from rental.customers.models import BillingAccount

NOTHING = Money(0)
# More open invoices than this nobody settles on one page; the oldest are shown.
MOST_SHOWN = 50
_MOST_WAITING = 5


def open_invoices_of(
    session: Session, billing_account_id: UUID, *, limit: int | None = None
) -> Sequence[Invoice]:
    """The invoices of which something is owed, the longest due first."""
    return session.scalars(
        select(Invoice)
        .where(Invoice.billing_account_id == billing_account_id, Invoice.balance > NOTHING)
        .order_by(Invoice.due_on, Invoice.number)
        .limit(limit)
    ).all()


def open_item(invoice: Invoice) -> OpenItem:
    """What a rule knows of an invoice."""
    return OpenItem(invoice.id, invoice.number, invoice.balance)


def allocations_in_force(session: Session, invoice_id: UUID) -> Sequence[Allocation]:
    """What settles the invoice at present, in the order it came."""
    return session.scalars(
        select(Allocation)
        .where(Allocation.invoice_id == invoice_id, Allocation.taken_back_on.is_(None))
        .options(joinedload(Allocation.payment), joinedload(Allocation.deposit_entry))
        .order_by(Allocation.id)
    ).all()


def fees_borne(session: Session, invoice_id: UUID) -> Money:
    """What of the invoice nobody paid, because we bear the bank's fee."""
    fees = session.scalars(
        select(Allocation.amount).where(
            Allocation.invoice_id == invoice_id,
            Allocation.kind == AllocationKind.FEE,
            Allocation.taken_back_on.is_(None),
        )
    )
    return sum(fees, NOTHING)


def payments_waiting(session: Session, billing_account_id: UUID) -> Sequence[Payment]:
    """What of the account settles no invoice yet, the oldest first; a clerk needs no more than a few."""
    return session.scalars(
        select(Payment)
        .where(Payment.billing_account_id == billing_account_id, Payment.unapplied > NOTHING)
        .order_by(Payment.received_on, Payment.number)
        .limit(_MOST_WAITING)
    ).all()


def payments_matching(*, words: str = "", method: PaymentMethod | None = None) -> Select[Payment]:
    """Payments by a part of their number, their reference or who paid, in no order yet."""
    statement = select(Payment).options(joinedload(Payment.billing_account))
    if words:
        payers = select(BillingAccount.id).where(
            or_(
                BillingAccount.name.contains(words, autoescape=True),
                BillingAccount.number == narrow(words).upper(),
            )
        )
        statement = statement.where(
            or_(
                Payment.number.contains(narrow(words).upper(), autoescape=True),
                Payment.reference.contains(words, autoescape=True),
                Payment.billing_account_id.in_(payers),
            )
        )
    if method:
        statement = statement.where(Payment.method == method)
    return statement


def kept_by(session: Session, credit_note_number: str) -> Payment | None:
    """What this credit note keeps for later invoices."""
    return session.scalar(
        select(Payment).where(
            Payment.method == PaymentMethod.CREDIT_NOTE, Payment.reference == credit_note_number
        )
    )


def payment_totals(session: Session, statement: Select[Payment]) -> tuple[int, Money, Money]:
    """How many these are, what they come to together, and what of it settles nothing yet.

    What was taken back is counted, and comes to nothing; so does what a credit note keeps.
    """
    found = statement.order_by(None).subquery()
    arrived = and_(found.c.taken_back_on.is_(None), found.c.method.in_(ARRIVING))
    count, amount, unapplied = session.execute(
        select(
            func.count(),
            func.coalesce(cast(func.sum(found.c.amount).filter(arrived), BigInteger), 0),
            func.coalesce(cast(func.sum(found.c.unapplied), BigInteger), 0),
        ).select_from(found)
    ).one()
    return count, Money(amount), Money(unapplied)


def payment_with_all(session: Session, payment_id: UUID) -> Payment | None:
    """A payment with what its page shows."""
    return session.scalar(
        select(Payment)
        .where(Payment.id == payment_id)
        .options(
            joinedload(Payment.billing_account),
            selectinload(Payment.allocations).joinedload(Allocation.invoice),
        )
    )


def deposit_entries_of(session: Session, contract_id: UUID) -> Sequence[DepositEntry]:
    """What happened to the deposit of a contract, in order."""
    return session.scalars(
        select(DepositEntry).where(DepositEntry.contract_id == contract_id).order_by(DepositEntry.position)
    ).all()


def deposit_held(session: Session, contract_id: UUID) -> Money:
    """What is held for a contract at present."""
    last = session.scalar(
        select(DepositEntry.balance)
        .where(DepositEntry.contract_id == contract_id)
        .order_by(DepositEntry.position.desc())
        .limit(1)
    )
    return last or NOTHING
