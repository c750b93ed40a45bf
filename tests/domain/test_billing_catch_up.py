"""What becomes known late is billed once, by the next closing or by the same one opened again; never lost."""

from datetime import date, datetime, time
from uuid import UUID

import pytest
from sqlalchemy import func, select

from rental.assurance.checks import CHECKS
from rental.billing.models import BilledSpan, BillingClaim, BillingItem, BillingSchedule, Invoice
from rental.billing.rules.runs import ItemState
from rental.billing.runs import bill_chunk, open_run
from rental.contracts.models import Slot
from rental.core.outbox import Delivery
from rental.customers.accounts import change_billing_account
from rental.customers.models import BillingAccount
from rental.worker import run_delivery
from tests.factories.billed import (
    InService,
    Rented,
    close,
    install_by_scan,
    invoices_of,
    items_of,
    machines_in_service,
    make_issuer,
    promised,
    technician_of,
)
from tests.support.story import Story
from tests.web.company import rows_of

# What is written down again each time something is done, and says when.
TECHNICAL = ("audit_entry", "outbox_message", "delivery")
FEE = 3000  # yen a month: a hundred for each day of April


@pytest.fixture
def company(story: Story) -> Story:
    with story.begin() as uow:
        make_issuer(uow)
    return story


def installed_on(story: Story, contract: InService, day: str, *, machines: int | None = None) -> None:
    """A phone that was away tells today that machines of the contract were installed on this day."""
    at = datetime.combine(date.fromisoformat(day), time(10), story.runtime.zone)
    technician = technician_of(story)
    with story.begin() as uow:
        install_by_scan(uow, contract.contract_id, technician, at=at, machines=machines)
    story.everything_happens()


def contract_of(story: Story, *lines: Rented, name: str = "喫茶おくれ") -> InService:
    """A contract whose machines are not installed yet."""
    with story.begin() as uow:
        contract = promised(uow, lines, name)
        return InService(contract.id, contract.number, contract.billing_account_id)


def subtotals(story: Story, account_id: UUID | None = None) -> list[int]:
    return [invoice.subtotal.minor_units for invoice in invoices_of(story, account_id)]


def days_billed(story: Story) -> list[tuple[date, date]]:
    """The days that charges cover, slot by slot."""
    with story.reading() as session:
        spans = session.execute(
            select(BilledSpan.start_on, BilledSpan.end_on)
            .join(Slot, Slot.id == BilledSpan.slot_id)
            .where(BilledSpan.is_active)
            .order_by(Slot.started_on, BilledSpan.slot_id, BilledSpan.start_on)
        )
        return [(start_on, end_on) for start_on, end_on in spans]


def schedules(story: Story) -> list[tuple[date, date | None]]:
    with story.reading() as session:
        found = session.execute(
            select(BillingSchedule.next_due_on, BillingSchedule.billed_through).order_by(
                BillingSchedule.contract_line_id
            )
        )
        return [(due_on, through) for due_on, through in found]


def is_all_well(story: Story) -> None:
    """No check finds anything, save that the audit log waits for its seals."""
    with story.reading() as session:
        asked = {check.code: check.ask(session, story.clock.now()) for check in CHECKS}
    assert {code: rows for code, rows in asked.items() if rows and code != "P4b"} == {}


# a closing that was missed


def test_two_missed_months_are_billed_by_the_next_closing_oldest_first(company: Story) -> None:
    company.on("2026-04-16")
    machines_in_service(company, Rented(FEE))
    company.on("2026-07-01")
    close(company, "2026-06-30")
    assert [
        (invoice.closed_on, invoice.due_on, line.service_start, line.amount.minor_units)
        for invoice in invoices_of(company)
        for line in invoice.lines
    ] == [
        (date(2026, 4, 30), date(2026, 7, 31), date(2026, 4, 16), 1500),
        (date(2026, 5, 31), date(2026, 7, 31), date(2026, 5, 1), 3000),
        (date(2026, 6, 30), date(2026, 7, 31), date(2026, 6, 1), 3000),
    ]
    assert schedules(company) == [(date(2026, 8, 1), date(2026, 7, 1))]
    is_all_well(company)


def test_a_missed_closing_made_up_for_has_nothing_left_to_say(company: Story) -> None:
    machines_in_service(company, Rented(FEE))
    company.on("2026-06-01")
    close(company, "2026-05-31")
    before = rows_of(company.app, without=TECHNICAL)
    run_id = close(company, "2026-04-30")
    assert items_of(company, run_id) == {}
    after = rows_of(company.app, without=TECHNICAL)
    assert [name for name in before if before[name] != after[name]] == ["billing_run"]


