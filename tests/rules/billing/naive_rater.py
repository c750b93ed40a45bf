"""A second rater that asks every slot on every day, with fractions; it shares no code with the rules.

It reads what was recorded as plain values, cuts the months itself and knows one way for everything: ask for
each day what was in force, gather the days that look alike, and price them.
"""

from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from math import ceil, floor

DAY = timedelta(days=1)
NEVER = date(9999, 1, 1)


@dataclass(frozen=True)
class Fact:
    """Something recorded: a start, stop, kept, qty, price, pause or resume; slot 0 means all of them."""

    kind: str
    on: date
    seq: int
    slot: int
    value: int = 0


@dataclass(frozen=True)
class Agreed:
    """The terms, in words and numbers."""

    anchor: date
    months: int = 1
    fee: int = 0
    start_mode: str = "actual"
    stop_mode: str = "actual"
    change_mode: str = "actual"
    rounding: str = "down"
    stub: str = "short"
    percent_off: int = 0
    discount_from: date = NEVER
    discount_until: date = NEVER


@dataclass
class _Stretch:
    """Days in a row on which one slot looked alike."""

    days: list[date]
    fee: int
    units: int
    is_first_of_service: bool = False
    is_last_of_service: bool = False
    before: int = 0
    charged: Fraction = Fraction(0)
    of: int = 0


def months_of(agreed: Agreed, first: date, last: date) -> Iterator[tuple[date, date]]:
    """The periods that have a day from the first to the last, each with its first day and the next one's."""
    count = -30
    while True:
        start, end = (_months_on(agreed.anchor, each * agreed.months) for each in (count, count + 1))
        if start > last:
            return
        if end > first:
            yield start, end
        count += 1


def _months_on(day: date, months: int) -> date:
    year, month = day.year, day.month + months
    while month > 12:
        year, month = year + 1, month - 12
    while month < 1:
        year, month = year - 1, month + 12
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def cost_of(agreed: Agreed, facts: Sequence[Fact], start: date, end: date) -> int:
    """What the line owes for the period from `start` until the day before `end`."""
    in_order = sorted(facts, key=lambda fact: (fact.on, fact.seq))
    slots = sorted({fact.slot for fact in in_order if fact.slot})
    if agreed.stub == "free":
        before = _days(date(2025, 6, 1), end)
        begins = [day for day in before for slot in slots if _look(in_order, slot, day)]
        if begins and start < min(begins):
            return 0
    together: dict[tuple[date, date, int, int, Fraction, int], int] = {}
    for slot in slots:
        for stretch in _stretches(agreed, in_order, slot, start, end):
            for days, charged in _at_discounts(agreed, stretch):
                key = (days[0], days[-1], stretch.fee, stretch.units, charged, stretch.of)
                together[key] = together.get(key, 0) + 1
    total = 0
    for (first, _, fee, units, charged, of), count in together.items():
        amount = _rounded(Fraction(fee * units * count * agreed.months) * charged / of, agreed.rounding)
        total += amount
        if agreed.discount_from <= first < agreed.discount_until:
            total -= _rounded(Fraction(amount * agreed.percent_off, 100), agreed.rounding)
    return total


def kept_after_the_end(facts: Sequence[Fact]) -> list[Fact]:
    """The days after the agreed end as if they were a rent of their own, whatever was said of the fee."""
    found: list[Fact] = []
    units: dict[int, int] = {}
    running: dict[int, str] = {}
    for fact in sorted(facts, key=lambda fact: (fact.on, fact.seq)):
        if fact.kind in ("start", "qty"):
            units[fact.slot] = fact.value
            running[fact.slot] = running.get(fact.slot, "rent") if fact.kind == "qty" else "rent"
        for slot in [each for each in units if fact.slot in (0, each)]:
            if fact.kind == "kept" and running[slot] == "rent":
                running[slot] = "kept"
                found.append(Fact("start", fact.on, fact.seq, slot, units[slot]))
            elif fact.kind == "stop":
                if running[slot] == "kept":
                    found.append(Fact("stop", fact.on, fact.seq, slot))
                running[slot] = "over"
    return found


def in_service(facts: Sequence[Fact]) -> tuple[date, date]:
    """The first day on which anything of the line stood at the customer's, and the first after the last."""
    standing: dict[int, date] = {}
    found: list[tuple[date, date]] = []
    for fact in sorted(facts, key=lambda fact: (fact.on, fact.seq)):
        if fact.kind == "start":
            standing[fact.slot] = fact.on
        elif fact.kind == "stop":
            stopped = [each for each in standing if fact.slot in (0, each)]
            found += [(standing.pop(slot), fact.on) for slot in stopped]
    found += [(since, NEVER) for since in standing.values()]
    days = [(since, until) for since, until in found if since < until]
    return min((since for since, _ in days), default=NEVER), max((until for _, until in days), default=NEVER)


