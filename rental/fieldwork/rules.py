"""The life of work orders and visits, and what is needed before the next step."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from rental.core.errors import Conflict, Invalid
from rental.core.states import States


class WorkOrderKind(StrEnum):
    """What is to be done."""

    INSTALLATION = "installation"


class WorkOrderState(StrEnum):
    """How far a job is."""

    DRAFT = "draft"
    READY = "ready"
    PLANNED = "planned"
    DISPATCHED = "dispatched"
    EN_ROUTE = "en_route"
    ON_SITE = "on_site"
    BLOCKED = "blocked"
    DONE = "done"
    CANCELLED = "cancelled"


WORK_ORDER_STATES = States(
    {
        WorkOrderState.DRAFT: {WorkOrderState.READY, WorkOrderState.CANCELLED},
        WorkOrderState.READY: {WorkOrderState.PLANNED, WorkOrderState.CANCELLED},
        WorkOrderState.PLANNED: {
            WorkOrderState.READY,
            WorkOrderState.DISPATCHED,
            WorkOrderState.CANCELLED,
        },
        WorkOrderState.DISPATCHED: {
            WorkOrderState.READY,
            WorkOrderState.EN_ROUTE,
            WorkOrderState.ON_SITE,
            WorkOrderState.CANCELLED,
        },
        WorkOrderState.EN_ROUTE: {WorkOrderState.ON_SITE, WorkOrderState.CANCELLED},
        WorkOrderState.ON_SITE: {WorkOrderState.DONE, WorkOrderState.BLOCKED, WorkOrderState.CANCELLED},
        WorkOrderState.BLOCKED: set(),
        WorkOrderState.DONE: set(),
        WorkOrderState.CANCELLED: set(),
    }
)
OVER = frozenset({WorkOrderState.BLOCKED, WorkOrderState.DONE, WorkOrderState.CANCELLED})


class ItemState(StrEnum):
    """How far one machine of a job is: read on site, standing in its slot, or left for later."""

    OPEN = "open"
    SCANNED = "scanned"
    INSTALLED = "installed"
    LEFT = "left"


ITEM_STATES = States(
    {
        ItemState.OPEN: {ItemState.SCANNED, ItemState.LEFT},
        ItemState.SCANNED: {ItemState.OPEN, ItemState.INSTALLED, ItemState.LEFT},
        ItemState.INSTALLED: set(),
        ItemState.LEFT: set(),
    }
)


class VisitState(StrEnum):
    """How far a trip to one site is."""

    PLANNED = "planned"
    PUBLISHED = "published"
    EN_ROUTE = "en_route"
    ON_SITE = "on_site"
    LEFT = "left"
    CANCELLED = "cancelled"


VISIT_STATES = States(
    {
        VisitState.PLANNED: {VisitState.PUBLISHED, VisitState.CANCELLED},
        VisitState.PUBLISHED: {VisitState.EN_ROUTE, VisitState.ON_SITE, VisitState.CANCELLED},
        VisitState.EN_ROUTE: {VisitState.ON_SITE, VisitState.CANCELLED},
        VisitState.ON_SITE: {VisitState.LEFT},
        VisitState.LEFT: set(),
        VisitState.CANCELLED: set(),
    }
)


class BlockReason(StrEnum):
    """Why a job could not be done."""

    ABSENT = "absent"
    NO_WAY_IN = "no_way_in"
    FAULTY_UNIT = "faulty_unit"
    NO_POWER = "no_power"
    CUSTOMER = "customer"
    TIME = "time"


class PhotoKind(StrEnum):
    """What a photo shows."""

    BEFORE = "before"
    AFTER = "after"
    NAMEPLATE = "nameplate"
    DAMAGE = "damage"


class CommandType(StrEnum):
    """What a person on site can tell us. A type not known here came from a newer or much older phone."""

    DEPART = "visit.depart"
    ARRIVE = "visit.arrive"
    SCAN = "install.scan"
    UNDO_SCAN = "install.undo_scan"
    NOTE = "note.add"
    PHOTO = "photo.add"
    COMPLETE = "complete"
    BLOCK = "block"


class CommandStatus(StrEnum):
    """What became of a command."""

    APPLIED = "applied"
    CONFLICT = "conflict"
    REJECTED = "rejected"


class ConflictOutcome(StrEnum):
    """What the office made of a command in conflict: nothing to do, or a person put it right by hand."""

    NOTED = "noted"
    CORRECTED = "corrected"


class MachinesMissing(Conflict):
    """A job is done when every machine was scanned, or the rest was left for a reason."""

    code = "fieldwork.machines_missing"

    def __init__(self, *, count: int) -> None:
        super().__init__(count=count)


class NothingInstalled(Conflict):
    """A job of which nothing was done is not done in part: it could not be done."""

    code = "fieldwork.nothing_installed"


class ClockWrong(Invalid):
    """The phone's clock is so far off that its days cannot be believed."""

    code = "fieldwork.clock_wrong"
    field = "at"


OLDEST_COMMAND = timedelta(days=60)
FASTEST_CLOCK = timedelta(hours=24)


def believed_time(device_at: datetime, received_at: datetime) -> datetime:
    """When it was done: what the phone says, but never later than we heard of it.

    Raises ClockWrong for more than a day ahead, or more than 60 days ago.
    """
    if device_at > received_at + FASTEST_CLOCK or device_at < received_at - OLDEST_COMMAND:
        raise ClockWrong(at=device_at.isoformat())
    return min(device_at, received_at)


def require_all_scanned(states: Sequence[ItemState], *, leaves_rest: bool) -> None:
    """Raises MachinesMissing while machines are open, NothingInstalled when all would be left."""
    open_count = sum(state is ItemState.OPEN for state in states)
    if open_count and not leaves_rest:
        raise MachinesMissing(count=open_count)
    if open_count == len(states):
        raise NothingInstalled
