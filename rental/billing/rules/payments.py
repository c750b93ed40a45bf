"""Payments: which invoices they settle (消込), what the books say of it, and what is refused."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from rental.billing.rules.allocation import by_largest_remainder
from rental.billing.rules.journals import LedgerAccount, Posting
from rental.billing.rules.tax import WHOLE, DocumentTotals, TaxBlock, TaxRate
from rental.catalog.rules import TaxClass
from rental.core.errors import Conflict, Invalid
from rental.core.money import Money, Rounding

NOTHING = Money(0)
# The series of payments, and what their numbers begin with.
NUMBERS = ("payment", "PAY")
REFERENCE_MAX_LENGTH = 100
REASON_MAX_LENGTH = 400
# What a bank takes for a transfer stays below it; a larger difference is no fee.
LARGEST_FEE = Money(1000)
UNTAXED = TaxRate(TaxClass.OUT_OF_SCOPE, 0)


class PaymentMethod(StrEnum):
    """How money reached us. By a credit note none did: it keeps what was paid before for later invoices."""

    BANK_TRANSFER = "bank_transfer"
    DIRECT_DEBIT = "direct_debit"
    CASH = "cash"
    CREDIT_NOTE = "credit_note"


ARRIVING = tuple(method for method in PaymentMethod if method is not PaymentMethod.CREDIT_NOTE)


class AllocationKind(StrEnum):
    """What settled a part of an invoice.

    A fee is what the payer's bank took off the transfer and we bear; nothing arrived for it.
    """

    CASH = "cash"
    FEE = "fee"
    DEPOSIT = "deposit"


class SettlementState(StrEnum):
    """How far an invoice is settled, by payments, deposits and credit notes together.

    It follows from the balance and is kept nowhere: whether an invoice was sent is another fact.
    """

    OPEN = "open"
    PARTLY_SETTLED = "partly_settled"
    SETTLED = "settled"


class Standing(StrEnum):
    """What is asked of invoices on a day: of which something is owed, since before that day, or nothing.

    What is overdue is open as well.
    """

    OPEN = "open"
    OVERDUE = "overdue"
    SETTLED = "settled"


class Share(NamedTuple):
    """What of a payment goes to an invoice, and the bank's fee that settles another part of it."""

    invoice_id: UUID
    cash: Money
    fee: Money = NOTHING

    @property
    def settled(self) -> Money:
        return self.cash + self.fee


class OpenItem(NamedTuple):
    """An invoice of which something is still owed."""

    invoice_id: UUID
    number: str
    balance: Money


class NothingReceived(Invalid):
    """A payment is of at least one yen."""

    code = "billing.nothing_received"
    field = "amount"


class ReceivedInFuture(Invalid):
    """Money is recorded once it is there."""

    code = "billing.received_in_future"
    field = "received_on"

    def __init__(self, *, received_on: date, today: date) -> None:
        super().__init__(received_on=received_on, today=today)


class PaymentKnown(Conflict):
    """The bank's reference stands on a payment that was recorded already."""

    code = "billing.payment_known"
    field = "reference"

    def __init__(self, *, reference: str, number: str) -> None:
        super().__init__(reference=reference, number=number)


class NotOfThisAccount(Invalid):
    """A payment settles invoices of the account that paid, and no others."""

    code = "billing.not_of_this_account"
    field = "distribution"

    def __init__(self, *, invoice: str) -> None:
        super().__init__(invoice=invoice)


class MoreThanInvoiceOwes(Invalid):
    """An invoice would be settled by more than is still owed of it."""

    code = "billing.more_than_invoice_owes"

    def __init__(self, item: OpenItem, *, asked: Money) -> None:
        super().__init__(invoice=item.number, asked=asked.minor_units, balance=item.balance.minor_units)
        self.field = f"cash_{item.invoice_id.hex}"


class MoreThanReceived(Invalid):
    """More would be given to invoices than is left of the payment."""

    code = "billing.more_than_received"

    def __init__(self, share: Share, *, asked: Money, left: Money) -> None:
        super().__init__(asked=asked.minor_units, left=left.minor_units)
        self.field = f"cash_{share.invoice_id.hex}"


class NoSuchFee(Invalid):
    """A fee goes with money for the same invoice, and no bank takes that much."""

    code = "billing.no_such_fee"

    def __init__(self, item: OpenItem, *, limit: Money) -> None:
        super().__init__(invoice=item.number, limit=limit.minor_units)
        self.field = f"fee_{item.invoice_id.hex}"


class NothingAllocated(Invalid):
    """No invoice gets anything."""

    code = "billing.nothing_allocated"
    field = "distribution"


class TakenBackAlready(Conflict):
    """The payment, or what it settled, was taken back before."""

    code = "billing.taken_back_already"


class NothingArrived(Conflict):
    """A credit note keeps it: no money arrived, so none goes back, and nobody needs a receipt."""

    code = "billing.nothing_arrived"

    def __init__(self, *, number: str) -> None:
        super().__init__(number=number)


class PaidBackSince(Conflict):
    """A credit note pays back, or keeps for later, what this payment brought: that one stands."""

    code = "billing.paid_back_since"

    def __init__(self, *, invoice: str) -> None:
        super().__init__(invoice=invoice)


class MoreThanHeld(Invalid):
    """A deposit gives no more than is held."""

    code = "billing.more_than_held"
    field = "amount"

    def __init__(self, *, asked: int, held: int) -> None:
        super().__init__(asked=asked, held=held)


