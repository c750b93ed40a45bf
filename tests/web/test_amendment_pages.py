"""Amending a contract in force, on its pages: looked at first, recorded as seen, told on the timeline."""

from datetime import date
from uuid import UUID

import pytest
from sqlalchemy import select

from rental.billing.agreements import agree_terms
from rental.billing.limits import set_limits
from rental.billing.rules.bounds import Limits
from rental.catalog.rules import StopPolicy
from rental.changes import rules
from rental.changes.models import Amendment
from rental.changes.rules import AmendmentKind, LeavingReason
from rental.contracts.agreeing import Terms
from rental.contracts.models import Contract, Line, LineEvent, Slot
from rental.contracts.placements import end_slot
from rental.contracts.rules import LineEventKind
from rental.core.errors import DomainError
from rental.core.ids import new_id
from rental.core.uow import UnitOfWork
from rental.identity.permissions import Role
from rental.web.wording import changes as words
from tests.factories.billed import (
    InService,
    Rented,
    close,
    invoices_of,
    machines_in_service,
    make_issuer,
)
from tests.factories.rented import make_draft, stock
from tests.support.story import Story
from tests.web.company import Seat, encoded
from tests.web.html import Element, read_page

LEAVING = {"model": "percent", "basis_points": 5000}


def agree_on_leaving(uow: UnitOfWork, line_id: UUID) -> None:
    agree_terms(uow, line_id, Terms(leaving=LEAVING))


class Counter:
    """A seller in front of a contract of one line, in service since today."""

    def __init__(self, story: Story, *, machines: int = 1, stop: StopPolicy = StopPolicy.AGREED_END) -> None:
        self.story, self.person = story, story.person(Role.SALES)
        self.seat = Seat(story.signed_in(self.person).client)
        self.rented: InService = machines_in_service(
            story, Rented(3000, machines), agree=agree_on_leaving, stop=stop
        )
        self.path = f"/contracts/{self.rented.contract_id}/amendments"
        with story.reading() as session:
            line = session.scalars(select(Line).where(Line.contract_id == self.rented.contract_id)).one()
            self.line_id = str(line.id)
            self.slot_ids = [
                str(slot_id)
                for slot_id in session.scalars(
                    select(Slot.id).where(Slot.contract_line_id == line.id).order_by(Slot.position)
                )
            ]

    def comes_back_on(self, day: str) -> None:
        """Another day: the session of before is over."""
        self.story.on(day)
        self.seat = Seat(self.story.signed_in(self.person).client)

    def looks(self, kind: str, **filled: str) -> Element:
        """The page after a look; it may say no."""
        answer = self.seat.get(f"{self.path}/{kind}?{encoded([('look', '1'), *filled.items()])}")
        self.status = answer.status_code
        self.text = answer.text
        return read_page(answer.text)

    def records(self, page: Element, **changed: str) -> int:
        """Sends the form that records, as the page has it."""
        (form,) = [
            form for form in page.all("main")[0].all("form") if form.attributes.get("method") == "post"
        ]
        filled = {
            control.attributes["name"]: control.attributes.get("value", "")
            for control in form.all("input")
            if control.attributes["name"] != "csrf_token"
        }
        answer = self.seat.post(
            form.attributes["action"], filled | {"reason": "asked by telephone"} | changed
        )
        self.answer = answer.text
        return answer.status_code

    def figures(self, page: Element) -> list[str]:
        """Without the amendment, with it, and the difference."""
        (figures,) = page.with_class("figures")
        return [bold.text for bold in figures.all("b")][:3]

    def a_month(self, page: Element) -> str:
        """What it costs a month afterwards, and before."""
        (figures,) = page.with_class("figures")
        return figures.all("dd")[3].text

    def told(self) -> list[str]:
        """The amendments on the contract's timeline, newest first."""
        page = self.seat.page(f"/contracts/{self.rented.contract_id}?show=amendments")
        return [" | ".join(part.text for part in entry.all("b", "span")[1:]) for entry in _entries(page)]

    def wrote(self) -> tuple[int, int]:
        return self.story.count(Amendment), self.story.count(LineEvent)


def _entries(page: Element) -> list[Element]:
    found = page.with_class("timeline")
    return found[0].all("li") if found else []


@pytest.fixture
def company(story: Story) -> Story:
    """A company that may issue invoices."""
    with story.begin() as uow:
        make_issuer(uow)
    story.on("2026-04-01")
    return story


