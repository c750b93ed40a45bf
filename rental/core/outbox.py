"""The queue is the database: a message and its deliveries are saved with the change that caused them.

A delivery is one message for one handler. A worker claims it (a short transaction), then the handler's
changes and "done" are saved together, so a message delivered often takes effect once and a crash is done
again from zero. RQ only wakes workers; `claim` decides who works.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Select, String, Text, UniqueConstraint, delete, func, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from rental.core.bus import Handler, Queue, Ring
from rental.core.db import Base, text_enum
from rental.core.errors import NotFound
from rental.core.events import Event, to_wire
from rental.core.ids import new_id
from rental.core.states import States

if TYPE_CHECKING:
    from rental.core.uow import UnitOfWork

# A chunk of work takes at most 5 s; a lease that has run out means that the worker is gone.
LEASE = timedelta(seconds=30)
# How long after a ring nobody came: the ring is taken as lost and repeated.
RING_AGAIN = timedelta(seconds=15)
# Waits before the second, third … attempt; after the last one a person decides.
RETRY_AFTER = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 600))
KEEP_DONE = timedelta(days=35)


class DeliveryState(StrEnum):
    """Where a delivery stands: in the queue, at work, failed with a retry ahead, given up, done."""

    QUEUED = "queued"
    RUNNING = "running"
    FAILED = "failed"
    PARKED = "parked"
    DONE = "done"


DELIVERY_STATES = States(
    {
        DeliveryState.QUEUED: {DeliveryState.RUNNING},
        DeliveryState.RUNNING: {
            DeliveryState.DONE,
            DeliveryState.QUEUED,
            DeliveryState.FAILED,
            DeliveryState.PARKED,
        },
        DeliveryState.FAILED: {DeliveryState.RUNNING, DeliveryState.QUEUED},
        DeliveryState.PARKED: {DeliveryState.QUEUED},
        DeliveryState.DONE: set(),
    }
)


class OutboxMessage(Base):
    """An announced event as it goes over the wire."""

    __tablename__ = "outbox_message"
    __audited__ = False

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(80))
    payload: Mapped[dict[str, Any]]
    announced_at: Mapped[datetime] = mapped_column(index=True)


class Delivery(Base):
    """One message for one handler. `token` belongs to the worker whose claim is valid."""

    __tablename__ = "delivery"
    __audited__ = False
    __table_args__ = (
        UniqueConstraint("message_id", "handler"),
        Index("ix_delivery_due", "state", "due_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    message_id: Mapped[UUID] = mapped_column(ForeignKey(OutboxMessage.id))
    handler: Mapped[str] = mapped_column(String(80))
    queue: Mapped[Queue] = mapped_column(text_enum(Queue))
    state: Mapped[DeliveryState] = mapped_column(text_enum(DeliveryState), default=DeliveryState.QUEUED)
    attempt_count: Mapped[int] = mapped_column(default=0)
    queued_at: Mapped[datetime]
    due_at: Mapped[datetime]
    rung_at: Mapped[datetime]
    token: Mapped[UUID | None]
    lease_until: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    error_code: Mapped[str | None] = mapped_column(String(120))
    error_detail: Mapped[str | None] = mapped_column(Text)

    message: Mapped[OutboxMessage] = relationship()


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on one delivery until the lease runs out."""

    delivery_id: UUID
    token: UUID


def write_message(
    session: Session, event: Event, handlers: Sequence[Handler], *, now: datetime
) -> list[Ring]:
    """Saves the message and a delivery per handler in the caller's transaction; returns whom to wake."""
    message = OutboxMessage(id=new_id(), name=event.name, payload=to_wire(event), announced_at=now)
    deliveries = [
        Delivery(
            id=new_id(),
            message=message,
            handler=handler.name,
            queue=handler.queue,
            queued_at=now,
            due_at=now,
            rung_at=now,
        )
        for handler in handlers
    ]
    session.add(message)
    session.add_all(deliveries)
    return [Ring(delivery.id, delivery.queue) for delivery in deliveries]


def claim(uow: "UnitOfWork", delivery_id: UUID, *, lease: timedelta = LEASE) -> Claim | None:
    """Takes the delivery if it is due and free; None when it is done, parked, not due or somebody's."""
    delivery = uow.session.scalar(
        select(Delivery)
        .where(
            Delivery.id == delivery_id,
            Delivery.state.in_((DeliveryState.QUEUED, DeliveryState.FAILED)),
            Delivery.due_at <= uow.now,
        )
        .with_for_update(skip_locked=True)
    )
    if delivery is None:
        return None
    DELIVERY_STATES.check(delivery.state, DeliveryState.RUNNING)
    delivery.state = DeliveryState.RUNNING
    delivery.attempt_count += 1
    delivery.token = new_id()
    delivery.lease_until = uow.now + lease
    return Claim(delivery.id, delivery.token)


def hold(uow: "UnitOfWork", held: Claim) -> Delivery | None:
    """The claimed delivery, locked to the end of the transaction; None when the claim is no longer valid."""
    return uow.session.scalar(
        select(Delivery)
        .where(
            Delivery.id == held.delivery_id,
            Delivery.token == held.token,
            Delivery.state == DeliveryState.RUNNING,
        )
        .with_for_update()
    )


