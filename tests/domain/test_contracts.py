"""Writing contracts, turning them into promises, and what their slots owe once a machine stands there."""

import threading
from collections.abc import Callable
from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from rental.catalog.models import EquipmentModel
from rental.catalog.rate_plans import offer_rate_plan
from rental.catalog.rules import StartPolicy
from rental.contracts.activation import activate_contract, check_draft
from rental.contracts.drafting import (
    ForeignBillingAccount,
    ForeignSite,
    NotADraft,
    PlanNotOffered,
    add_line,
    cancel_draft,
    change_draft,
    draft_contract,
    remove_line,
)
from rental.contracts.models import Contract, ContractStep, Line, Slot
from rental.contracts.queries import contracts_matching, state_counts, steps_of, totals_of
from rental.contracts.rules import (
    ContractState,
    NothingAgreed,
    QuantityOutOfRange,
    RenewalPolicy,
    SlotState,
    TermTooShort,
    TooLongAgo,
)
from rental.core.errors import ChangedMeanwhile, DomainError
from rental.core.ids import new_id
from rental.core.money import Money, yen_of
from rental.core.outbox import OutboxMessage
from rental.core.paging import Order, page_of
from rental.core.states import IllegalStep
from rental.core.uow import UnitOfWork
from rental.fieldwork.installing import complete_installation, scan_for_order
from rental.fieldwork.models import WorkOrder, WorkOrderItem
from rental.fieldwork.rules import WorkOrderState
from rental.fieldwork.visits import arrive
from rental.fieldwork.work_orders import open_installation_orders
from rental.identity.permissions import Role
from rental.inventory.models import Reservation, Unit
from rental.inventory.reservations import NotEnoughStock
from rental.inventory.rules.unit_states import UnitState
from tests.factories.rented import (
    make_active_contract,
    make_customer,
    make_draft,
    make_model,
    make_plan,
    make_site,
    send_out,
    stock,
)
from tests.support.story import Story

FACTS = {"months": 24, "renewal": RenewalPolicy.AUTO, "notice_days": 90, "note": ""}


def unit_states(story: Story) -> list[UnitState]:
    """The states of all units, by the day they came."""
    with story.reading() as session:
        return list(session.scalars(select(Unit.state).order_by(Unit.received_on, Unit.id)))


# Writing


def test_a_line_brings_its_slots_and_its_fee_and_takes_them_away_again(story: Story) -> None:
    with story.begin() as uow:
        contract = make_draft(uow, machines=3)
        (line,) = contract.lines
    with story.reading() as session:
        row = session.get_one(Contract, contract.id)
        assert (row.monthly_fee, row.slot_count) == (yen_of(3 * 9800), 3)
    with story.begin() as uow:
        remove_line(uow, contract.id, line.id)
    with story.reading() as session:
        row = session.get_one(Contract, contract.id)
        assert (row.monthly_fee, row.slot_count) == (Money(0), 0)
    assert (story.count(Line), story.count(Slot)) == (0, 0)


def test_an_agreed_fee_takes_the_place_of_the_plans(story: Story) -> None:
    with story.begin() as uow:
        contract = make_draft(uow)
        (line,) = contract.lines
        agreed = add_line(
            uow,
            contract.id,
            rate_plan_version_id=line.rate_plan_version_id,
            site_id=line.slots[0].site_id,
            quantity=2,
            monthly_fee=Money(0),
        )
    assert agreed.monthly_fee == Money(0)
    with story.reading() as session:
        assert session.get_one(Contract, contract.id).monthly_fee == yen_of(9800)


def test_what_belongs_to_another_customer_has_no_place_in_a_contract(story: Story) -> None:
    with story.begin() as uow:
        contract = make_draft(uow)
        version_id = contract.lines[0].rate_plan_version_id
        stranger, strange_account, strange_site = make_customer(uow, "別会社")
    contracts, lines = story.count(Contract), story.count(Line)
    with pytest.raises(ForeignBillingAccount), story.begin() as uow:
        draft_contract(uow, contract.customer_id, strange_account.id, months=12, wanted_on=uow.today)
    with pytest.raises(ForeignSite), story.begin() as uow:
        add_line(uow, contract.id, rate_plan_version_id=version_id, site_id=strange_site.id, quantity=1)
    assert (story.count(Contract), story.count(Line)) == (contracts, lines)
    assert stranger.id != contract.customer_id


@pytest.mark.parametrize("quantity", [0, -1, 501])
def test_a_line_is_for_one_to_five_hundred_machines(story: Story, quantity: int) -> None:
    with story.begin() as uow:
        contract = make_draft(uow)
        (line,) = contract.lines
    with pytest.raises(QuantityOutOfRange), story.begin() as uow:
        add_line(
            uow,
            contract.id,
            rate_plan_version_id=line.rate_plan_version_id,
            site_id=line.slots[0].site_id,
            quantity=quantity,
        )
    assert story.count(Line) == 1


