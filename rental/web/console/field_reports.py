"""What people on site told us, and what became of it; conflicts wait here until the dispatcher decides."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm

from rental.core.db import reading
from rental.core.errors import DomainError, NotFound
from rental.core.uow import begin
from rental.fieldwork.conflicts import decide_conflict
from rental.fieldwork.models import FieldCommand
from rental.fieldwork.queries import commands_in_conflict, conflict_with_decision, work_orders_with
from rental.fieldwork.rules import BlockReason, CommandStatus, CommandType, ConflictOutcome, PhotoKind
from rental.identity.permissions import Permission
from rental.web.fields import AtMost, ChoiceField, Needed, ParagraphField, choices, choices_of
from rental.web.guards import current_actor, requires
from rental.web.problems import put_into_form
from rental.web.refusals import kept_refusal
from rental.web.sentences import state_label

bp = Blueprint("conflicts", __name__, url_prefix="/conflicts")


class DecisionForm(FlaskForm):
    """What becomes of a conflict; nothing is chosen before a person chooses."""

    outcome = ChoiceField(_l("Decision"), validators=[Needed()])
    note = ParagraphField(_l("What was done, and why"), validators=[AtMost(1000)])

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.outcome.choices = [*choices(("", _("Please choose"))), *choices_of(ConflictOutcome, state_label)]


@bp.get("")
@requires(Permission.WORK_ORDERS_READ)
def index() -> ResponseReturnValue:
    commands = commands_in_conflict(reading())
    orders = work_orders_with(reading(), {command.work_order_id for command in commands})
    return render_template(
        "console/conflicts.html",
        commands=commands,
        orders={order.id: order for order in orders},
        answer_of=answer_of,
        evidence_of=evidence_of,
        told_words=told_words,
    )


@bp.get("/<uuid:command_id>")
@requires(Permission.WORK_ORDERS_READ)
def show(command_id: UUID) -> ResponseReturnValue:
    return _page(command_id, DecisionForm(formdata=None))


@bp.post("/<uuid:command_id>")
@requires(Permission.WORK_ORDERS_PLAN)
def decide(command_id: UUID) -> ResponseReturnValue:
    form = DecisionForm()
    if not form.validate_on_submit():
        return _page(command_id, form), 422
    try:
        with begin(current_actor()) as uow:
            decide_conflict(uow, command_id, ConflictOutcome(form.outcome.data), form.note.data)
    except DomainError as error:
        status = put_into_form(form, error)
        return _page(command_id, form), status
    flash(_("Decided. It stays with its work order."), "success")
    return redirect(url_for(".index"), 303)


def _page(command_id: UUID, form: DecisionForm) -> str:
    command = conflict_with_decision(reading(), command_id)
    if command is None:
        raise NotFound(kind="field_command")
    order = next(iter(work_orders_with(reading(), [command.work_order_id])), None)
    return render_template(
        "console/conflict.html",
        command=command,
        order=order,
        form=form,
        answer_of=answer_of,
        evidence_of=evidence_of,
        told_words=told_words,
    )


def told_words(command: FieldCommand) -> str:
    """What somebody told us, in words; a type of another version shows its name."""
    try:
        return state_label(CommandType(command.type))
    except ValueError:
        return command.type


def answer_of(command: FieldCommand) -> str:
    """Why a command was not taken over; nothing for one that was."""
    if command.status is CommandStatus.APPLIED:
        return ""
    result = command.result
    return kept_refusal(str(result.get("code", "")), dict(result.get("params") or {}))


def evidence_of(command: FieldCommand) -> str:
    """What was scanned, written or chosen on site."""
    payload = command.payload
    if isinstance(payload.get("code"), str):
        return _("Scanned: %(code)s", code=payload["code"][:60])
    if command.type == CommandType.BLOCK:
        note = str(payload.get("note") or "")[:200]
        return " · ".join(filter(None, (_chosen(BlockReason, payload.get("reason")), note)))
    if command.type == CommandType.PHOTO:
        return _chosen(PhotoKind, payload.get("kind"))
    if isinstance(payload.get("text"), str):
        return payload["text"][:200]
    return _("The rest is left for later") if payload.get("leaves_rest") is True else ""


def _chosen(kind: type[BlockReason] | type[PhotoKind], value: object) -> str:
    return state_label(kind(value)) if isinstance(value, str) and value in set(kind) else ""
