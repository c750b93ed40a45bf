"""`rental bill` by hand or from cron: it says what it will do, does it once, and names what it refuses."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from rental.billing.models import BillingItem, BillingRun, Invoice
from rental.cli import main
from rental.core.uow import UnitOfWork
from rental.customers.models import BillingAccount
from rental.demo.clock import pin_business_date
from tests.conftest import SECRET_KEY
from tests.factories.billed import Rented, invoices_of, machines_in_service, make_issuer, owe_a_day_twice
from tests.support.databases import Database
from tests.support.story import Story
from tests.web.company import rows_of

Command = Callable[..., Result]


@pytest.fixture
def company(story: Story) -> Story:
    """Two accounts that close at the end of the month and one on the 20th; it is 1 May."""
    with story.begin() as uow:
        make_issuer(uow)
    machines_in_service(story, Rented(9800))
    machines_in_service(story, Rented(4980), name="喫茶あおぞら")
    machines_in_service(story, Rented(3000), name="喫茶はつか", closing_day=20)
    story.on("2026-05-01")
    return story


@pytest.fixture
def doubtful(company: Story) -> Story:
    """Another account's contract contradicts itself."""
    company.on("2026-04-20")
    owe_a_day_twice(company, machines_in_service(company, Rented(100), name="喫茶うたがい"))
    company.on("2026-05-01")
    return company


@pytest.fixture
def bill(story: Story, database: Database, tmp_path: Path) -> Command:
    """The command, with its own clock and connections; its day is 1 May too."""
    with story.begin() as uow:
        pin_business_date(uow, date(2026, 5, 1))
    environment = {
        "RENTAL_HOME": str(tmp_path),
        "RENTAL_SECRET_KEY": SECRET_KEY,
        "DATABASE_URL": database.url,
        "REDIS_URL": None,
    }
    runner = CliRunner(env=environment)
    return lambda *arguments: runner.invoke(main, ["bill", *arguments])


def report_of(answer: Result) -> dict[str, Any]:
    assert answer.exit_code == 0, answer.stderr
    report: dict[str, Any] = json.loads(answer.stdout)
    return report


def number_of(uow: UnitOfWork, name: str) -> str:
    accounts = select(BillingAccount.number).where(BillingAccount.name.startswith(name))
    return uow.session.scalars(accounts).one()


def test_a_dry_run_writes_no_row_and_foretells_the_closing(doubtful: Story, bill: Command) -> None:
    before = rows_of(doubtful.app)
    foretold = report_of(bill("--closing", "2026-04-30", "--dry-run", "--json"))
    assert rows_of(doubtful.app) == before

    assert [(each["recipient"], each["total"]) for each in foretold["invoices"]] == [
        ("喫茶みどり 経理部", 10780),
        ("喫茶あおぞら 経理部", 5478),
    ]
    assert [each["reason"] for each in foretold["refused"]] == ["billing.not_ratable"]
    opened = report_of(bill("--closing", "2026-04-30", "--json"))
    assert (opened["state"], opened["account_count"]) == ("working", 3)
    doubtful.everything_happens()
    closed = report_of(bill("--closing", "2026-04-30", "--json"))
    assert (closed["state"], closed["invoice_count"], closed["total"]) == ("parked", 2, foretold["total"])


def test_closing_twice_at_the_command_line_is_closing_once(company: Story, bill: Command) -> None:
    first = report_of(bill("--closing", "2026-04-30", "--json"))
    second = report_of(bill("--closing", "2026-04-30", "--json"))
    assert second == first
    assert company.announced().count("billing.chunk_opened") == 1
    company.everything_happens()
    before = rows_of(company.app, without=("audit_entry",))
    third = bill("--closing", "2026-04-30")
    assert "state: finished" in third.stdout
    assert rows_of(company.app, without=("audit_entry",)) == before
    assert [invoice.number for invoice in invoices_of(company)] == ["INV-2026-00000001", "INV-2026-00000002"]


def test_one_account_is_closed_and_the_others_later(company: Story, bill: Command) -> None:
    with company.begin() as uow:
        number = number_of(uow, "喫茶あおぞら")
    foretold = report_of(bill("--closing", "2026-04-30", "--account", number, "--dry-run", "--json"))
    assert [each["billing_account"] for each in foretold["invoices"]] == [number]
    one = report_of(bill("--closing", "2026-04-30", "--account", number.lower(), "--json"))
    assert one["account_count"] == 1
    company.everything_happens()
    assert [invoice.recipient_name for invoice in invoices_of(company)] == ["喫茶あおぞら 経理部"]

    rest = report_of(bill("--closing", "2026-04-30", "--json"))
    assert (rest["billing_run_id"], rest["account_count"]) == (one["billing_run_id"], 2)
    company.everything_happens()
    assert company.count(Invoice) == 2


def test_a_day_on_which_nothing_is_due_is_closed_at_once(company: Story, bill: Command) -> None:
    foretold = report_of(bill("--closing", "2026-04-15", "--dry-run", "--json"))
    assert (foretold["invoice_count"], foretold["total"], foretold["invoices"]) == (0, 0, [])
    report = report_of(bill("--closing", "2026-04-15", "--json"))
    assert (report["state"], report["account_count"], report["invoice_count"]) == ("finished", 0, 0)
    assert "billing.chunk_opened" not in company.announced()
    assert company.count(BillingItem) == 0


@pytest.mark.parametrize(
    ("arguments", "exit_code", "said"),
    [
        (("--closing", "2026-05-02"), 1, "2 May 2026 has not come yet. Close a day up to today, 1 May 2026."),
        (("--closing", "2026-05-02", "--dry-run"), 1, "(billing.closing_in_future)"),
        (("--closing", "2026-04-31"), 2, "Invalid value for '--closing': '2026-04-31'"),
        (("--closing", "30 April"), 2, "Invalid value for '--closing': '30 April'"),
        ((), 2, "Missing option '--closing'"),
        (("--closing", "2026-04-30", "--account", "B-9"), 1, "There is no billing account B-9."),
        (("--closing", "2026-04-30", "--account", ""), 1, "(billing.unknown_account)"),
        (("--closing", "2026-04-30", "--account", "B-9", "--dry-run"), 1, "(billing.unknown_account)"),
    ],
)
def test_what_cannot_be_closed_is_named_and_nothing_happens(
    company: Story, bill: Command, arguments: tuple[str, ...], exit_code: int, said: str
) -> None:
    before = rows_of(company.app)
    answer = bill(*arguments)
    assert (answer.exit_code, answer.stdout) == (exit_code, "")
    assert said in answer.stderr
    assert rows_of(company.app) == before


def test_an_account_is_not_closed_on_the_day_of_others(company: Story, bill: Command) -> None:
    with company.begin() as uow:
        number = number_of(uow, "喫茶はつか")
    before = rows_of(company.app)
    answer = bill("--closing", "2026-04-30", "--account", number)
    assert answer.exit_code == 1
    assert f"Billing account {number} closes on day 20 of the month" in answer.stderr
    assert rows_of(company.app) == before


def test_nothing_is_closed_before_the_issuer_is_known(story: Story, bill: Command) -> None:
    for more in ((), ("--dry-run",)):
        answer = bill("--closing", "2026-04-30", *more)
        assert answer.exit_code == 1
        assert "Nobody has said yet who issues the invoices." in answer.stderr
    assert story.count(BillingRun) == 0
