"""Words of the inventory package; those of numbering rules are in `numbering`."""

from collections.abc import Callable
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from rental.inventory.rules.holding import ReservationState
from rental.inventory.rules.label_lives import LabelCodeState
from rental.inventory.rules.unit_states import LocationKind, MovementKind, UnitState


def _in_row(params: dict[str, Any], sentence: str) -> str:
    """A serial of a list is refused with its row."""
    if "row" not in params:
        return sentence
    return _("Row %(row)s: %(message)s", row=params["row"], message=sentence)


def _serials_taken(params: dict[str, Any]) -> str:
    return ngettext(
        "Nothing was received: %(num)s row names a unit we have, or an earlier row: %(rows)s. Take it out.",
        "Nothing was received: %(num)s rows name units we have, or earlier rows: %(rows)s. Take them out.",
        params["count"],
        rows=params["rows"],
    )


def _unknown_to_print(params: dict[str, Any]) -> str:
    return ngettext(
        "%(num)s row names nothing of ours: %(rows)s, called %(text)s. Correct it, or take it out.",
        "%(num)s rows name nothing of ours: %(rows)s, the first called %(text)s. "
        "Correct them or take them out.",
        params["count"],
        rows=params["rows"],
        text=params["text"],
    )


def _not_enough_stock(params: dict[str, Any]) -> str:
    return _(
        "Of %(model)s %(needed)s are needed and %(free)s are free. Receive more, or take fewer.", **params
    )


def _wrong_place(params: dict[str, Any]) -> str:
    return _(
        "%(tag)s cannot be at %(place)s (%(kind)s) while it is in this state: %(state)s. "
        "Choose another place.",
        tag=params["tag"],
        place=params["place"],
        kind=STATES[LocationKind][params["kind"]],
        state=STATES[UnitState][params["state"]],
    )


