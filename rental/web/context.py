"""What every template knows: who is here, what they may open, how they want to see it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flask import Flask, current_app, has_request_context, request, session, url_for
from flask_babel import gettext as _
from markupsafe import Markup

from rental.core.runtime import runtime
from rental.identity.permissions import Permission
from rental.web.formats import day, reader_language
from rental.web.guards import SignedIn, signed_in
from rental.web.sentences import role_label
from rental.web.templating import icon
from rental.web.today import pinned_day

LANGUAGES = [("ja", "日本語"), ("en", "English")]
# Pages that stand below another's entry of the menu.
_UNDER = {
    "issuer": "closings",
    "own_work_orders": "phone",
    "own_photos": "phone",
    "own_endings": "phone",
    "put_away": "scan",
    "unit_card": "scan",
}
THEMES = ("system", "light", "dark")
DENSITIES = ("standard", "compact")


@dataclass(frozen=True, slots=True)
class NavigationItem:
    """One entry of the menu."""

    label: str
    url: str
    icon: Markup
    current: bool
    is_main: bool = True
    badge: int | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Who is signed in, as the header shows them."""

    name: str
    email: str
    role_labels: list[str]
    initial: str
    language: str
    theme: str
    density: str
    unread_count: int


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
    if person.may(Permission.CONSOLE) and not is_on_phone():
        return "layouts/console.html"
    return "layouts/phone.html"


def is_on_phone() -> bool:
    """Whether the page is one of those made for the phone, for whoever has others too."""
    return request.path.startswith("/m/")


def here_path() -> str:
    """The address to come back to after a switch in the menu; the answer to a form has none of its own."""
    if request.method != "GET":
        return url_for("home.index")
    return request.full_path if request.query_string else request.path


def init_app(app: Flask) -> None:
    app.context_processor(_context)
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals["languages"] = LANGUAGES


def _context() -> dict[str, Any]:
    person = signed_in()
    pinned = pinned_day()
    return {
        "current_locale": reader_language(),
        "theme": person.account.theme if person else "system",
        "density": person.account.density if person else "standard",
        "person": _as_shown(person) if person else None,
        "navigation": _navigation(person) if person else (),
        "unread_count": person.unread_count if person else 0,
        "business_date_text": day(pinned, weekday=True) if pinned else None,
        "demo": pinned is not None,
        "is_development": current_app.config["RENTAL"].is_development,
        "here_path": here_path,
        "face_layout": face_of_request(),
        "may": person.may if person else lambda _permission: False,
        "Permission": Permission,
    }


def _as_shown(person: SignedIn) -> Person:
    account = person.account
    return Person(
        name=account.name,
        email=account.email,
        role_labels=[role_label(role) for role in sorted(account.roles)],
        initial=account.name[:1].upper(),
        language=account.language,
        theme=account.theme,
        density=account.density,
        unread_count=person.unread_count,
    )


# At a desk these stand in the menu at the end of the bar: set up once, or looked at when something is wrong.
_SELDOM_NEEDED = frozenset(
    {
        "sites.index",
        "technicians.index",
        "equipment_models.index",
        "stock_locations.index",
        "labels.index",
        "numbering_rules.index",
        "people.index",
        "closings.index",
        "jobs.index",
        "checks.index",
        "audit_log.index",
    }
)


def _navigation(person: SignedIn) -> Sequence[NavigationItem]:
    here = (request.endpoint or "").split(".")[0]
    return _entries(
        person.account.permissions,
        here=_UNDER.get(here, here),
        is_on_phone=is_on_phone(),
        language=reader_language(),
        script_root=request.script_root,
    )


@lru_cache(maxsize=4096)
def _entries(
    permissions: frozenset[Permission],
    *,
    here: str,
    is_on_phone: bool,
    language: str,
    script_root: str,
) -> Sequence[NavigationItem]:
    """The menu of everybody with these permissions, as it stands on these pages."""
    if is_on_phone:
        entries = [
            (_("Today"), "phone.today", "home", Permission.OWN_VISITS),
            (_("Scan"), "scan.show", "scan", Permission.PHONE),
            (_("Receive"), "receive.ask", "download", Permission.STOCK_MOVE),
            (_("Office"), "home.index", "document", Permission.CONSOLE),
            (_("Notices"), "notices.index", "bell", Permission.OWN_ACCOUNT),
        ]
    elif Permission.CONSOLE in permissions:
        entries = [
            (_("Today"), "home.index", "home", Permission.CONSOLE),
            (_("On the phone"), "phone.today", "device", Permission.PHONE),
            (_("Customers"), "customers.index", "people", Permission.CUSTOMERS_READ),
            (_("Sites"), "sites.index", "globe", Permission.CUSTOMERS_READ),
            (_("Contracts"), "contracts.index", "document", Permission.CONTRACTS_READ),
            (_("Work orders"), "work_orders.index", "truck", Permission.WORK_ORDERS_READ),
            (_("Plans"), "plans.index", "clock", Permission.PLANS_READ),
            (_("Closings"), "closings.index", "check", Permission.INVOICES_READ),
            (_("Invoices"), "invoices.index", "document", Permission.INVOICES_READ),
            (_("Units"), "units.index", "scan", Permission.STOCK_READ),
            (_("Receiving"), "receiving.index", "download", Permission.STOCK_READ),
            (_("Technicians"), "technicians.index", "people", Permission.PLANS_READ),
            (_("Models"), "equipment_models.index", "box", Permission.CATALOG_READ),
            (_("Places"), "stock_locations.index", "box", Permission.STOCK_READ),
            (_("Labels"), "labels.index", "document", Permission.STOCK_READ),
            (_("Numbering"), "numbering_rules.index", "document", Permission.STOCK_READ),
            (_("People"), "people.index", "people", Permission.PEOPLE_READ),
            (_("Jobs"), "jobs.index", "jobs", Permission.JOBS_READ),
            (_("Checks"), "checks.index", "shield", Permission.CHECKS_READ),
            (_("Audit log"), "audit_log.index", "clock", Permission.AUDIT_READ),
        ]
    else:
        entries = [
            (_("Today"), "phone.today", "home", Permission.PHONE),
            (_("Scan"), "scan.show", "scan", Permission.PHONE),
            (_("Overview"), "portal.home", "home", Permission.PORTAL),
            (_("Notices"), "notices.index", "bell", Permission.OWN_ACCOUNT),
            (_("Account"), "own_account.show", "person", Permission.OWN_ACCOUNT),
        ]
    return tuple(
        NavigationItem(
            label,
            url_for(endpoint),
            icon(name),
            endpoint.split(".")[0] == here,
            endpoint not in _SELDOM_NEEDED,
        )
        for label, endpoint, name, permission in entries
        if permission in permissions
    )
