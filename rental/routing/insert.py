"""Where one visit could go: every place in a plan where it fits, the cheapest first."""

from rental.routing.agreed import Agreement, agreed
from rental.routing.draft import Draft, Option
from rental.routing.plan import Plan
from rental.routing.problem import Problem
from rental.routing.stand_ins import chosen

__all__ = ["Option", "insert"]


def insert(problem: Problem, plan: Plan, visit_id: str) -> list[Option]:
    """Ranked by what is added to the routes, in yen; the value of the visit is not counted.

    A visit that already is in the plan is taken out first, so that "stays where it is" is among the options.
    What is linked with others comes when was agreed with them, so one that is in no plan has no options.
    Empty when it fits nowhere. KeyError for a visit the problem does not have.
    """
    problem = chosen(problem, plan, least=1)
    visit = problem.visit(visit_id)
    if problem.linked:
        here = Agreement.of_plan(problem, plan)
        problem = agreed(problem, here.starts)
        visit = problem.visit(visit_id)
    alternatives = {other.id for other in problem.alternatives(visit)}
    return Draft.of(problem, plan.sequences, without=alternatives).options(visit)
