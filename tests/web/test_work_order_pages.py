"""What a dispatcher does on the pages of work orders, and what the pages answer."""

from collections.abc import Iterator
from enum import StrEnum
from uuid import UUID

import pytest
from sqlalchemy import select

from rental.core.errors import DomainError
from rental.core.ids import new_id
from rental.fieldwork import reporting, rules
from rental.fieldwork.device_sync import Command, apply_command
from rental.fieldwork.models import FieldCommand, Visit, WorkOrder, WorkOrderPhoto
from rental.fieldwork.rules import CommandType, VisitState, WorkOrderState
from rental.fieldwork.work_orders import open_installation_orders, open_work_order
from rental.identity.accounts import disable_account
from rental.identity.models import Account
from rental.identity.permissions import Role
from rental.notifications.models import Notice, NoticeKind
from rental.web.refusals import kept_refusal
from rental.web.wording import fieldwork as words
from tests.factories.rented import make_active_contract, make_order, send_out, stock
from tests.support.story import Story
from tests.web import promises
from tests.web.company import Seat, Statements, encoded
from tests.web.html import Element

PNG = b"\x89PNG\r\n\x1a\n" + b"a counter with a machine"


@pytest.fixture
def dispatcher(story: Story) -> Seat:
    return Seat(story.a(Role.DISPATCHER).client)


@pytest.fixture
def technician(story: Story) -> Account:
    return story.person(Role.TECHNICIAN, name="Ren Aoba")


class Phone:
    """A technician's phone."""

    def __init__(self, story: Story, account: Account) -> None:
        self.story, self.account, self.seq = story, account, 0

    def tells(self, what: str, order_id: UUID, **payload: object) -> str:
        self.seq += 1
        with self.story.begin(self.account.name) as uow:
            command = Command(
                id=new_id(),
                device="phone",
                seq=self.seq,
                type=what,
                work_order_id=order_id,
                payload=payload,
                base=None,
                at=uow.now,
            )
            return apply_command(uow, self.account.id, command).status


def rows_of(page: Element) -> list[list[str]]:
    """What the list shows, cell by cell."""
    return [[cell.text for cell in row.all("td")] for body in page.all("tbody") for row in body.all("tr")]


def plan(order_ids: list[UUID], technician: Account, **changes: str) -> dict[str, str]:
    """The form of a visit, filled in."""
    form = {
        "orders": " ".join(str(order_id) for order_id in order_ids),
        "technician_id": str(technician.id),
        "planned_on": "2026-04-03",
        "starts_at": "９：３０",
        "request_key": new_id().hex[::-1],
    }
    return form | changes


def state_of(story: Story, order_id: UUID) -> WorkOrderState:
    with story.reading() as session:
        return session.get_one(WorkOrder, order_id).state


# Planning


