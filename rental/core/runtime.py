"""What this process runs with: clock, zone, subscriptions, doorbell, file store."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from flask import current_app

from rental.core.bus import Bus, Doorbell
from rental.core.clock import Clock
from rental.core.files import FileStore


@dataclass(slots=True)
class Runtime:
    """Made once by the app factory; a story may exchange the clock."""

    clock: Clock
    zone: ZoneInfo
    bus: Bus
    doorbell: Doorbell
    files: FileStore


def runtime() -> Runtime:
    """The runtime of the app in whose context we are."""
    found: Runtime = current_app.extensions["rental"]
    return found
