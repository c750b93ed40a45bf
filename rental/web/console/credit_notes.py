"""Credit notes: take something of an invoice back, and what one says; an invoice issued again, corrected."""

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from flask import Blueprint, current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm

from rental.billing.credit_notes import issue_credit_note, what_is_left
from rental.billing.document_queries import credit_note_with_all, documents_about
from rental.billing.models import InvoiceLine
from rental.billing.payment_queries import kept_by
from rental.billing.queries import invoice_with_all
from rental.billing.reissue import latest_document, reissue_invoice
from rental.billing.rules.credits import REASON_MAX_LENGTH, CreditEffect, CreditKind, Left
from rental.core.db import reading
from rental.core.errors import DomainError, NotFound
from rental.core.idempotency import new_key
from rental.core.money import Money
from rental.identity.permissions import Permission
from rental.web.console.new_rows import make_once
from rental.web.fields import (
    AtMost,
    ChoiceField,
    KeyField,
    LineField,
    Needed,
    YenField,
    choices,
    choices_of,
)
from rental.web.guards import requires
from rental.web.problems import put_into_form
from rental.web.sentences import state_label
from rental.web.wording.billing import rate_label

bp = Blueprint("credit_notes", __name__)

_WHOLE, _PARTS = "whole", "parts"
_MADE, _BOOKS = "made", "books"
_REASON = _l("Reason, as it stands on the document")


class CreditForm(FlaskForm):
    """Why, how much and what becomes of it; a form of an invoice adds an amount for each of its lines."""

    request_key = KeyField(_l("Form"), validators=[Needed()])
    kind = ChoiceField(_l("Why"))
    reason = LineField(
        _l("Reason, as it stands on the document"), validators=[Needed(), AtMost(REASON_MAX_LENGTH)]
    )
    extent = ChoiceField(_l("How much"))
    effect = ChoiceField(_l("What becomes of it"))
    has_document = ChoiceField(_l("Document"))

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind.choices = choices_of(CreditKind, state_label)
        self.extent.choices = choices(
            (_PARTS, _("The amounts below")), (_WHOLE, _("All that is left of the invoice"))
        )
        self.effect.choices = choices_of(CreditEffect, state_label)
        self.has_document.choices = choices(
            (_MADE, _("A credit note is issued")), (_BOOKS, _("Only an entry in the books (below ¥10,000)"))
        )

    def validate(self, extra_validators: Any = None) -> bool:
        """Some line needs an amount, unless everything is taken back; the first one says so."""
        is_valid = super().validate(extra_validators)
        lines = [item for item in self if item.name.startswith("line_")]
        if self.extent.data == _PARTS and lines and not any(item.data or item.errors for item in lines):
            lines[0].errors = [_("Write an amount at one of the lines, or take back all that is left.")]
            return False
        return bool(is_valid)

    @property
    def amounts(self) -> dict[int, Money] | None:
        """What is taken back by the position of the line; None for all of it."""
        if self.extent.data == _WHOLE:
            return None
        names = [item.name for item in self if item.name.startswith("line_")]
        return {int(name.removeprefix("line_")): self[name].data for name in names if self[name].data}

    @property
    def facts(self) -> dict[str, Any]:
        return {
            "kind": CreditKind(self.kind.data),
            "reason": self.reason.data,
            "amounts": self.amounts,
            "effect": CreditEffect(self.effect.data),
            "has_document": self.has_document.data == _MADE,
        }


class CorrectionForm(FlaskForm):
    """Why the invoice is issued again."""

    request_key = KeyField(_l("Form"), validators=[Needed()])
    reason = LineField(
        _l("Reason, as it stands on the document"), validators=[Needed(), AtMost(REASON_MAX_LENGTH)]
    )


