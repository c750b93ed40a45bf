"""Script that somebody stored as their name is text to read, on every page that shows it."""

from uuid import UUID

import pytest
from playwright.sync_api import Dialog, Page, expect
from sqlalchemy import select

from rental.core.audit import AuditEntry
from rental.identity.permissions import Role
from tests.browser.site import NEEDS_BROWSER, Site
from tests.support.story import PASSWORD

pytestmark = [*NEEDS_BROWSER, pytest.mark.slow]

HOSTILE_NAME = """<script>harm()</script><img src=x onerror="harm()">'"><svg onload=harm()>${harm()}"""


def test_script_in_a_name_is_read_and_never_run(site: Site) -> None:
    account = site.story.person(Role.ADMINISTRATOR, name=HOSTILE_NAME)
    invited = site.story.person(Role.SALES, name=f"{HOSTILE_NAME} 2")
    page = site.desk()
    dialogs: list[str] = []

    def note(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", note)
    page.add_init_script("window.harm = () => { window.isHarmed = true; };")
    page.get_by_label("E-mail").fill(account.email)
    page.locator("#password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()

    for path in ("/", "/people", f"/people/{account.id}", f"/people/{invited.id}", "/account", "/audit"):
        page.goto(path)
        expect(page.locator("body")).to_contain_text(HOSTILE_NAME)
        require_unharmed(page, path)
    page.goto(f"/audit?q={HOSTILE_NAME[:8]}")
    expect(page.locator(".filters .chip")).to_contain_text(HOSTILE_NAME[:8])
    require_unharmed(page, "/audit?q=")
    page.goto(f"/audit/{entry_about(site)}")
    expect(page.locator("main")).to_contain_text(HOSTILE_NAME)
    require_unharmed(page, "/audit/…")

    page.goto(f"/people/{invited.id}")
    page.locator(".confirm summary").last.click()
    expect(page.locator("dialog[open]")).to_be_visible()
    require_unharmed(page, "a question")
    assert dialogs == []


def require_unharmed(page: Page, where: str) -> None:
    assert page.evaluate("window.isHarmed") is None, where
    assert page.locator("main img, main svg[onload]").count() == 0, where


def entry_about(site: Site) -> UUID:
    with site.story.reading() as session:
        statement = select(AuditEntry.id).where(AuditEntry.entity == "account")
        return session.scalars(statement.order_by(AuditEntry.id).limit(1)).one()
