"""Large days in districts: routes that lie beside each other are searched for a while as a smaller day.

Among two hundred visits a search makes three times as many attempts in a second as among a thousand, as all
it reads is near at hand, and a visit seldom belongs to the other end of the country. Where one district ends
and the next begins changes from round to round, so that every visit has its time away from a border.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rental.routing.engines.arrays import Facts, Longs, beside_of, places_around, turned

Lines = Sequence[Sequence[int]]  # the visits of each person, by number


@dataclass(frozen=True, slots=True)
class District:
    """Some of the people and some of the visits, by their numbers in the whole, and a day made of them."""

    people: Longs
    visits: Longs
    facts: Facts

    def lines_here(self, lines: Lines) -> list[list[int]]:
        """What its people make, by the numbers visits have here."""
        here = {number: own for own, number in enumerate(self.visits.tolist())}
        return [[here[visit] for visit in lines[person]] for person in self.people.tolist()]

    def bring_back(self, lines: Lines, whole: list[list[int]]) -> None:
        """Its people make these visits in the whole as well."""
        visits = self.visits.tolist()
        for person, line in zip(self.people.tolist(), lines, strict=True):
            whole[person] = [visits[own] for own in line]


def districts_of(facts: Facts, lines: Lines, count: int, chance: np.random.Generator) -> list[District]:
    """About so many, of about as many visits each; every person and every job is in exactly one."""
    made = np.zeros(len(facts.jobs), np.bool_)
    for line in lines:
        made[facts.visits["job"][list(line)]] = True
    parts = [(np.arange(len(facts.people)), np.flatnonzero(~made))]
    while len(parts) < count:
        parts.sort(key=lambda part: sum(len(lines[person]) for person in part[0].tolist()))
        people, absent = parts.pop()
        if sum(len(lines[person]) > 0 for person in people.tolist()) < 2:
            parts.append((people, absent))
            break
        parts += halves(facts, lines, people, absent, chance)
    return [district(facts, lines, people, absent) for people, absent in parts]


def halves(
    facts: Facts, lines: Lines, people: Longs, absent: Longs, chance: np.random.Generator
) -> list[tuple[Longs, Longs]]:
    """Cut between a visit and the one farthest from it: who is nearer to the one, and who to the other."""
    visits = [visit for person in people.tolist() for visit in lines[person]]
    one = visits[int(chance.integers(len(visits)))]
    place = facts.nodes["place"]
    other = visits[int(np.argmax(far_from(facts, int(place[one]))[place[visits]]))]
    nearer = far_from(facts, int(place[one])) - far_from(facts, int(place[other]))  # of each place
    busy = [person for person in people.tolist() if lines[person]]
    idle = [person for person in people.tolist() if not lines[person]]
    mean = {person: float(nearer[place[list(lines[person])]].mean()) for person in busy}
    busy.sort(key=lambda person: (mean[person], person))
    idle.sort(key=lambda person: float(nearer[place[facts.n + person]]))
    passed = np.cumsum([len(lines[person]) for person in busy])
    cut = min(len(busy) - 1, max(1, int(np.searchsorted(passed, passed[-1] / 2))))
    first = facts.job_visits[facts.jobs["first"][absent]]
    is_here = nearer[place[first]] < mean[busy[cut]]
    middle = len(idle) // 2
    return [
        (np.array(sorted(busy[:cut] + idle[:middle]), np.int64), absent[is_here]),
        (np.array(sorted(busy[cut:] + idle[middle:]), np.int64), absent[~is_here]),
    ]


def far_from(facts: Facts, place: int) -> NDArray[np.float64]:
    """To each place and back."""
    what = 0 if facts.travel[:, :, 0].any() else 1
    return facts.travel[place, :, what].astype(np.float64) + facts.travel[:, place, what]


def district(facts: Facts, lines: Lines, people: Longs, absent: Longs) -> District:
    made = [visit for person in people.tolist() for visit in lines[person]]
    jobs = np.unique(np.concatenate([facts.visits["job"][made], absent]).astype(np.int64))
    visits = np.flatnonzero(np.isin(facts.visits["job"], jobs))
    return District(people, visits, part_of(facts, people, visits, jobs))


def part_of(facts: Facts, people: Longs, visits: Longs, jobs: Longs) -> Facts:
    """The day of these people with these visits, which are those of these jobs."""
    count = len(facts.people)
    nodes = facts.nodes[np.concatenate([visits, facts.n + people, facts.n + count + people])].copy()
    known, place = np.unique(nodes["place"], return_inverse=True)
    nodes["place"] = place.reshape(-1)
    block = np.ix_(known, known)
    travel = np.ascontiguousarray(facts.travel[block])
    ways = np.ascontiguousarray(facts.ways[block]) if facts.plain else facts.ways
    own_visits, own_people = facts.visits[visits].copy(), facts.people[people].copy()
    own_visits["job"] = np.searchsorted(jobs, own_visits["job"])
    own_people["kind"] = np.unique(own_people["kind"], return_inverse=True)[1].reshape(-1)
    order = np.argsort(own_visits["job"], kind="stable")
    own_jobs = facts.jobs[jobs].copy()
    own_jobs["until"] = np.cumsum(facts.jobs["until"][jobs] - facts.jobs["first"][jobs])
    own_jobs["first"][1:] = own_jobs["until"][:-1]
    own_jobs["first"][:1] = 0
    return facts._replace(
        n=len(visits),
        travel=travel,
        ways=ways,
        ways_to=turned(ways),
        nodes=nodes,
        visits=own_visits,
        people=own_people,
        jobs=own_jobs,
        job_visits=order.astype(np.int64),
        breaks=np.ascontiguousarray(facts.breaks[people]),
        late=np.ascontiguousarray(facts.late[visits]),
        may=np.ascontiguousarray(facts.may[np.ix_(visits, people)]),
        visit_cost=np.ascontiguousarray(facts.visit_cost[np.ix_(visits, people)]),
        load=np.ascontiguousarray(facts.load[visits]),
        room=np.ascontiguousarray(facts.room[people]),
        near=places_around(travel, nodes["place"][: len(visits)]),
        beside=beside_of(travel, nodes, own_visits),
    )
