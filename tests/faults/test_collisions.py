"""Two people make the same thing at the same moment: one has made it, the other hears of it."""

import time
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import func, select, text

from rental.core.uow import UnitOfWork
from rental.identity.permissions import Role
from rental.inventory.models import StockLocation
from rental.inventory.rules.unit_states import LocationKind
from rental.inventory.stock_locations import add_stock_location
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


def _until_it_waits(uow: UnitOfWork) -> bool:
    """Whether the other can be seen waiting for this transaction, and then only once it does."""
    if uow.session.get_bind().dialect.name == "sqlite":
        return False
    end = time.monotonic() + 10
    while not uow.session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
        assert time.monotonic() < end, "nobody waits for this transaction"
    return True
