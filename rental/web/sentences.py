"""The words for codes, states and kinds, in the reader's language."""

from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any

from flask import Flask
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from rental.assurance.models import CheckRunState
from rental.core.audit import telling_attributes
from rental.core.money import Money
from rental.core.outbox import DeliveryState
from rental.identity.permissions import Role
from rental.identity.rules import AccountState, SessionKind
from rental.notifications.models import Notice, NoticeKind
from rental.web.audited_columns import python_types_of
from rental.web.formats import browser, day, instant, reader_language, yen
from rental.web.wording import all_words


def init_app(app: Flask) -> None:
    """Templates speak with these words."""
    words = (
        role_label,
        account_state_label,
        delivery_state_label,
        job_label,
        session_kind_label,
        notice_sentence,
        audit_action_label,
        audit_entity_label,
        actor_label,
        attribute_label,
        reason_label,
        audited_value,
        check_words,
        state_label,
        state_chip,
    )
    app.jinja_env.globals.update({word.__name__: word for word in words})
    app.jinja_env.globals.update(
        account_state_chip=ACCOUNT_STATE_CHIP,
        telling_attributes=telling_attributes,
        delivery_state_chip=DELIVERY_STATE_CHIP,
    )
    app.jinja_env.filters["role_label"] = role_label


_ROLE_LABELS = {
    Role.ADMINISTRATOR: _l("Administrator"),
    Role.SALES: _l("Sales"),
    Role.WAREHOUSE: _l("Warehouse"),
    Role.DISPATCHER: _l("Dispatcher"),
    Role.TECHNICIAN: _l("Technician"),
    Role.BILLING: _l("Billing"),
    Role.CUSTOMER: _l("Customer"),
}


def role_label(role: Role) -> str:
    return _role_label_in(reader_language(), role)


@lru_cache(maxsize=100)
def _role_label_in(_language: str, role: Role) -> str:
    return str(_ROLE_LABELS[role])


_ROLE_HINTS = {
    Role.ADMINISTRATOR: _l("lets people in, watches jobs, audit log and checks"),
    Role.SALES: _l("quotes, contracts and customers"),
    Role.WAREHOUSE: _l("receives, stores, picks and inspects machines"),
    Role.DISPATCHER: _l("plans visits and routes"),
    Role.TECHNICIAN: _l("installs and repairs on site, with the phone"),
    Role.BILLING: _l("closing, invoices and payments"),
    Role.CUSTOMER: _l("sees only their own machines and invoices"),
}


_STATE_LABELS = all_words("STATES")
_STATE_CHIPS = all_words("CHIPS")


def state_label(member: StrEnum) -> str:
    """A member of any enumeration of the business packages, in words."""
    return _state_label_in(reader_language(), type(member), member)


@lru_cache(maxsize=4096)
def _state_label_in(_language: str, kind: type[StrEnum], member: StrEnum) -> str:
    return str(_STATE_LABELS[kind][member])


def state_chip(member: StrEnum) -> str:
    """The mark a state wears on the screens."""
    return str(_STATE_CHIPS[type(member)][member])


def role_hint(role: Role) -> str:
    return str(_ROLE_HINTS[role])


_ACCOUNT_STATE_LABELS = {
    AccountState.INVITED: _l("Not set up"),
    AccountState.ACTIVE: _l("Active"),
    AccountState.DISABLED: _l("Disabled"),
}


def account_state_label(state: AccountState) -> str:
    return _account_state_label_in(reader_language(), state)


@lru_cache(maxsize=100)
def _account_state_label_in(_language: str, state: AccountState) -> str:
    return str(_ACCOUNT_STATE_LABELS[state])


ACCOUNT_STATE_CHIP = {
    AccountState.INVITED: "plan",
    AccountState.ACTIVE: "done",
    AccountState.DISABLED: "stop",
}


_DELIVERY_STATE_LABELS = {
    DeliveryState.QUEUED: _l("Queued"),
    DeliveryState.RUNNING: _l("Running"),
    DeliveryState.FAILED: _l("To be tried again"),
    DeliveryState.PARKED: _l("Parked"),
    DeliveryState.DONE: _l("Done"),
}


def delivery_state_label(state: DeliveryState) -> str:
    return str(_DELIVERY_STATE_LABELS[state])


