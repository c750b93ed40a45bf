"""What a person decides about a closing: to stop it, to go on, to approve or to decline what is unusual."""

from uuid import UUID

from sqlalchemy import select

from rental.billing.events import ChunkOpened
from rental.billing.models import BillingItem, BillingRun
from rental.billing.rules.bounds import (
    Declined,
    Doubt,
    NothingToReview,
    open_doubt,
    require_somebody_else,
)
from rental.billing.rules.runs import ASIDE, ITEM_STATES, ItemState
from rental.billing.runs import bill_again, item_in_hand
from rental.core.text import tidy
from rental.core.uow import UnitOfWork, locked
from rental.customers import rules

REASON_MAX_LENGTH = 200


def stop_run(uow: UnitOfWork, run_id: UUID) -> BillingRun:
    """No further part of the closing begins; what is being billed at this moment is still finished."""
    run = locked(uow, BillingRun, run_id)
    if run.stopped_at is None:
        run.stopped_at, run.stopped_by = uow.now, uow.actor.name
        uow.session.flush()
    return run


def resume_run(uow: UnitOfWork, run_id: UUID) -> BillingRun:
    """The closing goes on with whatever nobody has billed yet."""
    run = locked(uow, BillingRun, run_id)
    if run.stopped_at is not None:
        run.stopped_at = run.stopped_by = None
        _begin_again(uow, run)
    return run


def approve_run(uow: UnitOfWork, run_id: UUID) -> BillingRun:
    """A second person lets a closing above the limit begin. Raises SamePerson."""
    run = locked(uow, BillingRun, run_id)
    if run.awaits_approval:
        require_somebody_else(uow.actor.id, asked_by=run.asked_by_id)
        run.awaits_approval, run.approved_by = False, uow.actor.name
        _begin_again(uow, run)
    return run


def finalise_drafts(uow: UnitOfWork, run_id: UUID) -> BillingRun:
    """The invoices of the closing are drafts no longer: they are made of what is known now."""
    run = locked(uow, BillingRun, run_id)
    if run.drafts_until is not None:
        run.drafts_until = None
        _begin_again(uow, run)
    return run


def finalise_drafts_that_are_ripe(uow: UnitOfWork) -> None:
    """Hour by hour: closings whose days of grace are over."""
    ripe = select(BillingRun.id).where(BillingRun.drafts_until <= uow.today).order_by(BillingRun.closed_on)
    for run_id in uow.session.scalars(ripe).all():
        finalise_drafts(uow, run_id)


def approve_item(uow: UnitOfWork, item_id: UUID) -> BillingItem:
    """The document is right: the account is billed, up to the total that was looked at.

    Raises NothingToReview; SamePerson for a document above the limit that the same person asked for.
    """
    item, doubt = _doubted(uow, item_id)
    if doubt.is_for_somebody_else:
        require_somebody_else(uow.actor.id, asked_by=item.asked_by_id)
    looked_at = {"reason_code": doubt.code, "total": doubt.total}
    uow.record("approved", entity="billing_item", entity_id=item.id, **looked_at)
    bill_again(uow, item, approved_total=doubt.total, approved_by=uow.actor.name)
    return item


def decline_item(uow: UnitOfWork, item_id: UUID, *, reason: str) -> BillingItem:
    """The document is wrong: the account is parked until the cause is mended.

    Raises NothingToReview, Missing and TooLong for the reason.
    """
    item, doubt = _doubted(uow, item_id)
    reason = tidy(reason)
    rules.require_line(reason, "reason", REASON_MAX_LENGTH)
    if item.state is not ItemState.PARKED:
        ITEM_STATES.check(item.state, ItemState.PARKED)
    uow.record("declined", entity="billing_item", entity_id=item.id, reason_code=doubt.code, reason=reason)
    refusal = Declined(reason=reason, name=uow.actor.name, total=doubt.total.minor_units, doubt=doubt.code)
    item.state, item.finished_at = ItemState.PARKED, uow.now
    item.reason_code, item.reason_params = refusal.code, refusal.params
    uow.session.flush()
    return item


def _doubted(uow: UnitOfWork, item_id: UUID) -> tuple[BillingItem, Doubt]:
    """An account that waits for a decision, with what there is to decide. Raises NothingToReview."""
    item = item_in_hand(uow, item_id)
    doubt = open_doubt(item.reason_code, item.reason_params)
    if doubt is None or item.state not in ASIDE:
        raise NothingToReview
    return item, doubt


def _begin_again(uow: UnitOfWork, run: BillingRun) -> None:
    """Every part that holds something to bill is announced anew, unless the closing is still held up."""
    uow.session.flush()
    if run.is_held_up:
        return
    chunks = (
        select(BillingItem.chunk)
        .where(BillingItem.billing_run_id == run.id, BillingItem.state == ItemState.TODO)
        .distinct()
        .order_by(BillingItem.chunk)
    )
    uow.announce_all(ChunkOpened(run.id, chunk) for chunk in uow.session.scalars(chunks).all())
