"""Whatever is sent to a form or a page: never a failure, a named field, and nothing half done."""

import re
from collections.abc import Callable

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from rental.identity.models import Account
from rental.identity.permissions import Role
from tests.web.company import Company, Seat, encoded, method_of, rules_of
from tests.web.forms import BUTTONS, FORMS, OpenForm
from tests.web.hostile import EXTRA_FIELDS, HOSTILE, HOSTILE_CURSORS, PLANTED, SOME
from tests.web.html import Element, faults_of, read_page, script_in
from tests.web.role_routes import VISITOR
from tests.web.witness import Witness

ACCEPTED = {200, 303}
REFUSED = {400, 404, 409, 422}
_SUMMARY = re.compile(r'<div class="error-summary".*?</div>|<p class="problem-detail">.*?</p>', re.DOTALL)


def test_every_route_that_takes_a_form_is_swept(company: Company) -> None:
    posted = {rule.endpoint for rule in rules_of(company.app, "POST")}
    assert posted - {"field_api.take_commands"} == FORMS.keys() | BUTTONS.keys()  # see test_field_api


@pytest.mark.slow
def test_every_form_and_button_is_on_its_page_and_works_when_filled_in_rightly(company: Company) -> None:
    for endpoint, form in (FORMS | BUTTONS).items():
        answer = OpenForm(company, form, endpoint).send()
        assert answer.status_code in ACCEPTED, f"{endpoint}: {answer.status} {_said(answer.text)}"


@pytest.mark.slow
@pytest.mark.parametrize("endpoint", FORMS)
def test_a_field_filled_in_badly_is_named_and_nothing_is_changed(
    company: Company, witness: Witness, hostile: Callable[[str], dict[str, str]], endpoint: str
) -> None:
    wrong: list[str] = []
    form = OpenForm(company, FORMS[endpoint], endpoint)
    for name in form.fields:
        is_for_looks = form.form.stores_nothing
        typed = {kind: HOSTILE[kind] for kind in SOME} if is_for_looks else hostile(f"{endpoint} {name}")
        values: list[tuple[str, str | None]] = [("missing", None), *typed.items()]
        witness.look()
        for kind, value in values:
            answer = form.send(name, value)
            if answer.status_code in ACCEPTED and not form.form.stores_nothing:
                form = OpenForm(company, FORMS[endpoint], endpoint)
                witness.look()
                continue
            wrong += [f"{name} {kind}: {found}" for found in _wrong_with_refusal(form, name, kind, answer)]
            # What a form may write all the same is told apart only once for each field: it takes long.
            is_last = kind == values[-1][0]
            if (is_last or not form.form.bookkeeping) and (
                changed := witness.changed(without=form.form.bookkeeping)
            ):
                wrong.append(f"{name} {kind}: refused, and yet something changed in {changed}")
                witness.look()
    assert wrong == []


def _wrong_with_refusal(form: OpenForm, name: str, kind: str, answer: TestResponse) -> list[str]:
    if answer.status_code in ACCEPTED:
        return []
    if answer.status_code not in REFUSED:
        return [answer.status]
    said = _said(answer.text)
    wrong = script_in(read_page(answer.text)) if kind in {"markup", "attribute"} else []
    if answer.status_code == 422 and form.labels[name].casefold() not in said.casefold():
        wrong.append(f"{form.labels[name]!r} is not named in {said!r}")
    return wrong


def _said(text: str) -> str:
    """What the page says is wrong: the summary of a form, or the sentence of a problem page."""
    found = _SUMMARY.search(text)
    return read_page(found.group()).text if found else ""


def test_a_refused_form_shows_its_error_at_the_field_too(company: Company) -> None:
    form = OpenForm(company, FORMS["people.invite"], "people.invite")
    page = read_page(form.send("email", "nowhere").text)
    (summary,) = page.with_class("error-summary")
    (link,) = summary.all("a")
    (control,) = [e for e in page if e.attributes.get("id") == link.attributes["href"].removeprefix("#")]
    assert control.attributes["aria-invalid"] == "true"
    error_id = control.attributes["aria-describedby"]
    (error,) = [e for e in page if e.attributes.get("id") == error_id]
    assert error.text == "Write an e-mail address such as name@example.jp."
    assert control.attributes["value"] == "nowhere"


@pytest.mark.parametrize(
    ("typed", "said"), [("31 Feb", "From: Write a day"), ("", "From: Please fill this in")]
)
def test_a_needed_field_says_what_is_wrong_with_what_was_typed(
    company: Company, typed: str, said: str
) -> None:
    form = OpenForm(company, FORMS["styleguide.check"], "styleguide.check")
    assert said in _said(form.send("start", typed).text)


