"""What people do in the office, in a real browser: with script, and the same without it."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Locator, Page, Route, expect
from sqlalchemy import select

from rental.identity.accounts import invite_account, open_set_up_link
from rental.identity.models import Account
from rental.identity.permissions import Role
from rental.identity.rules import AccountState
from tests.browser.site import NEEDS_BROWSER, Site
from tests.support.story import PASSWORD

pytestmark = [*NEEDS_BROWSER, pytest.mark.slow]

WITH_AND_WITHOUT_SCRIPT = pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
NEW_PASSWORD = "seven quiet green bicycles"


@WITH_AND_WITHOUT_SCRIPT
def test_an_invited_person_sets_a_password_works_and_is_shut_out_at_once(
    site_on_each_database: Site, script: bool
) -> None:
    site = site_on_each_database
    site.story.person(Role.ADMINISTRATOR)
    office = site.desk(java_script_enabled=script)
    sign_in(office, "administrator@example.jp", PASSWORD)
    open_from_menu(office, "People")
    office.get_by_role("link", name="Invite somebody").click()
    office.get_by_label("Name").fill("Yuki Sato")
    office.get_by_label("E-mail").fill("sato@example.jp")
    office.get_by_label("Billing:").check()
    office.locator("#language").select_option("en")
    office.get_by_role("button", name="Make a set-up link").click()
    link = office.get_by_label("Set-up link").input_value()
    office.reload()
    expect(office.locator(".notice-now")).to_have_count(0)

    guest = site.desk(path=urlsplit(link).path, java_script_enabled=script)
    guest.locator("#password").fill(NEW_PASSWORD)
    guest.get_by_role("button", name="Set password and sign in").click()
    expect(guest.locator("main")).to_contain_text("Good to see you, Yuki Sato")

    confirm(office, "Disable account")
    expect(office.locator(".toast")).to_contain_text("disabled and signed out everywhere")
    open_from_menu(guest, "Checks")
    expect(guest.get_by_role("heading", name="Sign in")).to_be_visible()
    assert state_of(site, "sato@example.jp") is AccountState.DISABLED


@WITH_AND_WITHOUT_SCRIPT
def test_a_list_is_filtered_sorted_and_paged_and_back_goes_back(
    site_on_each_database: Site, script: bool
) -> None:
    site = site_on_each_database
    page = site.desk(many_people(site), path="/people", java_script_enabled=script)

    page.get_by_label("Role").select_option("technician")
    if not script:
        page.get_by_role("button", name="Search").click()
    expect(page).to_have_url(re.compile(r"/people\?.*role=technician"))
    expect(page.locator(".filters .chip")).to_have_text("Remove filter: Role: Technician")
    expect(first_name(page)).to_have_text("Partner 01")

    page.get_by_role("link", name="Name", exact=False).first.click()
    expect(page).to_have_url(re.compile(r"role=technician&sort=-name"))
    expect(first_name(page)).to_have_text("Partner 55")

    page.get_by_role("link", name="Next page").click()
    expect(page).to_have_url(re.compile(r"after="))
    expect(page.locator("tbody tr")).to_have_count(5)
    expect(first_name(page)).to_have_text("Partner 05")

    go_back(page, script)
    expect(first_name(page)).to_have_text("Partner 55")
    go_back(page, script)
    expect(first_name(page)).to_have_text("Partner 01")
    page.get_by_role("link", name="Clear all filters").click()
    expect(first_name(page)).to_have_text("Administrator Example")


def test_a_filter_swaps_only_the_list_and_keeps_the_focus(site: Site) -> None:
    page = site.desk(many_people(site), path="/people")
    page.evaluate("window.isSamePage = true")
    page.get_by_label("Name or e-mail").fill("partner 1")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(10)
    expect(page).to_have_url(re.compile(r"/people\?q=partner(%20|\+)1$"))
    expect(page.get_by_label("Name or e-mail")).to_be_focused()
    expect(page.locator("#announcer")).to_have_text("10 rows")
    page.get_by_label("State").focus()
    page.get_by_label("State").select_option("disabled")
    expect(page.get_by_role("heading", name="Nothing matches")).to_be_visible()
    expect(page.get_by_label("State")).to_be_focused()
    assert page.evaluate("window.isSamePage") is True


def test_sorting_by_keyboard_keeps_the_place(site: Site) -> None:
    page = site.desk(many_people(site), path="/people")
    page.locator("th a", has_text="E-mail").focus()
    page.keyboard.press("Enter")
    expect(page.locator("th", has_text="E-mail")).to_have_attribute("aria-sort", "ascending")
    expect(page.locator("th a", has_text="E-mail")).to_be_focused(timeout=1000)


def test_lists_are_walked_with_the_keyboard(site: Site) -> None:
    page = site.desk(many_people(site), path="/people")
    page.keyboard.press("j")
    expect(row_link(page, 0)).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(row_link(page, 1)).to_be_focused()
    page.keyboard.press("/")
    page.keyboard.type("jk?/")
    expect(page.get_by_label("Name or e-mail")).to_have_value("jk?/")
    page.get_by_role("heading", name="People").click()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Administrator Example")


def test_escape_closes_a_menu_and_gives_the_focus_back(site: Site) -> None:
    page = site.desk(site.story.person(Role.SALES))
    summary = page.locator("details.menu > summary").last
    summary.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Your account")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Your account")).to_be_hidden()
    expect(summary).to_be_focused()


def test_a_question_is_answered_with_the_keyboard(site: Site) -> None:
    site.story.person(Role.SALES)
    page = site.desk(site.story.person(Role.ADMINISTRATOR), path=page_of(site, "sales@example.jp"))
    summary = page.locator(".confirm summary", has_text="Disable account")
    summary.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Disable this account?")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(summary).to_be_focused()
    assert state_of(site, "sales@example.jp") is AccountState.ACTIVE

    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("disabled")
    assert state_of(site, "sales@example.jp") is AccountState.DISABLED


def test_a_form_pressed_twice_is_sent_once(site: Site) -> None:
    page = site.desk(site.story.person(Role.ADMINISTRATOR), path="/people/new")
    waiting: list[Route] = []
    page.route("**/people/new", lambda route: waiting.append(route))  # noqa: PLW0108  (wants a function)
    page.get_by_label("Name").fill("Yuki Sato")
    page.get_by_label("E-mail").fill("sato@example.jp")
    page.get_by_label("Billing:").check()
    with page.expect_request("**/people/new"):
        page.get_by_role("button", name="Make a set-up link").dblclick(no_wait_after=True)
    page.keyboard.press("Enter")
    waiting[0].continue_()
    expect(page.get_by_role("heading", name="Yuki Sato")).to_be_visible()
    assert len(waiting) == 1
    assert site.story.count(Account) == 2


def test_language_and_theme_are_kept_with_the_account(site: Site) -> None:
    account = site.story.person(Role.SALES)
    page = site.desk(account, color_scheme="light")
    assert is_bright(page)
    choose(page, "dark")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert not is_bright(page)
    choose(page, "ja")
    expect(page.locator("html")).to_have_attribute("lang", "ja")

    elsewhere = site.desk(account, color_scheme="light")
    expect(elsewhere.locator("html")).to_have_attribute("lang", "ja")
    assert not is_bright(elsewhere)
    choose(elsewhere, "system")
    expect(elsewhere.locator("html")).not_to_have_attribute("data-theme", re.compile("."))
    assert is_bright(elsewhere)


@WITH_AND_WITHOUT_SCRIPT
def test_a_visitor_chooses_the_language(site: Site, script: bool) -> None:
    page = site.desk(path="/sign-in", locale="ja-JP", java_script_enabled=script)
    expect(page.locator("html")).to_have_attribute("lang", "ja")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_a_check_shows_its_answer_by_itself(site_on_each_database: Site) -> None:
    site = site_on_each_database
    page = site.desk(site.story.person(Role.ADMINISTRATOR), path="/checks")
    site.story.everything_happens()
    page.clock.install()
    page.get_by_role("button", name="Check now").click()
    expect(page.get_by_text("A worker is asking the database")).to_be_visible()
    page.wait_for_load_state()
    site.story.everything_happens()
    page.clock.fast_forward(2500)
    expect(page.get_by_text("All well")).to_be_visible()
    expect(page.get_by_role("link", name="Whole report")).to_be_visible()


def test_a_check_is_asked_for_and_read_without_script(site: Site) -> None:
    page = site.desk(site.story.person(Role.ADMINISTRATOR), path="/checks", java_script_enabled=False)
    page.get_by_role("button", name="Check now").click()
    site.story.everything_happens()
    page.reload()
    expect(page.get_by_text("All well")).to_be_visible()


def test_a_message_leaves_by_itself_or_when_it_is_closed(site: Site) -> None:
    site.story.person(Role.SALES)
    page = site.desk(site.story.person(Role.ADMINISTRATOR), path=page_of(site, "sales@example.jp"))
    page.clock.install()
    page.get_by_role("button", name="Save").press("Enter")
    expect(page.locator(".toast")).to_have_text(re.compile("Saved."))
    page.wait_for_load_state()  # the script counts from here
    page.clock.fast_forward(5100)
    expect(page.locator(".toast")).to_have_count(0)

    page.get_by_role("button", name="Save").click()
    expect(page.locator(".toast")).to_have_count(1)
    page.wait_for_load_state()
    page.get_by_role("button", name="Close this message").click()
    expect(page.locator(".toast")).to_have_count(0)


def test_a_lost_connection_is_said_and_the_list_stays(site: Site) -> None:
    page = site.desk(many_people(site), path="/people")
    page.context.set_offline(True)
    page.locator("th a", has_text="E-mail").click()
    expect(page.locator(".toast-error")).to_contain_text("The server cannot be reached")
    expect(page.locator("tbody tr")).to_have_count(50)
    page.context.set_offline(False)
    site.watch.complaints.clear()  # Chromium lists the request that found no server


def test_whoever_was_signed_out_elsewhere_is_led_to_the_sign_in_and_back(site: Site) -> None:
    account = many_people(site)
    page = site.desk(account, path="/people?sort=email")
    elsewhere = site.desk(account, path="/account")
    confirm(elsewhere, "Sign out everywhere else")
    expect(elsewhere.locator(".toast")).to_contain_text("signed out everywhere else")
    page.get_by_label("Role").select_option("technician")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    sign_in(page, "administrator@example.jp", PASSWORD)
    expect(page).to_have_url(re.compile(r"/people\?"))
    site.watch.complaints.clear()  # Chromium lists the 401 of the list


def test_errors_of_a_form_take_the_focus_and_lead_to_their_fields(site: Site) -> None:
    page = site.desk(site.story.person(Role.ADMINISTRATOR), path="/people/new")
    page.get_by_label("Name").fill("Yuki Sato")
    page.get_by_role("button", name="Make a set-up link").click()
    expect(page.locator(".error-summary")).to_be_focused()
    page.get_by_role("link", name="E-mail: Please fill this in.").click()
    expect(page.get_by_label("E-mail")).to_be_focused()
    expect(page.get_by_label("Name")).to_have_value("Yuki Sato")


def test_whoever_sets_a_password_is_told_that_it_is_set(site: Site) -> None:
    site.story.person(Role.SALES)
    with site.story.begin() as uow:
        token = open_set_up_link(uow, account_with(site, "sales@example.jp").id)
    page = site.desk(path=f"/set-up/{token}")
    page.locator("#password").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Set password and sign in").click()
    expect(page.locator(".toast")).to_contain_text("Your password is set")


@WITH_AND_WITHOUT_SCRIPT
def test_tabs_and_filters_of_the_jobs_go_together(site: Site, script: bool) -> None:
    page = site.desk(site.story.person(Role.ADMINISTRATOR), path="/jobs", java_script_enabled=script)
    page.locator(".tabs a", has_text="Parked").click()
    expect(page).to_have_url(re.compile("state=parked"))
    expect(page.locator(".tabs [aria-current]")).to_contain_text("Parked")

    page.get_by_label("Job", exact=True).select_option("assurance.answer_started_check")
    if not script:
        page.get_by_role("button", name="Filter").click()
    expect(page).to_have_url(re.compile("state=parked.*handler=assurance"))
    expect(page.locator(".tabs [aria-current]")).to_contain_text("Parked")
    expect(page.locator(".filters .chip")).to_have_text("Remove filter: Job: Check the database")

    page.locator(".tabs a", has_text="Running").click()
    expect(page).to_have_url(re.compile("state=running.*handler=assurance|handler=assurance.*state=running"))
    expect(page.locator(".tabs [aria-current]")).to_contain_text("Running")
    page.locator(".filters .clear").click()
    expect(page.locator(".tabs [aria-current]")).to_have_text("All")


def test_a_set_up_link_is_copied_with_one_press(site: Site) -> None:
    site.story.person(Role.SALES)
    page = site.desk(
        site.story.person(Role.ADMINISTRATOR),
        path=page_of(site, "sales@example.jp"),
        permissions=["clipboard-read", "clipboard-write"],
    )
    confirm(page, "New set-up link")
    page.wait_for_load_state()  # the button is there before the script that answers it
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    link = page.get_by_label("Set-up link").input_value()
    assert page.evaluate("navigator.clipboard.readText()") == link


def test_a_password_can_be_looked_at(site: Site) -> None:
    page = site.desk(path="/sign-in")
    page.locator("#password").fill("umbrella")
    page.get_by_role("button", name="Show Password").click()
    expect(page.locator("#password")).to_have_attribute("type", "text")


def sign_in(page: Page, email: str, password: str) -> None:
    page.get_by_label("E-mail").fill(email)
    page.locator("#password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def confirm(page: Page, label: str) -> None:
    """Presses the button that asks first, and says yes: in a dialog, or in the fold below it."""
    page.locator(".confirm summary", has_text=label).click()
    page.get_by_role("button", name=label).click()


def choose(page: Page, value: str) -> None:
    page.locator("details.menu > summary").last.click()
    page.locator(f"details.menu button[value={value}]").click()


def is_bright(page: Page) -> bool:
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(map(int, re.findall(r"\d+", colour)[:3])) > 3 * 128


def go_back(page: Page, script: bool) -> None:
    """Back by one, and wait for the page that is loaded anew: private lists are not kept in the browser."""
    if script:
        page.evaluate("window.isBeforeGoingBack = true")
    page.go_back()
    while script and is_before_going_back(page):
        page.wait_for_timeout(50)
    page.wait_for_load_state()


def is_before_going_back(page: Page) -> bool:
    try:
        return page.evaluate("window.isBeforeGoingBack === true") is True
    except PlaywrightError:  # asked between the two pages
        return True


def open_from_menu(page: Page, name: str) -> None:
    """What is needed seldom hangs in the menu at the end of the bar."""
    page.locator(".menu-more > summary").click()
    page.locator(".menu-more").get_by_role("link", name=name, exact=True).click()


def first_name(page: Page) -> Locator:
    return row_link(page, 0)


def row_link(page: Page, index: int) -> Locator:
    return page.locator("tbody tr").nth(index).locator("a").first


def many_people(site: Site) -> Account:
    """More than fit on one page of a list; returns their administrator."""
    with site.story.begin() as uow:
        for number in range(1, 56):
            invite_account(
                uow,
                email=f"partner{number}@example.jp",
                name=f"Partner {number:02}",
                roles=frozenset({Role.TECHNICIAN}),
                language="en",
            )
    return site.story.person(Role.ADMINISTRATOR)


def account_with(site: Site, email: str) -> Account:
    with site.story.reading() as session:
        return session.scalars(select(Account).where(Account.email == email)).one()


def state_of(site: Site, email: str) -> AccountState:
    return account_with(site, email).state


def page_of(site: Site, email: str) -> str:
    return f"/people/{account_with(site, email).id}"
