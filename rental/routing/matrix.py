"""How long and how far it is from each place to each other one."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rental.routing.limits import LATEST, LONGEST_JOURNEY, InvalidProblem

MOST_AS_LISTS = 1500  # places; the lists of so many take 160 MB


@dataclass(frozen=True, eq=False)
class TravelMatrix:
    """Seconds and metres from each place (row) to each place (column), and which ways do not exist.

    int32, square, all of one shape; what stands at an unreachable pair does not matter. The two directions
    may differ. Staying costs nothing. `source` says who measured, with a version; `estimated` are the pairs
    that it gave no answer for and that are straight lines instead; None where there are none.
    """

    seconds: NDArray[np.int32]
    metres: NDArray[np.int32]
    unreachable: NDArray[np.bool_]
    source: str = ""
    estimated: NDArray[np.bool_] | None = None

    @classmethod
    def of(
        cls,
        seconds: ArrayLike,
        metres: ArrayLike,
        unreachable: ArrayLike | None = None,
        *,
        source: str = "",
        estimated: NDArray[np.bool_] | None = None,
    ) -> "TravelMatrix":
        """From anything numpy understands; without a mask every way exists."""
        shape = np.shape(seconds)
        mask = np.zeros(shape, dtype=np.bool_) if unreachable is None else unreachable
        return cls(
            whole("seconds", seconds),
            whole("metres", metres),
            np.asarray(mask, dtype=np.bool_),
            source,
            estimated if estimated is not None and estimated.any() else None,
        )

    def __post_init__(self) -> None:
        shape = self.seconds.shape
        if len(shape) != 2 or shape[0] != shape[1]:
            raise InvalidProblem(f"Travel: seconds has the shape {shape}; it must be square.")
        for name in ("metres", "unreachable"):
            if getattr(self, name).shape != shape:
                raise InvalidProblem(
                    f"Travel: {name} has the shape {getattr(self, name).shape}, not {shape}."
                )
        for name, most in (("seconds", LATEST), ("metres", LONGEST_JOURNEY)):
            values = np.where(self.unreachable, 0, getattr(self, name))
            self._refuse(
                (values < 0) | (values > most), name, f"must be from 0 to {most}, or marked unreachable"
            )
            self._refuse(np.diag(np.diagonal(values) != 0), name, "must be 0 from a place to itself")
        self._refuse(np.diag(np.diagonal(self.unreachable)), "unreachable", "is set from a place to itself")
        for values in (self.seconds, self.metres, self.unreachable):
            values.flags.writeable = False

    def _refuse(self, wrong: NDArray[np.bool_], name: str, why: str) -> None:
        if wrong.any():
            origin, target = np.argwhere(wrong)[0]
            raise InvalidProblem(f"Travel: {name}[{origin}][{target}] {why}.")

    def __getstate__(self) -> dict[str, Any]:
        """What another process needs of it; it makes the rows again."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @property
    def places(self) -> int:
        """How many places there are."""
        return len(self.seconds)

    @cached_property
    def legs(self) -> list[Sequence[int | None]]:
        """Seconds row by row, None where there is no way: a search reads them a million times."""
        rows: list[Sequence[int | None]] = list(rows_of(self.seconds))
        for origin in np.flatnonzero(self.unreachable.any(axis=1)):
            row: list[int | None] = self.seconds[origin].tolist()
            for target in np.flatnonzero(self.unreachable[origin]):
                row[target] = None
            rows[origin] = row
        return rows

    @cached_property
    def lengths(self) -> list[Sequence[int]]:
        """Metres row by row."""
        return rows_of(self.metres)


def rows_of(values: NDArray[np.int32]) -> list[Sequence[int]]:
    """Plain lists, which are read fastest; of many places the array itself: lists take ten times its room."""
    if len(values) > MOST_AS_LISTS:
        return [row.data for row in values]
    rows: list[Sequence[int]] = values.tolist()
    return rows


def whole(name: str, values: ArrayLike) -> NDArray[np.int32]:
    """The values as a fresh int32 array; fractions and numbers too large for it are refused."""
    array = np.asarray(values)
    if array.dtype.kind not in "iu":
        raise InvalidProblem(f"Travel: {name} must be whole numbers, not {array.dtype}.")
    limits = np.iinfo(np.int32)
    if array.size and (array.min() < limits.min or array.max() > limits.max):
        raise InvalidProblem(f"Travel: {name} has numbers that are too large.")
    return array.astype(np.int32)
