"""Journal entries and months of revenue of a document, whatever stands on it."""

from collections import defaultdict
from datetime import date
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from rental.billing.rules.charges import Charge, ChargeKind, Entry, Side, net_of
from rental.billing.rules.document_lines import DocumentLine, document_lines
from rental.billing.rules.journals import (
    LedgerAccount,
    Posting,
    earned_by,
    income_account,
    sale,
    taken_back,
)
from rental.billing.rules.proration import Share
from rental.billing.rules.tax import TaxedAmount, rate_on, totals_of
from rental.catalog.rules import TaxClass
from rental.core.money import Money, yen_of
from rental.core.periods import Period
from tests.rules.billing.lines import Runs, billed_over_time, runs

TODAY = date(2026, 5, 1)
ACCOUNTS = (LedgerAccount.SALES, LedgerAccount.CONTRACT_LIABILITY, LedgerAccount.OTHER_INCOME)
taxed = st.builds(
    TaxedAmount,
    st.integers(-50_000, 200_000).map(Money),
    st.sampled_from(list(TaxClass)).map(lambda each: rate_on(each, TODAY)),
)
documents = st.lists(st.tuples(taxed, st.sampled_from(ACCOUNTS)), max_size=8)


def balances(postings: list[Posting]) -> dict[LedgerAccount, int]:
    """What each account holds afterwards: debits above zero."""
    found: dict[LedgerAccount, int] = defaultdict(int)
    for debit, credit, amount, _rate in postings:
        assert amount > yen_of(0)
        found[debit] += amount.minor_units
        found[credit] -= amount.minor_units
    return {account: amount for account, amount in found.items() if amount}


@given(document=documents)
def test_the_customer_owes_the_total_and_each_account_gets_its_part(
    document: list[tuple[TaxedAmount, LedgerAccount]],
) -> None:
    totals = totals_of(line for line, _ in document)
    nets: dict[tuple[object, LedgerAccount], Money] = defaultdict(lambda: yen_of(0))
    for (amount, rate), account in document:
        nets[rate, account] += amount
    postings = sale(nets, totals.blocks)  # type: ignore[arg-type]
    found = balances(postings)
    assert found.get(LedgerAccount.RECEIVABLE, 0) == totals.total.minor_units
    assert found.get(LedgerAccount.TAX_RECEIVED, 0) == -totals.tax.minor_units
    for account in ACCOUNTS:
        booked = sum(line.amount.minor_units for line, each in document if each is account)
        assert found.get(account, 0) == -booked
    back = taken_back(nets, totals.blocks, owed=LedgerAccount.RECEIVABLE)  # type: ignore[arg-type]
    assert balances([*postings, *back]) == {}


def charge(kind: ChargeKind, used: Period, tax_class: TaxClass = TaxClass.STANDARD) -> Charge:
    return Charge(
        line_id=UUID(int=1),
        period=used,
        used=used,
        slot_ids=(UUID(int=2),),
        monthly_fee=yen_of(3000),
        tax_class=tax_class,
        amount=yen_of(3000),
        share=Share(yen_of(3000), used.days, used.days),
        kind=kind,
    )


def test_rent_of_days_to_come_is_owed_to_the_customer_and_damages_are_no_sale() -> None:
    april, may = Period(date(2026, 4, 1), date(2026, 5, 1)), Period(date(2026, 5, 1), date(2026, 6, 1))
    assert income_account(charge(ChargeKind.RECURRING, april), as_of=TODAY) is LedgerAccount.SALES
    assert income_account(charge(ChargeKind.RECURRING, may), as_of=TODAY) is LedgerAccount.CONTRACT_LIABILITY
    assert income_account(charge(ChargeKind.ONE_OFF, may), as_of=TODAY) is LedgerAccount.SALES
    penalty = charge(ChargeKind.PENALTY, april, TaxClass.OUT_OF_SCOPE)
    assert income_account(penalty, as_of=TODAY) is LedgerAccount.OTHER_INCOME


def test_a_month_that_reaches_into_the_next_is_earned_in_both() -> None:
    used = Period(date(2026, 3, 21), date(2026, 4, 21))
    assert earned_by(DocumentLine(Entry(charge(ChargeKind.RECURRING, used)))) == {
        date(2026, 3, 1): yen_of(1064),  # 11 of 31 days
        date(2026, 4, 1): yen_of(1936),
    }


def test_what_is_taken_back_is_taken_from_the_months_it_was_earned_in() -> None:
    """Two months were billed; after ten days of the first the machine was gone."""
    whole = charge(ChargeKind.RECURRING, Period(date(2026, 4, 1), date(2026, 6, 1)))
    part = charge(ChargeKind.RECURRING, Period(date(2026, 4, 1), date(2026, 4, 11)))
    line = DocumentLine(Entry(whole, Side.CREDIT), (part,))
    assert earned_by(line) == {date(2026, 4, 1): yen_of(3000 - 1475), date(2026, 5, 1): yen_of(-1525)}


@given(known=runs())
def test_the_months_of_all_lines_are_together_what_was_billed(known: Runs) -> None:
    ledger = billed_over_time(known)
    months = [amount for line in document_lines(ledger) for amount in earned_by(line).values()]
    assert sum(months, yen_of(0)) == net_of(ledger)
