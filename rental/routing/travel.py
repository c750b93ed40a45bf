"""How long it takes from place to place: straight lines, made longer and slower as roads are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rental.routing.problem import InvalidProblem, TravelMatrix

# WGS84
EQUATOR_RADIUS = 6_378_137.0  # metres
FLATTENING = 1 / 298.257223563
ECCENTRICITY_SQUARED = FLATTENING * (2 - FLATTENING)


@dataclass(frozen=True, slots=True)
class Point:
    """A position in degrees. Two points are the same place when they agree to six decimals, about 0.1 m."""

    latitude: float
    longitude: float

    def __post_init__(self) -> None:
        for name, most in (("latitude", 90), ("longitude", 180)):
            value = getattr(self, name)
            if not -most <= value <= most:  # also false for what is not a number
                raise InvalidProblem(f"Point: {name} is {value}; it must be from {-most} to {most}.")


class TravelProvider(Protocol):
    """Whoever can measure travel. Name and version are part of every key under which an answer is kept."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    def matrix(self, points: Sequence[Point], profile: str, depart: int) -> TravelMatrix:
        """Between all points, in their order, for somebody who leaves `depart` seconds after midnight."""
        ...


@dataclass(frozen=True, slots=True)
class Speeds:
    """How fast one gets along.

    `stretches` are (length in metres, km/h): the first metres of a journey are slow streets, later ones
    good roads; what is longer than all stretches goes at the speed of the last one. So a longer journey never
    takes less time. `by_hour` is the speed in percent in each hour of the day; 24 numbers.
    """

    stretches: tuple[tuple[int, int], ...]
    by_hour: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.stretches or any(length <= 0 or speed <= 0 for length, speed in self.stretches):
            raise InvalidProblem("Speeds: stretches must have at least one length and speed, all above 0.")
        if len(self.by_hour) != 24 or any(percent <= 0 for percent in self.by_hour):
            raise InvalidProblem("Speeds: by_hour must be 24 percentages, all above 0.")

    def seconds(self, metres: NDArray[np.float64], depart: int) -> NDArray[np.float64]:
        lengths = np.array([length for length, _ in self.stretches], dtype=np.float64)
        metres_per_second = np.array([speed for _, speed in self.stretches]) / 3.6
        ends = np.concatenate([[0.0], np.cumsum(lengths)])
        times = np.concatenate([[0.0], np.cumsum(lengths / metres_per_second)])
        beyond = np.maximum(metres - ends[-1], 0.0) / metres_per_second[-1]
        percent = self.by_hour[depart // 3600 % 24]
        return np.asarray((np.interp(metres, ends, times) + beyond) * (100 / percent), dtype=np.float64)


CAR = Speeds(
    stretches=((1_000, 15), (4_000, 24), (15_000, 34), (30_000, 50), (100_000, 70)),
    by_hour=(125,) * 6 + (100, 80, 80) + (100,) * 8 + (80, 80, 90) + (100,) * 2 + (125,) * 2,
)


@dataclass(frozen=True, slots=True)
class StraightLine:
    """Always there: the distance over the ground, a detour factor, and a table of speeds for each profile."""

    name: str = "straight-line"
    version: str = "1"
    detour_percent: int = 130
    profiles: Mapping[str, Speeds] = field(default_factory=lambda: {"car": CAR})

    def matrix(self, points: Sequence[Point], profile: str, depart: int) -> TravelMatrix:
        """Everything can be reached; the same place is reached at once."""
        if profile not in self.profiles:
            raise InvalidProblem(
                f"Travel: profile {profile!r} is unknown; use one of {sorted(self.profiles)}."
            )
        source = f"{self.name} {self.version}"
        if not points:
            return TravelMatrix.of(np.zeros((0, 0), np.int32), np.zeros((0, 0), np.int32), source=source)
        positions = np.round([(point.latitude, point.longitude) for point in points], 6)
        places, which = np.unique(positions, axis=0, return_inverse=True)
        metres = ground_distances(places) * (self.detour_percent / 100)
        seconds = self.profiles[profile].seconds(metres, depart)
        all_pairs = np.ix_(which.ravel(), which.ravel())
        return TravelMatrix.of(
            np.rint(seconds).astype(np.int32)[all_pairs],
            np.rint(metres).astype(np.int32)[all_pairs],
            source=source,
        )


def ground_distances(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    """Metres between all pairs of (latitude, longitude), shape (n, 2) to (n, n), on the WGS84 ellipsoid.

    The chord through the earth, bent to the radius of curvature that the ellipsoid has in the middle of the
    pair and in its direction.
    """
    latitude, longitude = np.radians(degrees[:, 0]), np.radians(degrees[:, 1])
    sine, cosine = np.sin(latitude), np.cos(latitude)
    across = EQUATOR_RADIUS / np.sqrt(1 - ECCENTRICITY_SQUARED * sine**2)
    xyz = np.stack(
        [
            across * cosine * np.cos(longitude),
            across * cosine * np.sin(longitude),
            across * (1 - ECCENTRICITY_SQUARED) * sine,
        ]
    )
    chord_squared = sum((axis[:, None] - axis[None, :]) ** 2 for axis in xyz)
    chord = np.sqrt(chord_squared)

    middle = (latitude[:, None] + latitude[None, :]) / 2
    flatness = 1 - ECCENTRICITY_SQUARED * np.sin(middle) ** 2
    across_radius = EQUATOR_RADIUS / np.sqrt(flatness)
    along_radius = EQUATOR_RADIUS * (1 - ECCENTRICITY_SQUARED) / flatness**1.5
    east = across_radius * np.cos(middle) * np.sin(longitude[:, None] - longitude[None, :])
    north = along_radius * (latitude[:, None] - latitude[None, :])
    length = east**2 + north**2
    with np.errstate(invalid="ignore", divide="ignore"):
        curvature = np.where(
            length > 0, (east**2 / across_radius + north**2 / along_radius) / length, 1 / across_radius
        )
    half_angle = np.minimum(chord * curvature / 2, 1.0)
    return np.asarray(2 * np.arcsin(half_angle) / curvature, dtype=np.float64)