def _form_of(lines: Sequence[InvoiceLine], left: Left, **given: Any) -> CreditForm:
    """The form with an amount for each line of which something is left."""
    open_lines = {each.position: each.left for each in left.lines if each.left > Money(0)}
    fields = {
        f"line_{line.position}": YenField(
            _l("Line %(position)s, %(model)s", position=line.position, model=line.description.get("model"))
        )
        for line in lines
        if line.position in open_lines
    }
    form: CreditForm = type("CreditFormOfInvoice", (CreditForm,), fields)(**given)
    return form


@bp.get("/invoices/<uuid:invoice_id>/credit")
@requires(Permission.INVOICES_ISSUE)
def ask(invoice_id: UUID) -> ResponseReturnValue:
    return _credit_page(invoice_id)


@bp.post("/invoices/<uuid:invoice_id>/credit")
@requires(Permission.INVOICES_ISSUE)
def issue(invoice_id: UUID) -> ResponseReturnValue:
    invoice = invoice_with_all(reading(), invoice_id)
    if invoice is None:
        raise NotFound(kind="invoice")
    form = _form_of(invoice.lines, what_is_left(reading(), invoice))
    if not form.validate_on_submit():
        return _credit_page(invoice_id, form), 422
    try:
        note_id = make_once(form, partial(issue_credit_note, invoice_id=invoice_id, **form.facts))
    except DomainError as error:
        status = put_into_form(form, error)
        return _credit_page(invoice_id, form), status
    flash(_("The credit note is issued."), "success")
    return redirect(url_for(".show", credit_note_id=note_id), 303)


@bp.get("/credit-notes/<uuid:credit_note_id>")
@requires(Permission.INVOICES_READ)
def show(credit_note_id: UUID) -> ResponseReturnValue:
    note = credit_note_with_all(reading(), credit_note_id)
    if note is None:
        raise NotFound(kind="credit_note")
    return render_template(
        "console/credit_note.html",
        note=note,
        documents=documents_about(reading(), note.id),
        kept=kept_by(reading(), note.number),
        rate_label=rate_label,
        has_mail_server=bool(current_app.config["RENTAL"].smtp_url),
    )


@bp.get("/invoices/<uuid:invoice_id>/correction")
@requires(Permission.INVOICES_ISSUE)
def ask_correction(invoice_id: UUID) -> ResponseReturnValue:
    return _correction_page(invoice_id, CorrectionForm(request_key=new_key()))


@bp.post("/invoices/<uuid:invoice_id>/correction")
@requires(Permission.INVOICES_ISSUE)
def correct(invoice_id: UUID) -> ResponseReturnValue:
    form = CorrectionForm()
    if not form.validate_on_submit():
        return _correction_page(invoice_id, form), 422
    try:
        make_once(form, partial(reissue_invoice, invoice_id=invoice_id, reason=form.reason.data or ""))
    except DomainError as error:
        status = put_into_form(form, error)
        return _correction_page(invoice_id, form), status
    flash(_("The corrected invoice is issued, and goes to the customer."), "success")
    return redirect(url_for("invoices.show", invoice_id=invoice_id), 303)


def _credit_page(invoice_id: UUID, form: CreditForm | None = None) -> str:
    invoice = invoice_with_all(reading(), invoice_id)
    if invoice is None:
        raise NotFound(kind="invoice")
    left = what_is_left(reading(), invoice)
    form = form or _form_of(invoice.lines, left, request_key=new_key())
    return render_template(
        "console/credit_note_new.html",
        form=form,
        invoice=invoice,
        left=left,
        rows=[
            (line, each.left, form[f"line_{line.position}"])
            for line, each in zip(invoice.lines, left.lines, strict=True)
            if f"line_{line.position}" in form
        ],
        rate_label=rate_label,
    )


def _correction_page(invoice_id: UUID, form: CorrectionForm) -> str:
    invoice = invoice_with_all(reading(), invoice_id)
    if invoice is None:
        raise NotFound(kind="invoice")
    return render_template(
        "console/invoice_correction.html",
        form=form,
        invoice=invoice,
        latest=latest_document(reading(), invoice_id),
    )