def test_closings_opened_in_any_order_bill_the_same_days(company: Story) -> None:
    machines_in_service(company, Rented(FEE), Rented(980, machines=2))
    company.on("2026-07-01")
    for day in ("2026-05-31", "2026-06-30", "2026-04-30", "2026-05-31"):
        close(company, day)
    assert subtotals(company) == 3 * [FEE + 2 * 980]
    assert days_billed(company) == 3 * [
        (date(2026, 4, 1), date(2026, 5, 1)),
        (date(2026, 5, 1), date(2026, 6, 1)),
        (date(2026, 6, 1), date(2026, 7, 1)),
    ]
    is_all_well(company)


# somebody who came late


def test_an_account_that_joins_after_a_closing_is_billed_by_the_next(company: Story) -> None:
    first = machines_in_service(company, Rented(FEE))
    company.on("2026-05-01")
    run_id = close(company, "2026-04-30")
    late = machines_in_service(company, Rented(FEE), name="喫茶おくれ")
    close(company, "2026-04-30")
    assert list(items_of(company, run_id)) == [first.account_id]
    company.on("2026-06-01")
    close(company, "2026-05-31")
    assert subtotals(company, first.account_id) == [FEE, FEE]
    assert subtotals(company, late.account_id) == [FEE]
    is_all_well(company)


def test_what_becomes_known_of_a_closing_that_was_made_stands_on_the_next_document(company: Story) -> None:
    """April was closed with the first machine; May was missed; by June the second one's April is told."""
    contract = contract_of(company, Rented(FEE, machines=2))
    installed_on(company, contract, "2026-04-01", machines=1)
    company.on("2026-05-01")
    close(company, "2026-04-30")
    company.on("2026-05-20")
    installed_on(company, contract, "2026-04-21")
    company.on("2026-07-01")
    close(company, "2026-06-30")
    assert [(invoice.closed_on, invoice.subtotal.minor_units) for invoice in invoices_of(company)] == [
        (date(2026, 4, 30), FEE),
        (date(2026, 5, 31), 2 * FEE),
        (date(2026, 6, 30), 1000 + 2 * FEE),
    ]
    is_all_well(company)


# a start that is told after the closing of its days


def test_a_start_told_late_is_billed_by_the_next_closing(company: Story) -> None:
    punctual = machines_in_service(company, Rented(FEE))
    late = contract_of(company, Rented(FEE))
    company.on("2026-05-01")
    close(company, "2026-04-30")
    company.on("2026-05-03")
    installed_on(company, late, "2026-04-21")
    company.on("2026-06-01")
    close(company, "2026-05-31")
    assert subtotals(company, punctual.account_id) == [FEE, FEE]
    assert subtotals(company, late.account_id) == [1000, FEE]
    is_all_well(company)
    company.everything_happens_twice()
    close(company, "2026-05-31")
    close(company, "2026-04-30")
    assert len(invoices_of(company)) == 4


def test_a_start_told_late_is_billed_by_the_same_closing_opened_again(company: Story) -> None:
    punctual = machines_in_service(company, Rented(FEE))
    late = contract_of(company, Rented(FEE))
    company.on("2026-05-01")
    run_id = close(company, "2026-04-30")
    company.on("2026-05-03")
    installed_on(company, late, "2026-04-21")
    assert close(company, "2026-04-30") == run_id
    assert subtotals(company, punctual.account_id) == [FEE]
    assert subtotals(company, late.account_id) == [1000]
    assert {state for state, _reason in items_of(company, run_id).values()} == {ItemState.DONE}
    company.on("2026-06-01")
    close(company, "2026-05-31")
    assert subtotals(company, late.account_id) == [1000, FEE]
    is_all_well(company)


def test_one_machine_of_a_billed_line_is_told_late(company: Story) -> None:
    """The line has two places: April was billed for one of them, and a credit says what changed."""
    contract = contract_of(company, Rented(FEE, machines=2))
    installed_on(company, contract, "2026-04-01", machines=1)
    company.on("2026-05-01")
    close(company, "2026-04-30")
    company.on("2026-05-20")
    installed_on(company, contract, "2026-04-21")
    company.on("2026-06-01")
    close(company, "2026-05-31")
    assert subtotals(company, contract.account_id) == [FEE, 1000 + 2 * FEE]
    assert days_billed(company) == [
        (date(2026, 4, 1), date(2026, 5, 1)),
        (date(2026, 5, 1), date(2026, 6, 1)),
        (date(2026, 4, 21), date(2026, 5, 1)),
        (date(2026, 5, 1), date(2026, 6, 1)),
    ]
    assert len(set(schedules(company))) == 1
    is_all_well(company)


