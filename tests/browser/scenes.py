"""What can be looked at: who sees it, where, and what they do there first."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page

ADMINISTRATOR = "administrator"
DENSE = "administrator with low rows"
BILLING = "billing"
SALES = "sales"
DISPATCHER = "dispatcher"
WAREHOUSE = "warehouse"
TECHNICIAN = "technician"
CUSTOMER = "customer"
VISITOR = "visitor"


@dataclass(frozen=True)
class Scene:
    """One thing to look at. `path` may ask the showroom where it is."""

    who: str
    path: str | Callable[[Any], str]
    act: Callable[[Page], None] | None = None
    status: int = 200
