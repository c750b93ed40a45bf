"""What sales does on the pages of contracts, and what the pages answer."""

import csv
import io
from enum import StrEnum
from itertools import count

import pytest
from sqlalchemy import select

from rental.contracts import rules
from rental.contracts.activation import activate_contract
from rental.contracts.drafting import add_line, draft_contract
from rental.contracts.models import Contract, Line
from rental.contracts.rules import ContractState
from rental.core.errors import DomainError
from rental.core.ids import new_id
from rental.core.uow import UnitOfWork
from rental.customers.models import Site
from rental.fieldwork.installing import complete_installation, scan_for_order
from rental.fieldwork.models import WorkOrder
from rental.fieldwork.visits import arrive, cancel_work_order
from rental.identity.permissions import Role
from rental.inventory.models import Reservation, Unit
from rental.web.console.spreadsheets import harmless
from rental.web.refusals import refusal
from rental.web.wording import contracts as words
from tests.factories.rented import (
    make_active_contract,
    make_customer,
    make_draft,
    make_model,
    make_plan,
    send_out,
    stock,
)
from tests.support.story import Story
from tests.web.company import Seat, Statements, encoded
from tests.web.html import Element


@pytest.fixture
def seller(story: Story) -> Seat:
    return Seat(story.a(Role.SALES).client)


def rows_of(page: Element) -> list[list[str]]:
    """What the list shows, cell by cell."""
    return [[cell.text for cell in row.all("td")] for body in page.all("tbody") for row in body.all("tr")]


def totals_on(page: Element) -> list[str]:
    (totals,) = page.with_class("totals")
    return [total.text for total in totals.all("dd")]


def file_of(seller: Seat, query: str = "") -> list[list[str]]:
    answer = seller.get(f"/contracts/contracts.csv{query}")
    assert answer.status_code == 200
    assert answer.data.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))


def many_drafts(uow: UnitOfWork, how_many: int, *, machines: int = 1) -> None:
    """Drafts of one customer; each is for so many machines at 9,800 yen."""
    first = make_draft(uow, machines=machines, stocked=False)
    (line,) = first.lines
    for _ in range(how_many - 1):
        contract = draft_contract(
            uow, first.customer_id, first.billing_account_id, months=24, wanted_on=uow.today
        )
        add_line(
            uow,
            contract.id,
            rate_plan_version_id=line.rate_plan_version_id,
            site_id=line.slots[0].site_id,
            quantity=machines,
        )


# The ledger


def test_totals_and_file_are_about_every_contract_of_the_filter_and_not_of_the_page(
    story: Story, seller: Seat
) -> None:
    with story.begin() as uow:
        many_drafts(uow, 53, machines=2)
        make_active_contract(uow, machines=3)
    page = seller.page("/contracts?state=draft&sort=monthly_fee")
    assert len(rows_of(page)) == 50
    assert totals_on(page) == ["53", "¥1,038,800", "106"]
    (more,) = [link for link in page.all("a") if link.text == "Next page"]
    assert len(rows_of(seller.page(more.attributes["href"]))) == 3
    (download,) = [link for link in page.all("a") if link.text == "Download CSV"]
    assert download.attributes["href"] == "/contracts/contracts.csv?state=draft"
    head, *rows = file_of(seller, "?state=draft")
    assert head[:5] == ["Contract", "Customer number", "Customer", "State", "Monthly fee"]
    assert len(rows) == 53
    assert {(row[3], row[4], row[5]) for row in rows} == {("Draft", "19600", "2")}
    assert len(file_of(seller)) == 55


def test_the_ledger_is_read_with_the_same_few_statements_however_long_it_is(
    story: Story, seller: Seat
) -> None:
    with story.begin() as uow:
        many_drafts(uow, 2)
    counted = []
    for _ in range(2):
        with Statements() as statements:
            seller.page("/contracts")
        counted.append(len(statements.texts))
        with story.begin() as uow:
            for _ in range(5):
                make_active_contract(uow)
    assert counted[0] == counted[1]


