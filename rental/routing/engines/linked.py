"""Visits of two people, and visits in order: times are agreed, the days planned, and the times agreed anew.

The optimiser's model of the whole moves the times; with the times agreed, whoever searches otherwise plans
the rest, with all that a day can have.
"""

import logging
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from rental.routing.agreed import Agreement
from rental.routing.draft import Draft
from rental.routing.engines.greedy import fill_greedily
from rental.routing.engines.ortools_model import SolverFailed, improve_whole
from rental.routing.links import Moment, clusters, visits_in
from rental.routing.plan import Plan
from rental.routing.problem import Problem
from rental.routing.stop import SoFar, Stop

log = logging.getLogger("rental.routing")

ROUNDS = 40  # of planning the days and agreeing anew
SHARE_WITHOUT_LINKS = 0.1
SHARE_OF_OPTIMISER = 0.3  # of what is left of a round
MOST_TAKEN_OUT = 3  # clusters whose times are agreed anew at once
SHARES_TAKEN_OUT = (0.0, 0.3, 0.7)  # of the visits without links, so that there is room for other times

PlanDay = Callable[[Problem, Stop, int, Plan], Plan]  # with the times agreed: never worse than the plan given


class Watch(Protocol):
    """What this search asks and tells while it runs."""

    def share(self) -> float: ...

    def is_over(self, share: float = 1.0) -> bool: ...

    def trial_is_over(self) -> bool: ...

    def count(self, attempts: int) -> None: ...

    def left(self) -> int | None: ...

    def seconds_left(self) -> float | None: ...

    def is_better(self, draft: Draft) -> None: ...


def search_linked(
    problem: Problem, start: Plan | None, seed: int, watch: Watch, plan_day: PlanDay
) -> Agreement:
    """The best agreement until it is over. `plan_day` searches for a plan of a day without links."""
    return Search(problem, seed, watch, plan_day).run(start)


class Search:
    """Owns the best agreement so far."""

    def __init__(self, problem: Problem, seed: int, watch: Watch, plan_day: PlanDay) -> None:
        self.problem, self.seed, self.watch, self.plan_day = problem, seed, watch, plan_day
        self.chance = random.Random(seed)  # noqa: S311  (nothing is kept secret with it)
        self.clusters = clusters(problem)
        self.optimiser_works = True
        self.best = Agreement.none(problem)

    def run(self, start: Plan | None) -> Agreement:
        if start is not None:
            self.best = Agreement.of_plan(self.problem, start)
        first = self.filled(Agreement.none(self.problem) if start is None else self.best)
        self.best = min(self.best, first, key=lambda each: each.standing)
        self.watch.is_better(self.best.draft)
        self.offer(self.from_a_day_without_links())
        while not self.watch.is_over():
            self.watch.count(1)
            until = self.watch.share() + 1 / ROUNDS
            self.offer(self.descended(self.shaken(), until))
            self.offer(self.planned(self.best if until >= 1 else self.last, min(1.0, until)))
        self.best = self.filled(self.best, to_the_end=True)
        return self.best

    def offer(self, found: Agreement) -> None:
        self.last = found
        if found.standing < self.best.standing:
            self.best = found
            self.watch.is_better(found.draft)

    def filled(self, agreement: Agreement, *, to_the_end: bool = False) -> Agreement:
        """With what must be made, then what pays most, while there is time; the rest as it fits."""
        for cluster in sorted(agreement.missing, key=lost_without):
            if self.watch.is_over() and not to_the_end:
                break
            agreement = agreement.with_cluster(cluster)
        draft = agreement.draft.copy()
        if to_the_end:
            draft.fill()
        else:
            fill_greedily(draft)
        return agreement.moved(draft)

    def from_a_day_without_links(self) -> Agreement:
        """Planned as if nobody waited for anybody: that leaves room where linked visits were."""
        if self.watch.is_over():
            return self.best
        free = tuple(replace(visit, crew=None, after=()) for visit in self.problem.visits)
        plan = self.searched(Draft(replace(self.problem, visits=free)), SHARE_WITHOUT_LINKS)
        return self.filled(Agreement.of(self.problem, {}, plan.sequences))

    def shaken(self) -> Agreement:
        """The best without some clusters and some other visits; what was missing is put in first."""
        count = self.chance.randint(1, min(MOST_TAKEN_OUT, len(self.clusters)))
        taken = self.chance.sample(self.clusters, count)
        share = self.chance.choice(SHARES_TAKEN_OUT)
        out = {visit.id for each in taken for visit in visits_in(each)}
        others = [visit.id for visit in self.problem.visits if visit.id not in self.problem.linked]
        out |= {each for each in others if self.chance.random() < share}
        missing = [cluster for cluster in self.best.missing if cluster not in taken]
        agreement = self.best.without(out)
        for cluster in (*sorted(missing, key=lost_without), *taken):
            if not self.watch.is_over():
                agreement = agreement.with_cluster(cluster)
        return self.filled(agreement)

    def descended(self, agreement: Agreement, until: float) -> Agreement:
        """By the optimiser's model of the whole, in which times are free."""
        share = self.watch.share()
        ends = share + (until - share) * SHARE_OF_OPTIMISER
        if not self.optimiser_works or share >= ends:
            return agreement
        try:
            return improve_whole(
                agreement, lambda: self.watch.trial_is_over() or self.watch.share() >= ends, self.hear
            )
        except SolverFailed:
            log.exception("The optimiser failed; times are agreed without it.")
            self.optimiser_works = False
            return agreement

    def hear(self, agreement: Agreement) -> None:
        if agreement.standing < self.best.standing:
            self.best = agreement
            self.watch.is_better(agreement.draft)

    def planned(self, agreement: Agreement, until: float) -> Agreement:
        """The day with these times agreed, planned by whoever plans days."""
        return agreement.moved(self.searched(agreement.draft, until))

    def searched(self, draft: Draft, until: float) -> Draft:
        """What is found until this share of everything is used up; the draft itself where that is now."""
        left = max(0.0, until - self.watch.share()) / max(1e-9, 1 - self.watch.share())
        attempts, seconds = self.watch.left(), self.watch.seconds_left()
        most = None if attempts is None else int(attempts * left)
        longest = None if seconds is None else seconds * left
        if most == 0 or longest == 0.0 or self.watch.is_over():
            return draft

        def is_over(so_far: SoFar) -> bool:
            spent = most is not None and so_far.iterations >= most
            late = longest is not None and so_far.seconds >= longest
            return spent or late or self.watch.is_over()

        plan = self.plan_day(draft.problem, is_over, self.seed, draft.plan())
        self.watch.count(most or 0)
        return Draft.of(draft.problem, plan.sequences)


def lost_without(cluster: list[Moment]) -> tuple[bool, int]:
    values = [visit.value for visit in visits_in(cluster)]
    return (None not in values, -sum(value or 0 for value in values))
