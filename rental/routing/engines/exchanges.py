"""Jobs that change places: what no single visit put elsewhere gains, two or three together may.

A job that takes the place of another in that one's route sends it on to a third, and so on. Two in a ring
are "SWAP*" (Vidal, 2022): each goes to its best place in the other's route. In a row they are a chain of
ejections. All routes of a ring or a row are different; so what each of them costs more is known beforehand
(`kernel.price_changes`), by all rules of the compiled search, and the prices add up exactly. Who is left out
may begin a row, and may end one.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from rental.routing.engines.arrays import Facts, Longs

FAR = 2**58  # parts: what cannot be, or is not tried; small enough that four of them can be added
NOWHERE, LEFT_OUT = -1, -2  # the route of who is in none; where a row ends that leaves its last job out
CANDIDATES_AT_ONCE = 200
ENDS = 3  # routes in which a row may end: two of them may be changed by who comes before

Lines = Sequence[list[int]]  # the visits of each person, by number


class Move(NamedTuple):
    """A job to the place of a visit, by its row, or to a person, by theirs, or to where it is left out."""

    job: int
    row: int


class Exchange(NamedTuple):
    """Moves that go together, and what all of them cost more."""

    cost: int
    moves: tuple[Move, ...]


class Standing(NamedTuple):
    """How things are for each job."""

    visits: int  # so many rows are of visits
    made: Longs  # the visit it is made by, or NOWHERE
    route: Longs  # the person, or NOWHERE
    without: Longs  # what is saved without it is negative; where it is left out, its value
    instead: Longs  # job, job: what the route of the first costs more with the second instead
    ends: Longs  # which, job: the cheapest ends of a row, the cheapest first: the route, or LEFT_OUT
    end_costs: Longs  # which, job


class Table:
    """What is known of a plan's routes; true of each until that route changes."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        people = len(facts.people)
        self.instead = np.full((facts.n + people, facts.n), FAR, np.int64)
        self.after = np.full((facts.n + people, facts.n), -1, np.int32)
        self.without = np.full(facts.n + people, FAR, np.int64)
        self.locked = np.zeros(len(facts.jobs), np.bool_)
        self.locked[facts.visits["job"][facts.visits["is_locked"] != 0]] = True

    def forget(self, lines: Lines, people: Iterable[int]) -> Longs:
        """Nothing is known of these people's routes any more; the rows to learn."""
        known = self.facts
        rows = []
        for person in people:
            own = [*lines[person], known.n + person]
            self.instead[own], self.after[own], self.without[own] = FAR, -1, FAR
            rows += [row for row in own if row >= known.n or not known.visits["is_locked"][row]]
        return np.array(rows, np.int64)

    def standing(self, lines: Lines) -> Standing:
        facts = self.facts
        job_of, value = facts.visits["job"], facts.jobs["value"]
        made = np.full(len(facts.jobs), NOWHERE)
        route = np.full(len(facts.jobs), NOWHERE)
        for person, line in enumerate(lines):
            made[job_of[line]], route[job_of[line]] = line, person
        without = np.where(made >= 0, self.without[made], -value)
        instead = self.by_job(self.instead[made])
        instead[(route[:, None] == route) & ~np.eye(len(route), dtype=np.bool_)] = FAR
        instead[made < 0] = FAR
        for fixed in (without, instead.T):
            fixed[self.locked] = FAR
        people = self.open_people(lines)
        ends = self.by_job(self.instead[facts.n + people])
        ends[people[:, None] == route] = FAR
        ends = np.concatenate([ends, value[None, :]])
        ends[:, self.locked] = FAR
        first = np.argsort(ends, axis=0, kind="stable")[:ENDS]
        labels = np.append(people, LEFT_OUT)[first]
        costs = np.take_along_axis(ends, first, axis=0)
        return Standing(facts.n, made, route, without, instead, labels, costs)

    def by_job(self, costs: Longs) -> Longs:
        """The cheapest visit of each job."""
        return np.minimum.reduceat(costs[:, self.facts.job_visits], self.facts.jobs["first"], axis=1)

    def open_people(self, lines: Lines) -> Longs:
        """Who has visits, and of each kind the first who has none."""
        kinds: set[int] = set()
        people = []
        for person, kind in enumerate(self.facts.people["kind"].tolist()):
            if lines[person] or kind not in kinds:
                people.append(person)
            if not lines[person]:
                kinds.add(kind)
        return np.array(people, np.int64)

    def best(self, lines: Lines) -> list[Exchange]:
        """What makes it cheaper, the best first, with no route or job in common; three jobs if not two."""
        now = self.standing(lines)
        chosen: list[Exchange] = []
        routes: set[int] = set()
        jobs: set[int] = set()
        for each in sorted(pairs(now) or triples(now)):
            own_routes, own_jobs = routes_of(each, now), {move.job for move in each.moves}
            if routes.isdisjoint(own_routes) and jobs.isdisjoint(own_jobs):
                chosen.append(each)
                routes |= own_routes
                jobs |= own_jobs
        return chosen

    def carry_out(self, exchange: Exchange, lines: Lines) -> set[int]:
        """The lines as they are then; whose they are."""
        where = {visit: person for person, line in enumerate(lines) for visit in line}
        where |= {self.facts.n + person: person for person in range(len(lines))}
        made = {int(self.facts.visits["job"][row]): row for row in where if row < self.facts.n}
        leave = [made[move.job] for move in exchange.moves if move.job in made]
        come = [(*self.place_of(move), where[move.row]) for move in exchange.moves if move.row != LEFT_OUT]
        for visit in leave:
            lines[where[visit]].remove(visit)
        for visit, after, person in come:
            line = lines[person]
            line.insert(line.index(after) + 1 if after < self.facts.n else 0, visit)
        return {where[visit] for visit in leave} | {person for _, _, person in come}

    def place_of(self, move: Move) -> tuple[int, int]:
        """The cheapest visit of the job there, and whom it comes after."""
        job = self.facts.jobs[move.job]
        visits = self.facts.job_visits[job["first"] : job["until"]]
        visit = int(visits[np.argmin(self.instead[move.row, visits])])
        return visit, int(self.after[move.row, visit])


