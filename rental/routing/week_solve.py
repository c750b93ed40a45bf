"""From a week to a plan: which day for which visit, then the days by themselves, then what did not fit."""

import random
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from rental.routing.agreed import Agreement
from rental.routing.check import Fault
from rental.routing.draft import Draft, Option
from rental.routing.engine import Engine
from rental.routing.explain import linked_reasons_of, reason_for
from rental.routing.plan import LeftOut, Plan, Reason
from rental.routing.price import price
from rental.routing.problem import Visit
from rental.routing.solve import solve
from rental.routing.stop import SoFar, Stop, budget_of
from rental.routing.week import Week, WeekLeftOut, WeekPlan, WeekReason, WeekVisit
from rental.routing.week_check import check_week

# Until when, of all time and attempts:
SPREADING = 0.15  # days are chosen for visits
FIRST_DAYS = 0.55  # the days are planned
MOVING = 0.7  # visits change their day; afterwards the days are planned again

Clock = Callable[[], float]
Progress = Callable[[float, int, WeekPlan], None]


def solve_week(
    week: Week,
    stop: Stop,
    seed: int,
    start: WeekPlan | None = None,
    progress: Progress | None = None,
    *,
    engine: Engine = Engine.AUTO,
    clock: Clock = time.monotonic,
    jobs: int = 1,
) -> WeekPlan:
    """The best plan found until `stop` says so; never worse than `start` where that keeps its promises.

    The same for the same seed when `stop` asks for iterations only. What fits on no day is named with the
    reason. Raises InvalidProblem where what is locked cannot be driven.
    """
    plan_day = partial(solve, engine=engine, clock=clock, jobs=jobs)
    search = WeekSearch(week, stop, seed, clock, plan_day)
    plan = search.run(start, progress)
    if start is None or any(each.code is not Fault.MUST_LEFT_OUT for each in check_week(week, start)):
        return plan
    return min(start, plan, key=lambda each: standing(week, each))


def standing(week: Week, plan: WeekPlan) -> tuple[int, int]:
    """Less is better: visits that must be made and are not, then yen."""
    return sum(week.visit(each.visit).visit.value is None for each in plan.left_out), plan.cost


