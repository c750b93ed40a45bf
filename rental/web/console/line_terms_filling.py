"""The form of a line's terms as it is filled in with what is agreed already."""

from collections.abc import Mapping
from typing import Any

from rental.billing.rules.prices import UnitPrice
from rental.billing.rules.usage import Aggregation
from rental.catalog.rules import TaxClass
from rental.contracts.line_agreements import Agreement
from rental.core.money import Money
from rental.web.console.line_terms_checks import BY_DAYS
from rental.web.console.line_terms_form import DAY, NONE, LineTermsForm, line_terms_form


def form_of(agreement: Agreement, *, version: int) -> LineTermsForm:
    """The form as it is filled in with what is agreed already."""
    terms, rent = agreement.terms, agreement.rent
    usage, leaving = terms.usage or {}, terms.leaving or {}
    tiers, table = usage.get("tiers", ()), leaving.get("rows", ())
    values: dict[str, Any] = {
        "version": version,
        "monthly_fee": rent.monthly_fee,
        "tax_class": rent.tax_class.value,
        "start_policy": rent.start_policy.value,
        "stop_policy": rent.stop_policy.value,
        "trial_days": rent.trial_days,
        "months": BY_DAYS if terms.period_days else str(terms.months),
        "usage_model": usage.get("model", NONE),
        "aggregation": usage.get("aggregation", Aggregation.SUM.value),
        "included": usage.get("included"),
        "usage_minimum": _money(usage.get("minimum")),
        "usage_maximum": _money(usage.get("maximum")),
        "leaving_model": leaving.get("model") or NONE,
        "leaving_tax_class": leaving.get("tax_class", TaxClass.OUT_OF_SCOPE.value),
        "leaving_percent": leaving.get("basis_points"),
        "leaving_amount": _money(leaving.get("amount")),
        "leaving_value": _money(leaving.get("price")),
        "leaving_life": leaving.get("life_months"),
        "leaving_at_least": _money(leaving.get("at_least")),
        "leaving_at_most": _money(leaving.get("at_most")),
        **_usage_values(usage),
        **{f"cost_{each.cost.value}": UnitPrice(each.unit_price_millionths) for each in agreement.costs},
    }
    for name in ("period_days", "lead_days", "anchored_on", "rate_bp", "overrun_fee"):
        values[name] = getattr(terms, name)
    for name in ("retrieval_day_counts", "cuts_at_rate_changes"):
        values[name] = getattr(terms, name)
    for name in ("timing", "anchor", "stub", "proration", "stop_proration", "change_proration"):
        chosen = getattr(terms, name)
        values[name] = chosen.value if chosen else NONE
    for number, tier in enumerate(tiers, 1):
        values[f"tier_{number}_up_to"] = tier.get("up_to")
        values[f"tier_{number}_price"] = UnitPrice.of(tier["unit_price"])
        values[f"tier_{number}_flat"] = _money(tier.get("flat") or None)
    for number, (months, amount) in enumerate(table, 1):
        values[f"leaving_{number}_months"] = months
        values[f"leaving_{number}_amount"] = Money(amount)
    for number, discount in enumerate(agreement.discounts, 1):
        values |= {
            f"discount_{number}_name": discount.name,
            f"discount_{number}_percent": discount.basis_points or None,
            f"discount_{number}_amount": discount.amount or None,
            f"discount_{number}_starts_on": discount.starts_on,
            f"discount_{number}_last_on": discount.ends_on - DAY if discount.ends_on else None,
            f"discount_{number}_periods": discount.periods,
        }
    counts = {"tier": len(tiers), "discount": len(agreement.discounts), "leaving": len(table)}
    return line_terms_form(counts, formdata=None, **values)


def _usage_values(usage: Mapping[str, Any]) -> dict[str, Any]:
    """The prices of usage at the fields of their model."""
    match usage.get("model"):
        case "flat":
            return {"usage_flat": _money(usage.get("price"))}
        case "per_unit":
            return {"usage_unit_price": UnitPrice.of(usage["unit_price"])}
        case "package":
            return {
                "package_price": UnitPrice.of(usage["price"]),
                "package_size": usage.get("size"),
                "package_free": usage.get("free"),
            }
    return {}


def _money(value: int | None) -> Money | None:
    return None if value is None else Money(value)
