"""A numbering rule tried out before it is used: what it gives, and whether it gives a number twice."""

from collections.abc import Iterator, Set
from dataclasses import dataclass
from datetime import date
from functools import cache

from rental.inventory.rules.check_characters import is_alphanumeric
from rental.inventory.rules.number_facts import CODE_TOKENS, DATE_TOKENS, Facts, FactToken, date_fact
from rental.inventory.rules.numbering import Literal, Pattern, SequenceToken, preview

_CENTURY = range(1990, 2090)  # a two-digit year says which year of these, and 平成8年 is not 令和8年


@dataclass(frozen=True)
class Simulation:
    """What would happen.

    `collisions` are the numbers that exist already. `left` counts those from the start to `last_sequence`,
    the highest that fits. With `ambiguous`, two counters may one day give the same number.
    """

    numbers: list[str]
    collisions: list[str]
    last_sequence: int
    left: int
    ambiguous: bool


def simulate(
    pattern: Pattern, facts: Facts, reset_on: Set[FactToken], start: int, count: int, taken: Set[str]
) -> Simulation:
    """Makes `count` numbers, or as many as are left, and compares them with the `taken` ones.

    Raises MissingFact, UnwritableFact or NumberTooLong.
    """
    numbers = preview(pattern, facts, start, count)
    last = pattern.sequence.last
    return Simulation(
        numbers=numbers,
        collisions=[number for number in numbers if number in taken],
        last_sequence=last,
        left=max(0, last - start + 1),
        ambiguous=not tells_counters_apart(pattern, reset_on),
    )


def tells_counters_apart(pattern: Pattern, reset_on: Set[FactToken]) -> bool:
    """Whether a number shows which counter it came from, so that no two counters give the same number.

    It does when every code that starts a counter anew is printed, the printed date decides each part of the
    date that does, and what matters can be read out of the number in one way only.
    """
    printed = {part for part in pattern.parts if isinstance(part, FactToken)}
    return (
        reset_on & CODE_TOKENS <= printed
        and _date_decides(printed & DATE_TOKENS, reset_on & DATE_TOKENS)
        and not any(_reads_in_two_ways(run, reset_on) for run in _runs(pattern))
    )


def _date_decides(printed: Set[FactToken], wanted: Set[FactToken]) -> bool:
    """Whether days that print alike agree in what is wanted; YYYY alone, say, does not decide the FY."""
    pairs = {
        (tuple(day[token] for token in printed), tuple(day[token] for token in wanted))
        for day in _days_of_a_century()
    }
    return len({print_of_day for print_of_day, _ in pairs}) == len(pairs)


@cache
def _days_of_a_century() -> list[dict[FactToken, str]]:
    """Two days of each month are enough: what we print changes with the day, or on the first of a month."""
    days = [date(year, month, day) for year in _CENTURY for month in range(1, 13) for day in (1, 28)]
    return [{token: date_fact(day, token) for token in DATE_TOKENS} for day in days]


def _runs(pattern: Pattern) -> Iterator[list[FactToken | SequenceToken]]:
    """The variable parts between one separator and the next; no fact contains a separator."""
    run: list[FactToken | SequenceToken] = []
    for part in pattern.parts:
        if not isinstance(part, Literal):
            run.append(part)
        elif not is_alphanumeric(part.text):
            yield run
            run = []
    yield run


def _reads_in_two_ways(run: list[FactToken | SequenceToken], reset_on: Set[FactToken]) -> bool:
    """Two codes of any length in one run: S and RC read like SR and C. Only what a counter needs matters."""
    codes = [part for part in run if part in CODE_TOKENS]
    matters = reset_on | (DATE_TOKENS if reset_on & DATE_TOKENS else frozenset())
    return len(codes) > 1 and any(isinstance(part, SequenceToken) or part in matters for part in run)