class NothingToOffset(Invalid):
    """The deposit is used up, or the invoice owes less than that."""

    code = "billing.nothing_to_offset"
    field = "amount"

    def __init__(self, *, invoice: str, balance: int) -> None:
        super().__init__(invoice=invoice, balance=balance)


class NotOfThisContract(Invalid):
    """A deposit pays invoices of the account of its contract, and no others."""

    code = "billing.not_of_this_contract"
    field = "invoice_id"

    def __init__(self, *, invoice: str) -> None:
        super().__init__(invoice=invoice)


def settlement_of(*, total: Money, balance: Money) -> SettlementState:
    """How far an invoice with this balance is settled. One of nothing is settled from the start."""
    if not balance:
        return SettlementState.SETTLED
    return SettlementState.OPEN if balance == total else SettlementState.PARTLY_SETTLED


def days_overdue(*, due_on: date, balance: Money, today: date) -> int:
    """For how many days an invoice has been overdue: none on the due day itself, or when nothing is owed."""
    return max((today - due_on).days, 0) if balance else 0


def oldest_first(amount: Money, items: Iterable[OpenItem]) -> list[Share]:
    """The amount given to invoices in their order, each in full while it lasts (民法 article 488).

    What is left when nothing is owed any more belongs to no share.
    """
    shares: list[Share] = []
    for item in items:
        cash = min(amount, item.balance)
        if cash:
            shares.append(Share(item.invoice_id, cash))
            amount -= cash
    return shares


def largest_fee(method: PaymentMethod) -> Money:
    """What a bank may have taken off: nothing where no money arrived."""
    return LARGEST_FEE if method in ARRIVING else NOTHING


def require_shares(
    shares: Sequence[Share], items: Mapping[UUID, OpenItem], *, left: Money, method: PaymentMethod
) -> None:
    """Each share fits into what its invoice owes, and all of them into what is left of the payment.

    Raises NothingAllocated, MoreThanInvoiceOwes, MoreThanReceived, NoSuchFee.
    """
    if not shares:
        raise NothingAllocated
    settled: dict[UUID, Money] = {}
    for share in shares:
        item = items[share.invoice_id]
        if min(share.cash, share.fee) < NOTHING or not share.settled:
            raise NothingAllocated
        if share.fee and (not share.cash or share.fee > largest_fee(method)):
            raise NoSuchFee(item, limit=largest_fee(method))
        together = settled[share.invoice_id] = settled.get(share.invoice_id, NOTHING) + share.settled
        if together > item.balance:
            raise MoreThanInvoiceOwes(item, asked=together)
    cash = sum((share.cash for share in shares), NOTHING)
    if cash > left:
        raise MoreThanReceived(shares[-1], asked=cash, left=left)


# What the books say. Every posting is from one account to another, so nothing is ever out of balance.


def received(account: LedgerAccount, *, settled: Money, ahead: Money) -> list[Posting]:
    """Money came in: it pays what was owed, and what is more is owed to the customer (前受金)."""
    return _postings(
        (account, LedgerAccount.RECEIVABLE, settled), (account, LedgerAccount.ADVANCE_RECEIVED, ahead)
    )


def applied(amount: Money) -> list[Posting]:
    """What came before there was anything to pay is used."""
    return _postings((LedgerAccount.ADVANCE_RECEIVED, LedgerAccount.RECEIVABLE, amount))


def deposit_offset(amount: Money) -> list[Posting]:
    """What was held for the customer pays what the customer owes."""
    return _postings((LedgerAccount.DEPOSITS_HELD, LedgerAccount.RECEIVABLE, amount))


def fee_borne(fee: Money, blocks: Collection[TaxBlock], *, rounding: Rounding) -> list[Posting]:
    """The bank's fee as a discount on what was sold (売上値引), with the tax of the invoice's rates."""
    postings = []
    for block in taxed_parts(fee, blocks, rounding=rounding):
        postings += [
            Posting(debit, LedgerAccount.RECEIVABLE, amount, block.rate)
            for debit, amount in (
                (LedgerAccount.SALES_DISCOUNT, block.base),
                (LedgerAccount.TAX_RECEIVED, block.tax),
            )
            if amount
        ]
    return postings


def turned_round(postings: Iterable[Posting]) -> list[Posting]:
    """The same amounts the other way."""
    return [Posting(each.credit, each.debit, each.amount, each.rate) for each in postings]


def taxed_parts(amount: Money, blocks: Collection[TaxBlock], *, rounding: Rounding) -> list[TaxBlock]:
    """An amount with tax, shared over the rates of an invoice in proportion to what each comes to.

    All of an invoice has exactly its own taxes. A rate that was netted below zero takes no part.
    """
    if amount == DocumentTotals(tuple(blocks)).total:
        return list(blocks)
    weighed = [block for block in blocks if block.base + block.tax > NOTHING]
    shares = by_largest_remainder(amount, [(block.base + block.tax).minor_units for block in weighed])
    parts = []
    for block, share in zip(weighed, shares, strict=True):
        rate = block.rate
        tax = share.share(rate.basis_points, of=WHOLE + rate.basis_points, rounding=rounding)
        if share:
            parts.append(TaxBlock(rate, share - tax, tax))
    return parts


def _postings(*each: tuple[LedgerAccount, LedgerAccount, Money]) -> list[Posting]:
    return [Posting(debit, credit, amount, UNTAXED) for debit, credit, amount in each if amount]
