"""Reading notices, always one person's."""

from uuid import UUID

from sqlalchemy import ScalarSelect, Select, func, select
from sqlalchemy.orm import InstrumentedAttribute

from rental.notifications.models import Notice


def notices_of(account_id: UUID) -> Select[Notice]:
    """What this person was told, in no order yet."""
    return select(Notice).where(Notice.account_id == account_id)


def unread_notice_count(account_id: InstrumentedAttribute[UUID]) -> ScalarSelect[int]:
    """How many notices the person of the statement around it has not read."""
    return (
        select(func.count())
        .select_from(Notice)
        .where(Notice.account_id == account_id, Notice.read_at.is_(None))
        .scalar_subquery()
    )
