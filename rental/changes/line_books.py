"""One contract with everything that decides what its lines owe, read before something is agreed anew."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from rental.billing.histories import NOT_STARTED, agreed_terms, recorded_starts
from rental.billing.rules.agreed import PLAIN, AgreedAnchor, LineTerms, cycle_of
from rental.billing.rules.cycles import Cycle
from rental.billing.rules.line_history import LineEvent, LineHistory, history_of
from rental.changes.rules import NotInForce
from rental.contracts.models import Contract, Line
from rental.contracts.rules import ContractState
from rental.core.db import found
from rental.core.errors import NotFound
from rental.customers.models import BillingAccount


@dataclass(frozen=True, slots=True)
class LineBook:
    """What a line is, what was agreed about it, and everything recorded, in the order of the days."""

    line: Line
    terms: LineTerms
    events: tuple[LineEvent, ...]
    closing_day: int

    def history(self, *more: LineEvent) -> LineHistory:
        """Its days and fees, also if these were recorded. Raises NotBillable for what cannot be."""
        return history_of((*self.events, *more), fee=self.line.monthly_fee)

    @property
    def first_day(self) -> date | None:
        """The first day of rent; None as long as nothing was installed."""
        return min((span.start for span in self.history().spans), default=None)

    def cycle(self, *anchors: AgreedAnchor, today: date) -> Cycle:
        """How its time is cut, also with these anchors. Raises NotBillable."""
        terms = self.terms.with_anchors(*anchors)
        return cycle_of(terms, closing_day=self.closing_day, first_day=self.first_day or today)

    def next_seq(self, day: date) -> int:
        """The place after everything recorded for this day."""
        return max((event.seq for event in self.events if event.effective_on == day), default=0) + 1

    def event(self, effective_on: date, seq: int) -> LineEvent:
        """The event of this day and place. Raises NotFound."""
        for event in self.events:
            if event.key == (effective_on, seq):
                return event
        raise NotFound(kind="line_event")


@dataclass(frozen=True, slots=True)
class ContractBook:
    """A contract in force, its account, and its lines by their ids."""

    contract: Contract
    account: BillingAccount
    lines: dict[UUID, LineBook]

    def line(self, line_id: UUID) -> LineBook:
        """One line. Raises NotFound when it is another contract's."""
        if line_id not in self.lines:
            raise NotFound(kind="contract_line")
        return self.lines[line_id]


def contract_book(session: Session, contract_id: UUID) -> ContractBook:
    """The contract as it is now. Raises NotFound, NotInForce."""
    contract = found(session, Contract, contract_id)
    if contract.state is not ContractState.ACTIVE:
        raise NotInForce
    return contract_books(session, [contract])[contract.id]


def contract_books(session: Session, contracts: Sequence[Contract]) -> dict[UUID, ContractBook]:
    """The same of several contracts in force, in as many statements as of one."""
    ids = [contract.id for contract in contracts]
    account_ids = {contract.billing_account_id for contract in contracts}
    accounts = {
        account.id: account
        for account in session.scalars(select(BillingAccount).where(BillingAccount.id.in_(account_ids)))
    }
    lines = session.scalars(select(Line).where(Line.contract_id.in_(ids)).order_by(Line.position)).all()
    line_ids = [line.id for line in lines]
    terms = agreed_terms(session, line_ids)
    recorded = recorded_starts(session, line_ids, with_events=line_ids)
    books = {
        contract.id: ContractBook(contract, accounts[contract.billing_account_id], {})
        for contract in contracts
    }
    for line in lines:
        book = books[line.contract_id]
        _, _, events = recorded.get(line.id, NOT_STARTED)
        book.lines[line.id] = LineBook(
            line, terms.get(line.id, PLAIN), tuple(events), book.account.closing_day
        )
    return books