def test_a_withdrawn_plan_is_not_agreed_on_any_more(story: Story) -> None:
    with story.begin() as uow:
        contract = make_draft(uow)
        (line,) = contract.lines
        site_id = line.slots[0].site_id
        offer_rate_plan(uow, line.rate_plan_version.rate_plan_id, offered=False)
    with pytest.raises(PlanNotOffered), story.begin() as uow:
        add_line(
            uow,
            contract.id,
            rate_plan_version_id=line.rate_plan_version_id,
            site_id=site_id,
            quantity=1,
        )


def test_two_people_cannot_save_over_each_others_terms(story: Story) -> None:
    """The number of months stands in another table; the contract's version rises all the same."""
    with story.begin() as uow:
        contract = make_draft(uow)
    facts = {**FACTS, "version": contract.version, "wanted_on": contract.wanted_on}
    with story.begin() as uow:
        change_draft(uow, contract.id, **{**facts, "months": 36})  # type: ignore[arg-type]
    with pytest.raises(ChangedMeanwhile), story.begin() as uow:
        change_draft(uow, contract.id, **{**facts, "months": 12})  # type: ignore[arg-type]
    with story.reading() as session:
        assert [term.months for term in session.get_one(Contract, contract.id).terms] == [36]


def test_a_cancelled_draft_keeps_its_number_and_says_why(story: Story) -> None:
    with story.begin() as uow:
        contract = make_draft(uow)
    with story.begin("sales") as uow:
        cancel_draft(uow, contract.id, reason="went to a competitor")
    with story.reading() as session:
        row = session.get_one(Contract, contract.id)
        assert (row.state, row.number) == (ContractState.CANCELLED, contract.number)
        latest, first = steps_of(session, contract.id)
        assert (latest.note, latest.actor_name) == ("went to a competitor", "sales")
        assert (first.from_state, first.to_state) == (None, ContractState.DRAFT)
    with pytest.raises(IllegalStep), story.begin() as uow:
        activate_contract(uow, contract.id, uow.today)
    with pytest.raises(NotADraft), story.begin() as uow:
        remove_line(uow, contract.id, new_id())


# Activating


def test_activation_holds_the_oldest_units_and_is_announced_once(story: Story) -> None:
    story.on("2026-03-01")
    with story.begin() as uow:
        contract = make_draft(uow, machines=2)
        model = uow.session.get_one(EquipmentModel, contract.lines[0].equipment_model_id)
    story.on("2026-03-20")
    with story.begin() as uow:
        stock(uow, uow.session.get_one(EquipmentModel, model.id), 2)
    story.on("2026-04-01")
    with story.begin() as uow:
        activate_contract(uow, contract.id, date(2026, 4, 1))

    assert unit_states(story) == [UnitState.RESERVED] * 2 + [UnitState.AVAILABLE] * 2
    with story.reading() as session:
        row = session.get_one(Contract, contract.id)
        assert (row.state, row.effective_on) == (ContractState.ACTIVE, date(2026, 4, 1))
        assert [(term.starts_on, term.ends_on) for term in row.terms] == [
            (date(2026, 4, 1), date(2028, 4, 1))
        ]
        held = session.scalars(select(Reservation.slot_id)).all()
        slots = session.scalars(select(Slot)).all()
        assert set(held) == {slot.id for slot in slots}
        assert {slot.state for slot in slots} == {SlotState.AWAITING_INSTALL}
    assert story.announced().count("contracts.contract_activated") == 1
    with pytest.raises(IllegalStep), story.begin() as uow:
        activate_contract(uow, contract.id, date(2026, 4, 1))
    assert story.announced().count("contracts.contract_activated") == 1


def without_lines(uow: UnitOfWork) -> UUID:
    contract = make_draft(uow)
    remove_line(uow, contract.id, contract.lines[0].id)
    return contract.id


def shorter_than_its_plan(uow: UnitOfWork) -> UUID:
    contract = make_draft(uow)
    change_draft(
        uow,
        contract.id,
        **{**FACTS, "months": 11, "version": contract.version, "wanted_on": contract.wanted_on},  # type: ignore[arg-type]
    )
    return contract.id


def for_more_than_is_there(uow: UnitOfWork) -> UUID:
    contract = make_draft(uow, machines=2, stocked=False)
    stock(uow, contract.lines[0].equipment_model, 1)
    return contract.id


NotReady = Callable[[UnitOfWork], UUID]
NOT_READY: list[tuple[NotReady, type[DomainError], dict[str, object]]] = [
    (without_lines, NothingAgreed, {}),
    (shorter_than_its_plan, TermTooShort, {"plan": "STD", "minimum_months": 12, "months": 11}),
    (for_more_than_is_there, NotEnoughStock, {"needed": 2, "free": 1}),
]


