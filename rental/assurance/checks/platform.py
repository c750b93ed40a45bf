"""P: messages, leases, the audit log and sessions."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from rental.assurance.checks.asking import Check, Severity, rows_of
from rental.core.audit import AuditEntry
from rental.core.outbox import Delivery, DeliveryState, OutboxMessage
from rental.core.sealing import verify
from rental.identity.models import Account, AccountSession
from rental.identity.rules import AccountState


def late_messages(session: Session, as_of: datetime) -> list[dict[str, Any]]:
    """P1: a message that waits for 15 minutes, lies parked for a week, or was done without anybody trying."""
    late = as_of - timedelta(minutes=15)
    waiting = (DeliveryState.QUEUED, DeliveryState.FAILED)
    return rows_of(
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
    return rows_of(
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
    return rows_of(session, unsealed)


def sessions_of_the_disabled(session: Session, as_of: datetime) -> list[dict[str, Any]]:
    """P7: an open session of an account that may not sign in."""
    return rows_of(
        session,
        select(AccountSession.id.label("session"), AccountSession.account_id)
        .join(Account)
        .where(
            Account.state != AccountState.ACTIVE,
            AccountSession.ended_at.is_(None),
            AccountSession.expires_at > as_of,
        ),
    )


PLATFORM_CHECKS = (
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
)
