"""What phones send: commands in the order they were made, and the bytes of photos before their command.

A page of another site cannot call these routes, though they take no form token: each call needs a header
(`X-Field: 1`), which a browser sends to another site only after asking it, and we never answer that
question; besides, the origin of every call is checked (`guards`), and the session cookie is SameSite=Lax.
"""

import hashlib
from typing import Any

from flask import Blueprint, Flask, jsonify, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from rental.core.db import reading
from rental.core.errors import Invalid
from rental.core.images import LARGEST_IMAGE
from rental.core.uow import begin
from rental.fieldwork.device_sync import (
    Answer,
    Command,
    CommandIdUsed,
    CommandOutOfOrder,
    apply_command,
)
from rental.fieldwork.models import WorkOrder
from rental.fieldwork.queries import own_work_order
from rental.fieldwork.reporting import keep_photo_bytes
from rental.identity.permissions import Permission
from rental.web.field_messages import BadValue, commands_in
from rental.web.guards import current_account, current_actor, requires
from rental.web.problems import answer_program
from rental.web.refusals import kept_refusal, refusal

bp = Blueprint("field_api", __name__, url_prefix="/api/m")


class HeaderMissing(Invalid):
    """The call does not say that it comes from our own pages or apps."""

    code = "web.field_header_missing"
    field = "X-Field"


def register(app: Flask) -> None:
    app.register_blueprint(bp)
    app.extensions["csrf"].exempt(bp)


@bp.post("/commands")
@requires(Permission.OWN_VISITS)
def take_commands() -> ResponseReturnValue:
    """Each command in a transaction of its own. One that cannot be taken ends the call; the rest was done."""
    _require_header()
    answers: list[dict[str, Any]] = []
    for command in commands_in(request.get_data()):
        try:
            with begin(current_actor()) as uow:
                answer = apply_command(uow, current_account().id, command)
        except CommandOutOfOrder as error:
            return answer_program(error, last_seq=error.params["last_seq"], answers=answers)
        except CommandIdUsed as error:
            return answer_program(error, answers=answers)
        answers.append(_told(command, answer))
    return jsonify(answers=answers)


@bp.put("/uploads/<sha256>")
@requires(Permission.OWN_VISITS)
def upload(sha256: str) -> ResponseReturnValue:
    """The bytes of a photo under their own hash; sent twice they are kept once."""
    _require_header()
    request.max_content_length = LARGEST_IMAGE
    content = request.get_data(cache=False)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise BadValue("sha256", _("The bytes that arrived have another SHA-256. Send them again."))
    with begin(current_actor()) as uow:
        keep_photo_bytes(uow, content)
    return "", 204


def _require_header() -> None:
    if request.headers.get("X-Field") != "1":
        raise HeaderMissing


def _told(command: Command, answer: Answer) -> dict[str, Any]:
    is_done = answer.status in {"applied", "duplicate"}
    order = own_work_order(reading(), current_account().id, command.work_order_id)
    return {
        "id": str(command.id),
        "status": answer.status,
        "code": None if is_done else answer.result.get("code"),
        "message": "" if is_done else _sentence(answer),
        "result": answer.result if is_done else {},
        "revision": order.revision if order else None,
        "work_order": _snapshot(order) if order else None,
    }


def _sentence(answer: Answer) -> str:
    if answer.error is not None:
        return refusal(answer.error)
    return kept_refusal(str(answer.result.get("code")), answer.result.get("params") or {})


def _snapshot(order: WorkOrder) -> dict[str, Any]:
    """The job as the phone shows it."""
    return {
        "id": str(order.id),
        "number": order.number,
        "state": order.state.value,
        "items": [
            {
                "id": str(item.id),
                "position": item.position,
                "model": item.equipment_model.code,
                "state": item.state.value,
                "tag": item.unit.tag if item.unit else None,
                "rent_from": item.slot.started_on.isoformat() if item.slot.started_on else None,
                "monthly_fee": item.slot.line.monthly_fee.minor_units,
            }
            for item in order.items
        ],
    }
