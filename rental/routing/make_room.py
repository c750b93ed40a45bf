"""A visit left out put in after all, where another one makes room for it: ejection insertion.

What goes out is worth less, or finds a place elsewhere. The plan never becomes worse: fewer visits that must
be made are left out, or as many at a lower cost.
"""

from collections.abc import Iterator

from rental.routing.draft import Draft, Option, is_worth
from rental.routing.matching import may_make
from rental.routing.problem import Person, Visit

MOST_TRIALS = (
    1000  # places tried, for all visits together: less than a tenth of a second, and the same every time
)


def make_room(draft: Draft, most_trials: int = MOST_TRIALS) -> Draft:
    """The draft, or a better one: one visit out for each that comes in."""
    trials = Trials(most_trials)
    progress = True
    while progress and trials.left > 0:
        progress = False
        for missed in sorted(draft.left_out, key=by_loss):
            better = with_room_for(draft, missed, trials)
            if better is not None:
                better.fill()
                draft, progress = better, True
                break
    return draft


class Trials:
    """So many places may be tried; counted, so that the same problem ends with the same plan everywhere."""

    def __init__(self, most: int) -> None:
        self.left = most

    def cheapest(self, draft: Draft, visit: Visit, people: tuple[Person, ...]) -> tuple[Visit, Option] | None:
        """The cheapest place of the visit, or of one of its alternatives, in the routes of these people."""
        best: tuple[Visit, Option] | None = None
        for other in draft.problem.alternatives(visit):
            for person in people:
                if not may_make(other, person) or not draft.is_open(other):
                    continue
                for position in range(len(person.locked), len(draft.visits_of(person)) + 1):
                    self.left -= 1
                    option = draft.option(other, person, position)
                    if option is not None and (best is None or option.yen < best[1].yen):
                        best = other, option
        return best


def by_loss(visit: Visit) -> tuple[bool, int]:
    """What must be made first, then what is worth most."""
    return visit.value is not None, -(visit.value or 0)


def with_room_for(draft: Draft, missed: Visit, trials: Trials) -> Draft | None:
    """A better draft with this visit in it; None where none was found."""
    for person, out in in_the_way(draft, missed):
        if trials.left <= 0:
            return None
        other = draft.copy()
        other.take_out({out.id})
        found = trials.cheapest(other, missed, (person,))
        if found is None:
            continue
        other.put(*found)
        elsewhere = trials.cheapest(other, out, draft.problem.people)
        if elsewhere is not None and is_worth(*elsewhere):
            other.put(*elsewhere)
        if other.standing < draft.standing:
            return other
    return None


def in_the_way(draft: Draft, missed: Visit) -> Iterator[tuple[Person, Visit]]:
    """Who could make it, and what they make now, what is worth least first."""
    alternatives = draft.problem.alternatives(missed)
    pairs = [
        (person, visit)
        for person in draft.problem.people
        if any(may_make(other, person) for other in alternatives)
        for visit in draft.visits_of(person)
        if visit.id not in person.locked
    ]
    yield from sorted(pairs, key=lambda pair: (pair[1].value is None, pair[1].value or 0))
