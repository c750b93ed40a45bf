"""What people do on the pages of models, rate plans, skills and numbering rules."""

from uuid import UUID

import pytest

from rental.catalog.equipment_models import ModelFacts, add_equipment_model, add_skill, offer_equipment_model
from rental.catalog.models import EquipmentModel, RatePlan
from rental.core.images import LARGEST_IMAGE
from rental.identity.permissions import Role
from tests.factories.rented import make_model, make_plan, make_rule, stock
from tests.support.story import Story
from tests.web.company import Seat, Statements, rows_of
from tests.web.html import Element, read_page

RECOMMENDED = "{COMP}-{CAT}{YY}{MM}-{SEQ:5}-{CHK:iso7064_37_36}"
PHOTO = b"\x89PNG\r\n\x1a\n" + b"the picture of a model"
KEY = "1" * 32
MODEL = {
    "name": "Ice maker",
    "maker": "Kori",
    "category": "IM",
    "install_minutes": "９０",
    "repair_minutes": "60",
}
TERMS = {
    "valid_from": "2026-05-01",
    "monthly_fee": "10,800",
    "tax_class": "standard",
    "start_policy": "installation",
    "trial_days": "0",
    "stop_policy": "retrieval",
    "minimum_months": "12",
    "request_key": KEY,
}
RULE = {
    "equipment_model_id": "",
    "pattern": RECOMMENDED,
    "company_code": "SR",
    "branch_code": "",
    "reset_on": "CAT",
    "valid_from": "2026-11-20",
    "request_key": KEY,
    "step": "preview",
}


class Shop:
    """A company that offers one coffee machine, with one plan, one skill nobody needs yet and one rule."""

    def __init__(self, story: Story) -> None:
        self.story = story
        with story.begin() as uow:
            model = make_model(uow)
            self.skill_id = str(add_skill(uow, code="PLUMBING", name="Plumbing").id)
            self.plan_id: UUID = make_plan(uow, model).rate_plan_id
            make_rule(uow)
        self.model_id: UUID = model.id
        self.page = f"/equipment-models/{model.id}"

    def seat(self, role: Role) -> Seat:
        """A browser of somebody with this role."""
        return Seat(self.story.signed_in(self.story.person(role)).client)

    def rows(self) -> dict[str, list[str]]:
        """Every row of every table."""
        return rows_of(self.story.app)


@pytest.fixture
def shop(story: Story) -> Shop:
    return Shop(story)


def cells_of(page: Element) -> list[list[str]]:
    """The cells of the first table's rows, as text."""
    return [[cell.text for cell in row.all("td")] for row in page.all("tbody")[0].all("tr")]


# Models


def test_the_list_tells_what_is_free_and_what_it_costs(shop: Shop) -> None:
    with shop.story.begin() as uow:
        model = uow.session.get_one(EquipmentModel, shop.model_id)
        stock(uow, model, 3)
        make_plan(uow, model, code="LONG", fee=7800)
    page = shop.seat(Role.WAREHOUSE).page("/equipment-models")
    assert cells_of(page) == [
        ["CM-200", "Coffee machine CM-200", "Kissa Works", "✓ Offered", "60", "3 / 3", "¥7,800"]
    ]
    assert "Add a model" not in page.text


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["CM-200", "OLD-1"]),
        ("?q=cm", ["CM-200"]),
        ("?q=Ｏｌｄ", ["OLD-1"]),
        ("?state=withdrawn", ["OLD-1"]),
        ("?state=offered", ["CM-200"]),
        ("?sort=-code", ["OLD-1", "CM-200"]),
        ("?sort=-name&q=kissa", ["OLD-1", "CM-200"]),
    ],
)
def test_the_list_is_searched_filtered_and_sorted(shop: Shop, query: str, expected: list[str]) -> None:
    with shop.story.begin() as uow:
        offer_equipment_model(uow, make_model(uow, "OLD-1").id, offered=False)
    page = shop.seat(Role.SALES).page(f"/equipment-models{query}")
    assert [row[0] for row in cells_of(page)] == expected


