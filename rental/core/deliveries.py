"""Working off deliveries: who may work on one, what follows from success, failure and a lost worker.

A worker claims a delivery (a short transaction); then the handler's changes and "done" are saved together, so
a message delivered often takes effect once, and a crash is done again from zero. RQ only wakes workers;
`claim` decides who works.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, or_, select

from rental.core.bus import LEASE, Bus, Ring
from rental.core.errors import NotFound
from rental.core.ids import new_id
from rental.core.outbox import DELIVERY_STATES, Delivery, DeliveryState, OutboxMessage, is_due
from rental.core.uow import UnitOfWork

# How long after a ring nobody came: the ring is taken as lost and repeated.
RING_AGAIN = timedelta(seconds=15)
# Waits before the second, third … attempt; after the last one a person decides.
RETRY_AFTER = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 600))
KEEP_DONE = timedelta(days=35)


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on one delivery until the lease runs out, and what it is about."""

    delivery_id: UUID
    token: UUID
    handler: str
    message: str
    payload: dict[str, Any]


def claim(uow: UnitOfWork, bus: Bus, delivery_id: UUID) -> Claim | None:
    """Takes the delivery if it is due and free; None when it is done, parked, not due or somebody's."""
    delivery = uow.session.scalar(
        select(Delivery)
        .where(
            Delivery.id == delivery_id,
            is_due(uow.now),
        )
        .with_for_update(skip_locked=True)
    )
    if delivery is None:
        return None
    handler = bus.named(delivery.handler)
    DELIVERY_STATES.check(delivery.state, DeliveryState.RUNNING)
    delivery.state = DeliveryState.RUNNING
    delivery.attempt_count += 1
    delivery.token = new_id()
    delivery.lease_until = uow.now + (handler.lease if handler else LEASE)
    message = delivery.message
    return Claim(delivery.id, delivery.token, delivery.handler, message.name, message.payload)


def hold(uow: UnitOfWork, held: Claim) -> Delivery | None:
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


def finish(uow: UnitOfWork, delivery: Delivery) -> None:
    """Done, in the transaction of the effect itself."""
    DELIVERY_STATES.check(delivery.state, DeliveryState.DONE)
    delivery.state = DeliveryState.DONE
    delivery.finished_at = uow.now
    delivery.token = delivery.lease_until = delivery.error_code = delivery.error_detail = None


def give_back(uow: UnitOfWork, held: Claim, *, error_code: str, error_detail: str) -> None:
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


def take_back_expired(uow: UnitOfWork, *, limit: int = 200) -> int:
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


def ring_again(uow: UnitOfWork, *, limit: int = 200) -> list[Ring]:
    """Due deliveries that nobody came for; the caller wakes workers after the commit."""
    waiting = uow.session.scalars(
        select(Delivery)
        .where(
            is_due(uow.now),
            or_(
                Delivery.rung_at <= uow.now - RING_AGAIN,
                Delivery.rung_at < Delivery.due_at,
                Delivery.rung_at > uow.now + RING_AGAIN,  # by a clock that was set back since
            ),
        )
        .order_by(Delivery.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for delivery in waiting:
        delivery.rung_at = uow.now
    return [Ring(delivery.id, delivery.queue) for delivery in waiting]


def run_again(uow: UnitOfWork, delivery_id: UUID) -> Delivery:
    """A person has another try made of a failed or parked delivery, with all its attempts ahead."""
    delivery = uow.session.scalar(select(Delivery).where(Delivery.id == delivery_id).with_for_update())
    if delivery is None:
        raise NotFound(kind="delivery")
    DELIVERY_STATES.check(delivery.state, DeliveryState.QUEUED)
    uow.record("run_again", entity="delivery", entity_id=delivery.id, handler=delivery.handler)
    delivery.state = DeliveryState.QUEUED
    delivery.attempt_count = 0
    delivery.due_at = delivery.rung_at = uow.now
    delivery.error_code = delivery.error_detail = None
    uow.rings.append(Ring(delivery.id, delivery.queue))
    return delivery


def forget_done(uow: UnitOfWork, *, limit: int = 5000) -> int:
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
