"""What people do along the thin line, in a browser: receive, shelve, promise, plan, install.

It is told by what things are, not by what they are called, so that it runs in both languages.
"""

from dataclasses import dataclass, field

from playwright.sync_api import Page, expect

from rental.web.console.contract_timeline import EntryKind

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
# A day's search takes seconds, and the machine is busy.
PLANNED_WITHIN_MS = 90_000


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


def receive_three(page: Page) -> list[str]:
    """Three machines come in, one of them typed twice at first; their tags."""
    page.locator("#supplier_name").fill("Kissa Works")
    page.locator("#serials").fill("KW-0001\nKW-0002\nKW-0001")
    page.locator("button[name=preview]").click()
    expect(page.locator("tr.row-wrong")).to_have_count(1)
    page.locator("#serials").fill("KW-0001\nKW-0002\nKW-0003")
    page.locator("form[action='/receiving/new'] button[type=submit]:not([name])").click()
    expect(page.locator("tbody tr")).to_have_count(3)
    return page.locator("tbody tr td:nth-child(3) .code").all_inner_texts()


def shelve_and_label(page: Page) -> None:
    """The whole delivery goes to a shelf, and its labels are printed."""
    page.locator("tbody tr a.code").first.click()
    page.locator("form[action$='/shelve'] input[name$=place]").fill("A-01-1")
    page.locator("form[action$='/shelve'] button[type=submit]").click()
    expect(page.locator(".status-done")).to_have_count(3)
    page.locator("a[href*='/labels?delivery=']").click()
    with page.expect_download() as download:
        page.locator("form[action='/labels'] button[type=submit]").click()
    assert download.value.path().read_bytes().startswith(b"%PDF-")


def promise_two(page: Page) -> None:
    """A contract over two years and two machines, activated."""
    page.locator("input[name$=months]").fill("24")
    page.locator("form[action^='/contracts/new'] button[type=submit]").click()
    page.locator("form[action$='/lines'] input[name$=quantity]").fill("2")
    page.locator("form[action$='/lines'] button[type=submit]").click()
    page.locator("form[action$='/activate'] button[type=submit]").click()
    # A worker may have opened the work order already, which is told here as well.
    page.locator(f"#timeline .tabs a[href*='show={EntryKind.STEPS.value}']").click()
    expect(page.locator(".timeline li")).to_have_count(2)


def send_somebody(page: Page) -> None:
    """A visit planned by hand and sent out at once."""
    page.locator("tbody tr a.code").first.click()
    plan = page.locator("form[action='/work-orders/plan']")
    plan.locator("input[name$=publish]").check()
    plan.locator("button[type=submit]").click()
    expect(page.locator("main")).to_contain_text("2026")


def plan_the_day_and_send_it_out(page: Page, day: str) -> None:
    """The routes of a day are worked out by a worker, while the page waits, and sent out."""
    form = page.locator("form[method=post][action='/plans']")
    form.locator("input[name$=planned_on]").fill(day)
    form.locator("select[name$=seconds]").select_option(index=0)  # the shortest search
    form.locator("button[type=submit]").click()
    publish = page.locator("form[action$='/publish']")
    expect(publish).to_be_attached(timeout=PLANNED_WITHIN_MS)
    page.locator(".confirm", has=publish).locator("summary").click()
    publish.locator("button[type=submit]").click()
    expect(publish).to_have_count(0)


def install(thumb: Thumb, codes: list[str], *, wrong: str) -> None:
    """From the day's list to the rent; a code that fits nothing is refused on the way."""
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
