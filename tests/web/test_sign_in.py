"""Signing in tells a stranger nothing, and guessing gets slow."""

import re
import sys
from collections.abc import Callable
from datetime import timedelta
from types import FrameType
from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from rental.core.audit import AuditEntry
from rental.identity.accounts import disable_account, invite_account
from rental.identity.permissions import Role
from tests.support.story import PASSWORD, Story
from tests.web.company import Seat, Statements, changed_tables, rows_of
from tests.web.html import read_page

WRONG = "not my password at all"


def _seat(story: Story) -> Seat:
    return Seat(story.app.test_client())


def _sign_in(
    seat: Seat, email: str, password: str = PASSWORD, *, address: str = "203.0.113.7", **more: str
) -> TestResponse:
    return seat.post("/sign-in", {"email": email, "password": password, **more}, address=address)


def _four_people(story: Story) -> dict[str, str]:
    """The four ways of not getting in, by e-mails of the same length."""
    with story.begin() as uow:
        for email in ("b@example.jp", "c@example.jp"):
            invite_account(uow, email=email, name="X Y", roles=frozenset({Role.SALES}), language="en")
    person = story.person(Role.SALES, email="a@example.jp")
    disabled = story.person(Role.SALES, email="d@example.jp")
    with story.begin() as uow:
        disable_account(uow, disabled.id)
    return {
        "wrong password": person.email,
        "invited": "b@example.jp",
        "disabled": "d@example.jp",
        "unknown": "e@example.jp",
    }


def _password_checks(act: Callable[[], Any]) -> int:
    """How many hashes argon2 computed while this was done."""
    count = 0

    def watch(frame: FrameType, happened: str, _: object) -> None:
        nonlocal count
        code = frame.f_code
        if happened == "call" and code.co_name in {"verify", "hash"} and "argon2" in code.co_filename:
            count += 1

    earlier = sys.getprofile()
    sys.setprofile(watch)
    try:
        act()
    finally:
        sys.setprofile(earlier)
    return count


@pytest.mark.slow
def test_every_way_of_not_getting_in_looks_alike(story: Story) -> None:
    answers = set()
    for email in _four_people(story).values():
        seat = _seat(story)
        answer = _sign_in(seat, email, WRONG)
        text = answer.text.replace(email, "")
        text = re.sub(r'name="csrf_token" value="[^"]+"', "", text)
        headers = tuple((name, value) for name, value in answer.headers if name != "Set-Cookie")
        cookies = tuple(cookie.split("=")[0] for cookie in answer.headers.getlist("Set-Cookie"))
        length = len(answer.data)
        answers.add((answer.status_code, text, headers, cookies, length))
    assert len({(status, text) for status, text, *_ in answers}) == 1
    assert {status for status, *_ in answers} == {422}
    assert len({tuple(n for n, _ in headers) for _, _, headers, *_ in answers}) == 1


def test_every_way_of_not_getting_in_takes_the_same_work(story: Story) -> None:
    work = {}
    for kind, email in _four_people(story).items():
        seat = _seat(story)
        seat.token()
        with Statements() as asked:
            hashes = _password_checks(lambda s=seat, e=email: _sign_in(s, e, WRONG))  # type: ignore[misc]
        work[kind] = (hashes, asked.texts)
    assert {hashes for hashes, _ in work.values()} == {1}
    expected = work["unknown"][1]
    different = {kind: texts for kind, (_, texts) in work.items() if texts != expected}
    assert different == {}


@pytest.mark.slow
def test_a_guesser_waits_longer_and_longer_and_the_right_password_waits_as_well(story: Story) -> None:
    email = story.person(Role.SALES).email
    seat = _seat(story)
    for _ in range(3):
        assert _sign_in(seat, email, WRONG).status_code == 422
    waits = []
    for _ in range(11):
        refused = _sign_in(seat, email)
        assert refused.status_code == 429
        assert "Set-Cookie" not in refused.headers or "genba=" not in refused.headers["Set-Cookie"]
        wait = int(refused.headers["Retry-After"])
        waits.append(wait)
        assert f"{wait} second" in read_page(refused.text).with_class("error-summary")[0].text
        story.clock.forward(timedelta(seconds=wait - 1))
        assert _sign_in(seat, email, WRONG).status_code == 429
        story.clock.forward(timedelta(seconds=1))
        assert _sign_in(seat, email, WRONG).status_code == 422
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]
    # Somebody at another address, and somebody else at this one, need not wait.
    assert _sign_in(_seat(story), email, address="203.0.113.8").status_code == 303
    other = story.person(Role.BILLING).email
    assert _sign_in(_seat(story), other).status_code == 303
    story.clock.forward(timedelta(seconds=900))
    assert _sign_in(seat, email).status_code == 303
    # Getting in wipes the slate.
    again = _seat(story)
    for _ in range(3):
        assert _sign_in(again, email, WRONG).status_code == 422
    assert _sign_in(again, email, WRONG).headers["Retry-After"] == "2"


