"""A process that RQ started for one delivery goes on with those like it, as long as nobody needs it more."""

from collections.abc import Iterable
from uuid import UUID

import pytest
from sqlalchemy import func, select

from rental.assurance.checking import start_check
from rental.core.events import Event
from rental.core.ids import new_id
from rental.core.outbox import Delivery, DeliveryState
from rental.identity.events import PasswordSet, RolesChanged
from rental.identity.permissions import Role
from rental.worker import deliver
from tests.support.story import Story

TOLD = "notifications.tell_of_new_password"


def announce(story: Story, events: Iterable[Event]) -> None:
    with story.begin() as uow:
        for event in events:
            uow.announce(event)


def waiting(story: Story) -> dict[str, int]:
    """How many deliveries wait, by handler."""
    with story.reading() as session:
        found = select(Delivery.handler, func.count()).where(Delivery.state == DeliveryState.QUEUED)
        return dict(session.execute(found.group_by(Delivery.handler)).all())


def deliver_the_first(story: Story) -> None:
    with story.reading() as session:
        first: UUID = session.scalars(
            select(Delivery.id).where(Delivery.handler == TOLD).order_by(Delivery.id.desc()).limit(1)
        ).one()
    with story.app.app_context():
        deliver(str(first))


def test_those_for_the_same_handler_are_run_by_the_same_process(story: Story) -> None:
    person = story.person(Role.SALES)
    story.everything_happens()
    changed = RolesChanged(person.id)
    announce(story, [PasswordSet(person.id), changed, PasswordSet(person.id), PasswordSet(person.id)])
    others = waiting(story)
    assert others.pop(TOLD) == 3
    deliver_the_first(story)
    assert waiting(story) == others
    assert others


def test_something_more_urgent_is_not_kept_waiting(story: Story) -> None:
    person = story.person(Role.SALES)
    story.everything_happens()
    announce(story, [PasswordSet(person.id)] * 3)
    with story.begin() as uow:
        start_check(uow)
    deliver_the_first(story)
    assert waiting(story)[TOLD] == 2


def test_a_worker_that_is_to_stop_begins_nothing_more(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    person = story.person(Role.SALES)
    story.everything_happens()
    announce(story, [PasswordSet(person.id)] * 3)
    monkeypatch.setattr(story.runtime, "is_stopping", True)
    deliver_the_first(story)
    assert waiting(story) == {TOLD: 2}


def test_whoever_comes_too_late_for_one_goes_on_with_the_others(story: Story) -> None:
    person = story.person(Role.SALES)
    announce(story, [PasswordSet(person.id)])
    story.everything_happens()
    announce(story, [PasswordSet(person.id)] * 2)
    with story.reading() as session:
        done = session.scalars(
            select(Delivery.id).where(Delivery.state == DeliveryState.DONE, Delivery.handler == TOLD).limit(1)
        ).one()
    with story.app.app_context():
        deliver(str(done))
    assert waiting(story) == {}


def test_a_ring_for_what_is_not_kept_any_more_does_nothing(story: Story) -> None:
    person = story.person(Role.SALES)
    story.everything_happens()
    announce(story, [PasswordSet(person.id)])
    with story.app.app_context():
        deliver(str(new_id()))
    assert waiting(story) == {TOLD: 1}
