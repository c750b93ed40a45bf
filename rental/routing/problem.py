"""What has to be planned: visits, people and the travel between places, in whole seconds, metres and yen.

Times are seconds on one clock that the caller chooses, usually since midnight of the planned day. Everything
is checked when it is built, so that no engine ever meets a number that makes no sense.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from rental.routing.limits import (
    HIGHEST_RATE,
    HIGHEST_VALUE,
    require_each_once,
    require_name,
    require_parts,
    require_skills,
    require_whole,
)
from rental.routing.limits import LATEST as LATEST
from rental.routing.limits import MOST_GOODS as MOST_GOODS
from rental.routing.limits import InvalidProblem as InvalidProblem
from rental.routing.links import require_links
from rental.routing.matrix import TravelMatrix as TravelMatrix

RATES_OF_A_PERSON = (
    "overtime_yen_per_hour",
    "driving_yen_per_hour",
    "work_yen_per_hour",
    "yen_per_km",
    "duty_yen_per_hour",
    "unfair_yen_per_hour",
)


@dataclass(frozen=True, slots=True)
class Window:
    """From `opens` to `closes`, both included: when a service, or a break, may START."""

    opens: int
    closes: int


@dataclass(frozen=True, slots=True)
class LateStep:
    """From so many seconds after the due time on, an hour of lateness costs this instead."""

    after: int
    yen_per_hour: int


@dataclass(frozen=True, slots=True)
class Kept:
    """What somebody already counts on, and what breaking it costs: the person who comes, and the time.

    Another person costs `other_person_yen` once; every hour by which the service starts earlier or later
    costs `moved_yen_per_hour`.
    """

    person: str | None = None
    start: int | None = None
    other_person_yen: int = 0
    moved_yen_per_hour: int = 0


@dataclass(frozen=True, slots=True)
class Visit:
    """One call at one place.

    Without windows the service may start at any time. It may end after its window closes. `skills` are the
    levels needed. `allowed` are the only people who may come (None: everybody), `forbidden` those who may
    not, `pinned_to` the one who must; they may be people who are not at work that day. `value` is lost when
    the visit is left out; None says that it must be made. A service that starts after `due` costs
    `late_yen_per_hour`, beyond each of `late_steps` what that says. `volume` and `parts` are taken from what
    the person has on board. Of the visits of one `group` at most one is made; they have the same value.

    The visits of one `crew` start at the same moment, each made by somebody else: all of them are made, or
    none. Those named in `after` must be over before this one starts, and it is made only when they are.
    """

    id: str
    place: int
    service_seconds: int = 0
    windows: tuple[Window, ...] = ()
    skills: Mapping[str, int] = field(default_factory=dict)
    allowed: frozenset[str] | None = None
    forbidden: frozenset[str] = frozenset()
    pinned_to: str | None = None
    value: int | None = None
    due: int | None = None
    late_yen_per_hour: int = 0
    late_steps: tuple[LateStep, ...] = ()
    volume: int = 0
    parts: Mapping[str, int] = field(default_factory=dict)
    group: str | None = None
    kept: Kept | None = None
    crew: str | None = None
    after: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        who = f"Visit {self.id!r}"
        require_name(who, self.id)
        require_whole(who, "place", self.place, 0, None)
        require_whole(who, "service_seconds", self.service_seconds, 0, LATEST)
        require_windows(who, self.windows)
        require_skills(who, self.skills)
        if self.value is not None:
            require_whole(who, "value", self.value, 0, HIGHEST_VALUE)
        if self.due is not None:
            require_whole(who, "due", self.due, 0, LATEST)
        require_whole(who, "late_yen_per_hour", self.late_yen_per_hour, 0, HIGHEST_RATE)
        self._require_late_steps(who)
        require_whole(who, "volume", self.volume, 0, MOST_GOODS)
        require_parts(who, self.parts, least=1)
        if self.group is not None and not self.group:
            raise InvalidProblem(f"{who}: group must be a text that is not empty, or None.")
        if self.crew is not None and not self.crew:
            raise InvalidProblem(f"{who}: crew must be a text that is not empty, or None.")
        if self.kept is not None:
            if self.kept.start is not None:
                require_whole(who, "kept.start", self.kept.start, 0, LATEST)
            require_whole(who, "kept.other_person_yen", self.kept.other_person_yen, 0, HIGHEST_VALUE)
            require_whole(who, "kept.moved_yen_per_hour", self.kept.moved_yen_per_hour, 0, HIGHEST_RATE)

    def _require_late_steps(self, who: str) -> None:
        if self.late_steps and self.due is None:
            raise InvalidProblem(f"{who}: late_steps are given, but due is not.")
        after = 0
        for number, step in enumerate(self.late_steps):
            require_whole(who, f"late_steps[{number}].after", step.after, after + 1, LATEST)
            require_whole(who, f"late_steps[{number}].yen_per_hour", step.yen_per_hour, 0, HIGHEST_RATE)
            after = step.after


@dataclass(frozen=True, slots=True)
class Break:
    """Time off of so many seconds that starts inside its window.

    It is taken before leaving, on the road, at a place before the service starts, or after coming back; never
    during a service. A private appointment is a break too.
    """

    window: Window
    seconds: int


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody's day: where it starts and ends, what they can do, and what their time costs.

    Nobody leaves before `shift_starts`. Coming back after `shift_ends` is overtime, of at most
    `max_overtime_seconds`. `day_yen` is paid when the person makes at least one visit. Breaks are in order of
    time. Duty is the time from leaving to being back, without the breaks in between: at most
    `max_duty_seconds`, at `duty_yen_per_hour`. Driving and service beyond `fair_seconds` cost
    `unfair_yen_per_hour`, so that work is shared. `volume` (None: no limit) and `parts` are on board in the
    morning. The day begins with the `locked` visits, in this order: they are under way already.

    Of those who `stand_for` one and the same human only one makes visits: the human may begin at home, or
    load at the depot first.
    """

    id: str
    start_place: int
    end_place: int
    shift_starts: int
    shift_ends: int
    max_overtime_seconds: int = 0
    overtime_yen_per_hour: int = 0
    breaks: tuple[Break, ...] = ()
    skills: Mapping[str, int] = field(default_factory=dict)
    driving_yen_per_hour: int = 0
    work_yen_per_hour: int = 0
    yen_per_km: int = 0
    day_yen: int = 0
    max_duty_seconds: int | None = None
    duty_yen_per_hour: int = 0
    fair_seconds: int = 0
    unfair_yen_per_hour: int = 0
    volume: int | None = None
    parts: Mapping[str, int] = field(default_factory=dict)
    locked: tuple[str, ...] = ()
    stand_for: str | None = None

    def __post_init__(self) -> None:
        who = f"Person {self.id!r}"
        require_name(who, self.id)
        for name in ("start_place", "end_place"):
            require_whole(who, name, getattr(self, name), 0, None)
        for name in ("shift_starts", "shift_ends", "max_overtime_seconds", "fair_seconds"):
            require_whole(who, name, getattr(self, name), 0, LATEST)
        for name in RATES_OF_A_PERSON:
            require_whole(who, name, getattr(self, name), 0, HIGHEST_RATE)
        for name, most in (("max_duty_seconds", LATEST), ("volume", MOST_GOODS)):
            if getattr(self, name) is not None:
                require_whole(who, name, getattr(self, name), 0, most)
        require_parts(who, self.parts, least=0)
        require_each_once(f"{who}: locked visit", self.locked)
        require_whole(who, "day_yen", self.day_yen, 0, HIGHEST_VALUE)
        if self.shift_ends < self.shift_starts:
            raise InvalidProblem(
                f"{who}: shift_ends ({self.shift_ends}) is before shift_starts ({self.shift_starts})."
            )
        require_skills(who, self.skills)
        self._require_breaks(who)

    @property
    def latest_end(self) -> int:
        """The last second at which this person may come back."""
        return self.shift_ends + self.max_overtime_seconds

    def _require_breaks(self, who: str) -> None:
        require_windows(who, tuple(rest.window for rest in self.breaks), field_name="breaks")
        free_from = self.shift_starts
        for number, rest in enumerate(self.breaks):
            where = f"breaks[{number}]"
            require_whole(who, f"{where}.seconds", rest.seconds, 1, LATEST)
            if rest.window.opens < free_from:
                raise InvalidProblem(
                    f"{who}: {where} opens ({rest.window.opens}) before the shift starts or the break "
                    f"before it is surely over ({free_from})."
                )
            free_from = rest.window.closes + rest.seconds
            if free_from > self.latest_end:
                raise InvalidProblem(
                    f"{who}: {where} may end ({free_from}) after the last overtime ({self.latest_end})."
                )


