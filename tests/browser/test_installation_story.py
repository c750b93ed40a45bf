"""The thin line in a real browser: received, labelled, promised, installed by code, and read in the history.

The story is told by what things are, not by what they are called, so that it runs in both languages.
"""

import re
from dataclasses import dataclass, field
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from rental.contracts.models import Slot
from rental.identity.permissions import Role
from rental.inventory.models import LabelCode, Unit
from rental.inventory.rules.unit_states import LocationKind, UnitState
from tests.browser.site import NEEDS_BROWSER, Site
from tests.factories.rented import make_customer, make_model, make_plan, make_rule, place

pytestmark = [*NEEDS_BROWSER, pytest.mark.slow]

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
# A standard installation of one machine, from the day's list to the rent: what a technician presses.
MOST_TAPS = 6


@dataclass
class Thumb:
    """Presses things on a phone, and counts. Typing or scanning a code is not a tap."""

    page: Page
    taps: int = field(default=0)

    def taps_on(self, selector: str) -> None:
        self.page.locator(selector).first.tap()
        self.taps += 1

    def scans(self, code: str) -> None:
        self.page.locator("[data-scan-input]").fill(code)
        self.page.keyboard.press("Enter")


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

    codes = warehouse_receives_three(
        site.desk(people[Role.WAREHOUSE], path="/receiving/new", locale=language)
    )
    assert len(codes) == 3
    units_are_shelved_and_labelled(site.desk(people[Role.WAREHOUSE], path="/receiving", locale=language))

    desk = site.desk(people[Role.SALES], path=f"/contracts/new?customer_id={customer.id}", locale=language)
    sales_promises_two(desk)
    story.everything_happens()

    dispatcher_sends_somebody(site.desk(people[Role.DISPATCHER], path="/work-orders", locale=language))
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
    technician_installs(thumb, list(held), wrong=str(others[0])[::-1])
    assert thumb.taps <= MOST_TAPS

    with story.reading() as session:
        installed = session.scalars(select(Unit).where(Unit.state == UnitState.INSTALLED)).all()
        assert {unit.location.kind for unit in installed} == {LocationKind.SITE}
        assert [str(day) for day in session.scalars(select(Slot.started_on))] == ["2026-04-16"] * 2
        unit_id, tag = installed[0].id, installed[0].tag
    administrator_reads_the_history(
        site.desk(people[Role.ADMINISTRATOR], path=f"/units?q={tag}", locale=language), unit_id
    )


def warehouse_receives_three(page: Page) -> list[str]:
    page.locator("#supplier_name").fill("Kissa Works")
    page.locator("#serials").fill("KW-0001\nKW-0002\nKW-0001")
    page.locator("button[name=preview]").click()
    expect(page.locator("tr.row-wrong")).to_have_count(1)
    page.locator("#serials").fill("KW-0001\nKW-0002\nKW-0003")
    page.locator("form[action='/receiving/new'] button[type=submit]:not([name])").click()
    expect(page.locator("tbody tr")).to_have_count(3)
    return page.locator("tbody tr td:nth-child(3) .code").all_inner_texts()


def units_are_shelved_and_labelled(page: Page) -> None:
    page.locator("tbody tr a.code").first.click()
    page.locator("form[action$='/shelve'] input[name$=place]").fill("A-01-1")
    page.locator("form[action$='/shelve'] button[type=submit]").click()
    expect(page.locator(".status-done")).to_have_count(3)
    page.locator("a[href*='/labels?delivery=']").click()
    with page.expect_download() as download:
        page.locator("form[action='/labels'] button[type=submit]").click()
    assert download.value.path().read_bytes().startswith(b"%PDF-")


def sales_promises_two(page: Page) -> None:
    page.locator("input[name$=months]").fill("24")
    page.locator("form[action^='/contracts/new'] button[type=submit]").click()
    page.locator("form[action$='/lines'] input[name$=quantity]").fill("2")
    page.locator("form[action$='/lines'] button[type=submit]").click()
    page.locator("form[action$='/activate'] button[type=submit]").click()
    expect(page.locator(".timeline li")).to_have_count(2)


def dispatcher_sends_somebody(page: Page) -> None:
    page.locator("tbody tr a.code").first.click()
    plan = page.locator("form[action='/work-orders/plan']")
    plan.locator("input[name$=publish]").check()
    plan.locator("button[type=submit]").click()
    expect(page.locator("main")).to_contain_text("2026")


def technician_installs(thumb: Thumb, codes: list[str], *, wrong: str) -> None:
    page = thumb.page
    thumb.taps_on(".stop-now a")
    thumb.taps_on("form[action$='/arrive'] button")
    thumb.scans(wrong)
    expect(page.locator(".said-bad")).to_be_visible()
    thumb.scans(codes[0].lower())
    expect(page.locator(".machine-scanned")).to_have_count(1)
    thumb.scans(f"HTTPS://LOCALHOST/Q/{codes[1]}")
    expect(page.locator(".machine-scanned")).to_have_count(2)
    thumb.taps_on("#dock a[href$='/complete'], .dock a[href$='/complete']")
    thumb.taps_on("form[action$='/complete'] button")
    expect(page.locator(".rent li")).to_have_count(2)
    expect(page.locator(".rent")).to_contain_text("¥9,800")


def administrator_reads_the_history(page: Page, unit_id: UUID) -> None:
    expect(page).to_have_url(re.compile(f"/units/{unit_id}$"))
    history = page.locator("ol.history li")
    expect(history.first).to_be_visible()
    assert history.count() >= 7
