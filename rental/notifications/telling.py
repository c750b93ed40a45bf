"""Telling people, and remembering that they read it."""

from uuid import UUID

from sqlalchemy import update

from rental.core.uow import UnitOfWork
from rental.notifications.models import Notice, NoticeKind


def tell(uow: UnitOfWork, account_id: UUID, kind: NoticeKind, **params: str | int) -> None:
    """Puts a notice in front of this person."""
    uow.session.add(Notice(account_id=account_id, kind=kind, params=params, told_at=uow.now))
    uow.session.flush()


def mark_notices_read(uow: UnitOfWork, account_id: UUID) -> None:
    """The person saw everything they were told up to now."""
    uow.session.execute(
        update(Notice)
        .where(Notice.account_id == account_id, Notice.read_at.is_(None), Notice.told_at <= uow.now)
        .values(read_at=uow.now)
        .execution_options(synchronize_session=False)
    )