DELIVERY_STATE_CHIP = {
    DeliveryState.QUEUED: "plan",
    DeliveryState.RUNNING: "move",
    DeliveryState.FAILED: "risk",
    DeliveryState.PARKED: "stop",
    DeliveryState.DONE: "done",
}


_JOB_LABELS = {
    "notifications.tell_of_new_password": _l("Tell a person that their password was set"),
    "notifications.tell_of_new_roles": _l("Tell a person that their roles changed"),
    "notifications.tell_of_new_place": _l("Tell a person of a sign-in from a new browser"),
    "assurance.answer_started_check": _l("Check the database"),
} | all_words("JOBS")


def job_label(handler: str) -> str:
    """What a job does, in words; a handler without words shows its name."""
    return str(_JOB_LABELS.get(handler, handler))


def session_kind_label(kind: SessionKind) -> str:
    return {SessionKind.BROWSER: _("Browser"), SessionKind.PHONE: _("Phone")}[kind]


def notice_sentence(notice: Notice) -> str:
    params = notice.params
    if notice.kind is NoticeKind.PASSWORD_SET:
        return _("Your password was set. If it was not you, tell an administrator at once.")
    if notice.kind is NoticeKind.ROLES_CHANGED:
        return _("Your roles were changed; your menu may look different now.")
    if notice.kind is NoticeKind.SIGNED_IN_SOMEWHERE_NEW:
        return _(
            "Somebody signed in with your account in a browser not used before, from %(address)s. "
            "If it was not you, end that session and change your password.",
            address=params.get("address", "?"),
        )
    if notice.kind is NoticeKind.VISIT_PUBLISHED:
        return _(
            "New visit on %(day)s: %(site)s.",
            day=day(date.fromisoformat(params["planned_on"])),
            site=params.get("site", "?"),
        )
    return ngettext(
        "Check %(number)s found %(num)s problem.",
        "Check %(number)s found %(num)s problems.",
        int(params.get("finding_count", 0)),
        number=params.get("number", "?"),
    )


_AUDIT_ACTION_LABELS = {
    "created": _l("Created"),
    "changed": _l("Changed"),
    "deleted": _l("Deleted"),
    "signed_in": _l("Signed in"),
    "wrong_password": _l("Wrong password"),
    "sign_in_refused": _l("Sign-in refused"),
    "sessions_ended": _l("Sessions ended"),
    "session_ended": _l("Session ended"),
    "run_again": _l("Run again"),
} | all_words("ACTIONS")


def audit_action_label(action: str) -> str:
    return str(_AUDIT_ACTION_LABELS.get(action, action))


_AUDIT_ENTITY_LABELS = {
    "account": _l("Account"),
    "account_role": _l("Role of an account"),
    "set_up_link": _l("Set-up link"),
    "check_run": _l("Check"),
    "stored_file": _l("File"),
    "delivery": _l("Job"),
    "business_date": _l("Business date"),
} | all_words("ENTITIES")


def audit_entity_label(entity: str) -> str:
    return str(_AUDIT_ENTITY_LABELS.get(entity, entity))


_ATTRIBUTE_LABELS = {
    "name": _l("Name"),
    "email": _l("E-mail"),
    "state": _l("State"),
    "language": _l("Language"),
    "theme": _l("Theme"),
    "density": _l("Row height"),
    "role": _l("Role"),
    "roles": _l("Roles"),
    "password_hash": _l("Password"),
    "number": _l("Number"),
    "count": _l("Count"),
    "pinned_on": _l("Business date"),
    "finding_count": _l("Problems"),
    "download_name": _l("File name"),
    "byte_count": _l("Bytes"),
    "expires_at": _l("Valid until"),
    "handler": _l("Job"),
    "started_at": _l("Started at"),
    "stored_at": _l("Stored at"),
    "finished_at": _l("Finished at"),
    "used_at": _l("Used at"),
    "created_at": _l("Created at"),
    "due_at": _l("Due at"),
    "lease_until": _l("Taken until"),
    "attempt_count": _l("Attempts"),
    "delivery": _l("Entry"),
    "message": _l("Announced fact"),
    "entry": _l("Entry"),
    "entity": _l("What"),
    "at": _l("When"),
    "session": _l("Session"),
    "account_id": _l("Account"),
    "sequence": _l("Sealed as number"),
    "problem": _l("Problem"),
    "version": _l("Version"),
    "browser": _l("Browser"),
    "address": _l("From where"),
    "id": _l("Row"),
} | all_words("ATTRIBUTES")


