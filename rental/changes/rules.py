"""What can be agreed anew about a contract in force, and what cannot."""

from datetime import date
from enum import StrEnum

from rental.core.errors import Conflict, Invalid

# The longest term that can be agreed.
MONTHS_AHEAD = 120


class AmendmentKind(StrEnum):
    """What was agreed anew."""

    PRICE = "price"
    REVISION = "revision"
    QUANTITY = "quantity"
    SUSPENSION = "suspension"
    OPTION_ADDED = "option_added"
    OPTION_REMOVED = "option_removed"
    ANCHOR = "anchor"
    CORRECTION = "correction"
    WITHDRAWAL = "withdrawal"
    TERMINATION = "termination"


class LeavingReason(StrEnum):
    """Why a customer leaves, as we count it."""

    TOO_EXPENSIVE = "too_expensive"
    NOT_NEEDED = "not_needed"
    CLOSING_DOWN = "closing_down"
    MOVING = "moving"
    OTHER_SUPPLIER = "other_supplier"
    DISSATISFIED = "dissatisfied"
    OTHER = "other"


class NotInForce(Conflict):
    """Only what is in force is amended; a draft is edited."""

    code = "changes.not_in_force"


class NoReason(Invalid):
    """Whoever looks at an invoice in two years wants to know why."""

    code = "changes.no_reason"
    field = "reason"


class TooFarBack(Invalid):
    """What was billed so long ago is not calculated anew; a person decides what becomes of it."""

    code = "changes.too_far_back"
    field = "effective_on"

    def __init__(self, *, earliest: date) -> None:
        super().__init__(earliest=earliest)


class TooFarAhead(Invalid):
    """Nobody agrees on anything that counts from after the longest term."""

    code = "changes.too_far_ahead"
    field = "effective_on"

    def __init__(self, *, latest: date) -> None:
        super().__init__(latest=latest)


class PricesHoldTax(Conflict):
    """A new fee of a plan is without tax, and what was agreed with this account holds it."""

    code = "changes.prices_hold_tax"


class NothingChanges(Invalid):
    """What was asked for leaves everything as it is."""

    code = "changes.nothing_changes"


class ForeseenOtherwise(Conflict):
    """What was confirmed is not what it would cost now; somebody looks at it again."""

    code = "changes.foreseen_otherwise"


class AlreadyTerminated(Conflict):
    """The end of the contract was agreed already."""

    code = "changes.already_terminated"

    def __init__(self, *, ends_on: date) -> None:
        super().__init__(ends_on=ends_on)


class StartStays(Conflict):
    """A machine that was installed was there; its start can be put right, not taken back."""

    code = "changes.start_stays"


class StopStays(Conflict):
    """A machine that came back is not there; the end of its rent can be put right, not taken back."""

    code = "changes.stop_stays"
