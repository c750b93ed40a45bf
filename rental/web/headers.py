"""What every answer tells the browser about how careful to be."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(self), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
HSTS = "max-age=63072000; includeSubDomains"


def init_app(app: Flask) -> None:
    """What is the same for every answer is added last of all, in front of Flask: nothing gets past it."""
    https = {"Strict-Transport-Security": HSTS} if app.config["RENTAL"].is_https else {}
    app.wsgi_app = _Adding(app.wsgi_app, [*HEADERS.items(), *https.items()])  # type: ignore[method-assign]

    @app.after_request
    def say_what_may_be_kept(response: Response) -> Response:
        if request.endpoint == "static" and response.status_code == 200:
            is_named_by_content = "v" in request.args
            response.headers["Cache-Control"] = (
                "public, max-age=31536000, immutable" if is_named_by_content else "no-cache"
            )
        elif "Cache-Control" not in response.headers:
            response.headers.add("Cache-Control", "no-store")
        return response


class _Adding:
    """An application whose every answer has these headers too."""

    def __init__(self, application: "WSGIApplication", headers: list[tuple[str, str]]) -> None:
        self.application, self.headers = application, headers

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Callable[[bytes], object]:
            return start_response(status, headers + self.headers, *error)

        return self.application(environ, start)