@dataclass(frozen=True, eq=False)
class Problem:
    """All that one plan is about. With `skills` given, a skill that is not among them is a mistake.

    `set_up_seconds` are spent on arriving at a place from another one, and paid like driving: parking,
    finding the door. Several visits there, one after the other, need it once.
    """

    visits: tuple[Visit, ...]
    people: tuple[Person, ...]
    travel: TravelMatrix
    skills: frozenset[str] | None = None
    set_up_seconds: Mapping[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "visits", tuple(self.visits))
        object.__setattr__(self, "people", tuple(self.people))
        if not self.people:
            raise InvalidProblem("People: there is nobody to plan for; give at least one person.")
        for kind, things in (("Visit", self.visits), ("Person", self.people)):
            require_each_once(kind, (thing.id for thing in things))
        for visit in self.visits:
            self._require_place(f"Visit {visit.id!r}", "place", visit.place)
            self._require_known(f"Visit {visit.id!r}", visit.skills)
        for person in self.people:
            self._require_place(f"Person {person.id!r}", "start_place", person.start_place)
            self._require_place(f"Person {person.id!r}", "end_place", person.end_place)
            self._require_known(f"Person {person.id!r}", person.skills)
        for place, seconds in self.set_up_seconds.items():
            self._require_place("Problem", "set_up_seconds", place)
            require_whole("Problem", f"set_up_seconds[{place}]", seconds, 0, LATEST)
        self._require_locked()
        self._require_groups()
        require_links(self)

    def visit(self, visit_id: str) -> Visit:
        """The visit of that id; KeyError when there is none."""
        return self._visits[visit_id]

    def person(self, person_id: str) -> Person:
        """The person of that id; KeyError when there is none."""
        return self._people[person_id]

    def has_visit(self, visit_id: str) -> bool:
        return visit_id in self._visits

    def has_person(self, person_id: str) -> bool:
        return person_id in self._people

    @cached_property
    def _visits(self) -> dict[str, Visit]:
        return {visit.id: visit for visit in self.visits}

    @cached_property
    def _people(self) -> dict[str, Person]:
        return {person.id: person for person in self.people}

    @cached_property
    def groups(self) -> dict[str, tuple[Visit, ...]]:
        """The alternatives of each group, in the order of the problem."""
        groups: dict[str, list[Visit]] = {}
        for visit in self.visits:
            if visit.group is not None:
                groups.setdefault(visit.group, []).append(visit)
        return {name: tuple(visits) for name, visits in groups.items()}

    def alternatives(self, visit: Visit) -> tuple[Visit, ...]:
        """All of its group, itself among them."""
        return (visit,) if visit.group is None else self.groups[visit.group]

    @cached_property
    def crews(self) -> dict[str, tuple[Visit, ...]]:
        """The visits of each crew, in the order of the problem."""
        crews: dict[str, list[Visit]] = {}
        for visit in self.visits:
            if visit.crew is not None:
                crews.setdefault(visit.crew, []).append(visit)
        return {name: tuple(visits) for name, visits in crews.items()}

    @cached_property
    def linked(self) -> frozenset[str]:
        """The visits that are of a crew, come after others, or have others come after them."""
        ordered = {each for visit in self.visits if visit.after for each in (visit.id, *visit.after)}
        return frozenset(ordered | {visit.id for visits in self.crews.values() for visit in visits})

    @cached_property
    def locked_to(self) -> dict[str, str]:
        """The person of each locked visit."""
        return {visit_id: person.id for person in self.people for visit_id in person.locked}

    @cached_property
    def ways(self) -> TravelMatrix:
        """Travel with the set-up at the place one comes to."""
        if not self.set_up_seconds:
            return self.travel
        set_up = np.zeros(self.travel.places, dtype=np.int64)
        for place, spent in self.set_up_seconds.items():
            set_up[place] = spent
        waits = np.broadcast_to(set_up, self.travel.seconds.shape) * ~np.eye(len(set_up), dtype=np.bool_)
        seconds = np.where(self.travel.unreachable, 0, self.travel.seconds + waits)
        return TravelMatrix.of(seconds, self.travel.metres, self.travel.unreachable)

    def _require_locked(self) -> None:
        seen: dict[str, str] = {}
        for person in self.people:
            for number, visit_id in enumerate(person.locked):
                where = f"Person {person.id!r}: locked[{number}]"
                if visit_id not in self._visits:
                    raise InvalidProblem(f"{where} is {visit_id!r}, which is no visit of the problem.")
                if visit_id in seen:
                    raise InvalidProblem(f"{where} is {visit_id!r}, which {seen[visit_id]!r} has locked too.")
                seen[visit_id] = person.id

    def _require_groups(self) -> None:
        for name, visits in self.groups.items():
            for visit in visits[1:]:
                if visit.value != visits[0].value:
                    raise InvalidProblem(
                        f"Visit {visit.id!r}: value is {visit.value}, but {visits[0].id!r} of the same group "
                        f"{name!r} has {visits[0].value}."
                    )

    def _require_place(self, who: str, name: str, place: int) -> None:
        if place >= self.travel.places:
            raise InvalidProblem(
                f"{who}: {name} is {place}, but travel knows only the places 0 to {self.travel.places - 1}."
            )

    def _require_known(self, who: str, skills: Mapping[str, int]) -> None:
        unknown = sorted(set(skills) - self.skills) if self.skills is not None else []
        if unknown:
            raise InvalidProblem(
                f"{who}: skills has {unknown[0]!r}, which is not among the skills of the problem."
            )


def require_windows(who: str, windows: tuple[Window, ...], field_name: str = "windows") -> None:
    """Each opens before it closes, and they follow each other in time."""
    closed = -1
    for number, window in enumerate(windows):
        where = f"{field_name}[{number}]"
        require_whole(who, f"{where}.opens", window.opens, 0, LATEST)
        require_whole(who, f"{where}.closes", window.closes, 0, LATEST)
        if window.closes < window.opens:
            raise InvalidProblem(f"{who}: {where} closes ({window.closes}) before it opens ({window.opens}).")
        if window.opens <= closed:
            raise InvalidProblem(
                f"{who}: {where} opens ({window.opens}) before the one before it is closed ({closed})."
            )
        closed = window.closes
