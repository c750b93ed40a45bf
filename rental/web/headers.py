"""What every answer tells the browser about how careful to be."""

from flask import Flask, Response, request

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
    given = HEADERS | ({"Strict-Transport-Security": HSTS} if app.config["RENTAL"].is_https else {})

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers.extend(given)
        if request.endpoint == "static" and response.status_code == 200:
            is_named_by_content = "v" in request.args
            response.headers["Cache-Control"] = (
                "public, max-age=31536000, immutable" if is_named_by_content else "no-cache"
            )
        else:
            response.headers.setdefault("Cache-Control", "no-store")
        return response
