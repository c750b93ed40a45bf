"""The token in every form: it shows that a page of ours drew the form, in this very session.

The token of somebody signed in is worked out from their session's cookie. It is kept nowhere, costs no second
cookie to be read and signed for every page, and is worth nothing beside another session. A visitor has no
session: theirs is kept in the signed cookie of forms, as Flask-WTF does it.
"""

import base64
import hashlib
import hmac
import secrets

from flask import Flask, Response, current_app, g, request
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from flask_wtf import CSRFProtect
from flask_wtf.csrf import generate_csrf, same_origin
from itsdangerous import URLSafeTimedSerializer

from rental.web.guards import session_token, signed_in

_NONCE_BYTES = 16  # with it no two pages show the same token, so a compressed answer gives nothing away


class FormCookie(SecureCookieSessionInterface):
    """Flask's signed cookie, without making what signs it anew for every request."""

    _serializer: URLSafeTimedSerializer | None = None

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        if self._serializer is None:
            self._serializer = super().get_signing_serializer(app)
        return self._serializer

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if session or session.modified or "Vary" in response.headers:
            super().save_session(app, session, response)
        elif session.accessed:  # nothing was in it: all there is to say is that something could have been
            response.headers.add("Vary", "Cookie")


class FormTokens(CSRFProtect):
    """Refuses a form whose token was not drawn for whoever sends it."""

    def init_app(self, app: Flask) -> None:
        super().init_app(app)
        secret_keys = (app.config["SECRET_KEY"], *app.config["SECRET_KEY_FALLBACKS"])
        self.keys = [hashlib.sha256(b"tokens of forms " + key.encode()).digest() for key in secret_keys]
        app.session_interface = FormCookie()

    def protect(self, apply_exemptions: bool = False) -> None:
        """Raises CSRFError. A session that is over may still sign itself out, or hear that it is over."""
        if request.method not in current_app.config["WTF_CSRF_METHODS"]:
            return
        if apply_exemptions and (request.endpoint is None or self._is_exempt()):
            return
        if not self.is_of_session(self._get_csrf_token(), session_token()):
            if signed_in():
                self._error_response("The token is not of this session.")
            super().protect()
            return
        if request.is_secure and not same_origin(request.referrer or "", request.host_url):
            self._error_response("The form does not come from this host.")
        g.csrf_valid = True  # forms need not look again

    def give_token(self, session: str) -> None:
        """Forms of this request get a token of the session with this cookie. Flask-WTF looks for it here."""
        g.csrf_token = _token(self.keys[0], secrets.token_bytes(_NONCE_BYTES), session)

    def is_of_session(self, token: str | None, session: str) -> bool:
        """Whether `give_token` gave it to this session, with the present key or an earlier one."""
        if not token or not session:
            return False
        try:
            nonce = base64.urlsafe_b64decode(token)[:_NONCE_BYTES]
        except ValueError:
            return False
        given = token.encode()
        return any(hmac.compare_digest(given, _token(key, nonce, session).encode()) for key in self.keys)


def csrf_token() -> str:
    """The token of this request's forms."""
    given: str | None = g.get("csrf_token")
    return given or generate_csrf()


def _token(key: bytes, nonce: bytes, session: str) -> str:
    proof = hashlib.blake2b(nonce + session.encode(), key=key, digest_size=32).digest()
    return base64.urlsafe_b64encode(nonce + proof).decode()
