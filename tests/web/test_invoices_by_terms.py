"""The pages of an invoice that asks for more than plain rent, and of one that will."""

from datetime import date
from uuid import UUID

import pytest

from rental.billing.agreements import agree_cost, agree_terms
from rental.billing.usage_readings import Reading, take_readings
from rental.catalog.rules import AnchorKind, Cost
from rental.contracts.agreeing import Terms, agree_discount
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
