"""How figures of `scripts/bench` are taken and told: ours and a bare line in turn."""

import gc
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field

Clock = Callable[[], float]


@dataclass(frozen=True)
class Figure:
    """What one pair of measurements gave: medians of the rounds, and the median of their ratios."""

    where: str
    name: str
    ours_ms: float
    bare_ms: float
    ratio: float
    statements: int | None = None


@dataclass
class Report:
    """Measures in pairs; prints each figure at once as a line, or all of them at the end as JSON."""

    rounds: int
    as_json: bool
    where: str = ""
    figures: list[Figure] = field(default_factory=list)

    def begin(self, where: str) -> None:
        self.where = where
        heading = f"{where:<44}{'ours':>12}{'bare':>12}{'ratio':>8}"
        self.say(f"\n{heading}  (median of {self.rounds} pairs)")

    def pair(
        self,
        name: str,
        times: int,
        ours: Callable[[], object],
        bare: Callable[[], object],
        *,
        rounds: int | None = None,
        statements: int | None = None,
        clock: Clock = time.perf_counter,
    ) -> None:
        """Ours, bare, ours, bare …: a machine that gets slower is slower for both.

        `statements` is how many the database is asked for ours, when somebody counted them. With
        `time.process_time` for a clock only our own work is measured, whatever else the machine does.
        """
        ours(), bare()
        gc.collect()
        gc.freeze()
        taken = [(spent(ours, times, clock), spent(bare, times, clock)) for _ in range(rounds or self.rounds)]
        gc.unfreeze()
        self.tell(name, taken, statements=statements)

    def tell(self, name: str, taken: Sequence[tuple[float, float]], *, statements: int | None = None) -> None:
        """A figure from the seconds of each pair, ours first."""
        mine, theirs = (statistics.median(side) * 1000 for side in zip(*taken, strict=True))
        ratio = statistics.median(a / b for a, b in taken)
        self.figures.append(Figure(self.where, name, mine, theirs, ratio, statements))
        asked = f"  {statements} statements" if statements else ""
        self.say(f"  {name:<44}{mine:>9.2f} ms{theirs:>9.2f} ms{ratio:>8.2f}{asked}")

    def say(self, line: str) -> None:
        print(line, flush=True, file=sys.stderr if self.as_json else sys.stdout)

    def end(self) -> None:
        if self.as_json:
            figures = [asdict(figure) for figure in self.figures]
            print(json.dumps({"rounds": self.rounds, "figures": figures}, indent=2))


def spent(work: Callable[[], object], times: int, clock: Clock) -> float:
    """Seconds for one call, over so many."""
    began = clock()
    for _ in range(times):
        work()
    return (clock() - began) / times
