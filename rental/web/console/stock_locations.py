"""The places units can be: shelves, receiving areas, vans, scrap, and the sites of customers."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm

from rental.core.db import found, reading
from rental.core.errors import DomainError
from rental.core.idempotency import new_key
from rental.core.paging import Order
from rental.core.uow import UnitOfWork, begin
from rental.identity.models import Account
from rental.identity.permissions import Permission, Role
from rental.identity.queries import accounts_matching
from rental.identity.rules import AccountState
from rental.inventory import stock_locations
from rental.inventory.models import StockLocation, Unit
from rental.inventory.queries import (
    active_labels_of_places,
    locations_matching,
    unit_counts_at,
    units_matching,
)
from rental.inventory.rules.unit_states import LocationKind
from rental.inventory.stock_locations import ADDED_BY_HAND
from rental.web.console.new_rows import make_once
from rental.web.fields import (
    AtMost,
    ChoiceField,
    KeyField,
    LineField,
    Needed,
    SearchField,
    VersionField,
    choices,
    choices_of,
)
from rental.web.guards import current_actor, requires
from rental.web.problems import put_into_form
from rental.web.sentences import state_label
from rental.web.tables import FilterForm, Heading, empty_table, read_table
from rental.web.wording.inventory import four_and_four

bp = Blueprint("stock_locations", __name__, url_prefix="/stock-locations")


class PlaceFilter(FilterForm):
    """Words in code or name, and a kind."""

    q = SearchField(_l("Code or name"), validators=[AtMost(100)])
    kind = ChoiceField(_l("Kind"))

    def __init__(self) -> None:
        super().__init__()
        self.kind.choices = [*choices(("", _("All kinds"))), *choices_of(LocationKind, state_label)]
        self.kind.data = self.kind.data or ""


class NewPlaceForm(FlaskForm):
    """A place of the company. The key makes a form sent twice one place."""

    code = LineField(_l("Code"), validators=[Needed(), AtMost(30)])
    name = LineField(_l("Name"), validators=[Needed(), AtMost(200)])
    kind = ChoiceField(_l("Kind"))
    warehouse = LineField(_l("Warehouse"), validators=[AtMost(100)])
    technician_id = ChoiceField(_l("Technician"))
    request_key = KeyField(_l("Form"), validators=[Needed()])

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.kind.choices = choices_of(ADDED_BY_HAND, state_label)
        technicians = accounts_matching(words="", role=Role.TECHNICIAN, state=AccountState.ACTIVE)
        people = reading().scalars(technicians.order_by(Account.name).limit(1000))
        self.technician_id.choices = choices(
            ("", _("Nobody")), *((str(person.id), person.name) for person in people)
        )
        self.technician_id.data = self.technician_id.data or ""

    def add(self, uow: UnitOfWork) -> StockLocation:
        return stock_locations.add_stock_location(
            uow,
            code=self.code.data,
            name=self.name.data,
            kind=LocationKind(self.kind.data),
            warehouse=self.warehouse.data,
            technician_id=UUID(self.technician_id.data) if self.technician_id.data else None,
        )


class RenameForm(FlaskForm):
    """Another name for a place, as it was when the form was opened."""

    name = LineField(_l("Name"), validators=[Needed(), AtMost(200)])
    version = VersionField(_l("Version"), validators=[Needed()])


@bp.get("")
@requires(Permission.STOCK_READ)
def index() -> ResponseReturnValue:
    filters = PlaceFilter()
    headings = [
        Heading("code", _("Code"), Order((StockLocation.code,))),
        Heading("name", _("Name"), Order((StockLocation.name, StockLocation.id))),
        Heading("kind", _("Kind")),
        Heading("warehouse", _("Warehouse")),
        Heading("technician", _("Technician")),
        Heading("units", _("Units"), numeric=True),
    ]
    if not filters.validate():
        table = empty_table("places", headings, filters)
        return render_template("console/stock_locations.html", table=table, counts={}), 422
    statement = locations_matching(
        words=filters.q.data or "", kind=LocationKind(filters.kind.data) if filters.kind.data else None
    )
    table = read_table(reading(), "places", statement, headings, default_sort="code", filters=filters)
    counts = unit_counts_at(reading(), [place.id for place in table.rows])
    return render_template("console/stock_locations.html", table=table, counts=counts)


@bp.get("/new")
@requires(Permission.STOCK_MOVE)
def ask() -> ResponseReturnValue:
    form = NewPlaceForm(request_key=new_key(), kind=LocationKind.BIN.value)
    return render_template("console/stock_location_new.html", form=form)


@bp.post("/new")
@requires(Permission.STOCK_MOVE)
def add() -> ResponseReturnValue:
    form = NewPlaceForm()
    if not form.validate_on_submit():
        return render_template("console/stock_location_new.html", form=form), 422
    try:
        location_id = make_once(form, form.add)
    except DomainError as error:
        status = put_into_form(form, error)
        return render_template("console/stock_location_new.html", form=form), status
    flash(_("The place is added. Print its label next."), "success")
    return redirect(url_for(".show", location_id=location_id), 303)


@bp.get("/<uuid:location_id>")
@requires(Permission.STOCK_READ)
def show(location_id: UUID) -> ResponseReturnValue:
    return _page(location_id)


@bp.post("/<uuid:location_id>")
@requires(Permission.STOCK_MOVE)
def rename(location_id: UUID) -> ResponseReturnValue:
    found(reading(), StockLocation, location_id)
    form = RenameForm()
    if not form.validate_on_submit():
        return _page(location_id, form), 422
    try:
        with begin(current_actor()) as uow:
            stock_locations.rename_stock_location(
                uow, location_id, name=form.name.data, version=form.version.data or 0
            )
    except DomainError as error:
        status = put_into_form(form, error)
        return _page(location_id, form), status
    flash(_("Saved."), "success")
    return redirect(url_for(".show", location_id=location_id), 303)


def _page(location_id: UUID, form: RenameForm | None = None) -> str:
    place = found(reading(), StockLocation, location_id)
    headings = [
        Heading("tag", _("Our number"), Order((Unit.tag,))),
        Heading("model", _("Model")),
        Heading("serial", _("Serial number"), Order((Unit.normalised_serial, Unit.id))),
        Heading("state", _("State")),
        Heading("received", _("Received on"), Order((Unit.received_on, Unit.id))),
    ]
    statement = units_matching(location_id=place.id)
    return render_template(
        "console/stock_location.html",
        place=place,
        table=read_table(reading(), "units", statement, headings, default_sort="tag"),
        count=unit_counts_at(reading(), [place.id])[place.id],
        label=active_labels_of_places(reading(), [place.id]).get(place.id),
        form=form or RenameForm(formdata=None, name=place.name, version=place.version),
        four_and_four=four_and_four,
    )
