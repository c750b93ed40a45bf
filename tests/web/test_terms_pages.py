"""The terms of a line as sales sets them on a draft, and as its contract's page tells them."""

from datetime import date

import pytest
from sqlalchemy import select

from rental.catalog.rules import AnchorKind, Cost, StartPolicy, TaxClass, Timing
from rental.contracts.activation import activate_contract
from rental.contracts.line_agreements import Agreement, agreements_of
from rental.contracts.models import Contract, Line, LineDiscount, LineTerms
from rental.core.money import Money
from rental.identity.permissions import Role
from tests.factories.rented import make_draft
from tests.support.story import Story
from tests.web.company import Seat
from tests.web.html import Element

PLAIN = {
    "monthly_fee": "9,800",
    "tax_class": "standard",
    "start_policy": "installation",
    "trial_days": "0",
    "stop_policy": "retrieval",
    "retrieval_day_counts": "y",
    "months": "1",
    "timing": "arrears",
    "lead_days": "0",
    "anchor": "closing",
    "stub": "short",
    "proration": "actual",
    "stop_proration": "",
    "change_proration": "",
    "usage_model": "",
    "aggregation": "sum",
    "leaving_model": "",
    "leaving_tax_class": "out_of_scope",
}


class Desk:
    """A seller with the terms of one line of a draft open."""

    def __init__(self, story: Story) -> None:
        self.story, self.seat = story, Seat(story.a(Role.SALES).client)
        with story.begin() as uow:
            contract = make_draft(uow, machines=2)
            self.contract_id, self.line_id = contract.id, contract.lines[0].id
        self.path = f"/contracts/{self.contract_id}/lines/{self.line_id}/terms"

    @property
    def version(self) -> str:
        with self.story.reading() as session:
            return str(session.get_one(Contract, self.contract_id).version)

    def saves(self, **changed: str) -> int:
        answer = self.seat.post(self.path, {**PLAIN, "version": self.version, **changed})
        self.said = answer.text
        return answer.status_code

    @property
    def agreement(self) -> Agreement:
        with self.story.reading() as session:
            line = session.get_one(Line, self.line_id)
            return agreements_of(session, [line])[line.id]


@pytest.fixture
def desk(story: Story) -> Desk:
    return Desk(story)


def terms_on(page: Element) -> dict[str, str]:
    """What the contract's page says is agreed about its first line."""
    (details, *_) = page.with_class("slots")
    names = [name.text for name in details.all("dt")]
    return dict(zip(names, [value.text for value in details.all("dd")], strict=True))


def test_terms_are_agreed_as_a_whole_and_told_in_words(desk: Desk) -> None:
    assert (
        desk.saves(
            monthly_fee="１０，０００円",
            months="3",
            timing="advance",
            lead_days="10",
            anchor="calendar",
            anchored_on="2026-04-01",
            start_policy="after_trial",
            trial_days="14",
            overrun_fee="12,000",
            rate_bp="8",
            usage_model="graduated",
            tier_1_up_to="1,000",
            tier_1_price="0.55",
            tier_2_price="０．５",
            tier_2_flat="300",
            included="100",
            usage_minimum="500",
            discount_1_name="開店祝い",
            discount_1_percent="12.5",
            discount_1_periods="3",
            leaving_model="table",
            leaving_1_months="6",
            leaving_1_amount="30,000",
            leaving_2_months="12",
            leaving_2_amount="10,000",
            leaving_at_most="25,000",
            cost_initial="12,000",
        )
        == 303
    )
    agreed = desk.agreement
    assert agreed.rent.monthly_fee == Money(10_000)
    assert (agreed.rent.start_policy, agreed.rent.trial_days) == (StartPolicy.AFTER_TRIAL, 14)
    terms = agreed.terms
    assert (terms.months, terms.timing, terms.lead_days) == (3, Timing.ADVANCE, 10)
    assert (terms.anchor, terms.anchored_on) == (AnchorKind.CALENDAR, date(2026, 4, 1))
    assert (terms.rate_bp, terms.overrun_fee) == (800, Money(12_000))
    assert terms.usage == {
        "model": "graduated",
        "aggregation": "sum",
        "tiers": [{"up_to": 1000, "unit_price": "0.55"}, {"up_to": None, "unit_price": "0.5", "flat": 300}],
        "included": 100,
        "minimum": 500,
    }
    assert terms.leaving == {
        "model": "table",
        "tax_class": "out_of_scope",
        "rows": [[6, 30_000], [12, 10_000]],
        "at_most": 25_000,
    }
    ((discount,), (cost,)) = agreed.discounts, agreed.costs
    assert (discount.name, discount.basis_points, discount.periods) == ("開店祝い", 1250, 3)
    assert (cost.cost, cost.unit_price_millionths, cost.tax_class) == (
        Cost.INITIAL,
        12_000_000_000,
        TaxClass.STANDARD,
    )
    page = desk.seat.page(f"/contracts/{desk.contract_id}")
    said = terms_on(page)
    assert said["Billed"] == "every 3 months, 10 days before the period"
    assert said["Rent starts"] == "After a trial of 14 days"
    assert said["Discount 開店祝い"] == "12.5 % · for the first 3 periods"
    assert said["Usage"] == (
        "All readings together · each at the price of its own step: up to 1,000: ¥0.55; "
        "more: ¥0.5 and ¥300 once · 100 included · at least ¥500 a period"
    )
    assert said["Leaving before it is over"] == (
        "up to 6 months over: ¥30,000; up to 12 months over: ¥10,000 · Out of scope · at most ¥25,000"
    )
    assert said["Tax"] == "Standard rate · agreed at 8 %"
    assert said["Once: Initial cost"] == "¥12,000"
    with desk.story.reading() as session:
        assert session.get_one(Contract, desk.contract_id).monthly_fee == Money(20_000)


