"""Words of the billing package."""

from collections.abc import Callable
from datetime import date
from enum import StrEnum
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from rental.billing.rules.runs import InvoiceState, ItemState, RunState, SendingWay
from rental.catalog.rules import TaxClass
from rental.web.formats import day, yen


def _day(value: object) -> str:
    """A day as the rule names it, or as it comes back from the books."""
    return day(date.fromisoformat(value) if isinstance(value, str) else value)  # type: ignore[arg-type]


REFUSALS: dict[str, Callable[[dict[str, Any]], str]] = {
    "billing.closing_in_future": lambda params: _(
        "%(closed_on)s has not come yet. Close a day up to today, %(today)s.",
        closed_on=_day(params["closed_on"]),
        today=_day(params["today"]),
    ),
    "billing.no_issuer": lambda _params: _(
        "Nobody has said yet who issues the invoices. Write down the company and its registration "
        "number first."
    ),
    "billing.negative_total": lambda params: _(
        "More is taken back than is charged: %(total)s. An invoice cannot say so; a credit note is needed.",
        total=yen(params["total"]),
    ),
    "billing.not_ratable": lambda params: _(
        "What contract %(contract)s says cannot be right (%(problem)s). Correct it, then bill the account "
        "again.",
        **params,
    ),
    "billing.refused_by_database": lambda params: _(
        "The database refused the invoice (%(problem)s). Most likely these days were billed before; compare "
        "with the latest backup.",
        **params,
    ),
    "billing.nothing_due": lambda _params: _("Nothing was due."),
    "core.no_mail_server": lambda _params: _(
        "No mail server is set up. Set RENTAL_SMTP_URL, or download the document and send it yourself."
    ),
}

ENTITIES = {
    "company_profile": _l("Issuer of invoices"),
    "billing_run": _l("Closing"),
    "billing_item": _l("Account in a closing"),
    "invoice": _l("Invoice"),
}

ATTRIBUTES = {
    "closed_on": _l("Closed on"),
    "opened_at": _l("Opened at"),
    "opened_by": _l("Opened by"),
    "registration_number": _l("Registration number"),
    "bank_account": _l("Bank account"),
    "billing_account": _l("Billing account"),
    "invoice": _l("Invoice"),
    "subtotal": _l("Without tax"),
    "tax": _l("Consumption tax"),
    "total": _l("Total"),
    "lines": _l("Sum of the lines"),
    "meant": _l("Should be"),
    "issued_on": _l("Issued on"),
    "before": _l("The one before"),
    "also_from": _l("Also from"),
    "billed_through": _l("Line billed until"),
    "billed_from": _l("Billed from"),
    "billed_until": _l("Billed until"),
    "holes": _l("Holes"),
    "start_on": _l("From"),
    "reason_code": _l("Reason"),
    "sent_by": _l("Sent by"),
}

ACTIONS = {
    "opened": _l("opened"),
    "opened_again": _l("opened again"),
    "released": _l("released"),
    "finalised": _l("finalised"),
    "sent": _l("sent"),
}

JOBS = {
    "billing.open_billing_schedule": _l("Note when rent is due"),
    "billing.bill_opened_chunk": _l("Bill accounts of a closing"),
    "billing.keep_drawn_document": _l("Draw an invoice"),
    "billing.send_made_document": _l("Send an invoice"),
}

STATES: dict[type[StrEnum], dict[Any, Any]] = {
    InvoiceState: {InvoiceState.FINALISED: _l("Not sent yet"), InvoiceState.SENT: _l("Sent")},
    SendingWay: {SendingWay.MAIL: _l("By mail"), SendingWay.POST: _l("By post")},
    ItemState: {
        ItemState.TODO: _l("Waits for a worker"),
        ItemState.DONE: _l("Billed"),
        ItemState.PARKED: _l("Parked"),
    },
    RunState: {
        RunState.WORKING: _l("At work"),
        RunState.PARKED: _l("Needs a person"),
        RunState.FINISHED: _l("Finished"),
    },
}

CHIPS: dict[type[StrEnum], dict[Any, str]] = {
    InvoiceState: {InvoiceState.FINALISED: "plan", InvoiceState.SENT: "done"},
    ItemState: {ItemState.TODO: "move", ItemState.DONE: "done", ItemState.PARKED: "stop"},
    RunState: {RunState.WORKING: "move", RunState.PARKED: "stop", RunState.FINISHED: "done"},
}

_BEHIND_OUR_BACK = _l("Somebody changed the books behind the product's back: compare with the latest backup.")

CHECKS = {
    "M1": (_l("Does every invoice add up to its total?"), _BEHIND_OUR_BACK),
    "M2": (_l("Is the tax of every invoice that of each rate together, rounded once?"), _BEHIND_OUR_BACK),
    "M7": (
        _l("Do the numbers of invoices run without a gap, in the order of their issue?"),
        _BEHIND_OUR_BACK,
    ),
    "C2": (
        _l("Is every day of every slot in service billed, as far as its line is billed?"),
        _l("Open the closing of those days again; what is missing is added."),
    ),
    "C6": (
        _l("Is every account of every closing billed, or dealt with by a person within a week?"),
        _l("Open the closing: what is parked says why. Mend the contract and bill the account again."),
    ),
}


def rate_label(tax_class: str, rate_bp: int) -> str:
    """A rate of consumption tax as the screens name it."""
    if tax_class == TaxClass.EXEMPT:
        return _("exempt")
    if tax_class == TaxClass.OUT_OF_SCOPE:
        return _("out of scope")
    percent = f"{rate_bp / 100:g} %"
    return _("%(rate)s reduced", rate=percent) if tax_class == TaxClass.REDUCED else percent