@pytest.mark.parametrize(("draft", "refusal", "params"), NOT_READY)
def test_a_draft_that_is_not_ready_is_refused_as_its_check_says_and_nothing_happens(
    story: Story, draft: NotReady, refusal: type[DomainError], params: dict[str, object]
) -> None:
    with story.begin() as uow:
        contract_id = draft(uow)
    units, steps = unit_states(story), story.count(ContractStep)
    with story.reading() as session:
        (obstacle,) = check_draft(session, contract_id).obstacles
    with pytest.raises(refusal) as refused, story.begin() as uow:
        activate_contract(uow, contract_id, uow.today)

    assert (type(obstacle), obstacle.params) == (refusal, refused.value.params)
    assert params.items() <= obstacle.params.items()
    assert unit_states(story) == units
    assert (story.count(Reservation), story.count(ContractStep)) == (0, steps)
    assert story.announced() == []
    with story.reading() as session:
        assert session.get_one(Contract, contract_id).state is ContractState.DRAFT


def test_a_contract_begins_at_most_92_days_ago(story: Story) -> None:
    with story.begin() as uow:
        contract = make_draft(uow)
        earliest = uow.today - timedelta(days=92)
    with pytest.raises(TooLongAgo) as refused, story.begin() as uow:
        activate_contract(uow, contract.id, earliest - timedelta(days=1))
    assert refused.value.params == {"earliest": earliest}
    assert (story.announced(), unit_states(story)) == ([], [UnitState.AVAILABLE])
    with story.begin() as uow:
        activate_contract(uow, contract.id, earliest)
    assert story.announced() == ["contracts.contract_activated"]


def test_a_check_names_all_obstacles_at_once_and_writes_nothing(story: Story) -> None:
    with story.begin() as uow:
        contract_id = for_more_than_is_there(uow)
        contract = uow.session.get_one(Contract, contract_id)
        contract.terms[0].months = 6
    with story.reading() as session:
        readiness = check_draft(session, contract_id)
    codes = [obstacle.code for obstacle in readiness.obstacles]
    assert codes == ["contracts.term_too_short", "inventory.not_enough_stock"]
    assert [(need.needed, need.free, need.is_covered) for need in readiness.needs] == [(2, 1, False)]


def test_a_draft_that_can_be_kept_has_no_obstacle(story: Story) -> None:
    with story.begin() as uow:
        contract = make_draft(uow, machines=2)
    with story.reading() as session:
        readiness = check_draft(session, contract.id)
    assert readiness.obstacles == []
    assert [need.is_covered for need in readiness.needs] == [True]


def test_of_two_people_who_promise_the_last_unit_one_succeeds(story: Story) -> None:
    with story.begin() as uow:
        first = make_draft(uow)
        second = draft_contract(
            uow, first.customer_id, first.billing_account_id, months=24, wanted_on=uow.today
        )
        add_line(
            uow,
            second.id,
            rate_plan_version_id=first.lines[0].rate_plan_version_id,
            site_id=first.lines[0].slots[0].site_id,
            quantity=1,
        )
    start, refused = threading.Barrier(2), []

    def activate(contract_id: UUID) -> None:
        start.wait()
        try:
            with story.begin() as uow:
                activate_contract(uow, contract_id, uow.today)
        except NotEnoughStock as error:
            refused.append(error)

    people = [threading.Thread(target=activate, args=[row.id]) for row in (first, second)]
    for person in people:
        person.start()
    for person in people:
        person.join()

    assert [(error.params["needed"], error.params["free"]) for error in refused] == [(1, 0)]
    assert story.count(Reservation) == 1
    assert story.announced() == ["contracts.contract_activated"]
    with story.reading() as session:
        counts = state_counts(session)
        assert (counts[ContractState.ACTIVE], counts[ContractState.DRAFT]) == (1, 1)


# What follows


def test_an_active_contract_gets_one_job_for_each_site_however_often_it_is_told(story: Story) -> None:
    with story.begin() as uow:
        contract = make_draft(uow, machines=2)
        (line,) = contract.lines
        branch = make_site(uow, contract.customer, "支店")
        stock(uow, line.equipment_model, 3)
        add_line(
            uow,
            contract.id,
            rate_plan_version_id=line.rate_plan_version_id,
            site_id=branch.id,
            quantity=3,
        )
    with story.begin() as uow:
        activate_contract(uow, contract.id, uow.today)
    story.everything_happens_twice()
    with story.begin() as uow:
        assert open_installation_orders(uow, contract.id) == []
    with story.reading() as session:
        orders = session.scalars(select(WorkOrder).order_by(WorkOrder.number)).all()
        assert [len(order.items) for order in orders] == [2, 3]
        assert {order.state for order in orders} == {WorkOrderState.READY}
        assert orders[1].site_id == branch.id
        assert story.count(WorkOrderItem) == 5


