"""What happened to a contract, told as one story, newest first."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import groupby

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from rental.contracts.models import Contract
from rental.contracts.queries import line_events_of, steps_of
from rental.contracts.rules import ContractState
from rental.core.money import Money
from rental.fieldwork.models import WorkOrder
from rental.fieldwork.rules import OVER
from rental.web.formats import day, yen
from rental.web.sentences import state_chip, state_label

SHOWN = 100
_MOST_TAGS = 12


class EntryKind(StrEnum):
    """What an entry is about; the page can show one kind alone."""

    STEPS = "steps"
    RENT = "rent"
    PLACEMENTS = "placements"
    WORK_ORDERS = "work-orders"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened. `mark` is the kind of the chip beside it."""

    at: datetime
    kind: EntryKind
    mark: str
    title: str
    detail: str = ""
    who: str = ""
    url: str | None = None


def kinds_of(shown: str) -> Collection[EntryKind]:
    """The one kind that is asked for, or all of them."""
    return [kind for kind in EntryKind if kind.value == shown] or list(EntryKind)


def timeline_of(
    session: Session, contract: Contract, orders: Sequence[WorkOrder], kinds: Collection[EntryKind]
) -> list[Entry]:
    """The entries of these kinds, newest first; what was done at once is one entry."""
    told = {
        EntryKind.STEPS: lambda: _steps(session, contract),
        EntryKind.RENT: lambda: _rent(session, contract),
        EntryKind.PLACEMENTS: lambda: _placements(contract),
        EntryKind.WORK_ORDERS: lambda: _work_orders(orders),
    }
    entries = [entry for kind in kinds for entry in told[kind]()]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)


def _steps(session: Session, contract: Contract) -> Iterator[Entry]:
    titles = {
        ContractState.DRAFT: _("Draft written"),
        ContractState.ACTIVE: _("Contract activated, units held"),
        ContractState.CANCELLED: _("Draft cancelled"),
    }
    for step in steps_of(session, contract.id):
        mark = state_chip(step.to_state)
        yield Entry(
            step.happened_at, EntryKind.STEPS, mark, titles[step.to_state], step.note, step.actor_name
        )


def _rent(session: Session, contract: Contract) -> Iterator[Entry]:
    """Each start of rent with what the contract cost a month before and after."""
    fees = {line.id: line.monthly_fee for line in contract.lines}
    events = sorted(
        line_events_of(session, contract.id), key=lambda event: (event.recorded_at, event.effective_on)
    )
    before = Money(0)
    for (at, effective_on), group in groupby(events, lambda event: (event.recorded_at, event.effective_on)):
        started = list(group)
        after = before + sum((fees[event.contract_line_id] for event in started), Money(0))
        yield Entry(
            at,
            EntryKind.RENT,
            state_chip(started[0].kind),
            ngettext(
                "Rent of %(num)s slot runs from %(day)s",
                "Rent of %(num)s slots runs from %(day)s",
                len(started),
                day=day(effective_on),
            ),
            _("In service: %(before)s → %(after)s a month", before=yen(before), after=yen(after)),
        )
        before = after


def _placements(contract: Contract) -> Iterator[Entry]:
    placed = sorted(
        (
            (placement.placed_at, slot.site.name, placement.unit.tag, placement.reason)
            for line in contract.lines
            for slot in line.slots
            for placement in slot.placements
        ),
        key=lambda row: row[:3],
    )
    for (at, site), group in groupby(placed, lambda row: row[:2]):
        rows = list(group)
        yield Entry(
            at,
            EntryKind.PLACEMENTS,
            state_chip(rows[0][3]),
            ngettext(
                "%(num)s unit installed at %(site)s",
                "%(num)s units installed at %(site)s",
                len(rows),
                site=site,
            ),
            _listed([tag for _at, _site, tag, _reason in rows]),
        )


def _work_orders(orders: Sequence[WorkOrder]) -> Iterator[Entry]:
    for order in orders:
        url = url_for("work_orders.show", work_order_id=order.id)
        machines = ngettext("%(num)s machine", "%(num)s machines", len(order.items))
        where = _("%(site)s, %(machines)s", site=order.site.name, machines=machines)
        yield Entry(
            order.opened_at,
            EntryKind.WORK_ORDERS,
            "plan",
            _("Work order %(number)s opened", number=order.number),
            where,
            url=url,
        )
        if order.finished_at and order.state in OVER:
            why = f"{where} · {state_label(order.block_reason)}" if order.block_reason else where
            title = _("Work order %(number)s: %(state)s", number=order.number, state=state_label(order.state))
            yield Entry(
                order.finished_at, EntryKind.WORK_ORDERS, state_chip(order.state), title, why, url=url
            )


def _listed(tags: Sequence[str]) -> str:
    """The first few by name, the others by number."""
    shown, rest = tags[:_MOST_TAGS], len(tags) - _MOST_TAGS
    words = ", ".join(shown)
    return _("%(tags)s and %(count)s more", tags=words, count=rest) if rest > 0 else words
