"""Addresses of style sheets and scripts that change with their content: browsers may keep them for ever."""

import hashlib
from functools import lru_cache
from pathlib import Path

from flask import Flask, current_app, g, has_request_context, request, url_for


@lru_cache(maxsize=512)
def _digest(path: Path, changed_at: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def asset(name: str) -> str:
    """The address of a file in static/, with a hash of its content.

    A page has dozens of them; only while developing is each file looked at again, once for a page.
    """
    is_development = current_app.config["RENTAL"].is_development
    addresses: dict[tuple[str, str], str] = (g if is_development else current_app.extensions).setdefault(
        "assets", {}
    )
    key = (request.script_root if has_request_context() else "", name)
    if key not in addresses:
        addresses[key] = _address(name)
    return addresses[key]


def _address(name: str) -> str:
    path = Path(current_app.static_folder or "") / name
    if not path.is_file():
        return url_for("static", filename=name)
    return url_for("static", filename=name, v=_digest(path, path.stat().st_mtime_ns))


def init_app(app: Flask) -> None:
    app.jinja_env.globals["asset"] = asset
