"""One job on site: setting off, arriving, a scan for each machine, notes."""

from uuid import UUID

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from rental.fieldwork.rules import CommandType
from rental.identity.permissions import Permission
from rental.web.guards import requires
from rental.web.problems import answer_form_errors
from rental.web.technician.commands import CommandForm, Told, own_order, tell
from rental.web.technician.work_order_page import NoteForm, Said, ScanForm, UndoForm, order_page

bp = Blueprint("own_work_orders", __name__, url_prefix="/m/work-orders")


@bp.get("/<uuid:work_order_id>")
@requires(Permission.OWN_VISITS)
def show(work_order_id: UUID) -> ResponseReturnValue:
    return order_page(own_order(work_order_id))


@bp.post("/<uuid:work_order_id>/depart")
@requires(Permission.OWN_VISITS)
def depart(work_order_id: UUID) -> ResponseReturnValue:
    return _pressed(work_order_id, CommandType.DEPART)


@bp.post("/<uuid:work_order_id>/arrive")
@requires(Permission.OWN_VISITS)
def arrive(work_order_id: UUID) -> ResponseReturnValue:
    return _pressed(work_order_id, CommandType.ARRIVE)


@bp.post("/<uuid:work_order_id>/scan")
@requires(Permission.OWN_VISITS)
def scan(work_order_id: UUID) -> ResponseReturnValue:
    own_order(work_order_id)
    form = ScanForm()
    if not form.validate_on_submit():
        return order_page(own_order(work_order_id), scan_form=form, said=Said.of_form(form)), 422
    told = tell(form, work_order_id, CommandType.SCAN, code=form.code.data)
    if not told.is_done:
        said = Said("bad", told.sentence, read=form.code.data or "")
        return order_page(own_order(work_order_id), said=said), told.status
    said = Said("again", _("Read before")) if told.was_again else Said("ok", _("Right machine"))
    if "HX-Request" in request.headers:
        return order_page(own_order(work_order_id), said=said)
    flash(said.title, "info" if told.was_again else "success")
    return redirect(url_for(".show", work_order_id=work_order_id, _anchor="machines"), 303)


@bp.post("/<uuid:work_order_id>/undo-scan")
@requires(Permission.OWN_VISITS)
def undo_scan(work_order_id: UUID) -> ResponseReturnValue:
    own_order(work_order_id)
    form = UndoForm()
    if not form.validate_on_submit():
        return answer_form_errors(form)
    told = tell(form, work_order_id, CommandType.UNDO_SCAN, item_id=form.item_id.data)
    return _answer(work_order_id, told)


@bp.post("/<uuid:work_order_id>/note")
@requires(Permission.OWN_VISITS)
def note(work_order_id: UUID) -> ResponseReturnValue:
    own_order(work_order_id)
    form = NoteForm()
    if not form.validate_on_submit():
        return order_page(own_order(work_order_id), note_form=form), 422
    told = tell(form, work_order_id, CommandType.NOTE, text=form.text.data)
    return _answer(work_order_id, told, anchor="notes")


def _pressed(work_order_id: UUID, kind: CommandType) -> ResponseReturnValue:
    own_order(work_order_id)
    form = CommandForm()
    if not form.validate_on_submit():
        return answer_form_errors(form)
    return _answer(work_order_id, tell(form, work_order_id, kind))


def _answer(work_order_id: UUID, told: Told, *, anchor: str | None = None) -> ResponseReturnValue:
    """Back to the page of the job, or that page with the refusal on top."""
    if not told.is_done:
        return order_page(own_order(work_order_id), said=Said("bad", told.sentence)), told.status
    return redirect(url_for(".show", work_order_id=work_order_id, _anchor=anchor), 303)
