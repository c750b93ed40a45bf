"""Units: find one by any number, see where it is and what happened to it, move it."""

from typing import Protocol
from uuid import UUID

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm

from rental.billing.queries import invoices_of_unit
from rental.catalog.queries import equipment_model_with_code
from rental.contracts.queries import contracts_of_slots, placements_of_unit
from rental.core.db import found, reading
from rental.core.errors import DomainError
from rental.core.idempotency import new_key, once, owner_of
from rental.core.paging import Order
from rental.core.uow import UnitOfWork, begin
from rental.identity.permissions import Permission
from rental.inventory import movements
from rental.inventory.finding import find_place, label_meant, units_with_number
from rental.inventory.labelling import replace_unit_code
from rental.inventory.models import Unit
from rental.inventory.movements import Circumstances
from rental.inventory.qr_symbols import Drawing, qr_drawing
from rental.inventory.queries import (
    active_label_of,
    held_for,
    latest_movement_at,
    places_of_kinds,
    state_counts,
    units_matching,
)
from rental.inventory.rules.label_codes import label_url
from rental.inventory.rules.label_lives import LabelCodeState
from rental.inventory.rules.unit_states import LocationKind, UnitState, moves_by_hand
from rental.web.console.unit_forms import (
    MOVE_NAMES,
    MoveForm,
    NewCodeForm,
    RetireForm,
    UnitFilter,
    move_form,
    offer_places,
)
from rental.web.console.unit_history import contract_link, history_of, place_link
from rental.web.guards import current_account, current_actor, may, requires
from rental.web.problems import put_into_form
from rental.web.tables import Heading, empty_table, read_table
from rental.web.wording.inventory import four_and_four

bp = Blueprint("units", __name__, url_prefix="/units")


@bp.get("")
@requires(Permission.STOCK_READ)
def index() -> ResponseReturnValue:
    filters = UnitFilter()
    headings = [
        Heading("tag", _("Our number"), Order((Unit.tag,))),
        Heading("model", _("Model")),
        Heading("serial", _("Serial number"), Order((Unit.normalised_serial, Unit.id))),
        Heading("state", _("State")),
        Heading("place", _("Place")),
        Heading("received", _("Received on"), Order((Unit.received_on, Unit.id))),
    ]
    if not filters.validate():
        return _list(empty_table("units", headings, filters)), 422
    if filters.is_number_alone and not request.args.get("after") and (url := _only_hit(filters.q.data)):
        return _jump(url)
    model = equipment_model_with_code(reading(), filters.model.data) if filters.model.data else None
    statement = units_matching(
        words=filters.q.data or "",
        equipment_model_id=model.id if model else None,
        state=UnitState(filters.state.data) if filters.state.data else None,
        place_words=filters.place.data or "",
    )
    return _list(read_table(reading(), "units", statement, headings, default_sort="tag", filters=filters))


def _list(table: object) -> str:
    kept = {name: request.args.get(name) or None for name in ("q", "model", "place", "sort")}
    return render_template("console/units.html", table=table, counts=state_counts(reading()), kept=kept)


def _only_hit(words: str) -> str | None:
    """The page of the one unit or place that has exactly this number or label."""
    label = label_meant(reading(), words)
    if label is not None and label.location_id:
        return url_for("stock_locations.show", location_id=label.location_id)
    if label is not None and label.unit_id:
        if label.state is LabelCodeState.REVOKED:
            flash(
                _("The label %(code)s was revoked; this unit has another.", code=four_and_four(label.code)),
                "warning",
            )
        return url_for(".show", unit_id=label.unit_id)
    units = units_with_number(reading(), words)
    return url_for(".show", unit_id=units[0].id) if len(units) == 1 else None


def _jump(url: str) -> ResponseReturnValue:
    """To another page, also from a list that would swap only its own region."""
    if "HX-Request" in request.headers:
        return "", 200, {"HX-Redirect": url}
    return redirect(url, 303)


@bp.get("/<uuid:unit_id>")
@requires(Permission.STOCK_READ)
def show(unit_id: UUID) -> ResponseReturnValue:
    return _page(unit_id)


@bp.post("/<uuid:unit_id>/shelve")
@requires(Permission.STOCK_MOVE)
def shelve(unit_id: UUID) -> ResponseReturnValue:
    return _move(unit_id, "shelve", movements.shelve_unit)


@bp.post("/<uuid:unit_id>/move")
@requires(Permission.STOCK_MOVE)
def move(unit_id: UUID) -> ResponseReturnValue:
    return _move(unit_id, "move", movements.transfer_unit)


@bp.post("/<uuid:unit_id>/load")
@requires(Permission.STOCK_MOVE)
def load(unit_id: UUID) -> ResponseReturnValue:
    return _move(unit_id, "load", movements.load_unit)


@bp.post("/<uuid:unit_id>/unload")
@requires(Permission.STOCK_MOVE)
def unload(unit_id: UUID) -> ResponseReturnValue:
    return _move(unit_id, "unload", movements.unload_unit)


