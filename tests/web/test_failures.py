"""A failure is told without a trace of how it happened, undoes what was begun, and leaks nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from sqlalchemy import event, text
from sqlalchemy.engine import Engine
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from rental.core.db import db, reading
from rental.core.uow import begin, system
from rental.identity.accounts import invite_account
from rental.identity.permissions import Role
from rental.web.guards import public
from tests.support.story import Story
from tests.web.company import Company, Seat, Statements, method_of, rows_of, rules_of
from tests.web.html import faults_of, read_page
from tests.web.test_headers import ON_EVERY_ANSWER
from tests.web.witness import Witness

SECRET = "do-not-show-this"
TRACES = (
    SECRET,
    "Traceback",
    "File &#34;",
    'File "',
    "sqlalchemy",
    "psycopg",
    "sqlite3",
    "SELECT",
    "RuntimeError",
)


@public
def breaks_half_way() -> str:
    """Has saved half of its work when it fails."""
    with begin(system(SECRET)) as uow:
        invite_account(
            uow, email="half@example.jp", name="Half", roles=frozenset({Role.SALES}), language="en"
        )
        raise RuntimeError(SECRET)


@public
def asks_for_nonsense() -> str:
    """The database refuses what it is asked."""
    return str(reading().execute(text("SELECT secret FROM no_such_table")).scalar())


@public
def writes_outside() -> str:
    """Tries to write where only reading is allowed."""
    reading().execute(text("DELETE FROM account"))
    reading().commit()
    return "done"


def _is_a_plain_failure(answer: TestResponse) -> bool:
    assert answer.status_code == 500
    assert not [trace for trace in TRACES if trace in answer.text]
    assert ON_EVERY_ANSWER.keys() <= set(answer.headers.keys())
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.content_type == "text/html; charset=utf-8" and not faults_of(read_page(answer.text))


def _checked_out(app: Flask) -> int:
    with app.app_context():
        status: int = db.engine.pool.checkedout()  # type: ignore[attr-defined]
        return status


@pytest.mark.parametrize("view", [breaks_half_way, asks_for_nonsense, writes_outside])
def test_a_view_that_fails_answers_with_a_page_and_leaves_nothing_behind(
    new_app: Flask, view: object
) -> None:
    new_app.add_url_rule("/breaks", "breaks", view, methods=["GET"])  # type: ignore[arg-type]
    story = Story(new_app)
    account = story.person(Role.SALES)
    before = rows_of(new_app)
    for seat in (Seat(new_app.test_client()), Seat(story.signed_in(account).client)):
        before = rows_of(new_app)
        for _ in range(20):  # more often than the pool has connections
            assert _is_a_plain_failure(seat.get("/breaks"))
        for_program = seat.get("/breaks", headers={"Accept": "application/json"})
        assert (for_program.status_code, for_program.content_type) == (500, "application/problem+json")
        assert not [trace for trace in TRACES if trace in for_program.text]
        assert rows_of(new_app) == before
        assert _checked_out(new_app) == 0
    # Life goes on: the next write is not in anybody's way.
    assert Seat(story.signed_in(account).client).post("/preferences", {"theme": "dark"}).status_code == 303


@contextmanager
def _failing_at(number: int) -> Iterator[None]:
    """The database gives up at this statement and all that follow."""
    count = 0

    def give_up(*_: object) -> None:
        nonlocal count
        count += 1
        if count >= number:
            raise OperationalError(SECRET, None, Exception(SECRET))

    event.listen(Engine, "before_cursor_execute", give_up)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", give_up)


@pytest.mark.slow
def test_no_route_shows_more_when_the_database_gives_up_half_way(company: Company, witness: Witness) -> None:
    seat = company.seat(Role.ADMINISTRATOR)
    wrong: list[str] = []
    for rule in rules_of(company.app):
        if rule.endpoint in {"static", "health.healthz", "sign_in.sign_out"}:
            continue
        path, method = company.path_of(rule), method_of(rule)
        with Statements() as asked:
            seat.get(path) if method == "GET" else seat.post(path, token="")
        for number in sorted({1, 2, len(asked.texts)}):
            seat.token()
            witness.look()
            try:
                with _failing_at(number):
                    answer = seat.get(path) if method == "GET" else seat.post(path)
            except OperationalError:
                wrong.append(f"{method} {path} at {number}: no answer at all")
                continue
            expected = {500, 503} if number == 1 else {200, 303, 403, 404, 409, 422, 500, 503}
            if answer.status_code not in expected and method == "GET":
                wrong.append(f"{method} {path} at {number}: {answer.status}")
            wrong += [
                f"{method} {path} at {number}: {trace}" for trace in (SECRET, "Trace") if trace in answer.text
            ]
            if not ON_EVERY_ANSWER.keys() <= set(answer.headers.keys()):
                wrong.append(f"{method} {path} at {number}: headers are missing")
            if answer.status_code >= 500 and (changed := witness.changed()):
                wrong.append(f"{method} {path} at {number}: something was saved in {changed}")
            if _checked_out(company.app):
                wrong.append(f"{method} {path} at {number}: a connection is lost")
    assert wrong == []


def test_readiness_says_that_the_database_is_away(app: Flask) -> None:
    seat = Seat(app.test_client())
    assert (seat.get("/readyz").status_code, seat.get("/healthz").text) == (200, "ok\n")
    with _failing_at(1):
        answer = seat.get("/readyz")
        assert seat.get("/healthz").status_code == 200
    assert (answer.status_code, answer.json) == (503, {"database": "down"})
    assert seat.get("/readyz").status_code == 200
