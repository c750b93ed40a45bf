"""What is unusual waits for a person: documents and closings above a limit; and a closing is stopped."""

from datetime import date
from uuid import UUID

import pytest
from sqlalchemy import select

from rental.assurance.checks import CHECKS
from rental.billing.due import preview_run
from rental.billing.limits import limits_of, set_limits
from rental.billing.models import BillingItem, BillingRun, Invoice
from rental.billing.queries import progress_of
from rental.billing.reviewing import (
    approve_item,
    approve_run,
    decline_item,
    finalise_drafts,
    finalise_drafts_that_are_ripe,
    resume_run,
    stop_run,
)
from rental.billing.rules.bounds import (
    GraceTooLong,
    Limits,
    NotALimit,
    NothingToReview,
    SamePerson,
    TooManyMonthsBack,
)
from rental.billing.rules.runs import ItemState, RunState
from rental.billing.runs import bill_chunk, open_run, release_item
from rental.changes.amendments import amend, hold_contract
from rental.changes.line_books import contract_book
from rental.changes.plans import plan_price
from rental.core.errors import ChangedMeanwhile, Invalid
from rental.core.money import Money
from rental.core.uow import Actor, ActorKind, begin
from rental.identity.permissions import Role
from tests.factories.billed import (
    InService,
    Rented,
    close,
    invoices_of,
    items_of,
    machines_in_service,
    make_issuer,
)
from tests.support.story import Story

CLOSED_ON = date(2026, 4, 30)


@pytest.fixture
def company(story: Story) -> Story:
    with story.begin() as uow:
        make_issuer(uow)
    return story


def limited(story: Story, limits: Limits) -> None:
    with story.begin() as uow:
        set_limits(uow, limits)


def clerk_of(story: Story, role: Role = Role.BILLING) -> Actor:
    account = story.person(role)
    return Actor(ActorKind.PERSON, account.name, account.id)


def opened_by(story: Story, actor: Actor, *, chunk_size: int = 200) -> UUID:
    """The closing is opened by this person, and the workers do what they may."""
    with story.app.app_context(), begin(actor) as uow:
        run_id = open_run(uow, CLOSED_ON, chunk_size=chunk_size).id
    story.everything_happens()
    return run_id


def item_of(story: Story, rented: InService) -> UUID:
    with story.reading() as session:
        return session.scalars(
            select(BillingItem.id).where(BillingItem.billing_account_id == rented.account_id)
        ).one()


def state_of(story: Story, run_id: UUID) -> RunState:
    with story.reading() as session:
        return progress_of(session, [run_id])[run_id].state


def findings(story: Story) -> dict[str, int]:
    with story.reading() as session:
        rows = {check.code: check.ask(session, story.clock.now()) for check in CHECKS}
    return {code: len(found) for code, found in rows.items() if found and code != "P4b"}


# documents


def test_a_document_above_the_limit_is_held_and_the_others_are_made(company: Story) -> None:
    limited(company, Limits(document=Money(10_779)))
    dear = machines_in_service(company, Rented(9800))
    cheap = machines_in_service(company, Rented(9799), name="喫茶やすい")
    company.on("2026-05-01")
    with company.reading() as session:
        foreseen = preview_run(session, CLOSED_ON, today=CLOSED_ON.replace(month=5))
    assert {each.account.id for each in foreseen if each.doubt} == {dear.account_id}
    run_id = close(company, "2026-04-30")
    assert items_of(company, run_id) == {
        dear.account_id: (ItemState.HELD, "billing.above_limit"),
        cheap.account_id: (ItemState.DONE, None),
    }
    assert [invoice.total for invoice in invoices_of(company)] == [Money(10_778)]
    assert state_of(company, run_id) is RunState.PARKED
    assert findings(company) == {}
    close(company, "2026-04-30")
    assert len(invoices_of(company)) == 1


def test_who_asked_for_a_document_above_the_limit_does_not_approve_it(company: Story) -> None:
    limited(company, Limits(document=Money(10_000)))
    rented = machines_in_service(company, Rented(9800))
    company.on("2026-05-01")
    clerk, chief = clerk_of(company), clerk_of(company, Role.ADMINISTRATOR)
    opened_by(company, clerk)
    item_id = item_of(company, rented)
    for nobody in (clerk, Actor(ActorKind.SYSTEM, "cli")):
        with company.app.app_context(), pytest.raises(SamePerson), begin(nobody) as uow:
            approve_item(uow, item_id)
    company.everything_happens()
    assert company.count(Invoice) == 0
    with company.app.app_context(), begin(chief) as uow:
        approve_item(uow, item_id)
    company.everything_happens()
    assert [invoice.total for invoice in invoices_of(company)] == [Money(10_780)]
    with company.reading() as session:
        item = session.get_one(BillingItem, item_id)
        assert (item.state, item.approved_by, item.approved_total) == (
            ItemState.DONE,
            chief.name,
            Money(10_780),
        )
    with company.app.app_context(), pytest.raises(NothingToReview), begin(chief) as uow:
        approve_item(uow, item_id)


