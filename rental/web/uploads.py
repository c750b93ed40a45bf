"""Routes that take files: only they may be sent more than a form's worth, and only by who may use them."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, current_app, request

from rental.core.images import LARGEST_IMAGE
from rental.identity.permissions import Permission
from rental.web.guards import signed_in

F = TypeVar("F", bound=Callable[..., Any])
MEGABYTE = 1024 * 1024


def takes_picture(view: F) -> F:
    """The view's form has one picture, and its other fields beside it."""
    view.__largest_body__ = LARGEST_IMAGE + MEGABYTE  # type: ignore[attr-defined]
    return view


def init_app(app: Flask) -> None:
    """The check of a form's token reads the whole body, so the room is made before that."""
    app.before_request(_make_room)


def _make_room() -> None:
    if request.method != "POST" or request.endpoint is None:
        return
    view: Any = current_app.view_functions[request.endpoint]
    largest: int | None = getattr(view, "__largest_body__", None)
    if largest is None:
        return
    permission: Permission | None = view.__permission__
    person = signed_in()
    if person is not None and permission is not None and person.may(permission):
        request.max_content_length = largest
