"""Words of the billing package."""

from collections.abc import Callable, Mapping
from datetime import date
from enum import StrEnum
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from rental.billing.rules.recurring_revenue import Movement
from rental.billing.rules.refusals import Reason
from rental.billing.rules.remarks import Remark
from rental.billing.rules.runs import InvoiceState, ItemState, RunState, SendingWay
from rental.billing.rules.usage import Aggregation
from rental.catalog.rules import TaxClass
from rental.core.money import Money
from rental.web.formats import day, yen


def _day(value: object) -> str:
    """A day as the rule names it, or as it comes back from the books."""
    return day(date.fromisoformat(value) if isinstance(value, str) else value)  # type: ignore[arg-type]


# What a contract says of itself that cannot be right.
_PROBLEMS: dict[str, Callable[[dict[str, Any]], str]] = {
    "billing.owed_twice": lambda params: _(
        "a machine would owe rent twice from %(day)s on", day=_day(params["first_on"])
    ),
    "billing.no_day_owed": lambda params: _(
        "rent would end on %(end)s, before it begins on %(start)s",
        start=_day(params["start"]),
        end=_day(params["end"]),
    ),
    "billing.periods_overlap": lambda params: _(
        "days up to %(end)s were billed before, by another closing day, and would be billed again from "
        "%(start)s on",
        start=_day(params["next_start"]),
        end=_day(params["end"]),
    ),
}


def _problem(params: dict[str, Any]) -> str:
    """In words where the rule that was broken is known, else as the rule said it."""
    known = _PROBLEMS.get(params["problem"])
    return known(params) if known else str(params["problem"])


# Why something cannot be billed as it was said; a form names the field.
_NOT_BILLABLE = {
    Reason.NEGATIVE: _l("A number that cannot be negative is negative. Correct it."),
    Reason.NOT_A_NUMBER: _l("Something that has to be a number is none. Correct it."),
    Reason.TOO_MANY_DECIMALS: _l("A price has too many decimals. Use six at most."),
    Reason.OUT_OF_RANGE: _l("A number is outside of what it may be. Correct it."),
    Reason.NOT_ASCENDING: _l("Steps have to go up. Put them in order."),
    Reason.ENDS_BEFORE_START: _l("Something ends before it begins. Correct one of the two days."),
    Reason.OVERLAPPING: _l("Two changes or pauses cover the same days. Move one of them."),
    Reason.UNKNOWN: _l("A name is used that nobody has defined. Choose one that exists."),
    Reason.NOT_IN_FORCE: _l("Something is used on a day on which it is not in force. Choose another day."),
    Reason.NOT_A_DAY: _l("This is no day. Write it as 2026-04-30."),
    Reason.SAID_TWICE: _l("The same is recorded twice. Take one of the two back."),
    Reason.NOT_STARTED: _l("Rent would end or change before it begins. Record the start first."),
    Reason.ALREADY_STARTED: _l("Rent would begin twice. Record an end in between."),
    Reason.NOT_PAUSED: _l("Rent would go on again without a pause. Record the pause first."),
    Reason.ALREADY_PAUSED: _l("Rent would be paused twice. Record that it went on in between."),
    Reason.INSIDE_A_PERIOD: _l("Periods can only be cut anew where one ends. Choose such a day."),
    Reason.MORE_THAN_HELD: _l("More would be given back than is held. Choose a smaller amount."),
    Reason.MISSING: _l("Something is missing that the sum needs. Fill it in."),
}