def test_what_is_agreed_stands_in_the_form_and_saving_it_again_changes_nothing(desk: Desk) -> None:
    given = {"usage_model": "package", "package_price": "0.25", "package_size": "100", "package_free": "50"}
    discount = {"discount_1_name": "常連", "discount_1_amount": "500", "discount_1_last_on": "2027-03-31"}
    leaving = {"leaving_model": "residual", "leaving_value": "240,000", "leaving_life": "60"}
    assert desk.saves(**given, **discount, **leaving) == 303
    before = desk.agreement
    assert before.discounts[0].ends_on == date(2027, 4, 1)
    page = desk.seat.page(desk.path)
    sent = {}
    for control in page.all("main")[0].all("input", "select"):
        name = control.attributes.get("name", "")
        if control.tag == "select":
            chosen = [option for option in control.all("option") if "selected" in option.attributes]
            sent[name] = (chosen or control.all("option"))[0].attributes["value"]
        elif control.attributes.get("type") != "checkbox" or "checked" in control.attributes:
            sent[name] = control.attributes.get("value", "y")
    sent.pop("csrf_token")
    assert desk.seat.post(desk.path, sent).status_code == 303
    assert desk.agreement == before


def test_a_plain_rent_leaves_no_row_beside_the_line(desk: Desk) -> None:
    assert desk.saves(timing="advance", discount_1_name="a", discount_1_percent="5") == 303
    assert (desk.story.count(LineTerms), desk.story.count(LineDiscount)) == (1, 1)
    assert desk.saves() == 303
    assert (desk.story.count(LineTerms), desk.story.count(LineDiscount)) == (0, 0)
    page = desk.seat.get(f"/contracts/{desk.contract_id}").text
    assert "Terms: every month, after the period" in page


def test_another_row_is_offered_without_saving_anything(desk: Desk) -> None:
    typed = {"tier_1_up_to": "1000", "tier_3_price": "0.4", "more": "tier", "monthly_fee": "no number"}
    assert desk.saves(**typed) == 200
    assert 'name="tier_4_price"' in desk.said
    assert 'value="1000"' in desk.said
    assert "error-summary" not in desk.said
    assert desk.agreement.is_plain


