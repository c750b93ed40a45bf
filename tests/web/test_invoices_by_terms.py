"""The pages of an invoice that asks for more than plain rent, and of one that will."""

from datetime import date
from uuid import UUID

import pytest

from rental.billing.agreements import agree_cost, agree_terms
from rental.billing.rules.amendments import Effect
from rental.billing.usage_readings import Reading, take_readings
from rental.catalog.rules import AnchorKind, Cost
from rental.changes.amendments import amend, hold_contract
from rental.changes.line_books import contract_book
from rental.changes.plans import plan_price
from rental.contracts.agreeing import Terms, agree_discount
from rental.core.money import yen_of
from rental.core.uow import UnitOfWork
from rental.identity.permissions import Role
from tests.factories.billed import InService, Rented, close, invoices_of, machines_in_service, make_issuer
from tests.support.story import Story
from tests.web.html import read_page

PRINTS = {"model": "per_unit", "unit_price": "0.55"}


def agree(uow: UnitOfWork, line_id: UUID) -> None:
    terms = Terms(anchor=AnchorKind.CALENDAR, anchored_on=date(2026, 3, 1), months=2, usage=PRINTS)
    agree_terms(uow, line_id, terms)
    agree_cost(uow, line_id, Cost.DELIVERY, unit_price=1200)
    agree_discount(uow, line_id, name="開店祝い", basis_points=1000)


@pytest.fixture
def contract(story: Story) -> InService:
    """A copier since the middle of a period of two months, with a discount and what it printed."""
    with story.begin() as uow:
        make_issuer(uow)
    story.on("2026-04-01")
    rented = machines_in_service(story, Rented(3000), agree=agree)
    with story.begin("meter") as uow:
        take_readings(uow, [Reading(rented.contract_number, 1, "a", date(2026, 4, 1), 100)])
    story.on("2026-04-30")
    return rented


def test_a_preview_names_what_each_line_asks_for(story: Story, contract: InService) -> None:
    clerk = story.a(Role.BILLING)
    answer = clerk.get(f"/closings/preview/{contract.account_id}?closed_on=2026-04-30")
    assert answer.status_code == 200
    said = read_page(answer.text).text
    for part in ("Discount 開店祝い", "Delivery", "Usage", "¥3,000 × 1 × 30 ÷ 61 days"):
        assert part in said, part
    assert "Credit:" not in said


def test_an_invoice_and_its_lines_say_the_sum_of_each(story: Story, contract: InService) -> None:
    close(story, "2026-04-30")
    (invoice,) = invoices_of(story)
    clerk = story.a(Role.BILLING)
    said = read_page(clerk.get(f"/invoices/{invoice.id}").text).text
    for part in (
        "¥3,000 × 1 × 2 months × 30 ÷ 61 days = ¥2,950",
        "Discount 開店祝い",
        "-¥2,950 × 1000 ÷ 10000 = -¥295",
        "1 × ¥1200 = ¥1,200",
        "100 × ¥0.55 = ¥55",
    ):
        assert part in said, part
    for line in invoice.lines:
        answer = clerk.get(f"/invoices/{invoice.id}/lines/{line.position}")
        assert answer.status_code == 200, line.position


def test_a_line_says_what_changed_it_and_what_was_read(story: Story, contract: InService) -> None:
    with story.begin("Sato") as uow:
        hold_contract(uow, contract.contract_id)
        book = contract_book(uow.session, contract.contract_id)
        plan = plan_price(
            book,
            next(iter(book.lines)),
            yen_of(2500),
            agreed_for=date(2026, 4, 21),
            today=uow.today,
            effect=Effect.IMMEDIATE,
        )
        amend(uow, plan, reason="agreed by telephone")
    story.everything_happens()
    close(story, "2026-04-30")
    (invoice,) = invoices_of(story)
    clerk = story.a(Role.BILLING)

    def said(service_start: date, charge: str | None) -> str:
        (line,) = (
            line
            for line in invoice.lines
            if line.service_start == service_start and line.description.get("charge") == charge
        )
        return read_page(clerk.get(f"/invoices/{invoice.id}/lines/{line.position}").text).text

    before, after = said(date(2026, 4, 1), None), said(date(2026, 4, 21), None)
    for part in ("21 Apr 2026 Fee changes: ¥2,500", "agreed by telephone", "Amendment: Another fee, Sato"):
        assert part in after, part
    assert "What was read" not in after
    assert "Fee changes" in before  # the line ends because of it
    brought = said(date(2026, 4, 1), "one_off")
    assert "1 Apr 2026 Transport: 1 × ¥1200" in brought
    assert "Fee changes" not in brought
    used = said(date(2026, 4, 1), "usage")
    assert "What was read" in used
    assert "1 reading · 100 in all" in used
