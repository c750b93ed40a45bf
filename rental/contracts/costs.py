"""What is paid for once: recorded when it happens, at the price agreed for the line."""

from datetime import date
from uuid import UUID

from sqlalchemy import select

from rental.catalog.rules import Cost, TaxClass
from rental.contracts.events import CostIncurred
from rental.contracts.models import AgreedCost, OneOff
from rental.core.uow import UnitOfWork


def incur_costs(
    uow: UnitOfWork,
    line_id: UUID,
    *costs: Cost,
    slot_id: UUID,
    happened_on: date,
    source: str,
    source_id: UUID,
) -> None:
    """Those of these costs that were agreed for the line fall due; the initial one only the first time."""
    agreed = uow.session.scalars(
        select(AgreedCost)
        .where(AgreedCost.contract_line_id == line_id, AgreedCost.cost.in_(costs))
        .order_by(AgreedCost.cost)
    ).all()
    for price in agreed:
        if price.cost is Cost.INITIAL and _has_incurred(uow, line_id, Cost.INITIAL):
            continue
        uow.session.add(
            OneOff(
                contract_line_id=line_id,
                slot_id=slot_id,
                happened_on=happened_on,
                cost=price.cost,
                unit_price_millionths=price.unit_price_millionths,
                quantity=1,
                tax_class=price.tax_class,
                source=source,
                source_id=source_id,
                recorded_at=uow.now,
            )
        )
        uow.announce(CostIncurred(line_id, happened_on))
    if agreed:
        uow.session.flush()


def record_cost(
    uow: UnitOfWork,
    line_id: UUID,
    cost: Cost,
    *,
    happened_on: date,
    unit_price_millionths: int,
    quantity: int,
    tax_class: TaxClass,
    reason: str,
    source: str,
    source_id: UUID,
) -> OneOff:
    """Something that is paid for once, at a price agreed for this time. Whoever calls tells billing."""
    row = OneOff(
        contract_line_id=line_id,
        happened_on=happened_on,
        cost=cost,
        unit_price_millionths=unit_price_millionths,
        quantity=quantity,
        tax_class=tax_class,
        reason=reason,
        source=source,
        source_id=source_id,
        recorded_at=uow.now,
    )
    uow.session.add(row)
    uow.session.flush()
    return row


def _has_incurred(uow: UnitOfWork, line_id: UUID, cost: Cost) -> bool:
    return (
        uow.session.scalar(
            select(select(OneOff.id).where(OneOff.contract_line_id == line_id, OneOff.cost == cost).exists())
        )
        is True
    )
