"""Which lines of an account stand on one document."""

from collections import Counter
from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rental.billing.rules.agreed import AgreedDiscount, LineTerms
from rental.billing.rules.catching_up import Document, documents_of
from rental.billing.rules.charges import Side
from rental.billing.rules.consolidation import WHOLE_ACCOUNT, Place, groups_of
from rental.billing.rules.discounts import LineDiscount
from rental.billing.rules.drafts import AccountTerms, LineFacts, Own, dues_of
from rental.billing.rules.runs import NegativeTotal
from rental.billing.rules.segments import FeeHistory, Span
from rental.catalog.rules import TaxClass
from rental.core.money import Rounding, yen_of
from rental.customers.rules import Consolidation, HolidayRule

CLOSED_ON = date(2026, 9, 30)
KANDA = Place(UUID(int=71), "S00001", "神田店")
SHINJUKU = Place(UUID(int=72), "S00002", "新宿店")
# Two chains may call two sites the same.
NAMESAKE = Place(UUID(int=73), "S00003", "新宿店")


def terms(consolidation: Consolidation) -> AccountTerms:
    return AccountTerms(31, 1, 31, HolidayRule.NEXT, Rounding.DOWN, Rounding.DOWN, consolidation)


def line(number: int, fee: int, *, contract: int = 1, since: date = date(2026, 9, 1)) -> LineFacts:
    """A line with one machine."""
    return LineFacts(
        line_id=UUID(int=number),
        contract_id=UUID(int=1000 + contract),
        contract_number=f"C-2026-{contract:04}",
        monthly_fee=yen_of(fee),
        tax_class=TaxClass.STANDARD,
        spans=(Span(UUID(int=100 + number), since),),
        settled_until=date(2024, 9, 30),
        billed_through=None,
        billed={},
        generations={},
        words={},
        sites={UUID(int=100 + number): "神田店"},
    )


def documents(
    consolidation: Consolidation, *lines: LineFacts, at: dict[UUID, Place] | None = None
) -> list[Document]:
    agreed = terms(consolidation)
    places = at or {each.line_id: KANDA for each in lines}
    dues = dues_of(agreed, lines, closed_on=CLOSED_ON)
    return documents_of(agreed, dues, closed_on=CLOSED_ON, places=places)


def test_one_document_for_an_account_takes_what_is_due_as_it_is() -> None:
    dues = dues_of(terms(Consolidation.PER_ACCOUNT), [line(1, 1000), line(2, 2000)], closed_on=CLOSED_ON)
    ((group, same),) = groups_of(Consolidation.PER_ACCOUNT, dues, {})
    assert group is WHOLE_ACCOUNT
    assert same is dues


def test_sites_of_one_name_have_documents_of_their_own_by_their_numbers() -> None:
    lines = [line(1, 1000), line(2, 2000), line(3, 4000)]
    at = {lines[0].line_id: NAMESAKE, lines[1].line_id: KANDA, lines[2].line_id: SHINJUKU}
    made = documents(Consolidation.PER_SITE, *lines, at=at)
    assert [(each.group.title, each.draft.totals.subtotal.minor_units) for each in made] == [
        ("S00001 神田店", 2000),
        ("S00002 新宿店", 4000),
        ("S00003 新宿店", 1000),
    ]


def test_a_discount_stays_with_the_line_it_makes_cheaper() -> None:
    cheaper = replace(
        line(2, 2000, contract=2),
        own=Own(
            LineTerms(discounts=(AgreedDiscount(LineDiscount("開店祝い", amount=yen_of(500))),)),
            FeeHistory(yen_of(2000)),
        ),
    )
    made = documents(Consolidation.PER_CONTRACT, line(1, 1000), cheaper)
    assert [[each.line.amount.minor_units for each in document.draft.lines] for document in made] == [
        [1000],
        [2000, -500],
    ]


def test_a_credit_stands_on_the_document_of_its_line_whatever_the_agreement_was_before() -> None:
    first = line(1, 3000)
    (before,) = documents(Consolidation.PER_ACCOUNT, first, line(2, 9000, contract=2))
    billed = {each.charge: UUID(int=9) for each in before.draft.lines if each.facts is first}
    half = replace(
        first,
        spans=(Span(UUID(int=101), date(2026, 9, 1), date(2026, 9, 16)),),
        billed=billed,
        generations={(charge.kind, charge.period.start): 1 for charge in billed},
    )
    # Two machines more of the same contract, so that more is asked for than taken back.
    made = documents(Consolidation.PER_CONTRACT, half, line(3, 2000), line(2, 9000, contract=2))
    assert [
        [(each.line.entry.side, each.line.amount.minor_units) for each in document.draft.lines]
        for document in made
    ] == [[(Side.CREDIT, -1500), (Side.DEBIT, 2000)], [(Side.DEBIT, 9000)]]
    with pytest.raises(NegativeTotal):
        documents(Consolidation.PER_CONTRACT, half, line(2, 9000, contract=2))


@given(
    st.lists(
        st.tuples(st.integers(1, 30_000), st.integers(1, 4), st.sampled_from([KANDA, SHINJUKU])), min_size=1
    ),
    st.sampled_from(Consolidation),
    st.sampled_from([date(2026, 9, 1), date(2026, 9, 17), date(2026, 7, 9)]),
)
def test_documents_share_out_the_charges_and_none_is_lost(
    rented: list[tuple[int, int, Place]], consolidation: Consolidation, since: date
) -> None:
    lines = [
        line(number, fee, contract=contract, since=since)
        for number, (fee, contract, _place) in enumerate(rented, start=1)
    ]
    at = {UUID(int=number): place for number, (_fee, _contract, place) in enumerate(rented, start=1)}
    whole = documents(Consolidation.PER_ACCOUNT, *lines, at=at)
    made = documents(consolidation, *lines, at=at)

    def charges(some: list[Document]) -> Counter[tuple[date, object]]:
        return Counter((each.closed_on, line.charge) for each in some for line in each.draft.lines)

    assert charges(made) == charges(whole)
    keys = [(each.closed_on, each.group) for each in made]
    assert keys == sorted(set(keys))
    for document in made:
        of_contract = {each.facts.contract_id for each in document.draft.lines}
        of_site = {at[each.facts.line_id].site_id for each in document.draft.lines}
        if consolidation is Consolidation.PER_CONTRACT:
            assert of_contract == {document.group.id}
        if consolidation is Consolidation.PER_SITE:
            assert of_site == {document.group.id}
        # One tax of one rate on each document: 10 % of its sum, rounded down.
        assert document.draft.totals.tax.minor_units == document.draft.totals.subtotal.minor_units // 10