REFUSALS: dict[str, Callable[[dict[str, Any]], str]] = {
    "billing.not_billable": lambda params: str(_NOT_BILLABLE[Reason(params["reason"])]),
    "billing.bad_reading": lambda params: _(
        "Row %(row)s, %(field)s: %(problem)s",
        row=params["row"],
        field=params["field"],
        problem=_NOT_BILLABLE[Reason(params["reason"])],
    ),
    "billing.missing_columns": lambda params: _(
        "The first row must name the columns; these are missing: %(columns)s.", **params
    ),
    "billing.closing_in_future": lambda params: _(
        "%(closed_on)s has not come yet. Close a day up to today, %(today)s.",
        closed_on=_day(params["closed_on"]),
        today=_day(params["today"]),
    ),
    "billing.unknown_account": lambda params: _(
        "There is no billing account %(account)s. Look its number up on the customer's page.", **params
    ),
    "billing.closes_another_day": lambda params: _(
        "Billing account %(account)s closes on day %(closing_day)s of the month (31: its last), not on "
        "%(closed_on)s. Close such a day instead.",
        account=params["account"],
        closing_day=params["closing_day"],
        closed_on=_day(params["closed_on"]),
    ),
    "billing.no_issuer": lambda _params: _(
        "Nobody has said yet who issues the invoices. Write down the company and its registration "
        "number first."
    ),
    "billing.billed_already": lambda params: _(
        "The closing of %(closed_on)s has dealt with billing account %(account)s already. Take back what is "
        "wrong with a credit note.",
        account=params["account"],
        closed_on=_day(params["closed_on"]),
    ),
    "billing.negative_total": lambda params: _(
        "More is taken back than is charged: %(total)s. An invoice cannot say so; a credit note is needed.",
        total=yen(params["total"]),
    ),
    "billing.not_ratable": lambda params: _(
        "What contract %(contract)s says cannot be right: %(problem)s. Correct it, then bill again.",
        contract=params["contract"],
        problem=_problem(params),
    ),
    "billing.refused_by_database": lambda params: _(
        "The database refused the invoice (%(problem)s). Most likely these days were billed before; compare "
        "with the latest backup.",
        **params,
    ),
    "billing.above_limit": lambda params: _(
        "The document asks for %(total)s, more than the limit of %(limit)s. Somebody else than who asked for "
        "it approves it.",
        total=yen(params["total"]),
        limit=yen(params["limit"]),
    ),
    "billing.grown_too_much": lambda params: _(
        "The closing asks for %(total)s, over %(times)s times the %(before)s of the one before. Look whether "
        "that is right.",
        total=yen(params["total"]),
        times=params["times"],
        before=yen(params["before"]),
    ),
    "billing.too_many_lines": lambda params: _(
        "Contract %(contract)s has %(lines)s lines on the document, more than %(limit)s. Look whether that "
        "is right.",
        contract=params["contract"],
        lines=params["lines"],
        limit=params["limit"],
    ),
    "billing.declined": lambda params: _("%(name)s declined the document: %(reason)s", **params),
    "billing.same_person": lambda _params: _(
        "You asked for this yourself. Somebody else has to approve it; ask a colleague."
    ),
    "billing.nothing_to_review": lambda _params: _(
        "Nobody waits for a decision about this any more. Look at the closing again."
    ),
    "billing.not_a_limit": lambda _params: _(
        "A limit is a whole number from 1 on. Write one, or leave it out."
    ),
    "billing.grace_too_long": lambda params: _(
        "Drafts are finalised after at most %(maximum)s days. Write so many or fewer; 0 finalises at once.",
        maximum=params["maximum"],
    ),
    "billing.too_many_months_back": lambda params: _(
        "Closings look back %(maximum)s months. Write as many or fewer.", **params
    ),
    "billing.nothing_due": lambda _params: _("Nothing was due."),
    "core.no_mail_server": lambda _params: _(
        "No mail server is set up. Set RENTAL_SMTP_URL, or download the document and send it yourself."
    ),
}

ENTITIES = {
    "company_profile": _l("Issuer of invoices"),
    "billing_run": _l("Closing"),
    "billing_item": _l("Billing account in a closing"),
    "billing_limits": _l("Limits of billing"),
    "closing_exclusion": _l("Billing account left out of a closing"),
    "invoice": _l("Invoice"),
    "usage_record": _l("Reading of what was used"),
}

