"""Notices: what a person is told inside the product."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from rental.core.db import Base, text_enum
from rental.core.ids import new_id
from rental.identity.models import Account


class NoticeKind(StrEnum):
    """What a notice is about; its sentence belongs to the screens, in the reader's language."""

    PASSWORD_SET = "password_set"  # noqa: S105
    ROLES_CHANGED = "roles_changed"
    SIGNED_IN_SOMEWHERE_NEW = "signed_in_somewhere_new"
    CHECK_FOUND_PROBLEMS = "check_found_problems"
    VISIT_PUBLISHED = "visit_published"


class Notice(Base):
    """One thing one person is told. `params` fills the sentence."""

    __tablename__ = "notice"
    __audited__ = False
    __table_args__ = (Index("ix_notice_unread", "account_id", "read_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id))
    kind: Mapped[NoticeKind] = mapped_column(text_enum(NoticeKind))
    params: Mapped[dict[str, Any]]
    told_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
