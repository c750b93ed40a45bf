"""A machine in a real browser: received, labelled, promised, installed by code, and read in its history."""

import re
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from rental.contracts.models import Slot
from rental.identity.permissions import Role
from rental.inventory.models import LabelCode, Unit
from rental.inventory.rules.unit_states import LocationKind, UnitState
from tests.browser.site import NEEDS_BROWSER, Site
from tests.browser.thin_line import (
    PHONE,
    Thumb,
    install,
    promise_two,
    receive_three,
    send_somebody,
    shelve_and_label,
)
from tests.factories.rented import make_customer, make_model, make_plan, make_rule, place

pytestmark = [*NEEDS_BROWSER, pytest.mark.slow]

# A standard installation of one machine, from the day's list to the rent: what a technician presses.
MOST_TAPS = 6


@pytest.mark.parametrize("language", ["ja", "en"])
def test_a_machine_goes_from_the_maker_to_the_counter(site_on_each_database: Site, language: str) -> None:
    site = site_on_each_database
    story = site.story
    people = {
        role: story.person(role, language=language)
        for role in (Role.WAREHOUSE, Role.SALES, Role.DISPATCHER, Role.TECHNICIAN, Role.ADMINISTRATOR)
    }
    story.on("2026-04-16")
    with story.begin() as uow:
        model = make_model(uow)
        make_plan(uow, model, fee=9800)
        make_rule(uow)
        place(uow, LocationKind.BIN)
        customer, _, _ = make_customer(uow)

    codes = receive_three(site.desk(people[Role.WAREHOUSE], path="/receiving/new", locale=language))
    assert len(codes) == 3
    shelve_and_label(site.desk(people[Role.WAREHOUSE], path="/receiving", locale=language))

    desk = site.desk(people[Role.SALES], path=f"/contracts/new?customer_id={customer.id}", locale=language)
    promise_two(desk)
    story.everything_happens()

    send_somebody(site.desk(people[Role.DISPATCHER], path="/work-orders", locale=language))
    story.everything_happens()

    with story.reading() as session:
        held = session.scalars(
            select(LabelCode.code)
            .join(Unit, Unit.id == LabelCode.unit_id)
            .where(Unit.state == UnitState.RESERVED)
            .order_by(Unit.tag)
        ).all()
        others = session.scalars(
            select(LabelCode.code).join(Unit).where(Unit.state == UnitState.AVAILABLE)
        ).all()
    assert (len(held), len(others)) == (2, 1)
    thumb = Thumb(site.desk(people[Role.TECHNICIAN], path="/m/", locale=language, **PHONE))
    install(thumb, list(held), wrong=str(others[0])[::-1])
    assert thumb.taps <= MOST_TAPS

    with story.reading() as session:
        installed = session.scalars(select(Unit).where(Unit.state == UnitState.INSTALLED)).all()
        assert {unit.location.kind for unit in installed} == {LocationKind.SITE}
        assert [str(day) for day in session.scalars(select(Slot.started_on))] == ["2026-04-16"] * 2
        unit_id, tag = installed[0].id, installed[0].tag
    administrator_reads_the_history(
        site.desk(people[Role.ADMINISTRATOR], path=f"/units?q={tag}", locale=language), unit_id
    )


def administrator_reads_the_history(page: Page, unit_id: UUID) -> None:
    expect(page).to_have_url(re.compile(f"/units/{unit_id}$"))
    history = page.locator("ol.history li")
    expect(history.first).to_be_visible()
    assert history.count() >= 7
