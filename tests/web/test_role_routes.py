"""Nobody reaches a route that is not for their role."""

import re
from uuid import UUID, uuid4

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from rental.identity.permissions import Role
from rental.inventory.rules.label_codes import code_from
from rental.web.guards import verify_routes
from tests.web.company import Company, Seat, method_of, rules_of
from tests.web.role_routes import ROLE_ROUTES, START_PAGES, VISITOR, Who


def test_every_route_stands_in_the_table_and_every_line_has_a_route(app: Flask) -> None:
    in_app = {(method_of(rule), rule.rule) for rule in rules_of(app)}
    assert in_app == set(ROLE_ROUTES)


def _reaches(answer: TestResponse) -> bool:
    is_sent_to_sign_in = answer.status_code == 303 and answer.headers["Location"].startswith("/sign-in?")
    assert answer.status_code in {200, 303, 401, 403, 409, 422}, answer.status
    return answer.status_code not in {401, 403} and not is_sent_to_sign_in


def _asked(seat: Seat, method: str, path: str) -> TestResponse:
    """A page looked at, an empty form sent, or a call of a phone that has nothing to say."""
    if method == "GET":
        return seat.get(path)
    return seat.open(method, path) if path.startswith("/api/") else seat.post(path)


@pytest.mark.parametrize("who", [*Role, VISITOR], ids=str)
def test_each_role_reaches_what_the_table_says_and_nothing_else(company: Company, who: Role | str) -> None:
    seat = company.seat(who)
    wrong = []
    for rule in rules_of(company.app):
        method = method_of(rule)
        known: dict[str, object] = {}
        if rule.rule == "/account/sessions/<uuid:session_id>/end" and isinstance(who, Role):
            company.seat(who)
            known = {"session_id": company.newest_session(company.people[who])}
        if rule.endpoint.startswith("line_terms."):  # the line of before was removed on the way here
            draft = company.ready_draft()
            known = {"contract_id": draft["ready_draft_id"], "line_id": draft["ready_line_id"]}
        path = company.path_of(rule, **known)
        answer = _asked(seat, method, path)
        may = who in _who(method, rule.rule)
        if answer.status_code >= 500 or _reaches(answer) != may:
            wrong.append(f"{method} {path}: {answer.status}, should be {'let in' if may else 'refused'}")
        elif not may and isinstance(who, Role) and answer.status_code != 403:
            wrong.append(f"{method} {path}: refused with {answer.status} instead of 403")
        elif not may and who == VISITOR and answer.status_code != (303 if method == "GET" else 401):
            wrong.append(f"{method} {path}: a visitor gets {answer.status}")
        if rule.rule == "/set-up/<token>" and method == "POST":
            assert answer.status_code == 422
    assert wrong == []


def _who(method: str, rule: str) -> Who:
    return ROLE_ROUTES[method, rule]


def test_asking_for_the_head_of_a_page_or_for_a_program_is_refused_alike(company: Company) -> None:
    visitor, technician = company.seat(VISITOR), company.seat(Role.TECHNICIAN)
    for path in ("/people", "/audit", "/jobs", "/checks"):
        assert technician.open("HEAD", path).status_code == 403
        assert technician.open("OPTIONS", path).status_code == 403
        assert visitor.open("HEAD", path).status_code == 401
        answer = visitor.get(path, headers={"Accept": "application/json"})
        assert (answer.status_code, answer.content_type) == (401, "application/problem+json")
        assert answer.json is not None
        assert answer.json["code"] == "web.http_401"


def test_everybody_lands_on_their_own_face(company: Company) -> None:
    for role, face in START_PAGES.items():
        answer = company.seat(role).get("/")
        assert (answer.status_code, answer.headers.get("Location")) == ((303, face) if face else (200, None))


def test_what_does_not_exist_is_not_found(company: Company) -> None:
    seat = company.seat(Role.ADMINISTRATOR)
    words = {
        "off_on": "1999-01-01",
        "code": code_from(0),
        "token": "A" * 43,
        "sha256": "1" * 64,
        "filename": "no/such/file.css",
    }
    wrong = []
    for rule in rules_of(company.app):
        if rule.arguments and not rule.rule.startswith("/api/"):
            path = company.path_of(rule, **{name: words.get(name, uuid4()) for name in rule.arguments})
            answer = _asked(company.seat_that_may(rule), method_of(rule), path)
            if answer.status_code != 404:
                wrong.append(f"{method_of(rule)} {path}: {answer.status}")
    strange = (
        "/people/1",
        "/people/%00",
        "/jobs/../audit/x",
        "/nowhere",
        "/set-up/",
        "/static/../wsgi.py",
        "/static/%00",
        "/static/css",
        "/set-up/%ED%A0%80",
        f"/people/{'9' * 5000}",
    )
    wrong += [path for path in strange if seat.get(path).status_code != 404]
    assert wrong == []


def _told(answer: TestResponse, asked: UUID) -> str:
    """What the page says, without the address asked for and its forms' keys, which change by the second."""
    return re.sub(r'name="csrf_token" value="[^"]+"', "", answer.text.replace(str(asked), ""))


def test_another_persons_session_cannot_be_ended_nor_seen_to_exist(company: Company) -> None:
    victim, attacker = company.seat(company.colleague), company.seat(Role.DISPATCHER)
    session_id = company.newest_session(company.colleague)
    answer = attacker.post(f"/account/sessions/{session_id}/end")
    nobodys_id = uuid4()
    unknown = attacker.post(f"/account/sessions/{nobodys_id}/end")
    assert (answer.status_code, unknown.status_code) == (404, 404)
    assert _told(answer, session_id) == _told(unknown, nobodys_id)
    # Not through somebody else's page either, be it the administrator's.
    administrator = company.seat(Role.ADMINISTRATOR)
    before = company.rows()
    wrong_owner = company.people[Role.SALES].id
    assert administrator.post(f"/people/{wrong_owner}/sessions/{session_id}/end").status_code == 404
    assert company.rows() == before
    assert victim.get("/account").status_code == 200


def test_nobody_sees_the_notices_of_another(company: Company) -> None:
    mine, theirs = company.people[Role.SALES], company.people[Role.DISPATCHER]
    seat, other = company.seat(mine), company.seat(theirs)
    assert "unread" in other.get("/").text
    seat.post("/notices/read")
    assert "unread" not in seat.get("/").text
    assert "unread" in other.get("/").text


def test_an_app_with_a_route_for_nobody_in_particular_does_not_start(new_app: Flask) -> None:
    verify_routes(new_app)
    new_app.add_url_rule("/forgotten", "forgotten", lambda: "open to all")
    with pytest.raises(RuntimeError, match=r"^routes without @requires or @public: /forgotten$"):
        verify_routes(new_app)
