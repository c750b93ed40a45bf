"""What a dispatcher does on the pages of plans and technicians, and what the pages answer."""

from datetime import date
from uuid import UUID

import pytest

from rental.core.errors import DomainError
from rental.core.idempotency import new_key
from rental.core.money import Money
from rental.customers.rules import Position
from rental.dispatch import planning, rules, technicians
from rental.dispatch.models import PlanProgress, RoutePlan, Technician
from rental.dispatch.planning import request_plan
from rental.dispatch.queries import plan_with_all
from rental.dispatch.rules import CureKind, LeftOutReason, PlanState
from rental.dispatch.technicians import give_day_off, set_shifts
from rental.fieldwork.rules import VisitState
from rental.fieldwork.visits import arrive, cancel_work_order, depart
from rental.identity.models import Account
from rental.identity.permissions import Role
from rental.web.dispatch_board.crews import letter_of
from rental.web.dispatch_board.schematic import Paper
from rental.web.dispatch_board.timeline import progress_line
from rental.web.refusals import refusal
from rental.web.wording import dispatch as words
from tests.factories.dispatching import (
    make_draft_plan,
    make_order_at,
    make_orders,
    make_skill,
    make_technician,
    make_unplaced_order,
)
from tests.support.story import Story
from tests.web.company import Seat, Statements
from tests.web.html import Element, faults_of, read_page

FRIDAY = date(2026, 4, 3)


@pytest.fixture
def dispatcher(story: Story) -> Seat:
    return Seat(story.a(Role.DISPATCHER).client)


@pytest.fixture
def crew(story: Story) -> list[Account]:
    """Two technicians, of whom the first knows about coffee."""
    people = [
        story.person(Role.TECHNICIAN, name=name, email=f"{name[:3].lower()}@example.jp")
        for name in ("Ren Aoba", "Sho Ibuki")
    ]
    with story.begin() as uow:
        make_technician(uow, people[0].id, skills={"COFFEE": 1})
        make_technician(uow, people[1].id)
    return people


def draft_of(story: Story, orders: int = 4) -> RoutePlan:
    """A draft for Friday, with everything."""
    with story.begin() as uow:
        make_orders(uow, orders)
        plan_id = make_draft_plan(uow, FRIDAY).id
    return stored(story, plan_id)


def stored(story: Story, plan_id: UUID) -> RoutePlan:
    with story.reading() as session:
        plan = plan_with_all(session, plan_id)
        assert plan is not None
        return plan


def kpis(page: Element) -> dict[str, str]:
    return {kpi.all("dt")[0].text: kpi.all("dd")[0].text for kpi in page.with_class("kpi")}


def hidden(page: Element, name: str) -> str:
    return next(e.attributes["value"] for e in page.all("input") if e.attributes.get("name") == name)


@pytest.mark.slow
def test_a_day_is_planned_watched_looked_at_and_sent_out(
    story: Story, dispatcher: Seat, crew: list[Account]
) -> None:
    with story.begin() as uow:
        make_orders(uow, 4)
    page = dispatcher.page("/plans?day=2026-04-03")
    assert "4 work orders are ready and wanted by Fri 3 Apr 2026." in page.text
    form = {
        "plan-planned_on": "2026-04-03",
        "plan-seconds": "5",
        "plan-request_key": hidden(page, "plan-request_key"),
    }
    answer = dispatcher.post("/plans", form)
    url = answer.headers["Location"]
    assert dispatcher.post("/plans", form).headers["Location"] == url
    assert answer.status_code == 303
    assert "Waiting for a worker" in dispatcher.page(url).text
    assert dispatcher.get(f"{url}/progress").status_code == 303
    assert dispatcher.get(f"{url}/progress", headers={"HX-Request": "true"}).status_code == 200

    story.everything_happens()

    done = dispatcher.get(f"{url}/progress", headers={"HX-Request": "true"})
    assert (done.status_code, done.headers["HX-Refresh"]) == (204, "true")
    page = dispatcher.page(url)
    assert faults_of(page) == []
    assert kpis(page)["Visits"] == "4"
    assert kpis(page)["Left out"].startswith("0")
    assert len(page.with_class("board-job")) == 4
    assert {e.text for e in page.with_class("map-text")} <= {f"{a}{n}" for a in "AB" for n in range(1, 5)}
    assert dispatcher.post(f"{url}/publish").status_code == 303
    assert "Sent out" in dispatcher.page(url).text

    story.on("2026-04-03")
    plan = stored(story, UUID(url.rpartition("/")[2]))
    seen = 0
    for technician in crew:
        day = read_page(story.signed_in(technician).get("/m/").text)
        stops = [stop for stop in plan.stops if stop.technician_id == technician.id]
        seen += len(stops)
        shown = [stop.with_class("stop-time")[0].text for stop in day.with_class("stop")]
        assert shown == [f"{stop.starts // 60}:{stop.starts % 60:02}" for stop in stops]
    assert seen == 4


