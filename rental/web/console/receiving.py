"""Receiving: serial numbers in, numbered units out, and from the receiving area to their shelves."""

from collections.abc import Sequence
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_wtf import FlaskForm
from wtforms.validators import ValidationError

from rental.catalog.models import EquipmentModel
from rental.catalog.queries import offered_models
from rental.core.db import found, reading
from rental.core.errors import DomainError
from rental.core.idempotency import new_key
from rental.core.paging import Order
from rental.core.uow import UnitOfWork, begin
from rental.identity.permissions import Permission
from rental.inventory import receiving
from rental.inventory.finding import find_place
from rental.inventory.models import Receipt
from rental.inventory.queries import (
    active_labels_of,
    places_of_kinds,
    receipts_matching,
    units_of_receipt,
    waiting_counts,
)
from rental.inventory.receiving import PreviewRow, SerialsTaken, preview_receipt
from rental.inventory.rules.serials import MOST_ROWS, TypedSerial, read_serials
from rental.inventory.rules.unit_states import LocationKind, UnitState
from rental.web.console.new_rows import make_once
from rental.web.console.unit_forms import LinesField, PlaceForm, offer_places
from rental.web.fields import (
    AtMost,
    ChoiceField,
    KeyField,
    LineField,
    Needed,
    SearchField,
    YenField,
    choices,
)
from rental.web.guards import current_actor, requires
from rental.web.problems import put_into_form
from rental.web.refusals import refusal
from rental.web.tables import FilterForm, Heading, empty_table, read_table
from rental.web.today import today
from rental.web.wording.inventory import four_and_four

bp = Blueprint("receiving", __name__, url_prefix="/receiving")

# As many rows as one delivery may have, each with a maker's barcode.
LONGEST_LIST = MOST_ROWS * 100


class DeliveryFilter(FilterForm):
    """Words in number, supplier or delivery note."""

    q = SearchField(_l("Number, supplier or delivery note"), validators=[AtMost(100)])


class SerialsField(LinesField):
    """Serial numbers: `data` is the text, `serials` what it says."""

    serials: Sequence[TypedSerial] = ()

    def post_validate(self, form: FlaskForm, validation_stopped: bool) -> None:
        if validation_stopped:
            return
        try:
            self.serials = read_serials(self.data)
        except DomainError as error:
            raise ValidationError(refusal(error)) from error
        if not self.serials:
            raise ValidationError(_("Please fill this in."))


class DeliveryForm(FlaskForm):
    """A delivery of one model. The key makes a form sent twice one delivery."""

    equipment_model_id = ChoiceField(_l("Model"))
    location_id = ChoiceField(_l("Place"))
    supplier_name = LineField(_l("Supplier"), validators=[Needed(), AtMost(100)])
    delivery_note = LineField(_l("Number of the delivery note"), validators=[AtMost(60)])
    unit_cost = YenField(_l("Cost of a unit"))
    serials = SerialsField(
        _l("Serial numbers"), longest=LONGEST_LIST, validators=[Needed(), AtMost(LONGEST_LIST)]
    )
    request_key = KeyField(_l("Form"), validators=[Needed()])

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.equipment_model_id.choices = choices(
            *((str(model.id), f"{model.code} {model.name}") for model in offered_models(reading()))
        )
        self.location_id.choices = choices(
            *(
                (str(place.id), f"{place.code} {place.name}")
                for place in places_of_kinds(reading(), LocationKind.RECEIVING)
            )
        )

    @property
    def equipment_model(self) -> EquipmentModel:
        return found(reading(), EquipmentModel, UUID(self.equipment_model_id.data))

    def receive(self, uow: UnitOfWork) -> Receipt:
        return receiving.receive_units(
            uow,
            UUID(self.equipment_model_id.data),
            self.serials.serials,
            location_id=UUID(self.location_id.data),
            supplier_name=self.supplier_name.data,
            delivery_note=self.delivery_note.data,
            unit_cost=self.unit_cost.data,
        )


@bp.get("")
@requires(Permission.STOCK_READ)
def index() -> ResponseReturnValue:
    filters = DeliveryFilter()
    headings = [
        Heading("number", _("Delivery"), Order((Receipt.number,))),
        Heading("received_at", _("Received at"), Order((Receipt.received_at, Receipt.id))),
        Heading("model", _("Model")),
        Heading("supplier", _("Supplier")),
        Heading("note", _("Number of the delivery note")),
        Heading("units", _("Units"), numeric=True),
        Heading("waiting", _("To put away"), numeric=True),
    ]
    if not filters.validate():
        table = empty_table("deliveries", headings, filters)
        return render_template("console/receiving.html", table=table, waiting={}), 422
    statement = receipts_matching(words=filters.q.data or "")
    table = read_table(
        reading(), "deliveries", statement, headings, default_sort="-received_at", filters=filters
    )
    waiting = waiting_counts(reading(), [receipt.id for receipt in table.rows])
    return render_template("console/receiving.html", table=table, waiting=waiting)


@bp.get("/new")
@requires(Permission.STOCK_MOVE)
def ask() -> ResponseReturnValue:
    return _form_page(DeliveryForm(request_key=new_key()))


@bp.post("/new")
@requires(Permission.STOCK_MOVE)
def receive() -> ResponseReturnValue:
    """Receives the delivery, or, for the button that only looks, shows what would become of each row."""
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
@requires(Permission.STOCK_READ)
def show(receipt_id: UUID) -> ResponseReturnValue:
    return _page(receipt_id, PlaceForm(formdata=None))


@bp.post("/<uuid:receipt_id>/shelve")
@requires(Permission.STOCK_MOVE)
def shelve(receipt_id: UUID) -> ResponseReturnValue:
    found(reading(), Receipt, receipt_id)
    form = PlaceForm()
    if not form.validate_on_submit():
        return _page(receipt_id, form), 422
    try:
        place = find_place(reading(), form.place.data)
        with begin(current_actor()) as uow:
            count = receiving.shelve_receipt(uow, receipt_id, to=place.id)
    except DomainError as error:
        status = put_into_form(form, error)
        return _page(receipt_id, form), status
    moved = ngettext(
        "%(num)s unit is at %(place)s now.", "%(num)s units are at %(place)s now.", count, place=place.code
    )
    flash(moved, "success")
    return redirect(url_for(".show", receipt_id=receipt_id), 303)


def _preview(form: DeliveryForm) -> list[PreviewRow]:
    return preview_receipt(reading(), form.equipment_model, form.serials.serials, on=today())


def _form_page(form: DeliveryForm, rows: Sequence[PreviewRow] = ()) -> str:
    return render_template(
        "console/receive.html",
        form=form,
        rows=rows,
        duplicates=[row.duplicate for row in rows if row.duplicate],
        is_ready=bool(form.equipment_model_id.choices and form.location_id.choices),
    )


def _page(receipt_id: UUID, form: PlaceForm) -> str:
    receipt = found(reading(), Receipt, receipt_id)
    units = units_of_receipt(reading(), receipt.id)
    offer_places(form, LocationKind.BIN)
    return render_template(
        "console/receipt.html",
        receipt=receipt,
        units=units,
        waiting_count=sum(unit.state is UnitState.RECEIVED for unit in units),
        codes=active_labels_of(reading(), [unit.id for unit in units]),
        form=form,
        places=places_of_kinds(reading(), LocationKind.BIN),
        four_and_four=four_and_four,
    )
