"""When a visit can be made, and what one visit more costs: the rules of a day, compiled."""

import numpy as np

from rental.routing.engines.arrays import NEVER
from rental.routing.engines.state import EARLIEST, FREE_UNTIL, HUGE, LATEST, inner, woven_in

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
