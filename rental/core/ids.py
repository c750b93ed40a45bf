"""Identifiers that sort by the time they were made, so that new rows land at the end of an index."""

import os
import struct
import threading
import time
from uuid import UUID


class _Ticks:
    """Times of 1/4096 ms, each later than the one before: Unix milliseconds, then the fraction in 12 bits."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latest = 0

    def next(self, count: int = 1) -> range:
        """So many, one right after the other."""
        milliseconds, rest = divmod(time.time_ns(), 1_000_000)
        with self._lock:
            first = max(milliseconds << 12 | rest * 4096 // 1_000_000, self._latest + 1)
            self._latest = first + count - 1
        return range(first, first + count)


_ticks = _Ticks()


def new_id() -> UUID:
    """A UUID version 7 (RFC 9562 §5.7 and §6.2, method 3) with 62 random bits.

    Within one process each is greater than the one before; between processes nobody reads an order from them.
    """
    return _id_of(_ticks.next().start, int.from_bytes(os.urandom(8), "big"))


def new_ids(count: int) -> list[UUID]:
    """So many at once, each greater than the one before: for thousands of rows a third of the time."""
    drawn = struct.unpack(f">{count}Q", os.urandom(8 * count))
    return list(map(_id_of, _ticks.next(count), drawn))


def _id_of(ticks: int, drawn: int) -> UUID:
    value = (ticks >> 12) << 80 | 0x7 << 76 | (ticks & 0xFFF) << 64 | 0b10 << 62 | drawn >> 2
    return UUID(int=value)
