"""What an amendment costs, before it is done: the next invoice with it beside the one without."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from rental.billing.histories import NOTHING, Supposed
from rental.billing.obligations import lines_owed_by, terms_of
from rental.billing.rules.document_lines import document_lines
from rental.billing.rules.drafts import DraftLine, dues_of
from rental.billing.rules.due_dates import closing_on
from rental.billing.rules.tax import DocumentTotals, totals_of
from rental.changes.line_books import ContractBook
from rental.changes.plans import Plan
from rental.core.money import Money


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What the closing of this day says about the contract, without the amendment and with it."""

    closed_on: date
    before: Sequence[DraftLine]
    after: Sequence[DraftLine]
    totals_before: DocumentTotals
    totals_after: DocumentTotals

    @property
    def difference(self) -> Money:
        """How much more that invoice asks for, with tax."""
        return self.totals_after.total - self.totals_before.total


def foresee(session: Session, book: ContractBook, plan: Plan, *, today: date) -> Foreseen:
    """The first closing that knows of everything planned, rated as the closing will do. Writes nothing.

    Raises NotRatable when the contract cannot be billed.
    """
    last_day = max((today, *plan.first_days().values()))
    closed_on = closing_on(last_day, book.account.closing_day)
    before = _lines(session, book, closed_on, NOTHING)
    after = _lines(session, book, closed_on, Supposed(plan.events, plan.anchors, plan.one_offs))
    return Foreseen(closed_on, before, after, _totals(book, before), _totals(book, after))


def _totals(book: ContractBook, lines: Sequence[DraftLine]) -> DocumentTotals:
    return totals_of((each.line.taxed_amount for each in lines), rounding=book.account.tax_rounding)


def _lines(session: Session, book: ContractBook, closed_on: date, supposed: Supposed) -> list[DraftLine]:
    account = book.account
    facts = lines_owed_by(session, [account.id], closed_on=closed_on, supposed=supposed).get(account.id, [])
    own = [each for each in facts if each.contract_id == book.contract.id]
    dues = dues_of(terms_of(account), own, closed_on=closed_on)
    return [DraftLine(due.facts, line) for due in dues for line in document_lines(due.entries)]