def test_what_becomes_due_after_the_approval_is_looked_at_again(company: Story) -> None:
    """Approved, but not billed yet: meanwhile the same document has become dearer."""
    limited(company, Limits(document=Money(10_000)))
    rented = machines_in_service(company, Rented(9800))
    company.on("2026-05-01")
    clerk, chief = clerk_of(company), clerk_of(company, Role.ADMINISTRATOR)
    run_id = opened_by(company, clerk)
    with company.app.app_context(), begin(chief) as uow:
        item = approve_item(uow, item_of(company, rented))
        item.approved_total = Money(10_779)
    company.everything_happens()
    assert items_of(company, run_id) == {rented.account_id: (ItemState.HELD, "billing.above_limit")}


def test_a_declined_document_is_parked_with_the_reason_until_it_is_released(company: Story) -> None:
    limited(company, Limits(document=Money(10_000)))
    rented = machines_in_service(company, Rented(9800))
    company.on("2026-05-01")
    clerk = clerk_of(company)
    run_id = opened_by(company, clerk)
    item_id = item_of(company, rented)
    with company.app.app_context(), pytest.raises(Invalid), begin(clerk) as uow:
        decline_item(uow, item_id, reason=" ")
    with company.app.app_context(), begin(clerk) as uow:
        decline_item(uow, item_id, reason="台数が違う")
    assert items_of(company, run_id) == {rented.account_id: (ItemState.PARKED, "billing.declined")}
    with company.reading() as session:
        assert session.get_one(BillingItem, item_id).reason_params == {
            "reason": "台数が違う",
            "name": clerk.name,
            "total": 10_780,
            "doubt": "billing.above_limit",
        }
    with company.app.app_context(), begin(clerk) as uow:
        release_item(uow, item_id)
    company.everything_happens()
    assert items_of(company, run_id) == {rented.account_id: (ItemState.HELD, "billing.above_limit")}


@pytest.mark.parametrize("times", [2, 3])
def test_a_document_of_many_times_the_one_before_may_be_approved_by_whoever_asked(
    company: Story, times: int
) -> None:
    """Ten days of April, then all of May: exactly three times as much."""
    limited(company, Limits(times=times, times_from=Money(33_000)))
    company.on("2026-04-21")
    rented = machines_in_service(company, Rented(30_000))
    company.on("2026-05-01")
    close(company, "2026-04-30")
    company.on("2026-06-01")
    clerk = clerk_of(company)
    with company.app.app_context(), begin(clerk) as uow:
        run_id = open_run(uow, date(2026, 5, 31)).id
    company.everything_happens()
    ((state, reason),) = items_of(company, run_id).values()
    if times == 3:
        assert (state, reason) == (ItemState.DONE, None)
        return
    assert (state, reason) == (ItemState.HELD, "billing.grown_too_much")
    with company.app.app_context(), begin(clerk) as uow:
        approve_item(
            uow, uow.session.scalars(select(BillingItem.id).where(BillingItem.billing_run_id == run_id)).one()
        )
    company.everything_happens()
    assert [invoice.total for invoice in invoices_of(company, rented.account_id)] == [
        Money(11_000),
        Money(33_000),
    ]


def limits_of_now(story: Story) -> Limits:
    with story.reading() as session:
        return limits_of(session)


def test_a_contract_with_too_many_lines_is_held(company: Story) -> None:
    limited(company, Limits(lines=1))
    rented = machines_in_service(company, Rented(9800), Rented(4980))
    company.on("2026-05-01")
    run_id = close(company, "2026-04-30")
    assert items_of(company, run_id) == {rented.account_id: (ItemState.HELD, "billing.too_many_lines")}


# whole closings


def test_a_closing_above_the_limit_begins_when_somebody_else_approves_it(company: Story) -> None:
    limited(company, Limits(run=Money(21_559)))
    machines_in_service(company, Rented(9800))
    machines_in_service(company, Rented(9800), name="喫茶二号")
    company.on("2026-05-01")
    clerk, chief = clerk_of(company), clerk_of(company, Role.ADMINISTRATOR)
    run_id = opened_by(company, clerk)
    assert (state_of(company, run_id), company.count(Invoice)) == (RunState.UNAPPROVED, 0)
    with company.app.app_context(), pytest.raises(SamePerson), begin(clerk) as uow:
        approve_run(uow, run_id)
    with company.app.app_context(), begin(chief) as uow:
        approve_run(uow, run_id)
    company.everything_happens()
    assert (state_of(company, run_id), company.count(Invoice)) == (RunState.FINISHED, 2)
    with company.reading() as session:
        assert session.get_one(BillingRun, run_id).approved_by == chief.name
    assert findings(company) == {}