REFUSALS: dict[str, Callable[[dict[str, Any]], str]] = {
    # receiving
    "inventory.nothing_to_receive": lambda _params: _("Scan or paste at least one serial number."),
    "inventory.model_withdrawn": lambda params: _(
        "%(model)s is not offered any more. Offer it again on its page, or choose another model.", **params
    ),
    "inventory.serials_taken": _serials_taken,
    "inventory.serial_refused": lambda params: _in_row(
        params, _("This is no serial number. Read it from the machine once more.")
    ),
    "inventory.serial_empty": lambda params: _in_row(
        params, _("Nothing is left without spaces and punctuation. Read the number once more.")
    ),
    "inventory.serial_too_long": lambda params: _in_row(
        params,
        _("Longer than %(maximum)s characters: perhaps two numbers ran together.", maximum=params["maximum"]),
    ),
    "inventory.serial_unprintable": lambda params: _in_row(
        params, _("There is a character in it that nobody can see. Check the setting of the scanner.")
    ),
    "inventory.too_many_serials": lambda params: _(
        "%(count)s rows are too many: receive at most %(maximum)s at once.", **params
    ),
    "inventory.nothing_to_shelve": lambda _params: _("No unit of this delivery waits for a shelf any more."),
    # moving and holding
    "inventory.not_where_it_was": lambda params: _(
        "%(tag)s is at %(now)s now and not at %(expected)s: somebody moved it in the meantime. "
        "Look at where it is, then move it again.",
        **params,
    ),
    "inventory.already_there": lambda params: _(
        "%(tag)s is at %(place)s already. Choose another place.", **params
    ),
    "inventory.wrong_place": _wrong_place,
    "inventory.not_enough_stock": _not_enough_stock,
    "inventory.held_for_another": lambda params: _(
        "%(tag)s is held for another contract. Take a unit that is free.", **params
    ),
    # places
    "inventory.unknown_place": lambda params: _(
        "No place of ours is called %(text)s. Choose one of the list, or scan its label.", **params
    ),
    "inventory.bad_location_code": lambda _params: _(
        "Write letters A to Z and digits, with single hyphens between them, such as A-01-3; at most 30."
    ),
    "inventory.location_code_of_site": lambda _params: _(
        "Codes that begin with SITE- are kept for the places of sites, which come by themselves. "
        "Choose another code."
    ),
    "inventory.location_code_taken": lambda params: _(
        "There is a place called %(value)s already. Choose another code.", **params
    ),
    "inventory.van_needs_technician": lambda _params: _(
        "A van belongs to a technician, and no other place does. Choose somebody for a van and nobody else."
    ),
    "inventory.named_after_site": lambda _params: _(
        "This place has the name of its site. Change it on the page of the site."
    ),
    # finding
    "inventory.unknown_number": lambda params: _(
        "No unit of ours has the number %(text)s. Read it once more.", **params
    ),
    "inventory.revoked_code": lambda params: _(
        "The label %(label_code)s was revoked: its machine has a newer one. Type our number instead.",
        label_code=four_and_four(params["label_code"]),
    ),
    "inventory.not_a_unit": lambda params: _(
        "This is the label of a place, %(place)s, and not of a machine.", **params
    ),
    # labels
    "inventory.unknown_label_code": lambda _params: _("No label of ours has this code. Read it once more."),
    "inventory.label_code_refused": lambda _params: _("This is no label of ours."),
    "inventory.not_a_label_code": lambda _params: _(
        "No label code: that is 8 symbols, such as 7K3M-9QXW. Scan the label, or type what stands on it."
    ),
    "inventory.label_code_typo": lambda _params: _(
        "One symbol is mistyped, or two are swapped: the last symbol does not fit. Compare it with the label."
    ),
    "inventory.label_code_symbol_not_used": lambda params: _(
        "%(symbol)s stands on no label. A U is a V, a Z is a 2: compare it with the label.", **params
    ),
    "inventory.unknown_to_print": _unknown_to_print,
    "inventory.too_many_labels": lambda params: _(
        "Too many labels: print at most %(maximum)s at once.", **params
    ),
    "inventory.nothing_to_print": lambda _params: _(
        "Nothing to print. Write what to label, or ask for a test page with crosses."
    ),
    "inventory.start_position_not_on_sheet": lambda params: _(
        "This sheet has the places 1 to %(last)s, counted row by row.", **params
    ),
    "inventory.printer_offset_too_long": lambda params: _(
        "At most %(longest)s mm: a printer that is further off has the wrong paper or the wrong format.",
        longest=f"{params['longest']:g}",
    ),
    "inventory.address_too_long_for_labels": lambda params: _(
        "The address %(url)s is so long that phones could not read it from this label. "
        "Choose larger labels, or ask an administrator for a shorter address.",
        **params,
    ),
}

ENTITIES = {
    "numbering_rule": _l("Numbering rule"),
    "stock_location": _l("Place"),
    "receipt": _l("Delivery"),
    "unit": _l("Unit"),
    "reservation": _l("Reservation"),
    "label_code": _l("Label code"),
    "label_print": _l("Sheet of labels"),
}

ATTRIBUTES = {
    "equipment_model_id": _l("Model"),
    "pattern": _l("Pattern"),
    "company_code": _l("Company code"),
    "branch_code": _l("Branch code"),
    "reset_on": _l("Counted anew with"),
    "valid_from": _l("Valid from"),
    "code": _l("Code"),
    "warehouse": _l("Warehouse"),
    "site_id": _l("Site"),
    "technician_id": _l("Technician"),
    "location_id": _l("Place"),
    "supplier_name": _l("Supplier"),
    "delivery_note": _l("Number of the delivery note"),
    "unit_cost": _l("Cost of a unit"),
    "received_on": _l("Received on"),
    "received_at": _l("Received at"),
    "unit_count": _l("Units"),
    "receipt_id": _l("Delivery"),
    "serial_number": _l("Serial number"),
    "tag": _l("Our number"),
    "unit_id": _l("Unit"),
    "slot_id": _l("Slot"),
    "reason": _l("Reason"),
    "held_at": _l("Held at"),
    "ended_at": _l("Ended at"),
    "issued_at": _l("Issued at"),
    "revoked_at": _l("Revoked at"),
    "print_count": _l("Printed"),
    "format_key": _l("Label format"),
    "label_count": _l("Labels"),
    "start_position": _l("First place on the sheet"),
    "printed_at": _l("Printed at"),
    "printed_by": _l("Printed by"),
    "kind": _l("Kind"),
}

