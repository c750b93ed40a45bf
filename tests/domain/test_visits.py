"""Trips: jobs at one site are given to a technician for a day, sent out, called off; jobs are cancelled."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from rental.contracts.models import Contract
from rental.core.errors import DomainError, NotFound
from rental.core.ids import new_id
from rental.core.states import IllegalStep
from rental.core.uow import UnitOfWork
from rental.customers.models import Site
from rental.customers.rules import PositionSource
from rental.customers.sites import add_site, place_site
from rental.fieldwork.models import Visit, WorkOrder
from rental.fieldwork.queries import commands_in_conflict, steps_of, work_orders_matching
from rental.fieldwork.rules import ItemState, VisitState, WorkOrderState
from rental.fieldwork.visits import (
    DayOver,
    NotATechnician,
    NothingToVisitFor,
    SeveralSites,
    arrive,
    call_off_visit,
    cancel_work_order,
    depart,
    plan_visit,
    publish_visit,
)
from rental.fieldwork.work_orders import SiteNotOnMap, make_ready, open_installation_orders, open_work_order
from rental.identity.accounts import disable_account
from rental.identity.models import Account
from rental.identity.permissions import Role
from rental.inventory.models import Reservation, Unit
from rental.inventory.rules.holding import ReservationState
from rental.inventory.rules.unit_states import UnitState
from rental.notifications.models import Notice, NoticeKind
from tests.factories.rented import make_active_contract, make_order, send_out
from tests.support.story import Story


@pytest.fixture
def technician(story: Story) -> Account:
    return story.person(Role.TECHNICIAN)


def state_of(story: Story, order_id: UUID) -> WorkOrderState:
    with story.reading() as session:
        return session.get_one(WorkOrder, order_id).state


def two_orders_of_one_site(uow: UnitOfWork) -> list[WorkOrder]:
    """As when a second job becomes due where one waits already."""
    contract = make_active_contract(uow, machines=2)
    slots = contract.lines[0].slots
    return [open_work_order(uow, contract, [slot], wanted_on=uow.today) for slot in slots]


def test_a_visit_is_planned_then_sent_out_and_the_technician_is_told_once(
    story: Story, technician: Account
) -> None:
    with story.begin() as uow:
        orders = two_orders_of_one_site(uow)
        day = uow.today + timedelta(days=2)
    with story.begin("dispatcher") as uow:
        visit = plan_visit(
            uow, [order.id for order in orders], technician_id=technician.id, planned_on=day, starts_at=570
        )
    assert {state_of(story, order.id) for order in orders} == {WorkOrderState.PLANNED}
    assert "fieldwork.visit_published" not in story.announced()

    with story.begin("dispatcher") as uow:
        publish_visit(uow, visit.id)
    assert {state_of(story, order.id) for order in orders} == {WorkOrderState.DISPATCHED}
    assert story.announced().count("fieldwork.visit_published") == 1
    story.everything_happens_twice()
    with story.reading() as session:
        notices = session.scalars(select(Notice).where(Notice.account_id == technician.id)).all()
        told = [notice.params for notice in notices if notice.kind is NoticeKind.VISIT_PUBLISHED]
        site = session.get_one(Site, visit.site_id)
        assert told == [{"site": site.name, "planned_on": day.isoformat()}]
        saved = session.get_one(Visit, visit.id)
        assert (saved.state, saved.planned_on, saved.starts_at) == (VisitState.PUBLISHED, day, 570)
        assert [step.actor_name for step in steps_of(session, orders[0].id)][:2] == ["dispatcher"] * 2
    with pytest.raises(IllegalStep), story.begin() as uow:
        publish_visit(uow, visit.id)
    assert story.announced().count("fieldwork.visit_published") == 1


@pytest.mark.parametrize("is_published", [False, True])
def test_a_visit_called_off_leaves_its_jobs_to_be_planned_again(
    story: Story, technician: Account, is_published: bool
) -> None:
    with story.begin() as uow:
        order = make_order(uow)
        visit = plan_visit(uow, [order.id], technician_id=technician.id, planned_on=uow.today)
        if is_published:
            publish_visit(uow, visit.id)
    with story.begin() as uow:
        call_off_visit(uow, visit.id)
    with story.reading() as session:
        row = session.get_one(WorkOrder, order.id)
        assert (row.state, row.visit_id) == (WorkOrderState.READY, None)
        assert session.get_one(Visit, visit.id).state is VisitState.CANCELLED
    with story.begin() as uow:
        again = plan_visit(uow, [order.id], technician_id=technician.id, planned_on=uow.today)
    assert again.id != visit.id


def test_who_is_on_the_way_is_not_called_back(story: Story, technician: Account) -> None:
    with story.begin() as uow:
        order = make_order(uow)
        visit = send_out(uow, order, technician.id)
        depart(uow, visit.id, at=uow.now)
    with pytest.raises(IllegalStep), story.begin() as uow:
        call_off_visit(uow, visit.id)
    assert state_of(story, order.id) is WorkOrderState.EN_ROUTE


def test_a_plan_that_cannot_be_is_refused_and_changes_nothing(story: Story, technician: Account) -> None:
    seller = story.person(Role.SALES)
    gone = story.person(Role.TECHNICIAN, email="gone@example.jp")
    with story.begin() as uow:
        disable_account(uow, gone.id)
        order, elsewhere = make_order(uow), make_order(uow)
        today = uow.today
    refusals: list[tuple[type[DomainError], list[UUID], UUID, int]] = [
        (SeveralSites, [order.id, elsewhere.id], technician.id, 0),
        (NotATechnician, [order.id], gone.id, 0),
        (NotATechnician, [order.id], seller.id, 0),
        (NotFound, [order.id], new_id(), 0),
        (NotFound, [order.id, new_id()], technician.id, 0),
        (DayOver, [order.id], technician.id, -1),
        (NothingToVisitFor, [], technician.id, 0),
    ]
    announced = story.announced()
    for refusal, order_ids, technician_id, days in refusals:
        with pytest.raises(refusal), story.begin() as uow:
            plan_visit(uow, order_ids, technician_id=technician_id, planned_on=today + timedelta(days=days))
    assert story.count(Visit) == 0
    assert {state_of(story, row.id) for row in (order, elsewhere)} == {WorkOrderState.READY}
    assert story.announced() == announced


def test_a_job_is_in_one_visit_at_a_time(story: Story, technician: Account) -> None:
    with story.begin() as uow:
        order = make_order(uow)
        plan_visit(uow, [order.id], technician_id=technician.id, planned_on=uow.today)
    with pytest.raises(IllegalStep), story.begin() as uow:
        plan_visit(uow, [order.id], technician_id=technician.id, planned_on=uow.today)
    assert story.count(Visit) == 1


def test_a_site_without_a_position_has_to_be_found_before_its_job_is_ready(story: Story) -> None:
    with story.begin() as uow:
        contract = make_active_contract(uow)
        site = add_site(
            uow, contract.customer_id, name="裏店", prefecture="東京都", city="港区", street="芝公園1-5"
        )
        contract.lines[0].slots[0].site_id = site.id
        uow.session.flush()
        uow.session.expire_all()
        (order,) = open_installation_orders(uow, contract.id)
    assert state_of(story, order.id) is WorkOrderState.DRAFT
    with pytest.raises(SiteNotOnMap) as refused, story.begin() as uow:
        make_ready(uow, order.id)
    assert refused.value.params == {"site": "裏店"}
    with story.begin() as uow:
        place_site(uow, site.id, latitude=35.65, longitude=139.75, source=PositionSource.ENTERED)
        make_ready(uow, order.id)
    assert state_of(story, order.id) is WorkOrderState.READY


def test_a_cancelled_job_ends_its_visit_and_leaves_the_promise(story: Story, technician: Account) -> None:
    with story.begin() as uow:
        order = make_order(uow)
        visit = send_out(uow, order, technician.id)
    with story.begin("dispatcher") as uow:
        cancel_work_order(uow, order.id, reason="shop is being rebuilt")
    with story.reading() as session:
        row = session.get_one(WorkOrder, order.id)
        assert row.state is WorkOrderState.CANCELLED
        assert row.finished_at is not None
        assert [item.state for item in row.items] == [ItemState.LEFT]
        assert steps_of(session, order.id)[0].note == "shop is being rebuilt"
        assert session.get_one(Visit, visit.id).state is VisitState.CANCELLED
        assert session.scalars(select(Reservation.state)).all() == [ReservationState.HELD]
        assert session.scalars(select(Unit.state)).all() == [UnitState.RESERVED]
        assert commands_in_conflict(session) == []
    with pytest.raises(IllegalStep), story.begin() as uow:
        cancel_work_order(uow, order.id, reason="again")
    with story.begin() as uow:  # the slot still waits: it gets another job
        (following,) = open_installation_orders(uow, order.contract_id)
    assert state_of(story, following.id) is WorkOrderState.READY


def test_a_visit_goes_on_while_one_of_its_jobs_is_not_over(story: Story, technician: Account) -> None:
    with story.begin() as uow:
        first, second = two_orders_of_one_site(uow)
        visit = plan_visit(uow, [first.id, second.id], technician_id=technician.id, planned_on=uow.today)
        publish_visit(uow, visit.id)
        arrive(uow, visit.id, at=uow.now)
    with story.begin() as uow:
        cancel_work_order(uow, first.id, reason="one is enough")
    with story.reading() as session:
        assert session.get_one(Visit, visit.id).state is VisitState.ON_SITE
    with story.begin() as uow:
        cancel_work_order(uow, second.id, reason="none is enough")
    with story.reading() as session:
        assert session.get_one(Visit, visit.id).state is VisitState.LEFT


def test_jobs_are_found_by_number_and_by_site(story: Story) -> None:
    with story.begin() as uow:
        order, other = make_order(uow), make_order(uow)
        site_name = uow.session.get_one(Site, order.site_id).name
        cancel_work_order(uow, other.id, reason="not needed")

    def found(**filters: object) -> set[UUID]:
        with story.reading() as session:
            return {row.id for row in session.scalars(work_orders_matching(**filters))}  # type: ignore[arg-type]

    mark = site_name.split()[1]
    for words in (order.number, order.number.lower(), site_name, f"ミドリ {mark}", f"みどり {mark}"):
        assert found(words=words) == {order.id}, words
    assert found(words="みどり") == found() == {order.id, other.id}
    assert found(is_open=True) == {order.id}
    assert found(state=WorkOrderState.CANCELLED) == {other.id}
    assert found(words="%") == set()


def test_the_contract_waits_for_its_wanted_day(story: Story) -> None:
    with story.begin() as uow:
        contract = make_active_contract(uow)
        row = uow.session.get_one(Contract, contract.id)
        row.wanted_on = uow.today + timedelta(days=9)
        (order,) = open_installation_orders(uow, contract.id)
        assert order.wanted_on == uow.today + timedelta(days=9)
