"""What can be offered: tax classes, when rent starts and stops, and what a code looks like."""

import re
from datetime import date, timedelta
from enum import StrEnum

from rental.core.errors import Invalid

# Letters and digits with single hyphens between them: printable, and safe inside a number of ours.
_CODE = re.compile(r"[A-Z0-9]+(?:-[A-Z0-9]+)*")


LONGEST_CODE = 20
LONGEST_CATEGORY = 10


class BadCode(Invalid):
    """A code that could not be printed or scanned; `field` is the input it was typed into."""

    code = "catalog.bad_code"

    def __init__(self, *, value: str, longest: int, field: str) -> None:
        super().__init__(value=value, longest=longest)
        self.field = field


class TrialWithoutDays(Invalid):
    """Rent that starts after a trial needs the length of the trial, and no other rent has one."""

    code = "catalog.trial_without_days"
    field = "trial_days"


class OfferState(StrEnum):
    """Whether new contracts may name it. What is withdrawn stays valid where it was agreed."""

    OFFERED = "offered"
    WITHDRAWN = "withdrawn"


class TaxClass(StrEnum):
    """How consumption tax treats a charge; the rate of a class depends on the day of supply."""

    STANDARD = "standard"
    REDUCED = "reduced"
    EXEMPT = "exempt"
    OUT_OF_SCOPE = "out_of_scope"


class StartPolicy(StrEnum):
    """From which day a slot owes rent."""

    CONTRACT_START = "contract_start"
    INSTALLATION = "installation"
    NEXT_MONTH = "next_month"
    AFTER_TRIAL = "after_trial"


class StopPolicy(StrEnum):
    """Until which day a slot owes rent."""

    CONTRACT_END = "contract_end"
    RETRIEVAL = "retrieval"
    AGREED_END = "agreed_end"
    MONTH_END = "month_end"


class Timing(StrEnum):
    """When a period is billed: on its first day, or on the first day after it."""

    ADVANCE = "advance"
    ARREARS = "arrears"


class StubPolicy(StrEnum):
    """What becomes of the days before the first whole period, when rent begins inside one."""

    SHORT = "short"
    MERGE_NEXT = "merge_next"
    FREE = "free"


class Proration(StrEnum):
    """How the days of a part are charged; a whole period always costs the whole fee."""

    ACTUAL = "actual"
    FIXED30 = "fixed30"
    FULL = "full"
    FREE = "free"


class AnchorKind(StrEnum):
    """On which day time is cut into periods: the day rent began, the first of a month, the account's closing
    day (締め日), or a day of the month of its own."""

    ANNIVERSARY = "anniversary"
    CALENDAR = "calendar"
    CLOSING = "closing"
    FIXED_DAY = "fixed_day"


class Cost(StrEnum):
    """What is paid for once, when it happens."""

    INITIAL = "initial"
    DELIVERY = "delivery"
    INSTALLATION = "installation"
    REMOVAL = "removal"
    RELOCATION = "relocation"
    EARLY_TERMINATION = "early_termination"


def require_code(code: str, *, longest: int = LONGEST_CODE, field: str = "code") -> None:
    """Raises BadCode unless it is made of A-Z, 0-9 and single hyphens, and not longer than this."""
    if len(code) > longest or not _CODE.fullmatch(code):
        raise BadCode(value=code[:40], longest=longest, field=field)


def require_trial(policy: StartPolicy, trial_days: int) -> None:
    """Raises TrialWithoutDays when policy and length of trial contradict each other."""
    if (policy is StartPolicy.AFTER_TRIAL) != (trial_days > 0):
        raise TrialWithoutDays


def first_billable_day(
    policy: StartPolicy, *, installed_on: date, contract_starts_on: date, trial_days: int = 0
) -> date:
    """The first day a slot owes rent, never before its contract starts.

    Next month means the first of the month after the installation (翌月起算).
    """
    if policy is StartPolicy.CONTRACT_START:
        return contract_starts_on
    if policy is StartPolicy.AFTER_TRIAL:
        day = installed_on + timedelta(days=trial_days)
    elif policy is StartPolicy.NEXT_MONTH:
        day = (installed_on.replace(day=1) + timedelta(days=32)).replace(day=1)
    else:
        day = installed_on
    return max(day, contract_starts_on)
