"""A closing: opened with a row per account, worked off in chunks, each account exactly once."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import Select, exists, insert, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload

from rental.billing.events import ChunkOpened, InvoiceFinalised
from rental.billing.invoicing import Billable, finalise_invoices
from rental.billing.issuing import the_issuer
from rental.billing.models import BillingItem, BillingRun, BillingSchedule, Invoice
from rental.billing.obligations import hold_contracts, lines_owed_by, terms_of
from rental.billing.rules.drafts import Draft, draft_of, dues_of
from rental.billing.rules.runs import (
    ITEM_STATES,
    ItemState,
    NotRatable,
    RefusedByDatabase,
    billed_as_of,
    closing_days_of,
    require_past,
)
from rental.contracts.models import Contract, Line
from rental.contracts.rules import ContractState
from rental.core import audit
from rental.core.audit import plain
from rental.core.errors import DomainError
from rental.core.ids import new_id
from rental.core.uow import UnitOfWork, locked
from rental.core.upserts import insert_new
from rental.customers.models import BillingAccount

# So many accounts are billed in one transaction: large enough for the database, short enough for a lease.
CHUNK = 200
NOTHING_DUE = "billing.nothing_due"
# Whoever changes a contract is waited for so long; then the chunk is tried again later.
_PATIENCE = "SET LOCAL lock_timeout = '5s'"


def open_run(uow: UnitOfWork, closed_on: date, *, chunk_size: int = CHUNK) -> BillingRun:
    """Opens the closing of this day, or finds it and adds what has become due since.

    Every account with something due gets its row here, in one transaction; workers do the rest. Accounts that
    are parked wait for a person. Raises ClosingInFuture, NoIssuer.
    """
    require_past(closed_on, today=uow.today)
    the_issuer(uow.session)
    run = _run_of(uow, closed_on)

    known = {
        item.billing_account_id: item
        for item in uow.session.scalars(select(BillingItem).where(BillingItem.billing_run_id == run.id))
    }
    waiting = [
        account_id
        for account_id in uow.session.scalars(accounts_due(closed_on))
        if account_id not in known or known[account_id].state is ItemState.DONE
    ]
    for account_ids in _chunks(waiting, chunk_size):
        run.chunk_count += 1
        for account_id in account_ids:
            if account_id in known:
                _reopen(known[account_id], run.chunk_count)
        _add_items(uow, run, [each for each in account_ids if each not in known])
        uow.announce(ChunkOpened(run.id, run.chunk_count))
    uow.session.flush()
    return run


def bill_chunk(uow: UnitOfWork, run_id: UUID, chunk: int) -> int:
    """Bills the accounts of a chunk that nobody has billed yet; returns how many invoices were finalised.

    All or nothing: an account that cannot be billed is parked with its reason, the others go on.
    """
    if uow.session.get_bind().dialect.name == "postgresql":
        uow.session.execute(text(_PATIENCE))
    items = uow.session.scalars(
        select(BillingItem)
        .where(
            BillingItem.billing_run_id == run_id,
            BillingItem.chunk == chunk,
            BillingItem.state == ItemState.TODO,
        )
        .order_by(BillingItem.id)
        .with_for_update()
    ).all()
    if not items:
        return 0
    run = uow.session.get_one(BillingRun, run_id)
    account_ids = [item.billing_account_id for item in items]
    hold_contracts(uow.session, account_ids)

    by_account = {item.billing_account_id: item for item in items}
    billables = []
    for account, found in _billables(uow.session, account_ids, run.closed_on):
        if isinstance(found, DomainError):
            _park(uow, by_account[account.id], found)
        else:
            billables.append(found)
    finalised = 0
    for account_id, invoice_id in _finalise(uow, run, billables, by_account):
        _finish(uow, by_account[account_id], invoice_id)
        finalised += invoice_id is not None
    uow.session.flush()
    return finalised


def release_item(uow: UnitOfWork, item_id: UUID) -> BillingItem:
    """A person has dealt with what parked the account: it is billed again, in a chunk of its own."""
    run_id = locked(uow, BillingItem, item_id).billing_run_id
    run = locked(uow, BillingRun, run_id)
    item = locked(uow, BillingItem, item_id)
    if item.state is not ItemState.PARKED:
        return item
    uow.record("released", entity="billing_item", entity_id=item.id, reason_code=item.reason_code)
    run.chunk_count += 1
    _reopen(item, run.chunk_count)
    uow.session.flush()
    uow.announce(ChunkOpened(run.id, run.chunk_count))
    return item


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a closing would do with one account: an invoice, a refusal, or nothing."""

    account: BillingAccount
    draft: Draft | None = None
    refusal: DomainError | None = None


