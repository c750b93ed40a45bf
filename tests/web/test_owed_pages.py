"""What is still owed: in the list of invoices, and on the statement of a billing account."""

import pytest

from rental.identity.permissions import Role
from tests.factories.billed import invoices_of
from tests.support.beginnings import Once
from tests.support.story import Browser, Story
from tests.web.html import read_page
from tests.web.test_payment_pages import bill_two_months, record, text_of

APRIL, MAY = "INV-2026-00000001", "INV-2026-00000002"


@pytest.fixture
def company(story: Story, once: Once) -> Story:
    """One account owes 10,780 yen for April, due on 1 June, and again for May; it is 12 June."""
    once(bill_two_months)
    return story


@pytest.fixture
def clerk(company: Story) -> Browser:
    return company.a(Role.BILLING)


def listed(clerk: Browser, standing: str) -> list[str]:
    """The invoices on the list that stand like this."""
    text = text_of(clerk, f"/invoices?standing={standing}")
    return [number for number in (APRIL, MAY) if number in text]


# the list of invoices


def test_the_list_says_what_is_owed_of_each_invoice_and_since_when(company: Story, clerk: Browser) -> None:
    invoice = invoices_of(company)[0]
    text = text_of(clerk, "/invoices")
    assert "Total with tax ¥21,560 Still owed ¥21,560 Of that overdue ¥10,780" in text
    assert "1 Jun 2026 ¥10,780 ¥10,780 ✕ 11 days overdue ✓ By post" in text
    assert "30 Jun 2026 ¥10,780 ¥10,780 ○ To be paid ✓ By post" in text
    record(clerk, invoice, amount="13000", reference="A-1")
    text = text_of(clerk, "/invoices")
    assert "1 Jun 2026 ¥10,780 ¥0 ✓ Settled ✓ By post" in text
    assert "30 Jun 2026 ¥10,780 ¥8,560 ▲ Partly settled ✓ By post" in text
    assert "Total with tax ¥21,560 Still owed ¥8,560 " in text
    assert "Of that overdue" not in text


def test_the_page_of_an_invoice_says_that_it_is_overdue(company: Story, clerk: Browser) -> None:
    april, may = invoices_of(company)
    assert "✕ 11 days overdue ✓ By post" in text_of(clerk, f"/invoices/{april.id}")
    assert "○ To be paid ✓ By post" in text_of(clerk, f"/invoices/{may.id}")


def test_the_list_is_filtered_by_what_is_owed(company: Story, clerk: Browser) -> None:
    assert [listed(clerk, each) for each in ("", "open", "overdue", "settled")] == [
        [APRIL, MAY],
        [APRIL, MAY],
        [APRIL],
        [],
    ]
    record(clerk, invoices_of(company)[0])
    assert [listed(clerk, each) for each in ("open", "overdue", "settled")] == [[MAY], [], [APRIL]]
    assert clerk.get("/invoices?standing=gone").status_code == 422


def test_an_invoice_is_overdue_from_the_day_after_it_was_due(company: Story) -> None:
    company.on("2026-06-30")
    assert listed(company.a(Role.BILLING), "overdue") == [APRIL]
    company.on("2026-07-01")
    clerk = company.a(Role.ADMINISTRATOR)
    assert listed(clerk, "overdue") == [APRIL, MAY]
    assert "✕ 1 day overdue" in text_of(clerk, "/invoices")


def test_tabs_keep_the_filter_and_the_filter_the_tab(clerk: Browser) -> None:
    page = read_page(clerk.get("/invoices?standing=overdue&state=sent&q=INV").text)
    links = [each.attributes.get("href", "") for each in page.all("a")]
    (finalised,) = [link for link in links if "state=finalised" in link]
    assert "standing=overdue" in finalised
    (without_words,) = [link for link in links if link.startswith("/invoices?") and "q=INV" not in link]
    assert {"standing=overdue", "state=sent"} <= set(without_words.partition("?")[2].split("&"))


# the statement


def test_the_statement_goes_from_the_newest_back_with_the_balance_after_each(
    company: Story, clerk: Browser
) -> None:
    april = invoices_of(company)[0]
    record(clerk, april, amount="30000", reference="A-1")
    text = text_of(clerk, f"/billing-accounts/{april.billing_account_id}/statement")
    assert "Still owed ¥0 Paid or credited ahead ¥8,440 Balance -¥8,440" in text
    assert "Payment PAY-2026-00000001 10 Jun 2026 A-1 – ¥30,000 -¥8,440" in text
    assert f"Invoice {MAY} 1 Jun 2026 – ¥10,780 – ¥21,560" in text
    assert f"Invoice {APRIL} 1 May 2026 – ¥10,780 – ¥10,780" in text
    assert text.index("PAY-2026") < text.index(MAY) < text.index(APRIL)


def test_the_page_of_the_account_has_the_end_of_its_statement(company: Story, clerk: Browser) -> None:
    april = invoices_of(company)[0]
    page = f"/billing-accounts/{april.billing_account_id}"
    shown = text_of(clerk, page)
    assert f"Statement balance ¥21,560 Invoice {MAY} 1 Jun 2026 balance ¥21,560 ¥10,780" in shown
    assert f'href="{page}/statement"' in clerk.get(page).text
    record(clerk, april, amount="30000", reference="A-1")
    shown = text_of(clerk, page)
    assert "Statement balance -¥8,440 Still owed ¥0 Paid or credited ahead ¥8,440 Payment" in shown
    assert "Statement" not in text_of(company.a(Role.WAREHOUSE), page)


def test_every_row_leads_to_what_it_speaks_of(company: Story, clerk: Browser) -> None:
    april = invoices_of(company)[0]
    record(clerk, april, reference="A-1")
    page = read_page(clerk.get(f"/billing-accounts/{april.billing_account_id}/statement").text)
    (table,) = page.all("table")
    rows = [each.attributes["href"] for each in table.all("a") if each.attributes.get("class") == "code"]
    assert len(rows) == 3
    for path in rows:
        assert clerk.get(path).status_code == 200
