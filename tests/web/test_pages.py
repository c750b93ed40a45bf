"""Every page is sound by itself, shows stored text as text, and changes nothing by being looked at."""

import re

import pytest

from rental.identity.permissions import Role
from tests.support.story import PASSWORD
from tests.web.company import Company, Seat, changed_tables, rules_of
from tests.web.forms import FORMS, OpenForm
from tests.web.hostile import TEMPLATE
from tests.web.html import faults_of, read_page
from tests.web.role_routes import VISITOR

PAYLOADS = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(2)>",
    "</title><script>alert(3)</script>",
    "' hx-on:click='alert(4)",
    "</textarea></pre><svg onload=alert(5)>",
    TEMPLATE,
)


def _pages(company: Company) -> list[str]:
    """The address of every page there is, with rows that exist."""
    return [company.path_of(rule) for rule in rules_of(company.app, "GET")]


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_page_is_sound(company: Company, language: str) -> None:
    wrong = []
    everybody = {role: company.seat(role) for role in Role} | {VISITOR: company.seat(VISITOR)}
    for seat in everybody.values():
        seat.post("/preferences", {"language": language, "theme": "dark", "density": "compact"})
    for path in [
        *_pages(company),
        "/nowhere",
        "/people?role=nobody",
        "/people?q=nobody",
        "/jobs?state=parked",
    ]:
        for who, seat in everybody.items():
            if who not in {Role.ADMINISTRATOR, Role.TECHNICIAN, VISITOR}:
                continue  # the same layouts as these
            answer = seat.get(path)
            if answer.mimetype == "text/html" and answer.status_code != 303:
                page = read_page(answer.text)
                wrong += [f"{who} {path}: {fault}" for fault in faults_of(page)]
                if page.all("html")[0].attributes["lang"] != language:
                    wrong.append(f"{who} {path}: not in {language}")
    assert wrong == []


def _fill_with_markup(company: Company) -> set[str]:
    """Markup in every text that is stored, through the forms and headers a stranger can reach."""
    administrator = company.seat(Role.ADMINISTRATOR)
    for number, payload in enumerate(PAYLOADS):
        invitation = OpenForm(company, FORMS["people.invite"], "people.invite")
        email = f"evil{number}@example.jp"
        pairs = [(n, v) for n, v in invitation.pairs if n not in {"name", "email"}]
        answer = invitation.seat.post(
            "/people/new", [*pairs, ("name", payload), ("email", email)], token=invitation.token
        )
        assert answer.status_code == 200
        page = read_page(answer.text)
        changing = re.compile(r"/people/[0-9a-f-]{36}")
        account_id = next(
            action.rsplit("/", 1)[-1]
            for form in page.all("form")
            if changing.fullmatch(action := form.attributes.get("action", ""))
        )
        link = next(
            value for e in page.all("input") if "/set-up/" in (value := e.attributes.get("value", ""))
        )
        newcomer = Seat(company.app.test_client())
        agent = {"User-Agent": payload}
        path = link.removeprefix("http://localhost")
        assert newcomer.post(path, {"password": PASSWORD}, headers=agent).status_code == 303
        stranger = Seat(company.app.test_client())
        wrong = {"email": email, "password": payload}
        assert stranger.post("/sign-in", wrong, headers=agent).status_code == 422
        right = {"email": email, "password": PASSWORD}
        assert stranger.post("/sign-in", right, headers={"User-Agent": payload[::-1]}).status_code == 303
        administrator.get(f"/people/{account_id}")
        company.seat(company.people[Role.ADMINISTRATOR])
    company.story.everything_happens()
    return set(PAYLOADS)


@pytest.mark.slow
def test_stored_markup_is_shown_as_text_on_every_page(company: Company) -> None:
    payloads = _fill_with_markup(company)
    seat = company.seat(Role.ADMINISTRATOR)
    people = seat.page("/people")
    shown = {link.text for body in people.all("tbody") for link in body.all("a")}
    assert payloads <= shown
    addresses = set(_pages(company)) | {
        link.attributes["href"]
        for path in ("/people", "/audit", "/jobs", "/checks", "/notices", "/")
        for link in seat.page(path).all("a")
        if link.attributes["href"].startswith("/") and "/static/" not in link.attributes["href"]
    }
    # Half a hundred audit entries look alike; the latest are about the people with markup in their names.
    entries = sorted(path for path in addresses if path.startswith("/audit/0"))
    addresses -= set(entries[:-12])
    wrong = []
    for path in sorted(addresses):
        answer = seat.get(path)
        if answer.mimetype == "text/html" and answer.status_code == 200:
            wrong += [f"{path}: {fault}" for fault in faults_of(read_page(answer.text))]
            wrong += [f"{path}: evaluated" for found in ("4949", "${49}") if found in answer.text]
    assert wrong == []
    for account_path in sorted(p for p in addresses if p.startswith("/people/0"))[:3]:
        assert read_page(seat.get(account_path).text).all("h1")[0].text


@pytest.mark.slow
def test_looking_changes_nothing(company: Company) -> None:
    """Of every role's every page. Only after a minute it is noted that the session is still used."""
    wrong = []
    pages = _pages(company)
    for who in (*Role, VISITOR):
        seat = company.seat(who)
        before = company.rows()
        for path in pages:
            seat.get(path)
            if who is Role.ADMINISTRATOR:
                seat.open("HEAD", path)
        changed = changed_tables(before, company.rows())
        if changed:
            wrong.append(f"{who}: {changed}")
    assert wrong == []


def test_a_page_looked_at_after_a_minute_only_keeps_the_session_alive(company: Company) -> None:
    seat = company.seat(Role.SALES)
    before = company.rows()
    company.story.later(seconds=59)
    assert seat.get("/account").status_code == 200
    assert company.rows() == before
    company.story.later(seconds=1)
    assert seat.get("/account").status_code == 200
    after = company.rows()
    assert changed_tables(before, after) == ["account_session"]
    lost, new = set(before["account_session"]), set(after["account_session"])
    assert (len(lost - new), len(new - lost)) == (1, 1)
    assert len(lost) == len(new)