def test_a_stopped_closing_begins_no_further_part_and_goes_on_where_it_was(company: Story) -> None:
    for number in range(3):
        machines_in_service(company, Rented(3000), name=f"喫茶{number}")
    company.on("2026-05-01")
    clerk = clerk_of(company)
    with company.app.app_context(), begin(clerk) as uow:
        run_id = open_run(uow, CLOSED_ON, chunk_size=1).id
    with company.begin() as uow:
        assert bill_chunk(uow, run_id, 2) == 1
    with company.app.app_context(), begin(clerk) as uow:
        stop_run(uow, run_id)
    company.everything_happens()
    assert (state_of(company, run_id), company.count(Invoice)) == (RunState.STOPPED, 1)
    assert findings(company) == {}
    with company.app.app_context(), begin(clerk) as uow:
        resume_run(uow, run_id)
    company.everything_happens()
    assert (state_of(company, run_id), company.count(Invoice)) == (RunState.FINISHED, 3)
    company.everything_happens_twice()
    assert company.count(Invoice) == 3


# drafts


def test_drafts_are_finalised_when_the_days_of_grace_are_over_with_what_is_known_then(
    company: Story,
) -> None:
    limited(company, Limits(grace_days=3))
    rented = machines_in_service(company, Rented(3000))
    company.on("2026-04-30")
    run_id = close(company, "2026-04-30")
    assert (state_of(company, run_id), company.count(Invoice)) == (RunState.DRAFT, 0)
    with company.begin() as uow:
        assert bill_chunk(uow, run_id, 1) == 0

    with company.begin() as uow:
        hold_contract(uow, rented.contract_id)
        book = contract_book(uow.session, rented.contract_id)
        (line_id,) = book.lines
        dearer = plan_price(book, line_id, Money(6000), agreed_for=date(2026, 4, 16), today=uow.today)
        amend(uow, dearer, reason="agreed by telephone")
    assert findings(company) == {}
    company.on("2026-05-02")
    the_hour_strikes(company)
    assert (state_of(company, run_id), company.count(Invoice)) == (RunState.DRAFT, 0)
    company.on("2026-05-03")
    the_hour_strikes(company)
    assert state_of(company, run_id) is RunState.FINISHED
    assert [invoice.subtotal for invoice in invoices_of(company)] == [Money(4500)]
    the_hour_strikes(company)
    assert company.count(Invoice) == 1
    assert findings(company) == {}


def the_hour_strikes(company: Story) -> None:
    with company.begin() as uow:
        finalise_drafts_that_are_ripe(uow)
    company.everything_happens()


def test_a_stopped_draft_is_not_begun_before_somebody_goes_on_and_finalises_it(company: Story) -> None:
    limited(company, Limits(grace_days=14, run=Money(1)))
    machines_in_service(company, Rented(3000))
    company.on("2026-04-30")
    clerk, chief = clerk_of(company), clerk_of(company, Role.ADMINISTRATOR)
    run_id = opened_by(company, clerk)
    states = [state_of(company, run_id)]
    for who, what in (
        (clerk, finalise_drafts),
        (clerk, stop_run),
        (chief, approve_run),
        (clerk, resume_run),
    ):
        with company.app.app_context(), begin(who) as uow:
            what(uow, run_id)
        states.append(state_of(company, run_id))
        company.everything_happens()
    assert states == [
        RunState.UNAPPROVED,
        RunState.UNAPPROVED,
        RunState.UNAPPROVED,
        RunState.STOPPED,
        RunState.WORKING,
    ]
    assert (state_of(company, run_id), company.count(Invoice)) == (RunState.FINISHED, 1)


# the limits themselves


def test_limits_are_kept_and_two_who_change_them_at_once_hear_of_each_other(company: Story) -> None:
    assert limits_of_now(company) == Limits()
    limited(company, Limits(document=None, run=Money(1)))
    assert limits_of_now(company) == Limits(document=None, run=Money(1))
    with pytest.raises(ChangedMeanwhile), company.begin() as uow:
        set_limits(uow, Limits(), version=0)


NO_LIMITS = {
    "document": Limits(document=Money(0)),
    "times": Limits(times=0),
    "times_from": Limits(times_from=Money(0)),
    "lines": Limits(lines=0),
    "run": Limits(run=Money(0)),
    "months_back": Limits(months_back=0),
}


@pytest.mark.parametrize("field", NO_LIMITS)
def test_a_limit_of_nothing_is_refused_by_name(company: Story, field: str) -> None:
    with pytest.raises(NotALimit) as refused, company.begin() as uow:
        set_limits(uow, NO_LIMITS[field])
    assert refused.value.field == field
    assert limits_of_now(company) == Limits()


@pytest.mark.parametrize("days", [-1, 15])
def test_drafts_stay_drafts_for_a_fortnight_at_most(company: Story, days: int) -> None:
    with pytest.raises(GraceTooLong), company.begin() as uow:
        set_limits(uow, Limits(grace_days=days))


def test_amendments_reach_no_further_back_than_closings_look(company: Story) -> None:
    limited(company, Limits(months_back=1))
    assert limits_of_now(company).months_back == 1
    with pytest.raises(TooManyMonthsBack), company.begin() as uow:
        set_limits(uow, Limits(months_back=25), version=1)
    assert limits_of_now(company).months_back == 1