ATTRIBUTES = {
    "closed_on": _l("Closed on"),
    "excluded_at": _l("Left out at"),
    "excluded_by": _l("Left out by"),
    "opened_at": _l("Opened at"),
    "opened_by": _l("Opened by"),
    "stopped_at": _l("Stopped at"),
    "stopped_by": _l("Stopped by"),
    "awaits_approval": _l("Waits for approval"),
    "approved_by": _l("Approved by"),
    "document": _l("Limit of a document"),
    "times": _l("Times the one before"),
    "times_from": _l("Compared from"),
    "run": _l("Limit of a closing"),
    "drafts_until": _l("Drafts until"),
    "grace_days": _l("Days of grace"),
    "months_back": _l("Months an amendment may reach back"),
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
    "slots": _l("Slots"),
    "next_due_on": _l("Next due on"),
    "start_on": _l("From"),
    "reason_code": _l("Reason"),
    "sent_by": _l("Sent by"),
}

ACTIONS = {
    "approved": _l("approved"),
    "declined": _l("declined"),
    "opened": _l("opened"),
    "opened_again": _l("opened again"),
    "released": _l("released"),
    "finalised": _l("finalised"),
    "sent": _l("sent"),
    "usage_taken": _l("readings of usage taken in"),
}

JOBS = {
    "billing.open_billing_schedule": _l("Note when rent is due"),
    "billing.bill_opened_chunk": _l("Bill a part of a closing"),
    "billing.keep_drawn_document": _l("Draw an invoice"),
    "billing.keep_issued_document": _l("Draw a document"),
    "billing.send_made_document": _l("Send an invoice"),
    "billing.send_drawn_document": _l("Send a document"),
}

STATES: dict[type[StrEnum], dict[Any, Any]] = {
    Aggregation: {
        Aggregation.SUM: _l("All readings together"),
        Aggregation.MAX: _l("The highest reading"),
        Aggregation.LAST: _l("The latest reading"),
        Aggregation.UNIQUE: _l("How many different ones"),
    },
    InvoiceState: {InvoiceState.FINALISED: _l("Not sent yet"), InvoiceState.SENT: _l("Sent")},
    SendingWay: {SendingWay.MAIL: _l("By mail"), SendingWay.POST: _l("By post")},
    ItemState: {
        ItemState.TODO: _l("Waits for a worker"),
        ItemState.DONE: _l("Billed"),
        ItemState.PARKED: _l("Parked"),
        ItemState.HELD: _l("To be approved"),
    },
    Remark: {
        Remark.FIRST: _l("First invoice"),
        Remark.CHANGED: _l("Differs by over 20 %"),
        Remark.PRORATED: _l("By days"),
        Remark.CREDITED: _l("Takes something back"),
        Remark.EARLIER: _l("Earlier months"),
        Remark.DOUBTFUL: _l("To be approved"),
    },
    Movement: {
        Movement.NEW: _l("New revenue"),
        Movement.EXPANSION: _l("Expansion"),
        Movement.CONTRACTION: _l("Contraction"),
        Movement.CHURN: _l("Churn"),
        Movement.REACTIVATION: _l("Reactivation"),
    },
    RunState: {
        RunState.UNAPPROVED: _l("Waits for approval"),
        RunState.STOPPED: _l("Stopped"),
        RunState.DRAFT: _l("Drafts"),
        RunState.WORKING: _l("At work"),
        RunState.PARKED: _l("Needs attention"),
        RunState.FINISHED: _l("Finished"),
    },
}

