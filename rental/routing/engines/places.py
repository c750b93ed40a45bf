"""The cheapest place of a visit: found once for each state of a route; compiled."""

import numpy as np

from rental.routing.engines.state import HUGE, draw, inner, part, woven_in
from rental.routing.engines.times import tried


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
