"""What is announced about checks."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from rental.core.events import Event


@dataclass(frozen=True, slots=True)
class CheckStarted(Event):
    """Somebody, or the night, asked for a check of the whole database. Sent once per check run."""

    name: ClassVar[str] = "assurance.check_started"

    check_run_id: UUID
