"""A closing: opened with a row per account, worked off in chunks, each account exactly once."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError

from rental.billing.due import CHUNK, accounts_due, billables_due, in_chunks, is_above_limit, only_account
from rental.billing.events import ChunkOpened
from rental.billing.invoicing import Billable, finalise_invoices
from rental.billing.issuing import the_issuer
from rental.billing.limits import doubt_of, limits_of
from rental.billing.models import BillingItem, BillingRun, Invoice
from rental.billing.obligations import hold_contracts
from rental.billing.rules.runs import (
    ITEM_STATES,
    ItemState,
    NotRatable,
    RefusedByDatabase,
    require_past,
)
from rental.contracts.models import Contract
from rental.core.audit import plain
from rental.core.bulk import insert_many, is_any_of, piling_up_rows
from rental.core.db import found
from rental.core.errors import DomainError
from rental.core.ids import new_id
from rental.core.money import Money
from rental.core.uow import UnitOfWork, locked
from rental.core.upserts import insert_new

NOTHING_DUE = "billing.nothing_due"
# Whoever changes a contract is waited for so long; then the chunk is tried again later.
_PATIENCE = "SET LOCAL lock_timeout = '5s'"


def open_run(
    uow: UnitOfWork, closed_on: date, *, account: str | None = None, chunk_size: int = CHUNK
) -> BillingRun:
    """Opens the closing of this day, or finds it and adds what has become due since.

    Every account with something due gets its row here, in one transaction, or only the one with the number
    given; workers do the rest, at once or after the days of grace the company takes. Accounts that are parked
    or held wait for a person, and so does the whole closing when it asks for more than the company lets pass.
    Raises ClosingInFuture, NoIssuer,
    UnknownAccount, ClosesAnotherDay.
    """
    require_past(closed_on, today=uow.today)
    the_issuer(uow.session)
    due = accounts_due(closed_on, only=only_account(uow.session, account, closed_on))
    run = _run_of(uow, closed_on)
    if is_above_limit(uow.session, closed_on, today=uow.today, account=account):
        run.awaits_approval, run.asked_by_id, run.approved_by = True, uow.actor.id, None

    known = dict(
        uow.session.execute(
            select(BillingItem.billing_account_id, BillingItem.state).where(
                BillingItem.billing_run_id == run.id
            )
        ).all()
    )
    waiting = [
        account_id
        for account_id in uow.session.scalars(due)
        if known.get(account_id, ItemState.DONE) is ItemState.DONE
    ]
    if waiting and (grace := limits_of(uow.session).grace_days):
        run.drafts_until = uow.today + timedelta(days=grace)
    for account_ids in in_chunks(waiting, chunk_size):
        run.chunk_count += 1
        _reopen_items(uow, run, [each for each in account_ids if each in known])
        _add_items(uow, run, [each for each in account_ids if each not in known])
        if not run.is_held_up:
            uow.announce(ChunkOpened(run.id, run.chunk_count))
    uow.session.flush()
    return run


@piling_up_rows()
def bill_chunk(uow: UnitOfWork, run_id: UUID, chunk: int) -> int:
    """Bills the accounts of a chunk that nobody has billed yet; returns how many invoices were finalised.

    All or nothing: an account that cannot be billed is parked with its reason, one whose document a person
    should see first is held with its own, the others go on. A closing that is held up is left alone.
    """
    if uow.session.get_bind().dialect.name == "postgresql":
        uow.session.execute(text(_PATIENCE))
    run = uow.session.get_one(BillingRun, run_id)
    if run.is_held_up:
        return 0
    waits = (
        BillingItem.billing_run_id == run_id,
        BillingItem.chunk == chunk,
        BillingItem.state == ItemState.TODO,
    )
    items = {
        item.billing_account_id: item
        for item in uow.session.execute(
            select(BillingItem.id, BillingItem.billing_account_id, BillingItem.approved_total)
            .where(*waits)
            .order_by(BillingItem.id)
            .with_for_update()
        )
    }
    if not items:
        return 0
    account_ids = select(BillingItem.billing_account_id).where(*waits)
    hold_contracts(uow.session, account_ids)

    limits = limits_of(uow.session)
    refusals: dict[UUID, DomainError] = {}
    doubts: dict[UUID, DomainError] = {}
    billables: list[Billable] = []
    for account, owed in billables_due(uow.session, account_ids, run.closed_on):
        if isinstance(owed, DomainError):
            refusals[account.id] = owed
        elif doubt := doubt_of(uow.session, owed, limits, approved=items[account.id].approved_total):
            doubts[account.id] = doubt
        else:
            billables.append(owed)
    invoices = _finalise(uow, run, billables, refusals)
    _finish(uow, billables, items, invoices)
    for account_id, refusal in refusals.items():
        _set_aside(uow, items[account_id].id, ItemState.PARKED, refusal)
    for account_id, doubt in doubts.items():
        _set_aside(uow, items[account_id].id, ItemState.HELD, doubt)
    return sum(map(len, invoices.values()))


def release_item(uow: UnitOfWork, item_id: UUID) -> BillingItem:
    """A person has dealt with what parked the account: it is billed again, in a chunk of its own."""
    item = item_in_hand(uow, item_id)
    if item.state is ItemState.PARKED:
        uow.record("released", entity="billing_item", entity_id=item.id, reason_code=item.reason_code)
        bill_again(uow, item)
    return item


def item_in_hand(uow: UnitOfWork, item_id: UUID) -> BillingItem:
    """The account's row, and its run before it, held until the transaction ends. Raises NotFound."""
    locked(uow, BillingRun, found(uow.session, BillingItem, item_id).billing_run_id)
    return locked(uow, BillingItem, item_id)


