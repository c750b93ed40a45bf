"""A document names each change once, and asks for exactly what the ledger says."""

from collections import Counter
from dataclasses import replace
from datetime import date

from hypothesis import given, settings

from rental.billing.rules.charges import Entry, Side, net_of
from rental.billing.rules.document_lines import DocumentLine, document_lines
from rental.billing.rules.periods import BillingCycle
from rental.billing.rules.rater import entries_due
from rental.core.money import yen_of
from tests.rules.billing.lines import SEPTEMBER, Runs, rented, runs, span


@settings(deadline=None)
@given(runs())
def test_a_document_asks_for_what_the_ledger_says(history: Runs) -> None:
    ledger: list[Entry] = []
    for line, as_of in history:
        entries = entries_due(line, ledger, as_of=as_of)
        lines = document_lines(entries)
        assert sum((each.amount for each in lines), yen_of(0)) == net_of(entries)
        shown = [each.entry for each in lines] + [Entry(c) for each in lines for c in each.remaining]
        assert Counter(shown) == Counter(entries)
        assert not any(each.remaining for each in lines if each.entry.side is Side.DEBIT)
        ledger += entries


def test_a_retrieval_reported_late_is_one_credit() -> None:
    billed = entries_due(rented(3000, span(1, "2026-09-01")), [], as_of=SEPTEMBER.end)
    ended = rented(3000, span(1, "2026-09-01", "2026-09-11"))
    taken_back, used = entries_due(ended, billed, as_of=date(2026, 10, 3))
    assert (taken_back.charge, taken_back.amount) == (billed[0].charge, yen_of(-3000))
    assert (used.side, used.charge.used.days, used.amount) == (Side.DEBIT, 10, yen_of(1000))
    assert document_lines([taken_back, used]) == [DocumentLine(taken_back, (used.charge,))]


def test_of_many_slots_one_retrieved_is_one_credit_of_its_days() -> None:
    installed = [span(n, "2026-09-01") for n in range(1, 4)]
    billed = entries_due(rented(3000, *installed), [], as_of=SEPTEMBER.end)
    ended = rented(3000, *installed[:2], span(3, "2026-09-01", "2026-09-11"))
    (credit,) = document_lines(entries_due(ended, billed, as_of=SEPTEMBER.end))
    assert [(charge.quantity, charge.amount.minor_units) for charge in credit.remaining] == [
        (1, 1000),
        (2, 6000),
    ]
    assert credit.amount == yen_of(-2000)


def test_days_that_were_missing_are_a_credit_and_a_charge() -> None:
    billed = entries_due(rented(3000, span(1, "2026-09-21")), [], as_of=SEPTEMBER.end)
    earlier = rented(3000, span(1, "2026-09-16"))
    lines = document_lines(entries_due(earlier, billed, as_of=SEPTEMBER.end))
    assert [line.amount.minor_units for line in lines] == [-1000, 1500]


def test_a_credit_has_the_tax_rate_of_its_charge() -> None:
    line = rented(3000, span(1, "2019-09-01"))
    billed = entries_due(line, [], as_of=date(2019, 11, 1))
    never_installed = entries_due(replace(line, spans=()), billed, as_of=date(2019, 11, 1))
    for entries, sign in ((billed, 1), (never_installed, -1)):
        taxed = [each.taxed_amount for each in document_lines(entries)]
        assert [(amount.minor_units, rate.basis_points) for amount, rate in taxed] == [
            (3000 * sign, 800),
            (3000 * sign, 1000),
        ]


def test_days_after_a_change_of_rate_are_no_remainder_of_days_before() -> None:
    line = replace(rented(3000, span(1, "2019-09-21")), cycle=BillingCycle.closing(20, date(2019, 9, 21)))
    late = replace(line, spans=(span(1, "2019-10-06"),))
    billed = entries_due(line, [], as_of=date(2019, 10, 21))
    lines = document_lines(entries_due(late, billed, as_of=date(2019, 10, 21)))
    assert [(each.amount.minor_units, each.taxed_amount.rate.basis_points) for each in lines] == [
        (-3000, 800),
        (1500, 1000),
    ]