@pytest.fixture
def counter(company: Story) -> Counter:
    return Counter(company)


def test_a_new_fee_is_looked_at_recorded_told_and_billed_as_it_was_seen(
    story: Story, counter: Counter
) -> None:
    assert f'href="{counter.path}"' in counter.seat.get(f"/contracts/{counter.rented.contract_id}").text
    assert f'href="{counter.path}/price"' in counter.seat.get(counter.path).text
    page = counter.looks(
        "price", target=counter.line_id, fee="６，０００円", effective_on="2026-04-16", effect=""
    )
    assert counter.status == 200
    assert counter.figures(page) == ["¥3,300", "¥4,950", "+¥1,650"]
    assert counter.a_month(page) == "¥6,000 without tax; until now ¥3,000"
    assert "Fee changes: ¥6,000, from 16 Apr 2026" in counter.text
    assert "¥6,000 × 1 × 15 ÷ 30 days = ¥3,000" in counter.text
    assert counter.wrote() == (0, 1)
    assert counter.records(page) == 303
    assert counter.told() == [
        "Another fee from 16 Apr 2026 | "
        f"Line 1, {_model(story)} · ¥6,000 a month · From this day · "
        "closing of 30 Apr 2026: ¥3,300 → ¥4,950 (+¥1,650) | Reason: asked by telephone"
    ]
    contract = counter.seat.get(f"/contracts/{counter.rented.contract_id}").text
    assert "¥3,000 a month · ¥6,000 from 16 Apr 2026" in contract
    assert "Rent of 1 slot runs from 1 Apr 2026" in contract
    counter.comes_back_on("2026-04-30")
    close(story, "2026-04-30")
    assert [invoice.total.minor_units for invoice in invoices_of(story)] == [4950]
    assert "(¥6,000 in service)" in counter.seat.get(f"/contracts/{counter.rented.contract_id}").text


def test_the_same_form_sent_twice_is_one_amendment(counter: Counter) -> None:
    page = counter.looks("price", target=counter.line_id, fee="6000", effective_on="2026-04-16", effect="")
    assert [counter.records(page) for _ in range(2)] == [303, 303]
    assert counter.wrote() == (1, 2)


def test_what_was_amended_meanwhile_is_looked_at_again(counter: Counter) -> None:
    page = counter.looks("price", target=counter.line_id, fee="6000", effective_on="2026-04-16", effect="")
    other = counter.looks("price", target=counter.line_id, fee="5000", effective_on="2026-04-11", effect="")
    assert counter.records(other) == 303
    assert counter.records(page) == 409
    assert "Somebody else saved this in the meantime." in counter.answer
    assert counter.wrote() == (1, 2)
    again = read_page(counter.answer)
    assert counter.figures(again) == ["¥4,766", "¥5,316", "+¥550"]
    assert counter.records(again) == 303
    assert counter.wrote() == (2, 3)


def test_what_would_cost_something_else_than_was_seen_is_not_recorded(counter: Counter) -> None:
    page = counter.looks("price", target=counter.line_id, fee="6000", effective_on="2026-04-16", effect="")
    assert counter.records(page, fee="60000") == 409
    assert "This is not what you looked at: what it costs has changed since." in counter.answer
    assert counter.wrote() == (0, 1)


def test_nothing_is_recorded_without_a_reason(counter: Counter) -> None:
    page = counter.looks("price", target=counter.line_id, fee="6000", effective_on="2026-04-16", effect="")
    assert counter.records(page, reason=" ") == 422
    assert "Reason: Please fill this in." in counter.answer
    assert counter.wrote() == (0, 1)


def test_one_machine_of_a_line_may_have_a_fee_of_its_own(company: Story) -> None:
    two = Counter(company, machines=2)
    target = f"{two.line_id}.{two.slot_ids[1]}"
    page = two.looks("price", target=target, fee="1000", effective_on="2026-04-01", effect="immediate")
    assert two.figures(page) == ["¥6,600", "¥4,400", "-¥2,200"]
    assert two.records(page) == 303
    assert "slot 2 at" in two.told()[0]


