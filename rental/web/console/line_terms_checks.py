"""Whether the parts of a line's terms can be calculated with; what is wrong is said at its field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from flask_babel import gettext as _

from rental.billing.agreements import require_discounts
from rental.billing.rules.agreed import usage_plan_of
from rental.billing.rules.early_termination import termination_fee_of
from rental.billing.rules.refusals import NotBillable
from rental.catalog.rules import AnchorKind
from rental.contracts.line_agreements import Discount
from rental.web.refusals import refusal

if TYPE_CHECKING:
    from rental.web.console.line_terms_form import LineTermsForm

BY_DAYS = "days"
_USAGE_FIELDS = {
    "price": "package_price",
    "size": "package_size",
    "free": "package_free",
    "unit_price": "usage_unit_price",
    "tiers": "tier_1_up_to",
    "included": "included",
    "minimum": "usage_minimum",
    "maximum": "usage_maximum",
}
_LEAVING_FIELDS = {
    "basis_points": "leaving_percent",
    "amount": "leaving_amount",
    "price": "leaving_value",
    "life_months": "leaving_life",
    "rows": "leaving_1_months",
    "up_to_months": "leaving_1_months",
}
_DISCOUNT_FIELDS = {
    "name": "name",
    "basis_points": "percent",
    "amount": "amount",
    "ends_on": "last_on",
    "periods": "periods",
}


def check_terms(form: LineTermsForm) -> None:
    """Puts what is wrong into the form, whose fields are each right by themselves."""
    _check_period(form)
    _check_tiers(form)
    _check_leaving_rows(form)
    if _is_right(form, "usage_", "tier_", "package_"):
        _check(form, lambda: usage_plan_of(form.usage) if form.usage else None, _USAGE_FIELDS)
    if _is_right(form, "leaving_"):
        _check(form, lambda: termination_fee_of(form.leaving) if form.leaving else None, _LEAVING_FIELDS)
    _check_discounts(form)


def _is_right(form: LineTermsForm, *parts: str) -> bool:
    """Whether nothing is wrong yet with the fields whose names begin so."""
    return not any(field.errors for field in form if field.name.startswith(parts))


def _check_discounts(form: LineTermsForm) -> None:
    before: list[Discount] = []
    for number in range(1, form.row_counts["discount"] + 1):
        discount = form.discount(number)
        if discount is None:
            continue
        before.append(discount)
        fields = {name: f"discount_{number}_{field}" for name, field in _DISCOUNT_FIELDS.items()}
        _check(form, partial(require_discounts, list(before)), fields)


def _check_period(form: LineTermsForm) -> None:
    """Periods of days need their number, and a day of the month needs a day that shows it."""
    if form.months.data == BY_DAYS and form.period_days.data is None:
        form.period_days.errors = [_("Write how many days a period has.")]
    is_fixed = form.anchor.data == AnchorKind.FIXED_DAY and form.months.data != BY_DAYS
    if is_fixed and form.anchored_on.data is None:
        form.anchored_on.errors = [
            _("Write a day that falls on the day of the month on which periods begin.")
        ]


def _check_tiers(form: LineTermsForm) -> None:
    """Steps go up, each has a price, and only the last one has no bound: the row at fault says so."""
    if form.usage_model.data not in ("graduated", "volume"):
        return
    rows = form.filled_rows("tier")
    below = 0
    for number, row in rows:
        bound, price = form[f"tier_{number}_up_to"], form[f"tier_{number}_price"]
        is_last = number == rows[-1][0]
        if row["price"] is None:
            price.errors = [_("Write what one costs in this step.")]
        if is_last and row["up_to"] is not None:
            bound.errors = [_("Leave this empty: the last step holds everything above the one before.")]
        elif not is_last and (row["up_to"] is None or row["up_to"] <= below):
            bound.errors = [_("Write a number above %(below)s: steps go up.", below=f"{below:,}")]
        below = row["up_to"] or below
    if not rows:
        form["tier_1_price"].errors = [_("Write what one costs in this step.")]


def _check_leaving_rows(form: LineTermsForm) -> None:
    """Rows go up, and each says its months and its amount."""
    if form.leaving_model.data != "table":
        return
    rows = form.filled_rows("leaving")
    below = -1
    for number, row in rows:
        if row["months"] is None or row["months"] <= below:
            message = _("Write a number of months above %(below)s: rows go up.", below=max(below, 0))
            form[f"leaving_{number}_months"].errors = [message]
        if row["amount"] is None:
            form[f"leaving_{number}_amount"].errors = [_("Write what leaving costs in these months.")]
        below = below if row["months"] is None else row["months"]
    if not rows:
        form["leaving_1_months"].errors = [
            _("Write the months up to which an amount counts, and the amount.")
        ]


def _check(form: LineTermsForm, read: Callable[[], object], fields: Mapping[str, str]) -> None:
    """What the rules of billing refuse is shown at the field it is about."""
    try:
        read()
    except NotBillable as error:
        name = fields.get(error.field or "", "")
        if form.usage_model.data == "flat" and name == "package_price":
            name = "usage_flat"
        if name in form:
            form[name].errors = [refusal(error)]
        else:
            form.form_errors.append(refusal(error))
