"""A closing: which accounts it concerns, how far it is, and what it refuses."""

from datetime import date, timedelta
from enum import StrEnum

from rental.billing.rules.charges import ChargeKind
from rental.billing.rules.due_dates import closing_on
from rental.core.errors import Conflict, Invalid
from rental.core.states import States

# What is billed, each kind of a line in a ledger of its own.
BillingKind = ChargeKind


class ItemState(StrEnum):
    """How far the billing of one account in one run is.

    A parked one cannot be billed and waits for a person to mend the cause; a held one can, and waits for
    somebody to look at it.
    """

    TODO = "todo"
    DONE = "done"
    PARKED = "parked"
    HELD = "held"


# In these states nobody bills the account before a person has done something.
ASIDE = (ItemState.PARKED, ItemState.HELD)


ITEM_STATES = States(
    {
        ItemState.TODO: {ItemState.DONE, ItemState.PARKED, ItemState.HELD},
        ItemState.DONE: {ItemState.TODO},
        ItemState.PARKED: {ItemState.TODO},
        ItemState.HELD: {ItemState.TODO, ItemState.PARKED},
    }
)


class RunState(StrEnum):
    """How far a run is, seen from the states of its items, and whether somebody holds it up."""

    UNAPPROVED = "unapproved"
    STOPPED = "stopped"
    DRAFT = "draft"
    WORKING = "working"
    PARKED = "parked"
    FINISHED = "finished"


class InvoiceState(StrEnum):
    """A finalised invoice never changes; it is sent once its document is on the way."""

    FINALISED = "finalised"
    SENT = "sent"


INVOICE_STATES = States({InvoiceState.FINALISED: {InvoiceState.SENT}, InvoiceState.SENT: set()})


class SendingWay(StrEnum):
    """How an invoice reaches its recipient."""

    MAIL = "mail"
    POST = "post"


class ClosingInFuture(Invalid):
    """Nothing can be closed before its day: what happens until then is not known."""

    code = "billing.closing_in_future"
    field = "closed_on"

    def __init__(self, *, closed_on: date, today: date) -> None:
        super().__init__(closed_on=closed_on, today=today)


class NoIssuer(Conflict):
    """An invoice without its issuer's name and registration number is none (消費税法 article 57-4)."""

    code = "billing.no_issuer"


class UnknownAccount(Invalid):
    """There is no billing account with this number."""

    code = "billing.unknown_account"
    field = "account"

    def __init__(self, *, account: str) -> None:
        super().__init__(account=account)


class ClosesAnotherDay(Conflict):
    """The account closes on another day of the month, so this closing says nothing about it."""

    code = "billing.closes_another_day"
    field = "account"

    def __init__(self, *, account: str, closing_day: int, closed_on: date) -> None:
        super().__init__(account=account, closing_day=closing_day, closed_on=closed_on)


class BilledAlready(Conflict):
    """The closing has dealt with the account, so that it cannot be left out of it any more."""

    code = "billing.billed_already"

    def __init__(self, *, account: str, closed_on: date) -> None:
        super().__init__(account=account, closed_on=closed_on)


class NegativeTotal(Conflict):
    """More is taken back than asked for; an invoice cannot say so."""

    code = "billing.negative_total"

    def __init__(self, *, total: int) -> None:
        super().__init__(total=total)


class NotRatable(Conflict):
    """What a contract says of itself cannot be right, so nobody can say what it owes.

    `problem` is the code of the rule that was broken, with its details, or a text for whoever looks for the
    cause.
    """

    code = "billing.not_ratable"

    def __init__(self, *, contract: str, problem: str, **details: object) -> None:
        super().__init__(contract=contract, problem=problem, **details)


class RefusedByDatabase(Conflict):
    """The database refused the rows of an account: most likely its days were billed before."""

    code = "billing.refused_by_database"

    def __init__(self, *, problem: str) -> None:
        super().__init__(problem=problem)


def run_state(
    *,
    todo: int,
    aside: int,
    is_stopped: bool = False,
    awaits_approval: bool = False,
    is_draft: bool = False,
) -> RunState:
    """Work comes before trouble: a run with both is still working. `aside` are parked or held."""
    if todo and awaits_approval:
        return RunState.UNAPPROVED
    if todo and is_stopped:
        return RunState.STOPPED
    if todo:
        return RunState.DRAFT if is_draft else RunState.WORKING
    return RunState.PARKED if aside else RunState.FINISHED


def require_past(closed_on: date, *, today: date) -> None:
    """Raises ClosingInFuture for a closing after today."""
    if closed_on > today:
        raise ClosingInFuture(closed_on=closed_on, today=today)


def closing_days_of(closed_on: date) -> range:
    """The closing days an account can have to be closed on this day; a short month ends for several.

    >>> closing_days_of(date(2026, 4, 30))
    range(30, 32)
    """
    is_last = (closed_on + timedelta(days=1)).day == 1
    return range(closed_on.day, 32 if is_last else closed_on.day + 1)


def billed_as_of(closed_on: date) -> date:
    """The day a closing looks back from: rent in arrears is due on the first day after its period."""
    return closed_on + timedelta(days=1)


def next_due_on(starts_on: date, closing_day: int) -> date:
    """When rent that runs from this day is first due."""
    return billed_as_of(closing_on(starts_on, closing_day))
