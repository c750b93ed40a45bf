"""What was agreed anew, for those who show it."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from rental.changes.models import Amendment


def amendments_named(session: Session, ids: Collection[UUID]) -> Sequence[Amendment]:
    """Those of these ids that are amendments."""
    if not ids:
        return ()
    return session.scalars(select(Amendment).where(Amendment.id.in_(ids))).all()
