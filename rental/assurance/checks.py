"""The questions of `rental check`: each returns the rows that should not be there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, Select, func, or_, select
from sqlalchemy.orm import Session

from rental.assurance.models import CheckRun
from rental.core.audit import AuditEntry
from rental.core.numbering import Counter
from rental.core.outbox import Delivery, DeliveryState, OutboxMessage
from rental.core.sealing import verify
from rental.identity.models import Account, AccountSession
from rental.identity.rules import AccountState


class Severity(StrEnum):
    """Whether work waits, or the books are wrong."""

    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Check:
    """One question. `code` is its name everywhere; `cure` says what a person does when the answer is no."""

    code: str
    question: str
    cure: str
    severity: Severity
    ask: Callable[[Session, datetime], list[dict[str, Any]]]


def late_messages(session: Session, as_of: datetime) -> list[dict[str, Any]]:
    """P1: a message that waits for 15 minutes, lies parked for a week, or was done without anybody trying."""
    late = as_of - timedelta(minutes=15)
    waiting = (DeliveryState.QUEUED, DeliveryState.FAILED)
    return _rows(
        session,
        select(
            Delivery.id.label("delivery"),
            OutboxMessage.name.label("message"),
            Delivery.handler,
            Delivery.state,
            Delivery.due_at,
            Delivery.attempt_count,
        )
        .join(OutboxMessage)
        .where(
            or_(
                Delivery.state.in_(waiting) & (Delivery.due_at < late),
                (Delivery.state == DeliveryState.PARKED) & (Delivery.due_at < as_of - timedelta(days=7)),
                (Delivery.state == DeliveryState.DONE) & (Delivery.attempt_count < 1),
            )
        ),
    )


def stale_leases(session: Session, as_of: datetime) -> list[dict[str, Any]]:
    """P2: work that a worker took and nobody took back for five minutes after its lease."""
    return _rows(
        session,
        select(Delivery.id.label("delivery"), Delivery.handler, Delivery.lease_until).where(
            Delivery.state == DeliveryState.RUNNING,
            Delivery.lease_until < as_of - timedelta(minutes=5),
        ),
    )


def broken_seals(session: Session, as_of: datetime) -> list[dict[str, Any]]:
    """P4: an audit entry that is not as it was sealed, or is missing."""
    return [
        {"sequence": seal.sequence, "entry": seal.entry_id, "problem": seal.problem}
        for seal in verify(session).broken
    ]


def unsealed_entries(session: Session, as_of: datetime) -> list[dict[str, Any]]:
    """P4b: an audit entry that nobody sealed within 15 minutes."""
    unsealed = select(AuditEntry.id.label("entry"), AuditEntry.at, AuditEntry.entity).where(
        AuditEntry.sequence.is_(None), AuditEntry.at < as_of - timedelta(minutes=15)
    )
    return _rows(session, unsealed)


def sessions_of_the_disabled(session: Session, as_of: datetime) -> list[dict[str, Any]]:
    """P7: an open session of an account that may not sign in."""
    return _rows(
        session,
        select(AccountSession.id.label("session"), AccountSession.account_id)
        .join(Account)
        .where(
            Account.state != AccountState.ACTIVE,
            AccountSession.ended_at.is_(None),
            AccountSession.expires_at > as_of,
        ),
    )


def check_numbers_with_gaps(session: Session, as_of: datetime) -> list[dict[str, Any]]:
    """S11: check-run numbers that do not run from 1 to the counter without a gap."""
    count, highest, following = session.execute(
        select(
            select(func.count()).select_from(CheckRun).scalar_subquery(),
            select(func.coalesce(func.max(CheckRun.number), 0)).scalar_subquery(),
            select(func.coalesce(func.max(Counter.next_number), 1))
            .where(Counter.series == "check_run")
            .scalar_subquery(),
        )
    ).one()
    if count == highest == following - 1:
        return []
    return [{"series": "check_run", "count": count, "highest": highest, "next": following}]


CHECKS: Sequence[Check] = (
    Check(
        "P1",
        "Is every message delivered in time?",
        "Open the job page: see that a worker runs, and run parked jobs again.",
        Severity.WARNING,
        late_messages,
    ),
    Check(
        "P2",
        "Is no job left behind by a worker that is gone?",
        "See that `rental tick` runs; it takes such jobs back.",
        Severity.WARNING,
        stale_leases,
    ),
    Check(
        "P4",
        "Is the audit log as it was sealed?",
        "Somebody changed the log behind the product's back: compare with the latest backup.",
        Severity.ERROR,
        broken_seals,
    ),
    Check(
        "P4b",
        "Is the audit log sealed up to the present?",
        "See that `rental tick` runs; it seals what is new.",
        Severity.WARNING,
        unsealed_entries,
    ),
    Check(
        "P7",
        "Is nobody signed in whose account is disabled?",
        "End the session on the person's page.",
        Severity.ERROR,
        sessions_of_the_disabled,
    ),
    Check(
        "S11",
        "Do the numbers of check runs have no gap?",
        "A row was removed behind the product's back: compare with the latest backup.",
        Severity.ERROR,
        check_numbers_with_gaps,
    ),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows one check found; none is the good answer."""

    check: Check
    rows: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Answers:
    """What one snapshot answered at one instant."""

    as_of: datetime
    answers: Sequence[Answer]

    @property
    def finding_count(self) -> int:
        return sum(len(answer.rows) for answer in self.answers)


def ask_all(session: Session, as_of: datetime) -> Answers:
    """Every question, answered from the session's one snapshot."""
    return Answers(as_of, [Answer(check, check.ask(session, as_of)) for check in CHECKS])


def as_report(given: Answers) -> dict[str, Any]:
    """The answers as JSON values: `as_of`, `finding_count` and a list of checks with their rows."""
    return {
        "as_of": given.as_of.isoformat(),
        "finding_count": given.finding_count,
        "checks": [
            {
                "code": answer.check.code,
                "question": answer.check.question,
                "severity": answer.check.severity.value,
                "cure": answer.check.cure if answer.rows else None,
                "rows": answer.rows,
            }
            for answer in given.answers
        ],
    }


def _rows(session: Session, statement: Select[*tuple[Any, ...]]) -> list[dict[str, Any]]:
    return [_plain(row) for row in session.execute(statement)]


def _plain(row: Row[Any]) -> dict[str, Any]:
    return {
        name: value.isoformat()
        if isinstance(value, datetime)
        else value
        if isinstance(value, int)
        else str(value)
        for name, value in row._mapping.items()
    }
