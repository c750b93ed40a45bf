"""Several web processes on one database behave as one."""

import re
from collections.abc import Iterator
from http.client import HTTPConnection
from urllib.parse import urlencode

import pytest
from flask import Flask

from rental.core.clock import SystemClock
from rental.identity.permissions import Role
from tests.support.databases import Database
from tests.support.processes import Installation, installation
from tests.support.story import PASSWORD, Story

pytestmark = [pytest.mark.slow, pytest.mark.faults]


@pytest.fixture
def running(app: Flask, database: Database) -> Iterator[Installation]:
    with installation(database.url) as processes:
        yield processes


class HttpClient:
    """A browser that talks to whichever process it is told to, with one set of cookies."""

    def __init__(self, cookies: dict[str, str] | None = None) -> None:
        self.cookies = dict(cookies or {})

    def ask(self, port: int, method: str, path: str, form: str = "") -> tuple[int, str]:
        connection = HTTPConnection("127.0.0.1", port, timeout=20)
        headers = {
            "Accept": "text/html",
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        connection.request(method, path, form, headers)
        response = connection.getresponse()
        body = response.read().decode()
        for cookie in response.headers.get_all("Set-Cookie") or ():
            name, _, value = cookie.split(";")[0].partition("=")
            self.cookies[name] = value
        connection.close()
        return response.status, body

    def send(self, port: int, page: str, path: str, **fields: str) -> int:
        _, body = self.ask(port, "GET", page)
        token = re.search(r'name="csrf_token" value="([^"]+)"', body)
        assert token
        return self.ask(port, "POST", path, urlencode({**fields, "csrf_token": token.group(1)}))[0]


def test_a_session_ended_on_one_process_is_dead_on_the_other(app: Flask, running: Installation) -> None:
    story = Story(app)
    story.runtime.clock = SystemClock()
    person = story.person(Role.SALES)
    one, other = running.start_web("one"), running.start_web("other")

    browser = HttpClient()
    assert browser.send(one, "/sign-in", "/sign-in", email=person.email, password=PASSWORD) == 303
    assert browser.ask(other, "GET", "/account")[0] == 200
    copied = HttpClient(browser.cookies)
    assert copied.ask(other, "GET", "/account")[0] == 200

    assert browser.send(one, "/account", "/sign-out") == 303
    assert copied.ask(other, "GET", "/account")[0] == 303
    assert copied.ask(one, "GET", "/account")[0] == 303


def test_a_killed_web_process_takes_no_saved_work_with_it(app: Flask, running: Installation) -> None:
    story = Story(app)
    story.runtime.clock = SystemClock()
    person = story.person(Role.SALES)
    one, other = running.start_web("one"), running.start_web("other")
    browser = HttpClient()
    assert browser.send(one, "/sign-in", "/sign-in", email=person.email, password=PASSWORD) == 303
    assert browser.send(one, "/account", "/preferences", theme="dark") == 303
    running.kill("one")
    assert 'data-theme="dark"' in browser.ask(other, "GET", "/account")[1]
