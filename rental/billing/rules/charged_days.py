"""Which part of a fee each part of a period owes, once it is known where service began, changed and ended."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

from rental.billing.rules.proration import ProrationModes, parts_of_fee
from rental.catalog.rules import Proration
from rental.core.money import Money
from rental.core.periods import Period


class Part(NamedTuple):
    """Days of one period on which one slot, holding so many units, cost the same."""

    used: Period
    monthly_fee: Money
    units: int


class ChargedPart(NamedTuple):
    """A part, and how many of how many equal parts of its fee it owes."""

    used: Period
    monthly_fee: Money
    units: int
    days: int
    of: int


class Frame(NamedTuple):
    """The period parts lie in, and what was agreed about them.

    `whole` is longer than `period` where the period was cut short; `keeps_whole` then says that it costs the
    whole fee all the same. On `cuts` a part is divided for another reason than its fee, such as a discount
    that ends; dividing charges no day more and none less.
    """

    period: Period
    whole: Period
    months: int
    modes: ProrationModes
    keeps_whole: bool = False
    cuts: tuple[date, ...] = ()


class _Edges(NamedTuple):
    """How the beginning and the end of a part are charged; None where the period begins or ends."""

    front: Proration | None
    back: Proration | None
    begins_service: bool
    ends_service: bool


def charged_parts(parts: Sequence[Part], frame: Frame) -> Iterator[ChargedPart]:
    """What one slot owes in a period for parts in the order of their days; a part may owe nothing.

    Where any use costs the whole period, a beginning takes over everything before it, so the last part wins;
    an end reaches to the next beginning. A beginning or an end that is free frees its whole stretch of days.
    """
    edges = [_edges_of(parts, place, frame) for place in range(len(parts))]
    first = max((place for place, each in enumerate(edges) if each.front is Proration.FULL), default=0)
    for place in range(first, len(parts)):
        part, edge = parts[place], edges[place]
        start, end = part.used.start, part.used.end
        if edge.front is Proration.FULL:
            start = frame.period.start
        if edge.ends_service and edge.back is Proration.FULL:
            end = parts[place + 1].used.start if place + 1 < len(parts) else frame.period.end
        elif frame.keeps_whole and end == frame.period.end:
            end = frame.whole.end
        yield from _divided(part, (start, end), _mode_of(edges, place, frame), frame)


def _edges_of(parts: Sequence[Part], place: int, frame: Frame) -> _Edges:
    used, modes = parts[place].used, frame.modes
    follows = place > 0 and parts[place - 1].used.end == used.start
    is_followed = place + 1 < len(parts) and parts[place + 1].used.start == used.end
    begins = not follows and used.start > frame.period.start
    ends = not is_followed and used.end < frame.period.end
    return _Edges(
        modes.start if begins else modes.change if follows else None,
        modes.stop if ends else modes.change if is_followed else None,
        begins,
        ends,
    )


def _mode_of(edges: Sequence[_Edges], place: int, frame: Frame) -> Proration:
    """How the days of a part are counted; what is charged in full was made longer before."""
    begin, end = edges[_begin_of_stretch(edges, place)], edges[_end_of_stretch(edges, place)]
    outer = (
        begin.front if begin.begins_service else None,
        end.back if end.ends_service else None,
    )
    if Proration.FREE in outer:
        return Proration.FREE
    is_stub_by_thirtieths = frame.whole != frame.period and frame.modes.start is Proration.FIXED30
    if is_stub_by_thirtieths or Proration.FIXED30 in (*outer, *edges[place][:2]):
        return Proration.FIXED30
    return Proration.ACTUAL


def _begin_of_stretch(edges: Sequence[_Edges], place: int) -> int:
    while edges[place].front is not None and not edges[place].begins_service:
        place -= 1
    return place


def _end_of_stretch(edges: Sequence[_Edges], place: int) -> int:
    while edges[place].back is not None and not edges[place].ends_service:
        place += 1
    return place


def _divided(part: Part, charged: tuple[date, date], mode: Proration, frame: Frame) -> Iterator[ChargedPart]:
    """The part, divided at the cuts inside it. What is charged before or after it goes with its neighbour."""
    start, end = charged
    # A free stretch stays free where another change of the period made it as long as the whole.
    is_free = mode is Proration.FREE
    owed_days = 0 if is_free else (end - start).days
    all_days, of = parts_of_fee(owed_days, frame.whole.days, mode, months=frame.months)
    begin, owed = part.used.start, 0
    for cut in frame.cuts:
        if begin < cut < part.used.end:
            until_cut = min((cut - start).days, all_days)
            yield ChargedPart(Period(begin, cut), part.monthly_fee, part.units, until_cut - owed, of)
            begin, owed = cut, until_cut
    yield ChargedPart(Period(begin, part.used.end), part.monthly_fee, part.units, all_days - owed, of)
