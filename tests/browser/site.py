"""The product as a browser meets it: a real server, desks of people, a watch over all complaints."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, WebError
from werkzeug.serving import WSGIRequestHandler, make_server

from rental.identity.models import Account
from tests.support.story import Story

CHROMIUM = os.environ.get("RENTAL_TEST_BROWSER") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
NEEDS_BROWSER = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium on PATH and RENTAL_TEST_BROWSER names none"),
]

TIMEOUT_MS = 10_000
REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  window.reportViolation(`${event.effectiveDirective} refused ${event.blockedURI} ${event.sample}`));
"""


class _QuietHandler(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Requests of a test are no news."""


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """The app behind a threaded server of this process; yields its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_QuietHandler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Watch:
    """Everything a browser complains about: errors in the console, of scripts, of the content policy."""

    complaints: list[str] = field(default_factory=list)

    def over(self, context: BrowserContext) -> None:
        context.on("console", self._console)
        context.on("weberror", self._web_error)
        context.expose_function("reportViolation", self._violation)
        context.add_init_script(REPORT_VIOLATIONS)

    def _console(self, message: ConsoleMessage) -> None:
        is_refused_page = message.text.startswith("Failed to load resource: the server responded")
        page = message.page
        if is_refused_page and page and message.location["url"].startswith(page.url.split("#")[0]):
            return  # a page or a form on it that answers 404 or 422 on purpose is listed as a failed resource
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.type}: {message.text} ({message.location['url']})")

    def _web_error(self, error: WebError) -> None:
        self.complaints.append(f"script: {error.error}")

    def _violation(self, what: str) -> None:
        self.complaints.append(f"policy: {what}")


@dataclass
class Site:
    """One fresh company behind a server; `desk` opens somebody's browser."""

    story: Story
    url: str
    new_context: Callable[..., BrowserContext]
    watch: Watch = field(default_factory=Watch)

    def desk(self, account: Account | None = None, *, path: str = "/", **options: Any) -> Page:
        """A page in a browser of its own, in which this person is signed in, or nobody."""
        context = self.new_context(base_url=self.url, **{"locale": "en", **options})
        context.set_default_timeout(TIMEOUT_MS)
        self.watch.over(context)
        if account:
            sign_in(context, self.story, account, self.url)
        page = context.new_page()
        page.goto(path)
        return page


def sign_in(context: BrowserContext, story: Story, account: Account, url: str) -> None:
    """Gives the browser a session that was opened through the use case."""
    cookie = story.signed_in(account).client.get_cookie("genba", domain="127.0.0.1")
    assert cookie
    context.add_cookies([{"name": "genba", "value": cookie.value, "url": url}])
