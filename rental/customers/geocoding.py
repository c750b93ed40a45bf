"""Finding an address on the map: our own sites, then the table of municipalities, then a map service."""

import csv
import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit
from uuid import UUID

from geopy.adapters import URLLibAdapter
from geopy.distance import geodesic
from geopy.exc import GeopyError
from geopy.geocoders import Nominatim

from rental.core.db import reading_snapshot
from rental.core.errors import Conflict, Invalid
from rental.customers.addresses import normalised_address
from rental.customers.queries import placed_site_at
from rental.customers.rules import NotInJapan, Position, PositionSource, require_in_japan

log = logging.getLogger("rental.customers")

# A point this near is worth no further question: the van finds the door.
GOOD_ENOUGH_M = 300
# How far a municipality's centre is from most of its addresses; a city of wards is wider.
MUNICIPALITY_M = 5_000
CITY_OF_WARDS_M = 10_000
SERVICE_SECONDS = 5
MOST_CANDIDATES = 8

_TABLE = Path(__file__).with_name("municipalities.tsv")
_WARD = re.compile(r"(?P<city>.+?市)(?P<ward>.+区)")
_TOWN_OF_COUNTY = re.compile(r".+?郡(?P<town>.+[町村])")
_TOWN_OF_ISLAND = re.compile(r".+島(?P<town>.+[町村])")


class UnknownPlace(Invalid):
    """Nobody knows where this address is; the point has to be entered by hand."""

    code = "customers.unknown_place"
    field = "address"


class AmbiguousPlace(Invalid):
    """Several municipalities are called this; the prefecture says which."""

    code = "customers.ambiguous_place"
    field = "address"

    def __init__(self, candidates: Sequence[str]) -> None:
        super().__init__(candidates="、".join(candidates[:MOST_CANDIDATES]), count=len(candidates))


class ServiceSilent(Conflict):
    """The map service did not answer in time, or not with a place, and nobody else knows the address."""

    code = "customers.service_silent"


@dataclass(frozen=True, slots=True)
class Located:
    """Where an address is, who said so, and what they call the place.

    The precision is the radius in metres; None is a point that a person entered.
    """

    latitude: float
    longitude: float
    source: PositionSource
    label: str
    precision_m: int | None

    @property
    def radius(self) -> int:
        return self.precision_m or 0


class Geocoder(Protocol):
    """Somebody to ask where an address is."""

    def locate(self, address: str) -> Located | None:
        """The place, or None when the address is not known here. Raises AmbiguousPlace, ServiceSilent."""


def locate(address: str, geocoders: Iterable[Geocoder]) -> Located:
    """Asks one after the other until an answer is good enough; else the nearest of the answers.

    A service far away may be among them: never call this inside a transaction. Raises UnknownPlace,
    AmbiguousPlace, ServiceSilent.
    """
    best: Located | None = None
    silence: ServiceSilent | None = None
    for geocoder in geocoders:
        try:
            answer = geocoder.locate(address)
        except ServiceSilent as error:
            silence = error
            continue
        if answer and (best is None or answer.radius < best.radius):
            best = answer
        if best and best.radius <= GOOD_ENOUGH_M:
            break
    if best is None:
        raise silence or UnknownPlace()
    return best


def distance_km(start: Position, end: Position) -> float:
    """How far apart two points are along the surface of the earth (WGS 84)."""
    return float(geodesic(start, end).km)


def geocoders_for(*, site_id: UUID | None = None, service_url: str | None = None) -> list[Geocoder]:
    """Whom to ask, nearest first. The site that is being placed is no witness of itself."""
    ours: list[Geocoder] = [KnownSites(other_than=site_id), Municipalities()]
    return [*ours, MapService(service_url)] if service_url else ours


class KnownSites:
    """Our own sites whose point a person or a map service gave."""

    def __init__(self, *, other_than: UUID | None = None) -> None:
        self._other_than = other_than

    def locate(self, address: str) -> Located | None:
        """The point of another site at this very address."""
        with reading_snapshot() as session:
            site = placed_site_at(session, normalised_address(address), other_than=self._other_than)
            if site is None or site.position is None:
                return None
            return Located(*site.position, PositionSource.KNOWN_SITE, site.name, site.position_precision_m)


