"""A problem as flat arrays, for the compiled search: visits and people become numbers.

Visits are the nodes 0 to n - 1; after them come the start of each person's day, then the ends. Money is
counted in 18,000ths of a yen, so that an hourly rate for seconds and a rate per kilometre for metres are
whole numbers together.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rental.routing.matching import may_make
from rental.routing.problem import Person, Problem, Visit

PARTS_OF_A_YEN = 18_000
PER_HOUR = PARTS_OF_A_YEN // 3600  # parts for a second at one yen an hour
PER_KM = PARTS_OF_A_YEN // 1000  # parts for a metre at one yen a kilometre
MUST = 2**48  # parts: what leaving out a visit that must be made counts, more than any route costs
NEVER = 2**29  # seconds: later than any plan, and small enough to be added to itself
NEAREST = 200  # so many neighbours are known of each visit
ALL_PLACES_TRIED_UNTIL = 1200  # visits; with more, a visit is put only beside one of its neighbours
PLACES_TRIED = 40  # after so many, and before so many
ROWS_AT_ONCE = 200  # of visits: a table of all with all would take more room than everything else

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Bytes = NDArray[np.uint8]
Records = NDArray[np.void]


NODE = np.dtype([("place", "i8"), ("service", "i8")])
VISIT = np.dtype(
    [
        ("window_from", "i8"),
        ("window_until", "i8"),
        ("first_open", "i8"),
        ("last_close", "i8"),
        ("due", "i8"),
        ("kept_at", "i8"),
        ("kept_rate", "i8"),
        ("job", "i8"),
        ("is_locked", "i8"),
    ]
)
PERSON = np.dtype(
    [
        ("shift_starts", "i8"),
        ("shift_ends", "i8"),
        ("latest_end", "i8"),
        ("break_count", "i8"),
        ("second_rate", "i8"),
        ("metre_rate", "i8"),
        ("overtime_rate", "i8"),
        ("duty_rate", "i8"),
        ("max_duty", "i8"),
        ("fair_seconds", "i8"),
        ("unfair_rate", "i8"),
        ("day_cost", "i8"),
        ("kind", "i8"),  # people of one kind differ in nothing
        ("is_soft", "i8"),  # routes have a price that depends on the times
        ("counts_duty", "i8"),
    ]
)
JOB = np.dtype([("first", "i8"), ("until", "i8"), ("value", "i8")])
WINDOW = np.dtype([("opens", "i8"), ("closes", "i8")])
BREAK = np.dtype([("opens", "i8"), ("closes", "i8"), ("seconds", "i8")])
WAY = np.dtype([("cost", "i4"), ("seconds", "i4")])
LATE = np.dtype([("at", "i8"), ("rate", "i8")])  # how much dearer a second is from then on


class Facts(NamedTuple):
    """What does not change during a search."""

    n: int
    breaks_most: int
    plain: bool  # no breaks, one window, and nothing else that depends on the times
    travel: Ints  # from a place, to a place, (seconds, metres)
    ways: Records  # on plain days: what the way from a place to a place costs, and how long it takes
    ways_to: Records  # the same: to a place, from a place
    nodes: Records
    visits: Records
    people: Records
    jobs: Records  # alternatives are one job
    job_visits: Longs
    windows: Records
    breaks: Records  # person, number
    late: Records  # visit, step
    may: Bytes  # visit, person
    visit_cost: Longs  # visit, person: service, and that somebody else comes
    load: Longs  # visit, goods
    room: Longs  # person, goods
    near: Longs  # visit: those around it, the nearest first
    beside: Longs  # visit: those after and before which it is tried; no column where all places are


def facts_of(problem: Problem) -> Facts:
    """Everything about the problem, as the compiled search reads it."""
    visits, people = problem.visits, problem.people
    n, count = len(visits), len(people)
    jobs = jobs_of(visits)
    late = lateness_of(visits)
    breaks_most = max((len(person.breaks) for person in people), default=0)
    known, place = np.unique(np.array(places_of(problem), dtype=np.int32), return_inverse=True)
    nodes = np.zeros(n + 2 * count, NODE)
    nodes["place"] = place.reshape(-1)
    nodes["service"][:n] = [visit.service_seconds for visit in visits]
    may = np.array([[may_make(v, p) and is_free(problem, v, p) for p in people] for v in visits], np.uint8)
    may = may.reshape(n, count)
    visit_cost = np.array([[cost_of(v, p) for p in people] for v in visits], np.int64).reshape(n, count)
    records = people_of(people, kinds_of(people, may, visit_cost))
    visit_records, windows = visits_of(problem, jobs)
    records["is_soft"] |= bool((late["rate"] != 0).any() or (visit_records["kept_rate"] != 0).any())
    load, room = goods_of(problem)
    travel = travel_of(problem, known)
    ways = ways_of(travel, records) if is_plain(visits, records, breaks_most) else np.zeros((0, 0), WAY)
    return Facts(
        n=n,
        breaks_most=breaks_most,
        plain=len(ways) > 0,
        travel=travel,
        ways=ways,
        ways_to=turned(ways),
        nodes=nodes,
        visits=visit_records,
        people=records,
        jobs=job_table(visits, jobs),
        job_visits=longs([visit for job in jobs for visit in job]),
        windows=windows,
        breaks=break_table(people, breaks_most),
        late=late,
        may=may,
        visit_cost=visit_cost,
        load=load,
        room=room,
        near=places_around(travel, nodes["place"][:n]),
        beside=beside_of(travel, nodes, visit_records),
    )


def is_plain(visits: Sequence[Visit], people: Records, breaks_most: int) -> bool:
    """Whether nothing counts but what ways cost and when the one window of a visit is open."""
    asks = people["is_soft"].any() or people["counts_duty"].any() or people["unfair_rate"].any()
    return bool(breaks_most == 0 and not asks and all(len(visit.windows) <= 1 for visit in visits))


def places_of(problem: Problem) -> list[int]:
    people = problem.people
    ends = [person.start_place for person in people] + [person.end_place for person in people]
    return [visit.place for visit in problem.visits] + ends


def people_of(people: Sequence[Person], kinds: Longs) -> Records:
    records = np.zeros(len(people), PERSON)
    records["kind"] = kinds
    for record, person in zip(records, people, strict=True):
        record["shift_starts"] = person.shift_starts
        record["shift_ends"] = person.shift_ends
        record["latest_end"] = person.latest_end
        record["break_count"] = len(person.breaks)
        record["second_rate"] = person.driving_yen_per_hour * PER_HOUR
        record["metre_rate"] = person.yen_per_km * PER_KM
        record["overtime_rate"] = person.overtime_yen_per_hour * PER_HOUR
        record["duty_rate"] = person.duty_yen_per_hour * PER_HOUR
        record["max_duty"] = NEVER if person.max_duty_seconds is None else person.max_duty_seconds
        record["fair_seconds"] = person.fair_seconds
        record["unfair_rate"] = person.unfair_yen_per_hour * PER_HOUR
        record["day_cost"] = person.day_yen * PARTS_OF_A_YEN
        record["is_soft"] = bool(person.overtime_yen_per_hour and person.max_overtime_seconds)
        record["counts_duty"] = person.max_duty_seconds is not None or person.duty_yen_per_hour > 0
    return records


def visits_of(problem: Problem, jobs: Sequence[Sequence[int]]) -> tuple[Records, Records]:
    """The visits, and the windows of all of them one after the other."""
    records = np.zeros(len(problem.visits), VISIT)
    windows: list[tuple[int, int]] = []
    for record, visit in zip(records, problem.visits, strict=True):
        record["window_from"] = len(windows)
        windows += [(window.opens, window.closes) for window in visit.windows] or [(0, NEVER)]
        record["window_until"] = len(windows)
        record["first_open"] = windows[record["window_from"]][0]
        record["last_close"] = windows[-1][1]
        record["due"] = NEVER if visit.due is None else visit.due
        if visit.kept is not None and visit.kept.start is not None:
            record["kept_at"] = visit.kept.start
            record["kept_rate"] = visit.kept.moved_yen_per_hour * PER_HOUR
        record["is_locked"] = visit.id in problem.locked_to
    for number, members in enumerate(jobs):
        records["job"][list(members)] = number
    return records, np.array(windows, WINDOW)


def job_table(visits: Sequence[Visit], jobs: Sequence[Sequence[int]]) -> Records:
    records = np.zeros(len(jobs), JOB)
    records["until"] = np.cumsum([len(job) for job in jobs])
    records["first"] = records["until"] - [len(job) for job in jobs]
    for record, job in zip(records, jobs, strict=True):
        yen = visits[job[0]].value
        record["value"] = MUST if yen is None else yen * PARTS_OF_A_YEN
    return records


def longs(values: Any) -> Longs:
    return np.array(values, dtype=np.int64).reshape(-1)


def is_free(problem: Problem, visit: Visit, person: Person) -> bool:
    """Whether the visit, or another of its group, is not under way with somebody else already."""
    for other in problem.alternatives(visit):
        who = problem.locked_to.get(other.id)
        if who is not None and (other is not visit or who != person.id):
            return False
    return True


def cost_of(visit: Visit, person: Person) -> int:
    cost = visit.service_seconds * person.work_yen_per_hour * PER_HOUR
    if visit.kept is not None and visit.kept.person not in (None, person.id):
        cost += visit.kept.other_person_yen * PARTS_OF_A_YEN
    return cost


def jobs_of(visits: Sequence[Visit]) -> list[list[int]]:
    jobs: dict[tuple[str, str], list[int]] = {}
    for number, visit in enumerate(visits):
        key = ("visit", visit.id) if visit.group is None else ("group", visit.group)
        jobs.setdefault(key, []).append(number)
    return list(jobs.values())


def lateness_of(visits: Sequence[Visit]) -> Records:
    """From which moments on a second costs how much more."""
    late = np.zeros((len(visits), max((1 + len(visit.late_steps) for visit in visits), default=1)), LATE)
    late["at"] = NEVER
    for number, visit in enumerate(visits):
        if visit.due is None:
            continue
        rate = 0
        steps = [(0, visit.late_yen_per_hour), *((s.after, s.yen_per_hour) for s in visit.late_steps)]
        for column, (after, yen) in enumerate(steps):
            late[number, column] = (visit.due + after, (yen - rate) * PER_HOUR)
            rate = yen
    return late


def break_table(people: Sequence[Person], most: int) -> Records:
    table = np.zeros((len(people), most), BREAK)
    for number, person in enumerate(people):
        for column, rest in enumerate(person.breaks):
            table[number, column] = (rest.window.opens, rest.window.closes, rest.seconds)
    return table


def goods_of(problem: Problem) -> tuple[Longs, Longs]:
    """One column for volume and for each part that any visit needs."""
    parts = sorted({part for visit in problem.visits for part in visit.parts})
    has_volume = any(visit.volume for visit in problem.visits)
    load = np.zeros((len(problem.visits), len(parts) + has_volume), np.int64)
    room = np.zeros((len(problem.people), len(parts) + has_volume), np.int64)
    for number, visit in enumerate(problem.visits):
        load[number, : len(parts)] = [visit.parts.get(part, 0) for part in parts]
        if has_volume:
            load[number, -1] = visit.volume
    for number, person in enumerate(problem.people):
        room[number, : len(parts)] = [person.parts.get(part, 0) for part in parts]
        if has_volume:
            room[number, -1] = 2**60 if person.volume is None else person.volume
    return load, room


def kinds_of(people: Sequence[Person], may: Bytes, visit_cost: Longs) -> Longs:
    kinds: dict[Any, int] = {}
    numbers = []
    for number, p in enumerate(people):
        key = (
            *(p.start_place, p.end_place, p.shift_starts, p.shift_ends, p.max_overtime_seconds, p.breaks),
            *(p.overtime_yen_per_hour, p.driving_yen_per_hour, p.yen_per_km, p.day_yen, p.max_duty_seconds),
            *(p.duty_yen_per_hour, p.fair_seconds, p.unfair_yen_per_hour, p.volume, p.locked),
            *(tuple(sorted(p.parts.items())), may[:, number].tobytes(), visit_cost[:, number].tobytes()),
        )
        numbers.append(kinds.setdefault(key, len(kinds)))
    return longs(numbers)


def travel_of(problem: Problem, known: Ints) -> Ints:
    ways = problem.ways
    block = np.ix_(known, known)
    travel = np.empty((len(known), len(known), 2), np.int32)
    travel[:, :, 0] = ways.seconds[block]
    travel[:, :, 1] = ways.metres[block]
    travel[ways.unreachable[block]] = (NEVER, 0)
    return travel


def ways_of(travel: Ints, people: Records) -> Records:
    """What each way costs, for whoever goes; nothing at all where that differs or is more than fits."""
    seconds, metres = np.unique(people["second_rate"]), np.unique(people["metre_rate"])
    if len(seconds) != 1 or len(metres) != 1:
        return np.zeros((0, 0), WAY)
    ways = np.empty(travel.shape[:2], WAY)
    for first in range(0, len(ways), ROWS_AT_ONCE):
        some = slice(first, first + ROWS_AT_ONCE)
        costs = travel[some, :, 0].astype(np.int64) * seconds[0]
        costs += travel[some, :, 1].astype(np.int64) * metres[0]
        if costs.max() >= 2**31:
            return np.zeros((0, 0), WAY)
        ways["cost"][some], ways["seconds"][some] = costs, travel[some, :, 0]
    return ways


def turned(ways: Records) -> Records:
    """By where one goes to; the same array where the way back is like it: it then stays near at hand."""
    return ways if np.array_equal(ways, ways.T) else np.ascontiguousarray(ways.T)


def places_around(travel: Ints, place: Longs) -> Longs:
    """The visits around each visit by the way there and back, itself first."""
    what = 0 if travel[:, :, 0].any() else 1
    there, back = travel[:, :, what], travel[:, :, what].T
    rows = [np.zeros((0, min(len(place), NEAREST)), np.int64)]
    for first in range(0, len(place), ROWS_AT_ONCE):
        some = place[first : first + ROWS_AT_ONCE]
        far = there[np.ix_(some, place)].astype(np.int64) + back[np.ix_(some, place)]
        far[np.arange(len(some)), np.arange(first, first + len(some))] = -1
        rows.append(nearest_columns(far, min(len(place), NEAREST)))
    return np.concatenate(rows)


def nearest_columns(far: NDArray[Any], count: int) -> Longs:
    if count < far.shape[1]:
        some = np.argpartition(far, count - 1, axis=1)[:, :count]
        order = np.argsort(np.take_along_axis(far, some, axis=1), axis=1, kind="stable")
        return np.ascontiguousarray(np.take_along_axis(some, order, axis=1).astype(np.int64))
    return np.ascontiguousarray(np.argsort(far, axis=1, kind="stable").astype(np.int64))


def beside_of(travel: Ints, nodes: Records, visits: Records) -> Longs:
    """After and before whom a visit goes well: near, with little waiting, and in time (Vidal 2013)."""
    n = len(visits)
    if n <= ALL_PLACES_TRIED_UNTIL:
        return np.zeros((n, 0, 2), np.int64)
    place, service = nodes["place"][:n], nodes["service"][:n]
    seconds = travel[:, :, 0]
    opens, closes = visits["first_open"], visits["last_close"]
    beside = np.zeros((n, PLACES_TRIED, 2), np.int64)
    for first in range(0, n, ROWS_AT_ONCE):
        some = slice(first, first + ROWS_AT_ONCE)
        back, there = seconds[np.ix_(place, place[some])].T, seconds[np.ix_(place[some], place)]
        ends_here, ends = (closes + service)[some, None], (closes + service)[None, :]
        after = onwards(back, opens[some, None] - ends, (opens + service) - closes[some, None])
        before = onwards(there, opens - ends_here, (opens + service)[some, None] - closes)
        for side, far in enumerate((after, before)):
            far[np.arange(len(far)), np.arange(first, first + len(far))] = np.inf
            beside[some, :, side] = nearest_columns(far, PLACES_TRIED)
    return beside


def onwards(seconds: Ints, waits: Longs, lates: Longs) -> NDArray[np.float64]:
    """The way, a fifth of what is waited in spite of it, and what one is late at best."""
    cost: NDArray[np.float64] = (
        seconds + 0.2 * np.maximum(waits - seconds, 0) + np.maximum(lates + seconds, 0)
    )
    return cost