def test_after_the_seconds_it_was_told_to_wait_a_browser_is_let_in(story: Story) -> None:
    email = story.person(Role.SALES).email
    seat = _seat(story)
    for _ in range(3):
        _sign_in(seat, email, WRONG)
    story.clock.forward(timedelta(milliseconds=700))
    wait = int(_sign_in(seat, email).headers["Retry-After"])
    story.clock.forward(timedelta(seconds=wait))
    assert _sign_in(seat, email).status_code == 303


@pytest.mark.slow
def test_one_address_that_guesses_at_many_people_has_to_wait_everywhere(story: Story) -> None:
    email = story.person(Role.SALES).email
    seat = _seat(story)
    answers = [_sign_in(seat, f"guess{number}@example.jp", WRONG).status_code for number in range(34)]
    # Thirty for a whole office, and the three that everybody has.
    assert answers == [422] * 33 + [429]
    assert _sign_in(seat, email).status_code == 429
    assert _sign_in(_seat(story), email, address="203.0.113.8").status_code == 303


def test_waiting_depends_on_the_person_however_the_email_is_written(story: Story) -> None:
    email = story.person(Role.SALES).email
    seat = _seat(story)
    for spelling in (email, email.upper(), "ｓａｌｅｓ＠example.jp"):
        assert _sign_in(seat, spelling, WRONG).status_code == 422
    assert _sign_in(seat, f" {email} ").status_code == 429


def test_a_stranger_at_an_open_screen_cannot_guess_the_present_password_for_long(story: Story) -> None:
    person = story.person(Role.SALES)
    seat = Seat(story.signed_in(person).client)
    form = {"current_password": WRONG, "password": "seven lamps over water"}
    for _ in range(3):
        assert seat.post("/account/password", form, address="203.0.113.7").status_code == 409
    form["current_password"] = PASSWORD
    refused = seat.post("/account/password", form, address="203.0.113.7")
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "2"


def test_a_wrong_present_password_is_said_at_its_field(story: Story) -> None:
    seat = Seat(story.signed_in(story.person(Role.SALES)).client)
    form = {"current_password": WRONG, "password": "seven lamps over water"}
    answer = seat.post("/account/password", form)
    assert answer.status_code == 409
    assert "Present password: This is not your present password." in answer.text


ONWARD = [
    ("/people", "/people"),
    ("/people?q=a%20b&sort=-name", "/people?q=a%20b&sort=-name"),
    ("", "/"),
    ("people", "/"),
    ("//evil.example", "/"),
    ("///evil.example", "/"),
    ("/\\evil.example", "/"),
    ("\\\\evil.example", "/"),
    ("/\t/evil.example", "/"),
    ("\t//evil.example", "/"),
    ("%09//evil.example", "/"),
    (" //evil.example", "/"),
    ("/\n/evil.example", "/"),
    ("/people\n", "/"),
    ("/people\r\nSet-Cookie: genba=x", "/"),
    ("https:evil.example", "/"),
    ("https://evil.example", "/"),
    ("http://localhost@evil.example", "/"),
    ("//localhost@evil.example/", "/"),
    ("javascript:alert(1)", "/"),
    ("data:text/html,x", "/"),
    ("／／evil.example", "/"),
    ("/" + "x" * 1990, "/" + "x" * 1990),
]


@pytest.mark.slow
def test_signing_in_leads_only_to_pages_of_this_site(story: Story) -> None:
    account = story.person(Role.ADMINISTRATOR)
    seat, visitor = Seat(story.signed_in(account).client), _seat(story)
    token, wrong = seat.token(), []
    for onward, leads_to in ONWARD:
        answers = {
            "sign-in": _sign_in(_seat(story), account.email, next=onward),
            "sign-in again": seat.get("/sign-in", query_string={"next": onward}),
            "preferences": seat.post("/preferences", {"theme": "dark", "next": onward}, token=token),
            "visitor": visitor.post("/preferences", {"language": "en", "next": onward}),
        }
        wrong += [
            f"{what} {onward!r}: {answer.status} {answer.headers.get('Location')}"
            for what, answer in answers.items()
            if answer.headers.get("Location") != leads_to
        ]
    assert wrong == []