CHIPS: dict[type[StrEnum], dict[Any, str]] = {
    InvoiceState: {InvoiceState.FINALISED: "plan", InvoiceState.SENT: "done"},
    SendingWay: {SendingWay.MAIL: "done", SendingWay.POST: "done"},
    ItemState: {
        ItemState.TODO: "move",
        ItemState.DONE: "done",
        ItemState.PARKED: "stop",
        ItemState.HELD: "risk",
    },
    Remark: {
        Remark.FIRST: "plan",
        Remark.CHANGED: "risk",
        Remark.PRORATED: "plan",
        Remark.CREDITED: "risk",
        Remark.EARLIER: "risk",
        Remark.DOUBTFUL: "stop",
    },
    RunState: {
        RunState.UNAPPROVED: "risk",
        RunState.STOPPED: "stop",
        RunState.DRAFT: "plan",
        RunState.WORKING: "move",
        RunState.PARKED: "stop",
        RunState.FINISHED: "done",
    },
}

_BEHIND_OUR_BACK = _l("Somebody changed the books behind the product's back: compare with the latest backup.")

CHECKS = {
    "M1": (_l("Does every invoice add up to its total?"), _BEHIND_OUR_BACK),
    "M2": (_l("Is the tax of every invoice that of each rate together, rounded once?"), _BEHIND_OUR_BACK),
    "M7": (
        _l("Do the numbers of invoices and other documents run without a gap, in the order of their issue?"),
        _BEHIND_OUR_BACK,
    ),
    "M8": (_l("Does every invoice still say what was sealed when it was finalised?"), _BEHIND_OUR_BACK),
    "M4": (
        _l("Does the journal ask of every customer what the invoices ask, and is every invoice registered?"),
        _BEHIND_OUR_BACK,
    ),
    "M9": (
        _l("Is no more taken back of an invoice than it asked for, and no more given back than was paid?"),
        _BEHIND_OUR_BACK,
    ),
    "M10": (
        _l("Do the books owe customers exactly what was paid for days that are still to be earned?"),
        _BEHIND_OUR_BACK,
    ),
    "C4": (
        _l("Is no rent left standing for days after a machine's last one?"),
        _l("Open the closing of those days again; what is too much is taken back."),
    ),
    "C3": (
        _l("Is everything that has been due for a week being billed?"),
        _l("Open the closing of those days; what is missed is made up for."),
    ),
    "C5": (_l("Does every charge ask for as many machines as it covers slots?"), _BEHIND_OUR_BACK),
    "C2": (
        _l("Is every day of every slot in service billed, as far as its line is billed?"),
        _l("Open the closing of those days again; what is missing is added."),
    ),
    "C6": (
        _l("Is every billing account of every closing billed, or dealt with within a week?"),
        _l("Open the closing: what is parked says why. Mend the contract and bill again."),
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


def exact_share(sum_of: Mapping[str, int]) -> str:
    """What a share of the month comes to before it is rounded, to a hundredth of a yen: ¥26,916.12…"""
    hundredths, rest = divmod(100 * sum_of["full"] * sum_of["days"], sum_of["of"])
    whole, part = divmod(hundredths, 100)
    if not part and not rest:
        return f"¥{whole:,}"
    return f"¥{whole:,}.{part:02}" + ("…" if rest else "")


def iso_day(text: str) -> str:
    """A day as a snapshot keeps it, in the reader's language."""
    return day(date.fromisoformat(text))


def device_label(device: str | None) -> str:
    """What told us of a scan, by the end of its name: a phone, or the browser session that sent forms."""
    if not device:
        return ""
    session = device.removeprefix("form:")
    if session != device:
        return _("Browser …%(end)s", end=session[-6:])
    return _("Phone …%(end)s", end=device[-6:]) if len(device) > 6 else _("Phone %(name)s", name=device)


def change_in_percent(now: Money, before: Money) -> str:
    """+1.8 %, or nothing where there was nothing before."""
    if not before:
        return ""
    return f"{(now - before).minor_units / before.minor_units:+.1%}".replace("%", " %")


def signed_yen(difference: Money) -> str:
    """+¥1,200 or -¥300; ±¥0 where nothing changed."""
    sign = "" if difference < Money(0) else "+" if difference else "±"
    return sign + yen(difference)
