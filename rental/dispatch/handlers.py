"""What dispatch does when somebody asks for a plan."""

from datetime import timedelta

from rental.core.bus import Queue, on
from rental.core.uow import UnitOfWork
from rental.dispatch.events import PlanRequested
from rental.dispatch.planning import store_outcome
from rental.dispatch.solving import Outcome, solve_requested_plan


@on(PlanRequested, queue=Queue.PLANNING, reads=solve_requested_plan, lease=timedelta(minutes=4))
def store_requested_plan(uow: UnitOfWork, event: PlanRequested, outcome: Outcome | None) -> None:
    """A worker lost in the middle has saved no plan: another one begins again."""
    store_outcome(uow, event.route_plan_id, outcome)
