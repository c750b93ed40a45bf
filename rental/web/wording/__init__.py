"""The words of the screens, one module per business package; `sentences` and `refusals` look them up.

A module has any of these tables: REFUSALS (code of a refusal, and the sentence made of its parameters),
ENTITIES, ATTRIBUTES, ACTIONS, JOBS and REASONS (name in the database, and its label), CHECKS (code, and
question with cure), STATES and CHIPS (an enumeration, and the label or mark of each member: members of two
enumerations may be the same text, so the enumeration itself is the key).
"""

from types import ModuleType
from typing import Any

from rental.web.wording import (
    billing,
    catalog,
    changes,
    checks,
    contracts,
    customers,
    dispatch,
    documents,
    fieldwork,
    inventory,
    numbering,
    payments,
    phone,
    statements,
)

PACKAGES: tuple[ModuleType, ...] = (
    customers,
    catalog,
    inventory,
    contracts,
    fieldwork,
    dispatch,
    billing,
    changes,
    documents,
    payments,
    statements,
    numbering,
    checks,
    phone,
)


def all_words(table: str) -> dict[Any, Any]:
    """One table over all packages."""
    merged: dict[Any, Any] = {}
    for package in PACKAGES:
        merged |= getattr(package, table, {})
    return merged
