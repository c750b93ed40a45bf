"""An account is sent one invoice for all it owes, or one for each contract or site; no yen is on two."""

from datetime import date

import pytest
from sqlalchemy import select

from rental.assurance.checks import CHECKS
from rental.billing.documents import draw
from rental.billing.due import preview_run
from rental.billing.limits import set_limits
from rental.billing.models import BilledSpan, BillingItem
from rental.billing.previews import foresee_closing, foresee_invoice
from rental.billing.reviewing import approve_item
from rental.billing.rules.bounds import Limits
from rental.billing.rules.runs import ItemState
from rental.core.money import Money
from rental.core.uow import Actor, ActorKind, begin
from rental.customers.rules import Consolidation
from rental.identity.permissions import Role
from tests.factories.billed import close, invoices_of, items_of
from tests.factories.consolidated import Asked, agree_on, asked_of, chain_of_two_sites, start
from tests.support.story import Story

APRIL, MAY, JUNE = date(2026, 4, 30), date(2026, 5, 31), date(2026, 6, 30)
# Yen a month at the first and at the second site. Together, by contract, by site: taxes round differently.
FIRST, SECOND = (1005, 2010), (4025, 8045)
ALL = [("", 15085, 1508)]
BY_CONTRACT = [("per_contract C-2026-0001", 3015, 301), ("per_contract C-2026-0002", 12070, 1207)]
BY_SITE = [("per_site S00001 喫茶ふたつ 神田店", 5030, 503), ("per_site S00002 新宿店", 10055, 1005)]


def on(day: date, *documents: tuple[str, int, int]) -> list[Asked]:
    return [Asked(day, *document) for document in documents]


def is_all_well(story: Story) -> None:
    """No check finds anything, save that the audit log waits for its seals."""
    with story.reading() as session:
        asked = {check.code: check.ask(session, story.clock.now()) for check in CHECKS}
    assert {code: rows for code, rows in asked.items() if rows and code != "P4b"} == {}


@pytest.mark.parametrize(
    ("consolidation", "documents"),
    [
        (Consolidation.PER_ACCOUNT, ALL),
        (Consolidation.PER_CONTRACT, BY_CONTRACT),
        (Consolidation.PER_SITE, BY_SITE),
    ],
)
def test_each_document_has_its_lines_and_one_tax(
    story: Story, consolidation: Consolidation, documents: list[tuple[str, int, int]]
) -> None:
    """What is foreseen is billed; a closing opened again has nothing to add."""
    chain = chain_of_two_sites(story, consolidation)
    start(story, chain, FIRST, SECOND)
    story.on("2026-05-01")
    totals = [Money(subtotal + tax) for _title, subtotal, tax in documents]
    with story.reading() as session:
        (foreseen,) = preview_run(session, APRIL, today=date(2026, 5, 1))
        assert [document.draft.totals.total for document in foreseen.documents] == totals
        assert foresee_closing(session, APRIL, today=date(2026, 5, 1)).document_count == len(documents)
        alone = foresee_invoice(session, chain.account_id, APRIL, today=date(2026, 5, 1))
        assert alone
        assert [document.group for document in alone.documents] == [
            document.group for document in foreseen.documents
        ]
    run_id = close(story, "2026-04-30")
    close(story, "2026-04-30")
    assert asked_of(story, chain.account_id) == on(APRIL, *documents)
    assert items_of(story, run_id) == {chain.account_id: (ItemState.DONE, None)}
    is_all_well(story)


def test_each_document_is_a_paper_that_says_what_it_is_for(story: Story) -> None:
    chain = chain_of_two_sites(story, Consolidation.PER_SITE)
    start(story, chain, FIRST)
    story.on("2026-05-01")
    close(story, "2026-04-30")
    (first, second) = (invoice.snapshot for invoice in invoices_of(story))
    assert {name for name in first if first[name] != second[name]} >= {"for", "number", "lines"}
    assert draw(first) != draw(first | {"for": second["for"]})
    assert draw(first) != draw({name: said for name, said in first.items() if name != "for"})


def test_another_agreement_between_closings_bills_no_day_twice(story: Story) -> None:
    chain = chain_of_two_sites(story)
    start(story, chain, FIRST, SECOND)
    expected = []
    for consolidation, day, documents in (
        (Consolidation.PER_ACCOUNT, APRIL, ALL),
        (Consolidation.PER_SITE, MAY, BY_SITE),
        (Consolidation.PER_CONTRACT, JUNE, BY_CONTRACT),
    ):
        agree_on(story, chain, consolidation)
        story.on(date(2026, day.month + 1, 1).isoformat())
        close(story, day.isoformat())
        agree_on(story, chain, Consolidation.PER_SITE)
        close(story, day.isoformat())
        expected += on(day, *documents)
    assert asked_of(story, chain.account_id) == expected
    with story.reading() as session:
        spans = session.execute(select(BilledSpan.slot_id, BilledSpan.start_on)).all()
    assert len(spans) == len({tuple(span) for span in spans}) == 4 * 3
    is_all_well(story)


def test_a_missed_closing_has_its_own_documents(story: Story) -> None:
    chain = chain_of_two_sites(story, Consolidation.PER_CONTRACT)
    start(story, chain, FIRST, SECOND)
    story.on("2026-06-01")
    close(story, "2026-05-31")
    assert asked_of(story, chain.account_id) == on(APRIL, *BY_CONTRACT) + on(MAY, *BY_CONTRACT)
    is_all_well(story)


def test_many_documents_and_then_one_are_no_growth(story: Story) -> None:
    """16,588 yen together are more than twice the 3,316 of the last document, not of both."""
    chain = chain_of_two_sites(story, Consolidation.PER_SITE)
    with story.begin() as uow:
        set_limits(uow, Limits(times=2, times_from=Money(1)))
    start(story, chain, (8045, 2010), (4020, 1005))
    story.on("2026-05-01")
    close(story, "2026-04-30")
    agree_on(story, chain, Consolidation.PER_ACCOUNT)
    story.on("2026-06-01")
    close(story, "2026-05-31")
    assert [each.subtotal for each in asked_of(story, chain.account_id)] == [12065, 3015, 15080]


def test_growth_shared_out_over_documents_is_held_all_the_same(story: Story) -> None:
    """5,527 yen in April; in May 11,060 beside them, which is no more than three times as much by itself."""
    chain = chain_of_two_sites(story, Consolidation.PER_CONTRACT)
    with story.begin() as uow:
        set_limits(uow, Limits(times=3, times_from=Money(1)))
    start(story, chain, (4020, 1005))
    story.on("2026-05-01")
    close(story, "2026-04-30")
    start(story, chain, (8045, 2010))
    story.on("2026-06-01")
    run_id = close(story, "2026-05-31")
    assert items_of(story, run_id) == {chain.account_id: (ItemState.HELD, "billing.grown_too_much")}
    chief = story.person(Role.ADMINISTRATOR)
    with story.app.app_context(), begin(Actor(ActorKind.PERSON, chief.name, chief.id)) as uow:
        held = BillingItem.state == ItemState.HELD
        item = approve_item(uow, uow.session.scalars(select(BillingItem.id).where(held)).one())
        assert item.approved_total == Money(16587)
    story.everything_happens()
    assert [each.subtotal for each in asked_of(story, chain.account_id)] == [5025, 5025, 10055]
