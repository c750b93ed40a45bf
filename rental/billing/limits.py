"""The company's limits: read by every closing, set by whoever answers for the books."""

from itertools import groupby
from operator import itemgetter
from uuid import UUID

from sqlalchemy import BigInteger, cast, func, select
from sqlalchemy.orm import Session

from rental.billing.invoicing import Billable
from rental.billing.models import BillingLimits, Invoice
from rental.billing.rules.bounds import Limits, doubt_about, needs_comparison, require_limits
from rental.core.errors import ChangedMeanwhile, DomainError
from rental.core.money import Money
from rental.core.uow import UnitOfWork


def billing_limits(session: Session) -> BillingLimits | None:
    """What the company decided; None as long as it has decided nothing."""
    return session.scalar(select(BillingLimits))


def limits_of(session: Session) -> Limits:
    """The limits that hold now."""
    row = billing_limits(session)
    if row is None:
        return Limits()
    return Limits(**{name: getattr(row, name) for name in Limits._fields})


def set_limits(uow: UnitOfWork, limits: Limits, *, version: int = 0) -> BillingLimits:
    """These hold from the next chunk on. `version` is that of the limits looked at, 0 when there were none.

    Raises what require_limits raises, ChangedMeanwhile.
    """
    row = uow.session.scalar(select(BillingLimits).with_for_update())
    if version != (row.version if row else 0):
        raise ChangedMeanwhile
    require_limits(limits)
    if row is None:
        row = BillingLimits(id=1)
        uow.session.add(row)
    for name, value in limits._asdict().items():
        setattr(row, name, value)
    uow.session.flush()
    return row


def doubt_of(
    session: Session, billable: Billable, limits: Limits, *, approved: Money | None = None
) -> DomainError | None:
    """Why a person should look at the account's documents first; None when nothing is unusual."""
    for _closed_on, documents in groupby(billable.documents, key=itemgetter(0)):
        drafts = [document.draft for document in documents]
        asked = sum((draft.totals.total for draft in drafts), Money(0))
        before = _asked_before(session, billable.account.id) if needs_comparison(asked, limits) else None
        for draft in drafts:
            if doubt := doubt_about(draft, limits, asked=asked, before=before, approved=approved):
                return doubt
    return None


def _asked_before(session: Session, account_id: UUID) -> Money | None:
    """What the documents of the account's latest closing asked for; None when it never had one."""
    own = Invoice.billing_account_id == account_id
    latest = select(func.max(Invoice.closed_on)).where(own).scalar_subquery()
    total = session.scalar(
        select(cast(func.sum(Invoice.total), BigInteger)).where(own, Invoice.closed_on == latest)
    )
    return None if total is None else Money(total)
