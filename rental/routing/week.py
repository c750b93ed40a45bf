"""A week to plan: visits that may be made on one of several days, and who is at work on each of them.

Times are seconds on each day's own clock, usually since its midnight. Days are counted from 0.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property

from rental.routing.limits import HIGHEST_VALUE, InvalidProblem, require_each_once, require_whole
from rental.routing.links import clusters, visits_in
from rental.routing.plan import Cure, Plan, Reason
from rental.routing.problem import Person, Problem, TravelMatrix, Visit, Window

MOST_DAYS = 31


@dataclass(frozen=True, slots=True)
class WeekVisit:
    """A visit, and the days on which it may be made (None: any of them).

    `windows_on` are other windows for some days. On a day of `day_yen` the visit costs that much more:
    because it waited, or because the customer likes other days better. Of one `series`, two visits are at
    least `days_apart` days apart: 1 is "not on the same day".
    """

    visit: Visit
    days: frozenset[int] | None = None
    windows_on: Mapping[int, tuple[Window, ...]] = field(default_factory=dict)
    day_yen: Mapping[int, int] = field(default_factory=dict)
    series: str | None = None
    days_apart: int = 1

    def __post_init__(self) -> None:
        who = f"Visit {self.visit.id!r}"
        if self.visit.group is not None:
            raise InvalidProblem(f"{who}: group is given; in a week, give the days on which it may be made.")
        if self.days is not None and not self.days:
            raise InvalidProblem(f"{who}: days is empty; give at least one day, or None for any.")
        named = (("days", self.days or ()), ("windows_on", self.windows_on), ("day_yen", self.day_yen))
        for name, days in named:
            for day in days:
                require_whole(who, f"{name}: day", day, 0, MOST_DAYS - 1)
        for day, yen in self.day_yen.items():
            require_whole(who, f"day_yen[{day}]", yen, 0, HIGHEST_VALUE)
        require_whole(who, "days_apart", self.days_apart, 1, MOST_DAYS)

    def on(self, day: int) -> Visit:
        """As it is on this day."""
        windows = self.windows_on.get(day)
        return self.visit if windows is None else replace(self.visit, windows=windows)

    def may_be_on(self, day: int) -> bool:
        return self.days is None or day in self.days


@dataclass(frozen=True, eq=False)
class Week:
    """All that one plan of several days is about. `people` are those at work, for each day.

    What is linked, by a crew or an order, is made on one and the same day. What is locked is made on the day
    of the person who has it.
    """

    days: tuple[str, ...]
    people: tuple[tuple[Person, ...], ...]
    visits: tuple[WeekVisit, ...]
    travel: TravelMatrix
    set_up_seconds: Mapping[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 1 <= len(self.days) <= MOST_DAYS:
            raise InvalidProblem(f"Week: days has {len(self.days)} entries; it must have 1 to {MOST_DAYS}.")
        require_each_once("Day", self.days)
        if len(self.people) != len(self.days):
            raise InvalidProblem(f"Week: people is given for {len(self.people)} of {len(self.days)} days.")
        if not any(self.people):
            raise InvalidProblem("Week: there is nobody to plan for on any day; give at least one person.")
        require_each_once("Visit", (each.visit.id for each in self.visits))
        for each in self.visits:
            for day in {*(each.days or ()), *each.windows_on, *each.day_yen}:
                if day >= len(self.days):
                    raise InvalidProblem(
                        f"Visit {each.visit.id!r}: day {day} is named; the last is {len(self.days) - 1}."
                    )
        self._require_series()
        self._require_locked_once()
        for day in range(len(self.days)):
            if self.people[day]:
                self.problem_of(day, [each.visit.id for each in self.visits if self.may_be_on(each, day)])

    def problem_of(self, day: int, visit_ids: Iterable[str]) -> Problem:
        """The day by itself, with these visits, in the order of the week."""
        wanted = set(visit_ids)
        visits = tuple(each.on(day) for each in self.visits if each.visit.id in wanted)
        return Problem(visits, self.people[day], self.travel, None, self.set_up_seconds)

    def visit(self, visit_id: str) -> WeekVisit:
        """KeyError when there is none."""
        return self._visits[visit_id]

    def has_visit(self, visit_id: str) -> bool:
        return visit_id in self._visits

    def may_be_on(self, visit: WeekVisit, day: int) -> bool:
        """Whether it is for this day, and all that it is linked with as well."""
        cluster = self.cluster_of(visit.visit.id)
        locked = {self.locked_on[each] for each in cluster if each in self.locked_on}
        return locked == {day} if locked else all(self.visit(each).may_be_on(day) for each in cluster)

    def days_of(self, visit: WeekVisit) -> list[int]:
        """The days on which it may be made and somebody is at work."""
        return [day for day in range(len(self.days)) if self.people[day] and self.may_be_on(visit, day)]

    def cluster_of(self, visit_id: str) -> tuple[str, ...]:
        """Itself and all that it is linked with, however far around."""
        return self._clusters.get(visit_id, (visit_id,))

    @cached_property
    def series(self) -> dict[str, tuple[WeekVisit, ...]]:
        series: dict[str, list[WeekVisit]] = {}
        for each in self.visits:
            if each.series is not None:
                series.setdefault(each.series, []).append(each)
        return {name: tuple(visits) for name, visits in series.items()}

    @cached_property
    def locked_on(self) -> dict[str, int]:
        """The day of each visit that is under way."""
        return {
            visit_id: day
            for day, people in enumerate(self.people)
            for person in people
            for visit_id in person.locked
        }

    @cached_property
    def _visits(self) -> dict[str, WeekVisit]:
        return {each.visit.id: each for each in self.visits}

    @cached_property
    def _clusters(self) -> dict[str, tuple[str, ...]]:
        """Of what is linked; raises InvalidProblem for what cannot be linked."""
        visits = tuple(each.visit for each in self.visits)
        whole = Problem(visits, (self._anybody(),), self.travel, None, self.set_up_seconds)
        known: dict[str, tuple[str, ...]] = {}
        for cluster in clusters(whole):
            ids = tuple(visit.id for visit in visits_in(cluster))
            known |= dict.fromkeys(ids, ids)
        return known

    def _anybody(self) -> Person:
        return replace(next(person for people in self.people for person in people), locked=())

    def _require_series(self) -> None:
        for name, visits in self.series.items():
            for each in visits:
                if each.days_apart != visits[0].days_apart:
                    raise InvalidProblem(
                        f"Visit {each.visit.id!r}: days_apart is {each.days_apart}, but "
                        f"{visits[0].visit.id!r} of the same series {name!r} has {visits[0].days_apart}."
                    )

    def _require_locked_once(self) -> None:
        counts = Counter(each for people in self.people for person in people for each in person.locked)
        for visit_id, count in counts.items():
            if count > 1:
                raise InvalidProblem(
                    f"Visit {visit_id!r}: is locked {count} times in the week; once is enough."
                )


class WeekReason(StrEnum):
    """Why a visit is on no day, where no single day can say it."""

    NOBODY_AT_WORK = "nobody_at_work"  # on none of its days
    TOO_CLOSE = "too_close"  # to others of its series, on every day that is left


@dataclass(frozen=True, slots=True)
class WeekLeftOut:
    """A visit on no day: why, and where that is one day's affair, that day and the cheapest cure there."""

    visit: str
    reason: Reason | WeekReason
    day: int | None = None
    cheapest_cure: Cure | None = None


@dataclass(frozen=True, slots=True)
class WeekPlan:
    """A plan for each day, of which none leaves anything out, and what is on no day.

    `cost` are all routes, what their days cost more, and the value of what is left out, in yen.
    """

    days: tuple[Plan, ...]
    left_out: tuple[WeekLeftOut, ...]
    cost: int

    @property
    def day_of(self) -> dict[str, int]:
        """On which day each visit is made."""
        return {
            visit_id: day
            for day, plan in enumerate(self.days)
            for route in plan.routes
            for visit_id in route.visits
        }
