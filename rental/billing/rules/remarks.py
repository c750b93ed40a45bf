"""What a clerk should look at before an invoice is made: whatever makes it unlike the one before."""

from collections.abc import Sequence
from datetime import date
from enum import StrEnum

from rental.billing.rules.charges import Side
from rental.billing.rules.drafts import Draft, DraftLine
from rental.core.money import Money

# An invoice that differs by more than a fifth from the one before is worth a question.
ONE_IN = 5


class Remark(StrEnum):
    """Why an invoice to come is worth a look."""

    FIRST = "first"
    CHANGED = "changed"
    PRORATED = "prorated"
    CREDITED = "credited"
    EARLIER = "earlier"
    DOUBTFUL = "doubtful"


def remarks_on(
    drafts: Sequence[Draft],
    *,
    before: Money | None,
    already: Money,
    as_of: date,
    is_doubtful: bool = False,
) -> tuple[Remark, ...]:
    """What there is to look at. `before` is what the last closing asked for, None where none ever did.

    `already` is what this closing has asked for when it was opened earlier. `as_of` is the day after the
    closing: periods that ended before it were due at an earlier one. `is_doubtful` when they would be held.
    """
    now = sum((draft.totals.total for draft in drafts), already)
    lines = [line for draft in drafts for line in draft.lines]
    found = {
        Remark.FIRST: before is None,
        Remark.CHANGED: before is not None and bool(before) and differs_much(now, before),
        Remark.PRORATED: any(_is_part(line) for line in lines),
        Remark.CREDITED: any(line.line.entry.side is Side.CREDIT for line in lines),
        Remark.EARLIER: any(line.charge.period.end < as_of for line in lines),
        Remark.DOUBTFUL: is_doubtful,
    }
    return tuple(remark for remark, is_so in found.items() if is_so)


def differs_much(now: Money, before: Money) -> bool:
    """Whether the two differ by more than a fifth of the earlier one."""
    return ONE_IN * abs((now - before).minor_units) > before.minor_units


def _is_part(line: DraftLine) -> bool:
    return line.line.entry.side is Side.DEBIT and line.charge.holds_days and not line.charge.share.is_whole