def test_whoever_is_sent_to_sign_in_comes_back_to_the_page(story: Story) -> None:
    email = story.person(Role.ADMINISTRATOR).email
    seat = _seat(story)
    sent = seat.get("/people?q=x&state=active")
    assert sent.headers["Location"] == "/sign-in?next=/people?q%3Dx%26state%3Dactive"
    fields = {e.attributes.get("name"): e for e in seat.page(sent.headers["Location"]).all("input")}
    onward = fields["next"].attributes["value"]
    assert onward == "/people?q=x&state=active"
    assert _sign_in(seat, email, next=onward).headers["Location"] == onward


def test_sign_ins_refusals_and_changes_are_recorded_without_any_secret(story: Story) -> None:
    account = story.person(Role.ADMINISTRATOR)
    seat = _seat(story)
    _sign_in(seat, account.email, WRONG)
    _sign_in(seat, account.email)
    cookie = seat.client.get_cookie("genba")
    assert cookie
    seat = Seat(seat.client)
    form = {"current_password": PASSWORD, "password": "seven lamps over water"}
    assert seat.post("/account/password", form, address="203.0.113.7").status_code == 303
    invitation = {
        "name": "B",
        "email": "b@example.jp",
        "roles": "sales",
        "language": "en",
        "request_key": "1" * 32,
    }
    invited = seat.post("/people/new", invitation, address="203.0.113.7")
    page = read_page(invited.text)
    values = [e.attributes.get("value", "") for e in page.all("input")]
    link = next(value for value in values if "/set-up/" in value)
    with story.reading() as session:
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
        by_action = {entry.action: entry for entry in entries}
        refused, signed_in = by_action["sign_in_refused"], by_action["signed_in"]
        assert (refused.actor_name, refused.actor_id, refused.address) == ("visitor", None, "203.0.113.7")
        assert refused.after == {"email": account.email}
        assert (signed_in.entity_id, signed_in.address) == (account.id, "203.0.113.7")
        changed = [e for e in entries if e.action == "changed" and e.actor_id == account.id]
        (change,) = changed
        assert change.address == "203.0.113.7"
        assert (change.before or {})["password_hash"] == (change.after or {})["password_hash"] == "•••"
        invited_entry = next(e for e in entries if e.after and e.after.get("email") == "b@example.jp")
        assert (invited_entry.actor_id, invited_entry.actor_name) == (account.id, account.name)
        written = "\n".join(f"{e.before}{e.after}{e.reason}" for e in entries)
    for secret in ("argon2", cookie.value, link.rsplit("/", 1)[-1], PASSWORD, WRONG):
        assert secret not in written
    assert not re.search(r"[0-9a-f]{64}", written)


def test_a_browser_may_say_anything_of_itself(story: Story) -> None:
    account = story.person(Role.SALES)
    for agent in ("", "x" * 5000, "\xff\xfe", "' OR 1=1 --", "a\tb"):
        seat = _seat(story)
        form = {"email": account.email, "password": PASSWORD}
        answer = seat.post("/sign-in", form, headers={"User-Agent": agent})
        assert answer.status_code == 303
        assert seat.get("/account").status_code == 200


def test_a_password_of_the_longest_kind_can_be_set_and_used(story: Story) -> None:
    seat = Seat(story.signed_in(story.person(Role.SALES)).client)
    longest = "長いパスワード" + "が" * 100 + "abcdefghijklmnopqrstu"
    assert len(longest) == 128
    form = {"current_password": PASSWORD, "password": longest}
    assert seat.post("/account/password", form).status_code == 303
    assert _sign_in(_seat(story), "sales@example.jp", longest).status_code == 303


def test_no_password_is_said_to_be_unknown_before_the_form_is_whole(story: Story) -> None:
    """A form without a password is refused before anybody is counted or looked up."""
    story.person(Role.SALES)
    seat, before = _seat(story), rows_of(story.app)
    assert _sign_in(seat, "sales@example.jp", "").status_code == 422
    assert changed_tables(before, rows_of(story.app)) == []
