"""Who changed what, when, where and why: appended with the change, sealed by a hash chain afterwards.

Entries are appended unchained, because a chain inside the transaction would queue every writer. The tick
seals what is committed (`sealing`); from then on the database refuses any change of the entry.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum, StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Index,
    Select,
    String,
    Text,
    event,
    insert,
    inspect,
    or_,
    select,
)
from sqlalchemy.orm import Mapped, Session, UOWTransaction, mapped_column

from rental.core.bulk import insert_many
from rental.core.db import Base
from rental.core.ids import new_id, new_ids
from rental.core.money import Money

MASK = "•••"


class AuditAction(StrEnum):
    """What happened to a row. Other actions are named by the use case that records them."""

    CREATED = "created"
    CHANGED = "changed"
    DELETED = "deleted"


class AuditEntry(Base):
    """One change of one row, or one recorded act. Sealed entries carry their place in the chain."""

    __tablename__ = "audit_entry"
    __audited__ = False
    __table_args__ = (
        Index("ix_audit_entry_entity", "entity", "entity_id", "id"),
        CheckConstraint("sequence >= 1", name="sequence_begins_at_one"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(index=True)
    transaction_id: Mapped[UUID] = mapped_column(index=True)
    actor_kind: Mapped[str] = mapped_column(String(20))
    actor_id: Mapped[UUID | None] = mapped_column(index=True)
    actor_name: Mapped[str] = mapped_column(String(200))
    address: Mapped[str | None] = mapped_column(String(64))
    reason: Mapped[str | None] = mapped_column(Text)
    action: Mapped[str] = mapped_column(String(60))
    entity: Mapped[str] = mapped_column(String(60))
    entity_id: Mapped[UUID | None]
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    sequence: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    previous_seal: Mapped[str | None] = mapped_column(String(64))
    seal: Mapped[str | None] = mapped_column(String(64))


Index(
    "ix_audit_entry_unsealed",
    AuditEntry.id,
    postgresql_where=AuditEntry.sequence.is_(None),
    sqlite_where=AuditEntry.sequence.is_(None),
)

FACTS = (
    "id",
    "at",
    "transaction_id",
    "actor_kind",
    "actor_id",
    "actor_name",
    "address",
    "reason",
    "action",
    "entity",
    "entity_id",
    "before",
    "after",
)


_BLOCK = 500
# So many rows are worth the two round trips of a bulk insert.
_MANY = 10
# Past the session, which would take as long to look at the rows as the database to store them.
_INSERT = insert(AuditEntry.__table__)  # type: ignore[arg-type]


class AuditHead(Base):
    """The last seal of the chain: without it, cutting off the end of the log would go unnoticed."""

    __tablename__ = "audit_head"
    __audited__ = False
    __table_args__ = (CheckConstraint("id = 1", name="single_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, default=1)
    sequence: Mapped[int] = mapped_column(BigInteger)
    seal: Mapped[str] = mapped_column(String(64))


@dataclass(frozen=True, slots=True)
class Origin:
    """Who, when, where and why of one transaction."""

    at: datetime
    transaction_id: UUID
    actor_kind: str
    actor_id: UUID | None
    actor_name: str
    address: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to one thing; `before` and `after` hold only what differs, as JSON values."""

    action: str
    entity: str
    entity_id: UUID | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None


def append(session: Session, changes: Sequence[Change]) -> None:
    """Adds the entries in the session's own transaction."""
    if not changes:
        return
    origin: Origin = session.info["origin"]()
    rows = [
        {
            "id": entry_id,
            "at": origin.at,
            "transaction_id": origin.transaction_id,
            "actor_kind": origin.actor_kind,
            "actor_id": origin.actor_id,
            "actor_name": origin.actor_name,
            "address": origin.address,
            "reason": origin.reason,
            "action": change.action,
            "entity": change.entity,
            "entity_id": change.entity_id,
            "before": change.before and plain(change.before),
            "after": change.after and plain(change.after),
        }
        for entry_id, change in zip(new_ids(len(changes)), changes, strict=True)
    ]
    collected: list[dict[str, Any]] | None = session.info.get("audit_rows")
    if collected is None:
        _write(session, rows)
        return
    collected += rows
    if len(collected) >= _BLOCK:
        _write_collected(session, collected)