@bp.post("/<uuid:unit_id>/retire")
@requires(Permission.STOCK_MOVE)
def retire(unit_id: UUID) -> ResponseReturnValue:
    found(reading(), Unit, unit_id)
    form = RetireForm(prefix="retire-")
    if not form.validate_on_submit():
        return _page(unit_id, form), 422
    try:
        with begin(current_actor()) as uow:
            movements.retire_unit(uow, unit_id, reason=form.reason.data, how=form.how)
    except DomainError as error:
        status = put_into_form(form, error)
        return _page(unit_id, form), status
    flash(_("The unit is retired: it is never rented again."), "success")
    return redirect(url_for(".show", unit_id=unit_id), 303)


@bp.post("/<uuid:unit_id>/new-code")
@requires(Permission.STOCK_MOVE)
def replace_code(unit_id: UUID) -> ResponseReturnValue:
    found(reading(), Unit, unit_id)
    form = NewCodeForm(prefix="code-")
    if not form.validate_on_submit():
        return _page(unit_id, form), 422
    reason = form.reason.data
    try:
        with begin(current_actor()) as uow:
            answer = once(
                uow,
                owner_of(current_account().id),
                form.request_key.data,
                [request.path, reason],
                lambda: {"code": replace_unit_code(uow, unit_id, reason=reason).code},
            )
    except DomainError as error:
        status = put_into_form(form, error)
        return _page(unit_id, form), status
    flash(
        _("The new label code is %(code)s. Print its label now.", code=four_and_four(answer["code"])),
        "success",
    )
    return redirect(url_for(".show", unit_id=unit_id), 303)


class _MoveByHand(Protocol):
    def __call__(self, uow: UnitOfWork, unit_id: UUID, *, to: UUID, how: Circumstances) -> object: ...


def _move(unit_id: UUID, name: str, move_by_hand: _MoveByHand) -> ResponseReturnValue:
    """Moves the unit to the place of the form, if it is still where the person saw it."""
    found(reading(), Unit, unit_id)
    form = MoveForm(prefix=f"{name}-")
    if not form.validate_on_submit():
        return _page(unit_id, form), 422
    try:
        place = find_place(reading(), form.place.data)
        with begin(current_actor()) as uow:
            move_by_hand(uow, unit_id, to=place.id, how=form.how)
    except DomainError as error:
        status = put_into_form(form, error)
        return _page(unit_id, form), status
    flash(_("The unit is at %(place)s now.", place=place.code), "success")
    return redirect(url_for(".show", unit_id=unit_id), 303)


def _page(unit_id: UUID, refused: FlaskForm | None = None) -> str:
    """The unit's page; a refused form stands in its place again, for the unit as it is now."""
    unit = found(reading(), Unit, unit_id)
    if refused is not None and "seen_at" in refused:
        refused.seen_at.data = unit.location_id.hex
    placements = placements_of_unit(reading(), unit.id)
    held = held_for(reading(), unit.id)
    contracts = contracts_of_slots(reading(), [held.slot_id]) if held else {}
    label = active_label_of(reading(), unit.id)
    moves = _moves(unit, refused)
    return render_template(
        "console/unit.html",
        unit=unit,
        history=history_of(reading(), unit, placements),
        moved_at=latest_movement_at(reading(), unit.id),
        place=place_link(unit.location),
        placement=next((placement for placement in placements if placement.removed_at is None), None),
        held=held,
        held_for=next(map(contract_link, contracts.values()), None),
        contract_link=contract_link,
        label=label,
        drawing=_drawing(label.code) if label else None,
        moves=moves,
        places=places_of_kinds(reading(), *{kind for _form, kind in moves.values()}),
        retire_form=refused if isinstance(refused, RetireForm) else _retire_form(unit),
        code_form=refused if isinstance(refused, NewCodeForm) else _code_form(),
        refused=refused,
        four_and_four=four_and_four,
        invoices=invoices_of_unit(reading(), unit.id) if may(Permission.INVOICES_READ) else (),
    )


def _moves(unit: Unit, refused: FlaskForm | None) -> dict[str, tuple[MoveForm, LocationKind]]:
    """The forms of the moves that are legal now, by name, and the kind of place each leads to."""
    moves = {}
    for move, kind in moves_by_hand(unit.state).items():
        name = MOVE_NAMES[move]
        form = move_form(name, unit)
        if isinstance(refused, MoveForm) and refused.place.name == form.place.name:
            form = refused
        offer_places(form, kind)
        moves[name] = (form, kind)
    return moves


def _retire_form(unit: Unit) -> RetireForm:
    return RetireForm(formdata=None, prefix="retire-", seen_at=unit.location_id.hex)


def _code_form() -> NewCodeForm:
    return NewCodeForm(formdata=None, prefix="code-", request_key=new_key())


def _drawing(code: str) -> Drawing:
    return qr_drawing(label_url(current_app.config["RENTAL"].public_url, code))
