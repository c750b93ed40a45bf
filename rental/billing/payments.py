"""Payments: recorded, given to the invoices they settle (消込), taken back (組戻し)."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from rental.billing.bookkeeping import book
from rental.billing.credit_notes import what_is_left
from rental.billing.models import Invoice, InvoiceTax
from rental.billing.payment_models import Allocation, Payment
from rental.billing.payment_queries import open_invoices_of, open_item
from rental.billing.rules.journals import JournalKind, JournalSource, LedgerAccount, Posting
from rental.billing.rules.payments import (
    NOTHING,
    NUMBERS,
    REASON_MAX_LENGTH,
    REFERENCE_MAX_LENGTH,
    AllocationKind,
    NothingAllocated,
    NothingArrived,
    NothingReceived,
    NotOfThisAccount,
    PaidBackSince,
    PaymentKnown,
    PaymentMethod,
    ReceivedInFuture,
    Share,
    TakenBackAlready,
    applied,
    fee_borne,
    oldest_first,
    received,
    require_shares,
    turned_round,
)
from rental.billing.rules.tax import TaxBlock, TaxRate
from rental.core.db import found
from rental.core.ids import new_id
from rental.core.money import Money
from rental.core.numbering import number_of_year
from rental.core.text import narrow, tidy
from rental.core.uow import UnitOfWork, locked
from rental.customers.models import BillingAccount
from rental.customers.rules import TooLong, require_line

_BOOKED_ON = {
    PaymentMethod.BANK_TRANSFER: LedgerAccount.BANK,
    PaymentMethod.DIRECT_DEBIT: LedgerAccount.BANK,
    PaymentMethod.CASH: LedgerAccount.CASH,
}


def record_payment(
    uow: UnitOfWork,
    billing_account_id: UUID,
    *,
    received_on: date,
    amount: Money,
    method: PaymentMethod,
    reference: str = "",
    shares: Sequence[Share] | None = None,
) -> Payment:
    """Money arrived. It settles these invoices of the account; without shares those longest due, in full
    while it lasts. What is left belongs to the customer until it is applied.

    Raises NothingReceived, ReceivedInFuture, PaymentKnown, TooLong, and what apply_payment raises.
    """
    account = found(uow.session, BillingAccount, billing_account_id)
    reference = narrow(tidy(reference))
    _require_payment(uow, received_on, amount, method, reference)
    proposed = None if shares is None else {share.invoice_id for share in shares}
    invoices = _locked_invoices(uow, account.id, proposed)
    if shares is None:
        shares = oldest_first(amount, map(open_item, invoices))
    if shares:
        _require_fitting(account.id, invoices, shares, left=amount, method=method)

    settled = sum((share.cash for share in shares), NOTHING)
    payment = Payment(
        id=new_id(),
        number=number_of_year(uow, *NUMBERS),
        billing_account_id=account.id,
        received_on=received_on,
        amount=amount,
        unapplied=amount - settled,
        method=method,
        reference=reference or None,
        recorded_at=uow.now,
    )
    uow.session.add(payment)
    uow.session.flush()
    fees: list[Posting] = []
    for allocation in _allocate(uow, payment, invoices, shares):
        if allocation.kind is AllocationKind.FEE:
            fees += _fee_postings(uow.session, allocation)
    postings = [*received(_BOOKED_ON[method], settled=settled, ahead=payment.unapplied), *fees]
    book(uow, JournalSource.PAYMENT, payment.id, JournalKind.RECEIPT, received_on, postings)
    return payment


def apply_payment(uow: UnitOfWork, payment_id: UUID, shares: Sequence[Share]) -> Payment:
    """What is left of a payment settles these invoices of the account.

    Raises TakenBackAlready, NotOfThisAccount, NothingAllocated, MoreThanInvoiceOwes, MoreThanReceived,
    NoSuchFee.
    """
    payment = _locked_payment(uow, payment_id)
    if not shares:
        raise NothingAllocated
    invoices = _locked_invoices(uow, payment.billing_account_id, {share.invoice_id for share in shares})
    _require_fitting(
        payment.billing_account_id, invoices, shares, left=payment.unapplied, method=payment.method
    )

    payment.unapplied = payment.unapplied - sum((share.cash for share in shares), NOTHING)
    for allocation in _allocate(uow, payment, invoices, shares):
        is_fee = allocation.kind is AllocationKind.FEE
        postings = _fee_postings(uow.session, allocation) if is_fee else applied(allocation.amount)
        book(uow, JournalSource.ALLOCATION, allocation.id, JournalKind.APPLICATION, uow.today, postings)
    return payment


def release_invoice(uow: UnitOfWork, payment_id: UUID, invoice_id: UUID, *, reason: str) -> Payment:
    """The payment settles this invoice no longer: the invoice is owed again, the money waits for another.

    Raises TakenBackAlready, PaidBackSince, Missing, TooLong.
    """
    payment = _locked_payment(uow, payment_id)
    reason = _reason(uow, reason)
    invoice = locked(uow, Invoice, invoice_id)
    allocations = [each for each in _in_force(uow.session, payment.id) if each.invoice_id == invoice.id]
    if not allocations:
        raise TakenBackAlready

    _take_back(uow, payment, [invoice], allocations)
    for allocation in allocations:
        is_fee = allocation.kind is AllocationKind.FEE
        postings = _fee_postings(uow.session, allocation) if is_fee else applied(allocation.amount)
        book(
            uow,
            JournalSource.ALLOCATION,
            allocation.id,
            JournalKind.RELEASE,
            uow.today,
            turned_round(postings),
        )
        if not is_fee:
            payment.unapplied = payment.unapplied + allocation.amount
    uow.session.flush()
    return payment


def take_back_payment(uow: UnitOfWork, payment_id: UUID, *, reason: str) -> Payment:
    """The bank took the money back, or it never was ours: all it settled is owed again.

    Raises TakenBackAlready, NothingArrived, PaidBackSince, Missing, TooLong.
    """
    payment = _locked_payment(uow, payment_id)
    if payment.is_kept_credit:
        raise NothingArrived(number=payment.number)
    reason = _reason(uow, reason)
    allocations = _in_force(uow.session, payment.id)
    ids = sorted({each.invoice_id for each in allocations})
    invoices = [locked(uow, Invoice, invoice_id) for invoice_id in ids]

    _take_back(uow, payment, invoices, allocations)
    settled = sum((each.amount for each in allocations if each.kind is AllocationKind.CASH), NOTHING)
    postings = received(_BOOKED_ON[payment.method], settled=settled, ahead=payment.unapplied)
    for allocation in allocations:
        if allocation.kind is AllocationKind.FEE:
            postings += _fee_postings(uow.session, allocation)
    book(
        uow,
        JournalSource.PAYMENT,
        payment.id,
        JournalKind.REVERSAL,
        uow.today,
        turned_round(postings),
    )
    payment.unapplied = NOTHING
    payment.taken_back_on, payment.taken_back_for = uow.today, reason
    uow.session.flush()
    return payment


def _require_payment(
    uow: UnitOfWork, received_on: date, amount: Money, method: PaymentMethod, reference: str
) -> None:
    if amount <= NOTHING or method not in _BOOKED_ON:
        raise NothingReceived
    if received_on > uow.today:
        raise ReceivedInFuture(received_on=received_on, today=uow.today)
    if len(reference) > REFERENCE_MAX_LENGTH:
        raise TooLong("reference", maximum=REFERENCE_MAX_LENGTH)
    known = uow.session.scalar(
        select(Payment.number).where(
            Payment.method == method, Payment.reference == reference, Payment.taken_back_on.is_(None)
        )
    )
    if reference and known:
        raise PaymentKnown(reference=reference, number=known)


def _reason(uow: UnitOfWork, reason: str) -> str:
    reason = tidy(reason)
    require_line(reason, "reason", REASON_MAX_LENGTH)
    uow.because(reason)
    return reason


def _locked_payment(uow: UnitOfWork, payment_id: UUID) -> Payment:
    """A payment in force. It is always locked before the invoices."""
    payment = locked(uow, Payment, payment_id)
    if payment.taken_back_on is not None:
        raise TakenBackAlready
    return payment


def _locked_invoices(
    uow: UnitOfWork, billing_account_id: UUID, wanted: Collection[UUID] | None
) -> list[Invoice]:
    """These invoices, or all that are open, as they are now; the longest due first.

    Locked in the order of their ids: whoever settles the same ones waits, and nobody waits in a circle.
    """
    if wanted is None:
        wanted = [invoice.id for invoice in open_invoices_of(uow.session, billing_account_id)]
    invoices = [locked(uow, Invoice, invoice_id) for invoice_id in sorted(wanted)]
    return sorted(invoices, key=lambda invoice: (invoice.due_on, invoice.number))


def _require_fitting(
    billing_account_id: UUID,
    invoices: Iterable[Invoice],
    shares: Sequence[Share],
    *,
    left: Money,
    method: PaymentMethod,
) -> None:
    items = {}
    for invoice in invoices:
        if invoice.billing_account_id != billing_account_id:
            raise NotOfThisAccount(invoice=invoice.number)
        items[invoice.id] = open_item(invoice)
    require_shares(shares, items, left=left, method=method)


def _allocate(
    uow: UnitOfWork, payment: Payment, invoices: Iterable[Invoice], shares: Iterable[Share]
) -> list[Allocation]:
    """Less is owed of each invoice by its share, and the books of settlements say by what."""
    known = {invoice.id: invoice for invoice in invoices}
    allocations = []
    for share in shares:
        invoice = known[share.invoice_id]
        invoice.balance = invoice.balance - share.settled
        for kind, amount in ((AllocationKind.CASH, share.cash), (AllocationKind.FEE, share.fee)):
            if amount:
                allocations.append(
                    Allocation(
                        id=new_id(),
                        invoice_id=invoice.id,
                        payment_id=payment.id,
                        kind=kind,
                        amount=amount,
                        allocated_on=uow.today,
                    )
                )
        _note(uow, "settled", invoice, payment, share.settled)
    uow.session.add_all(allocations)
    uow.session.flush()
    return allocations


def _take_back(
    uow: UnitOfWork, payment: Payment, invoices: Sequence[Invoice], allocations: Sequence[Allocation]
) -> None:
    """What these settled is owed again. Raises PaidBackSince."""
    back: dict[UUID, Money] = defaultdict(lambda: NOTHING)
    cash: dict[UUID, Money] = defaultdict(lambda: NOTHING)
    for allocation in allocations:
        back[allocation.invoice_id] += allocation.amount
        if allocation.kind is AllocationKind.CASH:
            cash[allocation.invoice_id] += allocation.amount
    for invoice in invoices:
        if cash[invoice.id] > what_is_left(uow.session, invoice).paid:
            raise PaidBackSince(invoice=invoice.number)
    for allocation in allocations:
        allocation.taken_back_on = uow.today
    for invoice in invoices:
        invoice.balance = invoice.balance + back[invoice.id]
        _note(uow, "reopened", invoice, payment, back[invoice.id])
    uow.session.flush()


def _in_force(session: Session, payment_id: UUID) -> Sequence[Allocation]:
    return session.scalars(
        select(Allocation)
        .where(Allocation.payment_id == payment_id, Allocation.taken_back_on.is_(None))
        .order_by(Allocation.id)
    ).all()


def _fee_postings(session: Session, allocation: Allocation) -> list[Posting]:
    invoice = session.get_one(Invoice, allocation.invoice_id)
    return fee_borne(allocation.amount, taxes_of(session, invoice.id), rounding=invoice.tax_rounding)


def taxes_of(session: Session, invoice_id: UUID) -> list[TaxBlock]:
    """What stands on an invoice by rate, from the highest down."""
    rows = session.scalars(
        select(InvoiceTax)
        .where(InvoiceTax.invoice_id == invoice_id)
        .order_by(InvoiceTax.rate_bp.desc(), InvoiceTax.tax_class)
    )
    return [TaxBlock(TaxRate(row.tax_class, row.rate_bp), row.base, row.tax) for row in rows]


def _note(uow: UnitOfWork, action: str, invoice: Invoice, payment: Payment, amount: Money) -> None:
    """Invoices are not audited by themselves."""
    uow.record(
        action,
        entity=Invoice.__tablename__,
        entity_id=invoice.id,
        payment=payment.number,
        amount=amount,
        balance=invoice.balance,
    )
