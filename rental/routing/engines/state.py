"""Where the compiled search stands: everything it changes, laid out so that what is read most lies together.

A route is a linked list from the start of a person's day to its end. For every node are known, for each
number of breaks already taken: the earliest moment its service can start, the latest at which the rest of the
day still works, and the latest at which the rest still costs nothing extra. So whether a visit fits between
two others is answered without walking the route.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from rental.routing.engines.arrays import Facts, Longs, Records

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
