"""What a clerk is told to look at before an invoice is made."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rental.billing.rules.charges import Charge
from rental.billing.rules.drafts import AccountTerms, Draft, LineFacts, draft_of, dues_of
from rental.billing.rules.remarks import Remark, differs_much, remarks_on
from rental.billing.rules.segments import Span
from rental.catalog.rules import TaxClass
from rental.core.money import Money, Rounding, yen_of
from rental.customers.rules import HolidayRule

TERMS = AccountTerms(31, 1, 31, HolidayRule.NEXT, Rounding.DOWN, Rounding.DOWN)
CLOSED_ON, AS_OF = date(2026, 9, 30), date(2026, 10, 1)


@dataclass(frozen=True)
class Machine:
    """One that went into service on this day."""

    number: int
    since: date


def draft(*machines: Machine, billed: Mapping[Charge, UUID] | None = None) -> Draft:
    """An invoice of 1,000 yen a month for these, closed at the end of September."""
    facts = LineFacts(
        line_id=UUID(int=1),
        contract_id=UUID(int=2),
        contract_number="C-2026-0001",
        monthly_fee=yen_of(1000),
        tax_class=TaxClass.STANDARD,
        spans=tuple(Span(UUID(int=machine.number), machine.since) for machine in machines),
        settled_until=date(2024, 9, 30),
        billed_through=None,
        billed=billed or {},
        generations={},
        words={},
        sites={UUID(int=machine.number): "神田店" for machine in machines},
    )
    made = draft_of(TERMS, dues_of(TERMS, [facts], closed_on=CLOSED_ON), closed_on=CLOSED_ON)
    assert made
    return made


def seen(draft: Draft, *, before: Money | None, already: int = 0) -> tuple[Remark, ...]:
    return remarks_on([draft], before=before, already=yen_of(already), as_of=AS_OF)


WHOLE, PART = Machine(1, date(2026, 9, 1)), Machine(2, date(2026, 9, 16))


def test_the_same_as_before_is_nothing_to_look_at() -> None:
    assert seen(draft(WHOLE), before=yen_of(1100)) == ()


def test_whoever_was_never_billed_is_looked_at_once() -> None:
    assert seen(draft(WHOLE), before=None) == (Remark.FIRST,)


def test_whoever_was_billed_long_ago_has_nothing_to_compare_with() -> None:
    assert seen(draft(WHOLE), before=yen_of(0)) == ()


def test_what_this_closing_asked_for_already_counts_with_the_rest() -> None:
    assert seen(draft(WHOLE), before=yen_of(12100), already=11000) == ()
    assert seen(draft(WHOLE), before=yen_of(12100)) == (Remark.CHANGED,)


def test_days_of_a_month_are_looked_at() -> None:
    assert seen(draft(WHOLE, PART), before=yen_of(1650)) == (Remark.PRORATED,)


def test_a_month_that_nobody_closed_is_looked_at() -> None:
    late = draft(Machine(1, date(2026, 8, 1)))
    assert seen(late, before=yen_of(2200)) == (Remark.EARLIER,)


def test_what_is_taken_back_is_looked_at() -> None:
    billed = {line.charge: UUID(int=9) for line in draft(PART).lines}
    changed = draft(PART, Machine(3, PART.since), billed=billed)
    assert seen(changed, before=yen_of(550)) == (Remark.PRORATED, Remark.CREDITED)


@pytest.mark.parametrize(("now", "much"), [(1200, False), (1201, True), (800, False), (799, True)])
def test_a_fifth_more_or_less_is_usual(now: int, much: bool) -> None:
    assert differs_much(yen_of(now), yen_of(1000)) is much


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_only_the_size_of_the_difference_counts(now: int, before: int) -> None:
    other_way = Money(2 * before - now)
    assert differs_much(Money(now), Money(before)) is differs_much(other_way, Money(before))
