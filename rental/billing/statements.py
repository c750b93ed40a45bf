"""The statement of a billing account (取引の明細): what was asked for and what arrived, with the balance."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Subquery,
    cast,
    func,
    literal,
    literal_column,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import Bundle, InstrumentedAttribute, Session

from rental.billing.credit_models import CreditNote
from rental.billing.models import Invoice
from rental.billing.payment_models import Allocation, DepositEntry, Payment
from rental.billing.rules.credits import CreditEffect
from rental.billing.rules.payments import ARRIVING, AllocationKind
from rental.billing.rules.statements import EntryKind
from rental.contracts.models import Contract
from rental.core.db import Yen, text_enum
from rental.core.money import Money
from rental.core.paging import Order, Page, page_of

LATEST = 6
_EMPTY: ColumnElement[str] = literal_column("''")
# What is paid back was never the customer's balance with us: the note is shown, and moves nothing.
_EFFECTS = {
    CreditEffect.REDUCE_BALANCE: (EntryKind.CREDIT_NOTE, -1),
    CreditEffect.CUSTOMER_CREDIT: (EntryKind.CREDIT_KEPT, -1),
    CreditEffect.REFUND: (EntryKind.CREDIT_PAID_BACK, 0),
}


@dataclass(frozen=True, slots=True)
class Owing:
    """How an account stands: what of its invoices is owed, and what was paid or credited ahead of any."""

    owed: Money
    ahead: Money

    @property
    def balance(self) -> Money:
        """What the account owes altogether; below nothing, what we owe it."""
        return self.owed - self.ahead


def owing_of(session: Session, billing_account_id: UUID) -> Owing:
    """The figures that check M5 compares with the journal, and that the statement ends with."""
    owed = select(func.sum(Invoice.balance)).where(Invoice.billing_account_id == billing_account_id)
    ahead = select(func.sum(Payment.unapplied)).where(Payment.billing_account_id == billing_account_id)
    sums = [
        cast(func.coalesce(each.scalar_subquery(), 0), BigInteger).label(name)
        for name, each in (("owed", owed), ("ahead", ahead))
    ]
    row = session.execute(select(*sums)).one()
    return Owing(Money(row.owed), Money(row.ahead))


def statement_of(billing_account_id: UUID) -> tuple[Select[Any], Order]:
    """What moved the balance of the account, each with the balance after it; and the order it is read in.

    A row has `day`, `kind`, `number` of the document or payment, `about` (what it concerns, maybe empty),
    `target_id` to look it up by, `change` (above zero: asked for) and `balance`. Within a day things stand in
    the order in which they were recorded: their ids are made by time.
    """
    moves = union_all(*_moves(billing_account_id)).subquery()
    key = (moves.c.day, moves.c.id, moves.c.kind)
    after = cast(func.sum(moves.c.change).over(order_by=key), BigInteger)
    entries = select(
        *key,
        moves.c.number,
        moves.c.about,
        moves.c.target_id,
        type_coerce(moves.c.change, Yen()).label("change"),
        type_coerce(after, Yen()).label("balance"),
    ).subquery()
    return select(Bundle("entry", *entries.c)), _order_of(entries)


def latest_entries(session: Session, billing_account_id: UUID) -> Page[Any]:
    """The end of the statement, the newest first."""
    statement, order = statement_of(billing_account_id)
    newest_first = Order(order.columns, descending=True)
    return page_of(session, statement, newest_first, after=None, limit=LATEST)


def _order_of(entries: Subquery) -> Order:
    columns: Any = (entries.c.day, entries.c.id, entries.c.kind)
    return Order(columns)


def _moves(billing_account_id: UUID) -> list[Select[Any]]:
    is_of_account = Invoice.billing_account_id == billing_account_id
    return [
        _move(
            EntryKind.INVOICE, 1, Invoice.total, Invoice.id, day=Invoice.issued_on, number=Invoice.number
        ).where(is_of_account),
        *(_credits(effect).where(is_of_account) for effect in CreditEffect),
        *(each.where(Payment.billing_account_id == billing_account_id) for each in _payments()),
        *(each.where(is_of_account) for each in _fees()),
        _deposits().where(is_of_account),
    ]


def _credits(effect: CreditEffect) -> Select[Any]:
    kind, sign = _EFFECTS[effect]
    return (
        _move(
            kind,
            sign,
            CreditNote.total,
            CreditNote.id,
            day=CreditNote.issued_on,
            number=CreditNote.number,
            about=Invoice.number,
        )
        .join(Invoice, Invoice.id == CreditNote.invoice_id)
        .where(CreditNote.effect == effect)
    )


def _payments() -> Iterator[Select[Any]]:
    """The whole of each payment, whatever it settles; and that it went back. What a credit note keeps stands
    there as that note."""
    for kind, sign, day, about in (
        (EntryKind.PAYMENT, -1, Payment.received_on, Payment.reference),
        (EntryKind.PAYMENT_TAKEN_BACK, 1, Payment.taken_back_on, Payment.taken_back_for),
    ):
        yield _move(
            kind,
            sign,
            Payment.amount,
            Payment.id,
            day=day,
            number=Payment.number,
            about=func.coalesce(about, _EMPTY),
        ).where(day.is_not(None), Payment.method.in_(ARRIVING))


def _fees() -> Iterator[Select[Any]]:
    """What nobody paid, because we bear the fee of the payer's bank."""
    for kind, sign, day in (
        (EntryKind.FEE, -1, Allocation.allocated_on),
        (EntryKind.FEE_TAKEN_BACK, 1, Allocation.taken_back_on),
    ):
        yield (
            _move(
                kind,
                sign,
                Allocation.amount,
                Allocation.id,
                day=day,
                target_id=Allocation.payment_id,
                number=Payment.number,
                about=Invoice.number,
            )
            .join(Payment, Payment.id == Allocation.payment_id)
            .join(Invoice, Invoice.id == Allocation.invoice_id)
            .where(Allocation.kind == AllocationKind.FEE, day.is_not(None))
        )


def _deposits() -> Select[Any]:
    return (
        _move(
            EntryKind.DEPOSIT,
            -1,
            Allocation.amount,
            Allocation.id,
            day=Allocation.allocated_on,
            target_id=Contract.id,
            number=Contract.number,
            about=Invoice.number,
        )
        .join(Invoice, Invoice.id == Allocation.invoice_id)
        .join(DepositEntry, DepositEntry.id == Allocation.deposit_entry_id)
        .join(Contract, Contract.id == DepositEntry.contract_id)
        .where(Allocation.taken_back_on.is_(None))
    )


def _move(
    kind: EntryKind,
    sign: int,
    amount: InstrumentedAttribute[Money],
    id_: InstrumentedAttribute[UUID],
    *,
    day: InstrumentedAttribute[Any],
    number: InstrumentedAttribute[str],
    about: ColumnElement[str] | InstrumentedAttribute[str] = _EMPTY,
    target_id: InstrumentedAttribute[Any] | None = None,
) -> Select[Any]:
    """Everything of one kind; what stands in other tables than the id is still to be joined."""
    return select(
        literal(kind, text_enum(EntryKind)).label("kind"),
        day.label("day"),
        id_.label("id"),
        (id_ if target_id is None else target_id).label("target_id"),
        number.label("number"),
        about.label("about"),
        (cast(amount, BigInteger) * literal_column(str(sign))).label("change"),
    ).select_from(id_.class_)
