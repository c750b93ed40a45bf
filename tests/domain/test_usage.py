"""What was used, from the file to the invoice: each reading once, a late one as a correction."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from rental.billing.agreements import agree_terms
from rental.billing.documents import draw
from rental.billing.models import BillingClaim, UsageRecord
from rental.billing.rules.amendments import Pause
from rental.billing.rules.charges import ChargeKind
from rental.billing.rules.refusals import NotBillable, Reason
from rental.billing.rules.runs import ItemState
from rental.billing.usage_readings import BadReading, Reading, Taken, take_readings
from rental.catalog.rules import StopPolicy, Timing
from rental.changes.amendments import amend, hold_contract
from rental.changes.line_books import ContractBook, contract_book
from rental.changes.plans import Plan, plan_removal, plan_suspension, plan_termination
from rental.changes.rules import LeavingReason
from rental.cli import main
from rental.contracts.agreeing import Terms
from rental.contracts.models import LineTerms
from rental.core.money import yen_of
from rental.demo.clock import pin_business_date
from tests.conftest import SECRET_KEY
from tests.factories.billed import (
    InService,
    Rented,
    close,
    invoices_of,
    items_of,
    machines_in_service,
    make_issuer,
)
from tests.support.databases import Database
from tests.support.story import Story

PRINTS: dict[str, Any] = {
    "model": "graduated",
    "tiers": [{"up_to": 1000, "unit_price": "0.55"}, {"unit_price": "0.5", "flat": 100}],
    "included": 100,
    "minimum": 300,
}


@pytest.fixture
def company(story: Story) -> Story:
    """A company that may issue invoices."""
    with story.begin() as uow:
        make_issuer(uow)
    return story


def metered(story: Story, **said: Any) -> InService:
    """A copier for 3,000 yen a month and what it prints."""
    terms = Terms(usage=PRINTS, **said)
    return machines_in_service(
        story, Rented(3000), agree=lambda uow, line_id: agree_terms(uow, line_id, terms)
    )


def told(story: Story, contract: InService, *readings: tuple[str, str, int]) -> Taken:
    with story.begin("meter") as uow:
        return take_readings(
            uow,
            [
                Reading(contract.contract_number, 1, name, date.fromisoformat(day), quantity)
                for name, day, quantity in readings
            ],
        )


def asked(story: Story) -> list[list[tuple[str, int]]]:
    return [
        [(line.description.get("charge", "rent"), line.amount.minor_units) for line in invoice.lines]
        for invoice in invoices_of(story)
    ]


def test_rent_is_billed_before_the_month_and_usage_after_it_on_one_document(company: Story) -> None:
    contract = metered(company, timing=Timing.ADVANCE)
    company.on("2026-04-30")
    told(company, contract, ("a", "2026-04-10", 600), ("b", "2026-04-30", 700))
    close(company, "2026-04-30")
    assert asked(company) == [[("rent", 3000), ("rent", 3000), ("usage", 750)]]
    (invoice,) = invoices_of(company)
    line = invoice.lines[2]
    assert (line.quantity, line.formula["steps"]) == (
        1300,
        [{"quantity": 1000, "price": "0.55", "flat": 0}, {"quantity": 200, "price": "0.5", "flat": 100}],
    )
    assert draw(invoice.snapshot).startswith(b"%PDF")


def test_nothing_used_costs_the_minimum_of_the_days_in_service(company: Story) -> None:
    company.on("2026-04-16")
    metered(company)
    company.on("2026-04-30")
    close(company, "2026-04-30")
    assert asked(company) == [[("rent", 1500), ("usage", 150)]]


def test_a_late_reading_corrects_its_own_period_with_the_next_document(company: Story) -> None:
    contract = metered(company)
    company.on("2026-05-31")
    told(company, contract, ("a", "2026-04-10", 1100))
    close(company, "2026-04-30")
    told(company, contract, ("late", "2026-04-20", 200))
    close(company, "2026-05-31")
    assert asked(company) == [
        [("rent", 3000), ("usage", 550)],
        [("rent", 3000), ("usage", 200), ("usage", 300)],
    ]
    correction = invoices_of(company)[1].lines[1]
    assert (correction.service_start, correction.last_on) == (date(2026, 4, 1), date(2026, 4, 30))
    with company.reading() as session:
        claims = session.execute(
            select(BillingClaim.period_start, BillingClaim.generation)
            .where(BillingClaim.kind == ChargeKind.USAGE)
            .order_by(BillingClaim.period_start, BillingClaim.generation)
        )
        assert [tuple(each) for each in claims] == [
            (date(2026, 4, 1), 0),
            (date(2026, 4, 1), 1),
            (date(2026, 5, 1), 0),
        ]
    close(company, "2026-05-31")
    assert len(invoices_of(company)) == 2


def test_a_reading_counts_once_however_often_it_is_told(company: Story) -> None:
    contract = metered(company)
    reading = ("a", "2026-04-01", 600)
    assert told(company, contract, reading, reading) == Taken(1, 1)
    assert told(company, contract, reading) == Taken(0, 1)
    assert company.count(UsageRecord) == 1
    with pytest.raises(BadReading) as refused:
        told(company, contract, ("b", "2026-04-01", 1), ("a", "2026-04-01", 601))
    assert (refused.value.field, refused.value.params["row"]) == ("external_id", 3)
    assert company.count(UsageRecord) == 1, "all or none"


@pytest.mark.parametrize(
    ("line", "day", "field", "reason"),
    [
        (2, "2026-04-20", "line", Reason.UNKNOWN),
        (1, "2026-04-15", "occurred_on", Reason.NOT_IN_FORCE),
        (1, "2026-05-02", "occurred_on", Reason.OUT_OF_RANGE),
    ],
)
def test_a_reading_that_cannot_be_is_named_with_its_row(
    company: Story, line: int, day: str, field: str, reason: Reason
) -> None:
    company.on("2026-04-16")
    contract = metered(company)
    company.on("2026-05-01")
    with company.begin("meter") as uow, pytest.raises(BadReading) as refused:
        take_readings(uow, [Reading(contract.contract_number, line, "a", date.fromisoformat(day), 1)])
    assert (refused.value.field, refused.value.params["reason"], refused.value.params["row"]) == (
        field,
        reason,
        2,
    )


def ended(story: Story, stop: StopPolicy) -> InService:
    """A copier that stands at the customer's still, although its contract ended in the middle of April."""
    terms = Terms(usage={"model": "per_unit", "unit_price": "1"}, overrun_fee=yen_of(6000))
    contract = machines_in_service(
        story, Rented(3000), agree=lambda uow, line_id: agree_terms(uow, line_id, terms), stop=stop
    )
    with story.begin("clerk") as uow:
        hold_contract(uow, contract.contract_id)
        book = contract_book(uow.session, contract.contract_id)
        last_on, leaving = date(2026, 4, 15), LeavingReason.NOT_NEEDED
        plan = plan_termination(book, last_on=last_on, requested_on=uow.today, leaving=leaving)
        amend(uow, plan, reason="notice in writing")
    story.on("2026-04-30")
    return contract


