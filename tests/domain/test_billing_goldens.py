"""The worked examples from the machine in service to the invoice, through the database and its workers."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from rental.billing.issuing import company_profile, describe_company
from rental.catalog.rules import TaxClass
from rental.core.money import Rounding, yen_of
from rental.customers.rules import HolidayRule, NotARegistrationNumber, WrongCheckDigit
from tests.factories.billed import Rented, close, invoices_of, machines_in_service, make_issuer
from tests.support.story import Story

EXAMPLES: dict[str, dict[str, Any]] = {
    example["id"]: example
    for example in json.loads(
        (Path(__file__).parents[1] / "golden" / "billing.json").read_text(encoding="utf-8")
    )["goldens"]
}
ROUNDINGS = {"floor": Rounding.DOWN, "half_up": Rounding.HALF_UP, "ceil": Rounding.UP}
HOLIDAY_RULES = {"prev": HolidayRule.PREVIOUS, "next": HolidayRule.NEXT}


@pytest.fixture
def company(story: Story) -> Story:
    """A company that may issue invoices."""
    with story.begin() as uow:
        make_issuer(uow)
    return story


def test_g01_month_ends_do_not_drift(company: Story) -> None:
    example = EXAMPLES["G01"]
    company.on("2025-01-01")
    machines_in_service(company, Rented(9800))
    boundaries = example["expected"]["boundaries"]
    company.on("2025-09-01")
    for day in boundaries:
        close(company, day)
    assert [invoice.closed_on.isoformat() for invoice in invoices_of(company)] == boundaries
    assert {invoice.subtotal for invoice in invoices_of(company)} == {yen_of(9800)}
    assert [line.formula["last"] for invoice in invoices_of(company) for line in invoice.lines] == boundaries


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_g03_the_first_month_after_an_installation(company: Story, rounding: str) -> None:
    example = EXAMPLES["G03"]
    cases = sorted(
        zip(example["input"]["cases"], example["expected"]["amounts"], strict=True),
        key=lambda pair: pair[0]["used"],
    )
    for case, _amounts in cases:
        company.on(case["used"][0])
        machines_in_service(company, Rented(case["price"]), charge_rounding=ROUNDINGS[rounding])
    company.on("2026-06-01")
    for closed_on in ("2026-02-28", "2026-05-31"):
        close(company, closed_on)
    first_lines = {
        line.service_start.isoformat(): line.amount.minor_units
        for invoice in invoices_of(company)
        for line in invoice.lines
    }
    for case, amounts in cases:
        assert first_lines[case["used"][0]] == amounts[f"actual/{rounding}"]


@pytest.mark.parametrize("rounding", ["floor", "half_up"])
def test_g10_tax_is_rounded_once_per_rate_and_document(company: Story, rounding: str) -> None:
    example = EXAMPLES["G10"]
    classes = {1000: TaxClass.STANDARD, 800: TaxClass.REDUCED, None: TaxClass.OUT_OF_SCOPE}
    for lines in example["input"]["invoices"]:
        machines_in_service(
            company,
            *(Rented(amount, tax_class=classes[rate]) for amount, rate in lines),
            tax_rounding=ROUNDINGS[rounding],
        )
    company.on("2026-05-01")
    close(company, "2026-04-30")
    invoices = invoices_of(company)
    for invoice, expected in zip(invoices, example["expected"][rounding], strict=True):
        assert {
            str(block["rate_bp"] or "out_of_scope"): {"base": block["base"], "tax": block["tax"]}
            for block in invoice.snapshot["taxes"]
        } == expected
    if rounding == "floor":
        assert [invoice.total.minor_units for invoice in invoices] == example["expected"]["totals_floor"]


def test_g13_only_a_right_registration_number_gets_onto_an_invoice(story: Story) -> None:
    example = EXAMPLES["G13"]
    machines_in_service(story, Rented(9800))
    story.on("2026-07-01")
    closings = iter(("2026-04-30", "2026-05-31", "2026-06-30"))
    accepted: list[str] = []
    for number, result in zip(example["input"]["numbers"], example["expected"]["result"], strict=True):
        if result == {"format": True, "check": True}:
            issue_as(story, number)
            close(story, next(closings))
            accepted.append(number)
            continue
        refused = WrongCheckDigit if result["format"] else NotARegistrationNumber
        with pytest.raises(refused):
            issue_as(story, number)
    assert len(accepted) == 3
    assert [each.snapshot["issuer"]["registration_number"] for each in invoices_of(story)] == accepted


def issue_as(story: Story, number: str) -> None:
    with story.begin() as uow:
        known = company_profile(uow.session)
        describe_company(
            uow,
            name="株式会社 例",
            registration_number=number,
            address="東京都足立区大谷田1-1-1",
            bank_account="デモ銀行 本店 普通 0000001",
            version=known.version if known else 0,
        )


@pytest.mark.parametrize("name", HOLIDAY_RULES)
def test_g14_an_invoice_is_due_when_the_banks_are_open(company: Story, name: str) -> None:
    example = EXAMPLES["G14"]
    due = {}
    cases = zip(example["input"]["cases"], example["expected"][name], strict=True)
    for case, (closed_on, _pay_day, due_on) in sorted(cases, key=lambda pair: pair[1][0]):
        company.on(case["invoice_date"])
        account_id = machines_in_service(
            company,
            Rented(9800),
            closing_day=case["closing_day"],
            term_months=case["plus_months"],
            pay_day=case["pay_day"],
            holiday_rule=HOLIDAY_RULES[name],
        ).account_id
        due[account_id] = (date.fromisoformat(closed_on), date.fromisoformat(due_on))
    company.on("2026-06-01")
    for closed_on, _due_on in sorted(set(due.values())):
        close(company, closed_on.isoformat())
    for account_id, expected in due.items():
        first = invoices_of(company, account_id)[0]
        assert (first.closed_on, first.due_on) == expected
        assert first.snapshot["due_on"] == expected[1].isoformat()


def test_g18_rent_runs_after_the_trial(company: Story) -> None:
    example = EXAMPLES["G18"]
    company.on(example["input"]["installed"])
    machines_in_service(company, Rented(example["input"]["price"], trial_days=example["input"]["trial_days"]))
    company.on(example["input"]["period"][1])
    close(company, "2026-04-30")
    (invoice,) = invoices_of(company)
    assert invoice.period_start.isoformat() == example["expected"]["billing_start"]
    assert [line.amount.minor_units for line in invoice.lines] == [example["expected"]["first_amount"]]