class WeekSearch:
    """Owns a draft of each day on which somebody works. What is in none of them is left out."""

    def __init__(
        self, week: Week, stop: Stop, seed: int, clock: Clock, plan_day: Callable[..., Plan]
    ) -> None:
        self.week, self.stop, self.seed, self.clock, self.plan_day = week, stop, seed, clock, plan_day
        self.began, self.iterations, self.budget = clock(), 0, budget_of(stop)
        self.chance = random.Random(seed)  # noqa: S311  (nothing is kept secret with it)
        self.drafts = self.empty()
        self.ids = [each.visit.id for each in week.visits]

    def run(self, start: WeekPlan | None, progress: Progress | None) -> WeekPlan:
        def tell() -> None:
            if progress is not None:
                plan = self.plan(())
                progress(self.so_far.seconds, plan.cost, plan)

        if start is not None:
            self.lay(start)
        self.search_days(self.chosen_days(), FIRST_DAYS)
        self.fill()
        tell()
        if not self.is_over():
            self.move()
            self.search_days({}, 1.0)
            self.fill()
            tell()
        return self.plan(self.reasons())

    @property
    def so_far(self) -> SoFar:
        return SoFar(self.clock() - self.began, self.iterations)

    @property
    def share(self) -> float:
        return self.budget.share(self.so_far)

    def is_over(self) -> bool:
        return self.stop(self.so_far)

    @property
    def day_of(self) -> dict[str, int]:
        """On which day each visit is."""
        return {each: day for day, draft in self.drafts.items() for each in made_in(draft)}

    @property
    def homeless(self) -> list[WeekVisit]:
        """What is on no day, what must be made first, then what is worth most."""
        placed = self.day_of
        visits = [each for each in self.week.visits if each.visit.id not in placed]
        return sorted(visits, key=lambda each: (each.visit.value is not None, -(each.visit.value or 0)))

    # Which day

    def empty(self) -> dict[int, Draft]:
        """Only with what is under way."""
        return {day: self.drawn(day, (), None) for day, people in enumerate(self.week.people) if people}

    def lay(self, start: WeekPlan) -> None:
        """Days of another plan, as far as they go."""
        for day, plan in enumerate(start.days[: len(self.week.days)]):
            if day in self.drafts:
                ids = [each for route in plan.routes for each in route.visits if self.week.has_visit(each)]
                fit = self.fitting(dict.fromkeys(ids, day), self.day_of)
                self.drafts[day] = self.drawn(day, fit, plan)

    def chosen_days(self) -> dict[str, int]:
        """For all that is on no day yet."""
        # Loaded only when it is wanted: CP-SAT takes half a second.
        from rental.routing.engines.spread import spread

        simple = self.fitting(self.simple_days(), self.day_of)
        if self.is_over() or self.day_of.keys() - self.week.locked_on.keys():
            return simple
        seconds = None if self.budget.seconds is None else self.budget.seconds * SPREADING
        days = spread(self.week, self.seed, seconds, self.is_over, simple)
        self.iterations += int((self.budget.iterations or 0) * SPREADING)
        return self.fitting(days, self.day_of)

    def simple_days(self) -> dict[str, int]:
        """Those of a series as early as can be, others where there is least work for each person."""
        load = dict.fromkeys(self.drafts, 0.0)
        days: dict[str, int] = dict(self.day_of)
        for each in sorted(self.homeless, key=lambda one: (one.series is None, len(self.week.days_of(one)))):
            cluster = self.week.cluster_of(each.visit.id)
            free = [day for day in self.week.days_of(each) if self.is_apart(each, day, days)]
            if each.visit.id in days or not free:
                continue
            day = free[0] if each.series is not None else min(free, key=lambda one: (load[one], one))
            for visit_id in cluster:
                days[visit_id] = day
                load[day] += self.week.visit(visit_id).visit.service_seconds / len(self.week.people[day])
        return days

    def fitting(self, days: Mapping[str, int], known: Mapping[str, int]) -> dict[str, int]:
        """Of these days those that can be: whole clusters on one day, series far enough apart."""
        fit: dict[str, int] = dict(known)
        for visit_id, day in days.items():
            cluster = self.week.cluster_of(visit_id)
            visits = [self.week.visit(each) for each in cluster]
            if (
                visit_id not in fit
                and all(days.get(each) == day for each in cluster)
                and day in self.week.days_of(visits[0])
                and self.are_apart(visits, day, fit)
            ):
                fit.update(dict.fromkeys(cluster, day))
        return {each: day for each, day in fit.items() if each not in known}

    def are_apart(self, visits: Sequence[WeekVisit], day: int, days: Mapping[str, int]) -> bool:
        series = [each.series for each in visits if each.series is not None]
        return len(set(series)) == len(series) and all(self.is_apart(each, day, days) for each in visits)

    def is_apart(self, visit: WeekVisit, day: int, days: Mapping[str, int]) -> bool:
        """Far enough from the others of its series."""
        others = self.week.series[visit.series] if visit.series is not None else ()
        return not any(
            abs(days[other.visit.id] - day) < visit.days_apart
            for other in others
            if other is not visit and other.visit.id in days
        )

    # The days

    def drawn(self, day: int, visit_ids: Collection[str], plan: Plan | None) -> Draft:
        """A day that may have these visits, with what of the plan can be kept."""
        locked = {each for each, when in self.week.locked_on.items() if when == day}
        problem = self.week.problem_of(day, locked.union(visit_ids))
        return (Agreement.none(problem) if plan is None else Agreement.of_plan(problem, plan)).draft

    def search_days(self, more: Mapping[str, int], until: float) -> None:
        """Plan every day by itself, with what more is to be on it; time is shared by the number of visits."""
        wanted = {
            day: [*made_in(draft), *(each for each, when in more.items() if when == day)]
            for day, draft in self.drafts.items()
        }
        for number, (day, visit_ids) in enumerate(wanted.items()):
            left = sum(len(ids) for ids in list(wanted.values())[number:])
            share = (until - self.share) * len(visit_ids) / max(1, left)
            self.drafts[day] = self.searched(day, visit_ids, max(0.0, share))

    def searched(self, day: int, visit_ids: Collection[str], share: float) -> Draft:
        """The day with these visits, planned for this share of everything."""
        before = self.drafts[day].plan(())
        problem = self.week.problem_of(day, visit_ids)
        if not problem.visits:
            return self.drafts[day]
        start = Agreement.of_plan(problem, before).draft.plan()
        seconds, most = self.budget.seconds, self.budget.iterations
        attempts = None if most is None else int(most * share)

        def is_over(so_far: SoFar) -> bool:
            late = seconds is not None and so_far.seconds >= seconds * share
            return late or (attempts is not None and so_far.iterations >= attempts) or self.is_over()

        plan = self.plan_day(problem, is_over, self.seed, start if start.routes else None)
        self.iterations += attempts or 0
        return Agreement.of_plan(problem, plan).draft

    # What did not fit, and what fits better elsewhere

    def fill(self) -> None:
        """What is on no day goes where it costs least, when it is worth that."""
        for each in self.homeless:
            if self.is_over() and self.budget.seconds is not None:
                return
            if each.visit.id in self.day_of:
                continue
            cluster = self.week.cluster_of(each.visit.id)
            if len(cluster) > 1:
                self.place_cluster(cluster)
            else:
                self.place(each)

    def place(self, each: WeekVisit) -> None:
        best = self.cheapest(each, self.week.days_of(each))
        if best is not None and (each.visit.value is None or best[0] < each.visit.value):
            _, day, option, visit = best
            self.drafts[day] = with_visit(self.drafts[day], visit, option)

    def cheapest(self, each: WeekVisit, days: Iterable[int]) -> tuple[int, int, Option, Visit] | None:
        """Yen, day and place."""
        placed = self.day_of
        found = []
        for day in days:
            visit = replace(each.on(day), value=None)
            option = self.drafts[day].cheapest(visit) if self.is_apart(each, day, placed) else None
            if option is not None:
                found.append((option.yen + each.day_yen.get(day, 0), day, option, visit))
        return min(found, key=lambda one: one[:2], default=None)

    def place_cluster(self, cluster: tuple[str, ...]) -> None:
        """All that is linked, on the day that costs least."""
        visits = [self.week.visit(each) for each in cluster]
        placed = self.day_of
        found = []
        for day in self.week.days_of(visits[0]):
            if not self.are_apart(visits, day, placed):
                continue
            before = self.drafts[day].plan(())
            problem = self.week.problem_of(day, {*made_in(self.drafts[day]), *cluster})
            agreement = Agreement.of_plan(problem, before)
            for missing in agreement.missing:
                agreement = agreement.with_cluster(missing)
            if made_in(agreement.draft) >= {*made_in(self.drafts[day]), *cluster}:
                extra = sum(each.day_yen.get(day, 0) for each in visits)
                found.append((agreement.draft.cost - before.cost + extra, day, agreement.draft))
        worth = [each.visit.value for each in visits]
        if found:
            yen, day, draft = min(found, key=lambda one: one[:2])
            if None in worth or yen < sum(value or 0 for value in worth):
                self.drafts[day] = draft

    def move(self) -> None:
        """Visits go to another of their days where that makes the week cheaper, until none does."""
        order = [each for each in self.week.visits if len(self.week.cluster_of(each.visit.id)) == 1]
        is_better = True
        while is_better and not self.is_over() and self.share < MOVING:
            is_better = False
            self.chance.shuffle(order)
            for each in order:
                if self.is_over() or self.share >= MOVING:
                    return
                is_better = self.moved(each) or is_better
                self.iterations += self.budget.iterations is not None

    def moved(self, each: WeekVisit) -> bool:
        day = self.day_of.get(each.visit.id)
        others = [when for when in self.week.days_of(each) if when != day]
        if day is None or not others or each.visit.id in self.week.locked_on:
            return False
        here = self.drafts[day]
        without = here.copy()
        without.take_out({each.visit.id})
        if len(made_in(without)) != len(made_in(here)) - 1:
            return False
        saved = routes_yen(here) - routes_yen(without) + each.day_yen.get(day, 0)
        best = self.cheapest(each, others)
        if best is None or best[0] >= saved:
            return False
        _, other, option, visit = best
        self.drafts[other] = with_visit(self.drafts[other], visit, option)
        self.drafts[day] = without
        return True

    # What is told

    def plan(self, left_out: Sequence[WeekLeftOut]) -> WeekPlan:
        """With the reasons given; without, as if there had been no time."""
        told = {each.visit: each for each in left_out}
        missing = [each for each in self.week.visits if each.visit.id not in self.day_of]
        reasons = tuple(
            told.get(each.visit.id, WeekLeftOut(each.visit.id, Reason.NO_TIME)) for each in missing
        )
        days = tuple(self.day_plan(day) for day in range(len(self.week.days)))
        extra = sum(self.week.visit(each).day_yen.get(day, 0) for each, day in self.day_of.items())
        lost = sum(each.visit.value or 0 for each in missing)
        return WeekPlan(days, reasons, sum(plan.cost for plan in days) + extra + lost)

    def day_plan(self, day: int) -> Plan:
        if day not in self.drafts:
            return Plan((), (), 0)
        routes = self.drafts[day].plan(()).routes
        plan = Plan(routes, (), 0)
        problem = self.week.problem_of(day, made_in(self.drafts[day]))
        return replace(plan, cost=price(problem, plan).total)

    def reasons(self) -> list[WeekLeftOut]:
        return [self.reason(each) for each in self.week.visits if each.visit.id not in self.day_of]

    def reason(self, each: WeekVisit) -> WeekLeftOut:
        """What keeps it out on the day where it came nearest to being made, and the cheapest cure."""
        days = self.week.days_of(each)
        if not days:
            return WeekLeftOut(each.visit.id, WeekReason.NOBODY_AT_WORK)
        placed = self.day_of
        free = [day for day in days if self.is_apart(each, day, placed)]
        if not free:
            return WeekLeftOut(each.visit.id, WeekReason.TOO_CLOSE)
        told = [(self.reason_on(each, day), day) for day in free]
        order = list(Reason)
        nearest, day = max(told, key=lambda one: (order.index(one[0].reason), -one[1]))
        cures = [(one.cheapest_cure, when) for one, when in told if one.cheapest_cure is not None]
        if not cures:
            return WeekLeftOut(each.visit.id, nearest.reason, day)
        cure, day = min(cures, key=lambda one: (one[0].yen, one[0].seconds, one[1]))
        return WeekLeftOut(each.visit.id, nearest.reason, day, cure)

    def reason_on(self, each: WeekVisit, day: int) -> LeftOut:
        cluster = self.week.cluster_of(each.visit.id)
        problem = self.week.problem_of(day, {*made_in(self.drafts[day]), *cluster})
        agreement = Agreement.of_plan(problem, self.drafts[day].plan(()))
        if len(cluster) == 1:
            return reason_for(agreement.draft, problem.visit(each.visit.id))
        return next(one for one in linked_reasons_of(agreement) if one.visit == each.visit.id)


def made_in(draft: Draft) -> set[str]:
    return {each for visits in draft.sequences.values() for each in visits}


def with_visit(draft: Draft, visit: Visit, option: Option) -> Draft:
    other = draft.copy()
    other.put(visit, option)
    return other


def routes_yen(draft: Draft) -> int:
    """What the routes cost, whatever is left out."""
    return draft.cost - sum(visit.value or 0 for visit in draft.left_out)
