"""The compiled search: strings of visits out of neighbouring routes, and each back where it costs least.

"Slack induction by string removals" (Christiaens and Vanden Berghe, 2020), with everything that field service
adds.
"""

import numpy as np

from rental.routing.engines.arrays import MUST
from rental.routing.engines.changes import keep, link, put_in, take_out, touch, undo, work_out
from rental.routing.engines.places import best_place, find_place, open_routes
from rental.routing.engines.state import HASHES, HUGE, below, draw, entry, inner, part, woven_in
from rental.routing.engines.times import seconds_of, set_start

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
def attempts(f, s, count, temperature, cooling, boldness, keep_within):
    """So many attempts; a dearer plan is gone on from now and then, less often the lower the temperature."""
    is_optional = has_optional(f)
    mean_removed, longest, split_chance, blink = boldness
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

    Whether all of them work. Without what is under way they are no plan, however cheap.
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
    is_plan = True
    for v in range(f.n):
        if s.links[v].route >= 0:
            s.keys[f.visits[v].job] = 1
        elif f.visits[v].is_locked:
            is_plan = False
    count = 0
    for job in range(f.jobs.shape[0]):
        if s.keys[job] == 0:
            s.absent[0, count] = job
            count += 1
    s.so_far[0].absent = count
    s.so_far[0].current = total_of(f, s)
    if is_plan and s.so_far[0].current < s.so_far[0].best:
        take_best(s)
    return works


# What changes would cost


@entry
def price_changes(f, s, rows, instead, after, without):
    """What a route costs more with one visit less and another more; a row for each that leaves.

    The rows after those of the visits are people's: nobody leaves. `after` is whom the other comes after.
    """
    for row in rows:
        k, p, less, works = row - f.n, row, np.int64(0), True
        if row < f.n:
            k, p = s.links[row].route, s.links[row].before
            was = s.routes[k].cost
            take_out(f, s, row)
            s.so_far[0].absent -= 1
            works = work_out(f, s, k)
            less = s.routes[k].cost - was
        if works:
            without[row] = less
            for i in range(f.near.shape[1] if row < f.n else f.n):
                v = f.near[row, i] if row < f.n else i
                find_place(f, s, k, v, f.jobs[f.visits[v].job].value)
                if s.places[v, k].delta < HUGE:
                    instead[row, v] = less + s.places[v, k].delta
                    after[row, v] = s.places[v, k].after
        if row < f.n:
            link(s, p, row, k)
            work_out(f, s, k)
