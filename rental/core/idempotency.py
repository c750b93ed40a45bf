"""The same request twice is done once: its key and result are saved with its effect."""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import String, delete, select
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.orm import Mapped, mapped_column

from rental.core.db import Base
from rental.core.errors import Invalid
from rental.core.ids import new_id
from rental.core.uow import UnitOfWork

KEEP = timedelta(days=7)


class KeyUsedForAnotherRequest(Invalid):
    """The same key came with different content."""

    code = "core.key_used_for_another_request"


class IdempotencyKey(Base):
    """A request that was done, and what it answered. `owner` is whose keys these are."""

    __tablename__ = "idempotency_key"
    __audited__ = False

    owner: Mapped[str] = mapped_column(String(80), primary_key=True)
    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    content_hash: Mapped[str] = mapped_column(String(64))
    result: Mapped[dict[str, Any]]
    used_at: Mapped[datetime] = mapped_column(index=True)


def once(
    uow: UnitOfWork, owner: str, key: str, content: Any, command: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """Runs the command unless this key was used: then answers what it answered before.

    Two at the same time: the second waits at the key until the first is saved or undone.
    Raises KeyUsedForAnotherRequest when the key came before with different content.
    """
    content_hash = hashlib.sha256(
        json.dumps(content, ensure_ascii=False, sort_keys=True, default=str).encode()
    ).hexdigest()
    insert = insert_sqlite if uow.session.get_bind().dialect.name == "sqlite" else insert_postgresql
    taken = uow.session.execute(
        insert(IdempotencyKey)
        .values(owner=owner, key=key, content_hash=content_hash, result={}, used_at=uow.now)
        .on_conflict_do_nothing()
        .returning(IdempotencyKey.key)
    ).scalar_one_or_none()
    row = uow.session.scalars(
        select(IdempotencyKey).where(IdempotencyKey.owner == owner, IdempotencyKey.key == key)
    ).one()
    if taken is None:
        if row.content_hash != content_hash:
            raise KeyUsedForAnotherRequest
        return row.result
    row.result = command()
    return row.result


def new_key() -> str:
    """A key for a form that is about to be filled in."""
    return new_id().hex


def forget_old_keys(uow: UnitOfWork) -> None:
    """Keys are remembered for a week."""
    uow.session.execute(delete(IdempotencyKey).where(IdempotencyKey.used_at < uow.now - KEEP))


def owner_of(account_id: UUID) -> str:
    """The name under which an account's keys are kept."""
    return f"account:{account_id}"
