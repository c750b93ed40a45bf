"""What a visitor of the demo company can try, role by role, told where they sign in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask_babel import lazy_gettext as _l

from rental.identity.permissions import Role
from rental.web.today import pinned_day


@dataclass(frozen=True, slots=True)
class DemoStep:
    """One thing to try: who does it, with which address they sign in, and on which page it begins."""

    role: Role
    email: str
    endpoint: str
    text: Any

    @property
    def path(self) -> str:
        return url_for(self.endpoint)


_STEPS = (
    DemoStep(
        Role.WAREHOUSE,
        "ishida@example.jp",
        "receiving.ask",
        _l("Receive machines, put them on a shelf, print their labels"),
    ),
    DemoStep(
        Role.SALES,
        "morikawa@example.jp",
        "contracts.ask",
        _l("Write a contract and activate it: machines are held for it, an order is opened"),
    ),
    DemoStep(
        Role.DISPATCHER,
        "noguchi@example.jp",
        "plans.index",
        _l("Plan a day's routes, see which order nobody can do and why, send the routes out"),
    ),
    DemoStep(
        Role.TECHNICIAN,
        "t01@example.jp",
        "phone.today",
        _l("Install a machine on the phone: its label says it is there, and rent begins"),
    ),
    DemoStep(
        Role.BILLING,
        "miura@example.jp",
        "closings.index",
        _l("Close the month, open an invoice, follow one of its lines to the scan"),
    ),
    DemoStep(
        Role.ADMINISTRATOR,
        "ogawa@example.jp",
        "checks.index",
        _l("Ask the database whether all is well, and read who did what"),
    ),
)


def demo_steps() -> Sequence[DemoStep]:
    """The steps in their order; none for a company of somebody's own, whose day is the calendar's."""
    return _STEPS if pinned_day() else ()


def address_for(path: str | None) -> str | None:
    """Whose step begins on this page."""
    return next((step.email for step in demo_steps() if path and step.path == path), None)
