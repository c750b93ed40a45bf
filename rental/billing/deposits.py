"""Deposits (保証金) of contracts: received, offset against what is owed, paid back."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select

from rental.billing.book_models import Document
from rental.billing.bookkeeping import book
from rental.billing.issuing import the_issuer
from rental.billing.models import Invoice
from rental.billing.payment_models import Allocation, DepositEntry
from rental.billing.register import Paper, issue_paper, recipient_of
from rental.billing.rules.deposits import DepositKind, settle
from rental.billing.rules.journals import JournalKind, JournalSource, LedgerAccount, Posting
from rental.billing.rules.papers import PaperKind, Template
from rental.billing.rules.payments import (
    NOTHING,
    UNTAXED,
    AllocationKind,
    MoreThanHeld,
    NothingReceived,
    NothingToOffset,
    NotOfThisContract,
    ReceivedInFuture,
)
from rental.contracts.models import Contract
from rental.core.ids import new_id
from rental.core.money import Money
from rental.core.numbering import number_of_year
from rental.core.uow import UnitOfWork, locked

SERIES = "deposit_receipt"
_BOOKED = {
    DepositKind.RECEIVED: (LedgerAccount.BANK, LedgerAccount.DEPOSITS_HELD),
    DepositKind.OFFSET: (LedgerAccount.DEPOSITS_HELD, LedgerAccount.RECEIVABLE),
    DepositKind.REFUNDED: (LedgerAccount.DEPOSITS_HELD, LedgerAccount.BANK),
}


def receive_deposit(uow: UnitOfWork, contract_id: UUID, *, amount: Money, received_on: date) -> DepositEntry:
    """The customer left a deposit, which stays the customer's; a note that we hold it (預り証) is issued.

    Raises NothingReceived, ReceivedInFuture, NoIssuer.
    """
    contract = locked(uow, Contract, contract_id)
    entry = _enter(uow, contract, DepositKind.RECEIVED, amount, received_on)
    _issue_note(uow, contract, entry)
    return entry


def offset_deposit(
    uow: UnitOfWork, contract_id: UUID, *, invoice_id: UUID, amount: Money | None = None
) -> DepositEntry:
    """The deposit pays an invoice of the contract's account: so much of it, or as far as it goes.

    Raises NothingToOffset, MoreThanHeld, NotOfThisContract.
    """
    contract = locked(uow, Contract, contract_id)
    invoice = locked(uow, Invoice, invoice_id)
    if invoice.billing_account_id != contract.billing_account_id:
        raise NotOfThisContract(invoice=invoice.number)
    amount = settle(_held(uow, contract.id), invoice.balance).offset if amount is None else amount
    if amount > invoice.balance or amount <= NOTHING:
        raise NothingToOffset(invoice=invoice.number, balance=invoice.balance.minor_units)

    entry = _enter(uow, contract, DepositKind.OFFSET, amount, uow.today)
    invoice.balance = invoice.balance - amount
    uow.session.add(
        Allocation(
            id=new_id(),
            invoice_id=invoice.id,
            deposit_entry_id=entry.id,
            kind=AllocationKind.DEPOSIT,
            amount=amount,
            allocated_on=uow.today,
        )
    )
    uow.session.flush()
    uow.record(
        "settled",
        entity=Invoice.__tablename__,
        entity_id=invoice.id,
        contract=contract.number,
        amount=amount,
        balance=invoice.balance,
    )
    return entry


def refund_deposit(uow: UnitOfWork, contract_id: UUID, *, amount: Money, refunded_on: date) -> DepositEntry:
    """What is held goes back to the customer. Raises NothingReceived, ReceivedInFuture, MoreThanHeld."""
    contract = locked(uow, Contract, contract_id)
    return _enter(uow, contract, DepositKind.REFUNDED, amount, refunded_on)


def _held(uow: UnitOfWork, contract_id: UUID) -> Money:
    last = _last(uow, contract_id)
    return last.balance if last else NOTHING


def _last(uow: UnitOfWork, contract_id: UUID) -> DepositEntry | None:
    return uow.session.scalars(
        select(DepositEntry)
        .where(DepositEntry.contract_id == contract_id)
        .order_by(DepositEntry.position.desc())
        .limit(1)
    ).one_or_none()


def _enter(
    uow: UnitOfWork, contract: Contract, kind: DepositKind, amount: Money, entered_on: date
) -> DepositEntry:
    """The next movement; its contract is locked, and the database takes none below nothing."""
    if amount <= NOTHING:
        raise NothingReceived
    if entered_on > uow.today:
        raise ReceivedInFuture(received_on=entered_on, today=uow.today)
    last = _last(uow, contract.id)
    before = last.balance if last else NOTHING
    after = before + amount if kind is DepositKind.RECEIVED else before - amount
    if after < NOTHING:
        raise MoreThanHeld(asked=amount.minor_units, held=before.minor_units)
    entry = DepositEntry(
        id=new_id(),
        contract_id=contract.id,
        position=last.position + 1 if last else 1,
        kind=kind,
        amount=amount,
        balance=after,
        entered_on=entered_on,
        recorded_at=uow.now,
    )
    uow.session.add(entry)
    uow.session.flush()
    debit, credit = _BOOKED[kind]
    posting = Posting(debit, credit, amount, UNTAXED)
    book(uow, JournalSource.DEPOSIT_ENTRY, entry.id, JournalKind.DEPOSIT, entered_on, [posting])
    return entry


def _issue_note(uow: UnitOfWork, contract: Contract, entry: DepositEntry) -> Document:
    """It is no invoice: nothing on it was sold, and no tax is in it."""
    number = number_of_year(uow, SERIES, "DR")
    snapshot: dict[str, Any] = {
        "form": 1,
        "number": number,
        "issued_on": uow.today.isoformat(),
        "received_on": entry.entered_on.isoformat(),
        "contract": contract.number,
        "amount": entry.amount.minor_units,
        "held": entry.balance.minor_units,
        "issuer": the_issuer(uow.session),
        "recipient": recipient_of(contract.billing_account),
    }
    paper = Paper(
        PaperKind.DEPOSIT_RECEIPT,
        Template.DEPOSIT_RECEIPT,
        number,
        entry.id,
        entry.amount,
        uow.today,
        snapshot,
    )
    return issue_paper(uow, contract.billing_account, paper)