def test_a_pause_is_named_by_its_days_and_moves_the_minimum_term(story: Story, counter: Counter) -> None:
    page = counter.looks(
        "suspension",
        target=counter.line_id,
        effective_on="2026-04-11",
        resumes_on="2026-04-21",
        extends_term="y",
    )
    assert counter.figures(page) == ["¥3,300", "¥2,200", "-¥1,100"]
    assert counter.a_month(page) == "¥3,000 without tax; until now ¥3,000"
    assert counter.records(page) == 303
    assert "goes on from 21 Apr 2026 · the minimum term ends so much later" in counter.told()[0]
    with story.reading() as session:
        kinds = session.scalars(select(LineEvent.kind).order_by(LineEvent.effective_on)).all()
    assert kinds == [LineEventKind.START, LineEventKind.PAUSE, LineEventKind.RESUME]


def test_notice_shows_the_fee_its_tax_and_what_has_to_be_fetched(story: Story, counter: Counter) -> None:
    filled = {"last_on": "2026-09-30", "requested_on": "2026-04-01", "leaving": LeavingReason.MOVING.value}
    page = counter.looks("termination", **filled)
    said = page.all("main")[0].text
    for part in (
        "6 months over, 6 left",
        "50 % of the rent of the months that are left",
        "1 machine has to be fetched",
        "Out of scope",
    ):
        assert part in said, part
    facts = [fact.text for fact in page.all("dd")]
    assert "¥9,000" in facts
    assert "Record the amendment" in said
    assert counter.records(page) == 303
    assert counter.told()[0].startswith(
        "Notice given from 1 Oct 2026 | last day 30 Sep 2026 · asked for on 1 Apr 2026 · Moves elsewhere"
    )
    contract = counter.seat.get(f"/contracts/{counter.rented.contract_id}").text
    assert "Last day, as notice was given" in contract
    assert "Notice was given: the last day is 30 Sep 2026." in contract
    assert "1 machine is still in service and has to be fetched." in contract
    counter.looks("termination", **filled)
    assert counter.status == 422
    assert "The end of this contract was agreed already" in counter.text
    with story.reading() as session:
        ends_on = session.get_one(Contract, counter.rented.contract_id).ends_on
    assert str(ends_on) == "2026-10-01"


def test_a_revision_leaves_lines_in_their_minimum_term_alone(counter: Counter) -> None:
    counter.looks("revision", fee_1="3300", effective_on="2026-06-01", effect="next_period")
    assert counter.status == 422
    assert "Everything would stay as it is" in counter.text
    page = counter.looks("revision", fee_1="3300", effective_on="2027-04-01", effect="next_period")
    assert "Fee changes: ¥3,300, from 1 Apr 2027" in counter.text
    assert counter.records(page) == 303
    assert "¥3,300" in counter.told()[0]


def test_more_machines_are_held_at_once_and_cost_nothing_yet(story: Story, counter: Counter) -> None:
    with story.begin() as uow:
        line = uow.session.get_one(Line, UUID(counter.line_id))
        version_id, site_id = line.rate_plan_version_id, line.slots[0].site_id
        stock(uow, line.equipment_model, 1)
    filled = {
        "rate_plan_version_id": str(version_id),
        "site_id": str(site_id),
        "quantity": "1",
        "monthly_fee": "2500",
    }
    page = counter.looks("option_added", **filled)
    assert "1 needed, 1 free" in counter.text
    assert counter.records(page) == 303
    assert "1 machine at ¥2,500 a month each" in counter.told()[0]
    with story.reading() as session:
        contract = session.get_one(Contract, counter.rented.contract_id)
        assert [line.monthly_fee.minor_units for line in contract.lines] == [3000, 2500]
    page = counter.looks("option_added", **filled)
    assert "Not enough in stock" in counter.text
    assert counter.records(page) == 409
    assert story.count(Line) == 2


def test_a_line_is_removed_time_is_cut_anew_and_counted_pieces_change(story: Story, counter: Counter) -> None:
    page = counter.looks("anchor", target=counter.line_id, cut="calendar", effective_on="2026-05-01")
    assert "Periods begin: On the first of the month, from 1 May 2026" in counter.text
    assert counter.records(page) == 303
    target = f"{counter.line_id}.{counter.slot_ids[0]}"
    page = counter.looks("quantity", target=target, units="3", effective_on="2026-05-01")
    assert counter.figures(page) == ["¥6,600", "¥13,200", "+¥6,600"]
    assert counter.a_month(page) == "¥9,000 without tax; until now ¥3,000"
    assert counter.records(page) == 303
    page = counter.looks("option_removed", target=counter.line_id, last_on="2026-05-31")
    assert "Rent ends, from 1 Jun 2026" in counter.text
    assert counter.a_month(page) == "¥0 without tax; until now ¥9,000"
    assert counter.records(page) == 303
    assert [entry.split(" | ")[0] for entry in counter.told()] == [
        "Line removed from 1 Jun 2026",
        "Another quantity from 1 May 2026",
        "Periods cut in another way from 1 May 2026",
    ]


