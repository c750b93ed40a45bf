"""The end of a job: what is missing, done with rent running, or not possible and why."""

from uuid import UUID

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField
from wtforms.widgets import HiddenInput

from rental.core.db import reading
from rental.core.idempotency import new_key
from rental.fieldwork.models import WorkOrder
from rental.fieldwork.queries import photos_of
from rental.fieldwork.rules import BlockReason, CommandType, ItemState, WorkOrderState
from rental.identity.permissions import Permission
from rental.web.fields import AtMost, ParagraphField, choices_of
from rental.web.guards import requires
from rental.web.problems import answer_form_errors
from rental.web.sentences import state_label
from rental.web.technician.commands import CommandForm, own_order, tell
from rental.web.technician.work_order_page import TileField, fees_of, machines_of

bp = Blueprint("own_endings", __name__, url_prefix="/m/work-orders/<uuid:work_order_id>")


class CompletionForm(CommandForm):
    """Done; with `leaves_rest`, but for the machines that were not read."""

    leaves_rest = BooleanField(_l("Leave the rest"), widget=HiddenInput())


class BlockForm(CommandForm):
    """Why nothing could be done."""

    reason = TileField(_l("Reason"))
    note = ParagraphField(_l("Note"), validators=[AtMost(500)])

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.reason.choices = choices_of(BlockReason, state_label)


@bp.get("/complete")
@requires(Permission.OWN_VISITS)
def ask(work_order_id: UUID) -> ResponseReturnValue:
    order = own_order(work_order_id)
    if order.state is not WorkOrderState.ON_SITE:
        return _to_order(work_order_id)
    return _completion_page(order)


@bp.post("/complete")
@requires(Permission.OWN_VISITS)
def complete(work_order_id: UUID) -> ResponseReturnValue:
    own_order(work_order_id)
    form = CompletionForm()
    if not form.validate_on_submit():
        return answer_form_errors(form)
    told = tell(form, work_order_id, CommandType.COMPLETE, leaves_rest=form.leaves_rest.data)
    if not told.is_done:
        return _completion_page(own_order(work_order_id), told.sentence), told.status
    return _to_order(work_order_id)


@bp.get("/block")
@requires(Permission.OWN_VISITS)
def ask_why(work_order_id: UUID) -> ResponseReturnValue:
    order = own_order(work_order_id)
    if order.state is not WorkOrderState.ON_SITE:
        return _to_order(work_order_id)
    return _block_page(order, BlockForm(formdata=None))


@bp.post("/block")
@requires(Permission.OWN_VISITS)
def block(work_order_id: UUID) -> ResponseReturnValue:
    order = own_order(work_order_id)
    form = BlockForm()
    if not form.validate_on_submit():
        return _block_page(order, form), 422
    told = tell(form, work_order_id, CommandType.BLOCK, reason=form.reason.data, note=form.note.data)
    if not told.is_done:
        form.form_errors.append(told.sentence)
        return _block_page(own_order(work_order_id), form), told.status
    return _to_order(work_order_id)


def _completion_page(order: WorkOrder, refusal: str = "") -> str:
    machines = machines_of(order)
    read = [machine for machine in machines if machine.item.state is ItemState.SCANNED]
    return render_template(
        "technician/complete.html",
        order=order,
        read=read,
        missing=[machine for machine in machines if machine.item.state is ItemState.OPEN],
        monthly_fee=fees_of(read),
        photo_count=len(photos_of(reading(), order.id)),
        refusal=refusal,
        new_key=new_key,
    )


def _block_page(order: WorkOrder, form: BlockForm) -> str:
    return render_template("technician/block.html", order=order, form=form, new_key=new_key)


def _to_order(work_order_id: UUID) -> ResponseReturnValue:
    return redirect(url_for("own_work_orders.show", work_order_id=work_order_id), 303)
