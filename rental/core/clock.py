"""Where the time comes from: the machine, or a story that sets it."""

from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Says the present instant, zoned."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class SettableClock:
    """A clock that stands still until a story moves it."""

    def __init__(self, instant: datetime) -> None:
        self.set(instant)

    def set(self, instant: datetime) -> None:
        if instant.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        self._instant = instant.astimezone(UTC)

    def forward(self, step: timedelta) -> None:
        self._instant += step

    def now(self) -> datetime:
        return self._instant


def day_of(instant: datetime, zone: ZoneInfo) -> date:
    """The calendar day of an instant in the company's zone."""
    return instant.astimezone(zone).date()
