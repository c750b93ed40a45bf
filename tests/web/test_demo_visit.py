"""Whoever tries the demo company is told what to try, and only there."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import func, select

from rental.billing.models import Invoice
from rental.billing.rules.runs import SendingWay
from rental.billing.runs import bill_chunk, open_run
from rental.billing.sending import mark_closing_sent
from rental.core.stored_files import StoredFile
from rental.demo.clock import pin_business_date
from rental.demo.people import ONE_OF_EACH
from rental.identity.permissions import Role
from rental.web.sign_in.demo_steps import DemoStep, demo_steps
from tests.factories.billed import Rented, invoices_of, machines_in_service, make_issuer
from tests.support.story import PASSWORD, Story
from tests.web.html import Element, read_page


@pytest.fixture
def demo(story: Story) -> Story:
    """A company that lives on a day of its own."""
    with story.begin() as uow:
        pin_business_date(uow, date(2026, 11, 20))
    return story


def steps_of(story: Story) -> list[tuple[DemoStep, str]]:
    with story.app.test_request_context("/sign-in"):
        return [(step, step.path) for step in demo_steps()]


def listed(page: Element) -> list[str]:
    return [link.attributes["href"] for link in page.all("a") if "next=" in link.attributes.get("href", "")]


def test_the_sign_in_page_of_a_real_company_lists_nothing(story: Story) -> None:
    page = story.visitor().get("/sign-in").text
    assert "An invented company" not in page
    assert listed(read_page(page)) == []
    assert steps_of(story) == []


def test_the_demo_company_lists_a_step_for_each_kind_of_person(demo: Story) -> None:
    page = read_page(demo.visitor().get("/sign-in").text)
    steps = steps_of(demo)
    assert [(step.role, step.email) for step, _path in steps] == [
        (Role.WAREHOUSE, "ishida@example.jp"),
        (Role.SALES, "morikawa@example.jp"),
        (Role.DISPATCHER, "noguchi@example.jp"),
        (Role.TECHNICIAN, "t01@example.jp"),
        (Role.BILLING, "miura@example.jp"),
        (Role.ADMINISTRATOR, "ogawa@example.jp"),
    ]
    assert {(step.role, step.email) for step, _path in steps} <= {
        (person.role, person.email) for person in ONE_OF_EACH
    }
    assert listed(page) == [f"/sign-in?next={path}" for _step, path in steps]


def test_a_step_fills_in_who_signs_in_and_leads_to_its_page(demo: Story) -> None:
    for step, path in steps_of(demo):
        demo.person(step.role, email=step.email)
        visitor = demo.visitor()
        page = read_page(visitor.get(f"/sign-in?next={path}").text)
        entered = {each.attributes.get("name"): each.attributes.get("value") for each in page.all("input")}
        assert (entered["email"], entered["next"]) == (step.email, path)
        assert [link for link in page.all("a") if link.attributes.get("aria-current") == "step"]
        answer = visitor.post("/sign-in", {"email": step.email, "password": PASSWORD, "next": path})
        assert (answer.status_code, answer.location) == (303, path)
        assert visitor.get(path).status_code == 200


def test_another_page_to_go_on_to_fills_in_nobody(demo: Story) -> None:
    page = read_page(demo.visitor().get("/sign-in?next=/account").text)
    entered = {each.attributes.get("name"): each.attributes.get("value") for each in page.all("input")}
    assert (entered["email"], entered["next"]) == ("", "/account")


def test_an_invoice_of_the_past_is_drawn_when_somebody_opens_it(story: Story) -> None:
    """It was sent before our books began, so no worker ever drew it."""
    with story.begin() as uow:
        make_issuer(uow)
    machines_in_service(story, Rented(9800))
    with story.begin() as uow:
        then = uow.at(datetime(2026, 5, 1, 0, 30, tzinfo=UTC), heard=False)
        run = open_run(then, date(2026, 4, 30))
        bill_chunk(then, run.id, 1)
        mark_closing_sent(then, run.id, SendingWay.MAIL)
    (invoice,) = invoices_of(story)
    clerk = story.a(Role.BILLING)
    page = clerk.get(f"/invoices/{invoice.id}").text
    assert "The document is being drawn" not in page
    assert f"/invoices/{invoice.id}/document.pdf" in page

    answers = [clerk.get(f"/invoices/{invoice.id}/document.pdf") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].data.startswith(b"%PDF-")
    assert answers[0].data == answers[1].data
    with story.reading() as session:
        assert session.scalar(select(func.count()).select_from(StoredFile)) == 1
        assert session.get_one(Invoice, invoice.id).document_id is not None
