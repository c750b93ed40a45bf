"""A form that makes something new: sent twice, it makes one."""

from collections.abc import Callable
from typing import Protocol
from uuid import UUID

from flask import request
from flask_wtf import FlaskForm

from rental.core.idempotency import once, owner_of
from rental.core.uow import UnitOfWork, begin
from rental.web.guards import current_account, current_actor


class HasId(Protocol):
    """What was made."""

    id: UUID


def make_once(form: FlaskForm, make: Callable[[UnitOfWork], HasId]) -> UUID:
    """Runs the command for the form's request key, once; returns the id of what it made.

    Raises KeyUsedForAnotherRequest when the key came before with different content.
    """
    owner = owner_of(current_account().id)
    fields = {item.short_name: str(item.data) for item in form if item.short_name != "csrf_token"}
    key = fields.pop("request_key")
    with begin(current_actor()) as uow:
        answer = once(uow, owner, key, [request.path, fields], lambda: {"id": str(make(uow).id)})
    return UUID(answer["id"])
