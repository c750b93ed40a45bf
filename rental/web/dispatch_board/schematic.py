"""A plan as a map without tiles: places by their coordinates, routes as lines between them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rental.customers.rules import Position
from rental.dispatch.models import OperatingBase, PlanStop, RoutePlan
from rental.fieldwork.rules import VisitState
from rental.web.dispatch_board.crews import Crew
from rental.web.formats import clock

MAP_WIDTH, MAP_HEIGHT, MAP_EDGE = 1200, 520, 48
KM_PER_DEGREE = 111.2


@dataclass(frozen=True, slots=True)
class Pin:
    """A place on the map: `kind` is stop, base or missed."""

    kind: str
    x: float
    y: float
    text: str
    title: str
    tone: int = 0
    is_faint: bool = False


@dataclass(frozen=True, slots=True)
class Way:
    """A route as a line through its places."""

    points: str
    tone: int
    title: str
    is_faint: bool


@dataclass(frozen=True, slots=True)
class Schematic:
    """Places by their coordinates, north on top; lines of the grid are `kilometres` apart."""

    ways: tuple[Way, ...]
    pins: tuple[Pin, ...]
    kilometres: int
    scale_width: float
    grid_across: tuple[float, ...]
    grid_down: tuple[float, ...]


def schematic_of(plan: RoutePlan, crews: Sequence[Crew]) -> Schematic | None:
    """All places of the plan, drawn to one scale; what is left out lies below what is not."""
    missed = {row.work_order.site_id: row.work_order for row in plan.left_out}.values()
    on_the_road = [crew for crew in crews if crew.stops] or crews
    bases = {crew.route.base.id: crew.route.base for crew in on_the_road if crew.route.base}.values()
    sites = [*(stop.site for crew in crews for stop in crew.stops), *(order.site for order in missed)]
    spots = [site.position for site in sites if site.position] + [_spot_of(base) for base in bases]
    if not spots:
        return None
    paper = Paper(spots)

    pins = [
        Pin("missed", *paper.at(order.site.position), "?", f"{order.number} {order.site.name}")
        for order in missed
        if order.site.position
    ]
    ways = []
    for crew in crews:
        stops = [(stop, paper.at(stop.site.position)) for stop in crew.stops if stop.site.position]
        if crew.route.base is not None and stops:
            home = paper.at(_spot_of(crew.route.base))
            line = " ".join(f"{x},{y}" for x, y in (home, *(place for _stop, place in stops), home))
            ways.append(Way(line, crew.tone, crew.route.technician.name, crew.is_faint))
        pins += [_stop_pin(crew, stop, place) for stop, place in stops]
    pins += [Pin("base", *paper.at(_spot_of(base)), base.code, base.name) for base in bases]
    ways.sort(key=lambda way: not way.is_faint)  # what is looked at lies on top
    pins.sort(key=lambda pin: not pin.is_faint)
    length = paper.round_kilometres
    step = max(1, round(paper.width_of(length)))
    return Schematic(
        tuple(ways),
        tuple(pins),
        length,
        paper.width_of(length),
        tuple(range(step, MAP_WIDTH, step)),
        tuple(range(step, MAP_HEIGHT, step)),
    )


def _stop_pin(crew: Crew, stop: PlanStop, place: tuple[float, float]) -> Pin:
    title = f"{clock(stop.starts)} {stop.site.name}"
    is_off = stop.visit is not None and stop.visit.state is VisitState.CANCELLED
    return Pin("stop", *place, f"{crew.letter}{stop.position}", title, crew.tone, crew.is_faint or is_off)


def _spot_of(base: OperatingBase) -> Position:
    return Position(base.latitude, base.longitude)


class Paper:
    """Where a point of the earth lies on the drawing: near enough to flat for a day's drive."""

    def __init__(self, spots: Sequence[Position]) -> None:
        latitudes, longitudes = [spot.latitude for spot in spots], [spot.longitude for spot in spots]
        self._north, south = max(latitudes), min(latitudes)
        self._west, east = min(longitudes), max(longitudes)
        self._narrower = math.cos(math.radians((self._north + south) / 2))
        width_km = max((east - self._west) * self._narrower * KM_PER_DEGREE, 0.5)
        height_km = max((self._north - south) * KM_PER_DEGREE, 0.5)
        self._units_per_km = min(
            (MAP_WIDTH - 2 * MAP_EDGE) / width_km, (MAP_HEIGHT - 2 * MAP_EDGE) / height_km
        )
        self._left = (MAP_WIDTH - width_km * self._units_per_km) / 2
        self._top = (MAP_HEIGHT - height_km * self._units_per_km) / 2

    def at(self, spot: Position) -> tuple[float, float]:
        x = (spot.longitude - self._west) * self._narrower * KM_PER_DEGREE * self._units_per_km
        y = (self._north - spot.latitude) * KM_PER_DEGREE * self._units_per_km
        return round(self._left + x, 1), round(self._top + y, 1)

    @property
    def round_kilometres(self) -> int:
        """A length for the scale: the longest of 1, 2, 5, 10 … that takes at most a quarter of the width."""
        lengths = (200, 100, 50, 20, 10, 5, 2)
        return next((length for length in lengths if self.width_of(length) <= MAP_WIDTH / 4), 1)

    def width_of(self, kilometres: int) -> float:
        return round(kilometres * self._units_per_km, 1)
