"""What was agreed anew about contracts."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from rental.changes.rules import AmendmentKind
from rental.contracts.models import Contract, Line
from rental.core.db import Base, text_enum
from rental.core.ids import new_id


class Amendment(Base):
    """A dated change to a contract in force; append-only. `said` is what was agreed, as the form had it.

    What follows from it are events of the lines, whose source it is. Without a line it concerns all of them.
    """

    __tablename__ = "amendment"
    __table_args__ = (Index("ix_amendment_of_contract", "contract_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    contract_id: Mapped[UUID] = mapped_column(ForeignKey(Contract.id))
    contract_line_id: Mapped[UUID | None] = mapped_column(ForeignKey(Line.id))
    kind: Mapped[AmendmentKind] = mapped_column(text_enum(AmendmentKind))
    effective_on: Mapped[date]
    said: Mapped[dict[str, Any]]
    reason: Mapped[str] = mapped_column(String(500))
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str] = mapped_column(String(200))

    contract: Mapped[Contract] = relationship()
