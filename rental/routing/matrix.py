"""How long and how far it is from each place to each other one."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rental.routing.limits import LATEST, LONGEST_JOURNEY, InvalidProblem


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

    @property
    def places(self) -> int:
        """How many places there are."""
        return len(self.seconds)

    @cached_property
    def legs(self) -> list[list[int | None]]:
        """Seconds as plain lists, None where there is no way: a search reads them a million times."""
        rows: list[list[int | None]] = self.seconds.tolist()
        for origin, target in np.argwhere(self.unreachable):
            rows[origin][target] = None
        return rows

    @cached_property
    def lengths(self) -> list[list[int]]:
        """Metres as plain lists."""
        rows: list[list[int]] = self.metres.tolist()
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
