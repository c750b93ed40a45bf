"""The seals of the audit log: one hash chain over every entry, so that no later edit goes unnoticed."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from rental.core.audit import FACTS, AuditEntry, AuditHead, plain
from rental.core.uow import UnitOfWork

FIRST_PREVIOUS_SEAL = "0" * 64


def seal_committed(uow: UnitOfWork, *, limit: int = 1000) -> int:
    """Chains the oldest unsealed entries to the last seal; returns how many. Only the tick calls it."""
    session = uow.session
    head = session.get(AuditHead, 1, with_for_update=True)
    if head is None:
        head = AuditHead(id=1, sequence=0, seal=FIRST_PREVIOUS_SEAL)
        session.add(head)
    entries = session.scalars(
        select(AuditEntry).where(AuditEntry.sequence.is_(None)).order_by(AuditEntry.id).limit(limit)
    ).all()
    for entry in entries:
        entry.sequence = head.sequence = head.sequence + 1
        entry.previous_seal = head.seal
        entry.seal = head.seal = seal_of(entry)
    session.flush()
    return len(entries)


def seal_of(entry: AuditEntry) -> str:
    """SHA-256 over the previous seal, the place in the chain and every fact of the entry."""
    facts = {name: plain(getattr(entry, name)) for name in FACTS}
    canonical = json.dumps(
        [entry.previous_seal, entry.sequence, facts],
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
    head = session.get(AuditHead, 1)
    if head is not None and head.sequence >= expected:
        seen.broken.append(BrokenSeal(expected, None, "end_missing"))
    elif (head.seal if head else FIRST_PREVIOUS_SEAL) != seen.head and not seen.broken:
        seen.broken.append(BrokenSeal(expected - 1, None, "head_differs"))
    return seen


def _sealed_entries(session: Session, batch: int) -> Iterator[AuditEntry]:
    sealed = select(AuditEntry).where(AuditEntry.sequence.is_not(None)).order_by(AuditEntry.sequence)
    entries = session.scalars(sealed.limit(batch)).all()
    while entries:
        yield from entries
        after = entries[-1].sequence
        session.expunge_all()
        entries = session.scalars(sealed.where(AuditEntry.sequence > after).limit(batch)).all()
