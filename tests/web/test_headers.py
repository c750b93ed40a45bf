"""What every answer tells the browser about how careful to be, and what its cookies are like."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from rental.identity.permissions import Role
from tests.support.story import PASSWORD, Story
from tests.web.company import Company, Seat, method_of, rules_of
from tests.web.conftest import PUBLIC_URL
from tests.web.role_routes import VISITOR

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; worker-src 'self'; manifest-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
ON_EVERY_ANSWER = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(self), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
NEVER = ("Access-Control-Allow-Origin", "X-Powered-By", "Strict-Transport-Security")
TYPES = {
    "text/html; charset=utf-8",
    "text/csv; charset=utf-8",
    "text/plain; charset=utf-8",
    "text/css; charset=utf-8",
    "text/javascript; charset=utf-8",
    "image/svg+xml; charset=utf-8",
    "image/png",
    "application/pdf",
    "application/json",
    "application/json; charset=utf-8",
    "application/problem+json",
}


def _answers(company: Company) -> Iterator[tuple[str, TestResponse]]:
    """An answer of every kind from every route."""
    for who in (VISITOR, Role.ADMINISTRATOR, Role.CUSTOMER):
        seat = company.seat(who)
        for rule in rules_of(company.app):
            path = company.path_of(rule)
            method = method_of(rule)
            yield f"{who} {method} {path}", seat.get(path) if method == "GET" else seat.post(path)
    seat = company.seat(Role.ADMINISTRATOR)
    for method, path in (
        ("GET", "/nowhere"),
        ("GET", "/m"),
        ("GET", "/static/nothing.css"),
        ("GET", "/static/js/app.js"),
        ("GET", "/static/icons.svg?v=1"),
        ("GET", "/people?role=nobody"),
        ("POST", "/people"),
        ("TRACE", "/people"),
        ("OPTIONS", "/people"),
        ("HEAD", "/people"),
        ("PUT", "/people/new"),
    ):
        yield f"{method} {path}", seat.open(method, path)
    yield "no token", seat.post("/checks", token="")
    yield "too large", seat.post("/checks", {"x": "y" * 1_100_000})
    yield "another site", seat.post("/checks", headers={"Origin": "https://evil.example"})
    yield "for a program", seat.get("/nowhere", headers={"Accept": "application/json"})


@pytest.mark.slow
def test_every_answer_of_every_route_carries_the_headers(company: Company) -> None:
    wrong, others = [], dict[str, list[str]]()
    for what, answer in _answers(company):
        for name, value in ON_EVERY_ANSWER.items():
            if (given := tuple(answer.headers.getlist(name))) != (value,):
                others.setdefault(f"{name}: {given}", []).append(what)
        wrong += [f"{what}: {name}" for name in NEVER if name in answer.headers]
        if answer.content_type not in TYPES and not (answer.status_code == 200 and not answer.data):
            wrong.append(f"{what}: {answer.content_type}")
        kept = answer.headers.get("Cache-Control")
        # A stored file is kept by the browser that showed it, and asked about before it is shown again.
        is_stored_file = answer.mimetype in {"image/png", "application/pdf"} and "/sample.pdf" not in what
        expected = "private, no-cache" if is_stored_file else "no-store"
        if "/static/" not in what and kept != expected:
            wrong.append(f"{what}: Cache-Control: {kept}")
        for cookie in answer.headers.getlist("Set-Cookie"):
            attributes = {part.strip() for part in cookie.split(";")[1:]}
            if not {"HttpOnly", "SameSite=Lax", "Path=/"} <= attributes:
                wrong.append(f"{what}: {cookie}")
    wrong += [f"{header} at {len(places)}, first {places[0]}" for header, places in others.items()]
    assert wrong == []


def test_what_a_browser_may_keep_is_only_what_is_named_by_its_content(app: Flask) -> None:
    seat = Seat(app.test_client())
    address = re.search(r'href="(/static/css/base\.css\?v=[0-9a-f]{12})"', seat.get("/sign-in").text)
    assert address
    kept = seat.get(address.group(1))
    assert kept.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert seat.get("/static/css/base.css").headers["Cache-Control"] == "no-cache"
    assert seat.get("/static/nothing.css?v=1").headers["Cache-Control"] == "no-store"


def test_a_host_that_is_not_ours_is_refused_with_every_header(app: Flask) -> None:
    seat, wrong = Seat(app.test_client()), []
    for host in ("evil.example", "localhost.evil.example", "localhost:80@evil.example", "[::1"):
        for method, accept in (("GET", "text/html"), ("POST", "text/html"), ("GET", "application/json")):
            try:
                answer = seat.open(method, "/sign-in", headers={"Host": host, "Accept": accept})
            except AttributeError as error:
                wrong.append(f"{method} {host}: no answer at all, {error}")
                continue
            if answer.status_code != 400 or host in answer.text:
                wrong.append(f"{method} {host}: {answer.status}")
            if not ON_EVERY_ANSWER.keys() <= set(answer.headers.keys()):
                wrong.append(f"{method} {host}: headers are missing")
    assert wrong == []


def test_over_https_cookies_belong_to_this_host_alone_and_browsers_stay_on_https(https_app: Flask) -> None:
    story = Story(https_app)
    account = story.person(Role.SALES)
    seat = Seat(https_app.test_client())
    at_home: dict[str, Any] = {"base_url": PUBLIC_URL, "headers": {"Referer": f"{PUBLIC_URL}/sign-in"}}
    page = seat.get("/sign-in", **at_home)
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found
    signed_in = seat.post(
        "/sign-in", {"email": account.email, "password": PASSWORD}, token=found.group(1), **at_home
    )
    home = seat.get("/", **at_home)
    found = re.search(r'name="csrf_token" value="([^"]+)"', home.text)
    assert found
    signed_out = seat.post("/sign-out", token=found.group(1), **at_home)
    cookies = [
        c for answer in (page, signed_in, home, signed_out) for c in answer.headers.getlist("Set-Cookie")
    ]
    for cookie in cookies:
        attributes = {part.strip() for part in cookie.split(";")[1:]}
        assert cookie.startswith("__Host-genba")
        assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= attributes
        assert not any(attribute.startswith("Domain") for attribute in attributes)
    assert {cookie.split("=")[0] for cookie in cookies} == {"__Host-genba", "__Host-genba_form"}
    for answer in (page, signed_in, home, signed_out):
        assert answer.headers["Strict-Transport-Security"] == "max-age=63072000; includeSubDomains"
        assert ON_EVERY_ANSWER.keys() <= set(answer.headers.keys())
    assert (page.status_code, signed_in.status_code, home.status_code) == (200, 303, 200)
    assert signed_out.headers["Clear-Site-Data"] == '"cache", "cookies", "storage"'
    assert seat.get("/", **at_home).headers["Location"].startswith("/sign-in")
    # A page for builders is not part of the product as people reach it.
    assert seat.get("/styleguide", **at_home).status_code == 404
    # A session cookie without the prefix is nobody's: another host of the domain could have set it.
    token = story.signed_in(account).client.get_cookie("genba")
    assert token
    stranger = Seat(https_app.test_client())
    stranger.client.set_cookie("genba", token.value, domain="rental.example.jp")
    assert stranger.get("/account", **at_home).status_code == 303
