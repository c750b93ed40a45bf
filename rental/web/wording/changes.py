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
    "changes.too_far_ahead": lambda params: _(
        "This is too far ahead. Choose %(latest)s or an earlier day.", latest=day(params["latest"])
    ),
    "changes.prices_hold_tax": lambda _params: _(
        "Prices agreed with this billing account hold the tax. Revise this contract by itself, on its page."
    ),
    "changes.nothing_changes": lambda _params: _(
        "Everything would stay as it is: nothing is filled in, or what is bound by a minimum term keeps its "
        "fee. Fill something in, or choose a later day."
    ),
    "changes.foreseen_otherwise": lambda _params: _(
        "This is not what you looked at: what it costs has changed since. Look at it below, then record it."
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

CHIPS: dict[type[StrEnum], dict[Any, str]] = {
    AmendmentKind: {
        AmendmentKind.PRICE: "move",
        AmendmentKind.REVISION: "move",
        AmendmentKind.QUANTITY: "move",
        AmendmentKind.SUSPENSION: "hold",
        AmendmentKind.OPTION_ADDED: "done",
        AmendmentKind.OPTION_REMOVED: "stop",
        AmendmentKind.ANCHOR: "plan",
        AmendmentKind.CORRECTION: "risk",
        AmendmentKind.WITHDRAWAL: "risk",
        AmendmentKind.TERMINATION: "stop",
    },
}

# What a kind of amendment is for, said where it is chosen.
EXPLAINED = {
    AmendmentKind.PRICE: _l("The fee of a line, or of one machine, goes up or down from a day on."),
    AmendmentKind.REVISION: _l("New fees for several lines; what is in its minimum term is left out."),
    AmendmentKind.QUANTITY: _l("Where many pieces without numbers of their own are counted at one place."),
    AmendmentKind.SUSPENSION: _l(
        "Days without rent at the customer's wish, until a day on which it goes on."
    ),
    AmendmentKind.OPTION_ADDED: _l(
        "More machines for the rest of the contract; rent begins when they stand."
    ),
    AmendmentKind.OPTION_REMOVED: _l("A line ends before the contract does."),
    AmendmentKind.ANCHOR: _l("Periods begin on another day from then on."),
    AmendmentKind.CORRECTION: _l("Something was recorded with a wrong day or value."),
    AmendmentKind.WITHDRAWAL: _l("Something was recorded that never happened."),
    AmendmentKind.TERMINATION: _l("The contract ends: why, when, and what leaving early costs."),
}
