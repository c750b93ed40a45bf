"""From what the lines of one account owe to the invoice that asks for it; a preview and a run do the same."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

from rental.billing.rules import agreed
from rental.billing.rules.agreed import LineTerms
from rental.billing.rules.charges import Charge, ChargeKind, Entry
from rental.billing.rules.document_lines import DocumentLine, document_lines
from rental.billing.rules.due_dates import due_on
from rental.billing.rules.one_offs import OneOff
from rental.billing.rules.periods import BillingCycle, day_in_month
from rental.billing.rules.rater import RentedLine, entries_due, require_continued
from rental.billing.rules.runs import NegativeTotal, NotRatable, billed_as_of
from rental.billing.rules.segments import FeeHistory, Span
from rental.billing.rules.tax import DocumentTotals, totals_of
from rental.billing.rules.usage import UsageRecord
from rental.catalog.rules import TaxClass
from rental.core.errors import DomainError
from rental.core.money import Money, Rounding
from rental.core.periods import Period
from rental.customers.rules import Consolidation, HolidayRule, PriceMode

# Corrections reach back this far; what is older is for a person to decide.
MONTHS_LOOKED_BACK = 24
# What contradictory facts of a contract make of a calculation.
_CONTRADICTIONS = (ValueError, LookupError, ArithmeticError)


class AccountTerms(NamedTuple):
    """What was agreed with an account about its invoices; nearly all are sent one for everything they owe."""

    closing_day: int
    term_months: int
    pay_day: int
    holiday_rule: HolidayRule
    tax_rounding: Rounding
    charge_rounding: Rounding
    consolidation: Consolidation = Consolidation.PER_ACCOUNT
    price_mode: PriceMode = PriceMode.EXCLUSIVE


class Own(NamedTuple):
    """What a line has beyond a plain rent since its starts. `problem` is why its history cannot be right.

    `served` are the days from its first start to its last stop, where more than starts was recorded.
    """

    terms: LineTerms
    fees: FeeHistory
    kept: tuple[Span, ...] = ()
    one_offs: tuple[OneOff, ...] = ()
    usage: tuple[UsageRecord, ...] = ()
    problem: DomainError | None = None
    served: Period | None = None


@dataclass(frozen=True, slots=True)
class LineFacts:
    """A contract line as far as billing needs it: its terms, its starts, what was billed, what it is called.

    Periods that end by `settled_until` are left alone; `billed_through` is the day until which it was billed.
    `billed` names the row behind every charge of later periods that stands; `generations` counts how often
    such a period was billed, by its kind and first day. A plain line, as nearly all are, has nothing of its
    own.
    """

    line_id: UUID
    contract_id: UUID
    contract_number: str
    monthly_fee: Money
    tax_class: TaxClass
    spans: tuple[Span, ...]
    settled_until: date
    billed_through: date | None
    billed: Mapping[Charge, UUID]
    generations: Mapping[tuple[ChargeKind, date], int]
    words: Mapping[str, str]
    sites: Mapping[UUID, str]
    own: Own | None = None


class Claim(NamedTuple):
    """The right to bill a period of a line; taken once."""

    line_id: UUID
    kind: ChargeKind
    period: Period
    generation: int


@dataclass(frozen=True, slots=True)
class Due:
    """What the next document has to say about a line, period by period."""

    facts: LineFacts
    entries: Sequence[Entry]

    def claims(self) -> Iterator[Claim]:
        """One per period spoken of; of two that begin on one day, because it was cut anew, for the longer."""
        for key, entries in groupby(self.entries, key=_kind_and_start):
            *_, last = entries
            yield Claim(self.facts.line_id, key[0], last.charge.period, self.facts.generations.get(key, 0))


class DraftLine(NamedTuple):
    """A line of the document, and the contract line it speaks of."""

    facts: LineFacts
    line: DocumentLine

    @property
    def charge(self) -> Charge:
        return self.line.entry.charge

    @property
    def site_names(self) -> list[str]:
        """Where its slots are, each place once."""
        return sorted({self.facts.sites[slot_id] for slot_id in self.charge.slot_ids})


@dataclass(frozen=True, slots=True)
class Draft:
    """An invoice without its number."""

    lines: Sequence[DraftLine]
    totals: DocumentTotals
    period: Period
    due_on: date


def looked_back_to(closed_on: date) -> date:
    """Periods that end by this day are left alone, whatever is known of them."""
    return day_in_month(closed_on, closed_on.day, months_later=-MONTHS_LOOKED_BACK)


def settled_until(closed_on: date, *, billed_through: date | None, next_due_on: date | None) -> date:
    """Periods of a line that end by this day are left alone: they were billed, and nothing is new.

    What becomes known late makes the line due on an earlier day again; the period that ends on that day and
    those after it are rated anew.
    """
    oldest = looked_back_to(closed_on)
    if billed_through is None or next_due_on is None:
        return oldest
    return max(oldest, min(billed_through, next_due_on - timedelta(days=1)))


def dues_of(terms: AccountTerms, lines: Sequence[LineFacts], *, closed_on: date) -> list[Due]:
    """What each line of one account owes by a closing; nothing for lines that owe nothing new.

    Raises NotRatable, which names the contract, when its facts contradict each other.
    """
    cycle = BillingCycle.closing(terms.closing_day, closed_on)
    dues = (Due(facts, _entries_of(terms, cycle, facts, closed_on)) for facts in lines)
    return [due for due in dues if due.entries]


def draft_of(terms: AccountTerms, dues: Sequence[Due], *, closed_on: date) -> Draft | None:
    """The invoice for what is due: one document, one tax calculation. None when there is nothing to say.

    Raises NegativeTotal.
    """
    lines = [DraftLine(due.facts, line) for due in dues for line in document_lines(due.entries)]
    if not lines:
        return None
    totals = totals_of(
        (line.line.taxed_amount for line in lines), rounding=terms.tax_rounding, price_mode=terms.price_mode
    )
    if totals.total < Money(0):
        raise NegativeTotal(total=totals.total.minor_units)
    return Draft(
        lines,
        totals,
        Period(min(line.charge.used.start for line in lines), max(line.charge.used.end for line in lines)),
        due_on(
            closed_on,
            term_months=terms.term_months,
            pay_day=terms.pay_day,
            holiday_rule=terms.holiday_rule,
        ),
    )


def looked_at_next(
    terms: AccountTerms, facts: LineFacts, own: Own, *, as_of: date
) -> tuple[date | None, date]:
    """For a line with terms of its own: until when it was billed, and when more is due."""
    finished, due = agreed.looked_at_next(
        _facts(terms, facts, own), closing_day=terms.closing_day, as_of=as_of
    )
    billed = [day for day in (finished, facts.billed_through) if day]
    return max(billed, default=None), due


def _kind_and_start(entry: Entry) -> tuple[ChargeKind, date]:
    return entry.charge.kind, entry.charge.period.start


def _facts(terms: AccountTerms, facts: LineFacts, own: Own) -> agreed.Facts:
    return agreed.Facts(
        facts.line_id,
        own.terms,
        facts.spans,
        own.fees,
        own.kept,
        own.one_offs,
        own.usage,
        facts.tax_class,
        terms.charge_rounding,
        own.served,
    )


def _own_entries(terms: AccountTerms, facts: LineFacts, own: Own, closed_on: date) -> list[Entry]:
    if own.problem:
        raise own.problem
    agreed.require_cuts_kept(own.terms, facts.billed_through, closing_day=terms.closing_day)
    return agreed.everything_due(
        _facts(terms, facts, own),
        list(facts.billed),
        closing_day=terms.closing_day,
        as_of=billed_as_of(closed_on),
        since=facts.settled_until,
    )


def _entries_of(terms: AccountTerms, cycle: BillingCycle, facts: LineFacts, closed_on: date) -> list[Entry]:
    if not facts.spans and not facts.billed and facts.own is None:
        return []
    try:
        if facts.own is not None:
            return _own_entries(terms, facts, facts.own, closed_on)
        if facts.billed_through:
            require_continued(cycle, facts.billed_through)
        rented = RentedLine(
            line_id=facts.line_id,
            cycle=cycle,
            fees=FeeHistory(facts.monthly_fee),
            spans=facts.spans,
            tax_class=facts.tax_class,
            rounding=terms.charge_rounding,
        )
        billed = [Entry(charge) for charge in facts.billed]
        return entries_due(rented, billed, as_of=billed_as_of(closed_on), since=facts.settled_until)
    except DomainError as error:
        raise NotRatable(contract=facts.contract_number, problem=error.code, **error.params) from error
    except _CONTRADICTIONS as error:
        raise NotRatable(contract=facts.contract_number, problem=str(error)[:300]) from error
