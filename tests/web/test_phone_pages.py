"""The phone: a standard installation by forms alone, what is refused and why, and the warehouse's scans."""

import io

import pytest
from sqlalchemy import select
from werkzeug.datastructures import FileStorage

from rental.core.ids import new_id
from rental.core.stored_files import StoredFile
from rental.customers.models import Site
from rental.fieldwork.models import FieldCommand, WorkOrder, WorkOrderNote, WorkOrderPhoto
from rental.fieldwork.rules import ItemState, WorkOrderState
from rental.fieldwork.visits import cancel_work_order, plan_visit, publish_visit
from rental.identity.permissions import Role
from rental.inventory.labelling import label_location, replace_unit_code
from rental.inventory.models import Movement, StockLocation, Unit
from rental.inventory.rules.unit_states import LocationKind, UnitState
from rental.inventory.stock_locations import add_stock_location
from tests.factories.rented import code_of, make_model, make_order, place, receive, stock
from tests.support.story import Story
from tests.web.company import Statements, in_parts
from tests.web.html import faults_of, read_page
from tests.web.phone_story import Job, hidden_of, job_for, said_in

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 100


@pytest.fixture
def job(story: Story) -> Job:
    return job_for(story, machines=2)


def test_standard_installation_takes_few_taps_and_says_from_when_rent_runs(job: Job) -> None:
    """Arrive, a scan for each machine, finish, done: every one of them is one press without script."""
    taps = [job.press("arrive")]
    taps += [job.press("scan", code=code) for code in job.codes]
    job.page("/complete")
    taps.append(job.press("complete"))
    assert [tap.status_code for tap in taps] == [303] * 4
    page = job.page()
    (told,) = page.with_class("rent")
    assert told.text.count("from today") == 2
    assert told.text.count("¥9,800 a month") == 2
    assert job.order().state is WorkOrderState.DONE


def test_today_shows_the_stops_in_order_and_what_to_bring(story: Story) -> None:
    first = job_for(story, machines=2)
    with story.begin() as uow:
        later = make_order(uow)
        visit = plan_visit(
            uow, [later.id], technician_id=first.technician.id, planned_on=uow.today, starts_at=810
        )
        publish_visit(uow, visit.id)
    page = read_page(first.browser.get("/m/").text)
    assert [stop.with_class("stop-time")[0].text for stop in page.with_class("stop")] == ["13:30", "—"]
    assert len(page.with_class("stop-now")) == 1
    assert "1 machine" in page.text
    assert "2 machines" in page.text
    assert "Set off" in page.with_class("dock")[0].text


def test_day_without_visits_says_when_the_next_ones_are(story: Story) -> None:
    job = job_for(story)
    story.on("2026-03-31")
    assert "1 visit." in job.browser.get("/m/").text
    assert "Wed 1 Apr 2026" in job.browser.get("/m/").text


def test_wrong_machine_is_refused_beside_what_was_read_and_nothing_changes(job: Job) -> None:
    with job.story.begin() as uow:
        (other,) = stock(uow, make_model(uow, "GR-10", category="GR"))
    job.press("arrive")
    answer = job.press("scan", code=other.tag)
    assert answer.status_code == 409
    assert f"{other.tag} is a GR-10" in said_in(answer.text)
    page = read_page(answer.text)
    assert faults_of(page) == []
    assert page.with_class("work")[0].attributes["data-tone"] == "bad"
    assert {item.state for item in job.order().items} == {ItemState.OPEN}


def test_unknown_number_and_an_empty_scan_are_refused(job: Job) -> None:
    job.press("arrive")
    unknown = job.press("scan", code="no such number")
    assert unknown.status_code == 404
    assert "NO SUCH NUMBER" in said_in(unknown.text).upper()
    empty = job.press("scan", code=" ")
    assert (empty.status_code, "Code or number" in said_in(empty.text)) == (422, True)


def test_scan_for_script_answers_with_the_page_and_its_tone(job: Job) -> None:
    job.press("arrive")
    fields = hidden_of(job.page(), f"{job.path}/scan") | {
        "code": job.codes[0],
        "csrf_token": job.browser.csrf_token("/account"),
    }
    answer = job.browser.client.post(f"{job.path}/scan", data=fields, headers={"HX-Request": "true"})
    page = read_page(answer.text)
    assert answer.status_code == 200
    assert page.with_class("work")[0].attributes["data-tone"] == "ok"
    fields |= hidden_of(page, f"{job.path}/scan")
    again = job.browser.client.post(f"{job.path}/scan", data=fields, headers={"HX-Request": "true"})
    assert read_page(again.text).with_class("work")[0].attributes["data-tone"] == "again"


