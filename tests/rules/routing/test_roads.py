"""Services that know roads are asked in blocks; where they fail, straight lines are taken and marked."""

import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from rental.routing.journeys import InMemory, Journey
from rental.routing.road_services import Osrm, Valhalla
from rental.routing.roads import Roads
from rental.routing.travel import Point, StraightLine, ground_distances

NINE = 9 * 3600


def somewhere(number: int) -> Point:
    """Places along a road to the north, about 1.1 km from one to the next."""
    return Point(35 + number / 100, 139)


def true_journey(origin: Point, target: Point) -> tuple[float, float]:
    """What the service of these tests measures: 100 s for each place on the way, more on the way back."""
    steps = round((target.latitude - origin.latitude) * 100)
    return (100.4 * steps if steps >= 0 else -130.0 * steps), abs(steps) * 1500.0


class Service:
    """A road service on this machine: answers as OSRM or Valhalla do, and fails when it is told to."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []  # sources, targets
        self.pairs: Counter[tuple[Point, Point]] = Counter()
        self.failures: list[tuple[int, dict[str, str]]] = []  # status and headers of the next answers
        self.garbage: bytes | None = None
        self.cut_off: set[Point] = set()
        self.refuses: set[Point] = set()
        self.profiles: set[str] = set()
        self.most_points, self.most_pairs, self.most_metres = 100, 2_500, 400_000.0
        handler = type("Handler", (Answering,), {"service": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def measured(self, sources: list[Point], targets: list[Point]) -> list[list[tuple[float, float] | None]]:
        self.asked.append((len(sources), len(targets)))
        self.pairs.update((a, b) for a in sources for b in targets if a != b)
        return [
            [None if {a, b} & self.cut_off and a != b else true_journey(a, b) for b in targets]
            for a in sources
        ]


class Answering(BaseHTTPRequestHandler):
    service: Service

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        asked = re.fullmatch(
            r"/table/v1/(\w+)/([\d.,;]+)\?annotations=duration,distance&sources=([\d;]+)&destinations=([\d;]+)",
            self.path,
        )
        assert asked is not None, self.path
        points = [Point(float(b), float(a)) for a, b in (each.split(",") for each in asked[2].split(";"))]
        self.service.profiles.add(asked[1])
        sources, targets = ([points[int(each)] for each in asked[n].split(";")] for n in (3, 4))
        if len(points) > self.service.most_points:
            self.say(400, {"code": "TooBig", "message": "Too many table coordinates"})
            return
        if self.fails(sources, targets):
            return
        rows = self.service.measured(sources, targets)
        self.say(
            200,
            {
                "code": "Ok",
                "durations": [[each and each[0] for each in row] for row in rows],
                "distances": [[each and each[1] for each in row] for row in rows],
            },
        )

    def do_POST(self) -> None:
        assert self.path == "/sources_to_targets"
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.service.profiles.add(asked["costing"])
        sources, targets = (
            [Point(each["lat"], each["lon"]) for each in asked[name]] for name in ("sources", "targets")
        )
        far = max(crow(a, b) for a in sources for b in targets)
        if len(sources) * len(targets) > self.service.most_pairs or far > self.service.most_metres:
            self.say(400, {"error_code": 150, "error": "Exceeded max locations"})
            return
        if self.fails(sources, targets):
            return
        rows = self.service.measured(sources, targets)
        cells = [
            [{"time": each and each[0], "distance": each and each[1] / 1000, "from_index": 0} for each in row]
            for row in rows
        ]
        self.say(200, {"sources_to_targets": cells, "units": "kilometers"})

    def fails(self, sources: list[Point], targets: list[Point]) -> bool:
        if self.service.failures:
            status, headers = self.service.failures.pop(0)
            self.say(status, {"message": "not now"}, headers)
            return True
        if {*sources, *targets} & self.service.refuses:
            self.say(400, {"code": "NoSegment"})
            return True
        if self.service.garbage is not None:
            self.send(200, self.service.garbage, {})
            return True
        return False

    def say(self, status: int, what: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self.send(status, json.dumps(what).encode(), headers or {})

    def send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def crow(a: Point, b: Point) -> float:
    both = np.array([(a.latitude, a.longitude), (b.latitude, b.longitude)])
    return float(ground_distances(both)[0, 1])


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    running = Service()
    yield running
    running.close()


@pytest.fixture(params=["osrm", "valhalla"])
def roads(request: pytest.FixtureRequest, service: Service) -> Roads:
    return Roads(engine(request.param, service), InMemory(), sleep=slept.append)


slept: list[float] = []


@pytest.fixture(autouse=True)
def nobody_has_slept() -> None:
    slept.clear()


def engine(name: str, service: Service) -> Osrm | Valhalla:
    return Osrm(service.url) if name == "osrm" else Valhalla(service.url)


def test_ways_are_those_of_the_service_in_both_directions(roads: Roads, service: Service) -> None:
    matrix = roads.matrix([somewhere(0), somewhere(3), somewhere(1)], "car", NINE)
    assert matrix.seconds.tolist() == [[0, 301, 100], [390, 0, 260], [130, 201, 0]]
    assert matrix.metres.tolist() == [[0, 4500, 1500], [4500, 0, 3000], [1500, 3000, 0]]
    assert matrix.estimated is None
    assert not matrix.unreachable.any()
    assert matrix.source == f"{roads.name} {roads.version}"
    assert service.profiles == {"car" if roads.name == "osrm" else "auto"}


def test_more_places_than_it_accepts_are_asked_for_in_blocks(roads: Roads, service: Service) -> None:
    points = [somewhere(number) for number in range(120)]
    matrix = roads.matrix(points, "car", NINE)
    assert matrix.estimated is None
    assert matrix.seconds[3, 110] == round(107 * 100.4)
    assert len(service.asked) == 9
    assert max(sources * targets for sources, targets in service.asked) <= 2_500


def test_the_same_place_is_asked_for_once(roads: Roads, service: Service) -> None:
    here = somewhere(0)
    again = Point(here.latitude + 1e-8, here.longitude)
    matrix = roads.matrix([here, somewhere(2), again, somewhere(2)], "car", NINE)
    assert service.asked == [(2, 2)]
    assert matrix.seconds.tolist()[0] == [0, 201, 0, 201]


def test_a_pair_that_was_measured_is_not_asked_for_again(roads: Roads, service: Service) -> None:
    roads.matrix([somewhere(0), somewhere(1)], "car", NINE)
    roads.matrix([somewhere(1), somewhere(0)], "car", 14 * 3600)
    assert len(service.asked) == 1
    matrix = roads.matrix([somewhere(1), somewhere(0), somewhere(5)], "car", NINE)
    assert matrix.estimated is None
    assert service.pairs[somewhere(5), somewhere(0)] == 1


def test_a_place_without_roads_cannot_be_reached(roads: Roads, service: Service) -> None:
    service.cut_off = {somewhere(1)}
    matrix = roads.matrix([somewhere(0), somewhere(1), somewhere(2)], "car", NINE)
    assert matrix.unreachable.tolist() == [[False, True, False], [True, False, True], [False, True, False]]
    assert matrix.estimated is None


def test_when_it_is_busy_one_waits_as_long_as_it_says(roads: Roads, service: Service) -> None:
    service.failures = [(503, {}), (429, {"Retry-After": "7"}), (500, {"Retry-After": "3600"})]
    matrix = roads.matrix([somewhere(0), somewhere(1)], "car", NINE)
    assert matrix.estimated is None
    assert slept == [0.5, 7.0, 10.0]


def test_when_it_stays_busy_straight_lines_are_taken_and_marked(roads: Roads, service: Service) -> None:
    service.failures = [(503, {})] * 9
    points = [somewhere(number) for number in range(60)]
    matrix = roads.matrix(points, "car", NINE)
    assert len(service.failures) == 9 - 4, "after the first block nobody asks again"
    straight = StraightLine().matrix(points, "car", NINE)
    assert (matrix.seconds == straight.seconds).all()
    assert matrix.estimated is not None
    assert matrix.estimated.sum() == 60 * 59
    service.failures = []
    assert roads.matrix(points, "car", NINE).estimated is None, "a straight line is never kept"


def test_when_nobody_listens_straight_lines_are_taken(service: Service) -> None:
    service.close()
    matrix = Roads(Osrm(service.url), sleep=slept.append).matrix([somewhere(0), somewhere(1)], "car", NINE)
    assert matrix.estimated is not None
    assert matrix.estimated.tolist() == [[False, True], [True, False]]
    assert slept == [0.5, 1.0, 2.0]


def test_what_it_refuses_is_marked_and_the_rest_is_measured(roads: Roads, service: Service) -> None:
    service.refuses = {somewhere(2)}
    points = [somewhere(number) for number in range(5)]
    matrix = roads.matrix(points, "car", NINE)
    assert matrix.estimated is not None
    assert matrix.estimated.sum() == 8
    assert matrix.estimated[2].sum() == 4
    assert matrix.seconds[0, 4] == 402
    assert slept == []


def test_what_is_too_far_apart_is_not_even_asked_for(service: Service) -> None:
    north = [Point(40 + number / 100, 139) for number in range(3)]
    points = [somewhere(0), *north, somewhere(1)]
    matrix = Roads(Valhalla(service.url)).matrix(points, "car", NINE)
    assert matrix.estimated is not None
    assert matrix.estimated.tolist()[0] == [False, True, True, True, False]
    assert matrix.estimated.sum() == 12
    assert matrix.seconds[1, 3] == 201


@pytest.mark.parametrize(
    "garbage",
    [
        b"<html>",
        b"[]",
        b'{"code": "Ok"}',
        b'{"code": "Ok", "durations": [[0, 1, 2]], "distances": [[0, 1, 2]], "sources_to_targets": [[1]]}',
        b'{"code": "Ok", "durations": [[0, "1"], [1, 0]], "distances": [[0, 1], [1, 0]], '
        b'"sources_to_targets": [[{"time": "1"}, {"time": true}], [1, 2]]}',
        b'{"code": "Ok", "durations": [[0, -5], [1e300, 0]], "distances": [[0, 1], [1, 0]], '
        b'"sources_to_targets": [[{}, {"time": -5, "distance": 1}], [{"time": NaN, "distance": 1}, {}]]}',
    ],
)
def test_an_answer_that_makes_no_sense_is_no_answer(roads: Roads, service: Service, garbage: bytes) -> None:
    service.garbage = garbage
    matrix = roads.matrix([somewhere(0), somewhere(1)], "car", NINE)
    straight = StraightLine().matrix([somewhere(0), somewhere(1)], "car", NINE)
    assert matrix.estimated is not None
    assert matrix.estimated.sum() == 2
    assert (matrix.seconds == straight.seconds).all()
    assert not matrix.unreachable.any()


def test_an_unknown_profile_and_a_bad_address_are_refused() -> None:
    with pytest.raises(ValueError, match="begins with http"):
        Osrm("ftp://roads.example")
    with pytest.raises(ValueError, match="begins with http"):
        Valhalla("file:///etc/passwd")


def test_a_cache_holds_the_newest_pairs() -> None:
    cache = InMemory(most=2)
    pairs = [(somewhere(0), somewhere(number)) for number in (1, 2, 3)]
    for pair in pairs:
        cache.keep("osrm v1 car", {pair: Journey(1, 1)})
    assert set(cache.known("osrm v1 car", pairs)) == set(pairs[1:])
    assert cache.known("osrm v2 car", pairs) == {}
