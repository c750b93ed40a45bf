"""Invoices: the ledger, what one says with the evidence behind every line, and its document."""

from functools import partial
from uuid import UUID

from flask import Blueprint, current_app, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from rental.billing.document_queries import credit_notes_of, documents_about
from rental.billing.documents import draw_invoice, keep_document
from rental.billing.evidence import evidence_for, line_with_all, readings_behind, slots_charged
from rental.billing.models import Invoice
from rental.billing.payment_queries import allocations_in_force, payments_waiting
from rental.billing.queries import (
    invoice_state_counts,
    invoice_totals,
    invoice_with_all,
    invoices_matching,
)
from rental.billing.rules.payments import Standing
from rental.billing.rules.runs import InvoiceState
from rental.contracts.models import Slot
from rental.core.db import found, reading
from rental.core.errors import NotFound
from rental.core.paging import Order
from rental.core.uow import begin
from rental.identity.permissions import Permission
from rental.web.console.line_reasons import reasons_of
from rental.web.fields import AtMost, ChoiceField, DayField, SearchField, choices, choices_of
from rental.web.guards import current_actor, requires
from rental.web.sentences import state_label
from rental.web.stored_files import answer_with_file
from rental.web.tables import FilterForm, Heading, empty_table, read_table
from rental.web.today import today
from rental.web.wording.billing import device_label, exact_share, iso_day, rate_label
from rental.web.wording.payments import settlement_mark

bp = Blueprint("invoices", __name__, url_prefix="/invoices")


class InvoiceFilter(FilterForm):
    """Words, a state, a closing, and whether something is owed."""

    tab_name = "state"
    q = SearchField(_l("Number or recipient"), validators=[AtMost(100)])
    closed_on = DayField(_l("Closed on"))
    standing = ChoiceField(_l("Settlement"))
    state = ChoiceField(_l("State"))

    def __init__(self) -> None:
        super().__init__()
        self.state.choices = [*choices(("", _("All states"))), *choices_of(InvoiceState, state_label)]
        self.state.data = self.state.data or ""
        self.standing.choices = [*choices(("", _("All invoices"))), *choices_of(Standing, state_label)]
        self.standing.data = self.standing.data or ""


@bp.get("")
@requires(Permission.INVOICES_READ)
def index() -> ResponseReturnValue:
    filters = InvoiceFilter()
    headings = [
        Heading("number", _("Invoice"), Order((Invoice.number,))),
        Heading("recipient", _("Recipient")),
        Heading("closed_on", _("Closed on"), Order((Invoice.closed_on, Invoice.id)), numeric=True),
        Heading("due_on", _("Due on"), Order((Invoice.due_on, Invoice.id)), numeric=True),
        Heading("total", _("Total"), Order((Invoice.total, Invoice.id)), numeric=True),
        Heading("owed", _("Still owed"), Order((Invoice.balance, Invoice.id)), numeric=True),
        Heading("settlement", _("Settlement")),
        Heading("state", _("State")),
    ]
    counts = invoice_state_counts(reading())
    if not filters.validate():
        table = empty_table("invoices", headings, filters)
        return render_template("console/invoices.html", table=table, totals=None, counts=counts), 422
    statement = invoices_matching(
        words=filters.q.data or "",
        state=InvoiceState(filters.state.data) if filters.state.data else None,
        closed_on=filters.closed_on.data,
        standing=Standing(filters.standing.data) if filters.standing.data else None,
        on=today(),
    )
    table = read_table(reading(), "invoices", statement, headings, default_sort="-number", filters=filters)
    return render_template(
        "console/invoices.html",
        table=table,
        totals=invoice_totals(reading(), statement, on=today()),
        counts=counts,
        settlement_mark=partial(settlement_mark, today=today()),
    )


@bp.get("/<uuid:invoice_id>")
@requires(Permission.INVOICES_READ)
def show(invoice_id: UUID) -> ResponseReturnValue:
    invoice = invoice_with_all(reading(), invoice_id)
    if invoice is None:
        raise NotFound(kind="invoice")
    return render_template(
        "console/invoice.html",
        invoice=invoice,
        said=invoice.snapshot,
        settlement=settlement_mark(invoice, today=today()),
        allocations=allocations_in_force(reading(), invoice.id),
        waiting=payments_waiting(reading(), invoice.billing_account_id) if invoice.balance else (),
        credit_notes=credit_notes_of(reading(), invoice.id),
        documents=documents_about(reading(), invoice.id),
        rate_label=rate_label,
        has_mail_server=bool(current_app.config["RENTAL"].smtp_url),
    )


@bp.get("/<uuid:invoice_id>/lines/<int(max=99999):position>")
@requires(Permission.INVOICES_READ)
def show_line(invoice_id: UUID, position: int) -> ResponseReturnValue:
    """Why a line is owed. A page of its own: a line may charge hundreds of slots."""
    invoice = found(reading(), Invoice, invoice_id)
    line = line_with_all(reading(), invoice.id, position)
    if line is None:
        raise NotFound(kind="invoice_line")
    headings = [
        Heading("slot", _("Slot"), Order((Slot.position, Slot.id))),
        Heading("site", _("Site")),
        Heading("unit", _("Unit")),
        Heading("scanned", _("Scanned on site")),
        Heading("who", _("By")),
        Heading("order", _("Work order")),
        Heading("movement", _("In its history")),
        Heading("started", _("Rent runs from"), numeric=True),
    ]
    table = read_table(reading(), "slots", slots_charged(line.id), headings, default_sort="slot")
    slot_ids = [slot.id for slot in table.rows]
    return render_template(
        "console/invoice_line.html",
        invoice=invoice,
        line=line,
        table=table,
        evidence=evidence_for(reading(), slot_ids, until=invoice.finalised_at),
        reasons=reasons_of(reading(), invoice, line),
        readings=readings_behind(reading(), line, until=invoice.finalised_at),
        exact=exact_share,
        iso_day=iso_day,
        rate_label=rate_label,
        device_label=device_label,
    )


@bp.get("/<uuid:invoice_id>/document.pdf")
@requires(Permission.INVOICES_READ)
def document(invoice_id: UUID) -> ResponseReturnValue:
    """Where nobody has drawn it yet, it is drawn and kept now: the bytes are the same whenever that is."""
    file = found(reading(), Invoice, invoice_id).document
    if file is None:
        content = draw_invoice(reading(), invoice_id)
        with begin(current_actor()) as uow:
            file = keep_document(uow, invoice_id, content)
    return answer_with_file(file)
