"""A day of 14 technicians and 60 visits: how soon there is a plan, and what searching on is worth."""

import subprocess
import sys
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

from _bench_report import Report

from rental.core.db import reading_snapshot
from rental.dispatch.day_problem import Day, day_problem
from rental.dispatch.solving import Solved, described
from rental.identity.permissions import Role
from rental.routing.check import check
from rental.routing.plan import Plan
from rental.routing.problem import Problem
from rental.routing.solve import solve
from rental.routing.stop import AfterIterations
from tests.conftest import migrated
from tests.factories.dispatching import make_orders, make_technician
from tests.rules.routing.days import town_day
from tests.support.databases import KINDS
from tests.support.story import Story

TECHNICIANS, VISITS = 14, 60
ITERATIONS = 200
THURSDAY = date(2026, 4, 2)
ROOT = Path(__file__).parents[1]
A_DAY = f"from tests.rules.routing.days import town_day; day = town_day({TECHNICIANS}, {VISITS})"
COLD_PLAN = f"""
{A_DAY}
from rental.routing.check import check
from rental.routing.solve import solve
from rental.routing.stop import AfterIterations
assert not check(day, solve(day, AfterIterations(0), seed=1))
"""


def measure_plans(report: Report) -> None:
    """The promise is a first plan within two seconds, whatever has to be loaded and read for it."""
    problem = town_day(TECHNICIANS, VISITS)
    day = partial(town_day, TECHNICIANS, VISITS)
    report.begin(f"no database, {TECHNICIANS} technicians, {VISITS} visits")
    report.pair("first plan | the day and its travel times", 1, lambda: plan_of(day()), day)
    report.pair("first plan of a new process | its imports", 1, in_process(COLD_PLAN), in_process(A_DAY))
    first_plan, searched = partial(plan_of, problem), partial(plan_of, problem, ITERATIONS)
    report.pair(f"{ITERATIONS} iterations | the first plan", 1, searched, first_plan)
    say_what_was_found(report, "first plan", first_plan())
    say_what_was_found(report, f"after {ITERATIONS} iterations", searched())
    for kind in KINDS:
        report.begin(f"{kind}, {TECHNICIANS} technicians, {VISITS} orders")
        with migrated(kind) as (app, _), app.app_context():
            measure_stored_day(report, Story(app))


def measure_stored_day(report: Report, story: Story) -> None:
    """What a worker does before it searches on: the day is read, planned, checked and put into words."""
    people = [story.person(Role.TECHNICIAN, email=f"t{n}@example.jp").id for n in range(TECHNICIANS)]
    with story.begin() as uow:
        for account_id in people:
            make_technician(uow, account_id)
        make_orders(uow, VISITS)
    problem = facts().problem
    if problem is None or len(problem.visits) != VISITS or len(problem.people) != TECHNICIANS:
        raise RuntimeError("this is not the day that was promised")
    report.pair("facts, first plan, its words | first plan", 1, worked_out, partial(plan_of, problem))
    say_what_was_found(report, "first plan", plan_of(problem))


def facts() -> Day:
    with reading_snapshot() as snapshot:
        return day_problem(snapshot, THURSDAY)


def worked_out() -> Solved:
    day = facts()
    if day.problem is None:
        raise RuntimeError("nobody is at work")
    return described(day, day.problem, plan_of(day.problem))


def plan_of(problem: Problem, iterations: int = 0) -> Plan:
    """One that breaks a promise is no plan."""
    plan = solve(problem, AfterIterations(iterations), seed=1)
    if check(problem, plan):
        raise RuntimeError("the plan cannot be driven")
    return plan


def in_process(code: str) -> Callable[[], object]:
    return lambda: subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def say_what_was_found(report: Report, when: str, plan: Plan) -> None:
    made = sum(len(route.stops) for route in plan.routes)
    report.say(f"  {when}: {made} visits made, {len(plan.left_out)} left out, {plan.cost:,} yen")