def preview_run(session: Session, closed_on: date, *, today: date, chunk_size: int = CHUNK) -> list[Foreseen]:
    """What opening this closing would bill, computed as the run does it. Writes nothing.

    Raises ClosingInFuture, NoIssuer.
    """
    require_past(closed_on, today=today)
    the_issuer(session)
    foreseen = []
    for account_ids in _chunks(session.scalars(accounts_due(closed_on)).all(), chunk_size):
        for account, found in _billables(session, account_ids, closed_on):
            if isinstance(found, DomainError):
                foreseen.append(Foreseen(account, refusal=found))
                continue
            try:
                draft = draft_of(terms_of(account), found.dues, closed_on=closed_on)
            except DomainError as error:
                foreseen.append(Foreseen(account, refusal=error))
            else:
                foreseen.append(Foreseen(account, draft=draft))
    return foreseen


def accounts_due(closed_on: date) -> Select[UUID]:
    """The accounts that close on this day and have a line that is due, without those that are parked."""
    days = closing_days_of(closed_on)
    is_due = exists().where(
        Contract.billing_account_id == BillingAccount.id,
        Contract.state == ContractState.ACTIVE,
        Line.contract_id == Contract.id,
        BillingSchedule.contract_line_id == Line.id,
        BillingSchedule.next_due_on <= billed_as_of(closed_on),
    )
    is_parked = exists().where(
        BillingItem.billing_account_id == BillingAccount.id, BillingItem.state == ItemState.PARKED
    )
    return (
        select(BillingAccount.id)
        .where(BillingAccount.closing_day.between(days.start, days.stop - 1), is_due, ~is_parked)
        .order_by(BillingAccount.number)
    )


def _chunks(account_ids: Sequence[UUID], size: int) -> Iterator[Sequence[UUID]]:
    return (account_ids[first : first + size] for first in range(0, len(account_ids), size))


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
    rows = [
        {
            "id": new_id(),
            "billing_run_id": run.id,
            "billing_account_id": account_id,
            "chunk": run.chunk_count,
            "state": ItemState.TODO,
        }
        for account_id in account_ids
    ]
    if rows:
        uow.session.connection().execute(insert(BillingItem.__table__), rows)  # type: ignore[arg-type]


def _billables(
    session: Session, account_ids: Collection[UUID], closed_on: date
) -> Iterator[tuple[BillingAccount, Billable | NotRatable]]:
    """What each account owes, in the order of their numbers: that is the order of the invoices."""
    accounts = session.scalars(
        select(BillingAccount)
        .where(BillingAccount.id.in_(account_ids))
        .options(joinedload(BillingAccount.customer))
        .order_by(BillingAccount.number)
    ).all()
    owed = lines_owed_by(session, account_ids, closed_on=closed_on)
    for account in accounts:
        lines = owed.get(account.id, [])
        try:
            yield account, Billable(account, lines, dues_of(terms_of(account), lines, closed_on=closed_on))
        except NotRatable as error:
            yield account, error


def _finalise(
    uow: UnitOfWork,
    run: BillingRun,
    billables: Sequence[Billable],
    items: dict[UUID, BillingItem],
) -> Iterator[tuple[UUID, UUID | None]]:
    """Bills these accounts together; if that is refused, in halves, until the culprit is alone and parked."""
    if not billables:
        return
    try:
        with uow.session.begin_nested():
            invoices = finalise_invoices(uow, run, billables)
    except (DomainError, IntegrityError) as error:
        if len(billables) > 1:
            middle = len(billables) // 2
            yield from _finalise(uow, run, billables[:middle], items)
            yield from _finalise(uow, run, billables[middle:], items)
            return
        refusal = (
            error if isinstance(error, DomainError) else RefusedByDatabase(problem=str(error.orig)[:300])
        )
        _park(uow, items[billables[0].account.id], refusal)
        return
    yield from invoices.items()


def _finish(uow: UnitOfWork, item: BillingItem, invoice_id: UUID | None) -> None:
    ITEM_STATES.check(item.state, ItemState.DONE)
    item.state = ItemState.DONE
    item.finished_at = uow.now
    item.reason_code = None if invoice_id else NOTHING_DUE
    item.invoice_id = invoice_id or item.invoice_id
    if invoice_id is None:
        return
    audit.append(
        uow.session,
        [
            audit.Change(
                "finalised",
                Invoice.__tablename__,
                invoice_id,
                None,
                {"billing_account_id": item.billing_account_id},
            )
        ],
    )
    uow.announce(InvoiceFinalised(invoice_id))


def _park(uow: UnitOfWork, item: BillingItem, refusal: DomainError) -> None:
    ITEM_STATES.check(item.state, ItemState.PARKED)
    item.state = ItemState.PARKED
    item.finished_at = uow.now
    item.reason_code = refusal.code
    item.reason_params = plain(refusal.params)
    item.contract_id = (
        uow.session.scalar(select(Contract.id).where(Contract.number == refusal.params["contract"]))
        if isinstance(refusal, NotRatable)
        else None
    )


def _reopen(item: BillingItem, chunk: int) -> None:
    ITEM_STATES.check(item.state, ItemState.TODO)
    item.state = ItemState.TODO
    item.chunk = chunk
    item.finished_at = item.reason_code = item.reason_params = item.contract_id = None