def test_the_page_of_a_plan_asks_the_database_no_more_for_more_stops(
    story: Story, dispatcher: Seat, crew: list[Account]
) -> None:
    counts = []
    for orders in (2, 6):
        plan = draft_of(story, orders)
        with Statements() as asked:
            dispatcher.page(f"/plans/{plan.id}")
        counts.append(len(asked.texts))
    assert counts[0] == counts[1]


def test_how_the_search_goes_is_shown_while_it_goes(
    story: Story, dispatcher: Seat, crew: list[Account]
) -> None:
    with story.begin() as uow:
        plan = request_plan(uow, FRIDAY, seconds=15)
        plan.state, plan.started_at = PlanState.RUNNING, uow.now
        uow.session.add_all(
            PlanProgress(route_plan_id=plan.id, milliseconds=ms, cost=Money(yen))
            for ms, yen in ((100, 50_000), (2_500, 42_000))
        )
    story.later(seconds=4)
    page = dispatcher.page(f"/plans/{plan.id}")
    (box,) = page.with_class("plan-progress")
    assert "4 of 15 seconds" in box.text
    assert "best so far ¥42,000" in box.text
    assert "(the first had ¥50,000)" in box.text
    assert box.all("polyline")[0].attributes["points"] == "4.0,8.0 100.0,8.0 100.0,72.0"


def test_what_is_left_out_says_why_and_what_would_help(
    story: Story, dispatcher: Seat, crew: list[Account]
) -> None:
    with story.begin() as uow:
        make_order_at(uow, 35.70, 139.75, skill="PLUMBING")
        make_unplaced_order(uow)
    text = dispatcher.page(f"/plans/{draft_of(story, 1).id}").text
    assert "Nobody at work has the skills" in text
    assert "Enter the skill for a technician who has it, or plan another day." in text
    assert "The site is not on the map yet" in text


def test_without_anybody_at_work_the_page_says_what_to_do_and_who_is_away(
    story: Story, dispatcher: Seat, crew: list[Account]
) -> None:
    story.person(Role.TECHNICIAN, name="Hina Umi", email="umi@example.jp")
    with story.begin() as uow:
        set_shifts(uow, crew[0].id, {})
        give_day_off(uow, crew[1].id, FRIDAY, reason="wedding")
        plan_id = request_plan(uow, FRIDAY, seconds=5).id
    story.everything_happens()
    page = dispatcher.page(f"/plans/{plan_id}")
    assert "Nobody is at work on this day" in page.text
    assert "/technicians" in {link.attributes["href"] for link in page.all("a")}
    assert "Ren Aoba ‖ No shift on this weekday" in page.text
    assert "Sho Ibuki ‖ Day off" in page.text
    assert "1 technician ‖ Not set up for planning" in page.text


def test_a_public_holiday_is_planned_only_with_its_box_ticked(
    story: Story, dispatcher: Seat, crew: list[Account]
) -> None:
    form = {"plan-planned_on": "2026-04-29", "plan-seconds": "5", "plan-request_key": new_key()}
    refused = dispatcher.post("/plans", form)
    assert refused.status_code == 422
    page = read_page(refused.text)
    assert "Wed 29 Apr 2026 is a public holiday: everybody is off. Tick the box" in page.text
    assert any(e.attributes.get("name") == "plan-on_holiday" for e in page.all("input"))
    assert story.count(RoutePlan) == 0

    again = {**form, "plan-on_holiday": "y", "plan-request_key": hidden(page, "plan-request_key")}
    url = dispatcher.post("/plans", again).headers["Location"]
    story.everything_happens()
    assert "Public holiday" in dispatcher.page(url).text


