"""The compiled search: strings of visits out of neighbouring routes, and each back where it costs least.

"Slack induction by string removals" (Christiaens and Vanden Berghe, 2020), with everything that field service
adds. A route is a linked list from the start of a person's day to its end. For every node are known, for
each number of breaks already taken: the earliest moment its service can start, the latest at which the rest
of the day still works, and the latest at which the rest still costs nothing extra. So whether a visit fits
between two others is answered without walking the route.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from rental.routing.engines.arrays import MUST, NEVER, Facts, Longs, Records

# Only what is called from outside is kept, and can be called from there: compiling takes a third of the time.
# Nothing is allocated, so nobody has to count who uses an array, which took half of the time of the search.
compiled: Any = njit
entry = compiled(cache=True, nogil=True, _nrt=False)
inner = compiled(no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False)
woven_in = compiled(no_cpython_wrapper=True, no_cfunc_wrapper=True, forceinline=True, _nrt=False)

HUGE = 2**61
HASHES = 1 << 15
ROUTES_KEPT = 4096
EARLIEST, LATEST, FREE_UNTIL = 0, 1, 2  # what is known of a node for each number of breaks taken

# What a search reads most lies together: one line of the processor's memory for each node.
LINK = np.dtype(
    [
        ("extra", "i8"),  # on other than plain days: what the times up to here cost
        ("after", "i4"),
        ("before", "i4"),
        ("route", "i4"),
        ("place", "i4"),
        ("leaves", "i4"),  # on plain days: the earliest end of the service
        ("until", "i4"),  # on plain days: the latest start
        ("way", "i4"),  # on plain days: what the way to the next node costs
        ("seconds", "i4"),  # on plain days: how long it takes
        ("opens", "i4"),
        ("closes", "i4"),
        ("service", "i4"),
        ("job", "i4"),
        ("", "i8"),
    ]
)
ROUTE = np.dtype(
    [
        ("cost", "i8"),
        ("worked", "i8"),  # seconds of driving and service
        ("length", "i8"),
        ("anchor", "i8"),  # the last locked node, or the start
        ("is_touched", "i8"),
        ("line", "i8"),  # where it lies as one line when nothing in this attempt has changed it
    ]
)
# On plain days a route is read as one line of memory: following links takes several times as long.
STOP = np.dtype([("place", "u4"), ("leaves", "i4"), ("until", "i4"), ("way", "i4"), ("node", "i4")])
LINE = np.dtype([("version", "i8"), ("count", "i8")])  # of the route it was written for; its ways
PLACE = np.dtype([("version", "i8"), ("delta", "i8"), ("after", "i8")])  # the cheapest in one route
SAVED_ROUTE = np.dtype(
    [
        ("person", "i8"),
        ("first", "i8"),
        ("until", "i8"),
        ("length", "i8"),
        ("cost", "i8"),
        ("worked", "i8"),
        ("version", "i8"),
    ]
)
KEPT = np.dtype([("person", "i8"), ("first", "i8"), ("until", "i8"), ("cost", "i8"), ("total", "i8")])
SO_FAR = np.dtype(
    [
        ("current", "i8"),
        ("best", "i8"),
        ("absent", "i8"),
        ("absent_before", "i8"),
        ("touched", "i8"),
        ("saved", "i8"),
        ("kept", "i8"),
        ("version", "i8"),
        ("open", "i8"),
        ("blink_in", "i8"),
        ("found", "i8"),
        ("chance", "u8"),
    ]
)


class State(NamedTuple):
    """Where a search stands; everything is changed in place."""

    so_far: Records  # one
    links: Records
    moments: Longs  # node, what, breaks taken
    routes: Records
    loads: Longs  # route, goods
    versions: Longs  # route: changes with it, and back with it
    lines: Records  # two for each route: as it was before this attempt, and as it is in it
    stops: Records  # line, from the last locked node on
    open: Longs  # routes that are worth trying: of empty ones of a kind only one
    first_empty: Longs  # kind
    places: Records  # visit, route: known for one version of the route
    absent: Longs  # jobs in no route: now, and before this attempt
    saved_nodes: Longs  # routes changed in this attempt, as they were
    saved_links: Records
    saved_moments: Longs
    saved_routes: Records
    saved_loads: Longs
    best_after: Longs
    spare: Longs  # scratch: moments at a visit that is tried
    line: Longs  # scratch: one route
    line_moments: Longs
    keys: Longs
    kept: Records  # routes for the pool
    kept_nodes: Longs
    hashes: Longs


def fresh_state(facts: Facts, seed: int) -> State:
    """Nobody goes anywhere yet."""
    n, people, b = facts.n, len(facts.people), facts.breaks_most + 1
    nodes = n + 2 * people
    so_far = np.zeros(1, SO_FAR)
    so_far["best"] = HUGE
    so_far["blink_in"] = 1
    so_far["chance"] = (0x9E3779B97F4A7C15 ^ (seed * 0xBF58476D1CE4E5B9 % 2**64)) or 1
    links = on_lines_of_memory(nodes, LINK)
    links["route"] = -1
    links["place"] = facts.nodes["place"]
    links["service"] = facts.nodes["service"]
    for field, known in (("opens", "first_open"), ("closes", "last_close"), ("job", "job")):
        links[field][:n] = facts.visits[known]
    ends = links[n + people :]
    ends["until"] = facts.people["latest_end"]
    routes = np.zeros(people, ROUTE)
    routes["line"] = 2 * np.arange(people)
    return State(
        so_far=so_far,
        links=links,
        moments=np.zeros((nodes, 3, b), np.int64),
        routes=routes,
        loads=np.zeros(facts.room.shape, np.int64),
        versions=np.zeros(people, np.int64),
        lines=np.zeros(2 * people, LINE),
        stops=np.zeros((2 * people, n + 3 if facts.plain else 0), STOP),
        open=np.zeros(people, np.int64),
        first_empty=np.full(people, -1, np.int64),
        places=np.zeros((n, people), PLACE),
        absent=np.zeros((2, len(facts.jobs)), np.int64),
        saved_nodes=np.zeros(nodes + people, np.int64),
        saved_links=on_lines_of_memory(nodes + people, LINK),
        saved_moments=np.zeros((nodes + people, 3, b), np.int64),
        saved_routes=np.zeros(people, SAVED_ROUTE),
        saved_loads=np.zeros(facts.room.shape, np.int64),
        best_after=np.full(nodes, -1, np.int64),
        spare=np.zeros((3, b), np.int64),
        line=np.zeros(n + 3, np.int64),
        line_moments=np.zeros((n + 3, 2, b), np.int64),
        keys=np.zeros(len(facts.jobs), np.int64),
        kept=np.zeros(ROUTES_KEPT, KEPT),
        kept_nodes=np.zeros(ROUTES_KEPT * 16 + n, np.int64),
        hashes=np.zeros(HASHES, np.int64),
    )


def on_lines_of_memory(count: int, kind: np.dtype[np.void]) -> Records:
    """Records of 64 bytes that begin where a line of the processor's memory begins."""
    room = np.zeros((count + 1) * kind.itemsize, np.uint8)
    offset = -room.ctypes.data % kind.itemsize
    records: Records = room[offset : offset + count * kind.itemsize].view(kind)
    return records


