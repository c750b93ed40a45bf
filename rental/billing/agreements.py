"""Agreeing on the terms of a line, once the rules of billing were asked whether they can be calculated."""

from collections.abc import Sequence
from uuid import UUID

from rental.billing.rules.agreed import LineTerms, usage_plan_of
from rental.billing.rules.discounts import LineDiscount
from rental.billing.rules.early_termination import termination_fee_of
from rental.billing.rules.prices import UnitPrice, require_not_negative
from rental.billing.rules.refusals import NotBillable, Reason
from rental.catalog.rules import Cost, TaxClass
from rental.contracts import agreeing, line_agreements
from rental.contracts.agreeing import Terms
from rental.contracts.line_agreements import Agreement, Discount
from rental.contracts.models import AgreedCost, Line
from rental.contracts.models import LineTerms as StoredTerms
from rental.core.uow import UnitOfWork


def agree_terms(uow: UnitOfWork, line_id: UUID, terms: Terms) -> StoredTerms:
    """These terms instead of a plain rent, as long as the contract is a draft.

    Raises NotADraft, NotBillable.
    """
    require_ratable(terms)
    return agreeing.agree_terms(uow, line_id, terms)


def agree_on_line(uow: UnitOfWork, line_id: UUID, agreement: Agreement, *, version: int) -> Line:
    """All of this in the place of what was agreed about the line, as long as the contract is a draft.

    Raises NotADraft, ChangedMeanwhile, TrialWithoutDays, NotBillable.
    """
    require_not_negative(agreement.rent.monthly_fee.minor_units, "monthly_fee")
    require_ratable(agreement.terms)
    require_discounts(agreement.discounts)
    for price in agreement.costs:
        require_not_negative(price.unit_price_millionths, "unit_price")
    return line_agreements.agree_on_line(uow, line_id, agreement, version=version)


def require_ratable(terms: Terms) -> None:
    """Raises NotBillable, naming the field, for terms that nothing could be calculated with."""
    LineTerms(months=terms.months)
    require_not_negative(terms.lead_days, "lead_days")
    if terms.period_days is not None:
        require_not_negative(terms.period_days - 1, "period_days")
    if terms.overrun_fee is not None:
        require_not_negative(terms.overrun_fee.minor_units, "overrun_fee")
    if terms.usage:
        usage_plan_of(terms.usage)
    if terms.leaving:
        termination_fee_of(terms.leaving)


def require_discounts(discounts: Sequence[Discount]) -> None:
    """Raises NotBillable for a discount without a name of its own, without an amount, or without a day."""
    for number, discount in enumerate(discounts):
        LineDiscount(discount.name, discount.basis_points, discount.amount)
        if discount.name in {other.name for other in discounts[:number]}:
            raise NotBillable("name", Reason.SAID_TWICE, value=discount.name)
        if not discount.basis_points and not discount.amount:
            raise NotBillable("basis_points", Reason.MISSING)
        if discount.starts_on and discount.ends_on and discount.ends_on <= discount.starts_on:
            start, end = discount.starts_on, discount.ends_on
            raise NotBillable("ends_on", Reason.ENDS_BEFORE_START, start=start, end=end)
        if discount.periods is not None and discount.periods < 1:
            raise NotBillable("periods", Reason.OUT_OF_RANGE, value=discount.periods)


def agree_cost(
    uow: UnitOfWork,
    line_id: UUID,
    cost: Cost,
    *,
    unit_price: str | int,
    tax_class: TaxClass = TaxClass.STANDARD,
) -> AgreedCost:
    """What is paid once each time this happens to the line; yen, with up to six decimals.

    Raises NotADraft, NotBillable.
    """
    price = UnitPrice.of(unit_price)
    return agreeing.agree_cost(
        uow, line_id, cost, unit_price_millionths=price.millionths, tax_class=tax_class
    )