def test_form_sent_twice_is_told_once_and_the_same_id_with_other_content_is_refused(job: Job) -> None:
    job.press("arrive")
    fields = hidden_of(job.page(), f"{job.path}/scan")
    for _ in range(2):
        assert job.send("scan", fields | {"code": job.codes[0]}).status_code == 303
    other = job.send("scan", fields | {"code": job.codes[1]})
    assert other.status_code == 409
    assert "already sent with different content" in said_in(other.text)
    with job.story.reading() as session:
        types = session.scalars(select(FieldCommand.type).order_by(FieldCommand.seq)).all()
    assert types == ["visit.arrive", "install.scan"]


def test_refused_command_stays_refused_when_it_is_sent_again(job: Job) -> None:
    fields = hidden_of(job.page(), f"{job.path}/depart")
    for _ in range(2):
        answer = job.send("complete", fields)
        assert answer.status_code == 409
        assert "Say first that you arrived" in answer.text


def test_scan_is_taken_back(job: Job) -> None:
    job.press("arrive")
    job.press("scan", code=job.codes[0])
    assert job.press("undo-scan").status_code == 303
    assert {item.state for item in job.order().items} == {ItemState.OPEN}


def test_entrance_code_is_shown_only_while_on_site(job: Job) -> None:
    with job.story.begin() as uow:
        site = uow.session.get_one(Site, uow.session.get_one(WorkOrder, job.order_id).site_id)
        site.access_note, site.entrance_code = "Back door", "#4711"
    assert "#4711" not in job.browser.get(job.path).text
    assert "Back door" in job.browser.get(job.path).text
    job.press("arrive")
    assert "#4711" in job.browser.get(job.path).text
    for code in job.codes:
        job.press("scan", code=code)
    job.press("complete")
    assert "#4711" not in job.browser.get(job.path).text


def test_rest_is_left_for_another_visit(job: Job) -> None:
    job.press("arrive")
    job.press("scan", code=job.codes[0])
    assert "Done without 1 machine" in job.page("/complete").text
    assert job.press("complete").status_code == 303
    assert [item.state for item in job.order().items].count(ItemState.LEFT) == 1


def test_nothing_done_needs_a_reason(job: Job) -> None:
    job.press("arrive")
    refused = job.press("block")
    assert (refused.status_code, "Reason" in said_in(refused.text)) == (422, True)
    assert job.press("block", reason="absent", note="Closed until 15:00").status_code == 303
    assert "Nobody was there" in job.page().text
    assert job.order().state is WorkOrderState.BLOCKED


def test_note_and_photo_are_kept_and_shown(job: Job) -> None:
    assert job.press("note", text="Parking behind the house").status_code == 303
    photo = FileStorage(io.BytesIO(PNG), filename="after.png")
    assert job.press("photos", photo=photo, kind="after").status_code == 303
    page = job.page()
    assert "Parking behind the house" in page.text
    (image,) = page.with_class("photos")[0].all("img")
    answer = job.browser.get(image.attributes["src"])
    assert (answer.mimetype, answer.data) == ("image/png", PNG)
    assert job.story.count(WorkOrderNote) == job.story.count(WorkOrderPhoto) == 1


def test_file_that_is_no_picture_or_too_large_is_refused(job: Job) -> None:
    text = FileStorage(io.BytesIO(b"<svg onload=alert(1)>"), filename="a.png")
    refused = job.press("photos", photo=text, kind="after")
    assert (refused.status_code, "Choose a picture" in said_in(refused.text)) == (422, True)
    fields = hidden_of(job.page(), f"{job.path}/photos") | {"kind": "after"}
    pairs = [(name, str(value)) for name, value in fields.items()]
    pairs.append(("csrf_token", job.browser.csrf_token("/account")))
    for size, status in ((8, 422), (9, 413)):
        body, kind = in_parts(pairs, {"photo": PNG + b"0" * size * 1024 * 1024})
        answer = job.browser.client.post(f"{job.path}/photos", data=body, content_type=kind)
        assert answer.status_code == status
    none = job.press("photos", kind="after")
    assert (none.status_code, "Photo" in said_in(none.text)) == (422, True)
    assert job.story.count(StoredFile) == 0


