"""A technician with a job on the phone, and the hidden halves of the forms on its page."""

import re
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from werkzeug.test import TestResponse

from rental.core.uow import UnitOfWork
from rental.fieldwork.installing import scan_for_order
from rental.fieldwork.models import WorkOrder
from rental.fieldwork.visits import arrive
from rental.identity.models import Account
from rental.identity.permissions import Role
from rental.inventory.models import Reservation, Unit
from rental.inventory.queries import units_held_for
from tests.factories.rented import code_of, make_order, send_out
from tests.support.story import Browser, Story
from tests.web.html import Element, read_page


@dataclass
class Job:
    """One job of a technician, with the units held for it and the codes on their labels."""

    story: Story
    technician: Account
    browser: Browser
    order_id: UUID
    unit_ids: list[UUID]
    codes: list[str]

    @property
    def path(self) -> str:
        return f"/m/work-orders/{self.order_id}"

    def page(self, below: str = "") -> Element:
        answer = self.browser.get(self.path + below)
        assert answer.status_code == 200
        return read_page(answer.text)

    def press(self, action: str, **fields: object) -> TestResponse:
        """Sends the form of this action as it stands on the page it is on."""
        below = {"complete": "/complete", "block": "/block"}.get(action, "")
        return self.send(action, hidden_of(self.page(below), f"{self.path}/{action}") | fields)

    def send(self, action: str, fields: dict[str, object]) -> TestResponse:
        return self.browser.post(f"{self.path}/{action}", fields)

    def order(self) -> WorkOrder:
        with self.story.reading() as session:
            order = session.get_one(WorkOrder, self.order_id)
            assert order.items
            return order


def job_for(story: Story, *, machines: int = 1, technician: Account | None = None) -> Job:
    """A job that was sent out for today."""
    somebody = technician or story.person(Role.TECHNICIAN)
    with story.begin() as uow:
        order = make_order(uow, machines=machines)
        send_out(uow, order, somebody.id)
        slots = [item.slot_id for item in order.items]
        units = uow.session.scalars(
            select(Unit)
            .join(Reservation, Reservation.unit_id == Unit.id)
            .where(Reservation.slot_id.in_(slots))
            .order_by(Unit.tag)
        ).all()
        codes = [code_of(uow, unit.id) for unit in units]
    return Job(story, somebody, story.signed_in(somebody), order.id, [unit.id for unit in units], codes)


def order_on_phone(uow: UnitOfWork, technician_id: UUID, *, scanned: int = 0) -> dict[str, object]:
    """A job of two machines whose technician is there, with so many of them read already."""
    order = make_order(uow, machines=2)
    visit = send_out(uow, order, technician_id)
    arrive(uow, visit.id, at=uow.now)
    held = units_held_for(uow.session, [item.slot_id for item in order.items])
    tags = sorted(unit.tag for unit in held.values())
    for tag in tags[:scanned]:
        scan_for_order(uow, order.id, tag, at=uow.now)
    return {"on_site_order_id": order.id, "held_tag": tags[-1]}


def hidden_of(page: Element, action: str) -> dict[str, object]:
    """The hidden fields of the form with this action, but for its token."""
    form = next(form for form in page.all("form") if form.attributes.get("action") == action)
    return {
        field.attributes["name"]: field.attributes["value"]
        for field in form.all("input")
        if field.attributes.get("type") == "hidden" and field.attributes["name"] != "csrf_token"
    }


def said_in(text: str) -> str:
    """What the page says about the last scan."""
    found = re.search(r'<div class="(?:said|error-summary).*?</div>', text, re.DOTALL)
    return read_page(found.group()).text if found else ""