def bill_again(
    uow: UnitOfWork, item: BillingItem, *, approved_total: Money | None = None, approved_by: str | None = None
) -> None:
    """The account is put into the newest chunk, alone; `item` is what it is afterwards."""
    ITEM_STATES.check(item.state, ItemState.TODO)
    run = locked(uow, BillingRun, item.billing_run_id)
    run.chunk_count += 1
    uow.session.flush()
    _reopen_items(uow, run, [item.billing_account_id], approved_total, approved_by)
    uow.session.refresh(item)
    if not run.is_held_up:
        uow.announce(ChunkOpened(run.id, run.chunk_count))


def _run_of(uow: UnitOfWork, closed_on: date) -> BillingRun:
    """The run of this closing, held; two who open it at once get the same."""
    row = {
        "id": new_id(),
        "closed_on": closed_on,
        "opened_at": uow.now,
        "opened_by": uow.actor.name,
        "chunk_count": 0,
    }
    is_new = bool(insert_new(uow.session, BillingRun, [row], BillingRun.id))
    run = uow.session.scalars(
        select(BillingRun).where(BillingRun.closed_on == closed_on).with_for_update()
    ).one()
    uow.record(
        "opened" if is_new else "opened_again",
        entity=BillingRun.__tablename__,
        entity_id=run.id,
        closed_on=closed_on,
    )
    return run


def _add_items(uow: UnitOfWork, run: BillingRun, account_ids: Sequence[UUID]) -> None:
    insert_many(
        uow.session,
        BillingItem,
        [
            {
                "id": new_id(),
                "billing_run_id": run.id,
                "billing_account_id": account_id,
                "chunk": run.chunk_count,
                "state": ItemState.TODO,
                "asked_by_id": uow.actor.id,
            }
            for account_id in account_ids
        ],
    )


def _reopen_items(
    uow: UnitOfWork,
    run: BillingRun,
    account_ids: Sequence[UUID],
    approved_total: Money | None = None,
    approved_by: str | None = None,
) -> None:
    """They are done or set aside, and are billed again in the newest chunk."""
    if account_ids:
        uow.session.execute(
            update(BillingItem)
            .where(BillingItem.billing_run_id == run.id, BillingItem.billing_account_id.in_(account_ids))
            .values(
                state=ItemState.TODO,
                chunk=run.chunk_count,
                finished_at=None,
                reason_code=None,
                reason_params=None,
                contract_id=None,
                asked_by_id=uow.actor.id,
                approved_total=approved_total,
                approved_by=approved_by,
            )
            .execution_options(synchronize_session=False)
        )


def _finalise(
    uow: UnitOfWork,
    run: BillingRun,
    billables: Sequence[Billable],
    refusals: dict[UUID, DomainError],
) -> dict[UUID, list[UUID]]:
    """Bills these accounts together; if that is refused, in halves, until the culprit is alone.

    Adds to the refusals; returns the invoices of the others, none for those that owed nothing.
    """
    if not billables:
        return {}
    try:
        with uow.attempt():
            return finalise_invoices(uow, run, billables)
    except (DomainError, IntegrityError) as error:
        if len(billables) > 1:
            middle = len(billables) // 2
            return _finalise(uow, run, billables[:middle], refusals) | _finalise(
                uow, run, billables[middle:], refusals
            )
        refusals[billables[0].account.id] = (
            error if isinstance(error, DomainError) else RefusedByDatabase(problem=str(error.orig)[:300])
        )
        return {}


def _finish(
    uow: UnitOfWork,
    billables: Sequence[Billable],
    items: Mapping[UUID, Any],
    invoices: Mapping[UUID, Sequence[UUID]],
) -> None:
    """These accounts are done, with the newest of their invoices; an account that is billed again keeps its
    invoice when it owed nothing new."""
    ITEM_STATES.check(ItemState.TODO, ItemState.DONE)
    finalised = {account_id: made for account_id, made in invoices.items() if made}
    days = {document.closed_on for billable in billables for document in billable.documents}
    newest = (
        select(Invoice.id)
        .where(Invoice.billing_account_id == BillingItem.billing_account_id, Invoice.closed_on.in_(days))
        .order_by(Invoice.number.desc())
        .limit(1)
        .scalar_subquery()
    )
    _write_done(uow, [items[each].id for each in finalised], reason_code=None, invoice_id=newest)
    owing_nothing = [items[account_id].id for account_id in invoices if account_id not in finalised]
    _write_done(uow, owing_nothing, reason_code=NOTHING_DUE)


def _write_done(uow: UnitOfWork, item_ids: Sequence[UUID], **values: Any) -> None:
    if item_ids:
        uow.session.execute(
            update(BillingItem)
            .where(is_any_of(uow.session, BillingItem.id, item_ids))
            .values(state=ItemState.DONE, finished_at=uow.now, **values)
            .execution_options(synchronize_session=False)
        )


def _set_aside(uow: UnitOfWork, item_id: UUID, state: ItemState, refusal: DomainError) -> None:
    """A person has to mend something, or to look at it."""
    ITEM_STATES.check(ItemState.TODO, state)
    contract_id = (
        uow.session.scalar(select(Contract.id).where(Contract.number == refusal.params["contract"]))
        if isinstance(refusal, NotRatable)
        else None
    )
    uow.session.execute(
        update(BillingItem)
        .where(BillingItem.id == item_id)
        .values(
            state=state,
            finished_at=uow.now,
            reason_code=refusal.code,
            reason_params=plain(refusal.params),
            contract_id=contract_id,
        )
        .execution_options(synchronize_session=False)
    )
