"""What a credit note may take back of an invoice, and the tax of it (適格返還請求書)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from rental.billing.rules.tax import DocumentTotals, TaxBlock, TaxedAmount, TaxRate, totals_of
from rental.core.errors import Conflict, Invalid
from rental.core.money import Money, Rounding
from rental.customers.rules import PriceMode

NOTHING = Money(0)
# From this amount with tax on, the law wants a qualified return invoice (消費税法施行令 article 70-9, 3, 2).
DOCUMENT_NEEDED_FROM = Money(10_000)
REASON_MAX_LENGTH = 400


class CreditKind(StrEnum):
    """Why something is taken back."""

    PRICE_REDUCTION = "price_reduction"
    RETURN = "return"
    ERROR = "error"
    GOODWILL = "goodwill"


class CreditEffect(StrEnum):
    """What becomes of a credit: less is owed, or what was paid is paid back, or kept for later invoices."""

    REDUCE_BALANCE = "reduce_balance"
    REFUND = "refund"
    CUSTOMER_CREDIT = "customer_credit"


class NothingLeft(Conflict):
    """All of the invoice was taken back already."""

    code = "billing.nothing_left_to_credit"


class MoreThanLeft(Invalid):
    """More would be taken back than is left of a line, of a rate or of the invoice."""

    code = "billing.more_than_left"
    field = "extent"

    def __init__(self, *, asked: int, left: int, position: int | None = None) -> None:
        super().__init__(asked=asked, left=left, position=position)
        if position is not None:
            self.field = f"line_{position}"


class NothingCredited(Invalid):
    """No line has an amount, or what they have comes to nothing."""

    code = "billing.nothing_credited"
    field = "extent"


class NoSuchLine(Invalid):
    """The invoice has no such line, or one that takes something back itself."""

    code = "billing.no_such_line"
    field = "extent"

    def __init__(self, *, position: int) -> None:
        super().__init__(position=position)


class MoreThanOwed(Invalid):
    """Only what is still owed can be lowered; what was paid is paid back or kept."""

    code = "billing.more_than_owed"
    field = "effect"

    def __init__(self, *, total: int, balance: int) -> None:
        super().__init__(total=total, balance=balance)


class MoreThanPaid(Invalid):
    """Only what was paid can be paid back or kept for later."""

    code = "billing.more_than_paid"
    field = "effect"

    def __init__(self, *, total: int, paid: int) -> None:
        super().__init__(total=total, paid=paid)


class DocumentNeeded(Invalid):
    """The amount is too large for an entry in the books alone."""

    code = "billing.document_needed"
    field = "has_document"

    def __init__(self, *, total: int) -> None:
        super().__init__(total=total, limit=DOCUMENT_NEEDED_FROM.minor_units)


class LeftLine(NamedTuple):
    """A line of the invoice and what is left of it; both may be below zero."""

    id: UUID
    position: int
    rate: TaxRate
    left: Money


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of an invoice after its earlier credit notes: by line, by rate, and what was paid of it.

    `taxes` has the base and the tax that no credit note has taken back yet.
    """

    lines: Sequence[LeftLine]
    taxes: Mapping[TaxRate, TaxBlock]
    balance: Money
    paid: Money

    @property
    def total(self) -> Money:
        return DocumentTotals(tuple(self.taxes.values())).total


class CreditLine(NamedTuple):
    """An amount taken back of a line of the invoice, in the sign of that line."""

    line: LeftLine
    amount: Money


@dataclass(frozen=True, slots=True)
class Credit:
    """A credit note without its number."""

    lines: Sequence[CreditLine]
    totals: DocumentTotals


def needs_document(total: Money) -> bool:
    """Whether the law wants a document: below 10,000 yen with tax an entry in the books is enough."""
    return total >= DOCUMENT_NEEDED_FROM


def whole_credit(left: Left, *, rounding: Rounding, price_mode: PriceMode) -> Credit:
    """Everything that is left of the invoice. Raises NothingLeft."""
    lines = [CreditLine(line, line.left) for line in left.lines if line.left]
    return _credit(left, lines, rounding, price_mode)


