"""Which lines of an account stand on one document: all, those of a contract, or those of a site."""

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

from rental.billing.rules.drafts import Due, LineFacts
from rental.customers.rules import Consolidation


class Place(NamedTuple):
    """A site as a document names it."""

    site_id: UUID
    number: str
    name: str


# Where each line stands; only of accounts that are sent a document for each site.
Places = Mapping[UUID, Place]
NO_PLACES: Places = {}


class Group(NamedTuple):
    """What one document is for. A contract has no name beside its number; the whole account has neither."""

    consolidation: Consolidation
    number: str = ""
    name: str = ""
    id: UUID | None = None

    @property
    def title(self) -> str:
        """The contract or site as a reader knows it; nothing for the whole account."""
        return f"{self.number} {self.name}".rstrip()

    def part_of_snapshot(self) -> dict[str, Any]:
        """What stands of it on the document: nothing where that is for the whole account."""
        if self.consolidation is Consolidation.PER_ACCOUNT:
            return {}
        return {"for": {"kind": self.consolidation.value, "number": self.number, "name": self.name}}


WHOLE_ACCOUNT = Group(Consolidation.PER_ACCOUNT)


def groups_of(
    consolidation: Consolidation, dues: Sequence[Due], places: Places
) -> Iterable[tuple[Group, Sequence[Due]]]:
    """What is due, by the document on which it is asked for, in the order of their numbers.

    All of a line goes together, its discounts, credits and corrections too: a line is of one contract and was
    agreed for one site.
    """
    if consolidation is Consolidation.PER_ACCOUNT:  # nearly always
        return ((WHOLE_ACCOUNT, dues),)
    found: dict[Group, list[Due]] = {}
    for due in dues:
        found.setdefault(_group_of(consolidation, due.facts, places), []).append(due)
    return sorted(found.items(), key=itemgetter(0))


def _group_of(consolidation: Consolidation, facts: LineFacts, places: Places) -> Group:
    if consolidation is Consolidation.PER_CONTRACT:
        return Group(consolidation, facts.contract_number, id=facts.contract_id)
    place = places[facts.line_id]
    return Group(consolidation, place.number, place.name, place.site_id)
