"""What this process runs with: clock, zone, subscriptions, doorbell, file store, mail server."""

from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from flask import current_app

from rental.core.bus import Bus, Doorbell
from rental.core.clock import Clock
from rental.core.files import FileStore
from rental.core.mail import NoPost, Post


@dataclass(slots=True)
class Runtime:
    """Made once by the app factory; a story may exchange the clock.

    `is_stopping` asks whatever takes long to end soon, with what it has. `roads_url` is the service that
    measures ways, `roads_version` that of its data.
    """

    clock: Clock
    zone: ZoneInfo
    bus: Bus
    doorbell: Doorbell
    files: FileStore
    post: Post = field(default_factory=NoPost)
    is_stopping: bool = False
    roads_url: str | None = None
    roads_version: str = "1"


def runtime() -> Runtime:
    """The runtime of the app in whose context we are."""
    found: Runtime = current_app.extensions["rental"]
    return found