def credit_of(
    left: Left, amounts: Mapping[int, Money], *, rounding: Rounding, price_mode: PriceMode
) -> Credit:
    """These amounts, by the position of their line. Raises NothingLeft, NoSuchLine, MoreThanLeft,
    NothingCredited."""
    lines = []
    known = {line.position: line for line in left.lines}
    for position, amount in sorted(amounts.items()):
        line = known.get(position)
        if line is None or amount < NOTHING or (amount and line.left < NOTHING):
            raise NoSuchLine(position=position)
        if amount > line.left:
            raise MoreThanLeft(asked=amount.minor_units, left=line.left.minor_units, position=position)
        if amount:
            lines.append(CreditLine(line, amount))
    return _credit(left, lines, rounding, price_mode)


def booked_by_line(credit: Credit, booked: Mapping[UUID, Money]) -> dict[UUID, Money]:
    """What a credit takes from the books of each of its lines, of which they still have so much.

    A line has less in the books than it asks for where its price holds the tax. It gives as large a share of
    the one as of the other, and all with its last yen.
    """
    return {
        line.id: booked[line.id].share(abs(amount.minor_units), of=abs(line.left.minor_units))
        for line, amount in credit.lines
    }


def _credit(left: Left, lines: Sequence[CreditLine], rounding: Rounding, price_mode: PriceMode) -> Credit:
    if not left.total:
        raise NothingLeft
    meant = totals_of(
        (TaxedAmount(each.amount, each.line.rate) for each in lines), rounding=rounding, price_mode=price_mode
    )
    blocks = tuple(_within(block, left.taxes[block.rate], price_mode) for block in meant.blocks)
    totals = DocumentTotals(blocks)
    if totals.total <= NOTHING:
        raise NothingCredited
    if totals.total > left.total:
        raise MoreThanLeft(asked=totals.total.minor_units, left=left.total.minor_units)
    return Credit(lines, totals)


def _within(block: TaxBlock, left: TaxBlock, price_mode: PriceMode) -> TaxBlock:
    """The tax of a rate, rounded once; never more than is left of it, and all of it with the last yen.

    Many small credits of an invoice would else take back more tax than it asked for, or leave some that
    nothing can take back.
    """
    amount, left_amount = block.base, left.base
    if price_mode is PriceMode.INCLUSIVE:
        amount, left_amount = block.base + block.tax, left.base + left.tax
    if amount == left_amount:
        return left
    if abs(block.tax.minor_units) <= abs(left.tax.minor_units):
        return block
    return TaxBlock(block.rate, amount - left.tax if price_mode is PriceMode.INCLUSIVE else amount, left.tax)


def require_effect(effect: CreditEffect, total: Money, left: Left) -> None:
    """A credit lowers what is owed, as far as something is; else it goes back to who paid. Raises
    MoreThanOwed, MoreThanPaid."""
    if effect is CreditEffect.REDUCE_BALANCE and total > left.balance:
        raise MoreThanOwed(total=total.minor_units, balance=left.balance.minor_units)
    if effect is not CreditEffect.REDUCE_BALANCE and total > left.paid:
        raise MoreThanPaid(total=total.minor_units, paid=left.paid.minor_units)


def require_document(total: Money, *, has_document: bool) -> None:
    """Raises DocumentNeeded where the law wants one and none is to be made."""
    if needs_document(total) and not has_document:
        raise DocumentNeeded(total=total.minor_units)


def left_of_taxes(taxes: Iterable[TaxBlock], credited: Iterable[TaxBlock]) -> dict[TaxRate, TaxBlock]:
    """What is left of each rate of an invoice after its credit notes."""
    left = {block.rate: block for block in taxes}
    for block in credited:
        before = left[block.rate]
        left[block.rate] = TaxBlock(block.rate, before.base - block.base, before.tax - block.tax)
    return left
