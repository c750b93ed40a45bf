"""The sites that we visit: where they are, when they are open, how to get in."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy.orm.attributes import flag_modified

from rental.core.db import found
from rental.core.errors import ChangedMeanwhile
from rental.core.numbering import next_number
from rental.core.text import tidy
from rental.core.uow import UnitOfWork, locked
from rental.customers import rules
from rental.customers.addresses import normalised_address
from rental.customers.models import Customer, Site, SiteHours
from rental.customers.rules import SITE_STATES, Position, PositionSource, SiteState, Window


def add_site(
    uow: UnitOfWork,
    customer_id: UUID,
    *,
    name: str,
    prefecture: str,
    city: str,
    street: str,
    name_kana: str = "",
    postal_code: str = "",
    building: str = "",
    phone: str = "",
    access_note: str = "",
    entrance_code: str = "",
) -> Site:
    """A new site of the customer. It has no position yet: `place_site` gives it one."""
    customer = found(uow.session, Customer, customer_id)
    site = Site(customer_id=customer.id, state=SiteState.ACTIVE, created_at=uow.now)
    _describe(site, name, name_kana, phone, access_note, entrance_code)
    _address(site, postal_code, prefecture, city, street, building)

    site.number = f"S{next_number(uow, 'site'):05}"
    _index(site)
    uow.session.add(site)
    uow.session.flush()
    return site


def change_site(
    uow: UnitOfWork,
    site_id: UUID,
    *,
    version: int,
    name: str,
    prefecture: str,
    city: str,
    street: str,
    name_kana: str = "",
    postal_code: str = "",
    building: str = "",
    phone: str = "",
    access_note: str = "",
    entrance_code: str = "",
) -> Site:
    """The site's facts as they are now. Another address forgets the position. Raises ChangedMeanwhile."""
    site = locked(uow, Site, site_id)
    if site.version != version:
        raise ChangedMeanwhile
    address_before = site.normalised_address
    _describe(site, name, name_kana, phone, access_note, entrance_code)
    _address(site, postal_code, prefecture, city, street, building)
    _index(site)
    if site.normalised_address != address_before:
        site.latitude = site.longitude = site.position_source = site.position_precision_m = None
    uow.session.flush()
    return site


def place_site(
    uow: UnitOfWork,
    site_id: UUID,
    *,
    latitude: float,
    longitude: float,
    source: PositionSource,
    precision_m: int | None = None,
    version: int | None = None,
) -> Site:
    """Puts the site on the map. With a version it raises ChangedMeanwhile when the site is another by now."""
    rules.require_in_japan(Position(latitude, longitude))
    site = locked(uow, Site, site_id)
    if version is not None and site.version != version:
        raise ChangedMeanwhile
    site.latitude, site.longitude = latitude, longitude
    site.position_source, site.position_precision_m = source, precision_m
    uow.session.flush()
    return site


def set_hours(
    uow: UnitOfWork, site_id: UUID, *, hours: Mapping[int, Sequence[Window]], version: int | None = None
) -> Site:
    """When the site may be visited: windows by weekday, 0 being Monday; none at all means at any time.

    A weekday without windows is closed as soon as another weekday has some. Raises NotHours,
    ClosesBeforeOpening, WindowsOverlap, ChangedMeanwhile.
    """
    for weekday, windows in hours.items():
        if not 0 <= weekday <= 6:
            raise rules.NotHours
        rules.require_windows(windows)

    site = locked(uow, Site, site_id)
    if version is not None and site.version != version:
        raise ChangedMeanwhile
    wanted = {(day, window.opens): window.closes for day, windows in hours.items() for window in windows}
    known = {(row.weekday, row.opens): row for row in site.hours}
    for key, closes in wanted.items():
        if key in known:
            known[key].closes = closes
    site.hours = [
        known.get(key) or SiteHours(weekday=key[0], opens=key[1], closes=closes)
        for key, closes in sorted(wanted.items())
    ]
    flag_modified(site, "name")  # so that the version rises with the hours too
    uow.session.flush()
    return site


def close_site(uow: UnitOfWork, site_id: UUID) -> None:
    """Nobody goes there any more."""
    site = locked(uow, Site, site_id)
    SITE_STATES.check(site.state, SiteState.CLOSED)
    site.state = SiteState.CLOSED


def reopen_site(uow: UnitOfWork, site_id: UUID) -> None:
    """The site is visited again after all."""
    site = locked(uow, Site, site_id)
    SITE_STATES.check(site.state, SiteState.ACTIVE)
    site.state = SiteState.ACTIVE


def _describe(
    site: Site, name: str, name_kana: str, phone: str, access_note: str, entrance_code: str
) -> None:
    rules.require_line(tidy(name), "name", rules.NAME_MAX_LENGTH)
    rules.require_room(tidy(name_kana), "name_kana", rules.KANA_MAX_LENGTH)
    rules.require_room(access_note, "access_note", rules.NOTE_MAX_LENGTH)
    rules.require_room(tidy(entrance_code), "entrance_code", rules.NAME_MAX_LENGTH)
    site.phone = rules.phone_of(phone)
    site.name, site.name_kana = tidy(name), tidy(name_kana)
    site.access_note, site.entrance_code = access_note, tidy(entrance_code) or None


def _address(site: Site, postal_code: str, prefecture: str, city: str, street: str, building: str) -> None:
    rules.require_line(tidy(prefecture), "prefecture", rules.PREFECTURE_MAX_LENGTH)
    rules.require_line(tidy(city), "city", rules.NAME_MAX_LENGTH)
    rules.require_line(tidy(street), "street", rules.LINE_MAX_LENGTH)
    rules.require_room(tidy(building), "building", rules.LINE_MAX_LENGTH)
    site.postal_code = rules.postal_code_of(postal_code)
    site.prefecture, site.city = tidy(prefecture), tidy(city)
    site.street, site.building = tidy(street), tidy(building)
    site.normalised_address = normalised_address(site.address)[: rules.SEARCH_MAX_LENGTH]


def _index(site: Site) -> None:
    site.search_name = rules.search_form(
        site.name, site.name_kana, site.number, site.address, site.normalised_address, site.phone or ""
    )
