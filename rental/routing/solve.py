"""From a problem to a plan: a first one at once, then better ones until it is told to stop."""

import logging
import random
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from rental.routing.agreed import Agreement
from rental.routing.check import Fault, check
from rental.routing.draft import Draft
from rental.routing.engine import Engine
from rental.routing.engines.greedy import fill_greedily, greedy
from rental.routing.engines.ortools_model import SolverFailed, improve
from rental.routing.engines.ruin import ruin_and_recreate
from rental.routing.explain import explain, linked_reasons_of, reasons_of
from rental.routing.make_room import make_room
from rental.routing.plan import Plan
from rental.routing.problem import Problem
from rental.routing.stand_ins import chosen, has_stand_ins, kept_in, without
from rental.routing.stop import SoFar, Stop, budget_of

log = logging.getLogger("rental.routing")

Progress = Callable[[float, int, Plan], None]
Clock = Callable[[], float]

FIRST_SHARE = 0.6  # of all time and iterations: afterwards the optimiser has a plan worth descending from
EVERYBODY, ONE_EACH = 0.35, 0.7  # until when humans may come as several, and until when as none
ATTEMPTS_BETWEEN = 300  # of ours, between two descents of the optimiser
TRIALS_AN_ITERATION = 100  # of the optimiser: about as long as one of our attempts


def solve(
    problem: Problem,
    stop: Stop,
    seed: int,
    start: Plan | None = None,
    progress: Progress | None = None,
    *,
    engine: Engine = Engine.AUTO,
    clock: Clock = time.monotonic,
    jobs: int = 1,
) -> Plan:
    """The best plan found until `stop` says so.

    Never worse than `start`: fewer visits that must be made are left out, or as many at no higher cost. A
    start that is broken, because people or visits have changed, is kept as far as it goes. The plan is the
    same for the same seed when `stop` asks for iterations only. No visit is left out that would fit at a
    profit, and hardly one that would if another made room. `progress` hears seconds, yen and the plan, every
    time it is better, still without true reasons; what it raises comes out. `clock` tells the seconds that
    `stop` counts. `jobs` processes of the compiled search work side by side; what one of them found is kept
    when another dies. Raises InvalidProblem where what is locked cannot be driven.
    """
    watch = Watch(stop, progress, clock)
    if has_stand_ins(problem):
        again = partial(solve, progress=progress, engine=engine, clock=clock, jobs=jobs)
        return solve_with_stand_ins(problem, start, seed, watch, again)
    if problem.linked:
        plan_day = partial(solve, engine=engine, clock=clock, jobs=jobs)
        return solve_linked(problem, start, seed, watch, plan_day)
    searches = {Engine.ORTOOLS: search_by_optimiser, Engine.PYVRP: search_by_pyvrp}
    try:
        best = searches.get(engine, partial(search_compiled, jobs=jobs))(problem, start, seed, watch)
    except ImportError:
        if engine is not Engine.AUTO:
            raise
        log.exception("The compiled search cannot be loaded; the plan is made by the optimiser.")
        best = search_by_optimiser(problem, start, seed, watch)
    best = best.copy()
    best.fill()
    best = make_room(best)
    plan = best.plan(reasons_of(best))
    return plan if start is None else not_worse(problem, plan, start)


def solve_with_stand_ins(
    problem: Problem, start: Plan | None, seed: int, watch: "Watch", again: Callable[..., Plan]
) -> Plan:
    """First everybody may come; then, twice, who comes as several is told to be one."""
    plan = start
    if start is None:
        plan = again(without(problem, ()), watch.until(EVERYBODY), seed, None, progress=None)
    for share in (ONE_EACH, 1.0):
        least = 0 if share == 1.0 else 2
        day = chosen(problem, plan or Plan((), (), 0), least=least)
        plan = again(day, watch.until(share), seed, None if plan is None else kept_in(day, plan))
    assert plan is not None  # noqa: S101  (the loop has just set it)
    if start is not None and may_be_kept(problem, plan, start):
        plan = start
    return replace(plan, left_out=explain(problem, plan).left_out)


def solve_linked(
    problem: Problem, start: Plan | None, seed: int, watch: "Watch", plan_day: Callable[..., Plan]
) -> Plan:
    """With crews and orders: see `engines.linked`."""
    from rental.routing.engines.linked import search_linked

    best = search_linked(problem, start, seed, watch, plan_day)
    plan = best.draft.plan(linked_reasons_of(best))
    if start is None or not may_be_kept(problem, plan, start):
        return plan
    return replace(start, left_out=linked_reasons_of(Agreement.of_plan(problem, start)))


