"""Words of credit notes, corrections and the register of documents."""

from collections.abc import Callable
from datetime import date
from enum import StrEnum
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from rental.billing.rules.credits import CreditEffect, CreditKind
from rental.billing.rules.journals import JournalKind, JournalSource, LedgerAccount
from rental.billing.rules.looks import PaperLanguage
from rental.billing.rules.papers import PaperKind
from rental.core.money import Money
from rental.customers.rules import PriceMode
from rental.web.formats import day, yen


def _month(month: date) -> str:
    return month.strftime("%Y-%m")


def _more_than_left(params: dict[str, Any]) -> str:
    asked, left = yen(Money(params["asked"])), yen(Money(params["left"]))
    if params["position"] is None:
        return _(
            "That comes to %(asked)s, and only %(left)s are left of the invoice.", asked=asked, left=left
        )
    return _("Only %(left)s are left of this line. Write that or less.", left=left)


REFUSALS: dict[str, Callable[[dict[str, Any]], str]] = {
    "billing.nothing_left_to_credit": lambda _params: _("All of this invoice was taken back already."),
    "billing.more_than_left": _more_than_left,
    "billing.nothing_credited": lambda _params: _(
        "Nothing would be taken back. Write an amount at a line, or take back all that is left."
    ),
    "billing.no_such_line": lambda params: _(
        "Nothing can be taken back of line %(position)s. Choose a line with an amount above zero.", **params
    ),
    "billing.more_than_owed": lambda params: _(
        "Only %(balance)s of the invoice are still owed, and this comes to %(total)s. Pay the rest back, "
        "or keep it for later invoices, with a credit note of its own.",
        balance=yen(Money(params["balance"])),
        total=yen(Money(params["total"])),
    ),
    "billing.more_than_paid": lambda params: _(
        "Only %(paid)s of the invoice were paid, and this comes to %(total)s. Lower what is owed instead.",
        paid=yen(Money(params["paid"])),
        total=yen(Money(params["total"])),
    ),
    "billing.document_needed": lambda params: _(
        "This comes to %(total)s with tax. From %(limit)s on the law wants a credit note: issue one.",
        total=yen(Money(params["total"])),
        limit=yen(Money(params["limit"])),
    ),
    "billing.nothing_delivered": lambda params: _(
        "Work order %(work_order)s left no machine at the site, or is not over yet. Finish the installation "
        "first.",
        **params,
    ),
    "billing.nothing_to_correct": lambda _params: _(
        "The invoice says what is known of both sides today. Correct the billing account or the issuer "
        "first; amounts are corrected by a credit note."
    ),
    "billing.template_name_taken": lambda params: _(
        "There is a template %(name)s already. Choose another name.", **params
    ),
    "billing.too_many_note_lines": lambda params: _(
        "The note has %(lines)s lines. Write at most %(maximum)s.", **params
    ),
    "billing.month_not_over": lambda params: _(
        "%(month)s is not over yet: today is %(today)s. Close a month that has ended.",
        month=_month(params["month"]),
        today=day(params["today"]),
    ),
}

ENTITIES = {
    "credit_note": _l("Credit note"),
    "document": _l("Document"),
    "ledger_account_name": _l("Ledger account"),
    "closed_month": _l("Closed month of the books"),
    "document_template": _l("Template of documents"),
    "account_template": _l("Template of a billing account"),
}

ATTRIBUTES = {
    "credit_note": _l("Credit note"),
    "balance": _l("Still owed"),
    "effect": _l("What becomes of it"),
    "has_document": _l("With a document"),
    "price_mode": _l("Prices"),
    "finalised_at": _l("Finalised"),
    "sha256": _l("SHA-256"),
    "account": _l("Account"),
    "document_template": _l("Template"),
    "logo": _l("Word mark"),
    "has_unit_price": _l("Price of a month"),
    "has_details": _l("Contract, site and code below each line"),
    "is_default": _l("Of the company"),
    "month": _l("Month"),
    "closed_at": _l("Closed at"),
    "closed_by": _l("Closed by"),
    "source_count": _l("Documents"),
    "booked": _l("In the journal"),
    "deferred": _l("Still to be earned"),
}

ACTIONS = {
    "credited": _l("credited"),
    "issued": _l("issued"),
}

STATES: dict[type[StrEnum], dict[Any, Any]] = {
    CreditKind: {
        CreditKind.PRICE_REDUCTION: _l("Price reduction"),
        CreditKind.RETURN: _l("Return"),
        CreditKind.ERROR: _l("Error in the invoice"),
        CreditKind.GOODWILL: _l("Goodwill"),
    },
    CreditEffect: {
        CreditEffect.REDUCE_BALANCE: _l("Less is owed"),
        CreditEffect.REFUND: _l("It is paid back"),
        CreditEffect.CUSTOMER_CREDIT: _l("It is kept for later invoices"),
    },
    PaperKind: {
        PaperKind.INVOICE: _l("Invoice"),
        PaperKind.CORRECTED_INVOICE: _l("Corrected invoice"),
        PaperKind.CREDIT_NOTE: _l("Credit note"),
        PaperKind.DELIVERY_NOTE: _l("Delivery note"),
        PaperKind.RECEIPT: _l("Receipt"),
        PaperKind.DEPOSIT_RECEIPT: _l("Deposit receipt"),
    },
    PaperLanguage: {
        PaperLanguage.JAPANESE: _l("Japanese"),
        PaperLanguage.ENGLISH: _l("English only"),
        PaperLanguage.BOTH: _l("Japanese and English"),
    },
    LedgerAccount: {
        LedgerAccount.RECEIVABLE: _l("Receivables"),
        LedgerAccount.SALES: _l("Sales revenue"),
        LedgerAccount.OTHER_INCOME: _l("Other income"),
        LedgerAccount.CONTRACT_LIABILITY: _l("Contract liabilities"),
        LedgerAccount.TAX_RECEIVED: _l("Consumption tax received"),
        LedgerAccount.REFUNDS_PAYABLE: _l("Refunds payable"),
        LedgerAccount.ADVANCE_RECEIVED: _l("Advances received"),
        LedgerAccount.BANK: _l("Bank"),
        LedgerAccount.CASH: _l("Cash"),
        LedgerAccount.SALES_DISCOUNT: _l("Sales discounts"),
        LedgerAccount.DEPOSITS_HELD: _l("Deposits held"),
    },
    PriceMode: {
        PriceMode.EXCLUSIVE: _l("Without tax"),
        PriceMode.INCLUSIVE: _l("With tax"),
    },
    JournalKind: {
        JournalKind.SALE: _l("Sale"),
        JournalKind.RETURN: _l("Sale taken back"),
        JournalKind.RECEIPT: _l("Money received"),
        JournalKind.APPLICATION: _l("Advance used"),
        JournalKind.RELEASE: _l("Settlement taken back"),
        JournalKind.REVERSAL: _l("Payment taken back"),
        JournalKind.DEPOSIT: _l("Deposit"),
    },
    JournalSource: {
        JournalSource.INVOICE: _l("Invoice"),
        JournalSource.CREDIT_NOTE: _l("Credit note"),
        JournalSource.PAYMENT: _l("Payment"),
        JournalSource.ALLOCATION: _l("Settlement of an invoice"),
        JournalSource.DEPOSIT_ENTRY: _l("Movement of a deposit"),
    },
}
