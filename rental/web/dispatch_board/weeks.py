"""A week of shifts in as few words as it takes."""

from collections.abc import Sequence

from babel.dates import get_day_names

from rental.dispatch.models import Shift
from rental.web.formats import clock, reader_language


def shifts_in_words(shifts: Sequence[Shift]) -> list[str]:
    """Days that follow each other with the same hours are one entry, such as "Mon–Fri 8:30–17:30"."""
    runs: list[list[Shift]] = []
    for shift in sorted(shifts, key=lambda each: each.weekday):
        if runs and _goes_on(runs[-1][-1], shift):
            runs[-1].append(shift)
        else:
            runs.append([shift])
    return [f"{_days(run)} {clock(run[0].starts)}–{clock(run[0].ends)}" for run in runs]


def _goes_on(before: Shift, shift: Shift) -> bool:
    return shift.weekday == before.weekday + 1 and (shift.starts, shift.ends) == (before.starts, before.ends)


def _days(run: Sequence[Shift]) -> str:
    names = get_day_names("abbreviated", locale=reader_language())
    first, last = names[run[0].weekday], names[run[-1].weekday]
    return first if len(run) == 1 else f"{first}–{last}"
