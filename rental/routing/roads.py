"""Travel on roads, from a service that knows them: asked in blocks, each pair once, never without answer."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from rental.routing.journeys import InMemory, Journey, Pair, PairCache
from rental.routing.limits import LATEST, LONGEST_JOURNEY
from rental.routing.matrix import TravelMatrix
from rental.routing.travel import Point, StraightLine, TravelProvider

log = logging.getLogger("rental.routing")

WAITS = (0.5, 1.0, 2.0)  # seconds before one asks again
LONGEST_WAIT = 10.0  # seconds: nobody waits longer, whatever the service says
MOST_SPLITS = 32  # of refused blocks, for one matrix


class Refused(Exception):
    """The service does not want this block; a part of it may do."""


class Busy(Exception):
    """The service cannot answer now; `wait` is what it asks for, in seconds."""

    def __init__(self, why: str, wait: float | None = None) -> None:
        super().__init__(why)
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Block:
    """Every way from one of some places to one of others."""

    sources: tuple[Point, ...]
    targets: tuple[Point, ...]

    @property
    def pairs(self) -> list[Pair]:
        return [(source, target) for source in self.sources for target in self.targets]

    def halves(self) -> tuple["Block", "Block"]:
        if len(self.sources) >= len(self.targets):
            middle = len(self.sources) // 2
            return Block(self.sources[:middle], self.targets), Block(self.sources[middle:], self.targets)
        middle = len(self.targets) // 2
        return Block(self.sources, self.targets[:middle]), Block(self.sources, self.targets[middle:])


class RoadService(Protocol):
    """A service on the network that measures ways."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def side(self) -> int:
        """So many sources, and as many targets, it accepts at once."""
        ...

    @property
    def farthest(self) -> float:
        """Metres, as the crow flies, above which it refuses to measure."""
        ...

    def ask(self, block: Block, profile: str) -> list[Journey]:
        """For each pair of the block; raises Refused or Busy."""
        ...


@dataclass(frozen=True, slots=True)
class Roads:
    """A travel provider that asks a service, and takes straight lines, marked, where that gives no answer."""

    service: RoadService
    cache: PairCache = field(default_factory=InMemory)
    straight: TravelProvider = field(default_factory=StraightLine)
    sleep: Callable[[float], None] = time.sleep

    @property
    def name(self) -> str:
        return self.service.name

    @property
    def version(self) -> str:
        return self.service.version

    def matrix(self, points: Sequence[Point], profile: str, depart: int) -> TravelMatrix:
        """Like the straight lines of the same points, with everything in place that the service knows."""
        rounded = [Point(round(point.latitude, 6), round(point.longitude, 6)) for point in points]
        places = sorted(set(rounded), key=lambda point: (point.latitude, point.longitude))
        lines = self.straight.matrix(places, profile, depart)
        crow = StraightLine(detour_percent=100).matrix(places, "car", depart).metres
        key = f"{self.name} {self.version} {profile}"
        number = {point: index for index, point in enumerate(places)}
        wanted = {(a, b) for a in places for b in places if a != b}
        journeys = dict(self.cache.known(key, wanted))
        near = {(a, b) for a, b in wanted if crow[number[a], number[b]] <= self.service.farthest}
        missing = near - journeys.keys()
        if missing:
            found = Asking(self.service, profile, self.sleep).measured(places, missing, near)
            self.cache.keep(key, found)
            journeys.update(found)
        seconds, metres = lines.seconds.copy(), lines.metres.copy()
        unreachable, estimated = lines.unreachable.copy(), np.ones(lines.seconds.shape, np.bool_)
        np.fill_diagonal(estimated, val=False)
        for (a, b), journey in journeys.items():
            at = number[a], number[b]
            seconds[at], metres[at] = journey.seconds, journey.metres
            unreachable[at], estimated[at] = not journey.is_possible, False
        which = [number[point] for point in rounded]
        all_pairs = np.ix_(which, which)
        return TravelMatrix.of(
            seconds[all_pairs],
            metres[all_pairs],
            unreachable[all_pairs],
            source=f"{self.name} {self.version}",
            estimated=estimated[all_pairs],
        )


@dataclass(slots=True)
class Asking:
    """One matrix being asked for: waits when the service is busy, and gives up when it stays so."""

    service: RoadService
    profile: str
    sleep: Callable[[float], None]
    splits_left: int = MOST_SPLITS
    has_given_up: bool = False

    def measured(self, places: Sequence[Point], missing: set[Pair], near: set[Pair]) -> dict[Pair, Journey]:
        found: dict[Pair, Journey] = {}
        for block in blocks(places, missing, near, self.service.side):
            self.ask(block, found)
        return found

    def ask(self, block: Block, found: dict[Pair, Journey]) -> None:
        if self.has_given_up:
            return
        try:
            answers = self.answers(block)
        except Refused as refusal:
            if len(block.pairs) > 1 and self.splits_left > 0:
                self.splits_left -= 1
                for half in block.halves():
                    self.ask(half, found)
                return
            log.warning("%s does not measure %d ways: %s", self.service.name, len(block.pairs), refusal)
            return
        except Busy as trouble:
            self.has_given_up = True
            log.warning("%s does not answer, straight lines are taken: %s", self.service.name, trouble)
            return
        told = zip(block.pairs, answers, strict=True)
        found.update({pair: way for pair, way in told if pair[0] != pair[1] and is_believable(way)})

    def answers(self, block: Block) -> list[Journey]:
        for wait in WAITS:
            try:
                return self.service.ask(block, self.profile)
            except Busy as trouble:
                self.sleep(min(LONGEST_WAIT, wait if trouble.wait is None else max(wait, trouble.wait)))
        return self.service.ask(block, self.profile)


def is_believable(journey: Journey) -> bool:
    return 0 <= journey.seconds <= LATEST and 0 <= journey.metres <= LONGEST_JOURNEY


def blocks(places: Sequence[Point], missing: set[Pair], near: set[Pair], side: int) -> Iterator[Block]:
    """Blocks of at most `side` each way that hold every missing pair, and none that may not be asked for."""
    sources = [point for point in places if any((point, other) in missing for other in places)]
    for first in range(0, len(sources), side):
        some = tuple(sources[first : first + side])
        targets = [point for point in places if any((source, point) in missing for source in some)]
        for second in range(0, len(targets), side):
            yield from allowed(Block(some, tuple(targets[second : second + side])), missing, near)


def allowed(block: Block, missing: set[Pair], near: set[Pair]) -> Iterator[Block]:
    """The block without places that miss nothing; in halves as long as it holds pairs that are too far."""
    sources = tuple(a for a in block.sources if any((a, b) in missing for b in block.targets))
    targets = tuple(b for b in block.targets if any((a, b) in missing for a in sources))
    if not sources:
        return
    rest = Block(sources, targets)
    if all(a == b or (a, b) in near for a, b in rest.pairs):
        yield rest
        return
    for half in rest.halves():
        yield from allowed(half, missing, near)
