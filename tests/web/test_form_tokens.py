"""The token of a form belongs to one session, and what is drawn once has none of another page's."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, g

from rental.app import create_app
from rental.core.db import db
from rental.identity.permissions import Role
from tests.conftest import SECRET_KEY, config_for
from tests.support.databases import Database
from tests.support.story import Story
from tests.web.company import Seat

OTHERS_PATH = "/account/sessions/end-others"


def test_two_sessions_of_one_person_have_tokens_of_their_own(story: Story) -> None:
    account = story.person(Role.SALES)
    here, there = Seat(story.signed_in(account).client), Seat(story.signed_in(account).client)
    assert here.post(OTHERS_PATH, token=there.token()).status_code == 400
    assert here.post(OTHERS_PATH, token=here.token()).status_code == 303


def test_no_two_pages_show_the_same_token_and_each_is_good(story: Story) -> None:
    seat = Seat(story.a(Role.SALES).client)
    pages = [seat.get("/account").text for _ in range(3)]
    tokens = [set(re.findall(r'name="csrf_token" value="([^"]+)"', page)) for page in pages]
    assert [len(shown) for shown in tokens] == [1, 1, 1], "one page, one token"
    assert len(set.union(*tokens)) == 3
    for (token,) in tokens:
        assert seat.post(OTHERS_PATH, token=token).status_code == 303


@pytest.mark.parametrize("broken", ["", "x", "=", "%%%", "あ", "A" * 64, "A" * 64 + "=="], ids=repr)
def test_what_is_no_token_is_refused(story: Story, broken: str) -> None:
    seat = Seat(story.a(Role.SALES).client)
    assert seat.post(OTHERS_PATH, token=broken).status_code == 400


def test_one_changed_letter_makes_a_token_worthless(story: Story) -> None:
    seat = Seat(story.a(Role.SALES).client)
    token = seat.token()
    for place in (0, 10, 30, len(token) - 1):
        other = "B" if token[place] != "B" else "C"
        assert seat.post(OTHERS_PATH, token=token[:place] + other + token[place + 1 :]).status_code == 400


def test_pages_drawn_before_the_key_was_changed_can_still_be_sent(
    story: Story, database: Database, tmp_path: Path
) -> None:
    account = story.person(Role.SALES)
    before = Seat(story.signed_in(account).client)
    token, cookie = before.token(), before.client.get_cookie("genba")
    assert cookie
    for fallbacks, expected in (((SECRET_KEY,), 303), ((), 400)):
        config = replace(
            config_for(database.url, tmp_path), secret_key="k" * 40, secret_key_fallbacks=fallbacks
        )
        app = create_app(config)
        app.extensions["rental"].clock = story.clock
        after = Seat(app.test_client())
        after.client.set_cookie("genba", cookie.value)
        assert after.post(OTHERS_PATH, token=token).status_code == expected
        with app.app_context():
            db.engine.dispose()


def test_what_differs_from_page_to_page_is_filled_in_and_escaped(app: Flask) -> None:
    source = "{% macro m(a, gap) %}<b>{{ a }}</b><i title='{{ gap }}'>{{ gap }}</i>{% endmacro %}"
    with app.test_request_context():
        g.reader_language = "en"
        macro = app.jinja_env.from_string(source).module.m  # type: ignore[attr-defined]
        drawn_once: Any = app.jinja_env.globals["drawn_once"]
        first = drawn_once(macro, "<x>", gap="one")
        second = drawn_once(macro, "<x>", gap="<two>")
    assert first == "<b>&lt;x&gt;</b><i title='one'>one</i>"
    assert second == "<b>&lt;x&gt;</b><i title='&lt;two&gt;'>&lt;two&gt;</i>"
