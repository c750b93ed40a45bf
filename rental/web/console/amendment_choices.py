"""What an amendment can be about in one contract: its lines, their machines, what was recorded about them."""

from collections.abc import Iterator
from datetime import date
from uuid import UUID

from flask_babel import gettext as _

from rental.changes.line_books import ContractBook, LineBook
from rental.contracts.models import Slot
from rental.contracts.rules import LineEventKind
from rental.web.console.amendment_words import event_words, line_words
from rental.web.formats import day

# More machines of a line are not named one by one.
SLOTS_NAMED = 50


def lines_of(book: ContractBook) -> Iterator[tuple[str, str]]:
    """Every line as a whole."""
    for line in book.lines.values():
        yield str(line.line.id), line_words(line.line)


def places_of(book: ContractBook) -> Iterator[tuple[str, str]]:
    """Every slot by itself."""
    for line in book.lines.values():
        yield from _slots(line)


def targets_of(book: ContractBook) -> Iterator[tuple[str, str]]:
    """Every line, and below it its machines, unless there are too many to be named."""
    for line in book.lines.values():
        yield str(line.line.id), line_words(line.line)
        if 1 < len(line.line.slots) <= SLOTS_NAMED:
            yield from _slots(line)


def _slots(line: LineBook) -> Iterator[tuple[str, str]]:
    for slot in line.line.slots:
        words = _("%(line)s: slot %(slot)s", line=line_words(line.line), slot=_slot_words(slot))
        yield f"{line.line.id}.{slot.id}", words


def _slot_words(slot: Slot) -> str:
    tag = next((each.unit.tag for each in slot.placements if each.removed_at is None), "")
    return " · ".join(filter(None, (str(slot.position), slot.site.name, tag)))


def events_of(book: ContractBook) -> Iterator[tuple[str, str]]:
    """Everything recorded that nothing replaced, latest first; a withdrawal stays."""
    for line in book.lines.values():
        gone = {event.replaces for event in line.events if event.replaces}
        slots = {slot.id: slot for slot in line.line.slots}
        for event in sorted(line.events, key=lambda each: each.key, reverse=True):
            if event.key in gone or event.kind is LineEventKind.WITHDRAWAL:
                continue
            words = [line_words(line.line), day(event.effective_on), event_words(event.kind, event.value)]
            if event.slot_id in slots:
                words.append(_slot_words(slots[event.slot_id]))
            yield f"{line.line.id}.{event.effective_on.isoformat()}.{event.seq}", " · ".join(words)


def chosen(target: str) -> tuple[UUID, UUID | None]:
    """The line that was chosen, and the slot where only one was."""
    line_id, _dot, slot_id = target.partition(".")
    return UUID(line_id), UUID(slot_id) if slot_id else None


def chosen_event(wrong: str) -> tuple[UUID, tuple[date, int]]:
    """The line of the event that was chosen, its day, and its place among those of that day."""
    line_id, effective_on, seq = wrong.split(".")
    return UUID(line_id), (date.fromisoformat(effective_on), int(seq))