def attribute_label(name: str) -> str:
    """What an audited attribute is called on the screens; one without words keeps its name."""
    return str(_ATTRIBUTE_LABELS.get(name, name))


_PREFERENCE_WORDS: dict[str, dict[str, Any]] = {
    "language": {"ja": "日本語", "en": "English"},
    "theme": {"system": _l("As the device"), "light": _l("Light"), "dark": _l("Dark")},
    "density": {"standard": _l("Standard"), "compact": _l("Compact")},
}


def audited_value(name: str, value: Any, entity: str = "") -> str:
    """A value of the audit log as people read it: instants in the company's zone, yen, states in words.

    The same attribute may be another thing in another table, so the entity helps where it is known.
    """
    if value is None or value == "":
        return "—"
    for kind in python_types_of(name, entity):
        if kind is Money and isinstance(value, int):
            return yen(value)
        if isinstance(value, str) and value in _MEMBER_LABELS.get(kind, ()):
            return str(_MEMBER_LABELS[kind][value])
    if name in _PREFERENCE_WORDS:
        return str(_PREFERENCE_WORDS[name].get(value, value))
    if name == "handler":
        return job_label(value)
    if name == "entity":
        return audit_entity_label(value)
    if name == "browser":
        return browser(value)
    if (name == "at" or name.endswith(("_at", "_until"))) and isinstance(value, str):
        return instant(datetime.fromisoformat(value))
    return str(value)


_CHECK_RUN_STATE_LABELS = {
    CheckRunState.WAITING: _l("Waiting for a worker"),
    CheckRunState.FINISHED: _l("Finished"),
}


def check_run_state_label(state: CheckRunState) -> str:
    return str(_CHECK_RUN_STATE_LABELS[state])


# Every enumeration that an audited column may hold.
_MEMBER_LABELS: dict[type, dict[Any, Any]] = _STATE_LABELS | {
    Role: _ROLE_LABELS,
    AccountState: _ACCOUNT_STATE_LABELS,
    DeliveryState: _DELIVERY_STATE_LABELS,
    CheckRunState: _CHECK_RUN_STATE_LABELS,
}


_REASON_LABELS = {
    None: "—",
    "demo company": _l("The demo company was loaded"),
    "demo clock": _l("The business date of the demo company was moved"),
    "first administrator": _l("The first administrator was let in"),
    "set-up link asked for at the command line": _l("A set-up link was asked for at the command line"),
    "nightly check": _l("The check of every night"),
} | all_words("REASONS")


def reason_label(reason: str | None) -> str:
    """Why something was done: the machinery's own reasons in words, a person's as they wrote it."""
    return str(_REASON_LABELS.get(reason, reason or ""))


_ACTOR_LABELS = {
    "worker": _l("Worker"),
    "tick": _l("Periodic process"),
    "cli": _l("Command line"),
    "demo": _l("Demo company"),
}


def actor_label(kind: str, name: str) -> str:
    """A person by name, the machinery by what it is."""
    if kind == "person":
        return _("Visitor") if name == "visitor" else name
    return str(_ACTOR_LABELS.get(name, name))


_CHECK_WORDS = {
    "P1": (
        _l("Is every message delivered in time?"),
        _l("Open the job page: see that a worker runs, and run parked jobs again."),
    ),
    "P2": (
        _l("Is no job left behind by a worker that is gone?"),
        _l("See that the periodic process runs; it takes such jobs back."),
    ),
    "P4": (
        _l("Is the audit log as it was sealed?"),
        _l("Somebody changed the log behind the product's back: compare with the latest backup."),
    ),
    "P4b": (
        _l("Is the audit log sealed up to the present?"),
        _l("See that the periodic process runs; it seals what is new."),
    ),
    "P7": (
        _l("Is nobody signed in whose account is disabled?"),
        _l("End the session on the person's page."),
    ),
} | all_words("CHECKS")


def check_words(code: str) -> tuple[str, str]:
    """The question of a check, and what a person does when the answer is no."""
    question, cure = _CHECK_WORDS[code]
    return str(question), str(cure)
