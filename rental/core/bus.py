"""Who hears what: handlers marked with the event they react to, subscribed in `wiring`."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol, TypeVar
from uuid import UUID

from sqlalchemy.orm import Session

from rental.core.events import Event

F = TypeVar("F", bound=Callable[..., None])

# A chunk of work takes at most 5 s; a lease that has run out means that the worker is gone.
LEASE = timedelta(seconds=30)


class Queue(StrEnum):
    """Queues by urgency, most urgent first."""

    INTERACTIVE = "interactive"
    EVENTS = "events"
    BILLING = "billing"
    PLANNING = "planning"


@dataclass(frozen=True, slots=True)
class Handler:
    """One reaction: `run` takes the unit of work and the event; `name` is stored with the delivery.

    What takes long to read is read before the transaction, so that no writer waits: `reads` takes a snapshot,
    the event and the present instant, and what it returns is the third argument of `run`.
    """

    name: str
    event: type[Event]
    queue: Queue
    lease: timedelta
    reads: Callable[[Session, Any, datetime], Any] | None
    run: Callable[..., None]


@dataclass(frozen=True, slots=True)
class Ring:
    """A wake-up call: this delivery waits in the database."""

    delivery_id: UUID
    queue: Queue


class Doorbell(Protocol):
    """Wakes a worker. It may fail silently: what waits, waits in the database."""

    def ring(self, rings: list[Ring]) -> None: ...

    def room(self) -> int:
        """How many more calls make sense now; 0 while nobody could hear them."""
        ...


class NoDoorbell:
    """Without Redis nobody is woken: for tools and tests, which run what is due themselves."""

    def ring(self, rings: list[Ring]) -> None:
        return None

    def room(self) -> int:
        return 0


def on(
    event: type[Event],
    *,
    queue: Queue = Queue.EVENTS,
    lease: timedelta = LEASE,
    reads: Callable[[Session, Any, datetime], Any] | None = None,
) -> Callable[[F], F]:
    """Marks a function as the reaction to an event; `wiring` decides whether it is subscribed."""

    def mark(function: F) -> F:
        package = function.__module__.removeprefix("rental.").split(".")[0]
        handler = Handler(f"{package}.{function.__name__}", event, queue, lease, reads, function)
        function.__handler__ = handler  # type: ignore[attr-defined]
        return function

    return mark


class Bus:
    """The subscriptions of this process."""

    def __init__(self, *functions: Callable[..., None]) -> None:
        self._handlers: dict[str, Handler] = {}
        for function in functions:
            handler: Handler = function.__handler__  # type: ignore[attr-defined]
            if handler.name in self._handlers:
                raise ValueError(f"{handler.name} is subscribed twice")
            self._handlers[handler.name] = handler

    def __iter__(self) -> Iterator[Handler]:
        return iter(self._handlers.values())

    def hearing(self, event: Event) -> list[Handler]:
        return [handler for handler in self if handler.event.name == event.name]

    def named(self, name: str) -> Handler | None:
        return self._handlers.get(name)