def test_what_is_used_after_the_agreed_end_is_paid_for_like_the_days(company: Story) -> None:
    contract = ended(company, StopPolicy.AGREED_END)
    told(company, contract, ("a", "2026-04-10", 600), ("b", "2026-04-20", 70))
    close(company, "2026-04-30")
    assert asked(company) == [[("rent", 1500), ("usage", 670), ("overrun", 3000)]]


def test_a_reading_after_the_end_of_rent_is_refused_and_keeps_nobody_from_being_billed(
    company: Story,
) -> None:
    contract = ended(company, StopPolicy.CONTRACT_END)
    told(company, contract, ("a", "2026-04-15", 600))
    with pytest.raises(BadReading) as refused:
        told(company, contract, ("b", "2026-04-16", 70))
    assert (refused.value.field, refused.value.params["reason"]) == ("occurred_on", Reason.NOT_IN_FORCE)
    close(company, "2026-04-30")
    assert asked(company) == [[("rent", 1500), ("usage", 600)]]


# a metered line that is amended for days already past


def amended(story: Story, contract: InService, planned: Callable[[ContractBook, UUID, date], Plan]) -> None:
    with story.begin("clerk") as uow:
        hold_contract(uow, contract.contract_id)
        book = contract_book(uow.session, contract.contract_id)
        (line_id,) = book.lines
        amend(uow, planned(book, line_id, uow.today), reason="as they say")


def pause(story: Story, contract: InService, first_on: str, resumes_on: str) -> None:
    days = Pause(date.fromisoformat(first_on), date.fromisoformat(resumes_on))
    amended(story, contract, lambda book, line_id, today: plan_suspension(book, line_id, days, today=today))


def remove(story: Story, contract: InService, gone_on: str) -> None:
    day = date.fromisoformat(gone_on)
    amended(
        story,
        contract,
        lambda book, line_id, today: plan_removal(book, line_id, agreed_for=day, today=today),
    )


def test_a_line_that_ends_during_a_pause_pays_for_what_was_used_until_it_ended(company: Story) -> None:
    contract = metered(company)
    pause(company, contract, "2026-04-11", "2026-08-01")
    company.on("2026-05-20")
    told(company, contract, ("a", "2026-04-20", 600), ("b", "2026-05-19", 1100))
    remove(company, contract, "2026-05-20")
    company.on("2026-05-31")
    told(company, contract, ("late", "2026-05-18", 200))
    with pytest.raises(BadReading) as refused:
        told(company, contract, ("c", "2026-05-20", 1))
    assert refused.value.params["reason"] is Reason.NOT_IN_FORCE
    close(company, "2026-04-30")
    close(company, "2026-05-31")
    assert asked(company) == [[("rent", 1000), ("usage", 300)], [("usage", 750)]]


