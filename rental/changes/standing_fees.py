"""What a contract says in lists: the fee of a month of its machines, as it is agreed for today."""

from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import select

from rental.billing.rules.refusals import NotBillable
from rental.changes.line_books import ContractBook, LineBook, contract_book, contract_books
from rental.changes.models import Amendment
from rental.contracts.models import Contract
from rental.contracts.rules import ContractState
from rental.core.money import Money
from rental.core.periods import Period
from rental.core.uow import UnitOfWork, locked

_AT_ONCE = 200


def restate_fee(uow: UnitOfWork, contract_id: UUID) -> None:
    """After an amendment, which may count from today. Nobody else amends the contract meanwhile."""
    contract = locked(uow, Contract, contract_id)
    fee = fee_of_month(contract_book(uow.session, contract_id), uow.today)
    if fee is not None and fee != contract.monthly_fee:
        contract.monthly_fee = fee
        uow.session.flush()


def restate_fees(uow: UnitOfWork) -> None:
    """Night after night: what was agreed for a later day counts from that day."""
    amended = (Contract.state == ContractState.ACTIVE) & Contract.id.in_(select(Amendment.contract_id))
    ids = uow.session.scalars(select(Contract.id).where(amended).order_by(Contract.id)).all()
    for first in range(0, len(ids), _AT_ONCE):
        some = select(Contract).where(Contract.id.in_(ids[first : first + _AT_ONCE])).order_by(Contract.id)
        for book in contract_books(uow.session, uow.session.scalars(some).all()).values():
            if fee_of_month(book, uow.today) not in (None, book.contract.monthly_fee):
                restate_fee(uow, book.contract.id)


def fee_of_month(book: ContractBook, today: date) -> Money | None:
    """Of every machine that stands at a site or is still to come; one that came back, or pauses without an
    end, costs nothing. None where the facts of a line contradict each other: its closing says so."""
    if book.contract.ends_on is not None and book.contract.ends_on <= today:
        return Money(0)
    try:
        return sum((_fee_of_line(line, today) for line in book.lines.values()), Money(0))
    except NotBillable:
        return None


def _fee_of_line(line: LineBook, today: date) -> Money:
    history = line.history()
    until = Period(date.min, today + timedelta(days=1))
    units = {slot.id: 1 for slot in line.line.slots if slot.started_on is None}
    units |= {span.slot_id: span.units for span in history.spans if span.end is None or today < span.end}
    fee = Money(0)
    for slot_id, count in units.items():
        *_, (_days, one) = history.fees.of(slot_id).during(until)
        fee += one * count
    return fee