def test_job_of_somebody_else_is_not_there(job: Job) -> None:
    colleague = job.story.signed_in(job.story.person(Role.TECHNICIAN, email="other@example.jp"))
    for below in ("", "/complete", "/block", f"/photos/{new_id()}"):
        assert colleague.get(job.path + below).status_code == 404
    fields = hidden_of(job.page(), f"{job.path}/arrive")
    for action in ("arrive", "depart", "scan", "undo-scan", "note", "photos", "complete", "block"):
        assert colleague.post(f"{job.path}/{action}", fields).status_code == 404
    assert job.story.count(FieldCommand) == 0


def test_job_called_off_meanwhile_says_so_and_still_takes_notes(job: Job) -> None:
    job.press("arrive")
    hidden = hidden_of(job.page(), f"{job.path}/scan")
    with job.story.begin() as uow:
        cancel_work_order(uow, job.order_id, reason="Customer moved")
    answer = job.send("scan", hidden | {"code": job.codes[0]})
    assert answer.status_code == 409
    assert "called this work order off" in answer.text
    assert job.press("note", text="Was there at ten").status_code == 303


def test_page_asks_the_database_as_often_for_many_machines_as_for_one(story: Story) -> None:
    small = job_for(story)
    large = job_for(story, machines=6, technician=small.technician)
    counts = []
    for job in (small, large):
        job.browser.get(job.path)
        with Statements() as asked:
            job.browser.get(job.path)
        counts.append(len(asked.texts))
    assert counts[0] == counts[1]


# --- the warehouse ---------------------------------------------------------------------


def test_scans_fill_a_basket_that_the_next_place_takes(story: Story) -> None:
    clerk = story.a(Role.WAREHOUSE)
    with story.begin() as uow:
        units = receive(uow, make_model(uow), 2)
        shelf = place(uow, LocationKind.BIN)
        codes = [code_of(uow, unit.id) for unit in units]
        shelf_code = label_location(uow, shelf.id).code
    first = clerk.get(f"/m/scan?code={codes[0]}")
    both = clerk.get(f"{first.headers['Location']}&code={codes[1]}")
    basket = clerk.get(both.headers["Location"])
    assert all(unit.tag in basket.text for unit in units)
    to_shelf = clerk.get(f"{both.headers['Location']}&code={shelf_code}")
    page = read_page(clerk.get(to_shelf.headers["Location"]).text)
    assert "Put 2 machines here" in page.text
    fields = hidden_of(page, f"/m/put-away/{shelf.id}")
    answer = clerk.post(f"/m/put-away/{shelf.id}", {**fields, "unit": [str(unit.id) for unit in units]})
    assert answer.status_code == 303
    with story.reading() as session:
        assert set(session.scalars(select(Unit.state))) == {UnitState.AVAILABLE}
        assert set(session.scalars(select(Unit.location_id))) == {shelf.id}


def test_unit_scanned_into_a_place_moves_at_once_and_a_second_time_says_so(story: Story) -> None:
    clerk = story.a(Role.WAREHOUSE)
    with story.begin() as uow:
        (unit,) = receive(uow, make_model(uow))
        shelf = place(uow, LocationKind.BIN)
    path = f"/m/put-away/{shelf.id}"
    fields = hidden_of(read_page(clerk.get(path).text), path) | {"code": unit.serial_number}
    for _ in range(2):  # the same form twice is one move
        assert clerk.post(path, fields).status_code == 303
    page = read_page(clerk.get(path).text)
    assert f"RECEIVING → {shelf.code}" in page.with_class("arrivals")[0].text or unit.tag in page.text
    again = clerk.post(path, hidden_of(page, path) | {"code": unit.tag})
    assert (again.status_code, "is here already" in again.text) == (200, True)
    with story.reading() as session:
        assert len(session.scalars(select(Movement).where(Movement.unit_id == unit.id)).all()) == 2


