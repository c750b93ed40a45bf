"""What dispatch announces."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from rental.core.events import Event


@dataclass(frozen=True, slots=True)
class PlanRequested(Event):
    """Somebody wants the routes of a day. Sent once per route plan."""

    name: ClassVar[str] = "dispatch.plan_requested"

    route_plan_id: UUID
