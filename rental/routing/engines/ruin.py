"""Take a few neighbouring visits out, put each back where it costs least, keep what is better or nearly."""

import random
from collections.abc import Callable

import numpy as np

from rental.routing.draft import Draft, is_worth
from rental.routing.problem import Problem, Visit

MOST_TAKEN_OUT = 12
NEARLY = 0.01  # of the cost: so much dearer than the best may the plan be that the search goes on from


def ruin_and_recreate(
    draft: Draft,
    chance: random.Random,
    is_over: Callable[[], bool],
    on_better: Callable[[Draft], None],
) -> Draft:
    """The best draft found until it is over; `is_over` is asked once for each attempt."""
    best = current = draft
    if not draft.problem.visits:
        return best
    neighbours = near_each_other(draft.problem)
    while not is_over():
        attempt = current.copy()
        attempt.take_out(some_of(draft.problem, neighbours, chance))
        put_back(attempt, chance)
        if attempt.standing < best.standing:
            best = current = attempt
            on_better(best)
        elif is_nearly_as_good(attempt, best):
            current = attempt
    return best


def near_each_other(problem: Problem) -> list[list[int]]:
    """For each visit the numbers of those that are reached from it soonest, itself among them."""
    places = [visit.place for visit in problem.visits]
    far = np.iinfo(np.int32).max
    seconds = np.where(problem.travel.unreachable, far, problem.travel.seconds)[np.ix_(places, places)]
    nearest: list[list[int]] = np.argsort(seconds, axis=1, kind="stable")[:, :MOST_TAKEN_OUT].tolist()
    return nearest


def some_of(problem: Problem, neighbours: list[list[int]], chance: random.Random) -> set[str]:
    around = chance.choice(neighbours)
    return {problem.visits[number].id for number in around[: chance.randint(1, MOST_TAKEN_OUT)]}


def put_back(draft: Draft, chance: random.Random) -> None:
    """In one of several orders: each finds what the others do not. What must be made always comes first."""
    visits = draft.open_visits
    chance.shuffle(visits)
    if chance.random() < 0.5:
        visits.sort(key=lambda visit: -(visit.value or 0))
    visits.sort(key=is_optional)
    for visit in visits:
        option = draft.cheapest(visit) if draft.is_open(visit) else None
        if option is not None and is_worth(visit, option):
            draft.put(visit, option)


def is_optional(visit: Visit) -> bool:
    return visit.value is not None


def is_nearly_as_good(attempt: Draft, best: Draft) -> bool:
    missed, yen = best.standing
    return attempt.standing <= (missed, yen + int(yen * NEARLY))