@pytest.mark.parametrize("endpoint", [*FORMS, *BUTTONS])
def test_fields_that_no_form_has_do_nothing(company: Company, endpoint: str) -> None:
    form = OpenForm(company, (FORMS | BUTTONS)[endpoint], endpoint)
    extra = [(name, value) for name, value in EXTRA_FIELDS if name not in form.fields]
    roles_before = company.rows()["account_role"]
    answer = form.send(extra=extra)
    assert answer.status_code in ACCEPTED
    everything = company.rows()
    planted = [
        f"{table}: {row}" for table, rows in everything.items() for row in rows for p in PLANTED if p in row
    ]
    assert planted == []
    new_roles = set(everything["account_role"]) - set(roles_before)
    assert not any("ADMINISTRATOR" in row for row in new_roles)
    disabled = [row for row in everything["account"] if "DISABLED" in row]
    assert len(disabled) == (1 if endpoint == "people.disable" else 0)


LISTS: dict[str, tuple[str, ...]] = {
    "/people": ("q", "role", "state", "sort", "after"),
    "/audit": ("q", "entity", "from_day", "to_day", "sort", "after"),
    "/jobs": ("state", "handler", "sort", "after"),
    "/checks": ("sort", "after"),
    "/notices": ("sort", "after"),
    "/customers": ("q", "kind", "sort", "after"),
    "/sites": ("q", "state", "position", "sort", "after"),
    "/contracts": ("q", "ends_before", "state", "sort", "after"),
    "/contracts/contracts.csv": ("q", "ends_before", "state"),
    "/contracts/new": ("q", "customer_id"),
    "/work-orders": ("q", "state", "sort", "after"),
    "/work-orders/plan": ("order",),
    "/plans": ("day", "sort", "after"),
    "/closings": ("sort", "after"),
    "/closings/preview": ("closed_on", "show"),
    "/invoices": ("q", "closed_on", "state", "sort", "after"),
    "/documents": (
        "counterparty",
        "dated_from",
        "dated_until",
        "amount_from",
        "amount_until",
        "kind",
        "number",
        "sort",
        "after",
    ),
    "/documents.csv": ("counterparty", "dated_until", "amount_until"),
    "/price-revisions?look=1": (
        "rate_plan_id",
        "fee",
        "fee_until_now",
        "effective_on",
        "effect",
        "after",
    ),
    "/equipment-models": ("q", "state", "sort", "after"),
    "/skills": ("sort", "after"),
    "/units": ("q", "model", "place", "state", "sort", "after"),
    "/receiving": ("q", "sort", "after"),
    "/stock-locations": ("q", "kind", "sort", "after"),
    "/labels": ("unit", "delivery", "place", "places"),
    "/m/scan": ("code", "unit", "read"),
    "/sign-in": ("next",),
}
EVERY_PARAMETER = sorted({name for names in LISTS.values() for name in names} | {"id", "role[]", "__proto__"})


@pytest.mark.slow
def test_no_parameter_of_a_page_makes_it_fail(
    company: Company, hostile: Callable[[str], dict[str, str]]
) -> None:
    administrator, visitor = company.seat(Role.ADMINISTRATOR), company.seat(VISITOR)
    wrong: list[str] = []
    for path, names in LISTS.items():
        seat = {"/sign-in": visitor, "/m/scan": company.seat(Role.WAREHOUSE)}.get(path, administrator)
        for name in names:
            for kind, value in hostile(f"{path} {name}").items():
                wrong += _wrong_with(seat, path, [(name, value)], f"{name} {kind}")
    for rule in rules_of(company.app, "GET"):
        path = company.path_of(rule)
        if rule.endpoint in {"phone.today", "portal.home"}:
            continue
        for kind in ("markup", "NUL", "line break at the end"):
            if kind in hostile(rule.endpoint):
                query = [(name, HOSTILE[kind]) for name in EVERY_PARAMETER]
                wrong += _wrong_with(company.seat_that_may(rule), path, query, f"everything {kind}")
    assert wrong == []


