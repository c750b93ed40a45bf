"""OSRM and Valhalla: how each is asked for a table of ways, and how its answer reads."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit
from urllib.request import Request, urlopen

from rental.routing.journeys import NO_WAY, Journey
from rental.routing.roads import Block, Busy, Refused
from rental.routing.travel import Point

TIMEOUT = 20.0  # seconds
MOST_BYTES = 32 * 1024 * 1024
COME_BACK_LATER = {408, 425, 429}
UNLIMITED = 1e12  # metres


@dataclass(frozen=True, slots=True)
class Osrm:
    """`GET /table/v1/{profile}/…`: by default a hundred coordinates in one question."""

    url: str
    version: str = "v1"
    name: str = "osrm"
    most_points: int = 100
    farthest: float = UNLIMITED
    timeout: float = TIMEOUT

    def __post_init__(self) -> None:
        require_web_address(self.url)

    @property
    def side(self) -> int:
        return max(1, self.most_points // 2)

    def ask(self, block: Block, profile: str) -> list[Journey]:
        points = list(dict.fromkeys([*block.sources, *block.targets]))
        number = {point: str(index) for index, point in enumerate(points)}
        path = ";".join(f"{point.longitude:.6f},{point.latitude:.6f}" for point in points)
        address = (
            f"{self.url.rstrip('/')}/table/v1/{quote(profile, safe='')}/{path}?annotations=duration,distance"
            f"&sources={';'.join(number[point] for point in block.sources)}"
            f"&destinations={';'.join(number[point] for point in block.targets)}"
        )
        answer = answer_to(Request(address), self.timeout)  # noqa: S310  (the address was checked)
        if answer.get("code") != "Ok":
            raise Refused(str(answer.get("message") or answer.get("code"))[:200])
        seconds = cells(answer.get("durations"), block)
        metres = cells(answer.get("distances"), block)
        return [journey(*each) for each in zip(seconds, metres, strict=True)]


@dataclass(frozen=True, slots=True)
class Valhalla:
    """`POST /sources_to_targets`: by default 2,500 pairs, none farther apart than 400 km."""

    url: str
    version: str = "3"
    name: str = "valhalla"
    most_pairs: int = 2_500
    farthest: float = 400_000.0
    timeout: float = TIMEOUT

    def __post_init__(self) -> None:
        require_web_address(self.url)

    @property
    def side(self) -> int:
        return max(1, int(self.most_pairs**0.5))

    def ask(self, block: Block, profile: str) -> list[Journey]:
        question = {
            "sources": [spot(point) for point in block.sources],
            "targets": [spot(point) for point in block.targets],
            "costing": "auto" if profile == "car" else profile,
            "units": "kilometers",
        }
        request = Request(  # noqa: S310  (the address was checked)
            f"{self.url.rstrip('/')}/sources_to_targets",
            data=json.dumps(question).encode(),
            headers={"Content-Type": "application/json"},
        )
        rows = answer_to(request, self.timeout).get("sources_to_targets")
        pairs = cells(rows, block)
        if not all(isinstance(each, dict) and {"time", "distance"} <= each.keys() for each in pairs):
            raise Refused("the answer is no table")
        return [journey(each["time"], kilometres(each["distance"])) for each in pairs]


def require_web_address(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url!r} is no address: it begins with http:// or https:// and names a host.")


def spot(point: Point) -> dict[str, float]:
    return {"lat": point.latitude, "lon": point.longitude}


def kilometres(distance: Any) -> Any:
    return distance * 1000 if is_number(distance) else distance


def journey(seconds: Any, metres: Any) -> Journey:
    """Both services say null where no way leads there."""
    if seconds is None:
        return NO_WAY
    if not is_number(seconds) or not is_number(metres):
        raise Refused("the answer has something else where a number should be")
    return Journey(round(seconds), round(metres))


def is_number(value: Any) -> bool:
    """Neither true and false, nor the infinite that JSON may be made to hold."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15


def cells(rows: Any, block: Block) -> Sequence[Any]:
    """A table of the block's shape, row after row."""
    wide = len(block.targets)
    if not isinstance(rows, list) or len(rows) != len(block.sources):
        raise Refused("the answer is no table")
    if not all(isinstance(row, list) and len(row) == wide for row in rows):
        raise Refused("the answer has rows of another length")
    return [cell for row in rows for cell in row]


def answer_to(request: Request, timeout: float) -> dict[str, Any]:
    """The object a service answers with."""
    try:
        with urlopen(request, timeout=timeout) as response:  # noqa: S310  (the address was checked)
            said = response.read(MOST_BYTES + 1)
    except HTTPError as error:
        with error:
            if error.code >= 500 or error.code in COME_BACK_LATER:
                raise Busy(f"HTTP {error.code}", asked_wait(error.headers.get("Retry-After"))) from error
            raise Refused(f"HTTP {error.code}") from error
    except (OSError, HTTPException) as error:
        raise Busy(str(error) or type(error).__name__) from error
    if len(said) > MOST_BYTES:
        raise Refused("the answer is too long")
    try:
        answer = json.loads(said)
    except ValueError as error:
        raise Busy("the answer is no JSON") from error
    if not isinstance(answer, dict):
        raise Refused("the answer is no object")
    return answer


def asked_wait(header: str | None) -> float | None:
    return float(header) if header is not None and header.isdecimal() else None
