"""Reading notices, always one person's."""

from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from rental.notifications.models import Notice


def notices_of(account_id: UUID) -> Select[Notice]:
    """What this person was told, in no order yet."""
    return select(Notice).where(Notice.account_id == account_id)


def unread_notice_count(session: Session, account_id: UUID) -> int:
    return (
        session.scalar(
            select(func.count())
            .select_from(Notice)
            .where(Notice.account_id == account_id, Notice.read_at.is_(None))
        )
        or 0
    )