def test_contracts_are_filtered_by_words_end_and_state(story: Story, seller: Seat) -> None:
    with story.begin() as uow:
        active = make_active_contract(uow)
        name, number = active.customer.name, active.number
        draft = make_draft(uow).number
    for query in ([("q", name)], [("ends_before", "令和10年4月1日")], [("state", "active")]):
        assert [row[0] for row in rows_of(seller.page(f"/contracts?{encoded(query)}"))] == [number], query
    page = seller.page("/contracts")
    assert [row[0] for row in rows_of(page)] == [draft, number]
    assert [row[4] for row in rows_of(page)] == ["—", "31 Mar 2028"]
    assert [mark.text for nav in page.with_class("tabs") for mark in nav.with_class("count")] == [
        "1",
        "1",
        "0",
    ]
    answer = seller.get("/contracts?ends_before=someday")
    assert answer.status_code == 422
    assert "Write a day such as" in answer.text
    assert seller.get("/contracts/contracts.csv?ends_before=someday").status_code == 422


def test_a_name_that_looks_like_a_formula_is_only_a_name_in_a_spreadsheet(story: Story, seller: Seat) -> None:
    names = ["=HYPERLINK(1)", "+81", "-1", "@SUM", "＝1+1", "Plain, with a comma"]
    with story.begin() as uow:
        for name in names:
            customer, account, _ = make_customer(uow, name)
            draft_contract(uow, customer.id, account.id, months=12, wanted_on=uow.today, note=name)
    rows = file_of(seller)[1:]
    shown = [f"'{name}" for name in names[:-1]] + names[-1:]
    assert [row[2] for row in rows] == shown
    assert [row[-1] for row in rows] == shown
    assert [harmless(value) for value in (-5, None, "a=b", "\tx")] == [-5, "", "a=b", "'\tx"]


# A draft


def test_a_contract_is_written_line_by_line_and_activated(story: Story, seller: Seat) -> None:
    with story.begin() as uow:
        model = make_model(uow)
        stock(uow, model, 2)
        version = make_plan(uow, model)
        customer, account, site = make_customer(uow)
    found = seller.page(f"/contracts/new?{encoded([('q', '喫茶ミドリ')])}")
    links = {link.attributes["href"] for link in found.all("a")}
    assert f"/contracts/new?customer_id={customer.id}" in links
    form = {
        "billing_account_id": str(account.id),
        "months": "24",
        "wanted_on": "2026-04-10",
        "renewal": "auto",
        "notice_days": "90",
        "note": "",
        "request_key": "1" * 32,
    }
    first, again = (seller.post(f"/contracts/new?customer_id={customer.id}", form) for _ in range(2))
    assert first.status_code == 303
    assert first.headers["Location"] == again.headers["Location"]
    path = first.headers["Location"]
    assert "Nothing is agreed yet. Add at least one line." in seller.get(path).text

    line = {
        "line-rate_plan_version_id": str(version.id),
        "line-site_id": str(site.id),
        "line-quantity": "2",
        "line-monthly_fee": "",
        "line-request_key": "2" * 32,
    }
    assert [seller.post(f"{path}/lines", line).status_code for _ in range(2)] == [303, 303]
    assert story.count(Line) == 1
    page = seller.get(path).text
    assert "Everything is there. Next: activate the contract." in page
    assert "2 needed, 2 free" in page

    answer = seller.post(f"{path}/activate", {"activation-effective_on": "2026-04-10"})
    assert answer.status_code == 303
    assert "Units are held. Installation orders are being prepared." in seller.get(path).text
    page = seller.get(path).text
    assert "2 machines wait for installation" in page
    assert "10 Apr 2026 – 9 Apr 2028" in page
    assert f"{path}/activate" not in page
    story.everything_happens()
    assert "Work order W000001 opened" in seller.get(path).text


def test_obstacles_are_said_in_words_and_the_button_is_missing_and_yet_sending_is_refused(
    story: Story, seller: Seat
) -> None:
    with story.begin() as uow:
        contract = make_draft(uow, machines=2, stocked=False)
        contract.terms[0].months = 6
        stock(uow, contract.lines[0].equipment_model, 1)
    path = f"/contracts/{contract.id}"
    page = seller.get(path).text
    short = "The plan STD asks for at least 12 months, and 6 are agreed."
    assert short in page
    assert "2 needed, 1 free" in page
    assert f'action="{path}/activate"' not in page
    answer = seller.post(f"{path}/activate", {"activation-effective_on": "2026-04-01"})
    assert answer.status_code == 422
    assert answer.text.count(short) == 2  # above the page, and at the form
    assert story.count(Reservation) == 0
    with story.reading() as session:
        assert session.get_one(Contract, contract.id).state is ContractState.DRAFT