def test_a_search_that_nobody_finishes_says_so(story: Story, dispatcher: Seat, crew: list[Account]) -> None:
    with story.begin() as uow:
        plan_id = request_plan(uow, FRIDAY, seconds=5).id
    assert "Nobody has finished" not in dispatcher.page(f"/plans/{plan_id}").text
    story.later(minutes=11)
    assert "Nobody has finished this search in time." in dispatcher.page(f"/plans/{plan_id}").text


def test_one_technician_can_be_looked_at(story: Story, dispatcher: Seat, crew: list[Account]) -> None:
    plan = draft_of(story, 6)
    everybody = dispatcher.page(f"/plans/{plan.id}")
    assert everybody.with_class("is-faint") == []
    assert "Show everybody" not in everybody.text
    only_b = dispatcher.page(f"/plans/{plan.id}?route=B")
    assert only_b.with_class("is-faint")
    assert {e.text for e in only_b.with_class("map-text")} == {
        e.text for e in everybody.with_class("map-text")
    }
    assert "Show everybody" in only_b.text
    assert dispatcher.page(f"/plans/{plan.id}?route=Z").with_class("is-faint") == []


def test_a_plan_that_was_sent_out_shows_how_far_each_visit_is(
    story: Story, dispatcher: Seat, crew: list[Account]
) -> None:
    plan = draft_of(story, 4)
    assert dispatcher.post(f"/plans/{plan.id}/publish").status_code == 303
    stops = stored(story, plan.id).stops
    with story.begin() as uow:
        assert stops[0].visit_id
        arrive(uow, stops[0].visit_id, at=uow.now)
        cancel_work_order(uow, stops[1].orders[0].work_order_id, reason="closed for ever")
    page = dispatcher.page(f"/plans/{plan.id}")
    assert faults_of(page) == []
    assert [e.text for e in page.with_class("route-state")] == [
        "◆ On site",
        "✕ Called off",
        *["➤ Sent out"] * 2,
    ]
    assert len(page.with_class("board-site")) == 1
    assert len(page.with_class("board-stop")) == 1


def test_a_visit_that_was_sent_out_is_called_off_from_the_plan(
    story: Story, dispatcher: Seat, crew: list[Account]
) -> None:
    plan = draft_of(story, 2)
    dispatcher.post(f"/plans/{plan.id}/publish")
    first, second = stored(story, plan.id).stops
    url = f"/plans/{plan.id}/stops/{first.id}/call-off"
    assert url in {form.attributes.get("action") for form in dispatcher.page(f"/plans/{plan.id}").all("form")}
    assert dispatcher.post(url).status_code == 303
    page = dispatcher.page(f"/plans/{plan.id}")
    assert "Plan the day again to send somebody else." in page.text
    assert [e.text for e in page.with_class("route-state")].count("✕ Called off") == 1
    again = dispatcher.post(url)
    assert again.status_code == 409
    with story.begin() as uow:
        assert second.visit_id
        depart(uow, second.visit_id, at=uow.now)
    assert dispatcher.post(f"/plans/{plan.id}/stops/{second.id}/call-off").status_code == 409
    assert dispatcher.post(f"/plans/{plan.id}/stops/{make_id()}/call-off").status_code == 404


def make_id() -> UUID:
    return UUID(int=7)


def test_a_day_off_can_call_the_visits_of_the_day_off(
    story: Story, dispatcher: Seat, crew: list[Account]
) -> None:
    plan = draft_of(story, 2)
    dispatcher.post(f"/plans/{plan.id}/publish")
    ill = stored(story, plan.id).stops[0].technician_id
    off = {"off-off_on": "2026-04-03", "off-reason": "flu", "off-call_off": "y"}
    assert dispatcher.post(f"/technicians/{ill}/days-off", off).status_code == 303
    states = {
        stop.visit.state for stop in stored(story, plan.id).stops if stop.visit and stop.technician_id == ill
    }
    assert states == {VisitState.CANCELLED}


