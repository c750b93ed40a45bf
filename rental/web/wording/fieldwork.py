"""Words of the fieldwork package. Refusals are also read from kept answers, whose parameters are texts."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from rental.fieldwork.rules import (
    BlockReason,
    CommandStatus,
    CommandType,
    ConflictOutcome,
    ItemState,
    PhotoKind,
    VisitState,
    WorkOrderKind,
    WorkOrderState,
)
from rental.inventory.rules.unit_states import UnitState


def _not_fit(params: dict[str, Any]) -> str:
    if params["state"] == UnitState.RETIRED:
        return _("%(tag)s is retired. Take another machine.", tag=params["tag"])
    return _("%(tag)s was not inspected yet. Put it on a shelf first, or take another.", tag=params["tag"])


REFUSALS: dict[str, Callable[[dict[str, Any]], str]] = {
    "fieldwork.not_a_technician": lambda _params: _(
        "Only a technician with an account that is in use can be sent out. Choose somebody else."
    ),
    "fieldwork.day_over": lambda _params: _("This day is over. Choose today or a later day."),
    "fieldwork.several_sites": lambda _params: _(
        "One visit goes to one site. Choose work orders of the same site."
    ),
    "fieldwork.nothing_to_visit_for": lambda _params: _("Choose at least one work order that is ready."),
    "fieldwork.site_not_on_map": lambda params: _(
        "Nobody has found %(site)s on the map yet. Look up its position on the page of the site first.",
        **params,
    ),
    "fieldwork.note_empty": lambda _params: _("Please write something."),
    "fieldwork.note_too_long": lambda params: _("Too long: at most %(maximum)s characters.", **params),
    "fieldwork.photo_not_sent": lambda _params: _("The photo has not arrived. Take it again, and send it."),
    "fieldwork.machines_missing": lambda params: ngettext(
        "%(num)s machine was not scanned yet. Scan it, or leave it for another visit.",
        "%(num)s machines were not scanned yet. Scan them, or leave them for another visit.",
        int(params["count"]),
    ),
    "fieldwork.nothing_installed": lambda _params: _(
        "No machine was scanned. Say why it could not be done instead."
    ),
    "fieldwork.clock_wrong": lambda _params: _(
        "The clock of this phone is wrong by more than a day. Set it, then try again."
    ),
    "fieldwork.wrong_model": lambda params: (
        _("%(tag)s is a %(model)s. Still needed here: %(wanted)s.", **params)
        if params.get("wanted")
        else _("%(tag)s is a %(model)s. No machine is missing here any more.", **params)
    ),
    "fieldwork.stands_elsewhere": lambda params: _(
        "By our books %(tag)s stands at a customer's. Take another machine; the office looks into it.",
        **params,
    ),
    "fieldwork.not_fit": _not_fit,
    "fieldwork.not_on_site": lambda _params: _("Say first that you arrived."),
    "fieldwork.command_id_used": lambda _params: _(
        "This was already sent with different content. Open the page again and repeat it."
    ),
    "fieldwork.command_out_of_order": lambda _params: _(
        "Something that was recorded before has not arrived. Send everything again, in order."
    ),
    "fieldwork.over_meanwhile": lambda _params: _(
        "The work order was called off, finished or given to somebody else meanwhile. The office decides."
    ),
    "fieldwork.upgrade_needed": lambda _params: _(
        "This server does not know what was sent. Load the page anew to get the present version."
    ),
    "fieldwork.bad_payload": lambda params: _(
        "This was sent without its %(name)s. Enter it again.", **params
    ),
    "fieldwork.not_in_conflict": lambda _params: _(
        "Nothing about this report waits for a decision: it was taken over or refused when it came."
    ),
    "fieldwork.decided_already": lambda params: _(
        "%(decided_by)s has decided this meanwhile. Look at the decision.", **params
    ),
}

ENTITIES = {
    "work_order": _l("Work order"),
    "work_order_item": _l("Machine of a work order"),
    "work_order_photo": _l("Photo"),
    "work_order_note": _l("Note"),
    "visit": _l("Visit"),
    "conflict_decision": _l("Decision about a conflict"),
}

ATTRIBUTES = {
    "work_order_id": _l("Work order"),
    "visit_id": _l("Visit"),
    "follows_id": _l("Goes on with"),
    "site_id": _l("Site"),
    "slot_id": _l("Slot"),
    "unit_id": _l("Unit"),
    "technician_id": _l("Technician"),
    "planned_on": _l("Planned for"),
    "starts_at": _l("Agreed time"),
    "departed_at": _l("Departed at"),
    "arrived_at": _l("Arrived at"),
    "left_at": _l("Left at"),
    "opened_at": _l("Opened at"),
    "scanned_at": _l("Scanned at"),
    "taken_at": _l("Taken at"),
    "taken_by": _l("Taken by"),
    "written_at": _l("Written at"),
    "written_by": _l("Written by"),
    "command_id": _l("Report from site"),
    "outcome": _l("Decision"),
    "decided_by": _l("Decided by"),
    "decided_at": _l("Decided at"),
    "minutes": _l("Minutes of work"),
    "block_reason": _l("Why it could not be done"),
    "revision": _l("Revision"),
    "file_id": _l("File"),
    "text": _l("Text"),
}

STATES: dict[type[StrEnum], dict[Any, Any]] = {
    WorkOrderKind: {WorkOrderKind.INSTALLATION: _l("Installation")},
    WorkOrderState: {
        WorkOrderState.DRAFT: _l("Not ready"),
        WorkOrderState.READY: _l("Ready"),
        WorkOrderState.PLANNED: _l("Planned"),
        WorkOrderState.DISPATCHED: _l("Sent out"),
        WorkOrderState.EN_ROUTE: _l("On the way"),
        WorkOrderState.ON_SITE: _l("On site"),
        WorkOrderState.BLOCKED: _l("Could not be done"),
        WorkOrderState.DONE: _l("Done"),
        WorkOrderState.CANCELLED: _l("Cancelled"),
    },
    ItemState: {
        ItemState.OPEN: _l("Open"),
        ItemState.SCANNED: _l("Scanned"),
        ItemState.INSTALLED: _l("Installed"),
        ItemState.LEFT: _l("Left for later"),
    },
    VisitState: {
        VisitState.PLANNED: _l("Planned"),
        VisitState.PUBLISHED: _l("Sent out"),
        VisitState.EN_ROUTE: _l("On the way"),
        VisitState.ON_SITE: _l("On site"),
        VisitState.LEFT: _l("Over"),
        VisitState.CANCELLED: _l("Called off"),
    },
    BlockReason: {
        BlockReason.ABSENT: _l("Nobody was there"),
        BlockReason.NO_WAY_IN: _l("No way in"),
        BlockReason.FAULTY_UNIT: _l("The machine is faulty"),
        BlockReason.NO_POWER: _l("No power, water or network"),
        BlockReason.CUSTOMER: _l("The customer did not want it"),
        BlockReason.TIME: _l("No time left"),
    },
    PhotoKind: {
        PhotoKind.BEFORE: _l("Before the work"),
        PhotoKind.AFTER: _l("After the work"),
        PhotoKind.NAMEPLATE: _l("Nameplate"),
        PhotoKind.DAMAGE: _l("Damage"),
    },
    CommandType: {
        CommandType.DEPART: _l("Departed"),
        CommandType.ARRIVE: _l("Arrived"),
        CommandType.SCAN: _l("Scanned a machine"),
        CommandType.UNDO_SCAN: _l("Took a scan back"),
        CommandType.NOTE: _l("Wrote a note"),
        CommandType.PHOTO: _l("Took a photo"),
        CommandType.COMPLETE: _l("Finished the work order"),
        CommandType.BLOCK: _l("Could not do the work order"),
    },
    CommandStatus: {
        CommandStatus.APPLIED: _l("Taken over"),
        CommandStatus.CONFLICT: _l("To be decided"),
        CommandStatus.REJECTED: _l("Refused"),
    },
    ConflictOutcome: {
        ConflictOutcome.NOTED: _l("Noted: nothing to do"),
        ConflictOutcome.CORRECTED: _l("Put right by hand"),
    },
}

CHIPS: dict[type[StrEnum], dict[Any, str]] = {
    WorkOrderKind: {WorkOrderKind.INSTALLATION: "plan"},
    WorkOrderState: {
        WorkOrderState.DRAFT: "hold",
        WorkOrderState.READY: "plan",
        WorkOrderState.PLANNED: "plan",
        WorkOrderState.DISPATCHED: "move",
        WorkOrderState.EN_ROUTE: "move",
        WorkOrderState.ON_SITE: "site",
        WorkOrderState.BLOCKED: "risk",
        WorkOrderState.DONE: "done",
        WorkOrderState.CANCELLED: "stop",
    },
    ItemState: {
        ItemState.OPEN: "plan",
        ItemState.SCANNED: "site",
        ItemState.INSTALLED: "done",
        ItemState.LEFT: "hold",
    },
    VisitState: {
        VisitState.PLANNED: "plan",
        VisitState.PUBLISHED: "move",
        VisitState.EN_ROUTE: "move",
        VisitState.ON_SITE: "site",
        VisitState.LEFT: "done",
        VisitState.CANCELLED: "stop",
    },
    BlockReason: dict.fromkeys(BlockReason, "risk"),
    PhotoKind: {
        PhotoKind.BEFORE: "plan",
        PhotoKind.AFTER: "done",
        PhotoKind.NAMEPLATE: "plan",
        PhotoKind.DAMAGE: "risk",
    },
    CommandType: dict.fromkeys(CommandType, "plan"),
    CommandStatus: {
        CommandStatus.APPLIED: "done",
        CommandStatus.CONFLICT: "risk",
        CommandStatus.REJECTED: "stop",
    },
    ConflictOutcome: dict.fromkeys(ConflictOutcome, "done"),
}

JOBS = {
    "fieldwork.open_orders_for_contract": _l("Open the installation orders of a contract"),
    "notifications.tell_of_new_visit": _l("Tell a technician of a new visit"),
}
