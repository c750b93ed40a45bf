"""What a scan asks of the database: little, and no more for a unit with a long life."""

from rental.identity.permissions import Role
from rental.inventory.models import Unit
from rental.inventory.movements import transfer_unit
from rental.inventory.rules.unit_states import LocationKind
from rental.inventory.stock_locations import add_stock_location
from tests.factories.rented import code_of, make_model, stock
from tests.support.story import Browser, Story
from tests.web.company import Statements

SIGN_IN = "FROM account_session"


def asked(browser: Browser, path: str, *, status: int) -> list[str]:
    """The statements of one page, without the one that finds out who is there."""
    browser.get(path)
    with Statements() as statements:
        assert browser.get(path).status_code == status
    reads = [text for text in statements.texts if text.startswith("SELECT")]
    who = [text for text in reads if SIGN_IN in text]
    assert len(who) == 1
    return [text for text in reads if text not in who]


def test_a_scanned_unit_opens_with_one_statement_however_old_it_is(story: Story) -> None:
    with story.begin() as uow:
        unit: Unit = stock(uow, make_model(uow))[0]
        code = code_of(uow, unit.id)
        shelves = [unit.location_id]
        for number in range(5):
            place = add_stock_location(uow, code=f"B-{number}", name="B", kind=LocationKind.BIN)
            shelves.append(place.id)
    storekeeper = story.a(Role.WAREHOUSE)
    young = asked(storekeeper, f"/m/unit/{unit.id}", status=200)
    with story.begin() as uow:
        for turn in range(20):
            transfer_unit(uow, unit.id, to=shelves[(turn + 1) % len(shelves)])
    old = asked(storekeeper, f"/m/unit/{unit.id}", status=200)
    assert len(young) == len(old) == 1
    assert len(asked(storekeeper, f"/q/{code}", status=303)) == 1
