"""What fieldwork announces."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar
from uuid import UUID

from rental.core.events import Event


@dataclass(frozen=True, slots=True)
class VisitPublished(Event):
    """A technician was given a visit. Sent once per visit, when it is published."""

    name: ClassVar[str] = "fieldwork.visit_published"

    visit_id: UUID
    technician_id: UUID
    planned_on: date


@dataclass(frozen=True, slots=True)
class InstallationCompleted(Event):
    """Machines stand at the customer's. Sent once per job, in the transaction that completed it."""

    name: ClassVar[str] = "fieldwork.installation_completed"

    work_order_id: UUID
    finished_on: date
