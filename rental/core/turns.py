"""Periodic work: who keeps the clock, and whose turn has come; rows decide, so no turn is taken twice."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import String, or_, update
from sqlalchemy.orm import Mapped, mapped_column

from rental.core.db import Base
from rental.core.uow import UnitOfWork

# A tick that has not renewed its lease for this long is gone; the next one takes over.
TICK_LEASE = timedelta(seconds=15)
_TICK = "tick"


class PeriodicTurn(Base):
    """The last turn of a periodic job; the row `tick` says who keeps the clock and until when."""

    __tablename__ = "periodic_turn"
    __audited__ = False

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    due_at: Mapped[datetime]
    holder: Mapped[UUID | None]


@dataclass(frozen=True, slots=True)
class Every:
    """A turn each time this much time has passed."""

    step: timedelta

    def latest(self, now: datetime, zone: ZoneInfo) -> datetime:
        seconds = int(self.step.total_seconds())
        return datetime.fromtimestamp(int(now.timestamp()) // seconds * seconds, now.tzinfo)


@dataclass(frozen=True, slots=True)
class Daily:
    """One turn a day, at this hour of the company's zone."""

    hour: int

    def latest(self, now: datetime, zone: ZoneInfo) -> datetime:
        local = now.astimezone(zone)
        turn = local.replace(hour=self.hour, minute=0, second=0, microsecond=0)
        return turn if turn <= local else turn - timedelta(days=1)


def take_clock(uow: UnitOfWork, holder: UUID) -> bool:
    """Takes or renews the lease on keeping the clock; False while another holder's is valid."""
    if uow.session.get(PeriodicTurn, _TICK) is None:
        uow.session.add(PeriodicTurn(name=_TICK, holder=holder, due_at=uow.now + TICK_LEASE))
        uow.session.flush()
        return True
    return (
        uow.session.execute(
            update(PeriodicTurn)
            .where(
                PeriodicTurn.name == _TICK,
                or_(
                    PeriodicTurn.holder == holder,
                    PeriodicTurn.holder.is_(None),
                    PeriodicTurn.due_at < uow.now,
                    PeriodicTurn.due_at > uow.now + TICK_LEASE,  # by a clock that was set back since
                ),
            )
            .values(holder=holder, due_at=uow.now + TICK_LEASE)
            .returning(PeriodicTurn.name)
        ).scalar_one_or_none()
        is not None
    )


def give_clock_back(uow: UnitOfWork, holder: UUID) -> None:
    """The next one need not wait for the lease to run out."""
    uow.session.execute(
        update(PeriodicTurn)
        .where(PeriodicTurn.name == _TICK, PeriodicTurn.holder == holder)
        .values(holder=None)
    )


def take_turn(uow: UnitOfWork, name: str, schedule: Every | Daily, zone: ZoneInfo) -> bool:
    """Whether this job's turn has come; if so, it is taken in this transaction.

    A daily job of a new installation waits for its first hour instead of running at once.
    """
    due = schedule.latest(uow.now, zone)
    turn = uow.session.get(PeriodicTurn, name, with_for_update=True)
    if turn is None:
        uow.session.add(PeriodicTurn(name=name, due_at=due))
        return isinstance(schedule, Every)
    if due <= turn.due_at <= uow.now + timedelta(days=1):
        return False
    turn.due_at = due
    return True
