"""Nobody gets in by default: every route names a permission, or says that it is public."""

import logging
import re
from collections.abc import Callable
from datetime import date
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

from flask import Flask, abort, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, current_user
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import Forbidden, Unauthorized

from rental.core.business_date import PINNED_ON
from rental.core.db import reading
from rental.core.runtime import runtime
from rental.core.uow import Actor, ActorKind, begin
from rental.identity.models import Account
from rental.identity.permissions import Permission
from rental.identity.queries import (
    OPEN_SESSION,
    OpenSession,
    SignedInAccount,
    read_session,
    session_parameters,
)
from rental.identity.sessions import SEEN_AGAIN_AFTER, keep_session_alive
from rental.notifications.queries import unread_notice_count

log = logging.getLogger("rental.web")
F = TypeVar("F", bound=Callable[..., Any])

_SAFE_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")


# Who is there, and what the head of every page tells them: one question to the database.
_WHO_IS_THERE = OPEN_SESSION.add_columns(
    unread_notice_count(Account.id).label("unread_count"), PINNED_ON.label("pinned_on")
)


class SignedIn:
    """The person of this request, as Flask-Login knows them; with what every page shows them."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, session: OpenSession, unread_count: int, pinned_on: date | None) -> None:
        self.session = session
        self.account = session.account
        self.unread_count = unread_count
        self.pinned_on = pinned_on

    def get_id(self) -> str:
        return str(self.account.id)

    def may(self, permission: Permission) -> bool:
        return permission in self.account.permissions


def requires(permission: Permission) -> Callable[[F], F]:
    """Only people with this permission reach the view."""

    def mark(view: F) -> F:
        view.__permission__ = permission  # type: ignore[attr-defined]
        return view

    return mark


def public(view: F) -> F:
    """Anybody reaches the view, signed in or not."""
    view.__permission__ = None  # type: ignore[attr-defined]
    return view


def signed_in() -> SignedIn | None:
    """The person of this request, or None."""
    person: Any = current_user._get_current_object()
    return person if isinstance(person, SignedIn) else None


def may(permission: Permission) -> bool:
    """Whether the person of this request may do this; nobody may do nothing."""
    person = signed_in()
    return person is not None and person.may(permission)


def current_account() -> SignedInAccount:
    """The account of this request; only for views that require a permission."""
    person = signed_in()
    if person is None:
        raise Unauthorized
    return person.account


def current_session_id() -> UUID:
    """The session this request belongs to; only for views that require a permission."""
    person = signed_in()
    if person is None:
        raise Unauthorized
    return person.session.id


def current_actor() -> Actor:
    """Who acts in this request, for `begin`."""
    person = signed_in()
    if person is None:
        return Actor(ActorKind.PERSON, "visitor", address=client_address())
    return Actor(ActorKind.PERSON, person.account.name, person.account.id, client_address())


def client_address() -> str:
    """Where the request came from; behind proxies only as far as RENTAL_PROXY_COUNT lets us believe it."""
    return (request.remote_addr or "")[:64]


def session_cookie_name() -> str:
    """`__Host-` binds the cookie to this host; browsers accept the prefix over https only."""
    return "__Host-genba" if current_app.config["RENTAL"].is_https else "genba"


def safe_path(path: str | None) -> str | None:
    """The path if it leads to this site and nowhere else, or None."""
    if not path or not _SAFE_PATH.fullmatch(path) or urlsplit(path).netloc:
        return None
    return path


def init_app(app: Flask) -> None:
    login = LoginManager(app)
    login.session_protection = None
    login.request_loader(_load_person)
    app.before_request(_refuse_foreign_origin)
    app.before_request(_refuse_without_permission)
    app.before_request(_note_that_person_is_there)


def verify_routes(app: Flask) -> None:
    """Raises RuntimeError for a route without `@requires` or `@public`: such an app does not start."""
    unmarked = sorted(
        str(rule)
        for rule in app.url_map.iter_rules()
        if rule.endpoint != "static" and not hasattr(app.view_functions[rule.endpoint], "__permission__")
    )
    if unmarked:
        raise RuntimeError(f"routes without @requires or @public: {', '.join(unmarked)}")


def _load_person(_: object) -> SignedIn | None:
    token = request.cookies.get(session_cookie_name())
    if not token or len(token) > 100:
        return None
    parameters = session_parameters(token, runtime().clock.now())
    row = reading().connection().execute(_WHO_IS_THERE, parameters).one_or_none()
    return SignedIn(read_session(row), row.unread_count, row.pinned_on) if row else None


def _refuse_foreign_origin() -> None:
    """A page of another site may not send forms here (ASVS 5.0, 3.5.1), token or not."""
    if request.method in {"GET", "HEAD", "OPTIONS"}:
        return
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        abort(403)
    origin = request.headers.get("Origin")
    ours = {request.host_url.rstrip("/"), current_app.config["RENTAL"].public_url}
    if origin and origin not in ours | {"null"}:
        abort(403)


def _refuse_without_permission() -> ResponseReturnValue | None:
    if request.endpoint is None or request.endpoint == "static":
        return None
    view: Any = current_app.view_functions[request.endpoint]
    permission: Permission | None = view.__permission__
    if permission is None:
        return None
    person = signed_in()
    if person is None:
        is_page = request.accept_mimetypes.accept_html and "HX-Request" not in request.headers
        if request.method == "GET" and is_page:
            return redirect(url_for("sign_in.ask", next=request.full_path.rstrip("?")), 303)
        raise Unauthorized
    if not person.may(permission):
        raise Forbidden
    return None


def _note_that_person_is_there() -> None:
    person = signed_in() if request.endpoint != "static" else None
    if person is None or runtime().clock.now() - person.session.last_seen_at < SEEN_AGAIN_AFTER:
        return
    session_id = person.session.id
    try:
        with begin(current_actor()) as uow:
            keep_session_alive(uow, session_id)
    except DBAPIError as error:  # a page can be read even while nothing can be written
        log.warning("could not note that a session is alive: %s", error.orig)