STATES: dict[type, dict[Any, Any]] = {
    UnitState: {
        UnitState.RECEIVED: _l("Received"),
        UnitState.AVAILABLE: _l("Free"),
        UnitState.RESERVED: _l("Held"),
        UnitState.IN_TRANSIT: _l("On a van"),
        UnitState.INSTALLED: _l("Installed"),
        UnitState.RETIRED: _l("Retired"),
    },
    LocationKind: {
        LocationKind.SUPPLIER: _l("Supplier"),
        LocationKind.RECEIVING: _l("Receiving area"),
        LocationKind.BIN: _l("Shelf"),
        LocationKind.VAN: _l("Van"),
        LocationKind.SITE: _l("Site"),
        LocationKind.SCRAP: _l("Scrap"),
    },
    MovementKind: {
        MovementKind.RECEIPT: _l("Received"),
        MovementKind.SHELVING: _l("Put on a shelf"),
        MovementKind.TRANSFER: _l("Moved"),
        MovementKind.LOADING: _l("Loaded on a van"),
        MovementKind.UNLOADING: _l("Unloaded from a van"),
        MovementKind.INSTALLATION: _l("Installed"),
        MovementKind.RETIREMENT: _l("Retired"),
    },
    ReservationState: {
        ReservationState.HELD: _l("Held"),
        ReservationState.USED: _l("Installed as promised"),
        ReservationState.RELEASED: _l("Let go"),
    },
    LabelCodeState: {
        LabelCodeState.ACTIVE: _l("In use"),
        LabelCodeState.REVOKED: _l("Revoked"),
    },
}

CHIPS: dict[type, dict[Any, str]] = {
    UnitState: {
        UnitState.RECEIVED: "plan",
        UnitState.AVAILABLE: "done",
        UnitState.RESERVED: "hold",
        UnitState.IN_TRANSIT: "move",
        UnitState.INSTALLED: "site",
        UnitState.RETIRED: "stop",
    },
    LocationKind: {
        LocationKind.SUPPLIER: "plan",
        LocationKind.RECEIVING: "plan",
        LocationKind.BIN: "done",
        LocationKind.VAN: "move",
        LocationKind.SITE: "site",
        LocationKind.SCRAP: "stop",
    },
    MovementKind: {
        MovementKind.RECEIPT: "plan",
        MovementKind.SHELVING: "done",
        MovementKind.TRANSFER: "move",
        MovementKind.LOADING: "move",
        MovementKind.UNLOADING: "move",
        MovementKind.INSTALLATION: "site",
        MovementKind.RETIREMENT: "stop",
    },
    ReservationState: {
        ReservationState.HELD: "hold",
        ReservationState.USED: "done",
        ReservationState.RELEASED: "stop",
    },
    LabelCodeState: {LabelCodeState.ACTIVE: "done", LabelCodeState.REVOKED: "stop"},
}

# Why the product itself let go of a unit.
REASONS = {
    "exchanged": _l("exchanged on site for another of the same model"),
    "replaced on site": _l("another of the same model was installed"),
}

_LABEL_FORMATS = {
    "a4_unit": _l("A4, 24 labels of 62 × 29 mm"),
    "roll_unit": _l("Roll, 62 × 29 mm"),
    "a4_small": _l("A4, 70 small labels of 24 × 24 mm"),
    "a4_location": _l("A4, 10 labels for places of 100 × 50 mm"),
}


def label_format_label(key: str) -> str:
    """A sheet or roll, in words; one without words shows its key."""
    return str(_LABEL_FORMATS.get(key, key))


def four_and_four(code: str) -> str:
    """A label code as people read it aloud."""
    return f"{code[:4]}-{code[4:]}"
