"""How the worked examples of prices, discounts, amendments and revenue are told to the rules."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

from rental.billing.rules.allocation import by_largest_remainder
from rental.billing.rules.amendments import Effect, Revisable, price_revision
from rental.billing.rules.credits import Left, LeftLine, needs_document, whole_credit
from rental.billing.rules.deposits import DepositEntry, DepositKind, held, settle
from rental.billing.rules.discounts import discount_on_document
from rental.billing.rules.due_dates import debit_on, debit_requested_by
from rental.billing.rules.early_termination import (
    FeeModel,
    FeeTable,
    FixedFee,
    PartOfRemainingRent,
    Row,
    TerminationFee,
    minimum_term,
)
from rental.billing.rules.line_history import LineEvent, history_of
from rental.billing.rules.price_models import (
    Graduated,
    Package,
    PerUnit,
    PriceModel,
    Tier,
    Volume,
    millionths_of,
)
from rental.billing.rules.prices import MILLIONTHS, UnitPrice
from rental.billing.rules.rater import charges_in
from rental.billing.rules.recurring_revenue import monthly, movements, sum_by_movement
from rental.billing.rules.revenue import RevenueRule, bundle_shares, revenue_schedule, still_deferred
from rental.billing.rules.tax import DocumentTotals, TaxedAmount, rate_on, totals_of
from rental.billing.rules.usage import MeteredLine, UsagePlan, UsageRecord, usage_charge
from rental.catalog.rules import Proration, TaxClass
from rental.contracts.rules import LineEventKind
from rental.core.money import Money, Rounding, yen_of
from rental.core.periods import Period
from rental.customers.rules import PriceMode
from tests.rules.billing.lines import CALENDAR, LINE, rented, slot, span

Part = dict[str, Any]
Check = Callable[[Part, Part], None]

TODAY = date(2026, 11, 1)


def day(text: str) -> date:
    return date.fromisoformat(text)


def period(texts: list[str]) -> Period:
    return Period(*map(day, texts))


def taxed(amount: int, basis_points: int | None) -> TaxedAmount:
    """An amount of today; none of a rate is out of scope."""
    classes = {1000: TaxClass.STANDARD, 800: TaxClass.REDUCED, None: TaxClass.OUT_OF_SCOPE}
    return TaxedAmount(yen_of(amount), rate_on(classes[basis_points], TODAY))


def blocks_of(totals: DocumentTotals) -> Part:
    return {
        str(block.rate.basis_points or "out_of_scope"): {
            "base": block.base.minor_units,
            "tax": block.tax.minor_units,
        }
        for block in totals.blocks
    }


def modes_at_both_ends(given: Part, expected: Part) -> None:
    line = rented(given["price"], span(1, *given["used"]))
    found = {}
    for name in expected["amounts"]:
        start, stop = name.split("/")
        agreed = replace(line, proration=Proration(start), stop_proration=Proration(stop))
        charges = charges_in(agreed, period(given["period"]))
        found[name] = sum(charge.amount.minor_units for charge in charges)
    assert found == expected["amounts"]


def swap_of_a_unit(given: Part, expected: Part) -> None:
    """Nothing but the start is on record: there is no event by which a swap could be."""
    start = LineEvent(LineEventKind.START, date(2026, 1, 1), 1, slot(1))
    history = history_of([start], fee=yen_of(given["price"]))
    charges = charges_in(rented(given["price"], *history.spans), period(given["period"]))
    assert [charge.amount.minor_units for charge in charges] == expected["amounts"]
    assert not any("swap" in kind for kind in LineEventKind)


def price_models(given: Part, expected: Part) -> None:
    tiers = tuple(Tier(up_to, UnitPrice.of(price), yen_of(flat)) for up_to, price, flat in given["tiers"])
    package = given["package"]
    models: dict[str, PriceModel] = {
        "graduated": Graduated(tiers),
        "volume": Volume(tiers),
        "package": Package(package["size"], UnitPrice.of(package["price"]), package["free"]),
    }
    for name, model in models.items():
        found = [millionths_of(model.steps(quantity)) for quantity in given["quantities"]]
        assert found == [amount * MILLIONTHS for amount in expected[name]]


def usage_within_limits(given: Part, expected: Part) -> None:
    plan = UsagePlan(
        PerUnit(UnitPrice.of(given["unit_price"])),
        included=given["included"],
        minimum=yen_of(given["minimum"]),
        maximum=yen_of(given["maximum"]),
    )
    month, found = period(given["period"]), []
    for case in given["cases"]:
        records = [UsageRecord("a", month.last_day, case["quantity"])]
        line = MeteredLine(LINE, CALENDAR, plan, period(case["in_service"]), tuple(records))
        found.append(usage_charge(line, month, records).amount.minor_units)
    assert found == expected["amounts"]


def tax_within_the_price(given: Part, expected: Part) -> None:
    totals = [
        totals_of([taxed(*line) for line in document], price_mode=PriceMode.INCLUSIVE)
        for document in given["invoices"]
    ]
    assert [blocks_of(each) for each in totals] == expected["floor"]
    assert [each.total.minor_units for each in totals] == expected["totals_floor"]


def direct_debit(given: Part, expected: Part) -> None:
    collected = debit_on(day(given["nominal"]))
    assert collected.isoformat() == expected["debit_on"]
    deadlines = [debit_requested_by(collected, bank_days_before=days) for days in given["bank_days_before"]]
    assert [each.isoformat() for each in deadlines] == expected["requested_by"]


def leaving_early(given: Part, expected: Part) -> None:
    term = minimum_term(
        day(given["start"]), given["min_term_months"], ended_on=day(given["terminate_effective"])
    )
    assert (term.elapsed, term.remaining) == (expected["elapsed"], expected["remaining"])
    models: dict[str, FeeModel] = {
        "remaining_100": PartOfRemainingRent(10_000),
        "remaining_80": PartOfRemainingRent(8_000),
        "fixed_30000": FixedFee(yen_of(30_000)),
        "declining_table": FeeTable(tuple(Row(m, yen_of(fee)) for m, fee in given["declining"])),
    }
    fees = {
        name: TerminationFee(models[name]).amount(term, yen_of(given["monthly"]))
        for name in given["fee_models"]
    }
    assert {name: fee.minor_units for name, fee in fees.items()} == {name: expected[name] for name in fees}

    damages = TaxedAmount(fees["remaining_100"], rate_on(TerminationFee(None).tax_class, TODAY))
    totals = totals_of([*(taxed(*line) for line in given["last_period_lines"]), damages])
    assert {**blocks_of(totals), "total": totals.total.minor_units} == expected["invoice"]


def deposit(given: Part, expected: Part) -> None:
    balance = held([DepositEntry(DepositKind.RECEIVED, yen_of(given["received"]), TODAY)])
    settled = [settle(balance, totals_of([taxed(*repair)]).total) for repair in given["repairs"]]
    assert [
        {name: amount.minor_units for name, amount in each._asdict().items()} for each in settled
    ] == expected["settlements"]


def discount_over_rates(given: Part, expected: Part) -> None:
    lines = [taxed(*line) for line in given["lines"]]
    discount = discount_on_document(lines, yen_of(-given["discount"]))
    assert [share.amount.minor_units for share in discount.shares] == expected["allocated"]
    assert discount.carried_forward == yen_of(0)
    assert blocks_of(totals_of([*lines, *discount.shares])) == expected["tax"]

    three = by_largest_remainder(yen_of(given["discount"]), given["three_way"])
    assert [share.minor_units for share in three] == expected["three_way"]
    equal = by_largest_remainder(yen_of(sum(expected["equal_three"])), [1, 1, 1])
    assert [share.minor_units for share in equal] == expected["equal_three"]


def annual_prepayment(given: Part, expected: Part) -> None:
    rule = RevenueRule(f"over_time_{given['method']}")
    schedule = revenue_schedule(yen_of(given["total"]), period(given["service"]), rule)
    assert [[f"{each.month:%Y-%m}", each.amount.minor_units] for each in schedule] == expected["schedule"]
    assert sum((each.amount for each in schedule), yen_of(0)) == yen_of(expected["sum"])
    deferred = still_deferred(schedule, after_month=date(2026, 12, 1))
    assert deferred == yen_of(expected["balance_end_2026"])


def small_returns(given: Part, expected: Part) -> None:
    found = []
    for document in given["returns"]:
        lines = [
            LeftLine(UUID(int=position), position, taxed(*line).rate, taxed(*line).amount)
            for position, line in enumerate(document, start=1)
        ]
        blocks = totals_of(TaxedAmount(line.left, line.rate) for line in lines).blocks
        left = Left(lines, {block.rate: block for block in blocks}, Money(20_000), Money(0))
        found.append(whole_credit(left, rounding=Rounding.DOWN, price_mode=PriceMode.EXCLUSIVE).totals)
    assert [totals.tax.minor_units for totals in found] == expected["taxes"]
    assert [totals.total.minor_units for totals in found] == expected["totals"]
    assert [needs_document(totals.total) for totals in found] == expected["needs_document"]


def bundle(given: Part, expected: Part) -> None:
    alone = {name: yen_of(amount) for name, amount in given["alone"].items()}
    shares = bundle_shares(yen_of(given["price"]), alone)
    assert {name: share.minor_units for name, share in shares.items()} == expected["shares"]


def general_revision(given: Part, expected: Part) -> None:
    for effect in (Effect.NEXT_PERIOD, Effect.IMMEDIATE):
        lines = [
            Revisable(UUID(int=number), CALENDAR, day(bound) if bound else None)
            for number, bound in enumerate(given["bound_until"])
        ]
        revised = price_revision(lines, effective_on=day(given["effective"]), effect=effect)
        days = [each.effective_on.isoformat() if each.effective_on else None for each in revised]
        assert days == expected[effect]["effective"]
        assert days[0] is not None
        line = rented(given["price"], span(1, "2026-01-01"), changes=[(days[0], given["new_price"])])
        amounts = [
            [charge.amount.minor_units for charge in charges_in(line, period(month))]
            for month in given["months"]
        ]
        assert amounts == expected[effect]["amounts"]


def recurring_revenue(given: Part, expected: Part) -> None:
    found = [monthly(yen_of(amount), months).minor_units for amount, months in given["amounts"]]
    assert found == expected["monthly"]
    before, now = (
        {UUID(int=int(name)): yen_of(amount) for name, amount in given[when].items()}
        for when in ("before", "now")
    )
    moved = movements(before, now, known=[UUID(int=number) for number in given["known"]])
    sums = sum_by_movement(moved)
    assert {name.value: amount.minor_units for name, amount in sums.items()} == expected["movements"]
    assert sum(sums.values(), Money(0)).minor_units == expected["change"]
    assert expected["change"] == sum(given["now"].values()) - sum(given["before"].values())


CHECKS: dict[str, Check] = {
    "G04": modes_at_both_ends,
    "G07": swap_of_a_unit,
    "G08": price_models,
    "G09": usage_within_limits,
    "G11": tax_within_the_price,
    "G12": small_returns,
    "G15": direct_debit,
    "G16": leaving_early,
    "G17": deposit,
    "G19": discount_over_rates,
    "G20": annual_prepayment,
    "G21": bundle,
    "G22": general_revision,
    "G23": recurring_revenue,
}
