"""Straight lines are as long as geopy says; roads are longer, and slow in the rush hour."""

import random
from itertools import pairwise

import numpy as np
import pytest
from geopy.distance import geodesic

from rental.routing.problem import InvalidProblem
from rental.routing.travel import CAR, Point, Speeds, StraightLine, TravelProvider, ground_distances

NINE, ELEVEN = 9 * 3600, 11 * 3600
EVEN = Speeds(stretches=((1, 36),), by_hour=(100,) * 24)


@pytest.mark.parametrize(
    ("south_west", "north_east", "mean", "worst"),
    [((35.4, 139.2), (35.9, 140.0), 1e-9, 1e-7), ((24.0, 123.0), (45.5, 146.0), 1e-6, 1e-4)],
)
def test_distances_are_those_of_the_ellipsoid(
    south_west: tuple[float, float], north_east: tuple[float, float], mean: float, worst: float
) -> None:
    chance = random.Random(1)
    points = [
        tuple(chance.uniform(low, high) for low, high in zip(south_west, north_east, strict=True))
        for _ in range(25)
    ]
    ours = ground_distances(np.array(points))
    theirs = np.array([[geodesic(a, b).m for b in points] for a in points])
    apart = theirs > 0
    errors = np.abs(ours - theirs)[apart] / theirs[apart]
    assert errors.mean() < mean
    assert errors.max() < worst
    assert not ours.diagonal().any()


def test_the_same_place_is_reached_at_once_and_measured_once() -> None:
    here, there = Point(35.681236, 139.767125), Point(35.690921, 139.700258)
    again = Point(35.6812360001, 139.767125)
    matrix = StraightLine().matrix([here, there, again, there], "car", NINE)
    assert matrix.seconds[0, 2] == matrix.metres[3, 1] == 0
    assert matrix.seconds[0, 1] == matrix.seconds[2, 3] > 0
    assert matrix.source == "straight-line 1"
    assert not matrix.unreachable.any()


def test_roads_are_a_third_longer_and_take_the_table_of_the_hour() -> None:
    line: TravelProvider = StraightLine(profiles={"even": EVEN, "car": CAR})
    points = [Point(35.0, 139.0), Point(35.1, 139.0)]
    straight = geodesic((35.0, 139.0), (35.1, 139.0)).m
    even = line.matrix(points, "even", NINE)
    assert even.metres[0, 1] == round(straight * 1.3)
    assert even.seconds[0, 1] == round(straight * 1.3 / 10)
    rush, quiet = (line.matrix(points, "car", hour).seconds[0, 1] for hour in (8 * 3600, ELEVEN))
    assert rush == pytest.approx(quiet * 100 / 80, abs=1)
    assert line.matrix(points, "car", ELEVEN + 86_400).seconds[0, 1] == quiet


def test_farther_never_takes_less_time() -> None:
    metres = np.linspace(0, 400_000, 4_001)
    seconds = CAR.seconds(metres, ELEVEN)
    assert all(sooner < later for sooner, later in pairwise(seconds))
    assert seconds[0] == 0
    assert CAR.seconds(np.array([1_000.0]), ELEVEN)[0] == pytest.approx(240)


def test_no_points_make_an_empty_matrix() -> None:
    assert StraightLine().matrix([], "car", NINE).places == 0


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(InvalidProblem, match="latitude is 91"):
        Point(91, 0)
    with pytest.raises(InvalidProblem, match="longitude is nan"):
        Point(0, float("nan"))
    with pytest.raises(InvalidProblem, match=r"profile 'boat' is unknown; use one of \['car'\]"):
        StraightLine().matrix([], "boat", NINE)
    with pytest.raises(InvalidProblem, match="24 percentages"):
        Speeds(((1, 1),), (100,))
    with pytest.raises(InvalidProblem, match="at least one length"):
        Speeds((), (100,) * 24)