@contextmanager
def in_blocks(session: Session) -> Iterator[None]:
    """Inside, entries are stored many at a time: for a transaction of thousands of changes.

    None of them may be undone by itself: what a savepoint takes back would stay in the log.
    """
    collected: list[dict[str, Any]] = []
    session.info["audit_rows"] = collected
    try:
        yield
        session.flush()
        _write_collected(session, collected)
    finally:
        del session.info["audit_rows"]


def _write_collected(session: Session, collected: list[dict[str, Any]]) -> None:
    if collected:
        _write(session, collected)
        collected.clear()


def _write(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    if len(rows) < _MANY:
        session.connection().execute(_INSERT, rows)
    else:
        insert_many(session, AuditEntry, rows)


def watch(session_class: type[Session]) -> None:
    """Every flush of such a session also appends what it changed in audited tables."""
    event.listen(session_class, "after_flush", _append_flushed_changes)


def _append_flushed_changes(session: Session, flush: UOWTransaction) -> None:
    # `session.deleted` does not know the rows that a collection let go of; the flush does.
    deleted = {
        state.obj()
        for state, (is_delete, is_only_listed) in flush.states.items()
        if is_delete and not is_only_listed
    }
    changes = [_created(row) for row in session.new if row.__audited__]
    changes += [
        change
        for row in session.dirty
        if row.__audited__ and row not in deleted and (change := _changed(row)) is not None
    ]
    changes += [_deleted(row) for row in deleted if row is not None and row.__audited__]
    append(session, changes)


def _created(row: Base) -> Change:
    return Change(AuditAction.CREATED, row.__tablename__, _key(row), None, _values(row))


def _deleted(row: Base) -> Change:
    return Change(AuditAction.DELETED, row.__tablename__, _key(row), _values(row), None)


def _changed(row: Base) -> Change | None:
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    state = inspect(row)
    for attribute in state.mapper.column_attrs:
        history = state.attrs[attribute.key].history
        if history.has_changes() and not attribute.columns[0].info.get("derived"):
            secret = attribute.columns[0].info.get("secret", False)
            before[attribute.key] = _shown(history.deleted[0], secret) if history.deleted else None
            after[attribute.key] = _shown(history.added[0], secret) if history.added else None
    if not after:
        return None
    return Change(AuditAction.CHANGED, row.__tablename__, _key(row), before, after)


def _key(row: Base) -> UUID | None:
    for value in inspect(row).mapper.primary_key_from_instance(row):
        if isinstance(value, UUID):
            return value
    return None


def _values(row: Base) -> dict[str, Any]:
    return {
        attribute.key: _shown(getattr(row, attribute.key), attribute.columns[0].info.get("secret", False))
        for attribute in inspect(row).mapper.column_attrs
        if not attribute.columns[0].info.get("derived")
    }


def _shown(value: Any, secret: bool) -> Any:
    return MASK if secret and value is not None else value


def plain(value: Any) -> Any:
    """The value as JSON knows it, the same on every database."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Money):
        return value.minor_units
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    return value


def entries_matching(
    *,
    actor_words: str,
    actor_ids: Sequence[UUID],
    entity: str | None,
    since: datetime | None,
    until: datetime | None,
) -> Select[AuditEntry]:
    """Entries of these actors, or whose actor's name has the words, in the half-open time, in no order."""
    statement = select(AuditEntry)
    if actor_words:
        statement = statement.where(
            or_(
                AuditEntry.actor_name.contains(actor_words, autoescape=True),
                AuditEntry.actor_id.in_(actor_ids),
            )
        )
    if entity:
        statement = statement.where(AuditEntry.entity == entity)
    if since:
        statement = statement.where(AuditEntry.at >= since)
    if until:
        statement = statement.where(AuditEntry.at < until)
    return statement


def entries_of_transaction(session: Session, transaction_id: UUID) -> Sequence[AuditEntry]:
    """Everything that was saved together, in the order it happened."""
    return session.scalars(
        select(AuditEntry)
        .where(AuditEntry.transaction_id == transaction_id)
        .order_by(AuditEntry.id)
        .limit(200)
    ).all()


# Attributes that say which row it is or how it is stored; a summary for people leaves them out.
_TECHNICAL = frozenset({"sha256", "media_type", "version", "token_hash", "previous_seal"})


def telling_attributes(entry: AuditEntry) -> list[str]:
    """The attributes of the change that tell a person something, in the order of the table."""
    names = entry.after or entry.before or {}
    return [name for name in names if name not in _TECHNICAL and name != "id" and not name.endswith("_id")]
