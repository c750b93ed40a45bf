"""Words of the changes package."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from rental.billing.rules.amendments import Effect
from rental.changes.models import Amendment
from rental.changes.rules import AmendmentKind, LeavingReason
from rental.web.formats import day

REFUSALS: dict[str, Callable[[dict[str, Any]], str]] = {
    "changes.not_in_force": lambda _params: _(
        "This contract is not in force. A draft is edited; what is over cannot be amended."
    ),
    "changes.no_reason": lambda _params: _("Write why this is agreed anew."),
    "changes.too_far_back": lambda params: _(
        "This is too long ago to be billed anew. Choose %(earliest)s or a later day.",
        earliest=day(params["earliest"]),
    ),
    "changes.already_terminated": lambda params: _(
        "The end of this contract was agreed already: from %(ends_on)s it is over.",
        ends_on=day(params["ends_on"]),
    ),
    "changes.start_stays": lambda _params: _(
        "A machine that was installed was there. Put its first day right instead of taking it back."
    ),
    "changes.stop_stays": lambda _params: _(
        "A machine that came back is not there. Put the end of its rent right instead of taking it back."
    ),
}

ENTITIES = {Amendment.__tablename__: _l("Amendment")}

ATTRIBUTES = {
    "contract_line_id": _l("Contract line"),
    "said": _l("What was agreed"),
    "recorded_by": _l("Recorded by"),
}

STATES: dict[type[StrEnum], dict[Any, Any]] = {
    AmendmentKind: {
        AmendmentKind.PRICE: _l("Another fee"),
        AmendmentKind.REVISION: _l("General revision of fees"),
        AmendmentKind.QUANTITY: _l("Another quantity"),
        AmendmentKind.SUSPENSION: _l("Pause"),
        AmendmentKind.OPTION_ADDED: _l("Option added"),
        AmendmentKind.OPTION_REMOVED: _l("Line removed"),
        AmendmentKind.ANCHOR: _l("Periods cut in another way"),
        AmendmentKind.CORRECTION: _l("Error put right"),
        AmendmentKind.WITHDRAWAL: _l("Taken back"),
        AmendmentKind.TERMINATION: _l("Notice given"),
    },
    LeavingReason: {
        LeavingReason.TOO_EXPENSIVE: _l("Too expensive"),
        LeavingReason.NOT_NEEDED: _l("Not needed any more"),
        LeavingReason.CLOSING_DOWN: _l("The business closes"),
        LeavingReason.MOVING: _l("Moves elsewhere"),
        LeavingReason.OTHER_SUPPLIER: _l("Goes to another supplier"),
        LeavingReason.DISSATISFIED: _l("Dissatisfied"),
        LeavingReason.OTHER: _l("Something else"),
    },
    Effect: {
        Effect.IMMEDIATE: _l("From this day"),
        Effect.NEXT_PERIOD: _l("From the next period"),
        Effect.FULL_IMMEDIATELY: _l("At once, with a new whole period"),
    },
}
