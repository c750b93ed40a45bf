"""Words of statements, and where their rows lead."""

from enum import StrEnum
from typing import Any

from flask import url_for
from flask_babel import lazy_gettext as _l

from rental.billing.rules.statements import EntryKind

STATES: dict[type[StrEnum], dict[Any, Any]] = {
    EntryKind: {
        EntryKind.INVOICE: _l("Invoice"),
        EntryKind.CREDIT_NOTE: _l("Credit note"),
        EntryKind.CREDIT_KEPT: _l("Credit note, kept for later invoices"),
        EntryKind.CREDIT_PAID_BACK: _l("Credit note, to be paid back"),
        EntryKind.PAYMENT: _l("Payment"),
        EntryKind.PAYMENT_TAKEN_BACK: _l("Payment taken back"),
        EntryKind.FEE: _l("Transfer fee we bear"),
        EntryKind.FEE_TAKEN_BACK: _l("Transfer fee charged again"),
        EntryKind.DEPOSIT: _l("From the deposit"),
    },
}

_INVOICE = ("invoices.show", "invoice_id")
_CREDIT_NOTE = ("credit_notes.show", "credit_note_id")
_PAYMENT = ("payments.show", "payment_id")
_PAGES = {
    EntryKind.INVOICE: _INVOICE,
    EntryKind.CREDIT_NOTE: _CREDIT_NOTE,
    EntryKind.CREDIT_KEPT: _CREDIT_NOTE,
    EntryKind.CREDIT_PAID_BACK: _CREDIT_NOTE,
    EntryKind.PAYMENT: _PAYMENT,
    EntryKind.PAYMENT_TAKEN_BACK: _PAYMENT,
    EntryKind.FEE: _PAYMENT,
    EntryKind.FEE_TAKEN_BACK: _PAYMENT,
    EntryKind.DEPOSIT: ("deposits.show", "contract_id"),
}


def address_of(entry: Any) -> str:
    """The page of what a row of a statement speaks of."""
    endpoint, name = _PAGES[entry.kind]
    return url_for(endpoint, **{name: entry.target_id})