def test_a_day_too_long_ago_is_refused_with_the_first_day_possible(story: Story, seller: Seat) -> None:
    with story.begin() as uow:
        contract = make_draft(uow)
    answer = seller.post(f"/contracts/{contract.id}/activate", {"activation-effective_on": "2025-12-01"})
    assert answer.status_code == 422
    assert "Effective from: This is too long ago. Choose 30 Dec 2025 or a later day." in answer.text


def test_terms_saved_by_somebody_else_are_not_overwritten(story: Story, seller: Seat) -> None:
    with story.begin() as uow:
        contract = make_draft(uow)
    path = f"/contracts/{contract.id}"
    form = {
        "facts-months": "36",
        "facts-wanted_on": "2026-05-01",
        "facts-renewal": "confirm",
        "facts-notice_days": "30",
        "facts-note": "as agreed on the phone",
        "facts-version": str(contract.version),
    }
    assert seller.post(path, form).status_code == 303
    answer = seller.post(path, {**form, "facts-months": "12"})
    assert answer.status_code == 409
    assert "Somebody else saved this in the meantime." in answer.text
    page = seller.get(path).text
    assert "36 months" in page
    assert "as agreed on the phone" in page
    assert "We ask the customer" in page


@pytest.mark.parametrize(("field", "typed"), [("months", "0"), ("months", "121"), ("notice_days", "366")])
def test_terms_out_of_range_are_refused_at_their_field(
    story: Story, seller: Seat, field: str, typed: str
) -> None:
    with story.begin() as uow:
        contract = make_draft(uow)
    form = {
        "facts-months": "24",
        "facts-wanted_on": "2026-05-01",
        "facts-renewal": "auto",
        "facts-notice_days": "30",
        "facts-version": str(contract.version),
        f"facts-{field}": typed,
    }
    answer = seller.post(f"/contracts/{contract.id}", form)
    assert answer.status_code == 422
    assert "Write a whole number from" in answer.text


def test_a_line_of_another_contract_is_not_removed_by_its_address(story: Story, seller: Seat) -> None:
    with story.begin() as uow:
        contract, other = make_draft(uow), make_draft(uow)
        own_id, other_id = contract.lines[0].id, other.lines[0].id
    assert seller.post(f"/contracts/{contract.id}/lines/{other_id}/remove").status_code == 404
    assert story.count(Line) == 2
    assert seller.post(f"/contracts/{contract.id}/lines/{own_id}/remove").status_code == 303
    assert story.count(Line) == 1


def test_only_this_customers_sites_and_accounts_can_be_chosen(story: Story, seller: Seat) -> None:
    with story.begin() as uow:
        contract = make_draft(uow)
        _, strange_account, strange_site = make_customer(uow, "別会社")
    page = seller.get(f"/contracts/{contract.id}").text
    assert str(strange_site.id) not in page
    page = seller.get(f"/contracts/new?customer_id={contract.customer_id}").text
    assert str(strange_account.id) not in page


def test_a_cancelled_draft_says_why_and_has_no_forms_any_more(story: Story, seller: Seat) -> None:
    with story.begin() as uow:
        contract = make_draft(uow)
    path = f"/contracts/{contract.id}"
    assert seller.post(f"{path}/cancel", {"cancel-reason": ""}).status_code == 422
    assert seller.post(f"{path}/cancel", {"cancel-reason": "went <elsewhere>"}).status_code == 303
    page = seller.get(path).text
    assert "went &lt;elsewhere&gt;" in page
    assert f'action="{path}' not in page
    for action in ("/activate", "/cancel"):
        form = {"activation-effective_on": "2026-04-01", "cancel-reason": "again"}
        assert seller.post(f"{path}{action}", form).status_code == 409


def test_who_only_reads_sees_no_form(story: Story) -> None:
    with story.begin() as uow:
        contract = make_draft(uow)
    page = Seat(story.a(Role.BILLING).client).page(f"/contracts/{contract.id}")
    main = page.all("main")[0]
    assert [form for form in main.all("form") if form.attributes.get("method") == "post"] == []


# What happened


def install(story: Story, contract: Contract) -> None:
    """The machines of the contract's only job stand at the customer's."""
    technician = story.person(Role.TECHNICIAN)
    with story.begin("technician") as uow:
        order = uow.session.scalars(select(WorkOrder).where(WorkOrder.contract_id == contract.id)).one()
        visit = send_out(uow, order, technician.id)
        arrive(uow, visit.id, at=uow.now)
        for tag in uow.session.scalars(select(Unit.tag).order_by(Unit.tag)).all():
            scan_for_order(uow, order.id, tag, at=uow.now)
        complete_installation(uow, order.id, technician.id, at=uow.now, op_id=new_id())