def test_a_wrong_record_is_put_right_or_taken_back(story: Story, counter: Counter) -> None:
    page = counter.looks("price", target=counter.line_id, fee="9000", effective_on="2026-04-16", effect="")
    assert counter.records(page) == 303
    wrong = f"{counter.line_id}.2026-04-16.1"
    page = counter.looks("correction", wrong=wrong, effective_on="2026-04-21", value="6000")
    assert counter.figures(page) == ["¥6,600", "¥4,400", "-¥2,200"]
    assert counter.records(page) == 303
    assert "in place of what was recorded for 16 Apr 2026" in counter.told()[0]
    page = counter.looks("withdrawal", wrong=f"{counter.line_id}.2026-04-21.1")
    assert counter.figures(page) == ["¥4,400", "¥3,300", "-¥1,100"]
    assert counter.records(page) == 303
    counter.looks("withdrawal", wrong=f"{counter.line_id}.2026-04-01.1")
    assert counter.status == 422
    assert "A machine that was installed was there." in counter.text


def test_a_contract_that_cannot_be_billed_is_cured_by_an_amendment(story: Story, counter: Counter) -> None:
    with story.begin() as uow:
        resumed = {"kind": LineEventKind.RESUME, "effective_on": date(2026, 4, 6), "seq": 1}
        line_id, slot_id = UUID(counter.line_id), UUID(counter.slot_ids[0])
        uow.session.add(
            LineEvent(
                contract_line_id=line_id, slot_id=slot_id, source="import", recorded_at=uow.now, **resumed
            )
        )
    counter.looks("price", target=counter.line_id, fee="6000", effective_on="2026-04-16", effect="immediate")
    assert counter.status == 422
    assert "From: Rent would go on again without a pause." in counter.text
    page = counter.looks("withdrawal", wrong=f"{counter.line_id}.2026-04-06.1")
    assert "As it is, this contract cannot be billed" in counter.text
    assert counter.figures(page)[1:] == ["¥3,300", "+¥3,300"]
    assert counter.a_month(page) == "¥3,000 without tax; until now —"
    assert counter.records(page) == 303
    counter.looks("price", target=counter.line_id, fee="6000", effective_on="2026-04-16", effect="immediate")
    assert counter.status == 200


