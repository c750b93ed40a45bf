"""Two people do what only one of them can at the same moment: one has done it, the other hears of it."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from sqlalchemy import func, select, text

from rental.billing.models import UsageRecord
from rental.billing.rules.refusals import Reason
from rental.billing.usage_readings import BadReading
from rental.changes.amendments import amend, hold_contract
from rental.changes.line_books import contract_book
from rental.changes.plans import plan_removal
from rental.core.uow import UnitOfWork
from rental.identity.permissions import Role
from rental.inventory.models import StockLocation
from rental.inventory.rules.unit_states import LocationKind
from rental.inventory.stock_locations import add_stock_location
from tests.domain.test_usage import metered, told
from tests.factories.billed import make_issuer
from tests.support.story import Story
from tests.web.company import Seat

FORM = {"code": "B-07", "name": "Shelf", "kind": "bin", "request_key": "2" * 32}


def test_a_place_added_by_two_at_once_is_there_once_and_nobody_sees_a_failure(story: Story) -> None:
    """On PostgreSQL the second has looked before the first saved; on SQLite it is let in afterwards."""
    seat = Seat(story.a(Role.WAREHOUSE).client)
    seat.token()
    with ThreadPoolExecutor(1) as pool:
        with story.begin() as uow:
            add_stock_location(uow, code="B-07", name="Shelf", kind=LocationKind.BIN)
            answering = pool.submit(seat.post, "/stock-locations/new", FORM)
            is_met = _until_it_waits(uow)
        answer = answering.result()
    assert answer.status_code == 409
    taken, met = "There is a place called B-07 already.", "Somebody else saved this in the meantime."
    assert (met if is_met else taken) in answer.text
    with story.reading() as session:
        places = select(func.count()).where(StockLocation.code == "B-07")
        assert session.scalar(places) == 1


def test_a_reading_told_while_its_line_is_being_ended_is_refused(story: Story) -> None:
    """Whoever tells it waits for the contract, and only then looks at the days in service."""
    with story.begin() as uow:
        make_issuer(uow)
    contract = metered(story)
    story.on("2026-04-30")
    with ThreadPoolExecutor(1) as pool:
        with story.begin("clerk") as uow:
            hold_contract(uow, contract.contract_id)
            book = contract_book(uow.session, contract.contract_id)
            (line_id,) = book.lines
            plan = plan_removal(book, line_id, agreed_for=date(2026, 4, 16), today=uow.today)
            amend(uow, plan, reason="was not needed any more")
            telling = pool.submit(told, story, contract, ("a", "2026-04-20", 600))
            _until_it_waits(uow)
        with pytest.raises(BadReading) as refused:
            telling.result()
    assert (refused.value.field, refused.value.params["reason"]) == ("occurred_on", Reason.NOT_IN_FORCE)
    assert story.count(UsageRecord) == 0


def _until_it_waits(uow: UnitOfWork) -> bool:
    """Whether the other can be seen waiting for this transaction, and then only once it does."""
    if uow.session.get_bind().dialect.name == "sqlite":
        return False
    end = time.monotonic() + 10
    while not uow.session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
        assert time.monotonic() < end, "nobody waits for this transaction"
    return True
