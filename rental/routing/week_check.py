"""Whether a plan of several days keeps what was asked of it, whoever made it."""

from collections import Counter
from collections.abc import Iterator
from itertools import combinations

from rental.routing.check import Broken, Fault, check
from rental.routing.limits import InvalidProblem
from rental.routing.price import price
from rental.routing.week import Week, WeekPlan


def check_week(week: Week, plan: WeekPlan) -> list[Broken]:
    """All that is wrong; empty for a plan that keeps every promise. Each day is checked by itself as well."""
    broken: list[Broken] = []
    if len(plan.days) != len(week.days):
        return [Broken(Fault.UNKNOWN_DAY, f"has {len(plan.days)} days of {len(week.days)}.")]
    made = [(each, day) for day, one in enumerate(plan.days) for route in one.routes for each in route.visits]
    told = [each for each, _ in made] + [each.visit for each in plan.left_out]
    strangers = sorted({each for each in told if not week.has_visit(each)})
    if strangers:
        return [Broken(Fault.UNKNOWN_VISIT, "is not in the week.", visit=each) for each in strangers]
    for day, one in enumerate(plan.days):
        if week.people[day]:
            try:
                problem = week.problem_of(day, {each for each, when in made if when == day})
            except InvalidProblem as wrong:  # a link to a visit of another day, or of none
                return [Broken(Fault.ORDER, f"cannot be made like this on day {day}: {wrong}")]
            broken += check(problem, one)
        elif one.routes:
            broken.append(Broken(Fault.UNKNOWN_PERSON, f"comes on day {day}, when nobody works."))
    if any(each.code is Fault.UNKNOWN_PERSON for each in broken):
        return broken
    broken += once(week, plan, made)
    broken += days(week, made)
    broken += apart(week, made)
    cost = cost_of(week, plan, made)
    if cost != plan.cost:
        broken.append(Broken(Fault.COST, f"The plan says {plan.cost} yen, its parts add up to {cost}."))
    return broken


def once(week: Week, plan: WeekPlan, made: list[tuple[str, int]]) -> Iterator[Broken]:
    counts = Counter([each for each, _ in made] + [each.visit for each in plan.left_out])
    for day, one in enumerate(plan.days):
        for each in one.left_out:
            yield Broken(Fault.VISIT_MISSING, f"is left out on day {day} only.", visit=each.visit)
    for visit in week.visits:
        count = counts[visit.visit.id]
        if count == 0:
            yield Broken(Fault.VISIT_MISSING, "is neither on a route nor left out.", visit=visit.visit.id)
        if count > 1:
            yield Broken(Fault.VISIT_TWICE, f"comes {count} times.", visit=visit.visit.id)
    for missing in plan.left_out:
        if week.visit(missing.visit).visit.value is None:
            yield Broken(Fault.MUST_LEFT_OUT, "must be made, but is left out.", visit=missing.visit)


def days(week: Week, made: list[tuple[str, int]]) -> Iterator[Broken]:
    for each, day in made:
        wanted = week.visit(each).days
        if wanted is not None and day not in wanted:
            yield Broken(Fault.DAY, f"is on day {day}, not on one of {sorted(wanted)}.", visit=each)


def apart(week: Week, made: list[tuple[str, int]]) -> Iterator[Broken]:
    """Two of a series are far enough apart."""
    for (one, day), (other, when) in combinations(made, 2):
        series = week.visit(one).series
        wanted = week.visit(one).days_apart
        if series is not None and series == week.visit(other).series and abs(day - when) < wanted:
            message = f"is {abs(day - when)} days from {other!r} of the series {series!r}, not {wanted}."
            yield Broken(Fault.TOO_CLOSE, message, visit=one)


def cost_of(week: Week, plan: WeekPlan, made: list[tuple[str, int]]) -> int:
    total = sum(week.visit(each.visit).visit.value or 0 for each in plan.left_out)
    for day, one in enumerate(plan.days):
        if week.people[day]:
            total += price(week.problem_of(day, {each for each, when in made if when == day}), one).total
    return total + sum(week.visit(each).day_yen.get(day, 0) for each, day in made)