@pytest.mark.slow
def test_no_place_to_continue_from_makes_a_list_fail(company: Company) -> None:
    seat = company.seat(Role.ADMINISTRATOR)
    wrong: list[str] = []
    for path in (
        "/people",
        "/customers",
        "/sites",
        "/contracts",
        "/work-orders",
        "/plans",
        "/equipment-models",
        "/skills",
        "/units",
        "/receiving",
        "/stock-locations",
        "/audit",
        "/jobs",
        "/checks",
        "/notices",
    ):
        page = seat.page(path)
        sorts = {link.attributes["href"] for head in page.all("th") for link in head.all("a")}
        assert sorts, path
        for url in sorts:
            for kind, value in HOSTILE_CURSORS.items():
                wrong += _wrong_with(seat, url, [("after", value)], f"after {kind}")
    assert wrong == []


def _wrong_with(seat: Seat, path: str, query: list[tuple[str, str]], what: str) -> list[str]:
    answer = seat.get(f"{path}{'&' if '?' in path else '?'}{encoded(query)}")
    if answer.status_code not in {200, 303, 404, 422}:
        return [f"GET {path} {what}: {answer.status}"]
    if answer.mimetype != "text/html" or answer.status_code == 303:
        return []
    if answer.status_code == 200 and "markup" not in what and "attribute" not in what:
        return []
    page = read_page(answer.text)
    wrong = faults_of(page) if not path.startswith("/styleguide") else script_in(page)
    if answer.status_code == 422 and not _names_a_field(page):
        wrong.append("no field is named")
    return [f"GET {path} {what}: {found}" for found in wrong]


def _names_a_field(page: Element) -> bool:
    return any(
        e.text for name in ("error-summary", "field-error", "problem-detail") for e in page.with_class(name)
    )


@pytest.mark.slow
def test_a_page_read_to_the_end_shows_every_row_once(company: Company) -> None:
    """Hostile cursors are refused; the product's own ones lead through the whole list."""
    for _ in range(55):
        company.new_person(Role.SALES)
    seat, seen = company.seat(Role.ADMINISTRATOR), []
    url = "/people?sort=-name"
    while url:
        page = seat.page(url)
        seen += [row.all("a")[0].attributes["href"] for row in page.all("tbody")[0].all("tr")]
        links = [e for e in page.all("a") if e.text == "Next page"]
        url = links[0].attributes["href"] if links else ""
    with company.story.reading() as session:
        everybody = {f"/people/{account_id}" for account_id in session.scalars(select(Account.id))}
    assert len(seen) == len(set(seen)) == len(everybody)
    assert set(seen) == everybody


@pytest.mark.slow
def test_a_form_without_its_token_or_from_elsewhere_is_refused_and_changes_nothing(company: Company) -> None:
    seat, stranger = company.seat(Role.ADMINISTRATOR), company.seat(VISITOR)
    token, foreign = seat.token(), stranger.token()
    paths = [company.path_of(rule) for rule in rules_of(company.app, "POST")]
    paths.remove("/api/m/commands")  # asks for a header instead: see test_field_api
    wrong, before = [], company.rows()
    for path in paths:
        answers = {
            "no token": (seat.post(path, token=""), 400),
            "a wrong token": (seat.post(path, token="wrong"), 400),
            "another browser's token": (seat.post(path, token=foreign), 400),
            "another site": (seat.post(path, token=token, headers={"Origin": "https://evil.example"}), 403),
            "another port": (seat.post(path, token=token, headers={"Origin": "http://localhost:8"}), 403),
            "an origin that is none": (seat.post(path, token=token, headers={"Origin": "http://["}), 403),
            "cross-site": (seat.post(path, token=token, headers={"Sec-Fetch-Site": "cross-site"}), 403),
            "same-site": (seat.post(path, token=token, headers={"Sec-Fetch-Site": "same-site"}), 403),
        }
        wrong += [
            f"{path} from {kind}: {answer.status}"
            for kind, (answer, expected) in answers.items()
            if answer.status_code != expected
        ]
    assert wrong == []
    assert company.rows() == before


@pytest.mark.slow
def test_only_the_methods_of_a_route_are_answered(company: Company) -> None:
    for rule in rules_of(company.app):
        company.seat_that_may(rule)
    before = company.rows()
    for rule in rules_of(company.app):
        path = company.path_of(rule, token="x", account_id=company.colleague.id, session_id=company.parked)
        if path.startswith("/api/"):
            continue
        seat = company.seat_that_may(rule)
        for method in ("TRACE", "PUT", "PATCH", "DELETE"):
            answer = seat.open(method, path)
            assert answer.status_code in ({405} if method == "TRACE" else {400, 405}), f"{method} {path}"
        if method_of(rule) == "POST" and path not in {"/sign-in", "/styleguide", "/checks", "/people/new"}:
            assert seat.get(path).status_code in {200, 303, 404, 405}
    assert company.rows() == before
