"""The places units can be: shelves and vans are added by hand, a site's place when it is first needed."""

import re
from uuid import UUID

from sqlalchemy import select

from rental.core.db import found
from rental.core.errors import ChangedMeanwhile, Conflict, Invalid
from rental.core.text import narrow, tidy
from rental.core.uow import UnitOfWork, locked
from rental.customers.models import Site
from rental.identity.models import Account
from rental.inventory.models import StockLocation
from rental.inventory.rules.unit_states import LocationKind

_CODE = re.compile(r"[A-Z0-9]+(?:[-/][A-Z0-9]+)*")
_SITE_PREFIX = "SITE-"
ADDED_BY_HAND = (LocationKind.BIN, LocationKind.RECEIVING, LocationKind.VAN, LocationKind.SCRAP)


class BadLocationCode(Invalid):
    """A code that could not be printed large and read aloud."""

    code = "inventory.bad_location_code"
    field = "code"


class LocationCodeOfSite(Invalid):
    """Codes that begin like those of the places of sites: one of these may need this very code some day."""

    code = "inventory.location_code_of_site"
    field = "code"


class LocationCodeTaken(Conflict):
    """Another place has this code."""

    code = "inventory.location_code_taken"
    field = "code"


class VanNeedsTechnician(Invalid):
    """A van belongs to somebody, and only a van does."""

    code = "inventory.van_needs_technician"
    field = "technician_id"


class NamedAfterSite(Conflict):
    """The place of a site has the site's name."""

    code = "inventory.named_after_site"


def add_stock_location(
    uow: UnitOfWork,
    *,
    code: str,
    name: str,
    kind: LocationKind,
    warehouse: str = "",
    technician_id: UUID | None = None,
) -> StockLocation:
    """A new place of the company. Places of sites are made by `location_of_site`."""
    code = narrow(code).upper()
    if len(code) > 30 or not _CODE.fullmatch(code):
        raise BadLocationCode(value=code[:40])
    if code.startswith(_SITE_PREFIX):
        raise LocationCodeOfSite(value=code)
    if kind is LocationKind.SITE or (kind is LocationKind.VAN) != (technician_id is not None):
        raise VanNeedsTechnician
    if uow.session.scalar(select(StockLocation.id).where(StockLocation.code == code)):
        raise LocationCodeTaken(value=code)
    if technician_id:
        found(uow.session, Account, technician_id)
    place = StockLocation(
        code=code, name=tidy(name), kind=kind, warehouse=tidy(warehouse), technician_id=technician_id
    )
    uow.session.add(place)
    uow.session.flush()
    return place


def rename_stock_location(uow: UnitOfWork, location_id: UUID, *, name: str, version: int) -> None:
    """What people call the place; its code stands on labels and stays.

    Raises NamedAfterSite, ChangedMeanwhile.
    """
    place = locked(uow, StockLocation, location_id)
    if place.kind is LocationKind.SITE:
        raise NamedAfterSite
    if place.version != version:
        raise ChangedMeanwhile
    place.name = tidy(name)


def location_of_site(uow: UnitOfWork, site_id: UUID) -> StockLocation:
    """The place where units at this site are, made when the first one is to go there."""
    site = locked(uow, Site, site_id)
    place = uow.session.scalar(select(StockLocation).where(StockLocation.site_id == site_id))
    if place is None:
        place = StockLocation(
            code=f"{_SITE_PREFIX}{site.number}",
            name=site.name,
            kind=LocationKind.SITE,
            warehouse="",
            site_id=site_id,
        )
        uow.session.add(place)
        uow.session.flush()
    return place


def van_of(uow: UnitOfWork, technician_id: UUID) -> StockLocation | None:
    """The van this technician drives, if they have one of their own."""
    return uow.session.scalar(
        select(StockLocation)
        .where(StockLocation.kind == LocationKind.VAN, StockLocation.technician_id == technician_id)
        .order_by(StockLocation.code)
        .limit(1)
    )