def test_the_list_asks_as_often_for_many_models_as_for_one(shop: Shop) -> None:
    seat, counts = shop.seat(Role.SALES), []
    for number in range(3):
        with Statements() as asked:
            seat.page("/equipment-models")
        counts.append(len(asked.texts))
        with shop.story.begin() as uow:
            skill = add_skill(uow, code=f"S-{number}", name="S")
            for code in ("A", "B", "C", "D"):
                facts = ModelFacts(
                    name="M",
                    maker="K",
                    category="C",
                    install_minutes=1,
                    repair_minutes=1,
                    skill_ids=frozenset({skill.id}),
                )
                make_plan(uow, add_equipment_model(uow, code=f"{code}-{number}", facts=facts))
    assert counts[1] == counts[2]


def test_a_model_sent_twice_is_one_and_its_code_is_taken_once(shop: Shop) -> None:
    seat = shop.seat(Role.SALES)
    form = {**MODEL, "code": "ｉｍ-90", "request_key": KEY}
    first, second = (seat.post("/equipment-models/new", form) for _ in range(2))
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.headers["Location"] == second.headers["Location"]
    assert "IM-90" in seat.page(first.headers["Location"]).text
    answer = seat.post("/equipment-models/new", {**form, "code": "cm-200", "request_key": "2" * 32})
    assert answer.status_code == 409
    assert "Code: CM-200 is taken already." in read_page(answer.text).text
    answer = seat.post("/equipment-models/new", {**form, "code": "CM 200", "request_key": "3" * 32})
    assert answer.status_code == 422
    assert "Code: Write letters A-Z, digits and single hyphens" in read_page(answer.text).text


@pytest.mark.parametrize("typed", ["1441", "an hour", "-5", "1.5", ""])
def test_a_number_typed_wrong_is_named_with_its_limits(shop: Shop, typed: str) -> None:
    form = {**MODEL, "install_minutes": typed, "version": "1"}
    answer = shop.seat(Role.SALES).post(f"{shop.page}/change", form)
    assert answer.status_code == 422
    said = "Write a whole number from 0 to 1,440." if typed else "Please fill this in."
    assert f"Minutes to install: {said}" in read_page(answer.text).text


def test_skills_are_ticked_and_stay_ticked(shop: Shop) -> None:
    seat = shop.seat(Role.SALES)
    for version, ticked in (("1", [shop.skill_id]), ("2", [])):
        form = [*MODEL.items(), ("version", version), *(("skill_ids", each) for each in ticked)]
        assert seat.post(f"{shop.page}/change", form).status_code == 303
        assert ("Plumbing" in seat.page(shop.page).text) is bool(ticked)
        boxes = seat.page(f"{shop.page}/change").all("input")
        assert [box.attributes["value"] for box in boxes if "checked" in box.attributes] == ticked


def test_who_saved_meanwhile_is_not_overwritten(shop: Shop) -> None:
    seat, form = shop.seat(Role.SALES), {**MODEL, "version": "1"}
    assert seat.post(f"{shop.page}/change", {**form, "name": "First"}).status_code == 303
    answer = seat.post(f"{shop.page}/change", {**form, "name": "Second"})
    assert answer.status_code == 409
    assert "Somebody else saved this in the meantime." in answer.text
    assert seat.page(shop.page).all("h1")[0].text == "First"


def test_a_withdrawn_model_can_be_offered_again(shop: Shop) -> None:
    seat = shop.seat(Role.SALES)
    for verb, state in (("withdraw", "✕ Withdrawn"), ("offer", "✓ Offered")):
        assert seat.post(f"{shop.page}/{verb}").status_code == 303
        assert state in seat.page(shop.page).with_class("page-title")[0].text


def test_who_may_only_look_sees_no_button(shop: Shop) -> None:
    seat = shop.seat(Role.DISPATCHER)
    for path in (shop.page, "/skills", "/numbering-rules"):
        main = seat.page(path).all("main")[0]
        assert main.all("form") == []
        assert [link.text for link in main.all("a") if "button" in link.attributes.get("class", "")] == []


# Photos


