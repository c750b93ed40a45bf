"""Check runs and what they found."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from rental.core.db import Base, text_enum
from rental.core.ids import new_id
from rental.core.states import States
from rental.core.stored_files import StoredFile
from rental.identity.models import Account


class CheckRunState(StrEnum):
    """Waiting for a worker, or finished with its result."""

    WAITING = "waiting"
    FINISHED = "finished"


CHECK_RUN_STATES = States({CheckRunState.WAITING: {CheckRunState.FINISHED}, CheckRunState.FINISHED: set()})


class CheckRun(Base):
    """One asking of every question. `started_by_id` is None when the night asked."""

    __tablename__ = "check_run"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    number: Mapped[int] = mapped_column(BigInteger, unique=True)
    state: Mapped[CheckRunState] = mapped_column(text_enum(CheckRunState), default=CheckRunState.WAITING)
    started_by_id: Mapped[UUID | None] = mapped_column(ForeignKey(Account.id))
    started_at: Mapped[datetime] = mapped_column(index=True)
    finished_at: Mapped[datetime | None]
    finding_count: Mapped[int | None]
    report_id: Mapped[UUID | None] = mapped_column(ForeignKey(StoredFile.id))

    started_by: Mapped[Account | None] = relationship()
    report: Mapped[StoredFile | None] = relationship()


class CheckResult(Base):
    """The answer to one question in one run; `examples` holds the first rows found."""

    __tablename__ = "check_result"
    __audited__ = False

    check_run_id: Mapped[UUID] = mapped_column(ForeignKey(CheckRun.id), primary_key=True)
    code: Mapped[str] = mapped_column(String(10), primary_key=True)
    finding_count: Mapped[int]
    examples: Mapped[dict[str, Any]]