def test_an_old_closing_opened_again_leaves_later_months_as_they_were_billed(company: Story) -> None:
    """May is closed when April gets its latecomer; the other line of the account has its own start in May."""
    contract = contract_of(company, Rented(FEE, machines=2))
    installed_on(company, contract, "2026-04-01", machines=1)
    company.on("2026-05-11")
    machines_in_service(company, Rented(3100), name="喫茶ごがつ")
    company.on("2026-06-01")
    close(company, "2026-04-30")
    close(company, "2026-05-31")
    installed_on(company, contract, "2026-04-21")
    close(company, "2026-04-30")
    assert subtotals(company, contract.account_id) == [FEE, FEE, 1000 + FEE]
    assert schedules(company) == 2 * [(date(2026, 7, 1), date(2026, 6, 1))]
    is_all_well(company)
    before = rows_of(company.app, without=TECHNICAL)
    close(company, "2026-05-31")
    assert rows_of(company.app, without=TECHNICAL) == before


def test_a_word_of_the_start_that_is_slower_than_the_closing_changes_nothing(company: Story) -> None:
    """The account was due for another machine; the closing saw the new one before the schedule knew of it."""
    contract = contract_of(company, Rented(FEE), Rented(FEE))
    technician = technician_of(company)
    with company.begin() as uow:
        install_by_scan(uow, contract.contract_id, technician)
        slow = uow.session.scalars(
            select(Delivery.id).where(Delivery.handler == "billing.open_billing_schedule")
        ).all()
    with company.app.app_context():
        run_delivery(slow[0])
    company.on("2026-05-01")
    with company.begin() as uow:
        run = open_run(uow, date(2026, 4, 30))
        bill_chunk(uow, run.id, 1)
    assert subtotals(company) == [2 * FEE]
    company.everything_happens()
    assert company.count(BillingSchedule) == 2
    company.on("2026-06-01")
    close(company, "2026-04-30")
    close(company, "2026-05-31")
    assert subtotals(company) == [2 * FEE, 2 * FEE]
    is_all_well(company)


# what nobody can make up for by himself


def test_a_closing_day_that_moved_is_shown_and_not_guessed(company: Story) -> None:
    """April was billed until its end; a month to the 20th would bill some of its days again."""
    rented = machines_in_service(company, Rented(FEE))
    company.on("2026-05-01")
    close(company, "2026-04-30")
    with company.begin() as uow:
        account = uow.session.get_one(BillingAccount, rented.account_id)
        change_billing_account(
            uow,
            account.id,
            version=account.version,
            name=account.name,
            postal_code=account.postal_code or "",
            address=account.address,
            email="",
            note="",
            closing_day=20,
            term_months=account.term_months,
            pay_day=account.pay_day,
            holiday_rule=account.holiday_rule,
            tax_rounding=account.tax_rounding,
            charge_rounding=account.charge_rounding,
            consolidation=account.consolidation,
        )
    company.on("2026-06-21")
    run_id = close(company, "2026-06-20")
    assert items_of(company, run_id) == {rented.account_id: (ItemState.PARKED, "billing.not_ratable")}
    with company.reading() as session:
        params = session.scalars(
            select(BillingItem.reason_params).where(BillingItem.billing_run_id == run_id)
        ).one()
    assert params
    assert (params["problem"], params["next_start"]) == ("billing.periods_overlap", "2026-04-21")
    assert len(invoices_of(company)) == 1


# twice the same


def test_closing_twice_leaves_every_row_of_every_table_as_it_was(company: Story) -> None:
    machines_in_service(company, Rented(FEE, machines=2))
    company.on("2026-04-16")
    machines_in_service(company, Rented(4980), closing_day=20, name="喫茶はつか")
    company.on("2026-05-21")
    for day in ("2026-04-20", "2026-04-30", "2026-05-20"):
        close(company, day)
    before = rows_of(company.app, without=("audit_entry",))
    for day in ("2026-05-20", "2026-04-30", "2026-04-20"):
        close(company, day)
    assert rows_of(company.app, without=("audit_entry",)) == before
    assert company.count(Invoice) == 3
    with company.reading() as session:
        assert session.scalar(select(func.max(BillingClaim.generation))) == 0
