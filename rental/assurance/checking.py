"""Asking for a check, and answering it on a worker."""

import json
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from rental.assurance.checks import Answers, as_report
from rental.assurance.events import CheckStarted
from rental.assurance.models import CHECK_RUN_STATES, CheckResult, CheckRun, CheckRunState
from rental.core.numbering import next_number
from rental.core.stored_files import keep_file
from rental.core.uow import UnitOfWork, locked
from rental.identity.queries import active_administrators
from rental.notifications.models import NoticeKind
from rental.notifications.telling import tell

EXAMPLE_COUNT = 20


def start_check(uow: UnitOfWork) -> CheckRun:
    """Opens a check run; a worker answers it. While one waits to be answered, that one is it."""
    waiting = uow.session.scalar(
        select(CheckRun).where(CheckRun.state == CheckRunState.WAITING).order_by(CheckRun.number).limit(1)
    )
    if waiting is not None:
        return waiting
    run = CheckRun(number=next_number(uow, "check_run"), started_by_id=uow.actor.id, started_at=uow.now)
    uow.session.add(run)
    uow.session.flush()
    uow.announce(CheckStarted(run.id))
    return run


def answer_check(uow: UnitOfWork, check_run_id: UUID, given: Answers) -> None:
    """Stores the answers and the whole report, and tells whoever should know of findings."""
    run = locked(uow, CheckRun, check_run_id)
    if run.state is CheckRunState.FINISHED:
        return
    CHECK_RUN_STATES.check(run.state, CheckRunState.FINISHED)

    report = as_report(given)

    file = keep_file(
        uow,
        json.dumps(report, ensure_ascii=False, indent=1, default=str).encode(),
        media_type="application/json",
        download_name=f"check-{run.number}.json",
    )
    uow.session.add_all(
        CheckResult(
            check_run_id=run.id,
            code=answer.check.code,
            finding_count=len(answer.rows),
            examples={"rows": json.loads(json.dumps(answer.rows[:EXAMPLE_COUNT], default=str))},
        )
        for answer in given.answers
    )
    run.state = CheckRunState.FINISHED
    run.finished_at = uow.now
    run.finding_count = report["finding_count"]
    run.report_id = file.id
    uow.session.flush()
    if run.finding_count:
        for account_id in _who_is_told(uow.session, run):
            tell(
                uow,
                account_id,
                NoticeKind.CHECK_FOUND_PROBLEMS,
                number=run.number,
                finding_count=run.finding_count,
                check_run_id=str(run.id),
            )


def _who_is_told(session: Session, run: CheckRun) -> Sequence[UUID]:
    return [run.started_by_id] if run.started_by_id else active_administrators(session)


def latest_check(session: Session) -> CheckRun | None:
    """The last run that has its result."""
    return session.scalar(
        select(CheckRun)
        .where(CheckRun.state == CheckRunState.FINISHED)
        .order_by(CheckRun.number.desc())
        .limit(1)
    )
