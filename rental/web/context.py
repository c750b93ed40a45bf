"""What every template knows: who is here, what they may open, how they want to see it."""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from babel import Locale
from flask import Flask, has_request_context, request, session, url_for
from flask_babel import gettext as _
from markupsafe import Markup

from rental.core.runtime import runtime
from rental.identity.permissions import Permission
from rental.identity.queries import SignedInAccount
from rental.web.form_tokens import csrf_token
from rental.web.formats import day, reader_language
from rental.web.guards import signed_in
from rental.web.sentences import role_label
from rental.web.templating import icon
from rental.web.today import pinned_day

LANGUAGES = [("ja", "日本語"), ("en", "English")]
# Pages that stand below another's entry of the menu.
_UNDER = {
    "issuer": "closings",
    "credit_notes": "invoices",
    "deposits": "contracts",
    "billing_limits": "closings",
    "closing_reviews": "closings",
    "recurring_revenue": "closings",
    "own_work_orders": "phone",
    "own_photos": "phone",
    "own_endings": "phone",
    "put_away": "scan",
    "unit_card": "scan",
}
THEMES = ("system", "light", "dark")
DENSITIES = ("standard", "compact")


@dataclass(frozen=True, slots=True, eq=False)
class NavigationItem:
    """One entry of the menu."""

    label: str
    url: str
    icon: Markup
    current: bool
    is_main: bool = True
    badge: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Navigation:
    """The menu; at a desk what is needed seldom hangs at its end. Each is made once and kept."""

    entries: tuple[NavigationItem, ...] = ()
    main: tuple[NavigationItem, ...] = ()
    more: tuple[NavigationItem, ...] = ()


@dataclass(frozen=True, slots=True)
class Person:
    """Who is signed in, as the header shows them."""

    name: str
    email: str
    role_labels: tuple[str, ...]
    initial: str
    language: str
    theme: str
    density: str
    unread_count: int


_LOCALES = {code: Locale.parse(code) for code, _name in LANGUAGES}


def current_locale() -> Locale:
    """The person's own language, else the visitor's choice, else what the browser asks for."""
    if not has_request_context():
        return _LOCALES["ja"]
    person = signed_in()
    if person is not None:
        return _LOCALES[person.account.language]
    chosen = session.get("language")
    return _LOCALES[chosen if chosen in _LOCALES else request.accept_languages.best_match(_LOCALES, "ja")]


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
    app.jinja_env.globals.update(
        languages=LANGUAGES,
        here_path=here_path,
        Permission=Permission,
        is_development=app.config["RENTAL"].is_development,
    )


def _context() -> dict[str, Any]:
    person = signed_in()
    if person is None:
        return _for_visitors()
    return _for_person(
        person.account,
        person.unread_count,
        person.pinned_on,
        place=(request.endpoint or "").split(".")[0],
        is_on_phone=is_on_phone(),
        script_root=request.script_root,
    )


def _for_visitors() -> dict[str, Any]:
    return {
        **_business_date(pinned_day()),
        "csrf_token": csrf_token,
        "current_locale": reader_language(),
        "theme": "system",
        "density": "standard",
        "person": None,
        "navigation": Navigation(),
        "unread_count": 0,
        "face_layout": face_of_request(),
        "may": lambda _permission: False,
    }


@lru_cache(maxsize=4096)
def _for_person(
    account: SignedInAccount,
    unread_count: int,
    pinned_on: date | None,
    *,
    place: str,
    is_on_phone: bool,
    script_root: str,
) -> dict[str, Any]:
    """Worked out once for all pages of one place, as long as nothing about the person changes."""
    return {
        **_business_date(pinned_on),
        "csrf_token": csrf_token,
        "current_locale": account.language,
        "theme": account.theme,
        "density": account.density,
        "person": _as_shown(account, unread_count),
        "navigation": _navigation(
            account.permissions,
            here=_UNDER.get(place, place),
            is_on_phone=is_on_phone,
            language=account.language,
            script_root=script_root,
        ),
        "unread_count": unread_count,
        "face_layout": face_of_request(),
        "may": account.may,
    }


def _business_date(pinned_on: date | None) -> dict[str, Any]:
    return {
        "business_date_text": day(pinned_on, weekday=True) if pinned_on else None,
        "demo": pinned_on is not None,
    }


@lru_cache(maxsize=4096)
def _as_shown(account: SignedInAccount, unread_count: int) -> Person:
    return Person(
        name=account.name,
        email=account.email,
        role_labels=tuple(role_label(role) for role in sorted(account.roles)),
        initial=account.name[:1].upper(),
        language=account.language,
        theme=account.theme,
        density=account.density,
        unread_count=unread_count,
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
        "payments.index",
        "documents.index",
        "books.index",
        "jobs.index",
        "checks.index",
        "audit_log.index",
    }
)


@lru_cache(maxsize=4096)
def _navigation(
    permissions: frozenset[Permission],
    *,
    here: str,
    is_on_phone: bool,
    language: str,
    script_root: str,
) -> Navigation:
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
            (_("Payments"), "payments.index", "document", Permission.INVOICES_READ),
            (_("Documents"), "documents.index", "document", Permission.INVOICES_READ),
            (_("Books"), "books.index", "document", Permission.INVOICES_READ),
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
    items = tuple(
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
    return Navigation(
        items,
        main=tuple(item for item in items if item.is_main),
        more=tuple(item for item in items if not item.is_main),
    )
