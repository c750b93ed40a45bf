"""Every form of the product as a person finds it on its page, and how it is filled in rightly."""

from dataclasses import dataclass, field

from werkzeug.test import TestResponse

from rental.identity.permissions import Role
from tests.support.story import PASSWORD
from tests.web.company import Company, Pairs, Seat
from tests.web.html import Element, controls_of, group_of, label_of
from tests.web.role_routes import VISITOR

Filling = dict[str, str]


@dataclass(frozen=True)
class Form:
    """Where a form is found and what a person writes into its empty fields."""

    page: str
    action: str
    who: Role | str = Role.ADMINISTRATOR
    filling: Filling = field(default_factory=dict)
    hidden_labels: Filling = field(default_factory=dict)
    # What a refusal may write all the same, with the reason beside the form.
    bookkeeping: tuple[str, ...] = ()
    stores_nothing: bool = False


NEW_PASSWORD = "seven lamps over water"
_NEXT = {"next": "Page to go on to"}

# By endpoint. {n} is another number each time; {account_id} and the like are rows that exist.
FORMS: dict[str, Form] = {
    "sign_in.answer": Form(
        "/sign-in",
        "/sign-in",
        VISITOR,
        {"email": "sales@example.jp", "password": PASSWORD},
        _NEXT,
        # Refusals are counted, so that guessing gets slow, and recorded, so that it is seen.
        ("sign_in_throttle", "audit_entry"),
    ),
    "set_up.answer": Form("/set-up/{token}", "/set-up/{token}", VISITOR, {"password": NEW_PASSWORD}),
    "preferences.change": Form("/people", "/preferences", filling={"language": "en"}, hidden_labels=_NEXT),
    "own_account.set_password": Form(
        "/account",
        "/account/password",
        "somebody new",
        {"current_password": PASSWORD, "password": NEW_PASSWORD},
        # A wrong present password counts like a refused sign-in, and is recorded like one.
        bookkeeping=("sign_in_throttle", "audit_entry"),
    ),
    "people.invite": Form(
        "/people/new",
        "/people/new",
        filling={"name": "新人　太郎", "email": "new{n}@example.jp", "roles": "sales"},
        hidden_labels={"request_key": "Form"},
    ),
    "people.change": Form(
        "/people/{account_id}", "/people/{account_id}", hidden_labels={"version": "Version"}
    ),
    "styleguide.check": Form(
        "/styleguide",
        "/styleguide",
        filling={"name": "A", "email": "a@example.jp", "password": "p", "roles": "sales", "note": "n"},
        stores_nothing=True,
    ),
}

# Buttons: they carry nothing but the token, so only extra fields can be sent with them.
BUTTONS: dict[str, Form] = {
    "sign_in.sign_out": Form("/account", "/sign-out"),
    "own_account.end": Form("/account", "/account/sessions/{own_session_id}/end"),
    "own_account.end_others": Form("/account", "/account/sessions/end-others"),
    "notices.read": Form("/notices", "/notices/read"),
    "people.make_set_up_link": Form("/people/{account_id}", "/people/{account_id}/set-up-link"),
    "people.disable": Form("/people/{account_id}", "/people/{account_id}/disable"),
    "people.enable": Form("/people/{disabled_id}", "/people/{disabled_id}/enable"),
    "people.end": Form("/people/{account_id}", "/people/{account_id}/sessions/{session_id}/end"),
    "jobs.again": Form("/jobs/{delivery_id}", "/jobs/{delivery_id}/run-again"),
    "checks.start": Form("/checks", "/checks"),
}


class OpenForm:
    """A form on a page that is open in somebody's browser, filled in rightly."""

    def __init__(self, company: Company, form: Form, endpoint: str) -> None:
        self.endpoint, self.form = endpoint, form
        names = _names_in(company, form)
        self.seat: Seat = company.seat(_who(company, form))
        self.action = form.action.format(**names)
        page = self.seat.page(form.page.format(**names))
        self.parts = _parts(page, self.action, form.page.format(**names))
        assert self.parts, f"no form for {self.action} on {form.page}"
        self.labels = self._labels(page)
        self.pairs = self._filled_in({name: text.format(**names) for name, text in form.filling.items()})

    @property
    def fields(self) -> list[str]:
        return sorted(self.labels)

    def send(self, name: str = "", value: str | None = None, *, extra: Pairs | None = None) -> TestResponse:
        """Sends the form with one field changed; None leaves the field out."""
        pairs = [pair for pair in self.pairs if pair[0] != name]
        if name and value is not None:
            pairs.append((name, value))
        return self.seat.post(self.action, pairs + (extra or []), token=self.token)

    def _labels(self, page: Element) -> dict[str, str]:
        labels = {}
        for part in self.parts:
            for control in part.all("input", "select", "textarea", "button"):
                name = control.attributes.get("name", "")
                if name == "csrf_token":
                    self.token = control.attributes["value"]
                elif name in self.form.hidden_labels:
                    labels[name] = self.form.hidden_labels[name]
                elif name and control in controls_of(page):
                    labels[name] = group_of(control) or _group_label(control) or label_of(page, control)
        return {name: label.removesuffix("Required").strip() for name, label in labels.items()}

    def _filled_in(self, filling: Filling) -> Pairs:
        """What the page already holds, then what the person adds."""
        found: dict[str, list[str]] = {}
        for control in self.parts[0].all("input", "textarea", "select"):
            name, kind = control.attributes.get("name", ""), control.attributes.get("type", "text")
            if not name or name == "csrf_token":
                continue
            if kind in {"checkbox", "radio"}:
                if "checked" in control.attributes:
                    found.setdefault(name, []).append(control.attributes.get("value", "y"))
            elif control.tag == "select":
                chosen = [o for o in control.all("option") if "selected" in o.attributes]
                chosen = chosen or control.all("option")[:1]
                found[name] = [option.attributes["value"] for option in chosen]
            else:
                found[name] = [control.attributes.get("value", control.text)]
        found |= {name: [value] for name, value in filling.items()}
        return [(name, value) for name, values in found.items() for value in values]


def _parts(page: Element, action: str, here: str) -> list[Element]:
    return [
        form
        for form in page.all("form")
        if form.attributes.get("method") == "post" and form.attributes.get("action", here) == action
    ]


def _group_label(control: Element) -> str:
    for above in control.ancestors():
        if above.attributes.get("role") == "group":
            return above.attributes["aria-label"]
    return ""


def _who(company: Company, form: Form) -> object:
    return company.new_person(Role.SALES) if form.who == "somebody new" else form.who


def _names_in(company: Company, form: Form) -> dict[str, object]:
    """Rows for the places in the form's address, made when the form asks for them."""
    asked = form.page + form.action
    names: dict[str, object] = {"n": next(company.numbers), "delivery_id": company.parked}
    if "{token}" in asked:
        names["token"] = company.set_up_token(company.new_person(Role.SALES))
    if "{account_id}" in asked:
        person = company.new_person(Role.SALES)
        company.seat(person)
        names |= {"account_id": person.id, "session_id": company.newest_session(person)}
    if "{disabled_id}" in asked:
        names["disabled_id"] = company.disabled_person().id
    if "{own_session_id}" in asked or "end-others" in asked:
        company.seat(Role.ADMINISTRATOR)
        names["own_session_id"] = company.newest_session(company.people[Role.ADMINISTRATOR])
    return names
