"""A life cycle as one table of allowed steps."""

from collections.abc import Iterator, Mapping, Set
from enum import StrEnum
from typing import Generic, TypeVar

from rental.core.errors import Conflict

S = TypeVar("S", bound=StrEnum)


class IllegalStep(Conflict):
    """A step the life cycle does not know."""

    code = "core.illegal_step"

    def __init__(self, *, kind: str, now: str, wanted: str) -> None:
        super().__init__(kind=kind, now=now, wanted=wanted)


class States(Generic[S]):
    """Which state may follow which. Every state stands in the table, final ones with no successor."""

    def __init__(self, table: Mapping[S, Set[S]]) -> None:
        kinds = {type(state) for state in table}
        if len(kinds) != 1:
            raise ValueError("a life cycle has the states of one enumeration")
        (self.kind,) = kinds
        if missing := set(self.kind) - set(table):
            raise ValueError(f"{self.kind.__name__} has no row for {sorted(missing)}")
        self._table = {state: frozenset(following) for state, following in table.items()}

    def allows(self, now: S, wanted: S) -> bool:
        return wanted in self._table[now]

    def check(self, now: S, wanted: S) -> None:
        """Raises IllegalStep when `wanted` may not follow `now`."""
        if not self.allows(now, wanted):
            raise IllegalStep(kind=self.kind.__name__, now=now.value, wanted=wanted.value)

    def steps(self) -> Iterator[tuple[S, S]]:
        """Every allowed step, in the order of the table."""
        for state, following in self._table.items():
            for successor in self.kind:
                if successor in following:
                    yield state, successor
