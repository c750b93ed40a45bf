"""A day of 14 technicians and 60 visits: how soon there is a plan, and what searching on is worth."""

from functools import partial

from _bench_report import Report

from rental.routing.check import check
from rental.routing.problem import Problem
from rental.routing.solve import solve
from rental.routing.stop import AfterIterations
from tests.rules.routing.days import town_day

TECHNICIANS, VISITS = 14, 60
ITERATIONS = 200


def measure_plans(report: Report) -> None:
    """The promise is a first plan within two seconds, travel times included."""
    report.begin(f"no database, {TECHNICIANS} technicians, {VISITS} visits")
    problem = town_day(TECHNICIANS, VISITS)
    day = partial(town_day, TECHNICIANS, VISITS)
    report.pair("first plan | the day and its travel times", 1, lambda: plan_of(day()), day)
    first_plan, searched = partial(plan_of, problem), partial(plan_of, problem, ITERATIONS)
    report.pair(f"{ITERATIONS} iterations | the first plan", 1, searched, first_plan)
    first, better = first_plan(), searched()
    report.say(f"  yen: first plan {first:,}, after {ITERATIONS} iterations {better:,}")


def plan_of(problem: Problem, iterations: int = 0) -> int:
    """What the plan costs; one that breaks a promise is no plan."""
    plan = solve(problem, AfterIterations(iterations), seed=1)
    if check(problem, plan):
        raise RuntimeError("the plan cannot be driven")
    return plan.cost