@pytest.mark.parametrize(
    ("policy", "trial_days", "started_on"),
    [
        (StartPolicy.CONTRACT_START, 0, date(2026, 4, 10)),
        (StartPolicy.INSTALLATION, 0, date(2026, 4, 16)),
        (StartPolicy.NEXT_MONTH, 0, date(2026, 5, 1)),
        (StartPolicy.AFTER_TRIAL, 14, date(2026, 4, 30)),
    ],
)
def test_rent_runs_from_the_day_the_plan_says(
    story: Story, policy: StartPolicy, trial_days: int, started_on: date
) -> None:
    technician = story.person(Role.TECHNICIAN)
    with story.begin() as uow:
        model = make_model(uow)
        (unit,) = stock(uow, model)
        version = make_plan(uow, model, start=policy, trial_days=trial_days)
        customer, account, site = make_customer(uow)
        contract = draft_contract(uow, customer.id, account.id, months=24, wanted_on=uow.today)
        add_line(uow, contract.id, rate_plan_version_id=version.id, site_id=site.id, quantity=1)
    with story.begin() as uow:
        activate_contract(uow, contract.id, date(2026, 4, 10))
    story.everything_happens()
    story.on("2026-04-16")
    with story.begin("technician") as uow:
        order = uow.session.scalars(select(WorkOrder)).one()
        visit = send_out(uow, order, technician.id)
        arrive(uow, visit.id, at=uow.now)
        scan_for_order(uow, order.id, unit.tag, at=uow.now)
        (start,) = complete_installation(uow, order.id, technician.id, at=uow.now, op_id=new_id())

    assert (start.started_on, start.monthly_fee) == (started_on, yen_of(9800))
    with story.reading() as session:
        slot = session.scalars(select(Slot)).one()
        assert (slot.state, slot.started_on) == (SlotState.IN_SERVICE, started_on)


# Lists


def test_totals_of_a_filter_are_the_sums_over_all_its_pages(story: Story) -> None:
    with story.begin() as uow:
        for machines in (1, 2, 3, 1, 2):
            make_draft(uow, machines=machines)
        make_active_contract(uow, machines=4)
    statement = contracts_matching(state=ContractState.DRAFT)
    by_fee, by_slots = (Contract.monthly_fee, Contract.id), (Contract.slot_count, Contract.id)
    for columns in (by_fee, by_slots, (Contract.number,)):
        for descending in (False, True):
            order = Order(columns, descending)
            rows: list[Contract] = []
            with story.reading() as session:
                after = None
                while True:
                    page = page_of(session, statement, order, after=after, limit=2)
                    rows += page.rows
                    after = page.next_cursor
                    if after is None:
                        break
                totals = totals_of(session, statement)
            assert len({row.id for row in rows}) == len(rows) == totals.contract_count == 5
            assert sum(row.monthly_fee.minor_units for row in rows) == totals.monthly_fee.minor_units
            assert totals.monthly_fee == yen_of(9 * 9800)
            assert sum(row.slot_count for row in rows) == totals.slot_count == 9


def test_nothing_adds_up_to_nothing(story: Story) -> None:
    with story.reading() as session:
        totals = totals_of(session, contracts_matching(words="nobody"))
    assert (totals.contract_count, totals.monthly_fee, totals.slot_count) == (0, Money(0), 0)


def test_contracts_are_found_by_number_customer_and_end(story: Story) -> None:
    story.on("2026-04-01")
    with story.begin() as uow:
        contract = make_active_contract(uow)
        name = contract.customer.name
        make_active_contract(uow)

    def found(**filters: object) -> set[UUID]:
        with story.reading() as session:
            return {row.id for row in session.scalars(contracts_matching(**filters))}  # type: ignore[arg-type]

    number = name.split()[-1]
    for words in (contract.number, contract.number.lower(), name, f"ミドリ　{number}", f"みどり {number}"):
        assert found(words=words) == {contract.id}, words
    assert found(words="みどり") == found()
    assert found(words="%") == found(words="_") == set()
    assert found(ends_before=date(2028, 3, 31)) == set()  # their last day
    assert found(ends_before=date(2028, 4, 1)) == found()
    assert found(customer_id=contract.customer_id) == {contract.id}
    assert found(words=number, state=ContractState.DRAFT) == set()


def test_nothing_was_announced_by_writing(story: Story) -> None:
    with story.begin() as uow:
        make_draft(uow)
    assert story.count(OutboxMessage) == 0
