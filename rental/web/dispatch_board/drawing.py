"""A plan as a picture: one line of time for each technician, and a schematic map without tiles.

Everything is in units of the drawing. The same facts stand in tables beside it.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from flask_babel import gettext as _

from rental.customers.rules import Position
from rental.dispatch.models import OperatingBase, PlanProgress, PlanRoute, PlanStop, RoutePlan
from rental.web.formats import clock

TONES = 8
WIDTH = 1200
NAMES_WIDTH = 150
ROW_HEIGHT = 60
HEAD_HEIGHT = 28
MAP_WIDTH, MAP_HEIGHT, MAP_EDGE = 1200, 620, 56
PROGRESS_WIDTH, PROGRESS_HEIGHT = 600, 80
KM_PER_DEGREE = 111.2


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of time: `kind` is job, fixed, way, wait, rest or over."""

    kind: str
    x: float
    width: float
    label: str = ""
    detail: str = ""
    title: str = ""


class BarMaker(Protocol):
    """Makes a bar from minutes after midnight."""

    def __call__(
        self, kind: str, starts: int, ends: int, label: str = "", detail: str = "", title: str = ""
    ) -> Bar: ...


@dataclass(frozen=True, slots=True)
class Row:
    """One technician: letter and tone are the same on the map."""

    letter: str
    tone: int
    name: str
    hours: str
    y: int
    shift: Bar
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """The day from the first departure to the last return."""

    height: int
    hours: tuple[tuple[float, str], ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """A place on the map: `kind` is stop, base or missed."""

    kind: str
    x: float
    y: float
    text: str
    title: str
    tone: int = 0


@dataclass(frozen=True, slots=True)
class Way:
    """A route as a line through its places."""

    points: str
    tone: int
    title: str


@dataclass(frozen=True, slots=True)
class Schematic:
    """Places by their coordinates, north on top."""

    ways: tuple[Way, ...]
    marks: tuple[Mark, ...]
    kilometres: int
    scale_width: float


@dataclass(frozen=True, slots=True)
class Crew:
    """A technician of the plan with what is theirs."""

    route: PlanRoute
    letter: str
    tone: int
    stops: tuple[PlanStop, ...]


def crews_of(plan: RoutePlan) -> list[Crew]:
    """Who is at work, in the order of the plan; letters and tones repeat after the last."""
    at_work = [route for route in plan.routes if route.absence is None]
    return [
        Crew(route, letter_of(number), number % TONES + 1, _stops_of(plan, route.technician_id))
        for number, route in enumerate(at_work)
    ]


def letter_of(number: int) -> str:
    """A, B, … Z, A2, B2 and so on."""
    again, letter = divmod(number, 26)
    return chr(ord("A") + letter) + (str(again + 1) if again else "")


def _stops_of(plan: RoutePlan, technician_id: UUID) -> tuple[PlanStop, ...]:
    return tuple(stop for stop in plan.stops if stop.technician_id == technician_id)


def timeline_of(crews: Sequence[Crew]) -> Timeline | None:
    """The lines of time, each technician under the other."""
    moments = [
        moment
        for crew in crews
        for moment in (
            crew.route.shift_starts,
            crew.route.shift_ends,
            crew.route.leaves,
            crew.route.returns,
        )
        if moment is not None
    ]
    if not moments:
        return None
    first, last = min(moments) // 60, -(-max(moments) // 60)
    scale = (WIDTH - NAMES_WIDTH) / ((last - first) * 60)

    def at(minutes: int) -> float:
        return round(NAMES_WIDTH + (minutes - first * 60) * scale, 1)

    def bar(kind: str, starts: int, ends: int, label: str = "", detail: str = "", title: str = "") -> Bar:
        return Bar(kind, at(starts), round(max(0, ends - starts) * scale, 1), label, detail, title)

    rows = []
    for number, crew in enumerate(crews):
        route = crew.route
        starts, ends = route.shift_starts or 0, route.shift_ends or 0
        bars = [*_ways(crew, bar), *(_job(stop, bar) for stop in crew.stops)]
        if route.break_starts is not None and route.break_ends is not None:
            bars.append(_rest(route.break_starts, route.break_ends, bar))
        rows.append(
            Row(
                crew.letter,
                crew.tone,
                route.technician.name,
                f"{clock(starts)}–{clock(ends)}",
                HEAD_HEIGHT + number * ROW_HEIGHT,
                bar("shift", starts, ends),
                tuple(bars),
            )
        )
    hours = tuple((at(hour * 60), f"{hour}:00") for hour in range(first, last + 1))
    return Timeline(HEAD_HEIGHT + len(crews) * ROW_HEIGHT, hours, tuple(rows))


def _ways(crew: Crew, bar: BarMaker) -> Iterable[Bar]:
    """Travel as lines from end to arrival, and waiting from arrival to start."""
    free = crew.route.leaves
    for stop in crew.stops:
        if free is not None:
            text = _("%(minutes)s minutes, %(km)s km", minutes=stop.travel_minutes, km=km(stop.travel_metres))
            yield bar("way", free, stop.arrives, title=text)
        if stop.starts > stop.arrives:
            yield bar(
                "wait", stop.arrives, stop.starts, title=_("waits %(minutes)s minutes", minutes=stop.waits)
            )
        free = stop.ends
    if free is not None and crew.route.returns is not None and crew.stops:
        text = _("home: %(minutes)s minutes", minutes=crew.route.home_minutes)
        yield bar("way", free, crew.route.returns, title=text)


def _job(stop: PlanStop, bar: BarMaker) -> Bar:
    numbers = ", ".join(row.work_order.number for row in stop.orders)
    return bar(
        "fixed" if stop.is_fixed else "job",
        stop.starts,
        stop.ends,
        stop.site.name,
        f"{clock(stop.starts)} {numbers}",
        f"{clock(stop.starts)}–{clock(stop.ends)} {stop.site.name} ({numbers})",
    )


def _rest(starts: int, ends: int, bar: BarMaker) -> Bar:
    return bar("rest", starts, ends, _("Break"), title=f"{_('Break')} {clock(starts)}–{clock(ends)}")


def schematic_of(plan: RoutePlan, crews: Sequence[Crew]) -> Schematic | None:
    """All places of the plan, drawn to one scale; what is left out lies below what is not."""
    missed = {row.work_order.site_id: row.work_order for row in plan.left_out}.values()
    bases = {crew.route.base.id: crew.route.base for crew in crews if crew.route.base is not None}.values()
    sites = [*(stop.site for crew in crews for stop in crew.stops), *(order.site for order in missed)]
    spots = [site.position for site in sites if site.position] + [_spot_of(base) for base in bases]
    if not spots:
        return None
    paper = Paper(spots)

    marks = [
        Mark("missed", *paper.at(order.site.position), "?", f"{order.number} {order.site.name}")
        for order in missed
        if order.site.position
    ]
    ways = []
    for crew in crews:
        stops = [(stop, paper.at(stop.site.position)) for stop in crew.stops if stop.site.position]
        if crew.route.base is not None and stops:
            home = paper.at(_spot_of(crew.route.base))
            line = " ".join(f"{x},{y}" for x, y in (home, *(place for _stop, place in stops), home))
            ways.append(Way(line, crew.tone, crew.route.technician.name))
        marks += [_stop_mark(crew, stop, place) for stop, place in stops]
    marks += [Mark("base", *paper.at(_spot_of(base)), base.code, base.name) for base in bases]
    length = paper.round_kilometres
    return Schematic(tuple(ways), tuple(marks), length, paper.width_of(length))


def _stop_mark(crew: Crew, stop: PlanStop, place: tuple[float, float]) -> Mark:
    title = f"{clock(stop.starts)} {stop.site.name}"
    return Mark("stop", *place, f"{crew.letter}{stop.position}", title, crew.tone)


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


def km(metres: int) -> str:
    """Kilometres with one decimal.

    >>> km(12340)
    '12.3'
    """
    return f"{metres / 1000:,.1f}"


def progress_line(rows: Sequence[PlanProgress], seconds: int) -> str:
    """The cost over time as points of a line, the cheapest at the bottom."""
    if not rows:
        return ""
    costs = [row.cost.minor_units for row in rows]
    highest, lowest = max(costs), min(costs)
    span = max(1, highest - lowest)

    def point(milliseconds: int, cost: int) -> str:
        x = min(PROGRESS_WIDTH, milliseconds / 1000 / max(1, seconds) * PROGRESS_WIDTH)
        y = 8 + (highest - cost) / span * (PROGRESS_HEIGHT - 16)
        return f"{x:.1f},{y:.1f}"

    points: list[str] = []
    for row, cost in zip(rows, costs, strict=True):
        if points:
            before = points[-1].split(",")[1]
            points.append(f"{point(row.milliseconds, cost).split(',')[0]},{before}")
        points.append(point(row.milliseconds, cost))
    return " ".join(points)
