"""Pages of an account that is sent several invoices by one closing: each says what it is for."""

import pytest

from rental.customers.rules import Consolidation
from rental.identity.permissions import Role
from tests.factories.billed import close, invoices_of
from tests.factories.consolidated import chain_of_two_sites, start
from tests.support.story import Story
from tests.web.html import read_page


@pytest.mark.parametrize(
    ("consolidation", "titles", "words"),
    [
        (
            Consolidation.PER_SITE,
            (
                "S00001 喫茶ふたつ 神田店 · Closing of 30 Apr 2026 ¥1,105",
                "S00002 新宿店 · Closing of 30 Apr 2026 ¥2,211",
            ),
            ("For site S00001 喫茶ふたつ 神田店", "For site S00002 新宿店"),
        ),
        (Consolidation.PER_CONTRACT, ("C-2026-0001",), ("For contract C-2026-0001",)),
        (Consolidation.PER_ACCOUNT, ("What would be charged",), ("",)),
    ],
)
def test_documents_say_what_they_are_for_before_and_after_the_closing(
    story: Story, consolidation: Consolidation, titles: tuple[str, ...], words: tuple[str, ...]
) -> None:
    chain = chain_of_two_sites(story, consolidation)
    start(story, chain, (1005, 2010))
    story.on("2026-05-01")
    clerk = story.a(Role.BILLING)
    seen = read_page(clerk.get(f"/closings/preview/{chain.account_id}?closed_on=2026-04-30").text).text
    assert [title for title in titles if title not in seen] == []
    preview = read_page(clerk.get("/closings/preview?closed_on=2026-04-30").text).text
    assert f"Invoices {len(titles)} Total with tax" in preview
    assert "Close and bill 1 billing account" in preview
    close(story, "2026-04-30")
    pages = [read_page(clerk.get(f"/invoices/{each.id}").text).text for each in invoices_of(story)]
    assert [said in page for said, page in zip(words, pages, strict=True)] == [True] * len(words)
    if consolidation is Consolidation.PER_ACCOUNT:
        assert "For site" not in pages[0]
        assert "For contract" not in pages[0]
