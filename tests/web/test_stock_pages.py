"""The pages of units, deliveries, places and labels."""

import re
from uuid import UUID

import pypdfium2
import pytest
from sqlalchemy import select

from rental.catalog.models import EquipmentModel
from rental.core.ids import new_id
from rental.core.uow import UnitOfWork
from rental.fieldwork.installing import complete_installation, scan_for_order
from rental.fieldwork.visits import arrive
from rental.identity.permissions import Role
from rental.inventory.labelling import replace_unit_code
from rental.inventory.models import LabelCode, LabelPrint, Movement, Receipt, StockLocation, Unit
from rental.inventory.movements import load_unit, transfer_unit
from rental.inventory.rules.unit_states import LocationKind, UnitState
from tests.factories.rented import code_of, make_model, make_order, place, receive, send_out
from tests.factories.stock import fill_the_warehouse, unit_that_is
from tests.support.story import Story
from tests.web.company import Rows, Seat, Statements, rows_of
from tests.web.html import Element, faults_of, read_page

DELIVERY = {"supplier_name": "Kissa Works", "delivery_note": "", "unit_cost": "48000"}


class Warehouse:
    """Two shelves, a van, and one unit that waits in the receiving area."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.people = {role: story.person(role) for role in (Role.WAREHOUSE, Role.ADMINISTRATOR, Role.SALES)}
        technician = story.person(Role.TECHNICIAN)
        with story.begin() as uow:
            model = make_model(uow)
            rows = fill_the_warehouse(uow, model, technician)
        self.model_id = model.id
        self.unit_id, self.receipt_id, self.shelf_id = (
            UUID(str(rows[name])) for name in ("unit_id", "receipt_id", "location_id")
        )

    def seat(self, role: Role) -> Seat:
        return Seat(self.story.signed_in(self.people[role]).client)

    def new_unit(self, state: UnitState) -> UUID:
        """A unit that is so far in its life."""
        with self.story.begin() as uow:
            return unit_that_is(uow, state, self.model_in(uow)).id

    def model_in(self, uow: UnitOfWork) -> EquipmentModel:
        return uow.session.get_one(EquipmentModel, self.model_id)

    def rows(self) -> Rows:
        return rows_of(self.story.app)


@pytest.fixture
def warehouse(story: Story) -> Warehouse:
    return Warehouse(story)


def said(page: Element) -> str:
    """What is refused, by the summary above the form."""
    return " ".join(box.text for box in page.with_class("error-summary"))


def delivery(warehouse: Warehouse, serials: str, **more: str) -> dict[str, str]:
    with warehouse.story.reading() as session:
        receiving = session.scalars(
            select(StockLocation.id).where(StockLocation.kind == LocationKind.RECEIVING)
        ).one()
    model_id = str(warehouse.model_id)
    names = {"equipment_model_id": model_id, "location_id": str(receiving), "request_key": new_id().hex}
    return {**DELIVERY, **names, "serials": serials, **more}


def unit_with(warehouse: Warehouse, unit_id: UUID) -> Unit:
    with warehouse.story.reading() as session:
        unit = session.get_one(Unit, unit_id)
        _loaded = unit.location.code, unit.equipment_model.name
        return unit


@pytest.fixture
def storekeeper(warehouse: Warehouse) -> Seat:
    return warehouse.seat(Role.WAREHOUSE)


# --- receiving ---------------------------------------------------------------------------------


def test_the_preview_shows_every_row_and_saves_nothing(warehouse: Warehouse, storekeeper: Seat) -> None:
    with warehouse.story.reading() as session:
        known = session.scalars(select(Unit)).one()
        known_place = known.location.name
    before = warehouse.rows()
    sent = delivery(warehouse, f"NEW-1\r\n{known.serial_number}\r\nｎｅｗ１\r\nNEW-2", preview="1")
    answer = storekeeper.post("/receiving/new", sent)
    assert answer.status_code == 200
    page = read_page(answer.text)
    rows = [[cell.text for cell in row.all("td")] for row in page.all("tbody")[0].all("tr")]
    assert [row[:3] for row in rows] == [
        ["1", "NEW-1", "NEW1"],
        ["2", known.serial_number, known.normalised_serial],
        ["3", "ｎｅｗ１", "NEW1"],
        ["4", "NEW-2", "NEW2"],
    ]
    assert [row[3][:-2] for row in rows] == ["SR-CM2604-00002", "", "", "SR-CM2604-00003"]
    assert rows[1][4] == f"✕ Twice here already: {known.tag} , {known_place}"
    assert rows[2][4] == "✕ Twice the same as row 1"
    assert f"/units/{known.id}" in {link.attributes["href"] for link in page.all("a")}
    assert warehouse.rows() == before


def test_what_was_previewed_is_what_is_received_and_once_only(
    warehouse: Warehouse, storekeeper: Seat
) -> None:
    sent = delivery(warehouse, "NEW-1\r\nNEW-2")
    promised = read_page(storekeeper.post("/receiving/new", {**sent, "preview": "1"}).text)
    numbers = [row.all("td")[3].text for row in promised.all("tbody")[0].all("tr")]
    answers = [storekeeper.post("/receiving/new", sent) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert answers[0].headers["Location"] == answers[1].headers["Location"]
    page = storekeeper.page(answers[0].headers["Location"])
    assert [row.all("td")[0].text for row in page.all("tbody")[0].all("tr")] == numbers
    assert warehouse.story.count(Receipt) == 2


def test_a_refused_delivery_shows_the_same_table_and_receives_nothing(
    warehouse: Warehouse, storekeeper: Seat
) -> None:
    before = warehouse.rows()
    answer = storekeeper.post("/receiving/new", delivery(warehouse, "NEW-1\r\nNEW-2\r\nnew-1"))
    assert answer.status_code == 409
    page = read_page(answer.text)
    assert "Nothing was received: 1 row names a unit we have, or an earlier row: 3" in said(page)
    wrong = [row.all("td")[0].text for row in page.with_class("row-wrong")]
    assert wrong == ["3"]
    (list_of_wrong,) = page.with_class("wrong-rows")
    assert list_of_wrong.text == "Row 3 : new-1 , the same as row 1"
    assert faults_of(page) == []
    assert warehouse.rows() == before


@pytest.mark.parametrize(
    ("serials", "sentence"),
    [
        ("", "Serial numbers: Please fill this in."),
        ("OK-1\r\n---", "Serial numbers: Row 2: Nothing is left without spaces and punctuation."),
        ("A" * 61, "Serial numbers: Row 1: Longer than 60 characters"),
        ("A\r\n" * 2001, "Serial numbers: 2001 rows are too many: receive at most 2000 at once."),
    ],
)
def test_a_row_that_is_no_serial_number_is_named(
    warehouse: Warehouse, storekeeper: Seat, serials: str, sentence: str
) -> None:
    answer = storekeeper.post("/receiving/new", delivery(warehouse, serials))
    assert answer.status_code == 422
    assert sentence in said(read_page(answer.text))


def test_a_whole_delivery_is_put_on_a_shelf(warehouse: Warehouse, storekeeper: Seat) -> None:
    receipt_id = warehouse.receipt_id
    shelf_url = f"/receiving/{receipt_id}/shelve"
    assert storekeeper.post(shelf_url, {"place": "nowhere"}).status_code == 422
    answer = storekeeper.post(shelf_url, {"place": "a-01-2"})
    assert answer.status_code == 303
    page = storekeeper.page(f"/receiving/{receipt_id}")
    assert "1 unit is at A-01-2 now." in page.text
    assert "Put away" not in page.text
    again = storekeeper.post(shelf_url, {"place": "a-01-2"})
    assert again.status_code == 409
    assert "No unit of this delivery waits for a shelf any more." in said(read_page(again.text))


# --- finding and the page of a unit ---------------------------------------------------------------


def test_any_number_of_a_unit_leads_to_its_page(warehouse: Warehouse, storekeeper: Seat) -> None:
    unit = unit_with(warehouse, warehouse.unit_id)
    with warehouse.story.begin() as uow:
        code = code_of(uow, unit.id)
    for typed in (
        unit.tag.lower(),
        unit.serial_number.replace("-", " "),
        code,
        f"{code[:4]}-{code[4:]}",
        f"HTTP://LOCALHOST/Q/{code}",
    ):
        answer = storekeeper.get("/units", query_string={"q": typed})
        assert (answer.status_code, answer.headers.get("Location")) == (303, f"/units/{unit.id}"), typed
    from_script = storekeeper.get("/units", query_string={"q": code}, headers={"HX-Request": "true"})
    assert (from_script.status_code, from_script.headers["HX-Redirect"]) == (200, f"/units/{unit.id}")


def test_half_a_number_and_a_number_with_filters_stay_in_the_list(
    warehouse: Warehouse, storekeeper: Seat
) -> None:
    warehouse.new_unit(UnitState.AVAILABLE)
    unit = unit_with(warehouse, warehouse.unit_id)
    found = storekeeper.page(f"/units?q={unit.tag[:6]}")
    assert len(found.all("tbody")[0].all("tr")) == 2
    assert storekeeper.get("/units", query_string={"q": unit.tag, "state": "received"}).status_code == 200
    assert storekeeper.get("/units", query_string={"q": "no such number"}).status_code == 200
    on_shelves = storekeeper.page("/units?place=a-01")
    assert [row.all("td")[4].text for row in on_shelves.all("tbody")[0].all("tr")] == ["A-01-1"]


def test_a_revoked_label_leads_to_its_unit_and_says_so(warehouse: Warehouse, storekeeper: Seat) -> None:
    unit_id = warehouse.unit_id
    with warehouse.story.begin() as uow:
        old = code_of(uow, unit_id)
        replace_unit_code(uow, unit_id, reason="torn off")
    assert storekeeper.get("/units", query_string={"q": old}).headers["Location"] == f"/units/{unit_id}"
    assert f"The label {old[:4]}-{old[4:]} was revoked" in storekeeper.page(f"/units/{unit_id}").text


def test_tabs_count_the_units_of_each_state(warehouse: Warehouse, storekeeper: Seat) -> None:
    warehouse.new_unit(UnitState.RESERVED)
    tabs = storekeeper.page("/units").with_class("tabs")[0]
    assert [link.text for link in tabs.all("a")] == [
        "All 2",
        "Received 1",
        "Free 0",
        "Held 1",
        "On a van 0",
        "Installed 0",
        "Retired 0",
    ]


def test_the_history_has_everything_in_one_list_newest_first(warehouse: Warehouse) -> None:
    unit_id = warehouse.new_unit(UnitState.RESERVED)
    with warehouse.story.begin("Keeper") as uow:
        van = place(uow, LocationKind.VAN)
        warehouse.story.later(hours=1)
    with warehouse.story.begin("Keeper") as uow:
        load_unit(uow, unit_id, to=van.id)
        warehouse.story.later(hours=1)
    with warehouse.story.begin("Keeper") as uow:
        old = code_of(uow, unit_id)
        new = replace_unit_code(uow, unit_id, reason="torn off").code
    page = warehouse.seat(Role.WAREHOUSE).page(f"/units/{unit_id}")
    (history,) = page.with_class("history")
    happened = [entry.all("b")[0].text for entry in history.all("li")]
    assert happened == [
        f"Label code {new[:4]}-{new[4:]}",
        f"Label code {old[:4]}-{old[4:]} revoked",
        "Loaded on a van",
        f"Label code {old[:4]}-{old[4:]}",
        "Held for a contract",
        "Put on a shelf",
        "Received",
    ]
    loaded = history.all("li")[2].text
    assert re.search(r"Keeper .*A-01-1 to VAN-1 Held to ➤ On a van", loaded)
    held = history.all("li")[4]
    assert any("/contracts/" in link.attributes["href"] for link in held.all("a"))


def test_a_long_life_asks_no_more_statements_than_a_short_one(
    warehouse: Warehouse, storekeeper: Seat
) -> None:
    unit_id = warehouse.new_unit(UnitState.AVAILABLE)
    storekeeper.page(f"/units/{unit_id}")
    with Statements() as short:
        storekeeper.page(f"/units/{unit_id}")
    with warehouse.story.begin() as uow:
        shelves = uow.session.scalars(
            select(StockLocation.id)
            .where(StockLocation.kind == LocationKind.BIN)
            .order_by(StockLocation.code)
        ).all()
        for _ in range(6):
            transfer_unit(uow, unit_id, to=shelves[1])
            replace_unit_code(uow, unit_id, reason="torn off")
            transfer_unit(uow, unit_id, to=shelves[0])
    with Statements() as long:
        storekeeper.page(f"/units/{unit_id}")
    assert len(long.texts) == len(short.texts)


def test_lists_ask_as_many_statements_for_many_rows_as_for_one(
    warehouse: Warehouse, storekeeper: Seat
) -> None:
    paths = (
        "/units",
        "/receiving",
        "/stock-locations",
        "/labels",
        f"/receiving/{warehouse.receipt_id}",
    )
    few = {}
    for path in paths:
        storekeeper.page(path)
        with Statements() as asked:
            storekeeper.page(path)
        few[path] = len(asked.texts)
    for _ in range(5):
        warehouse.new_unit(UnitState.RESERVED)
    for path in paths:
        with Statements() as asked:
            storekeeper.page(path)
        assert len(asked.texts) == few[path], path


def test_an_installed_unit_shows_where_it_serves_and_who_did_it(warehouse: Warehouse) -> None:
    technician = warehouse.story.person(Role.TECHNICIAN, name="Aoba Ren", email="aoba@example.jp")
    with warehouse.story.begin("Aoba Ren") as uow:
        order = make_order(uow)
        visit = send_out(uow, order, technician.id)
        arrive(uow, visit.id, at=uow.now)
        (unit,) = uow.session.scalars(select(Unit).where(Unit.state == UnitState.RESERVED))
        scan_for_order(uow, order.id, unit.tag, at=uow.now)
        complete_installation(uow, order.id, technician.id, at=uow.now, op_id=new_id())
    page = warehouse.seat(Role.WAREHOUSE).page(f"/units/{unit.id}")
    where, life, serves = [fact.text for fact in page.with_class("fact")]
    assert where.startswith("Where it is 喫茶みどり")
    assert "Installed" in life
    assert serves.startswith("Which contract it serves C-2026-0001 喫茶みどり")
    (history,) = page.with_class("history")
    links = {link.attributes["href"] for link in history.all("a")}
    assert {f"/work-orders/{order.id}", f"/sites/{order.site_id}", f"/contracts/{order.contract_id}"} <= links
    assert moves_on(page) == []
    assert faults_of(page) == []


# --- moving --------------------------------------------------------------------------------------


def moves_on(page: Element) -> list[str]:
    return [form.all("h3")[0].text for form in page.with_class("move")]


def test_only_what_is_legal_now_is_offered(warehouse: Warehouse, storekeeper: Seat) -> None:
    offered = {}
    for state in (UnitState.RECEIVED, UnitState.AVAILABLE, UnitState.RESERVED, UnitState.IN_TRANSIT):
        page = storekeeper.page(f"/units/{warehouse.new_unit(state)}")
        buttons = [e.text for e in page.all("summary") if "button" in e.attributes.get("class", "")]
        offered[state] = moves_on(page) + [label for label in buttons if label == "Retire"]
    assert offered == {
        UnitState.RECEIVED: ["Put on a shelf", "Move elsewhere"],
        UnitState.AVAILABLE: ["Move elsewhere", "Retire"],
        UnitState.RESERVED: ["Load on a van", "Move elsewhere"],
        UnitState.IN_TRANSIT: ["Take off the van", "Move elsewhere"],
    }
    looking = warehouse.seat(Role.SALES).page(f"/units/{warehouse.unit_id}")
    assert moves_on(looking) == []


def test_two_people_who_move_the_same_unit_do_not_both_move_it(
    warehouse: Warehouse, storekeeper: Seat
) -> None:
    unit_id = warehouse.new_unit(UnitState.RECEIVED)
    seen_at = unit_with(warehouse, unit_id).location_id.hex
    first = {"shelve-place": "A-01-1", "shelve-seen_at": seen_at}
    second = {"shelve-place": "A-01-2", "shelve-seen_at": seen_at}
    assert storekeeper.post(f"/units/{unit_id}/shelve", first).status_code == 303
    before = warehouse.story.count(Movement)
    answer = warehouse.seat(Role.ADMINISTRATOR).post(f"/units/{unit_id}/shelve", second)
    assert answer.status_code == 409
    page = read_page(answer.text)
    assert "is at A-01-1 now and not at RECEIVING: somebody moved it in the meantime" in said(page)
    assert faults_of(page) == []
    assert warehouse.story.count(Movement) == before
    assert unit_with(warehouse, unit_id).location.code == "A-01-1"


def test_after_a_refusal_the_form_knows_where_the_unit_is_now(
    warehouse: Warehouse, storekeeper: Seat
) -> None:
    unit_id = warehouse.new_unit(UnitState.AVAILABLE)
    sent = {"move-place": "A-01-2", "move-seen_at": new_id().hex}
    page = read_page(storekeeper.post(f"/units/{unit_id}/move", sent).text)
    (control,) = [e for e in page.all("input") if e.attributes.get("name") == "move-seen_at"]
    assert control.attributes["value"] == unit_with(warehouse, unit_id).location_id.hex
    sent["move-seen_at"] = control.attributes["value"]
    assert storekeeper.post(f"/units/{unit_id}/move", sent).status_code == 303
    assert unit_with(warehouse, unit_id).location.code == "A-01-2"


def test_a_shelf_is_named_by_its_label_too_and_a_wrong_place_says_why(
    warehouse: Warehouse, storekeeper: Seat
) -> None:
    unit_id = warehouse.new_unit(UnitState.RESERVED)
    seen_at = unit_with(warehouse, unit_id).location_id.hex
    storekeeper.post("/labels", {"labels": "A-01-2", "format_key": "a4_location", "start_position": "1"})
    with warehouse.story.reading() as session:
        code = session.scalars(select(LabelCode.code).where(LabelCode.location_id.is_not(None))).one()
    for typed, status in (("SCRAP", 409), ("nowhere", 422), (f"http://localhost/q/{code}", 303)):
        sent = {"move-place": typed, "move-seen_at": seen_at}
        answer = storekeeper.post(f"/units/{unit_id}/move", sent)
        assert answer.status_code == status, typed
        if status == 409:
            assert "cannot be at SCRAP (Scrap) while it is in this state: Held" in said(
                read_page(answer.text)
            )
    assert unit_with(warehouse, unit_id).location.code == "A-01-2"


def test_an_installed_unit_is_not_moved_by_a_form_of_ours(warehouse: Warehouse, storekeeper: Seat) -> None:
    unit_id = warehouse.new_unit(UnitState.IN_TRANSIT)
    seen_at = unit_with(warehouse, unit_id).location_id.hex
    before = warehouse.rows()
    for name in ("shelve", "load"):
        sent = {f"{name}-place": "A-01-1", f"{name}-seen_at": seen_at}
        assert storekeeper.post(f"/units/{unit_id}/{name}", sent).status_code == 409, name
    retired = storekeeper.post(
        f"/units/{unit_id}/retire", {"retire-reason": "broken", "retire-seen_at": seen_at}
    )
    assert retired.status_code == 409
    assert warehouse.rows() == before


def test_a_new_label_code_sent_twice_is_one(warehouse: Warehouse, storekeeper: Seat) -> None:
    unit_id = warehouse.unit_id
    sent = {"code-reason": "torn off", "code-request_key": new_id().hex}
    for _ in range(2):
        assert storekeeper.post(f"/units/{unit_id}/new-code", sent).status_code == 303
    assert warehouse.story.count(LabelCode) == 2
    page = storekeeper.page(f"/units/{unit_id}")
    assert len(page.with_class("qr")[0].all("path")) == 1


# --- places -----------------------------------------------------------------------------------------


def test_a_place_is_added_once_and_refused_with_the_cure(warehouse: Warehouse, storekeeper: Seat) -> None:
    sent = {"code": "B-01-1", "name": "Shelf", "kind": "bin", "warehouse": "", "technician_id": ""}
    sent["request_key"] = new_id().hex
    first, second = (storekeeper.post("/stock-locations/new", sent) for _ in range(2))
    assert (first.status_code, first.headers["Location"]) == (303, second.headers["Location"])
    for changes, sentence in (
        ({}, "There is a place called B-01-1 already."),
        ({"code": "棚"}, "Write letters A to Z and digits"),
        ({"code": "V-1", "kind": "van"}, "A van belongs to a technician"),
        ({"code": "S-1", "kind": "site"}, "Choose one of the list."),
    ):
        again = {**sent, **changes, "request_key": new_id().hex}
        answer = storekeeper.post("/stock-locations/new", again)
        assert answer.status_code in {409, 422}
        assert sentence in said(read_page(answer.text))


def test_the_page_of_a_place_shows_its_units(warehouse: Warehouse, storekeeper: Seat) -> None:
    warehouse.new_unit(UnitState.AVAILABLE)
    page = storekeeper.page(f"/stock-locations/{warehouse.shelf_id}")
    assert len(page.all("tbody")[0].all("tr")) == 1
    place_id, version = warehouse.shelf_id, page.all("input")
    number = next(e.attributes["value"] for e in version if e.attributes.get("name") == "version")
    named = {"name": "Top shelf", "version": number}
    assert storekeeper.post(f"/stock-locations/{place_id}", named).status_code == 303
    stale = storekeeper.post(f"/stock-locations/{place_id}", {**named, "name": "Other"})
    assert stale.status_code == 409
    assert "Somebody else saved this in the meantime" in said(read_page(stale.text))


# --- labels ------------------------------------------------------------------------------------------


def sheet(lines: str, **more: str) -> dict[str, str]:
    return {"labels": lines, "format_key": "a4_unit", "start_position": "1", **more}


def test_the_pdf_has_a_label_for_each_unit_and_the_printing_is_counted(
    warehouse: Warehouse, storekeeper: Seat
) -> None:
    with warehouse.story.begin() as uow:
        receive(uow, warehouse.model_in(uow), 3)
        number = uow.session.scalars(select(Receipt.number).order_by(Receipt.number.desc())).first()
    answer = storekeeper.post("/labels", sheet(f"{number}", start_position="23"))
    assert (answer.status_code, answer.content_type) == (200, "application/pdf")
    assert answer.headers["Content-Disposition"] == "attachment; filename=labels-2026-04-01.pdf"
    with warehouse.story.reading() as session:
        printed = session.scalars(select(LabelCode).where(LabelCode.print_count == 1)).all()
        row = session.scalars(select(LabelPrint)).one()
    assert (len(printed), row.label_count, row.format_key, row.start_position) == (3, 3, "a4_unit", 23)
    document = pypdfium2.PdfDocument(answer.data)
    text = "".join(document[number].get_textpage().get_text_bounded() for number in range(len(document)))
    assert len(document) == 2
    for label in printed:
        assert f"{label.code[:4]}-{label.code[4:]}" in text


def test_a_test_page_is_printed_and_not_counted(warehouse: Warehouse, storekeeper: Seat) -> None:
    assert storekeeper.post("/labels", sheet("", crosses="y")).content_type == "application/pdf"
    assert warehouse.story.count(LabelPrint) == 0


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"labels": ""}, "Nothing to print."),
        ({"labels": "nowhere\r\nA-01-1"}, "1 row names nothing of ours: 1, called nowhere."),
        ({"start_position": "25"}, "This sheet has the places 1 to 24"),
        ({"start_position": "0"}, "Write a whole number from 1 to 70."),
        ({"offset_right": "1,5 cm"}, "Write millimetres such as 1.5 or -0.5."),
        ({"offset_down": "－３０"}, "At most 20 mm"),
    ],
)
def test_what_cannot_be_printed_is_said_and_nothing_is_labelled(
    warehouse: Warehouse, storekeeper: Seat, changes: dict[str, str], sentence: str
) -> None:
    before = warehouse.rows()
    answer = storekeeper.post("/labels", sheet("A-01-1") | changes)
    assert answer.status_code == 422
    assert sentence in said(read_page(answer.text))
    assert warehouse.rows() == before


def test_the_page_of_labels_is_filled_in_with_what_somebody_came_to_print(
    warehouse: Warehouse, storekeeper: Seat
) -> None:
    unit = unit_with(warehouse, warehouse.unit_id)
    filled = {
        f"unit={unit.id}": unit.tag,
        f"delivery={unit.receipt_id}": "R00001",
        f"place={warehouse.shelf_id}": "A-01-1",
        "places=bin": "A-01-1 A-01-2",
        "places=site": "",
        "unit=nonsense": "",
    }
    for query, lines in filled.items():
        page = storekeeper.page(f"/labels?{query}")
        assert page.all("textarea")[0].text == lines, query
    assert storekeeper.get(f"/labels?unit={new_id()}").status_code == 404
