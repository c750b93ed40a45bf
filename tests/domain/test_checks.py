"""`rental check`: quiet when all is well; each question turns red by one sabotage, and only that one."""

import json
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, text

from rental.assurance.checking import start_check
from rental.assurance.checks import CHECKS, ask_all
from rental.assurance.models import CheckRun, CheckRunState
from rental.core.audit import AuditEntry
from rental.core.db import writing_engine
from rental.core.outbox import Delivery
from rental.identity.permissions import Role
from rental.notifications.models import Notice, NoticeKind
from tests.domain.test_audit import behind_the_back
from tests.support.beginnings import Once
from tests.support.databases import Database
from tests.support.processes import installation
from tests.support.story import Story


@pytest.fixture
def company(story: Story, once: Once) -> Story:
    """A company in good order: people, sessions, done messages, a finished check, a sealed log."""
    once(keep_in_order)
    return story


def keep_in_order(story: Story) -> None:
    story.person(Role.ADMINISTRATOR)
    story.signed_in(story.person(Role.SALES))
    with story.begin() as uow:
        start_check(uow)
    story.everything_happens()
    story.tick()


def red(story: Story, *, later: timedelta = timedelta(0)) -> dict[str, int]:
    """The checks that find something, with the number of rows."""
    with story.reading() as session:
        given = ask_all(session, story.clock.now() + later)
    return {answer.check.code: len(answer.rows) for answer in given.answers if answer.rows}


def sabotage(story: Story, *statements: str) -> None:
    with story.app.app_context(), writing_engine().begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_a_company_in_good_order_has_no_finding(company: Story) -> None:
    assert red(company) == {}
    assert red(company, later=timedelta(minutes=14)) == {}


SABOTAGE = {
    "P1": "UPDATE delivery SET state = 'queued', due_at = '2026-03-01 00:00:00+00' "
    "WHERE handler = 'assurance.answer_started_check'",
    "P2": "UPDATE delivery SET state = 'running', lease_until = '2026-03-01 00:00:00+00' "
    "WHERE handler = 'assurance.answer_started_check'",
    "P4": "UPDATE audit_entry SET actor_name = 'nobody' WHERE sequence = 2",
    "P4b": "INSERT INTO audit_entry (id, at, transaction_id, actor_kind, actor_name, action, entity) VALUES "
    "('00000000000000000000000000000005', '2026-03-01 00:00:00+00', '00000000000000000000000000000005', "
    "'system', 'nobody', 'changed', 'account')",
    "P7": "UPDATE account SET state = 'disabled' WHERE normalised_email = 'sales@example.jp'",
    "S11": "UPDATE counter SET next_number = 7 WHERE series = 'check_run'",
}


@pytest.mark.parametrize("code", sorted(SABOTAGE))
def test_a_sabotage_turns_just_its_check_red(company: Story, code: str) -> None:
    if code == "P4":
        behind_the_back(company, SABOTAGE[code])
    else:
        sabotage(company, SABOTAGE[code])
    assert red(company) == {code: 1}


def test_a_done_message_that_nobody_tried_is_found(company: Story) -> None:
    sabotage(
        company,
        "UPDATE delivery SET attempt_count = 0 WHERE handler = 'assurance.answer_started_check'",
    )
    assert red(company) == {"P1": 1}


def test_an_entry_left_unsealed_is_found_after_a_quarter_of_an_hour(company: Story) -> None:
    company.person(Role.BILLING)
    company.everything_happens()
    assert red(company) == {}
    assert red(company, later=timedelta(minutes=16))["P4b"] > 0


def test_a_night_that_finds_a_problem_tells_every_administrator(company: Story) -> None:
    sabotage(company, SABOTAGE["P7"])
    with company.begin() as uow:
        start_check(uow)
    company.everything_happens_twice()
    with company.reading() as session:
        run = session.scalars(select(CheckRun).where(CheckRun.number == 2)).one()
        told = session.scalars(select(Notice).where(Notice.kind == NoticeKind.CHECK_FOUND_PROBLEMS)).one()
    assert (run.state, run.finding_count) == (CheckRunState.FINISHED, 1)
    assert (told.params["number"], told.params["finding_count"]) == (2, 1)


@pytest.mark.slow
def test_the_command_exits_2_on_a_finding_and_writes_nothing(
    app: Flask, database: Database, company: Story
) -> None:
    with installation(database.url) as processes:
        before = (company.count(AuditEntry), company.count(Delivery), company.count(CheckRun))
        good = processes.rental("check")
        assert good.returncode == 0, good.stderr
        assert [line.split()[:2] for line in good.stdout.splitlines()] == [
            ["ok", check.code] for check in CHECKS
        ]
        assert processes.rental("audit", "verify").returncode == 0

        behind_the_back(company, SABOTAGE["P4"])
        bad = processes.rental("check", "--json")
        report = json.loads(bad.stdout)
        assert (bad.returncode, report["finding_count"]) == (2, 1)
        assert [check["code"] for check in report["checks"] if check["rows"]] == ["P4"]
        assert processes.rental("audit", "verify").returncode == 2
        assert (company.count(AuditEntry), company.count(Delivery), company.count(CheckRun)) == before
