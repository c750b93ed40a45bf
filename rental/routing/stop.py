"""When a search ends: small questions about how far it has come."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SoFar:
    """How far a search has come: seconds on the wall clock, and iterations.

    An iteration is one attempt to change the plan; with the optimiser, a hundred of its trials. Without a
    limit in seconds their number depends only on problem, seed and start, never on the machine.
    """

    seconds: float
    iterations: int


Stop = Callable[[SoFar], bool]  # it is also asked about moments that have not come yet

LONGEST = 30 * 86_400.0  # seconds; a rule that would go on for longer has no end that can be planned for
MOST = 10**12  # iterations


@dataclass(frozen=True, slots=True)
class Budget:
    """How much a rule allows, None where it does not count that."""

    seconds: float | None
    iterations: int | None

    def share(self, so_far: SoFar) -> float:
        """How much of it is used up, from 0 to 1; 0 where no end is known."""
        used = 0.0
        if self.seconds is not None:
            used = so_far.seconds / self.seconds if self.seconds > 0 else 1.0
        if self.iterations is not None:
            used = max(used, so_far.iterations / self.iterations if self.iterations > 0 else 1.0)
        return min(1.0, used)


def budget_of(stop: Stop) -> Budget:
    """Found by asking: the search grows colder towards its end, so it has to know when that is."""
    seconds = first_true(lambda at: stop(SoFar(at / 1000, 0)), int(LONGEST * 1000))
    iterations = first_true(lambda at: stop(SoFar(0.0, at)), MOST)
    return Budget(None if seconds is None else seconds / 1000, iterations)


def first_true(is_over: Callable[[int], bool], most: int) -> int | None:
    """The smallest number from which on it is over; None when it is not even at the largest."""
    high = 1
    if is_over(0):
        return 0
    while not is_over(high):
        if high >= most:
            return None
        high = min(most, high * 8)
    low = high // 8
    while low + 1 < high:
        middle = (low + high) // 2
        if is_over(middle):
            high = middle
        else:
            low = middle
    return high


@dataclass(frozen=True, slots=True)
class AfterSeconds:
    seconds: float

    def __call__(self, so_far: SoFar) -> bool:
        return so_far.seconds >= self.seconds


@dataclass(frozen=True, slots=True)
class AfterIterations:
    """Same problem, same seed, same plan, on every machine."""

    iterations: int

    def __call__(self, so_far: SoFar) -> bool:
        return so_far.iterations >= self.iterations


@dataclass(frozen=True, slots=True)
class WhenAny:
    """As soon as one of them says so."""

    stops: tuple[Stop, ...]

    def __call__(self, so_far: SoFar) -> bool:
        return any(stop(so_far) for stop in self.stops)