def routes_of(exchange: Exchange, now: Standing) -> set[int]:
    """The people whose days change."""
    leave = {int(now.route[move.job]) for move in exchange.moves}
    come = {move.row - now.visits for move in exchange.moves if move.row >= now.visits}
    return (leave | come) - {NOWHERE}


def ends_beside(now: Standing, jobs: Longs, *used: Longs) -> tuple[Longs, Longs]:
    """For each job the cheapest end in none of the used routes: what it costs, and its row."""
    shape = np.broadcast_shapes(jobs.shape, *(each.shape for each in used))
    costs, rows = np.full(shape, FAR), np.full(shape, LEFT_OUT)
    for which in range(len(now.ends) - 1, -1, -1):
        end = now.ends[which, jobs]
        free = np.ones(shape, np.bool_)
        for route in used:
            free &= end != route
        costs = np.where(free, now.end_costs[which, jobs], costs)
        rows = np.where(free, np.where(end == LEFT_OUT, LEFT_OUT, now.visits + end), rows)
    return costs, rows


def pairs(now: Standing) -> list[Exchange]:
    """One job that goes elsewhere, or two."""
    jobs = np.arange(len(now.made))
    ends, rows = ends_beside(now, jobs)
    costs = now.without + ends
    found = [exchange_of(costs[job], (job, rows[job])) for job in np.flatnonzero(costs < 0)]
    own = now.instead.diagonal()
    found += [exchange_of(own[job], (job, now.made[job])) for job in np.flatnonzero(own < 0)]
    others = others_of(now)
    last, first = np.nonzero(others + now.without + ends[:, None] < 0)
    ends, rows = ends_beside(now, last, now.route[first])
    costs, to = others[last, first] + now.without[first] + ends, now.made[last]
    found += [exchange_of(costs[i], (first[i], to[i]), (last[i], rows[i])) for i in np.flatnonzero(costs < 0)]
    rings = others + others.T
    return found + [
        exchange_of(rings[one, two], (one, now.made[two]), (two, now.made[one]))
        for one, two in np.argwhere(np.triu(rings < 0))
    ]


def triples(now: Standing) -> list[Exchange]:
    """Three jobs: for every two of which one takes the other's place, the best third."""
    others = others_of(now)
    enters = (others + now.without).min(axis=1)  # at best: somebody takes the place, and leaves their own
    in_row = others + enters + now.end_costs[0][:, None] < 0
    in_ring = others + others.min(axis=1) + others.min(axis=0)[:, None] < 0
    candidates = np.argwhere(in_row | in_ring)
    found: list[Exchange] = []
    for since in range(0, len(candidates), CANDIDATES_AT_ONCE):
        last, middle = candidates[since : since + CANDIDATES_AT_ONCE].T
        ends, rows = ends_beside(now, last[:, None], now.route, now.route[middle][:, None])
        both = others[last, middle][:, None] + others[middle]
        both[now.route == now.route[last][:, None]] = FAR
        rings = both + others[:, last].T
        back = np.broadcast_to(now.made, rings.shape)
        for costs, to in ((both + now.without + ends, rows), (rings, back)):
            first = costs.argmin(axis=1)
            for i in np.flatnonzero(costs.min(axis=1) < 0).tolist():
                moves = (first[i], now.made[middle[i]]), (middle[i], now.made[last[i]])
                found.append(exchange_of(costs[i, first[i]], *moves, (last[i], to[i, first[i]])))
    return found


def others_of(now: Standing) -> Longs:
    """What it costs to have another job instead of each."""
    others = now.instead.copy()
    np.fill_diagonal(others, FAR)
    return others


def exchange_of(cost: Any, *moves: tuple[Any, Any]) -> Exchange:
    return Exchange(int(cost), tuple(Move(int(job), int(row)) for job, row in moves))
