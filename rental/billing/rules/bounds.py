"""What a closing does not bill before somebody has looked at it: sums that are most likely a mistake."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from rental.billing.rules.drafts import MONTHS_LOOKED_BACK, Draft
from rental.core.errors import Conflict, DomainError, Invalid
from rental.core.money import Money

MOST_GRACE_DAYS = 14


class Limits(NamedTuple):
    """Up to where a document is made without a second look; None sets no limit.

    `document` is its total with tax. `times` is how often what a closing asks the account for may
    hold what the one before did; only sums from `times_from` on are compared, since a first month of two days
    is followed by a whole one. `lines` is how many lines one contract may have on a document. A whole
    closing above `run` waits for somebody else than who opened it. `months_back` is how far back somebody may
    agree on something anew, at most as far as closings look back. `grace_days` is for how many days the
    invoices of a closing that was opened stay drafts, which are calculated anew until then.
    """

    document: Money | None = Money(10_000_000)
    times: int | None = 5
    times_from: Money = Money(1_000_000)
    lines: int = 1_000
    run: Money | None = None
    months_back: int = MONTHS_LOOKED_BACK
    grace_days: int = 0


class AboveLimit(Conflict):
    """The document asks for more than the company lets pass without a second person."""

    code = "billing.above_limit"

    def __init__(self, *, total: Money, limit: Money) -> None:
        super().__init__(total=total.minor_units, limit=limit.minor_units)


class GrownTooMuch(Conflict):
    """The account is asked for many times what the closing before asked for."""

    code = "billing.grown_too_much"

    def __init__(self, *, total: Money, before: Money, times: int) -> None:
        super().__init__(total=total.minor_units, before=before.minor_units, times=times)


class TooManyLines(Conflict):
    """One contract has more lines on the document than any should have."""

    code = "billing.too_many_lines"

    def __init__(self, *, contract: str, lines: int, limit: int, total: Money) -> None:
        super().__init__(contract=contract, lines=lines, limit=limit, total=total.minor_units)


class Declined(Conflict):
    """Somebody looked at the document that would have been made, and said no.

    The total that was looked at and the code of the doubt are kept for whoever decides otherwise later.
    """

    code = "billing.declined"

    def __init__(self, *, reason: str, name: str, total: int, doubt: str) -> None:
        super().__init__(reason=reason, name=name, total=total, doubt=doubt)


_DECIDABLE = frozenset({AboveLimit.code, GrownTooMuch.code, TooManyLines.code, Declined.code})


class SamePerson(Conflict):
    """Four eyes: who asked for it does not approve it."""

    code = "billing.same_person"


class NothingToReview(Conflict):
    """It does not wait for a review, or not any more."""

    code = "billing.nothing_to_review"


class TooManyMonthsBack(Invalid):
    """What lies further back than closings look would never be billed anew."""

    code = "billing.too_many_months_back"
    field = "months_back"

    def __init__(self) -> None:
        super().__init__(maximum=MONTHS_LOOKED_BACK)


class GraceTooLong(Invalid):
    """A customer who hears of his invoice so late cannot pay it in time."""

    code = "billing.grace_too_long"
    field = "grace_days"

    def __init__(self) -> None:
        super().__init__(maximum=MOST_GRACE_DAYS)


class NotALimit(Invalid):
    """A limit has to be a whole number above nothing."""

    code = "billing.not_a_limit"

    def __init__(self, field: str) -> None:
        super().__init__()
        self.field = field


def require_limits(limits: Limits) -> None:
    """Raises NotALimit for one that would hold everything back, TooManyMonthsBack, GraceTooLong."""
    if not 0 <= limits.grace_days <= MOST_GRACE_DAYS:
        raise GraceTooLong
    if limits.months_back > MONTHS_LOOKED_BACK:
        raise TooManyMonthsBack
    for field in ("document", "times_from", "run"):
        amount: Money | None = getattr(limits, field)
        if amount is not None and amount < Money(1):
            raise NotALimit(field)
    for field in ("times", "lines", "months_back"):
        count: int | None = getattr(limits, field)
        if count is not None and count < 1:
            raise NotALimit(field)


def needs_comparison(total: Money, limits: Limits) -> bool:
    """Whether the total is worth a look at what the account was asked for before."""
    return limits.times is not None and total >= limits.times_from


def doubt_about(
    draft: Draft, limits: Limits, *, asked: Money, before: Money | None = None, approved: Money | None = None
) -> DomainError | None:
    """Why a person should look at this document first; None when nothing is unusual.

    `asked` is what all documents of the account at this closing ask for, `before` what those of its closing
    before did, None if it had none: so an account may be sent one document or ten. What was `approved` once
    passes up to its total: when more has become due since, somebody looks again.
    """
    total = draft.totals.total
    is_seen = _is_seen(total, approved)
    if limits.document is not None and total > limits.document and not is_seen:
        return AboveLimit(total=total, limit=limits.document)
    is_compared = needs_comparison(asked, limits) and not _is_seen(asked, approved)
    if limits.times and before and is_compared and asked > before * limits.times:
        return GrownTooMuch(total=asked, before=before, times=limits.times)
    if len(draft.lines) > limits.lines and not is_seen:
        ((contract, lines),) = Counter(line.facts.contract_number for line in draft.lines).most_common(1)
        if lines > limits.lines:
            return TooManyLines(contract=contract, lines=lines, limit=limits.lines, total=total)
    return None


def _is_seen(total: Money, approved: Money | None) -> bool:
    return approved is not None and total <= approved


class Doubt(NamedTuple):
    """What waits for a decision: the code of the bound that was broken, and the total that was seen."""

    code: str
    total: Money

    @property
    def is_for_somebody_else(self) -> bool:
        """Whether only somebody else than who asked for the document may let it pass."""
        return self.code == AboveLimit.code


def open_doubt(reason_code: str | None, params: Mapping[str, Any] | None) -> Doubt | None:
    """What there is to decide about an account that was set aside for this reason; None when nothing is.

    What was declined may still be approved, or declined for a better reason.
    """
    if reason_code not in _DECIDABLE or params is None:
        return None
    return Doubt(params.get("doubt", reason_code), Money(params["total"]))


def require_somebody_else(person: UUID | None, *, asked_by: UUID | None) -> None:
    """Raises SamePerson unless a person settles what another, or the machinery, asked for."""
    if person is None or person == asked_by:
        raise SamePerson
