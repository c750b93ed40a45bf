"""Agreeing on more than a plain monthly rent: how time is cut, when it is billed, what is taken off."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any
from uuid import UUID

from rental.catalog.rules import AnchorKind, Cost, Proration, StubPolicy, TaxClass, Timing
from rental.contracts.drafting import NotADraft
from rental.contracts.models import AgreedCost, Contract, Line, LineDiscount, LineTerms
from rental.contracts.rules import ContractState
from rental.core.db import found
from rental.core.money import Money
from rental.core.text import tidy
from rental.core.uow import UnitOfWork, locked


@dataclass(frozen=True, slots=True)
class Terms:
    """What can be agreed about a line; the defaults are a plain rent.

    `usage` and `leaving` are in the words of the rules of billing, which whoever calls has asked.
    """

    anchor: AnchorKind = AnchorKind.CLOSING
    anchored_on: date | None = None
    months: int = 1
    period_days: int | None = None
    timing: Timing = Timing.ARREARS
    lead_days: int = 0
    stub: StubPolicy = StubPolicy.SHORT
    proration: Proration = Proration.ACTUAL
    stop_proration: Proration | None = None
    change_proration: Proration | None = None
    retrieval_day_counts: bool = True
    rate_bp: int | None = None
    cuts_at_rate_changes: bool = False
    overrun_fee: Money | None = None
    usage: Mapping[str, Any] | None = None
    leaving: Mapping[str, Any] | None = None


def agree_terms(uow: UnitOfWork, line_id: UUID, terms: Terms) -> LineTerms:
    """These terms instead of a plain rent, as long as the contract is a draft. Raises NotADraft."""
    line = _line_of_draft(uow, line_id)
    row = terms_of_line(uow, line.id)
    for each in fields(terms):
        setattr(row, each.name, getattr(terms, each.name))
    uow.session.flush()
    return row


def agree_cost(
    uow: UnitOfWork,
    line_id: UUID,
    cost: Cost,
    *,
    unit_price_millionths: int,
    tax_class: TaxClass = TaxClass.STANDARD,
) -> AgreedCost:
    """What is paid once each time this happens to the line. Raises NotADraft."""
    line = _line_of_draft(uow, line_id)
    row = AgreedCost(
        contract_line_id=line.id,
        cost=cost,
        unit_price_millionths=unit_price_millionths,
        tax_class=tax_class,
    )
    row = uow.session.merge(row)
    uow.session.flush()
    return row


def agree_discount(
    uow: UnitOfWork,
    line_id: UUID,
    *,
    name: str,
    basis_points: int = 0,
    amount: Money = Money(0),  # noqa: B008 - an amount never changes
    starts_on: date | None = None,
    ends_on: date | None = None,
    periods: int | None = None,
) -> LineDiscount:
    """A discount under a name of its own, from the first day or another, for a time or for ever.

    Raises NotADraft.
    """
    line = _line_of_draft(uow, line_id)
    terms_of_line(uow, line.id)
    row = LineDiscount(
        contract_line_id=line.id,
        name=tidy(name),
        basis_points=basis_points,
        amount=amount,
        starts_on=starts_on,
        ends_on=ends_on,
        periods=periods,
    )
    uow.session.add(row)
    uow.session.flush()
    return row


def terms_of_line(uow: UnitOfWork, line_id: UUID) -> LineTerms:
    """The terms of the line; plain ones are written down when there are none yet."""
    row = uow.session.get(LineTerms, line_id)
    if row is None:
        row = LineTerms(contract_line_id=line_id)
        uow.session.add(row)
        uow.session.flush()
    return row


def _line_of_draft(uow: UnitOfWork, line_id: UUID) -> Line:
    line = found(uow.session, Line, line_id)
    if locked(uow, Contract, line.contract_id).state is not ContractState.DRAFT:
        raise NotADraft
    return line
