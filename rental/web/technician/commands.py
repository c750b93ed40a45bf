"""What a form on the phone tells: one command; its id and the revision it shows are hidden fields."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm

from rental.core.db import reading
from rental.core.errors import DomainError, NotFound
from rental.core.uow import UnitOfWork, begin
from rental.fieldwork.device_sync import Answer, Command, CommandIdUsed, apply_command
from rental.fieldwork.models import WorkOrder
from rental.fieldwork.queries import own_work_order
from rental.fieldwork.rules import CommandType
from rental.web.fields import KeyField, Needed, VersionField
from rental.web.guards import current_account, current_actor, current_session_id
from rental.web.problems import status_of
from rental.web.refusals import kept_refusal, refusal


class CommandForm(FlaskForm):
    """A button, or the hidden half of a form. Every page that is shown carries a new id."""

    command_id = KeyField(_l("Form"), validators=[Needed()])
    base = VersionField(_l("Version"))


@dataclass(frozen=True, slots=True)
class Told:
    """What became of what somebody told us: the status of the answer, and the sentence of a refusal."""

    status: int
    sentence: str = ""
    field: str | None = None
    was_again: bool = False

    @property
    def is_done(self) -> bool:
        return self.status == 200


def own_order(work_order_id: UUID) -> WorkOrder:
    """The job, when this technician was sent out to do it. Raises NotFound."""
    order = own_work_order(reading(), current_account().id, work_order_id)
    if order is None:
        raise NotFound(kind="work_order")
    return order


def tell(form: CommandForm, work_order_id: UUID, kind: CommandType, /, **payload: Any) -> Told:
    """Does what the form says, once. A refusal is an answer and not an error: it is kept with the command."""
    own_order(work_order_id)
    try:
        with begin(current_actor()) as uow:
            return told(_apply(uow, form, work_order_id, kind, payload))
    except CommandIdUsed as error:  # the page was sent before with something else: no field of it is wrong
        return Told(409, refusal(error))


def _apply(
    uow: UnitOfWork, form: CommandForm, work_order_id: UUID, kind: CommandType, payload: dict[str, Any]
) -> Answer:
    command = Command(
        id=UUID(hex=form.command_id.data),
        device=f"form:{current_session_id()}",
        seq=None,
        type=kind,
        work_order_id=work_order_id,
        payload=payload,
        base=form.base.data,
        at=None,
    )
    return apply_command(uow, current_account().id, command)


def told(answer: Answer) -> Told:
    """The answer to a command, for a page."""
    if answer.error is not None:
        return refused(answer.error)
    if answer.status in {"applied", "duplicate"}:
        return Told(200, was_again=bool(answer.result.get("again")))
    return Told(409, kept_refusal(str(answer.result.get("code")), answer.result.get("params") or {}))


def refused(error: DomainError) -> Told:
    """A refusal, for a page."""
    return Told(status_of(error), refusal(error), error.field)
