"""Ways that were measured before, so that nobody has to be asked for them again."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from rental.routing.travel import Point

Pair = tuple[Point, Point]  # from, to


@dataclass(frozen=True, slots=True)
class Journey:
    """How long and how far; `is_possible` is false where no way leads there."""

    seconds: int
    metres: int
    is_possible: bool = True


NO_WAY = Journey(0, 0, is_possible=False)


class PairCache(Protocol):
    """Keeps what was measured. `source` is who measured, in which version, for which profile."""

    def known(self, source: str, pairs: Iterable[Pair]) -> Mapping[Pair, Journey]:
        """Of these pairs those that are kept."""
        ...

    def keep(self, source: str, journeys: Mapping[Pair, Journey]) -> None: ...


@dataclass(slots=True)
class InMemory:
    """Keeps pairs as long as the process lives, the newest of so many."""

    most: int = 500_000
    _kept: dict[tuple[str, Pair], Journey] = field(default_factory=dict)

    def known(self, source: str, pairs: Iterable[Pair]) -> dict[Pair, Journey]:
        found = ((pair, self._kept.get((source, pair))) for pair in pairs)
        return {pair: journey for pair, journey in found if journey is not None}

    def keep(self, source: str, journeys: Mapping[Pair, Journey]) -> None:
        for pair, journey in journeys.items():
            self._kept.pop((source, pair), None)
            self._kept[source, pair] = journey
        for oldest in list(self._kept)[: max(0, len(self._kept) - self.most)]:
            del self._kept[oldest]
