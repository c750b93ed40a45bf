"""What an invoice or a credit note says in the company's books (仕訳), each step balanced by itself."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from enum import StrEnum
from functools import cache
from typing import NamedTuple

from rental.billing.rules.charges import Charge, ChargeKind
from rental.billing.rules.document_lines import DocumentLine
from rental.billing.rules.revenue import Earned, RevenueRule, credited, revenue_schedule
from rental.billing.rules.tax import TaxBlock, TaxedAmount, TaxRate, without_tax
from rental.catalog.rules import TaxClass
from rental.core.money import Money, Rounding
from rental.core.periods import Period
from rental.customers.rules import PriceMode

NOTHING = Money(0)


class LedgerAccount(StrEnum):
    """What an account of the books is for; what it is called there is a setting."""

    RECEIVABLE = "receivable"
    SALES = "sales"
    OTHER_INCOME = "other_income"
    CONTRACT_LIABILITY = "contract_liability"
    TAX_RECEIVED = "tax_received"
    REFUNDS_PAYABLE = "refunds_payable"
    ADVANCE_RECEIVED = "advance_received"
    BANK = "bank"
    CASH = "cash"
    SALES_DISCOUNT = "sales_discount"
    DEPOSITS_HELD = "deposits_held"


class JournalSource(StrEnum):
    """What an entry follows from."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    PAYMENT = "payment"
    ALLOCATION = "allocation"
    DEPOSIT_ENTRY = "deposit_entry"


class JournalKind(StrEnum):
    """What an entry records of its source; each once. What was paid ahead is a sale month by month."""

    SALE = "sale"
    RETURN = "return"
    RECEIPT = "receipt"
    APPLICATION = "application"
    RELEASE = "release"
    REVERSAL = "reversal"
    DEPOSIT = "deposit"


class Posting(NamedTuple):
    """An amount above zero that one account is debited and another credited: it cannot be out of balance."""

    debit: LedgerAccount
    credit: LedgerAccount
    amount: Money
    rate: TaxRate


# What a line is worth before tax, by its rate and the account it belongs to.
Nets = Mapping[tuple[TaxRate, LedgerAccount], Money]

_RULES = {
    ChargeKind.RECURRING: RevenueRule.OVER_TIME_DAILY,
    ChargeKind.OVERRUN: RevenueRule.OVER_TIME_DAILY,
    ChargeKind.ONE_OFF: RevenueRule.POINT_IN_TIME,
    ChargeKind.PENALTY: RevenueRule.POINT_IN_TIME,
    ChargeKind.USAGE: RevenueRule.USAGE,
}


def income_account(charge: Charge, *, as_of: date) -> LedgerAccount:
    """Where the amount of a line is booked: what is paid for days still to come is owed to the customer.

    `as_of` is the day after the closing. Damages are no sale.
    """
    if charge.kind is ChargeKind.PENALTY and charge.tax_class is TaxClass.OUT_OF_SCOPE:
        return LedgerAccount.OTHER_INCOME
    is_over_time = _RULES[charge.kind] is RevenueRule.OVER_TIME_DAILY
    return (
        LedgerAccount.CONTRACT_LIABILITY if is_over_time and charge.used.end > as_of else LedgerAccount.SALES
    )


def sale(nets: Nets, blocks: Iterable[TaxBlock]) -> list[Posting]:
    """The customer owes what was supplied, and the tax on it; a rate netted below zero turns round."""
    return [
        _posting(LedgerAccount.RECEIVABLE, account, amount, rate)
        for account, amount, rate in _amounts(nets, blocks)
    ]


def taken_back(nets: Nets, blocks: Iterable[TaxBlock], *, owed: LedgerAccount) -> list[Posting]:
    """A credit of these amounts: the sale turned round, against what the customer owes or gets."""
    return [_posting(account, owed, amount, rate) for account, amount, rate in _amounts(nets, blocks)]


def recognised(amounts: Mapping[TaxRate, Money]) -> list[Posting]:
    """What was owed to the customer is supplied now, and a sale; what was taken back of it is none."""
    return [
        _posting(LedgerAccount.CONTRACT_LIABILITY, LedgerAccount.SALES, amount, rate)
        for rate, amount in amounts.items()
        if amount
    ]


def _amounts(nets: Nets, blocks: Iterable[TaxBlock]) -> Iterator[tuple[LedgerAccount, Money, TaxRate]]:
    """What is booked where, without the tax and then the tax; nothing that comes to nothing."""
    for (rate, account), net in nets.items():
        if net:
            yield account, net, rate
    for block in blocks:
        if block.tax:
            yield LedgerAccount.TAX_RECEIVED, block.tax, block.rate


def _posting(debit: LedgerAccount, credit: LedgerAccount, amount: Money, rate: TaxRate) -> Posting:
    if amount < NOTHING:
        return Posting(credit, debit, -amount, rate)
    return Posting(debit, credit, amount, rate)


def earned_by(line: DocumentLine) -> dict[date, Money]:
    """The months in which a line is earned, by their first days; together exactly its amount."""
    charge = line.entry.charge
    if not line.remaining and (month := _only_month(charge.used)):
        return {month: line.amount} if line.amount else {}
    found: dict[date, Money] = {}
    for amount, part in [(line.entry.amount, charge), *((each.amount, each) for each in line.remaining)]:
        for month, earned in revenue_schedule(amount, part.used, _RULES[part.kind]):
            found[month] = found.get(month, NOTHING) + earned
    return {month: amount for month, amount in sorted(found.items()) if amount}


def earned_without_tax(
    lines: Sequence[DocumentLine], *, rounding: Rounding, price_mode: PriceMode
) -> list[dict[date, Money]]:
    """The months of each line of a document as the books have them; those of a rate are together its base."""
    earned = [earned_by(line) for line in lines]
    if price_mode is PriceMode.EXCLUSIVE:
        return earned
    rates = [line.entry.charge.tax_rate for line in lines]
    nets = iter(
        without_tax(
            (
                TaxedAmount(amount, rate)
                for months, rate in zip(earned, rates, strict=True)
                for amount in months.values()
            ),
            rounding=rounding,
        )
    )
    return [{month: net for month in months if (net := next(nets))} for months in earned]


def corrections_of(
    schedule: Sequence[Earned], credit: Money, *, closed_month: date
) -> tuple[dict[date, Money], Money]:
    """What a credit adds to the months of a line, and how much of it was not earned by the last closed month.

    A month that earlier credits took below zero has nothing to give.
    """
    sign = -1 if credit < NOTHING else 1
    holding = [Earned(month, amount * sign) for month, amount in schedule if amount * sign > NOTHING]
    unearned = sum((each.amount for each in holding if each.month > closed_month), NOTHING)
    months: dict[date, Money] = {}
    for month, amount in credited(holding, credit * sign, closed_month=closed_month):
        months[month] = months.get(month, NOTHING) + amount * sign
    return months, min(unearned, credit * sign) * sign


def deferred_part(
    months: Mapping[date, Money], *, taken_at_once: Money, open_month: date
) -> dict[date, Money]:
    """How much of these corrections is taken from what is still owed to the customer.

    `taken_at_once` of them lowers the sales of the open month, in the sign of the credit.
    """
    if not taken_at_once:
        return dict(months)
    return {**months, open_month: months[open_month] + taken_at_once}


@cache
def _only_month(service: Period) -> date | None:
    """The month that holds all these days, by its first day; None when they reach into another one."""
    start, last = service.start, service.last_day
    return start.replace(day=1) if (start.year, start.month) == (last.year, last.month) else None
