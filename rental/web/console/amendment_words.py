"""What was agreed anew about a contract, in words: what, from when, and what the next invoice made of it."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from uuid import UUID

from flask_babel import gettext as _
from flask_babel import ngettext

from rental.billing.rules.amendments import Effect
from rental.catalog.rules import AnchorKind
from rental.changes.models import Amendment
from rental.changes.rules import AmendmentKind, LeavingReason
from rental.contracts.models import Line
from rental.contracts.rules import LineEventKind
from rental.core.money import Money
from rental.web.formats import day, yen
from rental.web.sentences import state_label
from rental.web.wording.billing import iso_day, signed_yen


def amendment_title(amendment: Amendment) -> str:
    """What was agreed anew, and from when."""
    return _("%(what)s from %(day)s", what=state_label(amendment.kind), day=day(amendment.effective_on))


def amendment_detail(amendment: Amendment, lines: Mapping[UUID, Line]) -> str:
    """The values that were agreed, and what the next invoice asked for without and with them."""
    said = list(_said(amendment, lines))
    if amendment.contract_line_id and amendment.contract_line_id in lines:
        said.insert(0, line_words(lines[amendment.contract_line_id]))
    if foreseen := amendment.said.get("foreseen"):
        before, after = Money(foreseen["before"]), Money(foreseen["after"])
        said.append(
            _(
                "closing of %(day)s: %(before)s → %(after)s (%(difference)s)",
                day=iso_day(foreseen["closed_on"]),
                before=yen(before),
                after=yen(after),
                difference=signed_yen(after - before),
            )
        )
    return " · ".join(said)


def line_words(line: Line) -> str:
    """A line by its place in the contract and its model."""
    return _("Line %(position)s, %(model)s", position=line.position, model=line.equipment_model.code)


def event_words(kind: LineEventKind, value: int | None) -> str:
    """What a recorded change says: that rent starts, or what the fee is from then on."""
    words = state_label(kind)
    if value is None:
        return words
    if kind is LineEventKind.PRICE:
        return _("%(what)s: %(value)s", what=words, value=yen(value))
    return _("%(what)s: %(value)s", what=words, value=f"{value:,}")


def _said(amendment: Amendment, lines: Mapping[UUID, Line]) -> Iterator[str]:
    said = amendment.said
    if slot_id := said.get("slot_id"):
        yield from _slot(slot_id, lines)
    match amendment.kind:
        case AmendmentKind.PRICE:
            yield _("%(amount)s a month", amount=yen(said["fee"]))
            yield state_label(Effect(said["effect"]))
        case AmendmentKind.REVISION:
            yield from _revised(amendment, lines)
            if notified_on := said.get("notified_on"):
                yield _("customer told on %(day)s", day=iso_day(notified_on))
        case AmendmentKind.QUANTITY:
            yield ngettext("%(num)s unit", "%(num)s units", said["units"])
        case AmendmentKind.SUSPENSION:
            yield _("goes on from %(day)s", day=iso_day(said["resumes_on"]))
            if said["extends_term"]:
                yield _("the minimum term ends so much later")
        case AmendmentKind.OPTION_ADDED:
            machines = ngettext("%(num)s machine", "%(num)s machines", said["quantity"])
            yield _("%(machines)s at %(fee)s a month each", machines=machines, fee=yen(said["fee"]))
        case AmendmentKind.ANCHOR:
            cut, since = state_label(AnchorKind(said["kind"])), iso_day(said["anchored_on"])
            yield _("%(cut)s, counted from %(day)s", cut=cut, day=since)
        case AmendmentKind.CORRECTION | AmendmentKind.WITHDRAWAL:
            wrong = event_words(LineEventKind(said["kind"]), said.get("value"))
            yield _("in place of what was recorded for %(day)s", day=iso_day(said["replaces"][0]))
            yield wrong
        case AmendmentKind.TERMINATION:
            yield _("last day %(day)s", day=iso_day(said["last_on"]))
            yield _("asked for on %(day)s", day=iso_day(said["requested_on"]))
            yield state_label(LeavingReason(said["leaving"]))
        case AmendmentKind.OPTION_REMOVED:
            yield _("last day %(day)s", day=day(amendment.effective_on - timedelta(days=1)))


def _slot(slot_id: str, lines: Mapping[UUID, Line]) -> Iterator[str]:
    for line in lines.values():
        for slot in line.slots:
            if str(slot.id) == slot_id:
                yield _("slot %(position)s at %(site)s", position=slot.position, site=slot.site.name)


def _revised(amendment: Amendment, lines: Mapping[UUID, Line]) -> Iterator[str]:
    for line_id, fee in amendment.said["fees"].items():
        line = lines.get(UUID(line_id))
        if line is None:
            continue
        if line_id in amendment.said["revised"]:
            yield _("%(line)s: %(fee)s", line=line_words(line), fee=yen(fee))
        else:
            yield _("%(line)s: kept, in its minimum term", line=line_words(line))