class Watch:
    """Counts the iterations, asks whether to stop, and tells of better plans."""

    def __init__(self, stop: Stop, progress: Progress | None, clock: Clock) -> None:
        self.stop, self.progress, self.clock = stop, progress, clock
        self.began = clock()
        self.iterations = 0
        self.trials = 0
        self.budget = budget_of(stop)

    def until(self, share: float) -> Stop:
        """For a search of its own that ends when this share of everything is used up."""
        most = (
            None if self.budget.iterations is None else int(self.budget.iterations * share) - self.iterations
        )
        self.iterations += most or 0
        return lambda so_far: self.is_over(share) if most is None else so_far.iterations >= most

    @property
    def seconds(self) -> float:
        return self.clock() - self.began

    def is_over(self, share: float = 1.0) -> bool:
        """Whether this share of everything is used up."""
        return self.stop(SoFar(self.seconds / share, int(self.iterations / share)))

    def attempt_is_over(self, share: float = 1.0, until: int | None = None) -> bool:
        """Asked before each attempt of ours; none follows the iteration `until`."""
        self.iterations += 1
        return self.is_over(share) or (until is not None and self.iterations > until)

    def trial_is_over(self) -> bool:
        self.trials += 1
        if self.trials % TRIALS_AN_ITERATION == 0:
            self.iterations += 1
        return self.is_over()

    def is_better(self, draft: Draft) -> None:
        if self.progress is not None:
            self.progress(self.seconds, draft.cost, draft.plan())

    # What the compiled search asks

    def share(self) -> float:
        return self.budget.share(SoFar(self.seconds, self.iterations))

    def count(self, attempts: int) -> None:
        self.iterations += attempts

    def left(self) -> int | None:
        most = self.budget.iterations
        return None if most is None else max(0, most - self.iterations)

    def seconds_left(self) -> float | None:
        most = self.budget.seconds
        return None if most is None else max(0.0, most - self.seconds)


def search_compiled(problem: Problem, start: Plan | None, seed: int, watch: Watch, *, jobs: int = 1) -> Draft:
    # Loaded only when there is something to search: it takes a second and 80 MB.
    from rental.routing.engines.search import CompiledSearch

    if not problem.visits:
        return Draft(problem)
    search = CompiledSearch(problem, seed, watch)
    drafts = [search.first(), *started(problem, start)]
    best = min(drafts, key=lambda draft: draft.standing)
    watch.is_better(best)
    is_given = best is not drafts[0]
    if jobs > 1 and not watch.is_over():
        from rental.routing.engines.processes import search_side_by_side

        return search_side_by_side(search, best, watch, jobs, is_given=is_given)
    return search.run(best, is_given=is_given)


def search_by_optimiser(problem: Problem, start: Plan | None, seed: int, watch: Watch) -> Draft:
    """Our own simple attempts and descents of the optimiser in turn; without the optimiser when it fails."""
    draft = min([greedy(problem), *started(problem, start)], key=lambda draft: draft.standing)
    watch.is_better(draft)
    if not problem.visits:
        return draft
    chance = random.Random(seed)  # noqa: S311  (nothing is kept secret with it)
    draft = ruin_and_recreate(draft, chance, partial(watch.attempt_is_over, FIRST_SHARE), watch.is_better)
    descend = True
    while not watch.is_over():
        if descend:
            try:
                draft = improve(draft, watch.trial_is_over, watch.is_better)
            except SolverFailed:
                log.exception("The optimiser failed; the plan is made without it.")
                descend = False
        last = watch.iterations + ATTEMPTS_BETWEEN
        draft = ruin_and_recreate(draft, chance, partial(watch.attempt_is_over, until=last), watch.is_better)
    return draft


def search_by_pyvrp(problem: Problem, start: Plan | None, seed: int, watch: Watch) -> Draft:
    from rental.routing.engines.pyvrp_model import improve as improve_by_pyvrp

    draft = min([Draft(problem), *started(problem, start)], key=lambda draft: draft.standing)
    return improve_by_pyvrp(draft, seed, watch.is_over, watch.is_better) if problem.visits else draft


def started(problem: Problem, start: Plan | None) -> list[Draft]:
    """The plan to go on from, as it is and with what it leaves out put in."""
    if start is None:
        return []
    kept = Draft.of(problem, start.sequences)
    filled = kept.copy()
    fill_greedily(filled)
    return [kept, filled]


def not_worse(problem: Problem, plan: Plan, start: Plan) -> Plan:
    """The start itself, with today's reasons, where nothing better was found and it can be driven."""
    if not may_be_kept(problem, plan, start):
        return plan
    return replace(start, left_out=reasons_of(Draft.of(problem, start.sequences)))


def may_be_kept(problem: Problem, plan: Plan, start: Plan) -> bool:
    """Whether the start can be driven, and the plan is no better."""
    if any(broken.code is not Fault.MUST_LEFT_OUT for broken in check(problem, start)):
        return False
    return standing(problem, plan) > standing(problem, start)


def standing(problem: Problem, plan: Plan) -> tuple[int, int]:
    return sum(problem.visit(each.visit).value is None for each in plan.left_out), plan.cost
