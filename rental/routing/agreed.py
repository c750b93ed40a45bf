"""Linked visits with their times agreed: what is left is a day in which nobody waits for anybody else.

A crew meets at an agreed moment; of two visits in order, the first is over and the second begins not before
an agreed moment between them. With these moments as windows every route can be planned by itself, by any
engine, at the price it has in the whole.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rental.routing.draft import Draft, Option
from rental.routing.links import Moment, clusters, visits_in
from rental.routing.matching import may_make
from rental.routing.plan import Plan
from rental.routing.problem import LATEST, Problem, Visit, Window

TIMES_TRIED = 8  # moments for one crew, the most promising first


def agreed(problem: Problem, starts: Mapping[str, int]) -> Problem:
    """The same without links. Linked visits with a start here must be made, the others cannot be.

    The price of every plan is the same as in the problem itself.
    """
    if not problem.linked:
        return problem
    return replace(problem, visits=tuple(agreed_visit(problem, visit, starts) for visit in problem.visits))


def agreed_visit(problem: Problem, visit: Visit, starts: Mapping[str, int]) -> Visit:
    if visit.id not in problem.linked:
        return visit
    if visit.id in problem.locked_to:
        return replace(visit, after=())
    if visit.id not in starts:
        return replace(visit, crew=None, after=(), allowed=frozenset())
    return alone(visit, *limits_of(problem, visit, starts))


def alone(visit: Visit, since: int, until: int) -> Visit:
    """By itself between these moments, and made whatever it costs; by nobody where it is never open then."""
    windows = cut(visit.windows, since, until)
    allowed = visit.allowed if windows else frozenset()
    return replace(visit, crew=None, after=(), value=None, windows=windows, allowed=allowed)


def limits_of(problem: Problem, visit: Visit, starts: Mapping[str, int]) -> tuple[int, int]:
    """From when until when it may start, so that it keeps to its crew, and to its order with others."""
    if visit.crew is not None:
        return starts[visit.id], starts[visit.id]
    earlier = [boundary(problem.visit(each), visit, starts) for each in visit.after]
    later = [
        boundary(visit, other, starts)
        for other in problem.visits
        if visit.id in other.after and other.id in starts
    ]
    return max(earlier, default=0), min(later, default=LATEST) - (visit.service_seconds if later else 0)


def boundary(first: Visit, then: Visit, starts: Mapping[str, int]) -> int:
    """Until when the first is over, and from when on the next may start: the middle, where both can move."""
    over, begins = starts[first.id] + first.service_seconds, starts[then.id]
    if then.crew is not None:
        return begins
    return over if first.crew is not None else (over + begins) // 2


def cut(windows: Sequence[Window], since: int, until: int) -> tuple[Window, ...]:
    """What of the windows lies within these limits; a visit without any may start whenever it likes."""
    both = [
        (max(window.opens, since), min(window.closes, until)) for window in windows or (Window(0, LATEST),)
    ]
    return tuple(Window(opens, closes) for opens, closes in both if opens <= closes)


@dataclass(frozen=True)
class Agreement:
    """A draft of the agreed day, and the starts of the linked visits it makes."""

    problem: Problem
    starts: Mapping[str, int]
    draft: Draft

    @classmethod
    def none(cls, problem: Problem) -> "Agreement":
        """Nothing is agreed but what is under way."""
        return cls.of(problem, {}, {})

    @classmethod
    def of(
        cls, problem: Problem, starts: Mapping[str, int], sequences: Mapping[str, Sequence[str]]
    ) -> "Agreement":
        """As much of it as can be kept; a crew or an order that would be broken is dropped altogether."""
        known = {each: start for each, start in starts.items() if each in problem.linked}
        known = kept_links(problem, known | starts_under_way(problem))
        while True:
            draft = Draft.of(agreed(problem, known), sequences)
            begun = starts_in(draft)
            kept = kept_links(problem, {each: begun[each] for each in known if each in begun})
            if kept.keys() == known.keys():
                return cls(problem, kept, draft)
            known = kept

    @classmethod
    def of_plan(cls, problem: Problem, plan: Plan) -> "Agreement":
        """That of a plan, which may be one for another day."""
        starts = {stop.visit: stop.start for route in plan.routes for stop in route.stops}
        return cls.of(problem, starts, plan.sequences)

    def moved(self, draft: Draft) -> "Agreement":
        """The same day with the routes of another draft, and the times that follow from them."""
        return Agreement.of(self.problem, starts_in(draft), draft.sequences)

    @property
    def standing(self) -> tuple[int, int]:
        """Less is better: visits that must be made and are not, then yen."""
        return self.draft.standing

    @property
    def missing(self) -> list[list[Moment]]:
        """Clusters of which something is not made."""
        return [
            cluster
            for cluster in clusters(self.problem)
            if any(visit.id not in self.starts for visit in visits_in(cluster))
        ]

    def without(self, visit_ids: Collection[str]) -> "Agreement":
        starts = {each: start for each, start in self.starts.items() if each not in visit_ids}
        sequences = {
            person: [each for each in visits if each not in visit_ids]
            for person, visits in self.draft.sequences.items()
        }
        return Agreement.of(self.problem, starts, sequences)

    def with_cluster(self, cluster: Sequence[Moment]) -> "Agreement":
        """With as much of it as pays, from its first moment on; itself where none of it does."""
        return min((self, *self.steps(cluster)), key=lambda each: each.standing)

    def steps(self, cluster: Sequence[Moment]) -> Iterator["Agreement"]:
        """With one more moment of the cluster each time, where it is cheapest, as far as they fit."""
        here = self
        for moment in cluster:
            waits_for = {each for visit in moment for each in visit.after}
            if moment[0].id not in here.starts and waits_for <= here.starts.keys():
                placed = here.with_moment(moment)
                if placed is not None:
                    here = placed
                    yield here

    def with_moment(self, moment: Moment) -> "Agreement | None":
        """The cheapest of the times that look best."""
        found: Agreement | None = None
        for start in self.times_for(moment)[:TIMES_TRIED]:
            tried = self.at(moment, start)
            if tried is not None and (found is None or tried.standing < found.standing):
                found = tried
        return found

    def times_for(self, moment: Moment) -> list[int]:
        """When everybody could be there, the cheapest first, as if each came alone."""
        waits_for = {each for visit in moment for each in visit.after}
        ends = (self.starts[each] + self.problem.visit(each).service_seconds for each in waits_for)
        since = max(ends, default=0)
        options = [self.draft.options(alone(visit, since, LATEST)) for visit in moment]
        if not all(options):
            return []
        latest_first = max(min(option.start for option in some) for some in options)
        times = {max(latest_first, option.start) for some in options for option in some}
        promised = (visit.kept.start for visit in moment if visit.kept is not None)
        times |= {start for start in promised if start is not None and start >= latest_first}
        return sorted(times, key=lambda time: (sum(cheapest_until(some, time) for some in options), time))

    def at(self, moment: Moment, start: int) -> "Agreement | None":
        """With these visits at this time, each by somebody else; None where that cannot be."""
        draft = self.draft.copy()
        people = self.problem.people
        for visit in sorted(moment, key=lambda each: sum(may_make(each, person) for person in people)):
            until = start if visit.crew else LATEST
            here = alone(visit, start, until)
            option = draft.cheapest(here)
            if option is None:
                return None
            draft.put(here, option)
        whole = self.moved(draft)
        return whole if starts_in(whole.draft).keys() >= starts_in(draft).keys() else None


def cheapest_until(options: Sequence[Option], time: int) -> int:
    """Yen for being there by this time."""
    return min(option.yen for option in options if option.start <= time)


def starts_in(draft: Draft) -> dict[str, int]:
    return {stop.visit: stop.start for route in draft.plan(()).routes for stop in route.stops}


def starts_under_way(problem: Problem) -> dict[str, int]:
    """When linked visits begin that somebody is on the way to."""
    if not any(each in problem.linked for each in problem.locked_to):
        return {}
    begun = starts_in(Draft(agreed(problem, {})))
    return {each: begun[each] for each in problem.locked_to if each in problem.linked}


def kept_links(problem: Problem, starts: Mapping[str, int]) -> dict[str, int]:
    """Of these starts those with which every crew and every order is kept, without half a crew."""
    kept = dict(starts)
    while True:
        broken = {each for each in kept if not is_kept(problem, problem.visit(each), kept)}
        if not broken:
            return kept
        for each in broken:
            del kept[each]


def is_kept(problem: Problem, visit: Visit, starts: Mapping[str, int]) -> bool:
    crew = problem.crews[visit.crew] if visit.crew else ()
    return all(starts.get(each.id) == starts[visit.id] for each in crew) and all(
        each in starts and starts[each] + problem.visit(each).service_seconds <= starts[visit.id]
        for each in visit.after
    )