def test_a_plan_whose_orders_changed_is_not_sent_out_and_names_them(
    story: Story, dispatcher: Seat, crew: list[Account]
) -> None:
    plan = draft_of(story, 2)
    order = plan.stops[0].orders[0].work_order
    with story.begin() as uow:
        cancel_work_order(uow, order.id, reason="closed for ever")
    answer = dispatcher.post(f"/plans/{plan.id}/publish")
    assert answer.status_code == 409
    assert f"changed after the plan was made: {order.number}. Nobody was told." in read_page(answer.text).text
    assert stored(story, plan.id).state is PlanState.DRAFT


def test_a_visit_is_moved_to_a_place_of_the_list(story: Story, dispatcher: Seat, crew: list[Account]) -> None:
    plan = draft_of(story, 3)
    stop = plan.stops[0]
    url = f"/plans/{plan.id}/stops/{stop.id}"
    page = dispatcher.page(url)
    options = {o.attributes["value"]: o.text for o in page.all("option")}
    here = f"{stop.technician_id}:{stop.position}"
    assert options[here].endswith("(as it is)")
    assert all(text.endswith((" more", " less", "(as it is)")) for text in options.values())
    other = next(value for value in options if not value.startswith(str(stop.technician_id)))

    form = {"place": other, "version": hidden(page, "version")}
    assert dispatcher.post(url, form).headers["Location"].endswith(f"/plans/{plan.id}")

    moved = stored(story, plan.id)
    numbers = {
        s.technician_id: [o.work_order.number for o in s.orders] for s in moved.stops if s.position == 1
    }
    assert stop.orders[0].work_order.number in numbers[UUID(other.partition(":")[0])]
    assert dispatcher.post(url, form).status_code == 404  # the stops of a plan are written anew
    again = f"/plans/{plan.id}/stops/{moved.stops[0].id}"
    stale = dispatcher.post(again, form)
    assert stale.status_code == 409


def test_a_draft_of_a_day_that_changed_cannot_be_moved(
    story: Story, dispatcher: Seat, crew: list[Account]
) -> None:
    plan = draft_of(story, 2)
    url = f"/plans/{plan.id}/stops/{plan.stops[0].id}"
    with story.begin() as uow:
        make_orders(uow, 1)
    assert "Plan the day again." in dispatcher.page(url).text
    assert dispatcher.post(url, {"place": "x", "version": "1"}).status_code == 409


def test_a_technician_is_set_up_with_skills_shifts_and_days_off(story: Story, dispatcher: Seat) -> None:
    account = story.person(Role.TECHNICIAN, name="Hina Umi")
    assert "Not set up for planning" in dispatcher.page("/technicians").text
    page = dispatcher.page("/technicians")
    base = {
        "code": "ｂ1",
        "name": "Adachi",
        "position": "35.776, 139.801",
        "request_key": hidden(page, "request_key"),
    }
    assert dispatcher.post("/technicians/bases", base).status_code == 303
    with story.begin() as uow:
        skill_id = make_skill(uow, "POS").id
    url = f"/technicians/{account.id}"
    page = dispatcher.page(url)
    assert "choose the base and save" in page.text
    (option,) = [o for o in page.all("option") if o.text == "B1 Adachi"]
    facts = {
        "facts-base_id": option.attributes["value"],
        "facts-hourly_cost": "２，８００円",
        "facts-max_overtime": "30",
        "facts-is_active": "y",
        "facts-version": "0",
    }
    assert dispatcher.post(url, facts).status_code == 303
    assert dispatcher.post(url, facts).status_code == 409
    assert dispatcher.post(f"{url}/skills", {f"skills-skill_{skill_id.hex}": "3"}).status_code == 303
    shifts = {
        "shifts-monday": "８時半〜17:30",
        "shifts-break_minutes": "60",
        "shifts-break_from": "11:30",
        "shifts-break_until": "13:30",
    }
    assert dispatcher.post(f"{url}/shifts", shifts).status_code == 303
    late = dispatcher.post(f"{url}/shifts", shifts | {"shifts-break_until": "17:00"})
    assert late.status_code == 422
    assert "The break must begin inside every shift" in read_page(late.text).text
    off = {"off-off_on": "2026-04-06", "off-reason": "wedding"}
    assert dispatcher.post(f"{url}/days-off", off).status_code == 303
    assert dispatcher.post(f"{url}/days-off", off).status_code == 409

    with story.reading() as session:
        technician = session.get_one(Technician, account.id)
        assert (technician.hourly_cost, technician.max_overtime) == (Money(2800), 30)
        assert [(row.skill.code, row.level) for row in technician.skill_rows] == [("POS", 3)]
        assert [(row.weekday, row.starts, row.ends) for row in technician.shifts] == [(0, 510, 1050)]
        assert technician.is_off(date(2026, 4, 6))
    listed = dispatcher.page("/technicians").text
    assert "Pos 3" in listed
    assert "Mon 8:30–17:30" in listed
    assert dispatcher.post(f"{url}/days-off/2026-04-06/remove").status_code == 303
    assert dispatcher.get(f"/technicians/{story.person(Role.SALES).id}").status_code == 404


