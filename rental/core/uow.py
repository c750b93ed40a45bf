"""The unit of work: one transaction, one instant, one actor; saved whole or not at all."""

import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property
from typing import Any, TypeVar
from uuid import UUID
from weakref import WeakSet

from sqlalchemy import event
from sqlalchemy.orm import Session
from sqlalchemy.orm.util import identity_key

from rental.core import audit, outbox
from rental.core.bus import Bus, Ring
from rental.core.business_date import business_today
from rental.core.clock import day_of
from rental.core.db import Base, db, writing_engine
from rental.core.errors import NotFound
from rental.core.events import Event
from rental.core.files import FileStore
from rental.core.ids import new_id
from rental.core.runtime import Runtime, runtime

M = TypeVar("M", bound=Base)


class ActorKind(StrEnum):
    """A person at a screen, or the company's own machinery."""

    PERSON = "person"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. `address` is where a person's request came from."""

    kind: ActorKind
    name: str
    id: UUID | None = None
    address: str | None = None


def system(name: str) -> Actor:
    """The machinery itself, named after the part that acts: `worker`, `tick`, `cli`."""
    return Actor(ActorKind.SYSTEM, name)


class UnitOfWork:
    """What a use case is given. It has no commit: leaving `begin` commits.

    `draw` gives a number from 0 to below the one it is given. Nobody can guess it; only an invented company
    puts a source there that repeats itself.
    """

    def __init__(self, session: Session, actor: Actor, current: Runtime) -> None:
        self.id = new_id()
        self.session = session
        self.actor = actor
        self.now: datetime = current.clock.now()
        self.files: FileStore = current.files
        self.draw: Callable[[int], int] = secrets.randbelow
        self.reason: str | None = None
        self._begun_at = self.now
        self._bus: Bus = current.bus
        self._zone = current.zone
        self._rings: list[Ring] = []
        self._is_heard = True

    @cached_property
    def today(self) -> date:
        """Today for every business rule, in the company's zone."""
        return business_today(self.session, self.now, self._zone)

    def business_day(self, instant: datetime) -> date:
        """The day an instant belongs to for every business rule: as far from today as by the calendar."""
        behind = day_of(self.now, self._zone) - day_of(instant, self._zone)
        return self.today - behind

    def at(self, instant: datetime, *, by: Actor | None = None, heard: bool = True) -> "UnitOfWork":
        """The same transaction, told what somebody did at an earlier instant: `now` and `today` are of then.

        The audit log keeps who tells it, when and why; and what is announced is announced now, since nobody
        could hear of it before. Unless it is not to be `heard`: then whoever tells it tells as well what
        followed from it. For taking over what happened before we kept the books.
        """
        told = copy(self)
        told.now = instant
        told.today = day_of(instant, self._zone)
        told.actor = by or self.actor
        told._is_heard = heard
        return told

    def because(self, reason: str) -> None:
        """Why this is done, for the audit log."""
        self.reason = reason

    def announce(self, event: Event) -> None:
        """Saved with the change itself; whoever listens hears of it after the commit."""
        if not self._is_heard:
            return
        handlers = self._bus.hearing(event)
        self._rings += outbox.write_message(self.session, event, handlers, now=self._begun_at)

    def announce_all(self, events: Iterable[Event]) -> None:
        """The same for thousands of facts at once."""
        if not self._is_heard:
            return
        announced = [(event, self._bus.hearing(event)) for event in events]
        self._rings += outbox.write_messages(self.session, announced, now=self._begun_at)

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """What fails inside is undone, and nobody is woken for it; the transaction goes on without it."""
        known = len(self._rings)
        try:
            with self.session.begin_nested():
                yield
        except BaseException:
            del self._rings[known:]
            raise

    def record(self, action: str, *, entity: str, entity_id: UUID | None, **facts: Any) -> None:
        """An audit entry for something that changes no row by itself, such as a refused sign-in."""
        self.session.flush()
        audit.append(self.session, [audit.Change(action, entity, entity_id, None, facts)])

    def origin(self) -> audit.Origin:
        """Who, when, where and why, as the audit log keeps it."""
        actor = self.actor
        return audit.Origin(
            self.now, self.id, actor.kind.value, actor.id, actor.name, actor.address, self.reason
        )

    @property
    def rings(self) -> list[Ring]:
        """The deliveries to wake a worker for, once committed."""
        return self._rings


class WritingSession(Session):
    """A session that may write; its changes are audited as they are flushed."""


audit.watch(WritingSession)


@event.listens_for(WritingSession, "pending_to_persistent")
def _hold_new_row(session: Session, row: object) -> None:
    """Nobody else can see a row that this transaction made, so nobody else can change it."""
    session.info["locked"].add(row)


@event.listens_for(WritingSession, "after_soft_rollback")
def _hold_nothing(session: Session, _previous: object) -> None:
    """What was locked since a savepoint is let go with it."""
    session.info["locked"].clear()


@contextmanager
def begin(actor: Actor) -> Iterator[UnitOfWork]:
    """Opens a transaction for one actor; leaving the block commits, an exception undoes all of it."""
    current = runtime()
    with WritingSession(bind=writing_engine(), expire_on_commit=False) as session, session.begin():
        uow = UnitOfWork(session, actor, current)
        session.info["origin"] = uow.origin
        session.info["locked"] = WeakSet[object]()
        yield uow
    db.session.rollback()  # what is read from here on sees what was saved
    if uow.rings:
        current.doorbell.ring(uow.rings)


def locked(uow: UnitOfWork, kind: type[M], key: UUID) -> M:
    """The row with this key as it is now, held until the transaction ends. Raises NotFound.

    A row that this transaction holds already is not read again. On SQLite it holds all of them: it has been
    the only writer since it began.
    """
    session = uow.session
    known = session.identity_map.get(identity_key(kind, key))
    if known is not None and (known in session.info["locked"] or session.get_bind().dialect.name == "sqlite"):
        return known
    row = session.get(kind, key, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound(kind=kind.__tablename__)
    session.info["locked"].add(row)
    return row
