"""Agreeing on the terms of a line, once the rules of billing were asked whether they can be calculated."""

from uuid import UUID

from rental.billing.rules.agreed import LineTerms, usage_plan_of
from rental.billing.rules.early_termination import termination_fee_of
from rental.billing.rules.prices import UnitPrice, require_not_negative
from rental.catalog.rules import Cost, TaxClass
from rental.contracts import agreeing
from rental.contracts.agreeing import Terms
from rental.contracts.models import AgreedCost
from rental.contracts.models import LineTerms as StoredTerms
from rental.core.uow import UnitOfWork


def agree_terms(uow: UnitOfWork, line_id: UUID, terms: Terms) -> StoredTerms:
    """These terms instead of a plain rent, as long as the contract is a draft.

    Raises NotADraft, NotBillable.
    """
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
    return agreeing.agree_terms(uow, line_id, terms)


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