def test_unit_that_does_not_belong_there_stays_where_it_is(job: Job) -> None:
    clerk = job.story.a(Role.WAREHOUSE)
    job.press("arrive")
    for code in job.codes:
        job.press("scan", code=code)
    job.press("complete")
    with job.story.begin() as uow:
        shelf = place(uow, LocationKind.BIN)
        site = uow.session.scalars(select(StockLocation).where(StockLocation.kind == LocationKind.SITE)).one()
        (free,) = stock(uow, make_model(uow, "GR-10", category="GR"))
    for target, code, other in ((shelf, job.codes[0], site.id), (site, free.tag, shelf.id)):
        path = f"/m/put-away/{target.id}"
        fields = hidden_of(read_page(clerk.get(path).text), path) | {"code": code}
        answer = clerk.post(path, fields)
        assert answer.status_code == 409
        assert "Choose another place" in said_in(answer.text)
        basket = clerk.post(path, hidden_of(read_page(clerk.get(path).text), path) | {"unit": str(free.id)})
        assert basket.status_code == (409 if target is site else 303)
        assert other != target.id


def test_unknown_and_revoked_codes_are_said(story: Story) -> None:
    clerk = story.a(Role.WAREHOUSE)
    with story.begin() as uow:
        (unit,) = receive(uow, make_model(uow))
        old = code_of(uow, unit.id)
        replace_unit_code(uow, unit.id, reason="torn")
    assert clerk.get("/m/scan?code=nothing").status_code == 404
    assert clerk.get(f"/m/scan?code={old}").status_code == 409
    assert clerk.get(f"/m/scan?code={'x' * 300}").status_code == 422
    assert clerk.get("/m/scan?unit=none&unit=").status_code == 200


def test_technicians_scan_opens_their_job_or_the_card_of_the_unit(job: Job) -> None:
    with job.story.begin() as uow:
        (free,) = stock(uow, make_model(uow, "GR-10", category="GR"))
        shelf = add_stock_location(uow, code="B-01", name="Shelf", kind=LocationKind.BIN)
    own = job.browser.get(f"/m/scan?code={job.codes[0]}")
    assert own.headers["Location"] == job.path
    other = job.browser.get(f"/m/scan?code={free.tag}")
    assert other.headers["Location"] == f"/m/unit/{free.id}"
    assert job.browser.get(f"/m/scan?code={shelf.code}").status_code == 409
    assert job.browser.get(f"/m/put-away/{shelf.id}").status_code == 403


def test_card_of_a_unit_tells_a_technician_nothing_about_other_customers(job: Job) -> None:
    job.press("arrive")
    for code in job.codes:
        job.press("scan", code=code)
    job.press("complete")
    stranger = job.story.signed_in(job.story.person(Role.TECHNICIAN, email="other@example.jp"))
    card = stranger.get(f"/m/unit/{job.unit_ids[0]}").text
    assert "At a customer" in card
    assert "喫茶みどり" not in card
    clerk = job.story.a(Role.WAREHOUSE)
    assert "喫茶みどり" in clerk.get(f"/m/unit/{job.unit_ids[0]}").text


def test_delivery_is_looked_at_then_received_and_labelled(story: Story) -> None:
    clerk = story.a(Role.WAREHOUSE)
    with story.begin() as uow:
        model = make_model(uow)
        (known,) = receive(uow, model)
        area = place(uow, LocationKind.RECEIVING)
    fields = hidden_of(read_page(clerk.get("/m/receive").text), "/m/receive") | {
        "equipment_model_id": str(model.id),
        "location_id": str(area.id),
        "supplier_name": "Kissa Works",
        "serials": f"KW-1\nKW-1\n{known.serial_number}",
    }
    looked_at = clerk.post("/m/receive", fields | {"preview": "y"})
    assert looked_at.status_code == 200
    assert len(read_page(looked_at.text).with_class("preview-refused")) == 2
    refused = clerk.post("/m/receive", fields)
    assert refused.status_code == 409
    assert known.tag in refused.text
    done = clerk.post("/m/receive", fields | {"serials": "KW-1\nKW-2"})
    assert done.status_code == 303
    page = clerk.get(done.headers["Location"]).text
    assert "KW-2" in page
    assert "/labels?delivery=" in page
    assert story.count(Unit) == 3


def test_phone_navigation_leads_to_what_the_person_may_do(story: Story) -> None:
    technician, clerk = story.a(Role.TECHNICIAN), story.a(Role.WAREHOUSE)
    assert clerk.get("/m/").headers["Location"] == "/m/scan"
    shown = {}
    for name, browser, path in (("technician", technician, "/m/"), ("clerk", clerk, "/m/scan")):
        (bar,) = read_page(browser.get(path).text).with_class("tabbar")
        shown[name] = [link.text for link in bar.all("a")]
    assert shown == {
        "technician": ["Today", "Scan", "Notices"],
        "clerk": ["Scan", "Receive", "Office", "Notices"],
    }