REFUSED = {
    "a day of long ago": ({"effective_on": "2024-02-01"}, "From: This is too long ago to be billed anew."),
    "a day far ahead": ({"effective_on": "2036-05-01"}, "From: This is too far ahead."),
    "no fee": ({"fee": ""}, "New fee of one machine a month: Please fill this in."),
    "a line of another contract": ({"target": "0" * 8}, "For: Choose one of the list."),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_agreed_is_said_at_its_field(counter: Counter, case: str) -> None:
    changed, said = REFUSED[case]
    filled = {"target": counter.line_id, "fee": "6000", "effective_on": "2026-04-16", "effect": "immediate"}
    counter.looks("price", **filled | changed)
    assert counter.status == 422
    assert said in counter.text
    assert counter.wrote() == (0, 1)


def test_the_company_says_how_far_back_an_amendment_may_reach(story: Story, counter: Counter) -> None:
    counter.comes_back_on("2026-07-31")
    filled = {"target": counter.line_id, "fee": "6000", "effective_on": "2026-04-16", "effect": "immediate"}
    page = counter.looks("price", **filled)
    assert counter.status == 200
    with story.begin() as uow:
        set_limits(uow, Limits(months_back=3))
    assert counter.records(page) == 422
    assert (
        "From: This is too long ago to be billed anew. Choose 30 Apr 2026 or a later day." in counter.answer
    )
    assert counter.wrote() == (0, 1)


def test_a_draft_is_edited_and_not_amended(story: Story, counter: Counter) -> None:
    with story.begin() as uow:
        draft = make_draft(uow).id
    assert counter.seat.get(f"/contracts/{draft}/amendments").status_code == 409
    assert counter.seat.get(f"{counter.path}/nonsense").status_code == 404


def test_every_kind_has_its_page_words_and_mark(counter: Counter) -> None:
    for kind in AmendmentKind:
        answer = counter.seat.get(f"{counter.path}/{kind.value}")
        assert answer.status_code == 200, kind
    kinds = set(AmendmentKind)
    assert set(words.EXPLAINED) == kinds
    assert set(words.STATES[AmendmentKind]) == set(words.CHIPS[AmendmentKind]) == kinds
    codes = {kind.code for kind in vars(rules).values() if _is_refusal(kind)}
    assert codes == set(words.REFUSALS)


def _is_refusal(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, DomainError) and kind.__module__ == rules.__name__


def _model(story: Story) -> str:
    with story.reading() as session:
        return session.scalars(select(Line)).one().equipment_model.code


def test_the_timeline_tells_what_a_return_makes_of_the_rent(company: Story) -> None:
    counter = Counter(company, machines=2, stop=StopPolicy.RETRIEVAL)
    company.later(minutes=1)
    page = counter.looks("price", target=counter.line_id, fee="6000", effective_on="2026-04-01", effect="")
    assert counter.records(page) == 303
    company.later(minutes=1)
    with company.begin() as uow:
        day, source_id = date(2026, 4, 20), new_id()
        slot_id = UUID(counter.slot_ids[0])
        end_slot(uow, slot_id, retrieved_on=day, source="work_order", source_id=source_id)
    page = counter.seat.page(f"/contracts/{counter.rented.contract_id}?show=rent")
    assert [" | ".join(part.text for part in entry.all("b", "span")[1:]) for entry in _entries(page)] == [
        "Rent of 1 slot ends with 20 Apr 2026 | In service: ¥12,000 → ¥6,000 a month",
        "Rent of 2 slots runs from 1 Apr 2026 | In service: ¥0 → ¥6,000 a month",
    ]


# A general revision


def revision_of(counter: Counter, **changed: str) -> str:
    with counter.story.reading() as session:
        plan_id = session.get_one(Line, UUID(counter.line_id)).rate_plan_version.rate_plan_id
    filled = {"look": "1", "rate_plan_id": str(plan_id), "fee": "3300", "effective_on": "2027-03-15"}
    return f"/price-revisions?{encoded([*(filled | {'effect': 'next_period'} | changed).items()])}"


def revises(counter: Counter, page: Element, **changed: str) -> int:
    (form,) = [each for each in page.all("main")[0].all("form") if each.attributes["method"] == "post"]
    named = [each for each in form.all("input") if each.attributes["name"] != "csrf_token"]
    filled = {each.attributes["name"]: each.attributes.get("value", "") for each in named}
    answer = counter.seat.post("/price-revisions", filled | {"reason": "steel is dearer"} | changed)
    counter.answer = answer.text
    return answer.status_code


def test_a_plan_is_revised_contract_by_contract_once(story: Story, counter: Counter) -> None:
    page = counter.seat.page(revision_of(counter))
    assert counter.figures(page) == ["1", "+¥300"]
    assert "1 Apr 2027" in page.text
    assert counter.wrote() == (0, 1)
    assert revises(counter, page, notified_on="2026-12-01") == 303
    assert counter.told() == [
        "General revision of fees from 15 Mar 2027 | "
        f"Line 1, {_model(story)}: ¥3,300 · customer told on 1 Dec 2026 | Reason: steel is dearer"
    ]
    assert "Nothing is left to revise here" in counter.seat.get(revision_of(counter)).text
    assert revises(counter, page) == 303
    assert counter.wrote() == (1, 2)


def test_a_revision_names_minimum_terms_and_leaves_other_fees_alone(counter: Counter) -> None:
    page = counter.seat.page(revision_of(counter, effective_on="2026-06-15"))
    assert "Minimum term until 1 Apr 2027" in page.text
    assert counter.figures(page) == ["0", "±¥0"]
    assert (
        "Nothing is left to revise here" in counter.seat.get(revision_of(counter, fee_until_now="2000")).text
    )
    answer = counter.seat.get(revision_of(counter, effective_on="2020-01-01"))
    assert answer.status_code == 422
    assert "From: This is too long ago to be billed anew." in answer.text


def test_a_revision_needs_contracts_and_a_reason(counter: Counter) -> None:
    page = counter.seat.page(revision_of(counter))
    assert revises(counter, page, reason="", contracts="") == 422
    assert "Contracts: Please fill this in." in counter.answer
    assert "Reason: Please fill this in." in counter.answer
    assert counter.wrote() == (0, 1)