def test_ticked_orders_of_one_site_become_one_visit(
    story: Story, dispatcher: Seat, technician: Account
) -> None:
    with story.begin() as uow:
        contract = make_active_contract(uow, machines=2)
        orders = [
            open_work_order(uow, contract, [slot], wanted_on=uow.today).id for slot in contract.lines[0].slots
        ]
    boxes = dispatcher.page("/work-orders").all("input")
    ticks = [box for box in boxes if box.attributes.get("name") == "order"]
    assert {box.attributes["value"] for box in ticks} == {str(order_id) for order_id in orders}
    assert {box.attributes["form"] for box in ticks} == {"plan-together"}
    query = encoded([("order", str(order_id)) for order_id in orders])
    page = dispatcher.get(f"/work-orders/plan?{query}").text
    assert f'value="{orders[0]} {orders[1]}"' in page

    form = plan(orders, technician)
    answers = [dispatcher.post("/work-orders/plan", form) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert story.count(Visit) == 1
    with story.reading() as session:
        visit = session.scalars(select(Visit)).one()
        assert (visit.state, visit.planned_on.isoformat(), visit.starts_at) == (
            VisitState.PLANNED,
            "2026-04-03",
            570,
        )
    assert {state_of(story, order_id) for order_id in orders} == {WorkOrderState.PLANNED}
    cells = {row[-1] for row in rows_of(dispatcher.page("/work-orders"))}
    assert cells == {"Fri 3 Apr 2026 9:30 · Ren Aoba"}


def test_a_visit_can_be_sent_out_with_its_planning(
    story: Story, dispatcher: Seat, technician: Account
) -> None:
    with story.begin() as uow:
        order = make_order(uow)
    answer = dispatcher.post("/work-orders/plan", plan([order.id], technician, publish="y", starts_at=""))
    assert answer.headers["Location"] == f"/work-orders/{order.id}"
    page = dispatcher.get(answer.headers["Location"]).text
    assert "The visit is sent out. The technician sees it on the phone." in page
    assert "Fri 3 Apr 2026" in page
    assert state_of(story, order.id) is WorkOrderState.DISPATCHED
    story.everything_happens()
    with story.reading() as session:
        kinds = session.scalars(select(Notice.kind).where(Notice.account_id == technician.id)).all()
    assert NoticeKind.VISIT_PUBLISHED in kinds


def test_what_cannot_be_planned_is_said_at_its_field_and_nothing_happens(
    story: Story, dispatcher: Seat, technician: Account
) -> None:
    gone = story.person(Role.TECHNICIAN, email="gone@example.jp", name="Somebody gone")
    with story.begin() as uow:
        order, elsewhere = make_order(uow).id, make_order(uow).id
    refusals = [
        (plan([order, elsewhere], technician), 409, "One visit goes to one site."),
        (plan([order], technician, planned_on="2026-03-31"), 422, "Day: This day is over."),
        (plan([order], technician, starts_at="25:00"), 422, "Agreed time: Write a time such as 9:30."),
        (plan([], technician), 422, "Work orders: Please fill this in."),
        (plan([], technician, orders="nonsense"), 422, "Work orders: Choose from the list again"),
        (plan([new_id()], technician), 404, ""),
        (plan([order], technician, technician_id=str(new_id())), 422, "Technician: Choose one of the list."),
    ]
    for form, status, sentence in refusals:
        answer = dispatcher.post("/work-orders/plan", form)
        assert (answer.status_code, sentence in answer.text) == (status, True), (form, sentence)
    with story.begin() as uow:
        disable_account(uow, gone.id)
    assert "Somebody gone" not in dispatcher.get(f"/work-orders/{order}").text
    assert story.count(Visit) == 0


def test_a_planned_visit_is_sent_out_or_called_off(
    story: Story, dispatcher: Seat, technician: Account
) -> None:
    with story.begin() as uow:
        order = make_order(uow)
    path = f"/work-orders/{order.id}"
    for action in ("publish", "call-off"):
        assert dispatcher.post(f"{path}/{action}").status_code == 409  # there is no visit yet
    dispatcher.post("/work-orders/plan", plan([order.id], technician))
    assert "nobody was told yet" in dispatcher.get(path).text
    assert dispatcher.post(f"{path}/publish").status_code == 303
    assert state_of(story, order.id) is WorkOrderState.DISPATCHED
    assert dispatcher.post(f"{path}/call-off").status_code == 303
    assert state_of(story, order.id) is WorkOrderState.READY
    page = dispatcher.page(path)
    actions = {form.attributes.get("action") for form in page.all("form")}
    assert {"/work-orders/plan", f"{path}/cancel"} <= actions
    assert not {f"{path}/publish", f"{path}/call-off"} & actions


def test_an_order_is_ready_once_its_site_is_on_the_map(
    story: Story, dispatcher: Seat, technician: Account
) -> None:
    with story.begin() as uow:
        order_id = promises.order_that_is(uow, WorkOrderState.DRAFT, technician.id)
    path = f"/work-orders/{order_id}"
    assert "Next: make the work order ready." in dispatcher.get(path).text
    assert dispatcher.post(f"{path}/ready").status_code == 303
    assert state_of(story, order_id) is WorkOrderState.READY
    assert dispatcher.post(f"{path}/ready").status_code == 409


def test_a_cancelled_order_says_why(story: Story, dispatcher: Seat) -> None:
    with story.begin() as uow:
        order = make_order(uow)
    path = f"/work-orders/{order.id}"
    answer = dispatcher.post(f"{path}/cancel", {"cancel-reason": " "})
    assert answer.status_code == 422
    assert "Reason: Please fill this in." in answer.text
    assert dispatcher.post(f"{path}/cancel", {"cancel-reason": "<b>closed</b>"}).status_code == 303
    page = dispatcher.get(path).text
    assert "&lt;b&gt;closed&lt;/b&gt;" in page
    assert f"{path}/cancel" not in page
    assert dispatcher.post(f"{path}/cancel", {"cancel-reason": "again"}).status_code == 409
    assert [row[0] for row in rows_of(dispatcher.page("/work-orders"))] == []
    assert [row[0] for row in rows_of(dispatcher.page("/work-orders?state=cancelled"))] == [order.number]
    assert [row[0] for row in rows_of(dispatcher.page("/work-orders?state=all"))] == [order.number]


def test_who_only_reads_sees_no_form(story: Story) -> None:
    with story.begin() as uow:
        order = make_order(uow)
    seat = Seat(story.a(Role.SALES).client)
    for path in (f"/work-orders/{order.id}", "/work-orders"):
        main = seat.page(path).all("main")[0]
        assert [form for form in main.all("form") if form.attributes.get("method") == "post"] == []
        assert [box for box in main.all("input") if box.attributes.get("name") == "order"] == []


# What came back


def test_what_was_told_from_the_site_stands_with_its_answer_and_conflicts_wait_for_a_decision(
    story: Story, dispatcher: Seat, technician: Account
) -> None:
    with story.begin() as uow:
        order = make_order(uow)
        send_out(uow, order, technician.id)
        tag = stock(uow, order.items[0].equipment_model)[0].tag
        photo = reporting.keep_photo_bytes(uow, PNG)
    phone = Phone(story, technician)
    assert phone.tells(CommandType.ARRIVE, order.id) == "applied"
    assert phone.tells(CommandType.SCAN, order.id, code="NO-SUCH-ONE") == "rejected"
    assert phone.tells(CommandType.SCAN, order.id, code=tag) == "applied"
    assert phone.tells(CommandType.NOTE, order.id, text="door <behind>\nthe house") == "applied"
    assert phone.tells(CommandType.PHOTO, order.id, sha256=photo.sha256, kind="damage") == "applied"
    assert phone.tells("hologram.show", order.id) == "rejected"
    dispatcher.post(f"/work-orders/{order.id}/cancel", {"cancel-reason": "closed"})
    assert phone.tells(CommandType.COMPLETE, order.id) == "conflict"

    page = dispatcher.page(f"/work-orders/{order.id}")
    for words_on_page in (
        "No unit of ours has the number NO-SUCH-ONE.",
        f"Scanned: {tag}",
        "door <behind>",
        "Damage",
        "hologram.show",
        "This server does not know what was sent.",
        "The work order was called off, finished or given to somebody else meanwhile. The office decides.",
    ):
        assert words_on_page in page.text, words_on_page
    assert "1 report from the field waits for a decision" in dispatcher.get("/work-orders").text
    conflicts = dispatcher.page("/conflicts").all("main")[0]
    (conflict,) = [row for rows in conflicts.with_class("rows") for row in rows.all("li")]
    assert [link.text for link in conflict.all("a")] == [order.number, "Decide"]
    assert "Finished the work order" in conflict.text


def test_a_conflict_is_decided_once_and_stays_with_its_work_order(
    story: Story, dispatcher: Seat, technician: Account
) -> None:
    with story.begin() as uow:
        command_id = promises.told_too_late(uow, technician.id)
        order_id = uow.session.get_one(FieldCommand, command_id).work_order_id
    path = f"/conflicts/{command_id}"
    assert "Scanned: <script>" in dispatcher.page(path).text
    refused = dispatcher.post(path, {"outcome": "", "note": "n"})
    assert (refused.status_code, "Decision: Please fill this in." in refused.text) == (422, True)
    decision = {"outcome": "corrected", "note": "booked <by> hand"}
    assert dispatcher.post(path, decision).headers["Location"] == "/conflicts"

    assert "No conflict" in dispatcher.get("/conflicts").text
    assert "waits for a decision" not in dispatcher.get("/work-orders").text
    for where in (path, f"/work-orders/{order_id}"):
        page = dispatcher.page(where)
        assert "booked <by> hand" in page.text
        assert "Put right by hand" in page.text
        assert "decided by Dispatcher Example" in page.text
        assert "outcome" not in {choice.attributes["name"] for choice in page.all("select")}
    again = dispatcher.post(path, decision)
    assert again.status_code == 409
    assert "Dispatcher Example has decided this meanwhile." in again.text


def test_only_a_conflict_has_a_page_to_decide_it(story: Story, dispatcher: Seat, technician: Account) -> None:
    with story.begin() as uow:
        order = make_order(uow)
        send_out(uow, order, technician.id)
        conflict_id = promises.told_too_late(uow, technician.id)
    phone = Phone(story, technician)
    phone.tells(CommandType.ARRIVE, order.id)
    with story.reading() as session:
        applied = session.scalars(select(FieldCommand).where(FieldCommand.device == "phone")).one()
    for strange in (applied.id, new_id()):
        assert dispatcher.get(f"/conflicts/{strange}").status_code == 404
        assert dispatcher.post(f"/conflicts/{strange}", {"outcome": "noted"}).status_code == 404
    reader = Seat(story.a(Role.SALES).client)
    main = reader.page(f"/conflicts/{conflict_id}").all("main")[0]
    assert main.all("form") == []
    assert "Decide" not in reader.page("/conflicts").all("main")[0].text


def test_a_photo_is_handed_out_as_a_picture_of_its_own_order_only(
    story: Story, dispatcher: Seat, technician: Account
) -> None:
    with story.begin() as uow:
        order, other = make_order(uow), make_order(uow)
        photo_id = promises.photographed(uow, order, at=uow.now, content=PNG)
    path = f"/work-orders/{order.id}/photos/{photo_id}"
    (picture,) = dispatcher.page(f"/work-orders/{order.id}").all("img")
    assert picture.attributes["src"] == path
    assert picture.attributes["alt"] == "After the work: photo by story"
    answer = dispatcher.get(path)
    assert (answer.status_code, answer.data, answer.content_type) == (200, PNG, "image/png")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"] == "inline; filename=photo.png"
    assert dispatcher.get(f"/work-orders/{other.id}/photos/{photo_id}").status_code == 404
    assert Seat(story.signed_in(technician).client).get(path).status_code == 403
    with story.begin() as uow:
        uow.session.get_one(WorkOrderPhoto, photo_id).file.media_type = "text/html"
    assert dispatcher.get(path).status_code == 404


def test_a_job_done_in_part_leads_to_the_job_that_follows(
    story: Story, dispatcher: Seat, technician: Account
) -> None:
    with story.begin() as uow:
        order = make_order(uow, machines=2)
        send_out(uow, order, technician.id)
    phone = Phone(story, technician)
    phone.tells(CommandType.ARRIVE, order.id)
    assert phone.tells(CommandType.BLOCK, order.id, reason="no_power", note="fuse") == "applied"
    page = dispatcher.page(f"/work-orders/{order.id}")
    assert "It could not be done: No power, water or network" in page.text
    with story.reading() as session:
        following = session.scalars(select(WorkOrder).where(WorkOrder.follows_id == order.id)).one()
    links = {link.attributes["href"]: link.text for link in page.all("a")}
    assert links[f"/work-orders/{following.id}"] == following.number
    back = {link.attributes["href"] for link in dispatcher.page(f"/work-orders/{following.id}").all("a")}
    assert f"/work-orders/{order.id}" in back


# Lists


def test_lists_and_pages_are_read_with_the_same_few_statements_however_much_there_is(
    story: Story, dispatcher: Seat, technician: Account
) -> None:
    phone, counted = Phone(story, technician), []
    for machines in (1, 6):
        with story.begin() as uow:
            order = make_order(uow, machines=machines)
            send_out(uow, order, technician.id)
            for number in range(machines):
                promises.photographed(uow, order, at=uow.now, content=PNG + str(number).encode())
        for number in range(machines):
            phone.tells(CommandType.NOTE, order.id, text=f"note {number}")
            phone.tells("hologram.show", order.id)
            with story.begin() as uow:
                promises.told_too_late(uow, technician.id)
        with Statements() as statements:
            dispatcher.page(f"/work-orders/{order.id}")
            dispatcher.page("/work-orders?state=all")
            dispatcher.page("/conflicts")
        counted.append(len(statements.texts))
    assert counted[0] == counted[1]


def test_orders_are_found_by_site_and_sorted_by_day(story: Story, dispatcher: Seat) -> None:
    with story.begin() as uow:
        first = make_order(uow).number
        contract = make_active_contract(uow)
        contract.wanted_on = uow.today.replace(day=30)
        (later,) = open_installation_orders(uow, contract.id)
        name = later.site.name
    assert [row[0].split()[0] for row in rows_of(dispatcher.page("/work-orders"))] == [first, later.number]
    page = dispatcher.page("/work-orders?sort=-wanted_on")
    assert [row[0].split()[0] for row in rows_of(page)] == [later.number, first]
    page = dispatcher.page(f"/work-orders?{encoded([('q', name)])}")
    assert [row[0].split()[0] for row in rows_of(page)] == [later.number]


# Words


def test_every_state_has_a_word_and_a_mark() -> None:
    kinds = [kind for kind in vars(rules).values() if isinstance(kind, type) and issubclass(kind, StrEnum)]
    kinds.remove(StrEnum)
    assert len(kinds) == 9
    for kind in kinds:
        assert set(words.STATES[kind]) == set(words.CHIPS[kind]) == set(kind), kind


def _all_below(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    for below in kind.__subclasses__():
        yield below
        yield from _all_below(below)


def test_every_refusal_has_a_sentence() -> None:
    codes = {kind.code for kind in _all_below(DomainError) if kind.__module__.startswith("rental.fieldwork.")}
    assert codes == set(words.REFUSALS)


def test_a_kept_refusal_is_read_from_texts(story: Story) -> None:
    kept = {
        "fieldwork.machines_missing": ({"count": "2"}, "2 machines were not scanned yet."),
        "fieldwork.not_fit": ({"tag": "T-1", "state": "retired"}, "T-1 is retired."),
        "fieldwork.wrong_model": ({"tag": "T-1", "model": "A", "wanted": ""}, "No machine is missing here"),
        "fieldwork.stands_elsewhere": ({"tag": "T-1"}, "By our books T-1 stands at a customer's."),
        "fieldwork.bad_payload": ({"name": "code"}, "This was sent without its code."),
    }
    with story.app.test_request_context(headers={"Accept-Language": "en"}):
        for code, (params, sentence) in kept.items():
            assert kept_refusal(code, params).startswith(sentence) or sentence in kept_refusal(code, params)
