"""A plan in a moment: one visit after the other to where it costs least. It always ends with a plan."""

from rental.routing.draft import Draft, is_worth
from rental.routing.matching import may_make
from rental.routing.problem import Problem, Visit


def greedy(problem: Problem) -> Draft:
    """Hard ones first: what must be made, what one person alone can make, what has little choice of time."""
    draft = Draft(problem)
    fill_greedily(draft)
    return draft


def fill_greedily(draft: Draft) -> None:
    """Put what is left out into a draft that may already hold something."""
    problem = draft.problem
    candidates = {
        visit.id: sum(may_make(visit, person) for person in problem.people) for visit in draft.open_visits
    }
    for visit in sorted(draft.open_visits, key=lambda visit: difficulty(visit, candidates[visit.id])):
        option = draft.cheapest(visit) if draft.is_open(visit) else None
        if option is not None and is_worth(visit, option):
            draft.put(visit, option)


def difficulty(visit: Visit, candidates: int) -> tuple[bool, bool, int, int, int]:
    choice = sum(window.closes - window.opens for window in visit.windows)
    worth = -(visit.value or 0)
    return (visit.value is not None, candidates > 1, choice if visit.windows else 86_400, candidates, worth)
