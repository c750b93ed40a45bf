"""Receiving with a scanner in the hand: serial after serial, then all of the delivery at once."""

from collections.abc import Sequence
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from rental.core.db import found, reading
from rental.core.errors import DomainError
from rental.core.idempotency import new_key
from rental.identity.permissions import Permission
from rental.inventory.models import Receipt
from rental.inventory.queries import active_labels_of, units_of_receipt
from rental.inventory.receiving import PreviewRow, SerialsTaken, preview_receipt
from rental.inventory.rules.label_codes import shown
from rental.web.console.new_rows import make_once
from rental.web.console.receiving import DeliveryForm
from rental.web.guards import requires
from rental.web.problems import put_into_form
from rental.web.today import today

bp = Blueprint("receive", __name__, url_prefix="/m/receive")


@bp.get("")
@requires(Permission.STOCK_MOVE)
def ask() -> ResponseReturnValue:
    return _form_page(DeliveryForm(formdata=None, request_key=new_key()))


@bp.post("")
@requires(Permission.STOCK_MOVE)
def receive() -> ResponseReturnValue:
    """Receives the delivery, or, for the button that only looks, says what would become of each row."""
    form = DeliveryForm()
    if not form.validate_on_submit():
        return _form_page(form), 422
    try:
        if "preview" in request.form:
            return _form_page(form, _preview(form))
        receipt_id = make_once(form, form.receive)
    except SerialsTaken as error:
        status = put_into_form(form, error)
        return _form_page(form, _preview(form)), status
    except DomainError as error:
        status = put_into_form(form, error)
        return _form_page(form), status
    flash(_("The delivery is received. Print its labels, then put the units on their shelf."), "success")
    return redirect(url_for(".show", receipt_id=receipt_id), 303)


@bp.get("/<uuid:receipt_id>")
@requires(Permission.STOCK_MOVE)
def show(receipt_id: UUID) -> ResponseReturnValue:
    receipt = found(reading(), Receipt, receipt_id)
    units = units_of_receipt(reading(), receipt.id)
    labels = active_labels_of(reading(), [unit.id for unit in units])
    codes = {unit_id: shown(label.code) for unit_id, label in labels.items()}
    return render_template("warehouse/received.html", receipt=receipt, units=units, codes=codes)


def _preview(form: DeliveryForm) -> list[PreviewRow]:
    return preview_receipt(reading(), form.equipment_model, form.serials.serials, on=today())


def _form_page(form: DeliveryForm, rows: Sequence[PreviewRow] = ()) -> str:
    return render_template(
        "warehouse/receive.html",
        form=form,
        rows=rows,
        is_ready=bool(form.equipment_model_id.choices and form.location_id.choices),
    )
