"""Telling afterwards what happened: the story is of then, who tells it and when stays as it is."""

from datetime import UTC, date, datetime
from itertools import count

import pytest
from sqlalchemy import event, select

from rental.catalog.equipment_models import add_skill
from rental.catalog.models import EquipmentModel
from rental.core import audit
from rental.core.audit import AuditEntry
from rental.core.errors import NotFound
from rental.core.outbox import Delivery, DeliveryState, OutboxMessage
from rental.core.uow import Actor, ActorKind, locked
from rental.demo.clock import pin_business_date
from rental.identity.events import PasswordSet
from rental.identity.permissions import Role
from rental.inventory.models import LabelCode, Movement, Receipt
from rental.inventory.rules.label_codes import code_from
from tests.factories.rented import make_model, make_order, make_rule, receive
from tests.support.story import Story

THEN = datetime(2025, 6, 2, 15, 30, tzinfo=UTC)  # half past midnight in Tokyo
DAY = date(2025, 6, 3)
STOREKEEPER = Actor(ActorKind.PERSON, "storekeeper")


def test_what_is_told_afterwards_has_its_own_day_and_its_own_people(story: Story) -> None:
    with story.begin() as uow:
        pin_business_date(uow, date(2026, 11, 20))
    with story.begin() as uow:
        told = uow.at(THEN, by=STOREKEEPER)
        assert (told.now, told.today, told.business_day(THEN)) == (THEN, DAY, DAY)
        make_rule(told)
        receive(told, make_model(told))
        assert (uow.now, uow.today) == (story.clock.now(), date(2026, 11, 20))
    with story.reading() as session:
        receipt = session.scalars(select(Receipt)).one()
        assert (receipt.received_on, receipt.received_at) == (DAY, THEN)
        assert session.scalars(select(Movement.actor_name)).one() == "storekeeper"


def test_the_audit_log_keeps_who_tells_it_when_and_why(story: Story) -> None:
    with story.begin("clerk") as uow:
        uow.because("books taken over")
        told = uow.at(THEN, by=STOREKEEPER)
        told.because("worn out")
        make_model(told)
    with story.reading() as session:
        entries = session.scalars(select(AuditEntry)).all()
        assert {(entry.at, entry.actor_name, entry.reason) for entry in entries} == {
            (story.clock.now(), "clerk", "books taken over")
        }
        assert len({entry.transaction_id for entry in entries}) == 1


def test_what_is_told_afterwards_is_announced_now(story: Story) -> None:
    with story.begin() as uow:
        make_order(uow.at(THEN))
    with story.reading() as session:
        assert set(session.scalars(select(OutboxMessage.announced_at))) == {story.clock.now()}
        assert set(session.scalars(select(Delivery.due_at))) == {story.clock.now()}


def test_label_codes_come_from_the_source_of_the_unit_of_work(story: Story) -> None:
    numbers = count(1000)
    with story.begin() as uow:
        uow.draw = lambda _limit: next(numbers)
        receive(uow, make_model(uow), 2)
    with story.reading() as session:
        assert set(session.scalars(select(LabelCode.code))) == {code_from(1000), code_from(1001)}


def test_a_row_made_in_this_transaction_is_not_read_again_to_be_locked(story: Story) -> None:
    asked: list[str] = []
    with story.begin() as uow:
        model = make_model(uow)
        event.listen(uow.session, "do_orm_execute", lambda _state: asked.append("made here"))
        assert locked(uow, EquipmentModel, model.id) is model
    with story.begin() as uow:
        event.listen(uow.session, "do_orm_execute", lambda _state: asked.append("made before"))
        assert locked(uow, EquipmentModel, model.id).id == model.id
    assert "made before" in asked
    assert "made here" not in asked


def test_a_row_that_a_savepoint_took_back_is_not_found(story: Story) -> None:
    with story.begin() as uow:
        with uow.session.begin_nested() as savepoint:
            model_id = make_model(uow).id
            savepoint.rollback()
        with pytest.raises(NotFound):
            locked(uow, EquipmentModel, model_id)


def test_what_is_tried_in_vain_leaves_nothing_and_wakes_nobody(story: Story) -> None:
    person = story.person(Role.SALES)
    story.everything_happens()
    with story.begin() as uow:
        uow.announce(PasswordSet(person.id))
        kept = list(uow.rings)
        with pytest.raises(NotFound), uow.attempt():
            model_id = make_model(uow).id
            uow.announce(PasswordSet(person.id))
            raise NotFound
        with uow.attempt():
            uow.announce(PasswordSet(person.id))
        assert uow.rings[: len(kept)] == kept
    with story.reading() as session:
        queued = session.scalars(select(Delivery.id).where(Delivery.state == DeliveryState.QUEUED)).all()
        assert session.get(EquipmentModel, model_id) is None
    assert {ring.delivery_id for ring in uow.rings} == set(queued)
    assert len(queued) == 2


def test_audit_entries_stored_in_blocks_are_the_same_entries(story: Story) -> None:
    with story.begin() as uow, audit.in_blocks(uow.session):
        for number in range(600):
            add_skill(uow, code=f"S{number}", name="skill")
        waiting = add_skill(uow, code="LAST", name="skill")
        waiting.name = "changed"
    with story.reading() as session:
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [entry.after["code"] for entry in entries[:600] if entry.after] == [f"S{n}" for n in range(600)]
    assert [(entry.action, entry.after) for entry in entries[601:]] == [("changed", {"name": "changed"})]
