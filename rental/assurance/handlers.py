"""What follows from a check being asked for."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from rental.assurance.checking import answer_check
from rental.assurance.checks import Answers, ask_all
from rental.assurance.events import CheckStarted
from rental.core.bus import Queue, on
from rental.core.uow import UnitOfWork


def ask_every_question(snapshot: Session, event: CheckStarted, now: datetime) -> Answers:
    """Reading the whole database may take minutes, and nobody has to wait for it."""
    return ask_all(snapshot, now)


@on(CheckStarted, queue=Queue.INTERACTIVE, reads=ask_every_question, lease=timedelta(minutes=10))
def answer_started_check(uow: UnitOfWork, event: CheckStarted, given: Answers) -> None:
    """Somebody may sit in front of the page and wait."""
    answer_check(uow, event.check_run_id, given)
