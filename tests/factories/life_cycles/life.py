"""A life: a table of states, a thing in each of them, and what can be done to it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from rental.core.db import Base
from rental.core.ids import new_id
from rental.core.states import States
from rental.core.uow import UnitOfWork
from rental.identity.models import Account
from rental.inventory.models import StockLocation
from rental.inventory.rules.unit_states import LocationKind
from rental.inventory.stock_locations import add_stock_location, location_of_site
from tests.factories.rented import (
    make_customer,
    make_site,
)

NOBODY = UUID(int=0)
TECHNICIAN = "technician@example.jp"  # there is one such person in the story


@dataclass(frozen=True)
class Act:
    """Something somebody can do to a thing, and the state it leads to from each state where it is possible.

    `do` is tried in all other states too, and must be refused there.
    """

    name: str
    do: Callable[[UnitOfWork, Any], object]
    leads: Mapping[Any, Any]


@dataclass(frozen=True)
class Life:
    """A table of states, with a thing in each of them and every act upon it."""

    table: States[Any]
    kind: type[Base]
    things: Mapping[Any, Callable[[UnitOfWork], Base]]
    acts: tuple[Act, ...]


def technician(uow: UnitOfWork) -> UUID:
    return uow.session.scalars(select(Account.id).where(Account.normalised_email == TECHNICIAN)).one()


def another(uow: UnitOfWork, kind: LocationKind) -> UUID:
    """A place of this kind where nothing is yet."""
    if kind is LocationKind.SITE:
        return location_of_site(uow, make_site(uow, make_customer(uow)[0]).id).id
    if kind is LocationKind.SUPPLIER:
        return uow.session.scalars(select(StockLocation.id).where(StockLocation.kind == kind)).one()
    owner = technician(uow) if kind is LocationKind.VAN else None
    code = f"{kind}-{new_id().hex[-8:]}"
    return add_stock_location(uow, code=code, name=code, kind=kind, technician_id=owner).id
