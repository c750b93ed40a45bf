"""The worked examples of billing: what each one promises is kept."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from rental.billing.rules.charges import net_of
from rental.billing.rules.document_lines import document_lines
from rental.billing.rules.due_dates import closing_on, due_on
from rental.billing.rules.periods import BillingCycle
from rental.billing.rules.proration import share_of_period
from rental.billing.rules.rater import entries_due
from rental.billing.rules.tax import totals_of
from rental.catalog.rules import Proration, StartPolicy, Timing, first_billable_day
from rental.core.money import Rounding, yen_of
from rental.customers import rules as customer_rules
from rental.customers.rules import HolidayRule
from tests.rules.billing.direct_debits import direct_debit_file
from tests.rules.billing.lines import rented, span
from tests.rules.billing.worked_examples import CHECKS, Check, Part, blocks_of, day, period, taxed

EXAMPLES: dict[str, Part] = {
    example["id"]: example
    for example in json.loads(
        (Path(__file__).parents[2] / "golden" / "billing.json").read_text(encoding="utf-8")
    )["goldens"]
}

ROUNDINGS = {"floor": Rounding.DOWN, "half_up": Rounding.HALF_UP, "ceil": Rounding.UP}
HOLIDAY_RULES = {"prev": HolidayRule.PREVIOUS, "next": HolidayRule.NEXT}


def month_end_anchors(given: Part, expected: Part) -> None:
    cycle = BillingCycle.anniversary(day(given["anchor"]), given["months"])
    assert [cycle.boundary(k).isoformat() for k in range(given["count"])] == expected["boundaries"]


def partial_months(given: Part, expected: Part) -> None:
    for case, amounts in zip(given["cases"], expected["amounts"], strict=True):
        found = {}
        for name in amounts:
            mode, rounding = name.split("/")
            share = share_of_period(
                yen_of(case["price"]), period(case["period"]), period(case["used"]), Proration(mode)
            )
            found[name] = share.amount(ROUNDINGS[rounding]).minor_units
        assert found == amounts


def stop_on_retrieval(given: Part, expected: Part) -> None:
    month = period(given["period"])
    running = replace(
        rented(given["price"], span(1, "2026-08-01")),
        timing=Timing.ADVANCE,
        rounding=ROUNDINGS[given["rounding"]],
    )
    end = day(given["retrieved_on"]) + timedelta(days=given["retrieval_day_billable"])
    ended = replace(running, spans=(running.spans[0]._replace(end=end),))

    billed = entries_due(running, [], as_of=month.start, since=month.start)
    assert net_of(billed) == yen_of(given["billed_in_advance"])
    (credit,) = document_lines(entries_due(ended, billed, as_of=end, since=month.start))
    (used,) = credit.remaining
    assert (used.share.days, used.amount.minor_units) == (expected["used_days"], expected["used_amount"])
    assert credit.amount.minor_units == expected["credit"]


def upgrade_within_a_period(given: Part, expected: Part) -> None:
    month = period(given["period"])
    line, upgraded = (
        replace(
            rented(given["old_price"], span(1, given["period"][0]), changes=changes),
            timing=Timing.ADVANCE,
            rounding=ROUNDINGS[given["rounding"]],
        )
        for changes in ([], [(given["effective"], given["new_price"])])
    )
    billed = entries_due(line, [], as_of=month.start)
    assert net_of(billed) == yen_of(given["already_billed"])
    lines = document_lines(entries_due(upgraded, billed, as_of=day(given["effective"])))
    credit, new = lines
    assert [charge.amount.minor_units for charge in credit.remaining] == [expected["old_used"]]
    assert credit.amount.minor_units == expected["credit_line"]
    assert new.amount.minor_units == expected["new_line"]

    totals = totals_of([line.taxed_amount for line in lines], rounding=ROUNDINGS[given["rounding"]])
    assert [block.rate.basis_points for block in totals.blocks] == [given["tax_bp"]]
    assert totals.subtotal.minor_units == expected["net"]
    assert totals.tax.minor_units == expected["tax"]
    assert totals.total.minor_units == expected["total"]


def tax_once_per_rate(given: Part, expected: Part) -> None:
    documents = [[taxed(*line) for line in document] for document in given["invoices"]]
    for name in given["rounding"]:
        totals = [totals_of(document, rounding=ROUNDINGS[name]) for document in documents]
        assert [blocks_of(each) for each in totals] == expected[name]
        if name == "floor":
            assert [each.total.minor_units for each in totals] == expected["totals_floor"]


def registration_numbers(given: Part, expected: Part) -> None:
    assert [
        {
            "format": customer_rules.is_registration_number(number),
            "check": customer_rules.has_right_check_digit(number),
        }
        for number in given["numbers"]
    ] == expected["result"]
    digit = customer_rules.check_digit_of("010705000725")
    assert digit == expected["check_digit_of_010705000725"]


def payment_terms(given: Part, expected: Part) -> None:
    for name, rule in HOLIDAY_RULES.items():
        found = []
        for case in given["cases"]:
            closed_on = closing_on(day(case["invoice_date"]), case["closing_day"])
            due = [
                due_on(closed_on, term_months=case["plus_months"], pay_day=case["pay_day"], holiday_rule=each)
                for each in (HolidayRule.NONE, rule)
            ]
            found.append([each.isoformat() for each in (closed_on, *due)])
        assert found == expected[name]


def trial_from_installation(given: Part, expected: Part) -> None:
    start = first_billable_day(
        StartPolicy.AFTER_TRIAL,
        installed_on=day(given["installed"]),
        contract_starts_on=day(given["installed"]),
        trial_days=given["trial_days"],
    )
    assert start.isoformat() == expected["billing_start"]
    (entry,) = entries_due(
        rented(given["price"], span(1, start.isoformat())), [], as_of=period(given["period"]).end
    )
    assert entry.charge.period == period(given["period"])
    assert entry.amount.minor_units == expected["first_amount"]


KEPT: dict[str, Check] = {
    "G01": month_end_anchors,
    "G02": month_end_anchors,
    "G03": partial_months,
    "G05": stop_on_retrieval,
    "G06": upgrade_within_a_period,
    "G10": tax_once_per_rate,
    "G13": registration_numbers,
    "G14": payment_terms,
    "G18": trial_from_installation,
    "G24": direct_debit_file,
    **CHECKS,
}


@pytest.mark.parametrize("example_id", KEPT)
def test_the_example_is_kept(example_id: str) -> None:
    example = EXAMPLES[example_id]
    KEPT[example_id](example["input"], example["expected"])


def test_every_example_is_kept() -> None:
    assert sorted(KEPT) == sorted(EXAMPLES)
