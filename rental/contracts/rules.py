"""The life of a contract and of a slot, and what a draft needs before it can become a promise."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from rental.catalog.rules import StopPolicy
from rental.core.errors import Conflict, Invalid
from rental.core.states import States

MOST_SLOTS = 500


class ContractState(StrEnum):
    """How far a contract is."""

    DRAFT = "draft"
    ACTIVE = "active"
    CANCELLED = "cancelled_before_start"


CONTRACT_STATES = States(
    {
        ContractState.DRAFT: {ContractState.ACTIVE, ContractState.CANCELLED},
        ContractState.ACTIVE: set(),
        ContractState.CANCELLED: set(),
    }
)


class SlotState(StrEnum):
    """How far one billable position is."""

    PLANNED = "planned"
    AWAITING_INSTALL = "awaiting_install"
    IN_SERVICE = "in_service"
    CLOSED = "closed"


SLOT_STATES = States(
    {
        SlotState.PLANNED: {SlotState.AWAITING_INSTALL},
        SlotState.AWAITING_INSTALL: {SlotState.IN_SERVICE},
        SlotState.IN_SERVICE: {SlotState.CLOSED},
        SlotState.CLOSED: set(),
    }
)


class RenewalPolicy(StrEnum):
    """What happens when a term ends: it goes on by itself, somebody asks, or it is over."""

    AUTO = "auto"
    CONFIRM = "confirm"
    EXPIRE = "expire"


class LineEventKind(StrEnum):
    """What changes what a line owes. A swap of one unit for another is nothing of these.

    A unit is kept when it stands at the site after the agreed end; then it costs the overrun price (延滞).
    """

    START = "start"
    STOP = "stop"
    QUANTITY = "qty"
    PRICE = "price"
    PAUSE = "pause"
    RESUME = "resume"
    KEPT = "kept"
    WITHDRAWAL = "withdrawal"


class PlacementReason(StrEnum):
    """Why a unit came into a slot."""

    INSTALLED = "installed"


class NothingAgreed(Conflict):
    """A contract without a line promises nothing."""

    code = "contracts.nothing_agreed"


class TermTooShort(Invalid):
    """The term ends before a plan's minimum is over."""

    code = "contracts.term_too_short"
    field = "months"

    def __init__(self, *, plan: str, minimum_months: int, months: int) -> None:
        super().__init__(plan=plan, minimum_months=minimum_months, months=months)


class QuantityOutOfRange(Invalid):
    """Nobody agrees on less than one, or on more than we can place at once."""

    code = "contracts.quantity_out_of_range"
    field = "quantity"

    def __init__(self) -> None:
        super().__init__(maximum=MOST_SLOTS)


class TooLongAgo(Invalid):
    """A contract becomes active from today on, or from a day of the last three months."""

    code = "contracts.too_long_ago"
    field = "effective_on"


class EndsBeforeStart(Invalid):
    """Nothing ends before it began, or before it is in force."""

    code = "contracts.ends_before_start"
    field = "effective_on"

    def __init__(self, *, start: date | None, end: date) -> None:
        super().__init__(start=start, end=end)


@dataclass(frozen=True, slots=True)
class AgreedLine:
    """What the rules ask of a line."""

    plan: str
    minimum_months: int
    quantity: int


def require_billable(lines: Sequence[AgreedLine], *, months: int) -> None:
    """Raises NothingAgreed without a line, TermTooShort when a plan asks for more months than agreed."""
    if not lines:
        raise NothingAgreed
    for line in lines:
        if line.minimum_months > months:
            raise TermTooShort(plan=line.plan, minimum_months=line.minimum_months, months=months)


def first_day_not_owed(
    policy: StopPolicy, *, retrieved_on: date, ends_on: date | None, retrieval_day_counts: bool
) -> date | None:
    """When a slot owes nothing more once its unit is back; `ends_on` is the agreed end, None without notice.

    None where rent goes on until the contract ends, which nobody has agreed on yet.
    """
    returned = retrieved_on + timedelta(days=1) if retrieval_day_counts else retrieved_on
    match policy:
        case StopPolicy.CONTRACT_END:
            return ends_on
        case StopPolicy.MONTH_END:
            return months_after(retrieved_on.replace(day=1), 1)
        case StopPolicy.RETRIEVAL | StopPolicy.AGREED_END:
            return max(returned, ends_on or returned)


def require_quantity(quantity: int) -> None:
    """Raises QuantityOutOfRange unless 1 to 500."""
    if not 1 <= quantity <= MOST_SLOTS:
        raise QuantityOutOfRange


def months_after(day: date, months: int) -> date:
    """The same day of the month later, clamped to the last day of a shorter month.

    >>> months_after(date(2026, 1, 31), 1)
    datetime.date(2026, 2, 28)
    """
    years, month = divmod(day.month - 1 + months, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(day.year + years, month + 1, min(day.day, last))
        except ValueError:
            continue
    raise AssertionError("every month has 28 days")