# Chance


@woven_in
def draw(so_far):
    x = so_far[0].chance
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    so_far[0].chance = x
    return x * np.uint64(2685821657736338717)


@woven_in
def part(so_far):
    """A number from 0 up to 1."""
    return np.float64(draw(so_far) >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@woven_in
def below(so_far, most):
    return np.int64(part(so_far) * most)


# Times


@woven_in
def seconds_of(f, a, b):
    """On the way from one node to the other."""
    return np.int64(f.travel[f.nodes[a].place, f.nodes[b].place, 0])


@woven_in
def start_at(visits, windows, v, ready):
    """The first moment from `ready` on at which the service of v may start."""
    for w in range(visits[v].window_from, visits[v].window_until):
        if ready <= windows[w].closes:
            return max((ready), (windows[w].opens))
    return NEVER


@woven_in
def last_start(visits, windows, v, until):
    for w in range(visits[v].window_until - 1, visits[v].window_from - 1, -1):
        if windows[w].opens <= until:
            return min((windows[w].closes), (until))
    return -NEVER


@woven_in
def gone(breaks, k, free, seconds, taken, until):
    """Ready at the next place after the breaks `taken` to `until` - 1 on the way."""
    if taken == until:
        return free + seconds
    if free > breaks[k, taken].closes:
        return NEVER
    t = free + seconds
    for i in range(taken, until):
        t = max(t, (breaks[k, i].opens)) + breaks[k, i].seconds
    return t


@woven_in
def free_by(breaks, k, ready, seconds, taken, until):
    """The last moment to leave so as to be ready by then."""
    if taken == until:
        return ready - seconds
    t = ready
    for i in range(until - 1, taken - 1, -1):
        t -= breaks[k, i].seconds
        if t < breaks[k, i].opens:
            return -NEVER
    return min(t - seconds, (breaks[k, taken].closes))


@woven_in
def start_here(f, v, ready):
    if v >= f.n:
        return ready
    return start_at(f.visits, f.windows, v, ready)


@inner
def moments(f, k, p, times, v, out):
    """From the earliest moments at p those at v, for each number of breaks taken."""
    seconds = seconds_of(f, p, v)
    for c in range(f.people[k].break_count + 1):
        soonest = NEVER
        for c0 in range(c + 1):
            if times[c0] < NEVER:
                t = gone(f.breaks, k, times[c0] + f.nodes[p].service, seconds, c0, c)
                soonest = min(soonest, t)
        if soonest < NEVER:
            soonest = start_here(f, v, soonest)
        out[c] = min(soonest, NEVER)


@inner
def fits_before(f, s, k, v, times, q, what):
    """Whether what begins at v at these moments can go on to q by its LATEST, or its FREE_UNTIL."""
    seconds = seconds_of(f, v, q)
    for c in range(f.people[k].break_count + 1):
        if times[c] < NEVER:
            for c1 in range(c, f.people[k].break_count + 1):
                if gone(f.breaks, k, times[c] + f.nodes[v].service, seconds, c, c1) <= s.moments[q, what, c1]:
                    return True
    return False


@inner
def owed(f, v, t):
    """What a start at this moment costs."""
    lost = np.int64(0)
    for i in range(f.late.shape[1]):
        if t > f.late[v, i].at:
            lost += (t - f.late[v, i].at) * f.late[v, i].rate
    if f.visits[v].kept_rate > 0:
        lost += abs(t - f.visits[v].kept_at) * f.visits[v].kept_rate
    return lost


@inner
def owed_at(f, s, k, v, times):
    """The same for the earliest moment from which the rest of the day works."""
    t = NEVER
    for c in range(f.people[k].break_count + 1):
        if times[c] < t and times[c] <= s.moments[v, LATEST, c]:
            t = times[c]
    if t >= NEVER:
        return np.int64(0)
    if v >= f.n:
        return np.int64(max(0, t - f.people[k].shift_ends)) * f.people[k].overtime_rate
    return owed(f, v, t)


@inner
def set_limits(f, s, k, v, q):
    """The latest moments at v from those at q."""
    breaks = f.people[k].break_count
    seconds = seconds_of(f, v, q)
    for c in range(breaks + 1):
        most = -NEVER
        free = -NEVER
        for c1 in range(c, breaks + 1):
            most = max(most, free_by(f.breaks, k, s.moments[q, LATEST, c1], seconds, c, c1))
            free = max(free, free_by(f.breaks, k, s.moments[q, FREE_UNTIL, c1], seconds, c, c1))
        s.moments[v, LATEST, c] = max(last_start(f.visits, f.windows, v, most - f.nodes[v].service), -NEVER)
        if f.people[k].is_soft:
            until = min(free - f.nodes[v].service, f.visits[v].due)
            s.moments[v, FREE_UNTIL, c] = (
                -NEVER
                if f.visits[v].kept_rate > 0
                else max(last_start(f.visits, f.windows, v, until), -NEVER)
            )


@inner
def set_end(f, s, k):
    end = f.n + f.people.shape[0] + k
    breaks = f.people[k].break_count
    for c in range(breaks + 1):
        until = f.people[k].latest_end
        if c < breaks:
            until = min(until, f.breaks[k, c].closes)
        s.moments[end, LATEST, c] = until
        s.moments[end, FREE_UNTIL, c] = (
            min(until, f.people[k].shift_ends) if f.people[k].overtime_rate > 0 else until
        )


@inner
def set_start(f, s, k):
    for c in range(f.breaks_most + 1):
        s.moments[f.n + k, EARLIEST, c] = f.people[k].shift_starts if c == 0 else NEVER


# Duty: what depends on the whole day


@inner
def duty_of(f, s, k, at, v):
    """Seconds from leaving to being back without the breaks, with v after the node `at`; -1: just as it is.

    Found for the earliest end, begun as late as that allows.
    """
    m = 0
    x = f.n + k
    s.line[0] = x
    while True:
        if x == at and v >= 0:
            m += 1
            s.line[m] = v
        x = s.links[x].after
        m += 1
        s.line[m] = x
        if x >= f.n:
            break
    breaks = f.people[k].break_count
    for c in range(breaks + 1):
        s.line_moments[0, 0, c] = f.people[k].shift_starts if c == 0 else NEVER
    for i in range(1, m + 1):
        p, x = s.line[i - 1], s.line[i]
        seconds = seconds_of(f, p, x)
        for c in range(breaks + 1):
            soonest, chosen = NEVER, 0
            for c0 in range(c + 1):
                if s.line_moments[i - 1, 0, c0] < NEVER:
                    t = gone(f.breaks, k, s.line_moments[i - 1, 0, c0] + f.nodes[p].service, seconds, c0, c)
                    if t < NEVER:
                        t = start_here(f, x, t)
                    if t < soonest:
                        soonest, chosen = t, c0
            s.line_moments[i, 0, c], s.line_moments[i, 1, c] = soonest, chosen
    c, back = 0, NEVER
    for each in range(breaks + 1):
        t = s.line_moments[m, 0, each]
        if t < back and (each == breaks or t <= f.breaks[k, each].closes):
            c, back = each, t
    if back >= NEVER:
        return np.int64(NEVER)
    rested = np.int64(0)
    until = back
    for i in range(m, 1, -1):
        p, x = s.line[i - 1], s.line[i]
        c0 = s.line_moments[i, 1, c]
        for each in range(c0, c):
            rested += f.breaks[k, each].seconds
        start = s.line_moments[i - 1, 0, c0]
        moment = free_by(f.breaks, k, until, seconds_of(f, p, x), c0, c) - f.nodes[p].service
        moment = min(moment, max(start, f.visits[p].due))
        if f.visits[p].kept_rate > 0:
            moment = start
        until = max(start, last_start(f.visits, f.windows, p, moment))
        c = c0
    leaves = until - seconds_of(f, f.n + k, s.line[1])
    return (back - leaves) - rested


# What one visit more costs


@woven_in
def way(f, k, a, b):
    x, y = f.nodes[a].place, f.nodes[b].place
    return f.travel[x, y, 0] * f.people[k].second_rate + f.travel[x, y, 1] * f.people[k].metre_rate


@woven_in
def unfair(f, k, worked):
    return max(np.int64(0), worked - f.people[k].fair_seconds) * f.people[k].unfair_rate


@woven_in
def more_worked(f, k, p, v, q):
    return np.int64(
        seconds_of(f, p, v)
        + seconds_of(f, v, q)
        - (seconds_of(f, p, q) if p != f.n + k or q != f.n + f.people.shape[0] + k else 0)
        + f.nodes[v].service
    )


@inner
def tried(f, s, k, p, v, limit):
    """What v after p costs more, where times or breaks have a price; HUGE where it does not fit."""
    q = s.links[p].after
    is_empty = p == f.n + k and q == f.n + f.people.shape[0] + k
    moments(f, k, p, s.moments[p, EARLIEST], v, s.spare[0])
    if not fits_before(f, s, k, v, s.spare[0], q, LATEST):
        return HUGE
    delta = way(f, k, p, v) + way(f, k, v, q) + f.visit_cost[v, k]
    if is_empty:
        delta += f.people[k].day_cost
    else:
        delta -= way(f, k, p, q)
    if f.people[k].unfair_rate > 0:
        worked = 0 if is_empty else s.routes[k].worked
        delta += unfair(f, k, worked + more_worked(f, k, p, v, q)) - unfair(f, k, worked)
    if delta >= limit:
        return HUGE
    if f.people[k].is_soft:
        delta += extra_with(f, s, k, p, v, q) - s.links[f.n + f.people.shape[0] + k].extra
        if delta >= limit:
            return HUGE
    if f.people[k].counts_duty:
        duty = duty_of(f, s, k, p, v)
        if duty > f.people[k].max_duty:
            return HUGE
        delta += duty * f.people[k].duty_rate
        if not is_empty:
            delta -= duty_of(f, s, k, p, np.int64(-1)) * f.people[k].duty_rate
    return delta


@inner
def extra_with(f, s, k, p, v, q):
    """All that depends on the times, with v between p and q; s.spare[0] holds the moments at v."""
    breaks = f.people[k].break_count
    seconds = seconds_of(f, v, q)
    t = NEVER
    for c in range(breaks + 1):
        if s.spare[0][c] < t:
            for c1 in range(c, breaks + 1):
                if (
                    gone(f.breaks, k, s.spare[0][c] + f.nodes[v].service, seconds, c, c1)
                    <= s.moments[q, LATEST, c1]
                ):
                    t = s.spare[0][c]
                    break
    total = s.links[p].extra + owed(f, v, t)
    if fits_before(f, s, k, v, s.spare[0], q, FREE_UNTIL):
        return total
    times, spare = s.spare[0], s.spare[1]
    here = v
    end = f.n + f.people.shape[0] + k
    while True:
        moments(f, k, here, times, q, spare)
        total += owed_at(f, s, k, q, spare)
        if q == end:
            return total
        same = True
        for c in range(breaks + 1):
            if spare[c] != s.moments[q, EARLIEST, c]:
                same = False
        if same:
            return total + s.links[end].extra - s.links[q].extra
        if here == v:
            times, spare = s.spare[1], s.spare[2]
        else:
            times, spare = spare, times
        here = q
        q = s.links[q].after


# Changing routes


@inner
def touch(f, s, k):
    """Remember a route as it was before this attempt."""
    if s.routes[k].is_touched:
        return
    s.routes[k].is_touched = 1
    number = s.so_far[0].touched
    s.so_far[0].touched = number + 1
    i = s.saved_routes[number - 1].until if number > 0 else 0
    s.saved_routes[number].person = k
    s.saved_routes[number].first = i
    s.saved_routes[number].cost = s.routes[k].cost
    s.saved_routes[number].length = s.routes[k].length
    s.saved_routes[number].worked = s.routes[k].worked
    s.saved_routes[number].version = s.versions[k]
    for r in range(s.loads.shape[1]):
        s.saved_loads[number, r] = s.loads[k, r]
    x = f.n + k
    while True:
        s.saved_nodes[i] = x
        s.saved_links[i] = s.links[x]
        if not f.plain:
            for c in range(f.breaks_most + 1):
                s.saved_moments[i, EARLIEST, c] = s.moments[x, EARLIEST, c]
                s.saved_moments[i, LATEST, c] = s.moments[x, LATEST, c]
                s.saved_moments[i, FREE_UNTIL, c] = s.moments[x, FREE_UNTIL, c]
        i += 1
        if x >= f.n + f.people.shape[0]:
            break
        x = s.links[x].after
    s.saved_routes[number].until = i


@inner
def undo(f, s):
    """Everything as it was before this attempt."""
    count = s.so_far[0].touched
    for number in range(count):
        x = s.links[f.n + s.saved_routes[number].person].after
        while x < f.n:
            s.links[x].route = -1
            x = s.links[x].after
    for number in range(count):
        k = s.saved_routes[number].person
        s.routes[k].is_touched = 0
        s.routes[k].cost = s.saved_routes[number].cost
        s.routes[k].length = s.saved_routes[number].length
        s.routes[k].worked = s.saved_routes[number].worked
        s.versions[k] = s.saved_routes[number].version
        for r in range(s.loads.shape[1]):
            s.loads[k, r] = s.saved_loads[number, r]
        for i in range(s.saved_routes[number].first, s.saved_routes[number].until):
            x = s.saved_nodes[i]
            s.links[x] = s.saved_links[i]
            if not f.plain:
                for c in range(f.breaks_most + 1):
                    s.moments[x, EARLIEST, c] = s.saved_moments[i, EARLIEST, c]
                    s.moments[x, LATEST, c] = s.saved_moments[i, LATEST, c]
                    s.moments[x, FREE_UNTIL, c] = s.saved_moments[i, FREE_UNTIL, c]
    s.so_far[0].touched = 0
    s.so_far[0].absent = s.so_far[0].absent_before
    for i in range(s.so_far[0].absent):
        s.absent[0, i] = s.absent[1, i]


@inner
def keep(s):
    """The attempt becomes what the search goes on from."""
    for number in range(s.so_far[0].touched):
        s.routes[s.saved_routes[number].person].is_touched = 0
    s.so_far[0].touched = 0


@woven_in
def renew(s, k):
    """Nothing that was known of the route as it was is true any more."""
    s.so_far[0].version += 1
    s.versions[k] = s.so_far[0].version


@inner
def work_out_plain(f, s, k):
    """The same where nothing but windows counts."""
    start, end = f.n + k, f.n + f.people.shape[0] + k
    works = True
    s.routes[k].length = 0
    s.routes[k].cost = 0
    for r in range(s.loads.shape[1]):
        s.loads[k, r] = 0
    s.links[start].leaves = f.people[k].shift_starts
    cost = f.people[k].day_cost
    p, x = start, s.links[start].after
    while True:
        p_place, x_place = s.links[p].place, s.links[x].place
        s.links[p].way = f.ways[p_place, x_place].cost
        s.links[p].seconds = f.ways[p_place, x_place].seconds
        cost += s.links[p].way
        ready = s.links[p].leaves + s.links[p].seconds
        if x == end:
            works = works and ready <= s.links[end].until
            break
        works = works and ready <= s.links[x].closes
        s.links[x].leaves = max(ready, s.links[x].opens) + s.links[x].service
        cost += f.visit_cost[x, k]
        s.routes[k].length += 1
        for r in range(s.loads.shape[1]):
            s.loads[k, r] += f.load[x, r]
        p, x = x, s.links[x].after
    if s.routes[k].length == 0:
        s.links[start].way = 0
        return True
    s.routes[k].cost = cost
    until = s.links[end].until
    while p != start:
        until = min(s.links[p].closes, until - s.links[p].seconds - s.links[p].service)
        s.links[p].until = until
        p = s.links[p].before
    for r in range(s.loads.shape[1]):
        if s.loads[k, r] > f.room[k, r]:
            works = False
    return works


@inner
def work_out(f, s, k):
    """Everything about a route from the order of its visits; whether its times work."""
    renew(s, k)
    if f.plain:
        return work_out_plain(f, s, k)
    start, end = f.n + k, f.n + f.people.shape[0] + k
    breaks = f.people[k].break_count
    set_end(f, s, k)
    x = s.links[end].before
    while x != start:
        set_limits(f, s, k, x, s.links[x].after)
        x = s.links[x].before
    s.routes[k].length = 0
    s.routes[k].worked = 0
    for r in range(s.loads.shape[1]):
        s.loads[k, r] = 0
    cost = np.int64(0)
    p, x = start, s.links[start].after
    while True:
        moments(f, k, p, s.moments[p, EARLIEST], x, s.moments[x, EARLIEST])
        s.routes[k].worked += seconds_of(f, p, x)
        cost += way(f, k, p, x)
        s.links[x].extra = s.links[p].extra + (
            owed_at(f, s, k, x, s.moments[x, EARLIEST]) if f.people[k].is_soft else 0
        )
        if x == end:
            break
        cost += f.visit_cost[x, k]
        s.routes[k].worked += f.nodes[x].service
        s.routes[k].length += 1
        for r in range(s.loads.shape[1]):
            s.loads[k, r] += f.load[x, r]
        p = x
        x = s.links[x].after
    if s.routes[k].length == 0:
        s.routes[k].cost = 0
        s.routes[k].worked = 0
        s.links[end].extra = 0
        return True
    works = False
    for c in range(breaks + 1):
        if s.moments[end, EARLIEST, c] <= s.moments[end, LATEST, c]:
            works = True
    for r in range(s.loads.shape[1]):
        if s.loads[k, r] > f.room[k, r]:
            works = False
    s.routes[k].cost = cost + f.people[k].day_cost + unfair(f, k, s.routes[k].worked) + s.links[end].extra
    if f.people[k].counts_duty:
        duty = duty_of(f, s, k, start, np.int64(-1))
        s.routes[k].cost += duty * f.people[k].duty_rate
        if duty > f.people[k].max_duty:
            works = False
    return works


@woven_in
def link(s, p, v, k):
    q = s.links[p].after
    s.links[p].after = v
    s.links[v].before = p
    s.links[v].after = q
    s.links[q].before = v
    s.links[v].route = k


@woven_in
def put_in(f, s, k, p, v, delta):
    """v after p; where nothing but windows counts, only the moments that change are worked out."""
    link(s, p, v, k)
    if not f.plain:
        work_out(f, s, k)
        return
    renew(s, k)
    s.routes[k].length += 1
    s.routes[k].cost += delta
    for r in range(s.loads.shape[1]):
        s.loads[k, r] += f.load[v, r]
    q = s.links[v].after
    p_place, v_place, q_place = s.links[p].place, s.links[v].place, s.links[q].place
    s.links[p].way = f.ways_to[v_place, p_place].cost
    s.links[p].seconds = f.ways_to[v_place, p_place].seconds
    s.links[v].way = f.ways[v_place, q_place].cost
    s.links[v].seconds = f.ways[v_place, q_place].seconds
    x, y = p, v
    while y < f.n:
        leaves = max(s.links[x].leaves + s.links[x].seconds, s.links[y].opens) + s.links[y].service
        if leaves == s.links[y].leaves and y != v:
            break
        s.links[y].leaves = leaves
        x, y = y, s.links[y].after
    x, y = v, q
    while x < f.n:
        until = min(s.links[x].closes, s.links[y].until - s.links[x].seconds - s.links[x].service)
        if until == s.links[x].until and x != v:
            break
        s.links[x].until = until
        x, y = s.links[x].before, x


@woven_in
def take_out(f, s, v):
    p, q = s.links[v].before, s.links[v].after
    s.links[p].after = q
    s.links[q].before = p
    s.links[v].route = -1
    s.absent[0, s.so_far[0].absent] = s.links[v].job
    s.so_far[0].absent += 1


# Ruin and recreate


@inner
def ruin(f, s, mean_removed, longest, split_chance):
    """Strings of visits out of routes around one visit; together about `mean_removed`."""
    made = f.jobs.shape[0] - s.so_far[0].absent
    if made <= 0 or mean_removed <= 0:
        return
    busy = 0
    for k in range(f.people.shape[0]):
        if s.routes[k].length > 0:
            busy += 1
    length_most = min(np.float64(longest), made / max(1, busy))
    strings_most = 4.0 * mean_removed / (1.0 + length_most) - 1.0
    strings = np.int64(part(s.so_far) * strings_most + 1.0)
    around = below(s.so_far, f.n)
    ruined = 0
    for i in range(f.near.shape[1]):
        if ruined >= strings:
            break
        v = f.near[around, i]
        k = s.links[v].route
        if k < 0 or s.routes[k].is_touched or f.visits[v].is_locked:
            continue
        touch(f, s, k)
        ruined += 1
        ruin_route(f, s, k, v, length_most, split_chance)
        work_out(f, s, k)


@inner
def ruin_route(f, s, k, v, length_most, split_chance):
    """One string with v in it out of a route; or one that is longer by some visits in it that stay."""
    m = 0
    position = 0
    x = s.links[s.routes[k].anchor].after
    while x < f.n:
        if x == v:
            position = m
        s.line[m] = x
        m += 1
        x = s.links[x].after
    length = np.int64(part(s.so_far) * min(np.float64(m), length_most) + 1.0)
    length = min(length, m)
    stay = 0
    if length > 1 and length < m and part(s.so_far) < split_chance:
        stay = 1
        while length + stay < m and part(s.so_far) < 0.01:
            stay += 1
    whole = length + stay
    low = max(0, position - whole + 1)
    high = min(position, m - whole)
    first = low + below(s.so_far, high - low + 1)
    skip_from = whole
    if stay > 0:
        skip_from = 1 + below(s.so_far, length - 1)
    for i in range(whole):
        if skip_from <= i < skip_from + stay:
            continue
        take_out(f, s, s.line[first + i])


@inner
def sort_absent(f, s, is_optional):
    """In one of several orders: each finds what the others do not. What must be made comes first."""
    count = s.so_far[0].absent
    ticket = below(s.so_far, 20 if is_optional else 17)
    for i in range(count):
        job = s.absent[0, i]
        v = f.job_visits[f.jobs[job].first]
        if ticket < 4:
            key = np.int64(draw(s.so_far) >> np.uint64(34))
        elif ticket < 8:
            key = -f.load[v, f.load.shape[1] - 1] if f.load.shape[1] > 0 else -(f.nodes[v].service)
        elif ticket < 10:
            key = -np.int64(seconds_of(f, f.n, v))
        elif ticket < 11:
            key = np.int64(seconds_of(f, f.n, v))
        elif ticket < 13:
            key = np.int64(f.visits[v].last_close - f.visits[v].first_open)
        elif ticket < 15:
            key = f.visits[v].first_open
        elif ticket < 17:
            key = -(f.visits[v].last_close)
        else:
            key = -f.jobs[job].value
        if is_optional and f.jobs[job].value >= MUST and ticket < 17:
            key -= HUGE
        s.keys[i] = key
    for i in range(1, count):
        job, key = s.absent[0, i], s.keys[i]
        j = i - 1
        while j >= 0 and s.keys[j] > key:
            s.absent[0, j + 1] = s.absent[0, j]
            s.keys[j + 1] = s.keys[j]
            j -= 1
        s.absent[0, j + 1] = job
        s.keys[j + 1] = key


@woven_in
def has_room(f, s, k, v):
    for r in range(s.loads.shape[1]):
        if s.loads[k, r] + f.load[v, r] > f.room[k, r]:
            return False
    return True


@woven_in
def blinks(so_far, blink):
    """Now and then a place is overlooked."""
    so_far[0].blink_in -= 1
    if so_far[0].blink_in > 0:
        return False
    gap = HUGE
    if blink > 0.0:
        gap = 1 + np.int64(np.log(1.0 - part(so_far)) / np.log(1.0 - blink))
    so_far[0].blink_in = gap
    return True


@inner
def open_routes(f, s):
    """All with visits, those first that this attempt has changed, and one without of each kind of people."""
    for k in range(f.people.shape[0]):
        s.first_empty[f.people[k].kind] = -1
    count = 0
    for k in range(f.people.shape[0]):
        if s.routes[k].length > 0 and s.routes[k].is_touched:
            s.open[count] = k
            count += 1
    for k in range(f.people.shape[0]):
        kind = f.people[k].kind
        if s.routes[k].length > 0:
            if not s.routes[k].is_touched:
                s.open[count] = k
                count += 1
        elif s.first_empty[kind] < 0:
            s.first_empty[kind] = k
            s.open[count] = k
            count += 1
    s.so_far[0].open = count


@woven_in
def best_place(f, s, job, limit, blink):
    """The cheapest place for a job below the limit: what it costs, the visit, the person, and after whom."""
    best, best_v, best_k, best_p = limit, np.int64(-1), np.int64(-1), np.int64(-1)
    for j in range(f.jobs[job].first, f.jobs[job].until):
        v = f.job_visits[j]
        is_large = f.beside.shape[1] > 0
        if is_large:
            best, best_v, best_k, best_p = best_beside(f, s, v, best, best_v, best_k, best_p, blink)
        for i in range(s.so_far[0].open):
            k = s.open[i]
            if is_large and s.routes[k].length > 0:
                continue
            if s.places[v, k].version != s.versions[k]:
                if (
                    best_v >= 0
                    and s.routes[k].is_touched == 0
                    and s.places[v, k].version > 0
                    and s.places[v, k].delta > 2 * best
                    and draw(s.so_far) >> np.uint64(61) != 0
                ):
                    continue  # it was far dearer there when one looked last; most often it still is
                find_place(f, s, k, v, f.jobs[job].value)
            if s.places[v, k].delta < best and not blinks(s.so_far, blink):
                best, best_v, best_k, best_p = s.places[v, k].delta, v, k, s.places[v, k].after
    return best, best_v, best_k, best_p


@woven_in
def best_beside(f, s, v, best, best_v, best_k, best_p, blink):
    """The same, but only after those it goes well after, and before those it goes well before."""
    v_place = f.nodes[v].place
    service = f.nodes[v].service
    opens, closes = f.visits[v].first_open, f.visits[v].last_close
    for side in range(2):
        for i in range(f.beside.shape[1]):
            w = f.beside[v, i, side]
            k = s.links[w].route
            if k < 0 or not f.may[v, k]:
                continue
            p = w if side == 0 else s.links[w].before
            q = s.links[p].after
            if q < f.n and f.visits[q].is_locked:
                continue
            if f.plain:
                p_place, q_place = s.links[p].place, s.links[q].place
                there, on = f.ways_to[v_place, p_place], f.ways[v_place, q_place]
                delta = f.visit_cost[v, k] + there.cost + on.cost - s.links[p].way
                if delta >= best or not has_room(f, s, k, v):
                    continue
                start = max(s.links[p].leaves + there.seconds, opens)
                if start > closes or start + service + on.seconds > s.links[q].until:
                    continue
            else:
                if not has_room(f, s, k, v):
                    continue
                delta = tried(f, s, k, p, v, best)
            if delta < best and not blinks(s.so_far, blink):
                best, best_v, best_k, best_p = delta, v, k, p
    return best, best_v, best_k, best_p


@woven_in
def find_place(f, s, k, v, limit):
    """Where in this route v costs least; true until the route changes, and again when that is undone."""
    best, best_p = limit, np.int64(-1)
    if f.may[v, k] and has_room(f, s, k, v):
        if f.plain:
            best, best_p = find_plain_place(f, s, k, v, limit)
        else:
            p = s.routes[k].anchor
            while p < f.n + f.people.shape[0]:
                delta = tried(f, s, k, p, v, best)
                if delta < best:
                    best, best_p = delta, p
                p = s.links[p].after
    s.places[v, k].version = s.versions[k]
    s.places[v, k].delta = best if best_p >= 0 else HUGE
    s.places[v, k].after = best_p


@inner
def line_of(f, s, k):
    """Which line holds the route as it is now; written anew if none does."""
    line = s.routes[k].line
    if s.lines[line].version == s.versions[k]:
        return line
    line ^= 1
    if s.lines[line].version != s.versions[k]:
        s.lines[line].version = s.versions[k]
        last = f.n + f.people.shape[0]
        x = s.routes[k].anchor
        i = 0
        while True:
            s.stops[line, i].place = s.links[x].place
            s.stops[line, i].leaves = s.links[x].leaves
            s.stops[line, i].until = s.links[x].until
            s.stops[line, i].way = s.links[x].way
            s.stops[line, i].node = x
            if x >= last:
                break
            x = s.links[x].after
            i += 1
        s.lines[line].count = i
    if not s.routes[k].is_touched:
        s.routes[k].line = line
    return line


@woven_in
def find_plain_place(f, s, k, v, limit):
    """The same where nothing but windows counts."""
    line = line_of(f, s, k)
    best, best_i = limit, np.int64(-1)
    service, opens, last_close = s.links[v].service, s.links[v].opens, s.links[v].closes
    must_end = opens + service
    v_place = s.links[v].place
    count = s.lines[line].count
    first, high = np.int64(0), count
    while high - first > 4:  # the first way at whose end there is time for it
        middle = (first + high) >> 1
        if s.stops[line, middle].until < must_end:
            first = middle
        else:
            high = middle
    for i in range(first, count):
        leaves = s.stops[line, i].leaves
        if leaves > last_close:
            break
        until = s.stops[line, i + 1].until
        if until >= must_end:
            p_place, q_place = s.stops[line, i].place, s.stops[line, i + 1].place
            delta = (
                np.int64(f.ways_to[v_place, p_place].cost)
                + f.ways[v_place, q_place].cost
                - s.stops[line, i].way
            )
            if delta < best:
                start = max(leaves + f.ways_to[v_place, p_place].seconds, opens)
                if start <= last_close and start + service + f.ways[v_place, q_place].seconds <= until:
                    best, best_i = delta, i
    if best_i < 0:
        return limit, np.int64(-1)
    best += f.visit_cost[v, k] + (f.people[k].day_cost if s.routes[k].length == 0 else 0)
    return best, np.int64(s.stops[line, best_i].node) if best < limit else np.int64(-1)


@woven_in
def recreate(f, s, blink, is_optional, lost, allowed):
    """Each absent job to where it costs least, if it is worth that; what is lost against before the attempt.

    It is given up as soon as more is lost than allowed: one visit more hardly ever makes a route cheaper.
    """
    sort_absent(f, s, is_optional)
    open_routes(f, s)
    still = 0
    for i in range(s.so_far[0].absent):
        job = s.absent[0, i]
        delta, v, k, p = best_place(f, s, job, f.jobs[job].value, blink)
        lost += delta if v >= 0 else f.jobs[job].value
        if lost >= allowed:
            return lost
        if v < 0:
            s.absent[0, still] = job
            still += 1
            continue
        if not s.routes[k].is_touched:
            touch(f, s, k)
        was_empty = s.routes[k].length == 0
        put_in(f, s, k, p, v, delta)
        if was_empty:
            open_routes(f, s)
    s.so_far[0].absent = still
    return lost


@inner
def total_of(f, s):
    total = np.int64(0)
    for k in range(f.people.shape[0]):
        total += s.routes[k].cost
    for i in range(s.so_far[0].absent):
        total += f.jobs[s.absent[0, i]].value
    return total


@inner
def has_optional(f):
    for job in range(f.jobs.shape[0]):
        if f.jobs[job].value < MUST:
            return True
    return False


@entry
def attempts(f, s, count, temperature, cooling, mean_removed, longest, split_chance, blink, keep_within):
    """So many attempts; a dearer plan is gone on from now and then, less often the lower the temperature."""
    is_optional = has_optional(f)
    for _ in range(count):
        s.so_far[0].absent_before = s.so_far[0].absent
        for i in range(s.so_far[0].absent):
            s.absent[1, i] = s.absent[0, i]
        lost = np.int64(0)
        for i in range(s.so_far[0].absent):
            lost -= f.jobs[s.absent[0, i]].value
        ruin(f, s, mean_removed, longest, split_chance)
        for number in range(s.so_far[0].touched):
            lost += s.routes[s.saved_routes[number].person].cost - s.saved_routes[number].cost
        allowed = np.int64(min(-temperature * np.log(1.0 - part(s.so_far) * 0.999999999), 1e17))
        lost = recreate(f, s, blink, is_optional, lost, allowed)
        if lost < allowed:
            s.so_far[0].current += lost
            if lost != 0 and s.so_far[0].current < s.so_far[0].best + keep_within:
                for number in range(s.so_far[0].touched):
                    keep_route(f, s, s.saved_routes[number].person)
            keep(s)
            if s.so_far[0].current < s.so_far[0].best:
                take_best(s)
        else:
            undo(f, s)
        temperature *= cooling
    return temperature


@inner
def take_best(s):
    s.so_far[0].best = s.so_far[0].current
    s.so_far[0].found += 1
    for i in range(s.links.shape[0]):
        s.best_after[i] = s.links[i].after


@inner
def keep_route(f, s, k):
    """Remember a route for the pool, unless it was remembered before."""
    if s.routes[k].length == 0 or s.so_far[0].kept >= s.kept.shape[0]:
        return
    mixed = np.uint64(f.people[k].kind + 1) * np.uint64(0x9E3779B97F4A7C15)
    x = s.links[f.n + k].after
    while x < f.n:
        mixed ^= np.uint64(x + 1)
        mixed *= np.uint64(0xBF58476D1CE4E5B9)
        mixed ^= mixed >> np.uint64(29)
        x = s.links[x].after
    mark = np.int64(mixed >> np.uint64(1))
    slot = np.int64(mixed & np.uint64(HASHES - 1))
    if s.hashes[slot] == mark:
        return
    number = s.so_far[0].kept
    i = s.kept[number - 1].until if number > 0 else 0
    if i + s.routes[k].length > s.kept_nodes.shape[0]:
        return
    s.hashes[slot] = mark
    s.kept[number].first = i
    x = s.links[f.n + k].after
    while x < f.n:
        s.kept_nodes[i] = x
        i += 1
        x = s.links[x].after
    s.kept[number].until = i
    s.kept[number].person = k
    s.kept[number].cost = s.routes[k].cost
    s.kept[number].total = s.so_far[0].current
    s.so_far[0].kept = number + 1


# Beginning


@entry
def lay(f, s, line, line_from):
    """These routes instead of what there was: the visits of each person, one after the other.

    Whether all of them work.
    """
    for v in range(f.n):
        s.links[v].route = -1
    works = True
    s.so_far[0].touched = 0
    for k in range(f.people.shape[0]):
        s.routes[k].is_touched = 0
        start, end = f.n + k, f.n + f.people.shape[0] + k
        s.links[start].after = end
        s.links[end].before = start
        s.routes[k].anchor = start
        set_start(f, s, k)
        for i in range(line_from[k], line_from[k + 1]):
            v = line[i]
            link(s, s.links[end].before, v, k)
            if f.visits[v].is_locked:
                s.routes[k].anchor = v
        works = work_out(f, s, k) and works
    for job in range(f.jobs.shape[0]):
        s.keys[job] = 0
    for v in range(f.n):
        if s.links[v].route >= 0:
            s.keys[f.visits[v].job] = 1
    count = 0
    for job in range(f.jobs.shape[0]):
        if s.keys[job] == 0:
            s.absent[0, count] = job
            count += 1
    s.so_far[0].absent = count
    s.so_far[0].current = total_of(f, s)
    if s.so_far[0].current < s.so_far[0].best:
        take_best(s)
    return works