def finish(uow: "UnitOfWork", delivery: Delivery) -> None:
    """Done, in the transaction of the effect itself."""
    DELIVERY_STATES.check(delivery.state, DeliveryState.DONE)
    delivery.state = DeliveryState.DONE
    delivery.finished_at = uow.now
    delivery.token = delivery.lease_until = delivery.error_code = delivery.error_detail = None


def give_back(uow: "UnitOfWork", held: Claim, *, error_code: str, error_detail: str) -> None:
    """An attempt failed: tried again later, or parked for a person after the last one."""
    delivery = hold(uow, held)
    if delivery is None:
        return
    delivery.error_code = error_code[:120]
    delivery.error_detail = error_detail
    _let_go(delivery, uow.now)


def _let_go(delivery: Delivery, now: datetime) -> None:
    delivery.token = delivery.lease_until = None
    if delivery.attempt_count > len(RETRY_AFTER):
        DELIVERY_STATES.check(delivery.state, DeliveryState.PARKED)
        delivery.state = DeliveryState.PARKED
    else:
        DELIVERY_STATES.check(delivery.state, DeliveryState.FAILED)
        delivery.state = DeliveryState.FAILED
        delivery.due_at = now + RETRY_AFTER[delivery.attempt_count - 1]


def take_back_expired(uow: "UnitOfWork", *, limit: int = 200) -> int:
    """Deliveries whose worker is gone go back to the queue at once, or are parked after the last attempt."""
    expired = uow.session.scalars(
        select(Delivery)
        .where(Delivery.state == DeliveryState.RUNNING, Delivery.lease_until < uow.now)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for delivery in expired:
        delivery.error_code = "core.worker_gone"
        delivery.error_detail = None
        _let_go(delivery, uow.now)
        if delivery.state is DeliveryState.FAILED:
            delivery.state = DeliveryState.QUEUED
            delivery.due_at = uow.now
            delivery.rung_at = uow.now - RING_AGAIN
    return len(expired)


def ring_again(uow: "UnitOfWork", *, limit: int = 200) -> list[Ring]:
    """Due deliveries that nobody came for; the caller wakes workers after the commit."""
    waiting = uow.session.scalars(
        select(Delivery)
        .where(
            Delivery.state.in_((DeliveryState.QUEUED, DeliveryState.FAILED)),
            Delivery.due_at <= uow.now,
            or_(Delivery.rung_at <= uow.now - RING_AGAIN, Delivery.rung_at < Delivery.due_at),
        )
        .order_by(Delivery.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for delivery in waiting:
        delivery.rung_at = uow.now
    return [Ring(delivery.id, delivery.queue) for delivery in waiting]


def run_again(uow: "UnitOfWork", delivery_id: UUID) -> Delivery:
    """A person has another try made of a failed or parked delivery, with all its attempts ahead."""
    delivery = uow.session.scalar(select(Delivery).where(Delivery.id == delivery_id).with_for_update())
    if delivery is None:
        raise NotFound(kind="delivery")
    DELIVERY_STATES.check(delivery.state, DeliveryState.QUEUED)
    uow.record("run_again", entity="delivery", entity_id=delivery.id, handler=delivery.handler)
    delivery.state = DeliveryState.QUEUED
    delivery.attempt_count = 0
    delivery.due_at = delivery.rung_at = uow.now
    uow.rings.append(Ring(delivery.id, delivery.queue))
    return delivery


def deliveries_matching(*, state: DeliveryState | None, handler: str | None) -> Select[Delivery]:
    """Deliveries in this state, of this handler, in no order yet."""
    statement = select(Delivery)
    if state:
        statement = statement.where(Delivery.state == state)
    if handler:
        statement = statement.where(Delivery.handler == handler)
    return statement


def delivery_counts(session: Session) -> dict[DeliveryState, int]:
    """How many deliveries are in each state that is not the end."""
    unfinished = [state for state in DeliveryState if state is not DeliveryState.DONE]
    rows = (
        session.execute(
            select(Delivery.state, func.count())
            .where(Delivery.state.in_(unfinished))
            .group_by(Delivery.state)
        )
        .tuples()
        .all()
    )
    return dict.fromkeys(unfinished, 0) | dict(rows)


def due_deliveries(session: Session, *, now: datetime, limit: int = 100) -> Sequence[UUID]:
    """What a worker could take now, oldest first."""
    return session.scalars(
        select(Delivery.id)
        .where(Delivery.state.in_((DeliveryState.QUEUED, DeliveryState.FAILED)), Delivery.due_at <= now)
        .order_by(Delivery.due_at, Delivery.id)
        .limit(limit)
    ).all()


def forget_done(uow: "UnitOfWork", *, limit: int = 5000) -> int:
    """Done deliveries are kept five weeks for the job page, then they and their messages go."""
    old = uow.session.scalars(
        select(Delivery.id)
        .where(Delivery.state == DeliveryState.DONE, Delivery.finished_at < uow.now - KEEP_DONE)
        .limit(limit)
    ).all()
    uow.session.execute(delete(Delivery).where(Delivery.id.in_(old)))
    uow.session.execute(
        delete(OutboxMessage).where(
            OutboxMessage.announced_at < uow.now - KEEP_DONE,
            ~select(Delivery.id).where(Delivery.message_id == OutboxMessage.id).exists(),
        )
    )
    return len(old)