def test_a_line_that_ends_in_a_later_month_of_a_pause_owes_the_minimum_until_then(company: Story) -> None:
    contract = metered(company)
    pause(company, contract, "2026-04-11", "2026-08-01")
    remove(company, contract, "2026-05-11")
    company.on("2026-05-31")
    close(company, "2026-04-30")
    close(company, "2026-05-31")
    assert asked(company) == [[("rent", 1000), ("usage", 300)], [("usage", 96)]]


def test_a_line_removed_for_days_past_pays_for_nothing_that_was_read_since(company: Story) -> None:
    contract = metered(company)
    company.on("2026-04-30")
    read_since = ("b", "2026-04-20", 400)
    told(company, contract, ("a", "2026-04-10", 700), read_since)
    remove(company, contract, "2026-04-16")
    run_id = close(company, "2026-04-30")
    assert items_of(company, run_id) == {contract.account_id: (ItemState.DONE, None)}
    assert asked(company) == [[("rent", 1500), ("usage", 330)]]
    assert company.count(UsageRecord) == 2, "what was told is kept"


def test_a_plain_line_pays_for_no_usage(company: Story) -> None:
    contract = machines_in_service(company, Rented(3000))
    with pytest.raises(BadReading) as refused:
        told(company, contract, ("a", "2026-04-01", 1))
    assert (refused.value.field, refused.value.params["reason"]) == ("line", Reason.NOT_IN_FORCE)


@pytest.mark.parametrize(
    ("usage", "field"),
    [
        ({"model": "sideways"}, "model"),
        ({"model": "graduated", "tiers": [{"up_to": 5, "unit_price": "1"}]}, "tiers"),
        ({"model": "per_unit"}, "unit_price"),
        ({"model": "per_unit", "unit_price": "1", "minimum": "x"}, "usage"),
    ],
)
def test_a_price_that_nothing_can_be_calculated_with_is_not_agreed_on(
    company: Story, usage: dict[str, Any], field: str
) -> None:
    with pytest.raises(NotBillable) as refused:
        machines_in_service(
            company,
            Rented(3000),
            agree=lambda uow, line_id: agree_terms(uow, line_id, Terms(usage=usage)),
        )
    assert refused.value.field == field
    assert company.count(LineTerms) == 0


def test_terms_spoilt_behind_our_back_park_one_account_and_no_other(company: Story) -> None:
    spoilt = metered(company)
    machines_in_service(company, Rented(4980), name="喫茶あおぞら")
    with company.begin() as uow:
        uow.session.scalars(select(LineTerms)).one().usage = {"model": "sideways"}
    company.on("2026-04-30")
    run = close(company, "2026-04-30")
    assert items_of(company, run)[spoilt.account_id][1] == "billing.not_ratable"
    assert [invoice.subtotal for invoice in invoices_of(company)] == [yen_of(4980)]


# the command


@pytest.fixture
def usage_import(story: Story, database: Database, tmp_path: Path) -> Callable[[str], Result]:
    """The command on a file of this content; it is 1 May."""
    with story.begin() as uow:
        pin_business_date(uow, date(2026, 5, 1))
    environment = {
        "RENTAL_HOME": str(tmp_path),
        "RENTAL_SECRET_KEY": SECRET_KEY,
        "DATABASE_URL": database.url,
        "REDIS_URL": None,
    }
    runner = CliRunner(env=environment)

    def run(content: str) -> Result:
        file = tmp_path / "readings.csv"
        file.write_text(content, encoding="utf-8")
        return runner.invoke(main, ["usage", "import", str(file)])

    return run


def test_a_file_is_taken_in_as_a_whole_or_not_at_all(
    company: Story, usage_import: Callable[[str], Result]
) -> None:
    contract = metered(company)
    head = "contract,line,external_id,occurred_on,quantity\n"
    good = f"{contract.contract_number},1,m-1,2026-05-01,600\n"
    answer = usage_import("\ufeff" + head + good)
    assert (answer.exit_code, answer.output) == (0, "1 new, 0 known before\n")
    assert usage_import(head + good).output == "0 new, 1 known before\n"
    for content, said in (
        ("contract,line\n", "external_id, occurred_on, quantity"),
        (head + good + f"{contract.contract_number},1,m-2,1.5.2026,1\n", "Row 3, occurred_on"),
        (head + f"{contract.contract_number},1,m-2,2026-05-01,-1\n", "Row 2, quantity"),
        (head + "C-9999-0001,1,m-2,2026-05-01,1\n", "Row 2, contract"),
    ):
        answer = usage_import(content)
        assert answer.exit_code == 1
        assert said in answer.output
    assert company.count(UsageRecord) == 1
