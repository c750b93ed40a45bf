"""Which day suits which visit: a model of the whole week for CP-SAT, in which ways are only estimated.

Places near each other are a district. Whoever goes to a district on a day pays half the way there and back
once, and a short way for each visit in it; so visits of one district come together. The days are planned
exactly afterwards, by whoever plans days.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

import numpy as np
from ortools.sat.python import cp_model

from rental.routing.matching import has_on_board, may_make
from rental.routing.problem import Person
from rental.routing.week import Week, WeekVisit

NEAR = 3  # so many neighbours make the short way of a visit
WIDE = 4  # a district reaches as far as so many short ways
PEOPLE_FOR_A_VISIT = 4  # on one day, in this model: with everybody it finds little in its time
LONGEST_WITHOUT_LIMIT = 5.0  # of CP-SAT's own seconds, which count its work and are the same on every machine


@dataclass(frozen=True, slots=True)
class Worker:
    """One person on one day."""

    day: int
    person: Person

    @property
    def seconds(self) -> int:
        """What there is for ways and work, without overtime."""
        free = self.person.shift_ends - self.person.shift_starts - sum(r.seconds for r in self.person.breaks)
        most = self.person.max_duty_seconds
        return max(0, free if most is None else min(free, most))

    @property
    def overtime(self) -> int:
        return 0 if self.person.max_duty_seconds is not None else self.person.max_overtime_seconds


def spread(
    week: Week,
    seed: int,
    seconds: float | None,
    is_over: Callable[[], bool],
    simple: Mapping[str, int],
) -> dict[str, int]:
    """A day for each visit that has one; the others are not in it.

    The `simple` choice is taken where everything has a day in it, and somebody with time: measured, the days
    planned from it are as good, and it needs no time. Without `seconds` the search stops after so much work,
    and gives the same days on every machine.
    """
    model = Spreading(week)
    if model.begin_with(simple):
        return dict(simple)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.interleave_search = True  # or one worker has no neighbourhoods to search in
    solver.parameters.random_seed = seed
    if seconds is None:
        solver.parameters.max_deterministic_time = LONGEST_WITHOUT_LIMIT
    else:
        solver.parameters.max_time_in_seconds = seconds
    found = solver.solve(model.model, Ender(is_over))
    return model.days(solver) if found in (cp_model.OPTIMAL, cp_model.FEASIBLE) else dict(simple)


class Ender(cp_model.CpSolverSolutionCallback):
    """Asks at every better answer whether to stop."""

    def __init__(self, is_over: Callable[[], bool]) -> None:
        super().__init__()
        self.is_over = is_over

    def on_solution_callback(self) -> None:
        if self.is_over():
            self.stop_search()


class Spreading:
    """The model: who makes which visit on which day, and who goes to which district."""

    def __init__(self, week: Week) -> None:
        self.week, self.model = week, cp_model.CpModel()
        self.travel = week.travel.seconds.astype(np.int64)
        self.short_way = short_ways(week, self.travel)
        self.district = districts(week, self.travel, self.short_way)
        self.workers = [Worker(day, person) for day, people in enumerate(week.people) for person in people]
        self.on: dict[tuple[str, int], Any] = {}  # visit and day
        self.by: dict[tuple[str, int], Any] = {}  # visit and number of the worker
        self.goes: dict[tuple[int, int], Any] = {}  # district and number of the worker
        self.works: dict[int, Any] = {}
        self.overtime: dict[int, Any] = {}
        self.left_out: dict[str, Any] = {}
        self.costs: list[Any] = []
        for each in week.visits:
            self.add_visit(each)
        for number, worker in enumerate(self.workers):
            self.add_worker(number, worker)
        self.add_links()
        self.add_series()
        self.model.minimize(sum(self.costs))

    def add_visit(self, each: WeekVisit) -> None:
        visit = each.visit
        come: dict[int, list[Any]] = {day: [] for day in self.week.days_of(each)}
        for number in self.nearest(each):
            worker = self.workers[number]
            if worker.day in come and len(come[worker.day]) < PEOPLE_FOR_A_VISIT:
                self.by[visit.id, number] = self.model.new_bool_var(f"{visit.id} by {number}")
                come[worker.day].append(self.by[visit.id, number])
        for day, here in come.items():
            self.on[visit.id, day] = self.model.new_bool_var(f"{visit.id} on {day}")
            self.model.add(sum(here) == self.on[visit.id, day])
            self.costs.append(self.on[visit.id, day] * each.day_yen.get(day, 0))
        left_out = self.left_out[visit.id] = self.model.new_bool_var(f"{visit.id} left out")
        self.model.add_exactly_one([left_out, *(self.on[visit.id, day] for day in come)])
        self.costs.append(left_out * (self.worth_all() if visit.value is None else visit.value))

    def nearest(self, each: WeekVisit) -> list[int]:
        """Who may make it, those who live near first."""
        place = each.visit.place
        able = [number for number, worker in enumerate(self.workers) if may_come(self.week, each, worker)]
        return sorted(
            able, key=lambda number: (self.travel[self.workers[number].person.start_place, place], number)
        )

    def worth_all(self) -> int:
        """More than anything else could cost together."""
        return 10_000_000 + sum(each.visit.value or 0 for each in self.week.visits)

    def add_worker(self, number: int, worker: Worker) -> None:
        person = worker.person
        mine = {visit_id: by for (visit_id, who), by in self.by.items() if who == number}
        if not mine:
            return
        works = self.works[number] = self.model.new_bool_var(f"{number} works")
        hourly = max(person.driving_yen_per_hour, person.work_yen_per_hour) + person.duty_yen_per_hour
        spent: list[Any] = []
        for place in sorted({self.district[visit_id] for visit_id in mine}):
            goes = self.goes[place, number] = self.model.new_bool_var(f"{number} to {place}")
            self.model.add_implication(goes, works)
            for visit_id, by in mine.items():
                if self.district[visit_id] == place:
                    self.model.add_implication(by, goes)
            way = (person.start_place, place), (place, person.end_place)
            seconds = int(sum(self.travel[each] for each in way) // 2)
            metres = int(sum(self.week.travel.metres[each] for each in way) // 2)
            spent.append(goes * seconds)
            self.costs.append(goes * (seconds * hourly // 3600 + metres * person.yen_per_km // 1000))
        for visit_id, by in mine.items():
            seconds = self.seconds_for(visit_id)
            spent.append(by * seconds)
            self.costs.append(by * (seconds * hourly // 3600))
        over = self.overtime[number] = self.model.new_int_var(
            0, worker.overtime // 60, f"minutes over of {number}"
        )
        self.model.add(sum(spent) <= worker.seconds + 60 * over)
        self.costs.append(over * (person.overtime_yen_per_hour // 60))
        self.costs.append(works * person.day_yen)
        self.add_goods(person, mine)

    def seconds_for(self, visit_id: str) -> int:
        """For the visit and the short way to it."""
        return self.week.visit(visit_id).visit.service_seconds + self.short_way[visit_id]

    def add_goods(self, person: Person, mine: Mapping[str, Any]) -> None:
        visits = {visit_id: self.week.visit(visit_id).visit for visit_id in mine}
        if person.volume is not None:
            self.model.add(sum(by * visits[each].volume for each, by in mine.items()) <= person.volume)
        for part in sorted({part for visit in visits.values() for part in visit.parts}):
            taken = sum(by * visits[each].parts.get(part, 0) for each, by in mine.items())
            self.model.add(taken <= person.parts.get(part, 0))

    def add_links(self) -> None:
        """All of a cluster on one day, each of a crew by somebody else."""
        seen: set[tuple[str, ...]] = set()
        for each in self.week.visits:
            cluster = self.week.cluster_of(each.visit.id)
            if cluster in seen:
                continue
            seen.add(cluster)
            for first, other in pairwise(cluster):
                for day in range(len(self.week.days)):
                    self.model.add(self.on.get((first, day), 0) == self.on.get((other, day), 0))
            for one, two in combinations(cluster, 2):
                if self.week.visit(one).visit.crew in (None, self.week.visit(two).visit.crew):
                    self.forbid_both(one, two)

    def forbid_both(self, one: str, two: str) -> None:
        if self.week.visit(one).visit.crew is None:
            return
        for number in range(len(self.workers)):
            if (one, number) in self.by and (two, number) in self.by:
                self.model.add_at_most_one(self.by[one, number], self.by[two, number])

    def add_series(self) -> None:
        """Of a series at most one in any stretch of so many days."""
        for visits in self.week.series.values():
            for since in range(len(self.week.days)):
                stretch = range(since, since + visits[0].days_apart)
                here = [
                    on
                    for each in visits
                    for day in stretch
                    if (on := self.on.get((each.visit.id, day))) is not None
                ]
                if len(here) > 1:
                    self.model.add_at_most_one(here)

    def begin_with(self, days: Mapping[str, int]) -> bool:
        """Each by whoever is nearest and has time; true when that makes every visit.

        Every variable gets a value, or CP-SAT needs long to find a first answer.
        """
        busy = dict.fromkeys(range(len(self.workers)), 0)
        by_whom: dict[str, int] = {}
        for visit_id, day in days.items():
            cluster = self.week.cluster_of(visit_id)
            able = [
                number
                for number, worker in enumerate(self.workers)
                if (visit_id, number) in self.by
                and worker.day == day
                and busy[number] + self.needed(visit_id, number, by_whom) <= worker.seconds
                and not any(by_whom.get(other) == number for other in cluster)
            ]
            if able:
                number = min(able, key=lambda one: (self.needed(visit_id, one, by_whom), busy[one], one))
                busy[number] += self.needed(visit_id, number, by_whom)
                by_whom[visit_id] = number
        for visit_id in list(by_whom):
            if any(other not in by_whom for other in self.week.cluster_of(visit_id)):
                del by_whom[visit_id]
        self.hint_everything(by_whom)
        return len(by_whom) == len(self.week.visits)

    def needed(self, visit_id: str, number: int, by_whom: Mapping[str, int]) -> int:
        """Seconds more for this worker: the way to the district counts where they are not there yet."""
        place, person = self.district[visit_id], self.workers[number].person
        is_there = any(who == number and self.district[other] == place for other, who in by_whom.items())
        way = (person.start_place, place), (place, person.end_place)
        return self.seconds_for(visit_id) + (
            0 if is_there else int(sum(self.travel[each] for each in way) // 2)
        )

    def hint_everything(self, by_whom: Mapping[str, int]) -> None:
        places = {(self.district[visit_id], number) for visit_id, number in by_whom.items()}
        for (visit_id, day), on in self.on.items():
            number = by_whom.get(visit_id)
            self.model.add_hint(on, number is not None and self.workers[number].day == day)
        for (visit_id, number), by in self.by.items():
            self.model.add_hint(by, by_whom.get(visit_id) == number)
        for visit_id, left_out in self.left_out.items():
            self.model.add_hint(left_out, visit_id not in by_whom)
        for at, goes in self.goes.items():
            self.model.add_hint(goes, at in places)
        for number, works in self.works.items():
            self.model.add_hint(works, number in by_whom.values())
            self.model.add_hint(self.overtime[number], 0)

    def days(self, solver: cp_model.CpSolver) -> dict[str, int]:
        return {visit_id: day for (visit_id, day), on in self.on.items() if solver.boolean_value(on)}


def may_come(week: Week, each: WeekVisit, worker: Worker) -> bool:
    """By skills, wishes and what is on board; also whether what is locked is theirs."""
    visit, person = each.on(worker.day), worker.person
    if week.locked_on.get(visit.id) == worker.day:
        return visit.id in person.locked
    return may_make(visit, person) and has_on_board(person, [visit])


def short_ways(week: Week, travel: Any) -> dict[str, int]:
    """Seconds from the nearest other visits, as a mean."""
    places = np.array([each.visit.place for each in week.visits])
    ways: dict[str, int] = {}
    for number, each in enumerate(week.visits):
        others = np.delete(places, number)
        near = np.sort(travel[others, each.visit.place])[:NEAR]
        ways[each.visit.id] = int(near.mean()) if len(near) else 0
    return ways


def districts(week: Week, travel: Any, short_way: Mapping[str, int]) -> dict[str, int]:
    """The place in the middle of each visit's district: the one with most around it takes them, and so on."""
    reach = WIDE * int(np.median(list(short_way.values()))) if short_way else 0
    places = sorted({each.visit.place for each in week.visits})
    centre: dict[int, int] = {}
    for middle in sorted(places, key=lambda place: (-around(travel, place, places, reach), place)):
        if middle not in centre:
            for place in places:
                if place not in centre and travel[middle, place] <= reach:
                    centre[place] = middle
            centre[middle] = middle
    return {each.visit.id: centre[each.visit.place] for each in week.visits}


def around(travel: Any, place: int, places: Iterable[int], reach: int) -> int:
    return int((travel[place, list(places)] <= reach).sum())
