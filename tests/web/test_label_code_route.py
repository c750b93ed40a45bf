"""The address inside every printed code: each role gets to its page, strangers learn nothing."""

import re

import pytest

from rental.core.uow import UnitOfWork
from rental.identity.permissions import Role
from rental.inventory.labelling import label_location, replace_unit_code
from rental.inventory.models import StockLocation, Unit
from rental.inventory.rules.label_codes import code_from, shown
from rental.inventory.rules.unit_states import LocationKind
from tests.factories.rented import code_of, make_model, place, receive
from tests.support.story import Browser, Story
from tests.web.company import Statements
from tests.web.html import faults_of, read_page
from tests.web.phone_story import job_for


def _unit(uow: UnitOfWork) -> Unit:
    (unit,) = receive(uow, make_model(uow))
    return unit


def _shelf(uow: UnitOfWork) -> StockLocation:
    return place(uow, LocationKind.BIN)


def _lead(browser: Browser, code: str) -> str | None:
    answer = browser.get(f"/q/{code}")
    assert answer.status_code == 303
    return answer.headers["Location"]


def test_code_leads_each_role_to_the_page_it_works_on(story: Story) -> None:
    with story.begin() as uow:
        unit, shelf = _unit(uow), _shelf(uow)
        unit_code, shelf_code = code_of(uow, unit.id), label_location(uow, shelf.id).code
    for role in (Role.TECHNICIAN, Role.WAREHOUSE):
        assert _lead(story.a(role), unit_code) == f"/m/unit/{unit.id}"
    office = story.a(Role.SALES)
    assert _lead(office, unit_code) == f"/units/{unit.id}"
    assert _lead(office, shelf_code) == f"/stock-locations/{shelf.id}"
    clerk = story.signed_in(story.person(Role.WAREHOUSE, email="clerk@example.jp"))
    assert _lead(clerk, shelf_code) == f"/m/put-away/{shelf.id}"
    assert _lead(story.a(Role.CUSTOMER), unit_code) == "/portal/"


def test_technician_gets_to_the_own_job_that_wants_the_machine(story: Story) -> None:
    job = job_for(story)
    assert _lead(job.browser, job.codes[0]) == job.path
    colleague = story.signed_in(story.person(Role.TECHNICIAN, email="other@example.jp"))
    assert _lead(colleague, job.codes[0]) == f"/m/unit/{job.unit_ids[0]}"


def test_code_is_read_in_any_writing(story: Story) -> None:
    with story.begin() as uow:
        unit = _unit(uow)
        code = code_of(uow, unit.id)
    office = story.a(Role.SALES)
    for path in (f"/Q/{code}", f"/q/{code.lower()}", f"/q/{shown(code)}", f"/Q/{shown(code).lower()}"):
        assert office.get(path).headers["Location"] == f"/units/{unit.id}"


def test_revoked_label_says_so_and_leads_on(story: Story) -> None:
    with story.begin() as uow:
        unit = _unit(uow)
        old = code_of(uow, unit.id)
        replace_unit_code(uow, unit.id, reason="torn off")
    for role, url in ((Role.SALES, f"/units/{unit.id}"), (Role.TECHNICIAN, f"/m/unit/{unit.id}")):
        answer = story.a(role).get(f"/q/{old}")
        assert answer.status_code == 410
        page = read_page(answer.text)
        assert faults_of(page) == []
        assert "torn off" in page.text
        assert url in {link.attributes["href"] for link in page.all("a")}


def test_staff_hear_that_a_code_is_unknown_or_mistyped(story: Story) -> None:
    office = story.a(Role.SALES)
    unknown = office.get(f"/q/{code_from(12345)}")
    assert (unknown.status_code, "No label of ours has this code" in unknown.text) == (404, True)
    right = code_from(12345)
    mistyped = right[:-1] + ("1" if right[-1] != "1" else "2")
    answer = office.get(f"/q/{mistyped}")
    assert (answer.status_code, "mistyped" in answer.text) == (422, True)


def _answer(story: Story, code: str) -> tuple[int, dict[str, str], str]:
    """What a stranger gets, with the code and the token of the page made alike."""
    answer = story.visitor().get(f"/q/{code}", base_url="http://localhost")
    kept = {name: value for name, value in answer.headers if name != "Set-Cookie"}
    text = re.sub(r'name="csrf_token" value="[^"]+"', "", answer.text)
    return answer.status_code, kept, text.replace(shown(code), "CODE").replace(code, "CODE")


def test_stranger_cannot_tell_a_code_in_use_from_a_revoked_or_an_unknown_one(story: Story) -> None:
    with story.begin() as uow:
        unit, shelf = _unit(uow), _shelf(uow)
        old = code_of(uow, unit.id)
        new = replace_unit_code(uow, unit.id, reason="torn").code
        at_shelf = label_location(uow, shelf.id).code
    answers = [_answer(story, code) for code in (old, new, at_shelf, code_from(12345))]
    assert answers[0][0] == 200
    assert all(answer == answers[0] for answer in answers)
    assert unit.tag not in answers[0][2]
    assert faults_of(read_page(answers[0][2].replace("<form", "<div").replace("</form", "</div"))) == []


def test_no_code_is_looked_up_for_a_stranger(story: Story) -> None:
    with story.begin() as uow:
        code = code_of(uow, _unit(uow).id)
    with Statements() as asked:
        story.visitor().get(f"/q/{code}")
    assert [text for text in asked.texts if "label_code" in text] == []


@pytest.mark.parametrize(
    "code", ["x", "7K3M9QXX", "ZZZZZZZZ", "あいうえ", "7K3M-9QXW" * 100, "%00", "%F0%9F"]
)
def test_what_cannot_be_a_code_is_answered_alike_and_never_fails(story: Story, code: str) -> None:
    answer = story.visitor().client.get(f"/q/{code}", headers={"Accept-Language": "en"})
    assert (answer.status_code, "Compare it with the label" in answer.text) == (200, True)
    assert story.a(Role.SALES).get(f"/q/{code}").status_code == 422


def test_stranger_who_works_here_signs_in_and_goes_on(story: Story) -> None:
    page = read_page(story.visitor().get(f"/Q/{code_from(7)}").text)
    links = {link.attributes["href"] for link in page.all("a")}
    assert f"/sign-in?next=/q/{code_from(7)}" in links
