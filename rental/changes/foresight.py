"""What an amendment costs, before it is done: the next invoice with it beside the one without."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from rental.billing.histories import NOTHING, Supposed
from rental.billing.obligations import lines_owed_by, terms_of
from rental.billing.rules.document_lines import document_lines
from rental.billing.rules.drafts import DraftLine, dues_of
from rental.billing.rules.due_dates import closing_on
from rental.billing.rules.refusals import NotBillable
from rental.billing.rules.runs import NotRatable
from rental.billing.rules.tax import DocumentTotals, totals_of
from rental.changes.line_books import ContractBook
from rental.changes.plans import Plan
from rental.core.errors import DomainError
from rental.core.money import Money
from rental.core.periods import Period


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What the closing of this day says about the contract, without the amendment and with it.

    `problem` is why the contract cannot be billed without the amendment, which then may be its cure.
    """

    closed_on: date
    before: Sequence[DraftLine]
    after: Sequence[DraftLine]
    totals_before: DocumentTotals
    totals_after: DocumentTotals
    problem: DomainError | None = None

    @property
    def difference(self) -> Money:
        """How much more that invoice asks for, with tax."""
        return self.totals_after.total - self.totals_before.total

    @property
    def said(self) -> dict[str, Any]:
        """What is kept of it with the amendment."""
        return {
            "closed_on": self.closed_on.isoformat(),
            "before": self.totals_before.total.minor_units,
            "after": self.totals_after.total.minor_units,
        }

    @property
    def fingerprint(self) -> str:
        """The same only for the same charges and totals: 32 hexadecimal digits."""
        charges = [(each.line.entry, each.line.amount) for each in (*self.before, *self.after)]
        text = repr((self.closed_on, charges, self.totals_before.total, self.totals_after.total))
        return hashlib.sha256(text.encode()).hexdigest()[:32]


def foresee(session: Session, book: ContractBook, plan: Plan, *, today: date) -> Foreseen:
    """The first closing that knows of everything planned, rated as the closing will do. Writes nothing.

    Raises NotRatable when the contract cannot be billed with it.
    """
    last_day = max((today, *plan.first_days().values()))
    closed_on = closing_on(last_day, book.account.closing_day)
    before: list[DraftLine] = []
    problem: DomainError | None = None
    try:
        before = _lines(session, book, closed_on, NOTHING)
    except NotRatable as error:
        problem = error
    after = _lines(session, book, closed_on, Supposed(plan.events, plan.anchors, plan.one_offs))
    return Foreseen(closed_on, before, after, _totals(book, before), _totals(book, after), problem)


def monthly_rent(book: ContractBook, plan: Plan | None = None) -> Money | None:
    """What the contract costs a month once everything recorded counts, and the plan as well; as it was
    agreed, with or without tax.

    None where its facts contradict each other.
    """
    rent = Money(0)
    for line_id, line in book.lines.items():
        try:
            history = line.history(*(plan.events.get(line_id, ()) if plan else ()))
        except NotBillable:
            return None
        for span in history.spans:
            if span.end is None:
                *_, (_days, fee) = history.fees.of(span.slot_id).during(Period(date.min, date.max))
                rent += fee * span.units
    return rent


def _totals(book: ContractBook, lines: Sequence[DraftLine]) -> DocumentTotals:
    account = book.account
    return totals_of(
        (each.line.taxed_amount for each in lines),
        rounding=account.tax_rounding,
        price_mode=account.price_mode,
    )


def _lines(session: Session, book: ContractBook, closed_on: date, supposed: Supposed) -> list[DraftLine]:
    account = book.account
    facts = lines_owed_by(session, [account.id], closed_on=closed_on, supposed=supposed).get(account.id, [])
    own = [each for each in facts if each.contract_id == book.contract.id]
    dues = dues_of(terms_of(account), own, closed_on=closed_on)
    return [DraftLine(due.facts, line) for due in dues for line in document_lines(due.entries)]
