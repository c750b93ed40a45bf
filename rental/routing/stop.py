"""When a search ends: small questions about how far it has come."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SoFar:
    """How far a search has come: seconds on the wall clock, and iterations.

    An iteration is one attempt to change the plan; with the optimiser, a hundred of its trials. Their number
    depends only on problem, seed and start, never on the machine.
    """

    seconds: float
    iterations: int


Stop = Callable[[SoFar], bool]


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
