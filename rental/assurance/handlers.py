"""What follows from a check being asked for."""

from rental.assurance.checking import answer_check
from rental.assurance.events import CheckStarted
from rental.core.bus import Queue, on
from rental.core.uow import UnitOfWork


@on(CheckStarted, queue=Queue.INTERACTIVE)
def answer_started_check(uow: UnitOfWork, event: CheckStarted) -> None:
    """Somebody may sit in front of the page and wait."""
    answer_check(uow, event.check_run_id)