def test_every_refusal_has_a_sentence() -> None:
    refusals: list[DomainError] = [
        rules.PublicHoliday(planned_on=date(2026, 4, 29)),
        rules.BadShift(),
        rules.BadBreak(),
        rules.BadLevel(),
        rules.BadCost(),
        rules.OrdersChanged(numbers=["W000001", "W000002"]),
        rules.DayChanged(),
        rules.CannotGo(names=["Ren Aoba"]),
        rules.DoesNotFit(),
        technicians.BaseCodeTaken(value="B1"),
        technicians.BaseIncomplete(),
        technicians.OffAlready(day="2026-04-06"),
        planning.BadPatience(),
    ]
    assert {error.code for error in refusals} == words.REFUSALS.keys()
    said = [refusal(error) for error in refusals]
    assert len(set(said)) == len(refusals)
    assert "W000001, W000002" in said[5]


def test_every_reason_says_what_to_do() -> None:
    assert words.CURES.keys() == set(LeftOutReason)
    assert words.CURE_SENTENCES.keys() == set(CureKind)
    for kind in CureKind:
        params = {"yen": "¥1", "name": "Ren", "time": "9:00", "minutes": 5}
        assert "Ren" in words.CURE_SENTENCES[kind](params)


def test_letters_go_on_after_z() -> None:
    assert [letter_of(number) for number in (0, 25, 26, 52)] == ["A", "Z", "A2", "A3"]


def test_the_map_keeps_north_on_top_and_its_scale() -> None:
    south, north = Position(35.0, 139.0), Position(36.0, 140.0)
    paper = Paper([south, north])
    (left, bottom), (right, top) = paper.at(south), paper.at(north)
    assert left < right
    assert top < bottom
    assert paper.round_kilometres == 50
    assert paper.width_of(100) == pytest.approx((bottom - top) * 100 / 111.2, abs=0.2)
    alone = Paper([south])
    assert alone.round_kilometres == 1


def test_a_search_without_news_draws_nothing() -> None:
    assert progress_line([], 5) == ""


def test_ways_that_are_only_estimated_are_marked(story: Story, dispatcher: Seat, crew: list[Account]) -> None:
    plan = draft_of(story)
    page = dispatcher.get(f"/plans/{plan.id}").text
    assert "(estimated)" not in page
    assert "Estimated ways" not in page
    with story.begin() as uow:
        row = uow.session.get_one(RoutePlan, plan.id)
        row.travel_source = "osrm 2026-03"
        row.stops[0].travel_is_estimated = True
    page = dispatcher.get(f"/plans/{plan.id}").text
    assert page.count("(estimated)") == 1
    ways = len(plan.stops) + len({stop.technician_id for stop in plan.stops})
    assert f"1 of {ways}, where the road service had no answer" in page
    assert "Roads, by OSRM" in page
