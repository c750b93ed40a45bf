"""The cookie that carries a session's token."""

from datetime import timedelta

from flask import Response, current_app, session

from rental.identity.rules import SESSION_LIMITS, SessionKind
from rental.identity.sessions import OpenedSession
from rental.web.guards import session_cookie_name


def hand_over(response: Response, opened: OpenedSession) -> None:
    """Puts the new session into the browser; what the browser held before is forgotten."""
    language = session.get("language")
    session.clear()
    if language:
        session["language"] = language
    lifetime = SESSION_LIMITS[opened.session.kind].longest
    _set(response, opened.token, lifetime if opened.session.kind is SessionKind.PHONE else None)


def take_away(response: Response) -> None:
    """Makes the browser forget the session and everything it stored for this site."""
    session.clear()
    _set(response, "", timedelta(0))
    if current_app.config["RENTAL"].is_https:
        response.headers["Clear-Site-Data"] = '"cache", "cookies", "storage"'


def _set(response: Response, token: str, lifetime: timedelta | None) -> None:
    response.set_cookie(
        session_cookie_name(),
        token,
        max_age=lifetime,
        path="/",
        secure=current_app.config["RENTAL"].is_https,
        httponly=True,
        samesite="Lax",
    )