@dataclass(frozen=True, slots=True)
class Municipality:
    """A line of the table. No position means that only the name is known here."""

    prefecture: str
    name: str
    position: Position | None

    @property
    def full_name(self) -> str:
        return self.prefecture + self.name

    @property
    def city(self) -> str | None:
        """The city that this is a ward of."""
        match = _WARD.fullmatch(self.name)
        return match["city"] if match else None

    def spellings(self) -> set[str]:
        """How addresses write it: whole, or without its county, its island or its city."""
        parts = {match[1] for match in (_TOWN_OF_COUNTY.fullmatch(self.name),) if match}
        if self.prefecture == "東京都" and (island := _TOWN_OF_ISLAND.fullmatch(self.name)):
            parts.add(island["town"])
        if ward := _WARD.fullmatch(self.name):
            parts.add(ward["ward"])
        return {normalised_address(name) for name in (self.name, *parts)}


class Municipalities:
    """The table of all municipalities of Japan: needs no network, and knows no streets."""

    def locate(self, address: str) -> Located | None:
        """The centre of the municipality that the address begins with. Raises AmbiguousPlace."""
        plain = normalised_address(address)
        prefecture = next((name for name in prefectures() if plain.startswith(name)), "")
        meant = _longest_named(plain.removeprefix(prefecture), prefecture)
        if len(meant) > 1:
            raise AmbiguousPlace([municipality.full_name for municipality in meant])
        return _centre_of(meant[0]) if meant else None


def _longest_named(text: str, prefecture: str) -> list[Municipality]:
    """The municipalities whose name the text begins with; of 横浜市 and 横浜市西区 the ward."""
    named = [
        (length, municipality)
        for spelling, municipalities in _spellings().items()
        if text.startswith(spelling)
        for length in (len(spelling),)
        for municipality in municipalities
        if prefecture in ("", municipality.prefecture)
    ]
    longest = max((length for length, _ in named), default=0)
    return [municipality for length, municipality in named if length == longest]


def _centre_of(municipality: Municipality) -> Located | None:
    """Its own centre; of a ward without one, the city's."""
    if municipality.position is None and municipality.city:
        city = _municipalities()[municipality.prefecture, municipality.city]
        return _centre_of(city)
    if municipality.position is None:
        return None
    has_wards = (municipality.prefecture, municipality.name) in _cities_of_wards()
    radius = CITY_OF_WARDS_M if has_wards else MUNICIPALITY_M
    return Located(*municipality.position, PositionSource.MUNICIPALITY, municipality.full_name, radius)


@cache
def _municipalities() -> dict[tuple[str, str], Municipality]:
    with _TABLE.open(encoding="utf-8", newline="") as table:
        rows = csv.DictReader(table, delimiter="\t")
        return {
            (row["prefecture"], row["municipality"]): Municipality(
                row["prefecture"],
                row["municipality"],
                Position(float(row["latitude"]), float(row["longitude"])) if row["latitude"] else None,
            )
            for row in rows
        }


@cache
def prefectures() -> tuple[str, ...]:
    """The 47 prefectures, from north to south."""
    return tuple(dict.fromkeys(prefecture for prefecture, _ in _municipalities()))


@cache
def _cities_of_wards() -> frozenset[tuple[str, str]]:
    return frozenset((ward.prefecture, ward.city) for ward in _municipalities().values() if ward.city)


@cache
def _spellings() -> dict[str, list[Municipality]]:
    known: dict[str, list[Municipality]] = {}
    for municipality in _municipalities().values():
        for spelling in municipality.spellings():
            known.setdefault(spelling, []).append(municipality)
    return known


class MapService:
    """A service that speaks like Nominatim, at an address of the company's choice."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._nominatim = Nominatim(
            scheme=parts.scheme,
            domain=parts.netloc + parts.path.rstrip("/"),
            user_agent="Genba",
            timeout=SERVICE_SECONDS,
            adapter_factory=URLLibAdapter,
        )

    def locate(self, address: str) -> Located | None:
        """What the service answers. Raises ServiceSilent when that is nothing one can use."""
        try:
            answer = self._nominatim.geocode(address, country_codes="jp")
            if answer is None:
                return None
            position = Position(answer.latitude, answer.longitude)
            require_in_japan(position)
            return Located(*position, PositionSource.SERVICE, answer.address, _radius(position, answer.raw))
        except NotInJapan:
            return None
        except (GeopyError, KeyError, TypeError, ValueError) as error:
            log.warning("the map service gave no answer: %s", error)
            raise ServiceSilent from error


def _radius(position: Position, answer: dict[str, object]) -> int:
    """From the point to a corner of the box that the service draws around the place, in metres."""
    box = answer["boundingbox"]
    if not isinstance(box, list):
        raise TypeError(f"a box has four sides, got {box!r}")
    south, _north, west, _east = (float(side) for side in box)
    return round(distance_km(position, Position(south, west)) * 1000)
