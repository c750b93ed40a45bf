"""A map service on this machine that answers as Nominatim does."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

SHINJUKU = {
    "lat": "35.6891",
    "lon": "139.6921",
    "display_name": "東京都庁, 新宿区",
    "boundingbox": ["35.6881", "35.6901", "139.6911", "139.6931"],
}


@dataclass
class MapServiceStandIn:
    """What it answers, and what it was asked. `look_around` runs while the asker waits."""

    url: str = ""
    answer: Any = field(default_factory=lambda: [SHINJUKU])
    status: int = 200
    questions: list[dict[str, list[str]]] = field(default_factory=list)
    look_around: Callable[[], None] = lambda: None


@contextmanager
def map_service() -> Iterator[MapServiceStandIn]:
    """A running service, at a path of its own as behind a company's proxy."""
    service = MapServiceStandIn()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            service.look_around()
            asked = urlsplit(self.path)
            service.questions.append(parse_qs(asked.query))
            is_known = asked.path == "/maps/search"
            body = service.answer if isinstance(service.answer, str) else json.dumps(service.answer)
            self.send_response(service.status if is_known else 404)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Requests of a test are no news."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    service.url = f"http://127.0.0.1:{server.server_port}/maps"
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
