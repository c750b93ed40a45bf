"""The best choice among all routes ever found: each visit made once, nobody in two places."""

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ortools.linear_solver import pywraplp

from rental.routing.engines.arrays import PARTS_OF_A_YEN, Facts
from rental.routing.engines.chain import KeptRoute

log = logging.getLogger("rental.routing")

MOST_ROUTES = 2500  # SCIP takes a few tenths of a second for so many, and seconds for twice as many
MOST_NODES = 200  # of its search tree: where time does not count, this ends it
ASKED_EVERY = 0.05  # seconds


class Pool:
    """Routes worth combining: the cheapest of each set of visits, and which search found it."""

    def __init__(self, facts: Facts) -> None:
        self._kinds = facts.people["kind"].tolist()
        self._routes: dict[tuple[int, frozenset[int]], tuple[int, KeptRoute]] = {}

    def __len__(self) -> int:
        return len(self._routes)

    def add(self, routes: Iterable[KeptRoute], search: int) -> None:
        for route in routes:
            key = (self._kinds[route.person], frozenset(route.visits))
            _, known = self._routes.get(key, (search, None))
            if known is None or route.cost < known.cost:
                total = route.total if known is None else min(route.total, known.total)
                self._routes[key] = (search, KeptRoute(route.person, route.visits, route.cost, total))
        if len(self._routes) > 8 * MOST_ROUTES:
            kept = self._in_turn()[: 4 * MOST_ROUTES]
            self._routes = {
                (self._kinds[route.person], frozenset(route.visits)): (number, route)
                for number, route in kept
            }

    def best(self) -> list[KeptRoute]:
        """Of every search the routes of its best plans: those of one alone would hardly give another plan."""
        return [route for _, route in self._in_turn()[:MOST_ROUTES]]

    def _in_turn(self) -> list[tuple[int, KeptRoute]]:
        of_search: dict[int, list[KeptRoute]] = {}
        for number, route in self._routes.values():
            of_search.setdefault(number, []).append(route)
        ranked = []
        for number, routes in of_search.items():
            routes.sort(key=lambda route: (route.total, route.person, route.visits))
            ranked += [(rank, number, route) for rank, route in enumerate(routes)]
        ranked.sort(key=lambda each: each[:2])
        return [(number, route) for _, number, route in ranked]


def best_choice(
    facts: Facts,
    routes: Sequence[KeptRoute],
    standing: Sequence[Sequence[int]],
    seconds: float | None,
    is_over: Callable[[], bool],
) -> list[list[int]] | None:
    """The visits of each person; None when nothing was found in time. `standing` is where the search stands.

    Without `seconds` it takes as long as it takes to look at so many branches, the same on every machine.
    """
    solver = pywraplp.Solver.CreateSolver("SCIP")
    if solver is None:
        log.warning("OR-Tools came without SCIP; routes are not recombined.")
        return None
    chosen = model_of(solver, facts, routes, standing)
    if seconds is not None:
        solver.SetTimeLimit(max(1, int(seconds * 1000)))
    solver.SetSolverSpecificParametersAsString(f"limits/nodes = {MOST_NODES}\n")
    answer: list[int] = []
    work = threading.Thread(target=lambda: answer.append(solver.Solve()), daemon=True)
    work.start()
    while work.is_alive():
        work.join(ASKED_EVERY)
        if work.is_alive() and is_over():
            solver.InterruptSolve()
            return None  # it needs a moment to notice; nobody waits for that
    if answer[0] not in (pywraplp.Solver.OPTIMAL, pywraplp.Solver.FEASIBLE):
        return None
    return assigned(facts, [route for route, choice in chosen if choice.solution_value() > 0.5])


def model_of(
    solver: Any, facts: Facts, routes: Sequence[KeptRoute], standing: Sequence[Sequence[int]]
) -> list[tuple[KeptRoute, Any]]:
    job_of = facts.visits["job"].tolist()
    kind_of = facts.people["kind"].tolist()
    objective = solver.Objective()
    objective.SetMinimization()
    rows = []
    for job in facts.jobs:
        row = solver.RowConstraint(1, 1, "")
        missed = solver.BoolVar("")
        row.SetCoefficient(missed, 1)
        objective.SetCoefficient(missed, float(job["value"]) / PARTS_OF_A_YEN)
        rows.append(row)
    people = {kind: solver.RowConstraint(0, kind_of.count(kind), "") for kind in set(kind_of)}
    now = {(kind_of[person], tuple(line)) for person, line in enumerate(standing)}
    chosen, hints = [], []
    for route in routes:
        choice = solver.BoolVar("")
        objective.SetCoefficient(choice, route.cost / PARTS_OF_A_YEN)
        people[kind_of[route.person]].SetCoefficient(choice, 1)
        for visit in route.visits:
            rows[job_of[visit]].SetCoefficient(choice, 1)
        chosen.append((route, choice))
        hints.append(float((kind_of[route.person], route.visits) in now))
    solver.SetHint([choice for _, choice in chosen], hints)
    return chosen


def assigned(facts: Facts, chosen: Sequence[KeptRoute]) -> list[list[int]]:
    """A person for each route, of the kind it was made for."""
    free: dict[int, list[int]] = {}
    for person, kind in enumerate(facts.people["kind"].tolist()):
        free.setdefault(kind, []).append(person)
    kind_of = facts.people["kind"].tolist()
    lines: list[list[int]] = [[] for _ in facts.people]
    for route in chosen:
        lines[free[kind_of[route.person]].pop(0)] = list(route.visits)
    return lines