def test_a_photo_is_shown_as_what_it_is_and_kept_by_the_browser(shop: Shop) -> None:
    seat, path = shop.seat(Role.SALES), f"{shop.page}/photo"
    assert seat.post(path, files={"photo": PHOTO}).status_code == 303
    answer = seat.get(path)
    assert (answer.status_code, answer.data, answer.mimetype) == (200, PHOTO, "image/png")
    assert answer.headers["Content-Disposition"] == "inline; filename=CM-200.png"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    again = seat.get(path, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    (picture,) = seat.page(shop.page).all("img")
    assert picture.attributes["src"].startswith(f"{path}?v=")
    assert picture.attributes["alt"] == "Coffee machine CM-200"


def test_a_model_without_a_photo_has_none_to_show(shop: Shop) -> None:
    seat = shop.seat(Role.SALES)
    assert seat.get(f"{shop.page}/photo").status_code == 404
    assert seat.page(shop.page).all("img") == []


@pytest.mark.parametrize(
    ("content", "status", "said"),
    [
        (b"GIF89a", 422, "Photo: Choose a picture: JPEG, PNG or WebP, at most 8 MB."),
        (b"", 422, "Photo: Choose a picture: JPEG, PNG or WebP, at most 8 MB."),
        (PHOTO + bytes(LARGEST_IMAGE), 422, "Photo: Choose a picture: JPEG, PNG or WebP, at most 8 MB."),
        (PHOTO + bytes(LARGEST_IMAGE + 1024 * 1024), 413, "What was sent is larger than 9 MB."),
    ],
    ids=["another kind", "empty", "too large", "far too large"],
)
def test_what_is_no_photo_is_refused_in_words(shop: Shop, content: bytes, status: int, said: str) -> None:
    seat = shop.seat(Role.SALES)
    before = shop.rows()
    answer = seat.post(f"{shop.page}/photo", files={"photo": content})
    assert answer.status_code == status
    assert said in read_page(answer.text).text
    assert shop.rows() == before


def test_a_photo_of_several_megabytes_is_taken(shop: Shop) -> None:
    seat, path = shop.seat(Role.SALES), f"{shop.page}/photo"
    assert seat.post(path, files={"photo": PHOTO + bytes(LARGEST_IMAGE - len(PHOTO))}).status_code == 303
    assert len(seat.get(path).data) == LARGEST_IMAGE


def test_only_who_may_change_the_catalogue_may_send_so_much(shop: Shop) -> None:
    path, two_megabytes = f"{shop.page}/photo", {"photo": bytes(2 << 20)}
    seats = [shop.seat(Role.WAREHOUSE), shop.seat(Role.CUSTOMER), Seat(shop.story.visitor().client)]
    assert [seat.post(path, files=two_megabytes).status_code for seat in seats] == [413, 413, 413]
    seller = shop.seat(Role.SALES)
    assert seller.post("/equipment-models/new", files=two_megabytes).status_code == 413
    assert seller.post(path, files=two_megabytes).status_code == 422


def test_the_fields_beside_a_photo_have_the_room_of_any_form(shop: Shop) -> None:
    note = [("note", "x" * (2 << 20))]
    answer = shop.seat(Role.SALES).post(f"{shop.page}/photo", note, files={"photo": PHOTO})
    assert answer.status_code == 413


# Rate plans


def test_the_version_that_holds_today_is_marked(shop: Shop) -> None:
    seat = shop.seat(Role.SALES)
    assert seat.post(f"/rate-plans/{shop.plan_id}/versions/new", TERMS).status_code == 303
    for today, marks in (
        ("2026-04-30", ["○ Planned", "✓ Holds today"]),
        ("2026-05-01", ["✓ Holds today", ""]),
    ):
        shop.story.on(today)
        seat = Seat(shop.story.a(Role.BILLING).client) if today < "2026-05" else shop.seat(Role.WAREHOUSE)
        rows = cells_of(seat.page(shop.page))
        assert [row[0].partition(" 2026")[2].strip() for row in rows] == marks
        assert [row[1] for row in rows] == ["¥10,800", "¥9,800"]


def test_a_version_begins_with_what_the_latest_asks_for(shop: Shop) -> None:
    page = shop.seat(Role.SALES).page(f"/rate-plans/{shop.plan_id}/versions/new")
    typed = {e.attributes["name"]: e.attributes.get("value", "") for e in page.all("input")}
    assert (typed["monthly_fee"], typed["minimum_months"], typed["valid_from"]) == ("9,800", "12", "")
    chosen = [e.attributes["value"] for e in page.all("option") if "selected" in e.attributes]
    assert chosen == ["standard", "installation", "retrieval"]


def test_a_version_begins_after_the_latest_and_it_is_said_when_that_was(shop: Shop) -> None:
    seat = shop.seat(Role.SALES)
    before = shop.rows()
    answer = seat.post(f"/rate-plans/{shop.plan_id}/versions/new", {**TERMS, "valid_from": "2026-01-01"})
    assert answer.status_code == 409
    assert "Valid from: There is a version from 1 Jan 2026 already." in read_page(answer.text).text
    assert shop.rows() == before


def test_a_trial_and_its_days_belong_together(shop: Shop) -> None:
    seat, form = shop.seat(Role.SALES), {**TERMS, "code": "TRIAL", "name": "Trial"}
    answer = seat.post(f"{shop.page}/rate-plans/new", {**form, "trial_days": "14"})
    assert answer.status_code == 422
    assert "Days of trial: Write the days of the trial" in read_page(answer.text).text
    form |= {"start_policy": "after_trial", "trial_days": "１４"}
    assert seat.post(f"{shop.page}/rate-plans/new", form).status_code == 303
    assert "After a trial (14 days)" in seat.page(shop.page).text


def test_a_plan_sent_twice_is_one(shop: Shop) -> None:
    seat, form = shop.seat(Role.SALES), {**TERMS, "code": "LONG", "name": "Long"}
    assert [seat.post(f"{shop.page}/rate-plans/new", form).status_code for _ in range(2)] == [303, 303]
    assert shop.story.count(RatePlan) == 2


def test_a_withdrawn_plan_can_be_offered_again(shop: Shop) -> None:
    seat = shop.seat(Role.SALES)
    for verb, state in (("withdraw", "STD ✕ Withdrawn"), ("offer", "STD ✓ Offered")):
        assert seat.post(f"/rate-plans/{shop.plan_id}/{verb}").status_code == 303
        assert state in seat.page(shop.page).text


def test_a_model_nobody_can_rent_yet_says_what_to_do_next(shop: Shop) -> None:
    with shop.story.begin() as uow:
        model = make_model(uow, "CM-300")
    page = shop.seat(Role.SALES).page(f"/equipment-models/{model.id}")
    assert "No rate plan yet." in page.with_class("notice-now")[0].text


def test_a_skill_is_added_once_and_counted_where_it_is_needed(shop: Shop) -> None:
    seat, form = shop.seat(Role.SALES), {"code": "gas", "name": "Gas", "request_key": KEY}
    assert [seat.post("/skills", form).status_code for _ in range(2)] == [303, 303]
    changing = {**MODEL, "version": "1", "skill_ids": shop.skill_id}
    assert seat.post(f"{shop.page}/change", changing).status_code == 303
    assert cells_of(seat.page("/skills")) == [["GAS", "Gas", "0"], ["PLUMBING", "Plumbing", "1"]]
    answer = seat.post("/skills", {**form, "name": "Gas again", "request_key": "2" * 32})
    assert answer.status_code == 409
    assert "Code: GAS is taken already." in read_page(answer.text).text


# Numbering rules


def numbers_of(page: Element) -> list[str]:
    return [item.text for shown in page.with_class("numbers") for item in shown.all("li")]


def tried_out(shop: Shop, seat: Seat, **values: str) -> Element:
    """The page after trying out a rule with the coffee machine."""
    answer = seat.post("/numbering-rules/new", {**RULE, "example_id": str(shop.model_id), **values})
    assert answer.status_code in {200, 422}
    return read_page(answer.text)


def test_a_rule_is_tried_out_before_it_is_used_and_nothing_is_saved(shop: Shop) -> None:
    seat = shop.seat(Role.ADMINISTRATOR)
    before = shop.rows()
    page = tried_out(shop, seat)
    assert numbers_of(page)[:2] == ["SR-CM2611-00001-T", "SR-CM2611-00002-R"]
    assert len(numbers_of(page)) == 10
    assert "Numbers until the counter is used up 99,999" in page.text
    assert shop.rows() == before


def test_what_exists_already_is_marked(shop: Shop) -> None:
    with shop.story.begin() as uow:
        stock(uow, uow.session.get_one(EquipmentModel, shop.model_id), 2)
    page = tried_out(shop, shop.seat(Role.ADMINISTRATOR), valid_from="2026-04-01")
    assert [number.endswith("✕ Exists already") for number in numbers_of(page)] == [True] * 2 + [False] * 8
    assert "2 of the first 1,000 numbers exist already" in page.text


def test_a_doubtful_pattern_is_warned_of(shop: Shop) -> None:
    page = tried_out(shop, shop.seat(Role.ADMINISTRATOR), pattern="{CAT}{SEQ:1}", reset_on="FY")
    assert numbers_of(page) == [f"CM{number}" for number in range(1, 10)]
    ambiguous, unguarded = page.with_class("notice-box")
    assert "Two counters may one day give the same number" in ambiguous.text
    assert "{CHK:iso7064_37_36}" in unguarded.text


def test_the_recommended_pattern_with_its_counters_is_beyond_doubt(shop: Shop) -> None:
    page = tried_out(shop, shop.seat(Role.ADMINISTRATOR), reset_on="FY")
    assert page.with_class("notice-box") == []


FAULTS = {
    "": "Please fill this in.",
    "A" * 81: "Too long: at most 80 characters.",
    "{COMP} {SEQ:5}": "cannot stand in a number.",
    "{WEEK}-{SEQ:5}": "There is no token {WEEK}.",
    "{SEQ}": "{SEQ} needs its width after a colon, from 1 to 12: {SEQ:5}.",
    "{COMP}": "Nothing in the pattern counts, so every number would be the same.",
    "{SEQ:2}{SEQ:3}": "A number has one counter, and {SEQ:3} is a second one.",
    "{SEQ:5}{CHK:crc}": "{CHK:CRC} names no check that we know.",
    "{CHK:luhn}{SEQ:5}": "{CHK:luhn} guards what stands before it, so it comes last.",
    "{LOC}-{SEQ:5}": "{LOC} (Place) is not known here, so no number can be made.",
    "A" * 38 + "{SEQ:5}": "and a label has room for 40 characters. Shorten the pattern.",
}


@pytest.mark.parametrize("pattern", FAULTS)
def test_what_is_wrong_with_a_pattern_is_said_at_its_field(shop: Shop, pattern: str) -> None:
    seat = shop.seat(Role.ADMINISTRATOR)
    before = shop.rows()
    for step, statuses in (("preview", {422}), ("save", {409, 422})):
        form = {**RULE, "example_id": str(shop.model_id), "pattern": pattern, "step": step}
        answer = seat.post("/numbering-rules/new", form)
        assert answer.status_code in statuses
        page = read_page(answer.text)
        (control,) = [e for e in page.all("input") if e.attributes.get("id") == "pattern"]
        described = control.attributes["aria-describedby"].split()
        said = " ".join(e.text for e in page if e.attributes.get("id") in described)
        assert FAULTS[pattern] in said
        assert numbers_of(page) == []
    assert shop.rows() == before


def test_a_branch_that_is_printed_has_to_be_named(shop: Shop) -> None:
    seat, pattern = shop.seat(Role.ADMINISTRATOR), "{COMP}-{BR}-{SEQ:5}"
    page = tried_out(shop, seat, pattern=pattern)
    assert "Branch code: {BR} (Branch code) is not known here" in page.with_class("error-summary")[0].text
    page = tried_out(shop, seat, pattern=pattern, branch_code="新宿")
    assert "Branch code: 新宿 cannot stand in a number for {BR}." in page.text
    assert numbers_of(tried_out(shop, seat, pattern=pattern, branch_code="ｔｋ"))[0] == "SR-TK-00001"


def test_a_rule_for_one_model_is_tried_out_with_that_model(shop: Shop) -> None:
    with shop.story.begin() as uow:
        model = make_model(uow, "TV-1", category="TV")
    page = tried_out(shop, shop.seat(Role.ADMINISTRATOR), equipment_model_id=str(model.id))
    assert numbers_of(page)[0].startswith("SR-TV2611-00001-")


def test_a_rule_is_added_from_a_day_on_and_the_list_tells_which_holds(shop: Shop) -> None:
    seat = shop.seat(Role.ADMINISTRATOR)
    form = {**RULE, "example_id": str(shop.model_id), "step": "save"}
    form |= {"valid_from": "2026-05-01", "pattern": "{COMP}-{SEQ:6}", "reset_on": "COMP"}
    assert [seat.post("/numbering-rules/new", form).status_code for _ in range(2)] == [303, 303]
    rows = cells_of(shop.seat(Role.WAREHOUSE).page("/numbering-rules"))
    assert [(row[1], row[4], row[6]) for row in rows] == [
        ("{COMP}-{SEQ:6}", "Company code", "○ Planned"),
        (RECOMMENDED, "Company code · Category of the model · Fiscal year, from April", "✓ In force"),
    ]
    shop.story.on("2026-05-01")
    rows = cells_of(shop.seat(Role.SALES).page("/numbering-rules"))
    assert [row[6] for row in rows] == ["✓ In force", "✕ Replaced"]


def test_a_rule_does_not_reach_into_the_past_nor_share_its_day(shop: Shop) -> None:
    seat = shop.seat(Role.ADMINISTRATOR)
    for day, said in (
        ("2026-03-31", "Valid from: Numbers of the past were made by another rule."),
        ("2026-01-01", "Valid from: A rule for the same models begins on this day already."),
    ):
        form = {**RULE, "example_id": str(shop.model_id), "step": "save", "valid_from": day}
        answer = seat.post("/numbering-rules/new", form)
        assert answer.status_code == 409
        assert said in read_page(answer.text).text


def test_the_form_begins_with_what_the_company_does_or_what_we_recommend(shop: Shop) -> None:
    seat = shop.seat(Role.ADMINISTRATOR)
    page = seat.page("/numbering-rules/new")
    values = {e.attributes["name"]: e.attributes.get("value") for e in page.all("input")}
    assert (values["pattern"], values["company_code"]) == (RECOMMENDED, "SR")
    assert numbers_of(page)[0].startswith("SR-CM2604-00001-")
    lines = {row[0]: row[2] for row in cells_of(page)}
    examples = {"{COMP}": "SR", "{FY}": "2026", "{EY}": "08", "{SEQ:5}": "00042", "{CHK:iso7064_37_36}": "B"}
    assert {token: lines[token] for token in examples} == examples


def test_a_company_without_rules_and_models_is_told_where_to_begin(story: Story) -> None:
    seat = Seat(story.a(Role.ADMINISTRATOR).client)
    assert "Without a rule no unit can be received" in seat.page("/numbering-rules").text
    page = seat.page("/numbering-rules/new")
    assert "Add a model first: a number is tried out with one." in page.text
    (pattern,) = [e for e in page.all("input") if e.attributes.get("name") == "pattern"]
    assert pattern.attributes["value"] == RECOMMENDED
    assert "No model yet" in seat.page("/equipment-models").text


def test_the_rules_are_read_at_once_however_many_there_are(shop: Shop) -> None:
    seat, counts = shop.seat(Role.ADMINISTRATOR), []
    for number in range(3):  # at first there is no rule that names a model
        with Statements() as asked:
            seat.page("/numbering-rules")
        counts.append(len(asked.texts))
        for code in ("A", "B", "C"):
            with shop.story.begin() as uow:
                model_id = str(make_model(uow, f"{code}-{number}").id)
            form = {**RULE, "step": "save", "equipment_model_id": model_id, "example_id": model_id}
            key = f"{number}{ord(code):x}".ljust(32, "0")
            assert seat.post("/numbering-rules/new", {**form, "request_key": key}).status_code == 303
    assert counts[1] == counts[2]