def _days(start: date, end: date) -> list[date]:
    return [start + DAY * number for number in range((end - start).days)]


def _look(facts: Sequence[Fact], slot: int, day: date) -> int:
    """How many units of the slot cost rent on this day."""
    units, running, paused = 0, False, False
    for fact in facts:
        if fact.on > day or fact.slot not in (0, slot):
            continue
        if fact.kind == "start":
            units, running, paused = fact.value, True, False
        elif not running:
            continue
        elif fact.kind in ("stop", "kept"):
            running = False
        elif fact.kind == "qty":
            units = fact.value
        elif fact.kind in ("pause", "resume"):
            paused = fact.kind == "pause"
    return units if running and not paused else 0


def _fee(agreed: Agreed, facts: Sequence[Fact], slot: int, day: date) -> int:
    fee = agreed.fee
    for fact in facts:
        if fact.kind == "price" and fact.on <= day and fact.slot in (0, slot):
            fee = fact.value
    return fee


def _stretches(agreed: Agreed, facts: Sequence[Fact], slot: int, start: date, end: date) -> list[_Stretch]:
    found: list[_Stretch] = []
    for day in _days(start, end):
        units, fee = _look(facts, slot, day), _fee(agreed, facts, slot, day)
        if not units:
            continue
        last = found[-1] if found else None
        if last and last.days[-1] == day - DAY and (last.fee, last.units) == (fee, units):
            last.days.append(day)
        else:
            found.append(_Stretch([day], fee, units))
    for number, each in enumerate(found):
        before, after = found[number - 1 : number] if number else [], found[number + 1 : number + 2]
        touches = [bool(before) and before[0].days[-1] + DAY == each.days[0]]
        touches += [bool(after) and each.days[-1] + DAY == after[0].days[0]]
        each.is_first_of_service = each.days[0] != start and not touches[0]
        each.is_last_of_service = each.days[-1] + DAY != end and not touches[1]
    return _priced(agreed, found, start, end)


def _priced(agreed: Agreed, found: list[_Stretch], start: date, end: date) -> list[_Stretch]:
    """Says of each stretch how many days it is charged for; those that another one swallows are gone."""
    whole = (end - start).days
    swallowing = [
        number
        for number, each in enumerate(found)
        if (each.is_first_of_service and agreed.start_mode == "full")
        or (each.days[0] != start and not each.is_first_of_service and agreed.change_mode == "full")
    ]
    survivors = found[swallowing[-1] :] if swallowing else found
    for number, each in enumerate(survivors):
        first, after = each.days[0], each.days[-1] + DAY
        if swallowing and number == 0:
            first = start
        if each.is_last_of_service and agreed.stop_mode == "full":
            after = survivors[number + 1].days[0] if number + 1 < len(survivors) else end
        days, service = (after - first).days, _service_of(found, each)
        modes = {agreed.start_mode} if service[0].is_first_of_service else set()
        modes |= {agreed.stop_mode} if service[-1].is_last_of_service else set()
        is_thirtieths = "fixed30" in modes or (len(service) > 1 and agreed.change_mode == "fixed30")
        each.charged, each.of, each.before = Fraction(days), whole, (each.days[0] - first).days
        if "free" in modes:
            each.charged = Fraction(0)
        elif days != whole and is_thirtieths:
            each.of = 30 * agreed.months
            each.charged = Fraction(min(days, each.of))
    return survivors


def _service_of(found: list[_Stretch], one: _Stretch) -> list[_Stretch]:
    """The stretches that follow each other without a gap, this one among them."""
    groups: list[list[_Stretch]] = []
    for each in found:
        if groups and groups[-1][-1].days[-1] + DAY == each.days[0]:
            groups[-1].append(each)
        else:
            groups.append([each])
    return next(group for group in groups if one in group)


def _at_discounts(agreed: Agreed, stretch: _Stretch) -> Iterator[tuple[list[date], Fraction]]:
    """The stretch in pieces with and without the discount, and what each is charged for."""
    pieces: list[list[date]] = []
    for day in stretch.days:
        if pieces and day not in (agreed.discount_from, agreed.discount_until):
            pieces[-1].append(day)
        else:
            pieces.append([day])
    left = stretch.charged
    for number, piece in enumerate(pieces):
        share = min(left, Fraction(len(piece) + (0 if number else stretch.before)))
        if number == len(pieces) - 1:
            share = left
        left -= share
        yield piece, share


def _rounded(exact: Fraction, how: str) -> int:
    if how == "down":
        return floor(exact)
    return ceil(exact) if how == "up" else floor(exact + Fraction(1, 2))
