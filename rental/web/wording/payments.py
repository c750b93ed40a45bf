"""Words of payments, of what they settle, and of deposits."""

from collections.abc import Callable
from datetime import date
from enum import StrEnum
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from rental.billing.models import Invoice
from rental.billing.rules.deposits import DepositKind
from rental.billing.rules.payments import (
    AllocationKind,
    PaymentMethod,
    SettlementState,
    Standing,
    days_overdue,
    settlement_of,
)
from rental.core.money import Money
from rental.web.formats import day, yen


def _yen(params: dict[str, Any], name: str) -> str:
    return yen(Money(params[name]))


REFUSALS: dict[str, Callable[[dict[str, Any]], str]] = {
    "billing.nothing_received": lambda _params: _("Write the amount that was received or paid: at least ¥1."),
    "billing.received_in_future": lambda params: _(
        "%(received_on)s is still to come. Write a day up to %(today)s; money is recorded once it has moved.",
        received_on=day(params["received_on"]),
        today=day(params["today"]),
    ),
    "billing.payment_known": lambda params: _(
        "Payment %(number)s has the reference %(reference)s already. Look whether it is the same money; if "
        "not, write the reference the bank gave this one.",
        **params,
    ),
    "billing.not_of_this_account": lambda params: _(
        "Invoice %(invoice)s is of another billing account. Choose invoices of the account that paid.",
        **params,
    ),
    "billing.more_than_invoice_owes": lambda params: _(
        "Only %(balance)s of invoice %(invoice)s are still owed, and %(asked)s were given to it. Write that "
        "or less; what is left of the payment is kept for later invoices.",
        invoice=params["invoice"],
        asked=_yen(params, "asked"),
        balance=_yen(params, "balance"),
    ),
    "billing.more_than_received": lambda params: _(
        "%(asked)s were given to invoices, and only %(left)s of the payment are there. Lower an amount.",
        asked=_yen(params, "asked"),
        left=_yen(params, "left"),
    ),
    "billing.no_such_fee": lambda params: _(
        "The fee at invoice %(invoice)s cannot be right: a bank's fee goes with an amount received for the "
        "same invoice, and is at most %(limit)s.",
        invoice=params["invoice"],
        limit=_yen(params, "limit"),
    ),
    "billing.nothing_allocated": lambda _params: _("Write an amount at one of the invoices."),
    "billing.taken_back_already": lambda _params: _(
        "This was taken back already. Look at the present state of the payment."
    ),
    "billing.nothing_arrived": lambda params: _(
        "%(number)s is what a credit note keeps: no money arrived. Take back what it settled, invoice by "
        "invoice.",
        **params,
    ),
    "billing.paid_back_since": lambda params: _(
        "A credit note pays back, or keeps for later, what this payment brought for invoice %(invoice)s. "
        "Settle that with the customer first.",
        **params,
    ),
    "billing.more_than_held": lambda params: _(
        "Only %(held)s are held as a deposit. Write that or less.", held=_yen(params, "held")
    ),
    "billing.nothing_to_offset": lambda params: _(
        "%(balance)s of invoice %(invoice)s are still owed. Write an amount up to that, while a deposit is "
        "held.",
        invoice=params["invoice"],
        balance=_yen(params, "balance"),
    ),
    "billing.not_of_this_contract": lambda params: _(
        "Invoice %(invoice)s is of another billing account than the contract. Choose one of its own.",
        **params,
    ),
}

ENTITIES = {
    "payment": _l("Payment"),
    "allocation": _l("Settlement of an invoice"),
    "deposit_entry": _l("Movement of a deposit"),
}

ATTRIBUTES = {
    "payment": _l("Payment"),
    "received_on": _l("Money received on"),
    "unapplied": _l("Not used yet"),
    "method": _l("Way of payment"),
    "reference": _l("Reference of the bank"),
    "recorded_at": _l("Recorded at"),
    "taken_back_on": _l("Taken back on"),
    "taken_back_for": _l("Reason for taking it back"),
    "allocated_on": _l("Settled on"),
    "payment_id": _l("Payment"),
    "invoice_id": _l("Invoice"),
    "deposit_entry_id": _l("Movement of a deposit"),
    "entered_on": _l("Day"),
    "receivable": _l("Receivables in the journal"),
    "open_invoices": _l("Open invoices"),
    "advances": _l("Advances in the journal"),
    "paid_ahead": _l("Paid ahead"),
    "given": _l("Given to invoices"),
    "settled": _l("Settled"),
    "credited": _l("Credited"),
    "paid": _l("Paid"),
    "refunded": _l("Given back"),
    "held": _l("Held after it"),
    "booked": _l("In the journal"),
    "ends_on": _l("Ends on"),
}

ACTIONS = {
    "settled": _l("settled"),
    "reopened": _l("owed again"),
}

STATES: dict[type[StrEnum], dict[Any, Any]] = {
    PaymentMethod: {
        PaymentMethod.BANK_TRANSFER: _l("Bank transfer"),
        PaymentMethod.DIRECT_DEBIT: _l("Direct debit"),
        PaymentMethod.CASH: _l("Cash"),
        PaymentMethod.CREDIT_NOTE: _l("Kept by a credit note"),
    },
    AllocationKind: {
        AllocationKind.CASH: _l("Money received"),
        AllocationKind.FEE: _l("Transfer fee we bear"),
        AllocationKind.DEPOSIT: _l("From the deposit"),
    },
    SettlementState: {
        SettlementState.OPEN: _l("To be paid"),
        SettlementState.PARTLY_SETTLED: _l("Partly settled"),
        SettlementState.SETTLED: _l("Settled"),
    },
    Standing: {
        Standing.OPEN: _l("Still owed"),
        Standing.OVERDUE: _l("Overdue"),
        Standing.SETTLED: _l("Settled"),
    },
    DepositKind: {
        DepositKind.RECEIVED: _l("Deposit received"),
        DepositKind.OFFSET: _l("Offset against an invoice"),
        DepositKind.REFUNDED: _l("Deposit paid back"),
    },
}

CHIPS: dict[type[StrEnum], dict[Any, str]] = {
    SettlementState: {
        SettlementState.OPEN: "plan",
        SettlementState.PARTLY_SETTLED: "risk",
        SettlementState.SETTLED: "done",
    },
}


def settlement_mark(invoice: Invoice, *, today: date) -> tuple[str, str]:
    """The chip and the words that say how far an invoice is settled; overdue comes before anything else."""
    days = days_overdue(due_on=invoice.due_on, balance=invoice.balance, today=today)
    if days:
        return "stop", ngettext("%(num)s day overdue", "%(num)s days overdue", days)
    state = settlement_of(total=invoice.total, balance=invoice.balance)
    return CHIPS[SettlementState][state], str(STATES[SettlementState][state])


_BEHIND_OUR_BACK = _l("Somebody changed the books behind the product's back: compare with the latest backup.")

CHECKS = {
    "M5": (
        _l("Do customers owe in the journal what their open invoices say, and have paid ahead what waits?"),
        _BEHIND_OUR_BACK,
    ),
    "M6": (
        _l("Does every payment settle no more than arrived, and every invoice no more than it asked for?"),
        _BEHIND_OUR_BACK,
    ),
    "C7": (
        _l(
            "Is every deposit in the journal what is held, and given back within 60 days of a contract's end?"
        ),
        _l("Offset it against what is still owed and pay the rest back, on the page of the contract."),
    ),
}
