"""Deposits (保証金): held for the customer, owed to the customer, and never part of the turnover."""

from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from rental.billing.rules.refusals import NotBillable, Reason
from rental.core.money import Money


class DepositKind(StrEnum):
    """What happened to a deposit."""

    RECEIVED = "received"
    OFFSET = "offset"
    REFUNDED = "refunded"


class DepositEntry(NamedTuple):
    """One movement of a deposit; the amount is never negative."""

    kind: DepositKind
    amount: Money
    on: date


class Settlement(NamedTuple):
    """How a deposit ends: what it pays of the last documents, what goes back, and what is still asked for."""

    offset: Money
    refund: Money
    still_owed: Money


def held(entries: Iterable[DepositEntry]) -> Money:
    """What is held for the customer after these movements, in their order.

    Raises NotBillable as soon as more is given away than is held.
    """
    balance = Money(0)
    for kind, amount, on in entries:
        if amount < Money(0):
            raise NotBillable("amount", Reason.NEGATIVE, value=amount.minor_units, on=on)
        if kind is DepositKind.RECEIVED:
            balance += amount
            continue
        if amount > balance:
            raise NotBillable(
                "amount", Reason.MORE_THAN_HELD, value=amount.minor_units, held=balance.minor_units, on=on
            )
        balance -= amount
    return balance


def settle(balance: Money, owed: Money) -> Settlement:
    """The deposit pays what is owed, tax included, as far as it goes; the rest goes back."""
    for field, amount in (("balance", balance), ("owed", owed)):
        if amount < Money(0):
            raise NotBillable(field, Reason.NEGATIVE, value=amount.minor_units)
    offset = min(balance, owed)
    return Settlement(offset, balance - offset, owed - offset)
