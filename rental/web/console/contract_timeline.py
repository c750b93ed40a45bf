"""What happened to a contract, told as one story, newest first."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import groupby

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from rental.changes.amendments import SOURCE, amendments_of
from rental.contracts.models import Contract, LineEvent
from rental.contracts.queries import line_events_of, steps_of
from rental.contracts.rules import ContractState, LineEventKind
from rental.core.money import Money
from rental.fieldwork.models import WorkOrder
from rental.fieldwork.rules import OVER
from rental.web.console.amendment_words import amendment_detail, amendment_title
from rental.web.console.rent_meter import RentMeter
from rental.web.formats import day, yen
from rental.web.sentences import state_chip, state_label

SHOWN = 100
_MOST_TAGS = 12


class EntryKind(StrEnum):
    """What an entry is about; the page can show one kind alone."""

    STEPS = "steps"
    AMENDMENTS = "amendments"
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
    reason: str = ""


def kinds_of(shown: str) -> Collection[EntryKind]:
    """The one kind that is asked for, or all of them."""
    return [kind for kind in EntryKind if kind.value == shown] or list(EntryKind)


def timeline_of(
    session: Session, contract: Contract, orders: Sequence[WorkOrder], kinds: Collection[EntryKind]
) -> list[Entry]:
    """The entries of these kinds, newest first; what was done at once is one entry."""
    told = {
        EntryKind.STEPS: lambda: _steps(session, contract),
        EntryKind.AMENDMENTS: lambda: _amendments(session, contract),
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
    """Each start and end of rent in the field, with what the contract cost a month before and after.

    What was agreed anew is told by the amendments, but counts here as well.
    """
    meter = RentMeter({line.id: line.monthly_fee for line in contract.lines})
    events = sorted(line_events_of(session, contract.id), key=_together)
    before = Money(0)
    for (at, effective_on, kind, source), group in groupby(events, _together):
        recorded = list(group)
        after = meter.after(recorded)
        if source != SOURCE:
            title = _rent_title(kind, len(recorded), effective_on)
            detail = _("In service: %(before)s → %(after)s a month", before=yen(before), after=yen(after))
            yield Entry(at, EntryKind.RENT, state_chip(kind), title, detail)
        before = after


def _together(event: LineEvent) -> tuple[datetime, date, LineEventKind, str]:
    return event.recorded_at, event.effective_on, event.kind, event.source


def _rent_title(kind: LineEventKind, count: int, effective_on: date) -> str:
    if kind is LineEventKind.START:
        return ngettext(
            "Rent of %(num)s slot runs from %(day)s",
            "Rent of %(num)s slots runs from %(day)s",
            count,
            day=day(effective_on),
        )
    if kind is LineEventKind.STOP:
        return ngettext(
            "Rent of %(num)s slot ends with %(day)s",
            "Rent of %(num)s slots ends with %(day)s",
            count,
            day=day(effective_on - timedelta(days=1)),
        )
    return _("%(what)s from %(day)s", what=state_label(kind), day=day(effective_on))


def _amendments(session: Session, contract: Contract) -> Iterator[Entry]:
    lines = {line.id: line for line in contract.lines}
    for amendment in amendments_of(session, contract.id):
        yield Entry(
            amendment.recorded_at,
            EntryKind.AMENDMENTS,
            state_chip(amendment.kind),
            amendment_title(amendment),
            amendment_detail(amendment, lines),
            amendment.recorded_by,
            reason=amendment.reason,
        )


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
