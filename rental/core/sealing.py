"""The seals of the audit log: one hash chain over every entry, so that no later edit goes unnoticed."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from rental.core.audit import FACTS, AuditEntry, plain
from rental.core.uow import UnitOfWork

FIRST_PREVIOUS_SEAL = "0" * 64


def seal_committed(uow: UnitOfWork, *, limit: int = 1000) -> int:
    """Chains the oldest unsealed entries to the last seal; returns how many. Only the tick calls it."""
    session = uow.session
    last = session.execute(
        select(AuditEntry.sequence, AuditEntry.seal)
        .where(AuditEntry.sequence.is_not(None))
        .order_by(AuditEntry.sequence.desc())
        .limit(1)
    ).one_or_none()
    sequence, previous = (last.sequence or 0, last.seal or "") if last else (0, FIRST_PREVIOUS_SEAL)
    entries = session.scalars(
        select(AuditEntry).where(AuditEntry.sequence.is_(None)).order_by(AuditEntry.id).limit(limit)
    ).all()
    for entry in entries:
        sequence += 1
        entry.sequence = sequence
        entry.previous_seal = previous
        previous = entry.seal = seal_of(entry)
    session.flush()
    return len(entries)


def seal_of(entry: AuditEntry) -> str:
    """SHA-256 over the previous seal, the place in the chain and every fact of the entry."""
    facts = {name: plain(getattr(entry, name)) for name in FACTS}
    canonical = json.dumps(
        [entry.previous_seal, entry.sequence, facts],
        ensure_ascii=False,
        sort_keys=True,
        separators=(",", ":"),
    )
    return hashlib.sha256(canonical.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class BrokenSeal:
    """An entry that is not as it was sealed, or a place in the chain with no entry."""

    sequence: int
    entry_id: UUID | None
    problem: str


@dataclass(slots=True)
class Verification:
    """What `verify` saw. `head` may be kept elsewhere, to notice a chain rewritten as a whole."""

    sealed_count: int = 0
    unsealed_count: int = 0
    head: str = FIRST_PREVIOUS_SEAL
    broken: list[BrokenSeal] = field(default_factory=list)


def verify(session: Session, *, batch: int = 2000) -> Verification:
    """Reads the whole chain and computes every seal again."""
    seen = Verification()
    seen.unsealed_count = (
        session.scalar(select(func.count()).select_from(AuditEntry).where(AuditEntry.sequence.is_(None))) or 0
    )
    expected = 1
    for entry in _sealed_entries(session, batch):
        sequence = entry.sequence or 0
        if sequence != expected:
            seen.broken.append(BrokenSeal(expected, None, "missing"))
        elif entry.previous_seal != seen.head:
            seen.broken.append(BrokenSeal(sequence, entry.id, "chain_broken"))
        if entry.seal != seal_of(entry):
            seen.broken.append(BrokenSeal(sequence, entry.id, "edited"))
        seen.head = entry.seal or ""
        seen.sealed_count += 1
        expected = sequence + 1
    return seen


def _sealed_entries(session: Session, batch: int) -> Iterator[AuditEntry]:
    after = 0
    while True:
        entries = session.scalars(
            select(AuditEntry).where(AuditEntry.sequence > after).order_by(AuditEntry.sequence).limit(batch)
        ).all()
        yield from entries
        if len(entries) < batch:
            return
        after = entries[-1].sequence or after
        session.expunge_all()
