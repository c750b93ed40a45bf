"""A plan being put together: who makes which visits in which order, and what one visit more would cost."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rental.routing.matching import has_on_board, may_make
from rental.routing.plan import LeftOut, Plan, Reason, Route
from rental.routing.price import METRES_IN_A_KM, SECONDS_IN_AN_HOUR, lost_value, price_of_route
from rental.routing.problem import InvalidProblem, Person, Problem, Visit
from rental.routing.timing import timed

ROUNDING = 4  # yen: by so much may rounded parts lie below the exact sum


@dataclass(frozen=True, slots=True)
class Option:
    """A visit as number `position` of a person's route, and the `yen` it would add to the routes.

    Its service would begin at `start`, the person be back at `end`.
    """

    person: str
    position: int
    start: int
    end: int
    yen: int


class Draft:
    """Routes that can be made in time, and the visits in none of them."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._visits: dict[str, tuple[Visit, ...]] = {person.id: () for person in problem.people}
        self._routes: dict[str, Route] = {}
        self._costs: dict[str, int] = dict.fromkeys(self._visits, 0)
        self._left: dict[str, Visit] = {visit.id: visit for visit in problem.visits}
        self._made_of_group: dict[str, str] = {}
        for person in problem.people:
            self._begin(person)

    @classmethod
    def of(
        cls, problem: Problem, sequences: Mapping[str, Sequence[str]], *, without: Collection[str] = ()
    ) -> "Draft":
        """What of these sequences can be kept: visits and people that are there, matches, times that work."""
        draft = cls(problem)
        for person_id, visit_ids in sequences.items():
            if problem.has_person(person_id):
                known = [
                    problem.visit(each)
                    for each in visit_ids
                    if problem.has_visit(each) and each not in without
                ]
                draft._keep(problem.person(person_id), known)
        return draft

    def copy(self) -> "Draft":
        """Another draft that starts from the same routes."""
        other = Draft.__new__(Draft)
        other.problem = self.problem
        other._visits, other._routes = dict(self._visits), dict(self._routes)
        other._costs, other._left = dict(self._costs), dict(self._left)
        other._made_of_group = dict(self._made_of_group)
        return other

    @property
    def left_out(self) -> list[Visit]:
        """In the order of the problem; of a group of which none is made, the first."""
        missing = (visit for visit in self.problem.visits if visit.id in self._left)
        return [visit for visit in missing if visit.group is None or self._stands_for_its_group(visit)]

    @property
    def open_visits(self) -> list[Visit]:
        """All that could be put in: what is left out, with every alternative."""
        return [other for visit in self.left_out for other in self.problem.alternatives(visit)]

    @property
    def sequences(self) -> dict[str, tuple[str, ...]]:
        """Which visits each person makes, in order."""
        return {who: tuple(visit.id for visit in visits) for who, visits in self._visits.items() if visits}

    def visits_of(self, person: Person) -> tuple[Visit, ...]:
        return self._visits[person.id]

    def is_open(self, visit: Visit) -> bool:
        return visit.id in self._left and not self._is_closed(visit)

    def options(self, visit: Visit) -> list[Option]:
        """Every place where the visit fits, the cheapest first."""
        tried = (self.option(visit, person, position) for person, position in self._places(visit))
        found = [option for option in tried if option is not None]
        return sorted(found, key=lambda option: (option.yen, option.start, option.person, option.position))

    def cheapest(self, visit: Visit, more_overtime: int = 0) -> Option | None:
        """Most often the first of `options`, found with far fewer trials: near places first.

        Where a detour is shorter than the straight way, it may miss a cheaper one; never all of them. As if
        everybody might work so many seconds longer than they may, at the price of overtime.
        """
        places = sorted(
            ((self._least(visit, person, position), person.id, position), person)
            for person, position in self._places(visit)
        )
        best: Option | None = None
        for (least, _, position), person in places:
            if best is not None and least - ROUNDING >= best.yen:
                break
            option = self.option(visit, person, position, more_overtime)
            if option is not None and (best is None or option.yen < best.yen):
                best = option
        return best

    def option(self, visit: Visit, person: Person, position: int, more_overtime: int = 0) -> Option | None:
        """At this place; None when it does not fit."""
        visits = with_one_more(self._visits[person.id], visit, position)
        if not has_on_board(person, visits):
            return None
        route = timed(self.problem.ways, with_overtime(person, more_overtime), visits)
        if route is None:
            return None
        yen = price_of_route(self.problem.ways, person, visits, route).total - self._costs[person.id]
        return Option(person.id, position, route.stops[position].start, route.end, yen)

    def put(self, visit: Visit, option: Option) -> None:
        """Take an option that was found on this draft as it is now."""
        person = self.problem.person(option.person)
        if not self._set(person, with_one_more(self._visits[person.id], visit, option.position)):
            raise ValueError(f"Visit {visit.id!r} does not fit there any more.")

    def take_out(self, visit_ids: Collection[str]) -> None:
        """Off their routes. Where the rest then works no more, which only odd travel times can do, all go."""
        for person in self.problem.people:
            visits = self._visits[person.id]
            kept = [visit for visit in visits if visit.id not in visit_ids or visit.id in person.locked]
            if len(kept) < len(visits) and not self._set(person, kept):
                self._set(person, visits[: len(person.locked)])

    def fill(self) -> None:
        """Put in what fits at a profit, and all that must be made, until nothing more does."""
        open_visits = sorted(
            self.open_visits, key=lambda visit: (visit.value is not None, -(visit.value or 0))
        )
        progress = True
        while progress:
            progress = False
            for visit in open_visits:
                options = self.options(visit) if self.is_open(visit) else []
                if options and is_worth(visit, options[0]):
                    self.put(visit, options[0])
                    progress = True

    def plan(self, left_out: Iterable[LeftOut] | None = None) -> Plan:
        """With the reasons given; without, as if there had been no time."""
        if left_out is None:
            left_out = (LeftOut(visit.id, Reason.NO_TIME) for visit in self.left_out)
        reasons = tuple(left_out)
        people = self.problem.people
        routes = tuple(self._routes[person.id] for person in people if person.id in self._routes)
        return Plan(routes, reasons, self.cost)

    @property
    def cost(self) -> int:
        lost = lost_value(self.problem, (LeftOut(visit.id, Reason.NO_TIME) for visit in self.left_out))
        return sum(self._costs.values()) + lost

    @property
    def standing(self) -> tuple[int, int]:
        """Less is better: visits that must be made and are not, then yen."""
        return sum(visit.value is None for visit in self.left_out), self.cost

    def _begin(self, person: Person) -> None:
        """With what is under way already; nothing can be planned where that cannot be."""
        locked = [self.problem.visit(each) for each in person.locked]
        for visit in locked:
            if not may_make(visit, person):
                raise InvalidProblem(
                    f"Person {person.id!r}: locked has {visit.id!r}, which they may not make."
                )
            if self._is_closed(visit) or not self._set(person, (*self._visits[person.id], visit)):
                raise InvalidProblem(
                    f"Person {person.id!r}: locked has {visit.id!r}, which does not fit there."
                )

    def _stands_for_its_group(self, visit: Visit) -> bool:
        return visit.group not in self._made_of_group and self.problem.alternatives(visit)[0] is visit

    def _is_closed(self, visit: Visit) -> bool:
        """Whether another of its group is made already."""
        made = None if visit.group is None else self._made_of_group.get(visit.group)
        return made is not None and made != visit.id

    def _keep(self, person: Person, visits: Sequence[Visit]) -> None:
        """As many of the visits as can be made, in this order; all of them at once when that works."""
        usable = [visit for visit in dict.fromkeys(v.id for v in visits) if visit in self._left]
        locked = self._visits[person.id]
        wanted = [
            visit
            for visit in (self._left[each] for each in usable)
            if may_make(visit, person) and visit.id not in self.problem.locked_to
        ]
        if len({visit.group or visit.id for visit in wanted}) == len(wanted):
            open_only = [visit for visit in wanted if not self._is_closed(visit)]
            if self._set(person, (*locked, *open_only)):
                return
        for visit in wanted:
            if not self._is_closed(visit):
                self._set(person, (*self._visits[person.id], visit))

    def _set(self, person: Person, visits: Sequence[Visit]) -> bool:
        """Whether these visits can be made in this order; if so, they now are. Nobody has to go anywhere."""
        route = timed(self.problem.ways, person, visits) if visits else None
        if visits and (route is None or not has_on_board(person, visits)):
            return False
        for gone in self._visits[person.id]:
            self._left[gone.id] = gone
            if gone.group is not None:
                del self._made_of_group[gone.group]
        for come in visits:
            self._left.pop(come.id, None)
            if come.group is not None:
                self._made_of_group[come.group] = come.id
        self._visits[person.id] = tuple(visits)
        self._routes.pop(person.id, None)
        self._costs[person.id] = 0
        if route is not None:
            self._routes[person.id] = route
            self._costs[person.id] = price_of_route(self.problem.ways, person, visits, route).total
        return True

    def _places(self, visit: Visit) -> Iterator[tuple[Person, int]]:
        if self._is_closed(visit):
            return
        for person in self.problem.people:
            if may_make(visit, person):
                for position in range(len(person.locked), len(self._visits[person.id]) + 1):
                    yield person, position

    def _least(self, visit: Visit, person: Person, position: int) -> float:
        """What the detour, the work and the day cost, in yen, without lateness or overtime."""
        visits = self._visits[person.id]
        before = visits[position - 1].place if position else person.start_place
        after = visits[position].place if position < len(visits) else person.end_place
        legs, lengths, here = self.problem.ways.legs, self.problem.ways.lengths, visit.place
        seconds = (legs[before][here] or 0) + (legs[here][after] or 0)
        metres = lengths[before][here] + lengths[here][after]
        if visits:
            seconds -= legs[before][after] or 0
            metres -= lengths[before][after]
        return (
            (0 if visits else person.day_yen)
            + seconds * person.driving_yen_per_hour / SECONDS_IN_AN_HOUR
            + visit.service_seconds * person.work_yen_per_hour / SECONDS_IN_AN_HOUR
            + metres * person.yen_per_km / METRES_IN_A_KM
        )


def with_overtime(person: Person, more: int) -> Person:
    return replace(person, max_overtime_seconds=person.max_overtime_seconds + more) if more else person


def with_one_more(visits: tuple[Visit, ...], visit: Visit, position: int) -> tuple[Visit, ...]:
    return (*visits[:position], visit, *visits[position:])


def is_worth(visit: Visit, option: Option) -> bool:
    """A visit that must be made is worth anything; one that only breaks even is left to another day."""
    return visit.value is None or option.yen < visit.value
