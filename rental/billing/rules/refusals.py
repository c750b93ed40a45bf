"""What billing refuses to calculate with: the field at fault, and why, in one place for its words."""

from enum import StrEnum

from rental.core.errors import Invalid


class Reason(StrEnum):
    """Why something cannot be billed as it was said."""

    NEGATIVE = "negative"
    NOT_A_NUMBER = "not_a_number"
    NOT_A_DAY = "not_a_day"
    TOO_MANY_DECIMALS = "too_many_decimals"
    OUT_OF_RANGE = "out_of_range"
    NOT_ASCENDING = "not_ascending"
    ENDS_BEFORE_START = "ends_before_start"
    OVERLAPPING = "overlapping"
    UNKNOWN = "unknown"
    NOT_IN_FORCE = "not_in_force"
    SAID_TWICE = "said_twice"
    NOT_STARTED = "not_started"
    ALREADY_STARTED = "already_started"
    NOT_PAUSED = "not_paused"
    ALREADY_PAUSED = "already_paused"
    INSIDE_A_PERIOD = "inside_a_period"
    MORE_THAN_HELD = "more_than_held"
    MISSING = "missing"


class NotBillable(Invalid):
    """A value that nothing can be calculated with; `field` names it, `reason` says what is wrong with it."""

    code = "billing.not_billable"

    def __init__(self, field: str, reason: Reason, **details: object) -> None:
        super().__init__(reason=reason, **details)
        self.field = field
