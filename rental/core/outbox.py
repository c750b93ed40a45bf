"""The queue is the database: a message and its deliveries are saved with the change that caused them.

A delivery is one message for one handler. How it is worked off stands in `deliveries`.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Index,
    Select,
    String,
    Text,
    UniqueConstraint,
    and_,
    func,
    or_,
    select,
)
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from rental.core.bulk import insert_many
from rental.core.bus import Handler, Queue, Ring
from rental.core.db import Base, text_enum
from rental.core.events import Event, to_wire
from rental.core.ids import new_id, new_ids
from rental.core.states import States


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


def write_messages(
    session: Session, announced: Sequence[tuple[Event, Sequence[Handler]]], *, now: datetime
) -> list[Ring]:
    """The same for thousands of facts at once, past the session."""
    messages: list[dict[str, Any]] = []
    deliveries: list[dict[str, Any]] = []
    rings: list[Ring] = []
    delivery_ids = iter(new_ids(sum(len(handlers) for _, handlers in announced)))
    for message_id, (event, handlers) in zip(new_ids(len(announced)), announced, strict=True):
        message = {"id": message_id, "name": event.name, "payload": to_wire(event), "announced_at": now}
        messages.append(message)
        for handler in handlers:
            rings.append(Ring(next(delivery_ids), handler.queue))
            deliveries.append(
                {
                    "id": rings[-1].delivery_id,
                    "message_id": message["id"],
                    "handler": handler.name,
                    "queue": handler.queue,
                    "state": DeliveryState.QUEUED,
                    "attempt_count": 0,
                    "queued_at": now,
                    "due_at": now,
                    "rung_at": now,
                }
            )
    insert_many(session, OutboxMessage, messages)
    insert_many(session, Delivery, deliveries)
    return rings


def is_due(now: datetime) -> ColumnElement[bool]:
    """Waiting for a worker. What was never tried is due at once, whatever two machines' clocks say."""
    return or_(
        Delivery.state == DeliveryState.QUEUED,
        and_(Delivery.state == DeliveryState.FAILED, Delivery.due_at <= now),
    )


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
    statement = (
        select(Delivery.state, func.count()).where(Delivery.state.in_(unfinished)).group_by(Delivery.state)
    )
    return dict.fromkeys(unfinished, 0) | dict(session.execute(statement).all())


def due_deliveries(session: Session, *, now: datetime, limit: int = 100) -> Sequence[UUID]:
    """What a worker could take now, oldest first."""
    return session.scalars(
        select(Delivery.id).where(is_due(now)).order_by(Delivery.due_at, Delivery.id).limit(limit)
    ).all()


def deliveries_like(session: Session, delivery_id: UUID, *, now: datetime, limit: int = 20) -> Sequence[UUID]:
    """What waits for the same handler as this delivery, oldest first; nothing while something more urgent
    waits."""
    known = session.execute(
        select(Delivery.handler, Delivery.queue).where(Delivery.id == delivery_id)
    ).one_or_none()
    if known is None:
        return ()
    handler, queue = known
    more_urgent = tuple(Queue)[: tuple(Queue).index(queue)]
    if session.scalar(select(Delivery.id).where(is_due(now), Delivery.queue.in_(more_urgent)).limit(1)):
        return ()
    return session.scalars(
        select(Delivery.id)
        .where(is_due(now), Delivery.handler == handler)
        .order_by(Delivery.due_at, Delivery.id)
        .limit(limit)
    ).all()
