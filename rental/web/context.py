"""What every template knows: who is here, what they may open, how they want to see it."""

from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app, has_request_context, request, session, url_for
from flask_babel import gettext as _

from rental.core.business_date import pinned_business_date
from rental.core.db import reading
from rental.core.runtime import runtime
from rental.identity.permissions import Permission
from rental.notifications.queries import unread_notice_count
from rental.web.formats import day
from rental.web.guards import signed_in
from rental.web.sentences import role_label

LANGUAGES = [("ja", "日本語"), ("en", "English")]
THEMES = ("system", "light", "dark")
DENSITIES = ("standard", "compact")


@dataclass(frozen=True, slots=True)
class NavigationItem:
    """One entry of the menu."""

    label: str
    url: str
    icon: str
    current: bool
    badge: int | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Who is signed in, as the header shows them."""

    name: str
    email: str
    role_labels: list[str]
    initial: str


def current_locale() -> str:
    """The person's own language, else the visitor's choice, else what the browser asks for."""
    if not has_request_context():
        return "ja"
    person = signed_in()
    if person is not None:
        return person.account.language
    known = [code for code, _name in LANGUAGES]
    chosen = session.get("language")
    return chosen if chosen in known else request.accept_languages.best_match(known, "ja") or "ja"


def current_zone_name() -> str:
    return runtime().zone.key


def face_of_request() -> str:
    """Which layout pages shared by several faces wear: the one this person works in."""
    person = signed_in()
    if person is None:
        return "layouts/public.html"
    if person.may(Permission.CONSOLE):
        return "layouts/console.html"
    return "layouts/phone.html"


def here_path() -> str:
    """The address to come back to after a switch in the menu; the answer to a form has none of its own."""
    if request.method != "GET":
        return url_for("home.index")
    return request.full_path if request.query_string else request.path


def init_app(app: Flask) -> None:
    app.context_processor(_context)
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True


def _context() -> dict[str, Any]:
    person = signed_in()
    pinned = pinned_business_date(reading())
    account = person.account if person else None
    return {
        "current_locale": current_locale(),
        "languages": LANGUAGES,
        "theme": account.theme if account else "system",
        "density": account.density if account else "standard",
        "person": account
        and Person(
            account.name,
            account.email,
            [role_label(role) for role in sorted(account.roles)],
            account.name[:1].upper(),
        ),
        "navigation": _navigation() if person else [],
        "unread_count": unread_notice_count(reading(), account.id) if account else 0,
        "business_date_text": day(pinned, weekday=True) if pinned else None,
        "demo": pinned is not None,
        "is_development": current_app.config["RENTAL"].is_development,
        "here_path": here_path,
        "face_layout": face_of_request(),
        "may": person.may if person else lambda _permission: False,
        "Permission": Permission,
    }


def _navigation() -> list[NavigationItem]:
    person = signed_in()
    if person is None:
        return []
    if person.may(Permission.CONSOLE):
        entries = [
            (_("Today"), "home.index", "home", Permission.CONSOLE),
            (_("On the phone"), "phone.today", "device", Permission.PHONE),
            (_("People"), "people.index", "people", Permission.PEOPLE_READ),
            (_("Jobs"), "jobs.index", "jobs", Permission.JOBS_READ),
            (_("Checks"), "checks.index", "shield", Permission.CHECKS_READ),
            (_("Audit log"), "audit_log.index", "clock", Permission.AUDIT_READ),
        ]
    else:
        entries = [
            (_("Today"), "phone.today", "home", Permission.PHONE),
            (_("Overview"), "portal.home", "home", Permission.PORTAL),
            (_("Notices"), "notices.index", "bell", Permission.OWN_ACCOUNT),
            (_("Account"), "own_account.show", "person", Permission.OWN_ACCOUNT),
        ]
    here = (request.endpoint or "").split(".")[0]
    return [
        NavigationItem(label, url_for(endpoint), icon, endpoint.split(".")[0] == here)
        for label, endpoint, icon, permission in entries
        if person.may(permission)
    ]
