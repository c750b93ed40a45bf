"""One document, or one for each contract or site, for each closing day of an account: missed ones first."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from rental.billing.rules.charges import ChargeKind, Entry, Side
from rental.billing.rules.consolidation import NO_PLACES, WHOLE_ACCOUNT, Group, Places, groups_of
from rental.billing.rules.drafts import AccountTerms, Draft, Due, draft_of
from rental.billing.rules.due_dates import closing_on
from rental.billing.rules.rater import billing_date
from rental.catalog.rules import Timing


class Document(NamedTuple):
    """An invoice without its number, the closing it is for, what is due on it, and what it is for."""

    closed_on: date
    dues: Sequence[Due]
    draft: Draft
    group: Group = WHOLE_ACCOUNT


def documents_of(
    terms: AccountTerms,
    dues: Sequence[Due],
    *,
    closed_on: date,
    made: Collection[date] = (),
    places: Places = NO_PLACES,
) -> list[Document]:
    """The documents that bill what is due, by closing day, and by contract or site where that was agreed.

    A closing day that was missed gets its own, with the periods that were due on it; `made` are the earlier
    closing days of the account that were not missed. What is said of a period a second time, or of one whose
    closing was made, stands on the newest. All of them are to be paid as the newest is: nobody could have
    paid before. Raises NegativeTotal.
    """
    if not any(is_overdue(due, closed_on) for due in dues):  # nearly always
        return list(_documents_on(closed_on, terms, dues, closed_on, places))
    by_day: dict[date, list[Due]] = defaultdict(list)
    for due in dues:
        entries: dict[date, list[Entry]] = defaultdict(list)
        for entry in due.entries:
            day = _closing_day(terms, due, entry)
            entries[closed_on if day in made else min(day, closed_on)].append(entry)
        for day, some in entries.items():
            by_day[day].append(Due(due.facts, some))
    return [
        document
        for day, some_dues in sorted(by_day.items())
        for document in _documents_on(day, terms, some_dues, closed_on, places)
    ]


def is_overdue(due: Due, closed_on: date) -> bool:
    """Whether it has something to say of periods that were due at an earlier closing."""
    return any(_asked_from(due, entry) <= closed_on for entry in due.entries)


def _documents_on(
    day: date, terms: AccountTerms, dues: Sequence[Due], closed_on: date, places: Places
) -> Iterator[Document]:
    """The documents for one closing day, each with a tax calculation of its own."""
    for group, its_dues in groups_of(terms.consolidation, dues, places):
        draft = draft_of(terms, its_dues, closed_on=closed_on)
        if draft:
            yield Document(day, its_dues, draft, group)


def _closing_day(terms: AccountTerms, due: Due, entry: Entry) -> date:
    """The closing on which the period was due; never an earlier one for what is corrected."""
    charge = entry.charge
    if entry.side is Side.CREDIT or due.facts.generations.get((charge.kind, charge.period.start)):
        return date.max
    return closing_on(_asked_from(due, entry) - timedelta(days=1), terms.closing_day)


def _asked_from(due: Due, entry: Entry) -> date:
    """The first day on which a document could ask for it: of rent in advance, not before rent has begun."""
    own, charge = due.facts.own, entry.charge
    if own is None or charge.kind is not ChargeKind.RECURRING or own.terms.timing is Timing.ARREARS:
        return charge.period.end
    begun = min((span.start for span in due.facts.spans), default=charge.used.start)
    asked = billing_date(charge.period, Timing.ADVANCE, own.terms.lead_days)
    return max(asked, begun + timedelta(days=1))