WRONG = {
    "steps that do not go up": (
        {"usage_model": "volume", "tier_1_up_to": "10", "tier_1_price": "1", "tier_2_up_to": "10"}
        | {"tier_2_price": "2", "tier_3_price": "3"},
        ["Step 2, up to: Write a number above 10: steps go up."],
    ),
    "a last step with a bound": (
        {"usage_model": "graduated", "tier_1_up_to": "10", "tier_1_price": "1"},
        ["Step 1, up to: Leave this empty: the last step holds everything above the one before."],
    ),
    "a price that is none": (
        {"usage_model": "per_unit", "usage_unit_price": "0.1234567"},
        ["Price of one: A price has too many decimals. Use six at most."],
    ),
    "usage and leaving without their values": (
        {"usage_model": "package", "leaving_model": "percent"},
        [
            "Price of a package: Something is missing that the sum needs. Fill it in.",
            "Per cent of the remaining rent: Something is missing that the sum needs. Fill it in.",
        ],
    ),
    "bounds that cross": (
        {
            "usage_model": "flat",
            "usage_flat": "500",
            "usage_minimum": "900",
            "usage_maximum": "800",
        },
        ["At most a period: A number is outside of what it may be. Correct it."],
    ),
    "a discount of nothing": (
        {"discount_1_name": "x"},
        ["Discount 1, per cent: Something is missing that the sum needs. Fill it in."],
    ),
    "a discount that ends before it begins": (
        {
            "discount_1_name": "x",
            "discount_1_percent": "5",
            "discount_1_starts_on": "2026-05-02",
            "discount_1_last_on": "2026-04-30",
        },
        ["Discount 1, last day: Something ends before it begins. Correct one of the two days."],
    ),
    "two discounts of one name": (
        {
            "discount_1_name": "x",
            "discount_1_percent": "5",
            "discount_2_name": "x",
            "discount_2_amount": "5",
        },
        ["Discount 2, name: The same is recorded twice. Take one of the two back."],
    ),
    "rows of a table that do not go up": (
        {"leaving_model": "table", "leaving_1_months": "6", "leaving_1_amount": "1"}
        | {"leaving_2_months": "6", "leaving_2_amount": "1"},
        ["Step 2, up to so many months over: Write a number of months above 6: rows go up."],
    ),
    "periods of days without their number": (
        {"months": "days"},
        ["Days of a period: Write how many days a period has."],
    ),
    "a trial without days": (
        {"start_policy": "after_trial"},
        ["Days of trial: Write the days of the trial when rent starts after one, and 0 when it does not."],
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_calculated_is_said_at_its_field_and_nothing_is_saved(desk: Desk, case: str) -> None:
    typed, said = WRONG[case]
    version = desk.version
    assert desk.saves(**typed) == 422
    assert [line for line in said if line not in desk.said] == []
    assert desk.agreement.is_plain
    assert desk.version == version


def test_terms_saved_by_somebody_else_are_not_overwritten(desk: Desk) -> None:
    seen = desk.version
    assert desk.saves(timing="advance") == 303
    assert desk.saves(version=seen, timing="arrears") == 409
    assert "Somebody else saved this in the meantime." in desk.said
    assert desk.agreement.terms.timing is Timing.ADVANCE


def test_a_line_with_terms_is_removed_with_them(desk: Desk) -> None:
    assert desk.saves(discount_1_name="x", discount_1_percent="5", cost_initial="1") == 303
    removed = desk.seat.post(f"/contracts/{desk.contract_id}/lines/{desk.line_id}/remove")
    assert removed.status_code == 303
    assert [desk.story.count(kind) for kind in (Line, LineTerms, LineDiscount)] == [0, 0, 0]


def test_what_is_a_promise_already_keeps_its_terms(desk: Desk, story: Story) -> None:
    assert desk.saves(discount_1_name="x", discount_1_percent="5") == 303
    with story.begin() as uow:
        activate_contract(uow, desk.contract_id, uow.today)
    assert desk.seat.get(desk.path).status_code == 409
    assert desk.saves() == 409
    assert story.count(LineDiscount) == 1


def test_a_line_of_another_contract_has_no_terms_here(desk: Desk, story: Story) -> None:
    with story.begin() as uow:
        other = make_draft(uow).id
    assert desk.seat.get(f"/contracts/{other}/lines/{desk.line_id}/terms").status_code == 404


def test_discounts_of_a_promise_cannot_be_deleted_behind_our_back(desk: Desk, story: Story) -> None:
    assert desk.saves(discount_1_name="x", discount_1_percent="5") == 303
    with story.begin() as uow:
        activate_contract(uow, desk.contract_id, uow.today)
    with pytest.raises(Exception, match="written once"), story.begin() as uow:
        uow.session.delete(uow.session.scalars(select(LineDiscount)).one())
        uow.session.flush()
