"""Three years, day by day, told twice: with workers killed at random, and without. Both end the same.

What the books hold then is also compared with two tellings that never met a database (`telling`), and asked
every question of `rental check`.
"""

import logging
from collections import Counter
from dataclasses import dataclass
from random import Random

import pytest

from rental.assurance.checks import ask_all
from rental.billing.recurring_revenue import write_movements
from rental.core.sealing import seal_committed
from rental.core.uow import begin, system
from tests.conftest import migrated
from tests.faults.three_years.days import DRAWING, EVERYTHING, Accidents, Company
from tests.faults.three_years.end_state import State, differences, end_state
from tests.faults.three_years.script import Tenancy, happenings, tenancies
from tests.faults.three_years.telling import Records, slowly, told_again
from tests.support.story import Story

pytestmark = [pytest.mark.slow, pytest.mark.faults]

log = logging.getLogger(__name__)
SEED = "2026-04-01"
LEAST_KILLS = 12


@dataclass(frozen=True)
class Extent:
    """How many contracts with so many closing days, to each of which something happens about every so many
    days; an accident on one day in so many; and whether documents are drawn, which takes half of the time."""

    contracts: int
    closing_days: int
    every: int
    accident_in: int
    draws: bool

    def tenants(self) -> list[Tenancy]:
        return tenancies(self.contracts, SEED, closing_days=self.closing_days)


@pytest.fixture(scope="session")
def extent(is_nightly: bool) -> Extent:
    return Extent(200, 6, 40, 2, draws=True) if is_nightly else Extent(12, 3, 80, 8, draws=False)


@dataclass(frozen=True)
class Lived:
    """What the books hold after three years, where they are wrong, and what came of all that was tried."""

    books: State
    astray: list[object]
    done: Counter[str]
    refused: Counter[str]


@pytest.fixture(scope="session")
def expected(extent: Extent) -> Lived:
    """Three years in which nobody was killed. What both databases should hold is told on one of them, and as
    their rows are compared, it is told again from these alone."""
    with migrated("sqlite") as (app, _):
        company = live(Story(app), extent, None)
        return Lived(books(company.story), billed_astray(company), company.done, company.refused)


def live(story: Story, extent: Extent, accident_in: int | None) -> Company:
    """Three years of a company."""
    tenants = extent.tenants()
    company = Company(story, tenants, Accidents(Random(SEED), accident_in), extent.draws)
    company.is_founded()
    company.lives_through(happenings(tenants, SEED, every=extent.every))
    with story.begin() as uow:
        write_movements(uow, until=uow.today)
    with story.app.app_context(), begin(system("tick")) as uow:
        seal_committed(uow, limit=10_000_000)
    return company


def books(story: Story) -> State:
    with story.reading() as session:
        return end_state(session)


def test_three_years_with_accidents_end_as_three_without(
    story: Story, extent: Extent, expected: Lived
) -> None:
    company = live(story, extent, extent.accident_in)
    kills = company.accidents.kills
    log.info("%d kills; done %s; refused %s", kills, company.done, company.refused)

    assert expected.astray == []
    assert kills >= LEAST_KILLS, "the axe fell beside the work"
    assert differences(books(story), expected.books) == {}
    assert (company.done, company.refused) == (expected.done, expected.refused)
    assert set(company.done) == set(EVERYTHING)
    all_is_well(company)


def all_is_well(company: Company) -> None:
    """`rental check` finds nothing but the documents that nobody drew."""
    with company.story.reading() as session:
        given = ask_all(session, company.story.clock.now())
    found = {answer.check.code: answer.rows for answer in given.answers if answer.rows}
    if not company.draws:
        found["P1"] = [row for row in found["P1"] if row["handler"] != DRAWING]
    assert {code: rows for code, rows in found.items() if rows} == {}


def billed_astray(company: Company) -> list[object]:
    """Where an entry of a line at a closing, or the money of a period that is over, is not as it is told."""
    astray: list[object] = []
    with company.story.reading() as session:
        records = Records.read(session)
        for tenancy in company.tenants:
            for line in records.lines_of(tenancy):
                told = told_again(records, line, tenancy)
                if records.ledger[line.id] != told.ledger:
                    astray.append((tenancy.number, line.position, "ledger"))
                for about, billed, cost in slowly(records, line, tenancy, told):
                    if billed != cost:
                        astray.append((tenancy.number, line.position, about, billed, cost))
    return astray
