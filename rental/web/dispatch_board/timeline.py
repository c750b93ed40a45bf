"""A plan as lines of time, one for each technician, and how its search went.

Everything is in units of the drawing. The same facts stand in lists beside it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flask_babel import gettext as _

from rental.dispatch.models import PlanProgress, PlanStop
from rental.web.dispatch_board.crews import Crew, Mark, km
from rental.web.formats import clock

WIDTH = 1200
NAMES_WIDTH = 168
ROW_HEIGHT = 60
HEAD_HEIGHT = 28
PROGRESS_WIDTH, PROGRESS_HEIGHT = 600, 80


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of time: `kind` is job, way, wait, rest or shift; only a job has a mark."""

    kind: str
    x: float
    width: float
    title: str = ""
    label: str = ""
    detail: str = ""
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One technician: letter and tone are the same on the map."""

    crew: Crew
    y: int
    shift: Bar
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """The day from the first departure to the last return; `now` is where the present is, if it is in it."""

    height: int
    hours: tuple[tuple[float, str], ...]
    rows: tuple[Row, ...]
    now: float | None
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Scale:
    """Where a minute after midnight lies."""

    first_hour: int
    last_hour: int

    @classmethod
    def around(cls, crews: Sequence[Crew]) -> "Scale | None":
        """Full hours around everything that happens."""
        moments = [
            moment
            for route in (crew.route for crew in crews)
            for moment in (route.shift_starts, route.shift_ends, route.leaves, route.returns)
            if moment is not None
        ]
        return cls(min(moments) // 60, -(-max(moments) // 60)) if moments else None

    def at(self, minutes: int) -> float:
        span = (self.last_hour - self.first_hour) * 60
        return round(NAMES_WIDTH + (minutes - self.first_hour * 60) * (WIDTH - NAMES_WIDTH) / span, 1)

    def holds(self, minutes: int) -> bool:
        return self.first_hour * 60 <= minutes <= self.last_hour * 60

    def bar(self, kind: str, starts: int, ends: int, title: str = "") -> Bar:
        return Bar(kind, *self._stretch(starts, ends), title)

    def job(self, stop: PlanStop, mark: Mark) -> Bar:
        numbers = ", ".join(row.work_order.number for row in stop.orders)
        title = f"{clock(stop.starts)}–{clock(stop.ends)} {stop.site.name} ({numbers}) {mark.label}"
        place = self._stretch(stop.starts, stop.ends)
        return Bar("job", *place, title, stop.site.name, f"{clock(stop.starts)}–{clock(stop.ends)}", mark)

    def _stretch(self, starts: int, ends: int) -> tuple[float, float]:
        return self.at(starts), round(max(0, self.at(ends) - self.at(starts)), 1)


def timeline_of(crews: Sequence[Crew], *, now: int | None = None) -> Timeline | None:
    """The lines of time, each technician under the other. `now` is in minutes after midnight of the day."""
    scale = Scale.around(crews)
    if scale is None:
        return None
    rows = tuple(
        Row(
            crew,
            HEAD_HEIGHT + number * ROW_HEIGHT,
            scale.bar("shift", crew.route.shift_starts or 0, crew.route.shift_ends or 0),
            (*_ways(crew, scale), *_jobs(crew, scale), *_rest(crew, scale)),
        )
        for number, crew in enumerate(crews)
    )
    hours = range(scale.first_hour, scale.last_hour + 1)
    return Timeline(
        height=HEAD_HEIGHT + len(crews) * ROW_HEIGHT,
        hours=tuple((scale.at(hour * 60), f"{hour}:00") for hour in hours),
        rows=rows,
        now=scale.at(now) if now is not None and scale.holds(now) else None,
        marks=tuple(dict.fromkeys(bar.mark for row in rows for bar in row.bars if bar.mark)),
    )


def _ways(crew: Crew, scale: Scale) -> Iterator[Bar]:
    """Travel from end to arrival, and waiting from arrival to start."""
    free = crew.route.leaves
    for stop in crew.stops:
        if free is not None:
            text = _("%(minutes)s minutes, %(km)s km", minutes=stop.travel_minutes, km=km(stop.travel_metres))
            yield scale.bar("way", free, stop.arrives, text)
        if stop.starts > stop.arrives:
            yield scale.bar(
                "wait", stop.arrives, stop.starts, _("waits %(minutes)s minutes", minutes=stop.waits)
            )
        free = stop.ends
    if free is not None and crew.route.returns is not None and crew.stops:
        text = _("home: %(minutes)s minutes", minutes=crew.route.home_minutes)
        yield scale.bar("way", free, crew.route.returns, text)


def _jobs(crew: Crew, scale: Scale) -> Iterator[Bar]:
    for stop in crew.stops:
        yield scale.job(stop, crew.mark_of(stop))


def _rest(crew: Crew, scale: Scale) -> Iterator[Bar]:
    starts, ends = crew.route.break_starts, crew.route.break_ends
    if starts is not None and ends is not None:
        yield scale.bar("rest", starts, ends, f"{_('Break')} {clock(starts)}–{clock(ends)}")


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
