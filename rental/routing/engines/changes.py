"""Routes changed, what is known of them worked out anew, and all of it undone; compiled."""

import numpy as np

from rental.routing.engines.state import EARLIEST, FREE_UNTIL, LATEST, inner, woven_in
from rental.routing.engines.times import (
    duty_of,
    moments,
    owed_at,
    seconds_of,
    set_end,
    set_limits,
    unfair,
    way,
)


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