def test_one_timeline_tells_everything_newest_first_or_one_kind_alone(story: Story, seller: Seat) -> None:
    with story.begin() as uow:
        contract = make_draft(uow, machines=2)
    story.later(minutes=1)
    with story.begin("seller") as uow:
        activate_contract(uow, contract.id, uow.today)
    story.later(minutes=1)
    story.everything_happens()
    story.later(minutes=1)
    install(story, contract)

    def titles(query: str = "") -> list[str]:
        page = seller.page(f"/contracts/{contract.id}{query}")
        (timeline,) = page.with_class("timeline")
        return [entry.all("b")[0].text for entry in timeline.all("li")]

    with story.reading() as session:
        site = session.scalars(select(Site.name)).one()
    rent, placed = "Rent of 2 slots runs from 1 Apr 2026", f"2 units installed at {site}"
    opened, done = "Work order W000001 opened", "Work order W000001: Done"
    steps = ["Contract activated, units held", "Draft written"]
    assert titles() == [rent, placed, done, opened, *steps]
    assert titles("?show=steps") == steps
    assert titles("?show=rent") == [rent]
    assert titles("?show=placements") == [placed]
    assert titles("?show=work-orders") == [done, opened]
    assert titles("?show=nonsense") == titles()
    page = seller.get(f"/contracts/{contract.id}").text
    assert "In service: ¥0 → ¥19,600 a month" in page
    assert "All 2 machines are in service" in page
    assert "The term ends on 31 Mar 2028; notice is possible until 1 Jan 2028." in page


def test_slots_whose_job_was_cancelled_get_another(story: Story, seller: Seat) -> None:
    with story.begin() as uow:
        contract = make_active_contract(uow)
    story.everything_happens()
    with story.begin() as uow:
        cancel_work_order(uow, uow.session.scalars(select(WorkOrder.id)).one(), reason="rebuilding")
    path = f"/contracts/{contract.id}"
    assert "1 of them has no work order yet" in seller.get(path).text
    dispatcher = Seat(story.a(Role.DISPATCHER).client)
    assert [dispatcher.post(f"{path}/work-orders").status_code for _ in range(2)] == [303, 303]
    assert story.count(WorkOrder) == 2
    assert "no work order yet" not in seller.get(path).text


def test_a_contract_is_read_with_the_same_few_statements_however_large_it_is(
    story: Story, seller: Seat
) -> None:
    counted, another = [], count()
    for machines in (1, 8):
        with story.begin() as uow:
            contract = make_draft(uow, machines=machines)
            for _ in range(machines):
                customer_model = make_model(uow, f"X-{next(another)}")
                stock(uow, customer_model, 1)
                add_line(
                    uow,
                    contract.id,
                    rate_plan_version_id=make_plan(uow, customer_model).id,
                    site_id=contract.lines[0].slots[0].site_id,
                    quantity=1,
                )
        with story.begin() as uow:
            activate_contract(uow, contract.id, uow.today)
        story.everything_happens()
        with Statements() as statements:
            seller.page(f"/contracts/{contract.id}")
        counted.append(len(statements.texts))
    assert counted[0] == counted[1]


# Words


def test_every_state_has_a_word_and_a_mark() -> None:
    kinds = [
        kind
        for kind in vars(rules).values()
        if isinstance(kind, type) and issubclass(kind, StrEnum) and kind.__module__ == rules.__name__
    ]
    assert len(kinds) == 5
    for kind in kinds:
        assert set(words.STATES[kind]) == set(words.CHIPS[kind]) == set(kind), kind


def test_every_refusal_has_a_sentence(story: Story) -> None:
    codes = {kind.code for kind in _all_below(DomainError) if kind.__module__.startswith("rental.contracts.")}
    assert codes == set(words.REFUSALS)
    with story.app.test_request_context():
        said = refusal(rules.TermTooShort(plan="STD", minimum_months=12, months=6))
    assert "STD" in said


def _all_below(kind: type[DomainError]) -> set[type[DomainError]]:
    return {below for each in kind.__subclasses__() for below in {each, *_all_below(each)}}
