"""Who installs what, and when: technicians with the skills, near by, inside the hours of the site."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from random import Random

from rental.demo.design import Design, Technician
from rental.demo.plan import ContractPlan, Installing, Moment, Sending, SitePlan, is_workday, workday
from rental.demo.sizes import Size

WITHOUT_VAN = 14  # a subcontractor, who comes along for security work only
_DRIVE_MINUTES = 40
_OVERTIME_MINUTES = 60
_SHORTEST_STAY = 15
_SENT_OUT = 16 * 60


class Rounds:
    """Every technician's days as they fill up."""

    def __init__(self, design: Design, size: Size) -> None:
        self._design = design
        self._technicians = [
            each
            for each in design.technicians
            if each.number <= size.technicians and each.number != WITHOUT_VAN
        ]
        self._free_from: dict[tuple[int, date], int] = {}
        self._job_counts: Counter[int] = Counter()

    def first_fit(
        self, site: SitePlan, minutes: int, skills: frozenset[str], since: date
    ) -> tuple[int, Moment]:
        """The technician and the moment: the best skilled of those who can come earliest."""
        most = max(len(skills & each.skills) for each in self._technicians)
        able = [each for each in self._technicians if len(skills & each.skills) == most]
        able.sort(key=lambda each: (_distance(self._design, each, site), self._job_counts[each.number]))
        day = since
        while True:
            day = workday(day)
            for technician in able:
                start = self._start(technician, day, site, minutes)
                if start is not None:
                    self._job_counts[technician.number] += 1
                    self._free_from[technician.number, day] = start + minutes + _DRIVE_MINUTES
                    return technician.number, Moment(day, start)
            day += timedelta(days=1)

    def _start(self, technician: Technician, day: date, site: SitePlan, minutes: int) -> int | None:
        free = self._free_from.get((technician.number, day), technician.shift_start)
        for window in site.hours.get(day.weekday(), ()):
            start = max(free, window.opens)
            is_long_alone = free == technician.shift_start and minutes > 300
            in_shift = start + minutes <= technician.shift_end + _OVERTIME_MINUTES or is_long_alone
            if start <= window.closes - _SHORTEST_STAY and in_shift:
                return start
        return None


def plan_rounds(
    design: Design, size: Size, contracts: Sequence[ContractPlan], chance: Random
) -> Iterator[Sending | Installing]:
    """A visit for every site of every contract; the waiting ones get as far as they are by today."""
    rounds = Rounds(design, size)
    for contract in contracts:
        for site, machines in contract.machines.items():
            if contract.waiting is not None:
                yield from _not_yet(design, contract, site, contract.waiting)
                continue
            minutes = sum(design.product(code).install_minutes * n for code, n in machines.items())
            skills = frozenset(skill for code in machines for skill in design.product(code).skills)
            since = workday(contract.activated.day, steps=chance.randint(2, 6))
            since = min(since, workday(design.today, steps=-4))
            technician, starts = rounds.first_fit(site, minutes, skills, since)
            if starts.day >= design.today:
                raise ValueError(f"{site.name.written} would be installed on {starts.day} only")
            sent_out = Moment(_day_before(starts.day), _SENT_OUT)
            sending = Sending(max(sent_out, contract.activated), contract, site, technician, starts)
            yield sending
            yield Installing(starts, sending, minutes)


def _not_yet(design: Design, contract: ContractPlan, site: SitePlan, number: int) -> Iterator[Sending]:
    """The first is sent out for today, the second planned for the next workday, the rest wait in the pool."""
    if number > 1:
        return
    day = design.today if number == 0 else workday(design.today, steps=1)
    starts = Moment(day, 14 * 60 + 30)
    sent_out = max(Moment(workday(design.today, steps=-1), _SENT_OUT + number), contract.activated)
    yield Sending(sent_out, contract, site, 1, starts, is_published=number == 0)


def _day_before(day: date) -> date:
    day -= timedelta(days=1)
    while not is_workday(day):
        day -= timedelta(days=1)
    return day


def _distance(design: Design, technician: Technician, site: SitePlan) -> float:
    base = next(each for each in design.bases if each.code == technician.base)
    return math.hypot(base.latitude - site.latitude, base.longitude - site.longitude)
