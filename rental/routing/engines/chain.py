"""One search of the compiled kind: begun from some plan, run for a while, asked for the best it has found."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from rental.routing.engines import arrays, changes, kernel, places, state, times
from rental.routing.engines.arrays import MUST, PARTS_OF_A_YEN, Facts, facts_of
from rental.routing.engines.exchanges import Table
from rental.routing.engines.state import fresh_state
from rental.routing.problem import Person, Problem, TravelMatrix, Visit, Window

log = logging.getLogger("rental.routing")

COMPILED = (arrays, state, times, changes, places, kernel)
ANY = 1e17  # parts: at this temperature everything is gone on from
ROWS_AT_ONCE = 20  # before it is asked again whether to stop
EXCHANGED_UNTIL = 1200  # visits; with more, what is known of all jobs with all takes too much room
ROUTES_KEPT_WITHIN = 0.01  # of the best plan's price: so much dearer may the plan of a kept route be


@dataclass(frozen=True, slots=True)
class Character:
    """How boldly a search goes about it."""

    mean_removed: float = 10.0
    longest_string: int = 10
    split_chance: float = 0.5
    blink: float = 0.01


@dataclass(frozen=True, slots=True)
class KeptRoute:
    """A route some good plan had: the visits by number, its price in parts, the price of that plan."""

    person: int
    visits: tuple[int, ...]
    cost: int
    total: int


class Chain:
    """A search that goes on from where it stopped."""

    def __init__(self, problem: Problem, facts: Facts, seed: int) -> None:
        compiled()
        self.problem, self.facts = problem, facts
        self.number = 0  # which of several searches
        self.keeps_routes = True
        self._numbers = {visit.id: number for number, visit in enumerate(problem.visits)}
        self.state = fresh_state(facts, seed)
        self.lay_numbers([[] for _ in problem.people])

    def lay(self, sequences: Mapping[str, Sequence[str]]) -> bool:
        """Go on from these routes; whether all of them work."""
        lines = [
            [self._numbers[each] for each in sequences.get(person.id, ())] for person in self.problem.people
        ]
        return self.lay_numbers(lines)

    def lay_numbers(self, lines: Sequence[Sequence[int]]) -> bool:
        ends = np.concatenate([[0], np.cumsum([len(line) for line in lines])]).astype(np.int64)
        flat = np.array([number for line in lines for number in line], np.int64)
        return bool(kernel.lay(self.facts, self.state, flat, ends))

    def fill(self) -> None:
        self.run(1, ANY, 1.0, Character(mean_removed=0.0, blink=0.0))

    def run(self, count: int, temperature: float, cooling: float, character: Character) -> None:
        """So many attempts, from this temperature (in parts of a yen) on."""
        within = int(max(0, self.best_cost) * ROUTES_KEPT_WITHIN) if self.keeps_routes else -MUST
        kernel.attempts(
            self.facts,
            self.state,
            count,
            temperature,
            cooling,
            (character.mean_removed, character.longest_string, character.split_chance, character.blink),
            within,
        )

    def exchange(self, is_over: Callable[[], bool]) -> None:
        """On from the best plan, as long as jobs that change places make it better."""
        if self.facts.n > EXCHANGED_UNTIL:
            return
        lines = self.best_lines
        self.lay_numbers(lines)
        table = Table(self.facts)
        changed: Iterable[int] = range(len(lines))
        while True:
            rows = table.forget(lines, changed)
            for first in range(0, len(rows), ROWS_AT_ONCE):
                if is_over():
                    return
                some = rows[first : first + ROWS_AT_ONCE]
                kernel.price_changes(self.facts, self.state, some, table.instead, table.after, table.without)
            found = table.best(lines)
            if not found:
                return
            changed = set().union(*(table.carry_out(each, lines) for each in found))
            self.lay_numbers(lines)

    @property
    def best_cost(self) -> int:
        """In parts; a visit that must be made and is not counts MUST."""
        return int(self.state.so_far["best"][0])

    @property
    def absent_count(self) -> int:
        return int(self.state.so_far["absent"][0])

    @property
    def routing_cost(self) -> int:
        """In parts, of the routes it goes on from, without what is left out."""
        return int(self.state.routes["cost"].sum())

    @property
    def best_lines(self) -> list[list[int]]:
        """Who makes which visits in the best plan, by number."""
        return self._lines(self.state.best_after.tolist())

    @property
    def current_lines(self) -> list[list[int]]:
        """The same in the plan it goes on from."""
        return self._lines(self.state.links["after"].tolist())

    def _lines(self, after: list[int]) -> list[list[int]]:
        lines = []
        n = self.facts.n
        for person in range(len(self.facts.people)):
            line = []
            node = after[n + person]
            while 0 <= node < n:
                line.append(node)
                node = after[node]
            lines.append(line)
        return lines

    def sequences_of(self, lines: Sequence[Sequence[int]]) -> dict[str, list[str]]:
        visits = self.problem.visits
        return {
            person.id: [visits[number].id for number in line]
            for person, line in zip(self.problem.people, lines, strict=True)
        }

    def kept_routes(self) -> list[KeptRoute]:
        """Those kept since the last time one asked."""
        count = int(self.state.so_far["kept"][0])
        self.state.so_far["kept"][0] = 0
        used = int(self.state.kept["until"][count - 1]) if count else 0
        nodes = self.state.kept_nodes[:used].tolist()
        return [
            KeptRoute(person, tuple(nodes[first:until]), cost, total)
            for person, first, until, cost, total in self.state.kept[:count].tolist()
        ]


@cache
def compiled() -> None:
    """Loads the compiled search; where nothing is compiled yet, compiles it once and says so."""
    if not is_kept():
        forget_what_is_older()
        log.warning("The search for routes is being compiled; this happens once, and takes about a minute.")
    day = Problem(
        (Visit("1", 1, 60, (Window(0, 60),), value=1), Visit("2", 1, 60)),
        (Person("1", 0, 0, 0, 3600),),
        TravelMatrix.of([[0, 60], [60, 0]], [[0, 60], [60, 0]]),
    )
    facts = facts_of(day)
    empty = fresh_state(facts, 1)
    kernel.lay(facts, empty, np.zeros(1, np.int64), np.array([0, 1], np.int64))
    kernel.attempts(facts, empty, 2, 1.0, 1.0, (10.0, 10, 0.5, 0.01), PARTS_OF_A_YEN)
    table = Table(facts)
    kernel.price_changes(facts, empty, np.array([0]), table.instead, table.after, table.without)


def is_kept() -> bool:
    """Whether what is compiled last lies beside the source, and is not older than any of it."""
    made = Path(kernel.price_changes.stats.cache_path).glob("kernel.price_changes-*.nbc")
    return any(each.stat().st_mtime >= last_changed() for each in made)


def forget_what_is_older() -> None:
    """numba looks at the age of one file; what it compiled into that from the others may have changed."""
    changed = last_changed()
    for each in Path(kernel.attempts.stats.cache_path).glob("kernel.*.nb[ic]"):
        if each.stat().st_mtime < changed:
            each.unlink(missing_ok=True)


def last_changed() -> float:
    return max(Path(str(module.__file__)).stat().st_mtime for module in COMPILED)
