"""M and C: whether invoices add up, their numbers run, and every day of a slot in service is billed once."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, and_, case, cast, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from rental.assurance.checks.asking import Check, Severity, rows_of
from rental.billing.models import (
    BilledSegment,
    BilledSpan,
    BillingItem,
    BillingRun,
    BillingSchedule,
    Invoice,
    InvoiceLine,
    InvoiceTax,
)
from rental.billing.rules.runs import ASIDE, ItemState
from rental.billing.rules.tax import TaxBlock, TaxedAmount, TaxRate, totals_of
from rental.billing.snapshots import sealed
from rental.contracts.models import Contract, Line, LineEvent, LineTerms, Slot
from rental.contracts.rules import LineEventKind
from rental.core.money import Money
from rental.core.outbox import Delivery, DeliveryState
from rental.customers.models import BillingAccount
from rental.customers.rules import PriceMode

_LONGEST_ASIDE = timedelta(days=7)
# So many invoices are looked at together: their content is long.
_AT_ONCE = 1000
# A cheaper line may cost nothing for a day, and what costs nothing is not billed.
_A_YEN_A_DAY = Money(31)


def invoices_that_do_not_add_up(session: Session, as_of: datetime) -> list[dict[str, Any]]:
    """M1: an invoice whose lines and tax are not its total; lines may hold the tax."""
    lines = func.coalesce(cast(func.sum(InvoiceLine.amount), BigInteger), 0).label("lines")
    asked_for = case((Invoice.price_mode == PriceMode.INCLUSIVE, Invoice.total), else_=Invoice.subtotal)
    return rows_of(
        session,
        select(
            Invoice.number.label("invoice"),
            Invoice.subtotal,
            Invoice.tax,
            Invoice.total,
            lines,
        )
        .outerjoin(InvoiceLine, InvoiceLine.invoice_id == Invoice.id)
        .group_by(
            Invoice.id, Invoice.number, Invoice.subtotal, Invoice.tax, Invoice.total, Invoice.price_mode
        )
        .having(or_(Invoice.total != Invoice.subtotal + Invoice.tax, asked_for != lines)),
    )


def taxes_rounded_wrongly(session: Session, as_of: datetime) -> list[dict[str, Any]]:
    """M2: an invoice whose tax is not that of each rate's amounts together, rounded once.

    Computed again by the rules, from the lines.
    """
    amounts: dict[UUID, list[TaxedAmount]] = defaultdict(list)
    for invoice_id, amount, tax_class, rate_bp in session.execute(
        select(InvoiceLine.invoice_id, InvoiceLine.amount, InvoiceLine.tax_class, InvoiceLine.rate_bp)
    ):
        amounts[invoice_id].append(TaxedAmount(amount, TaxRate(tax_class, rate_bp)))
    written: dict[UUID, set[TaxBlock]] = defaultdict(set)
    for row in session.scalars(select(InvoiceTax)):
        written[row.invoice_id].add(TaxBlock(TaxRate(row.tax_class, row.rate_bp), row.base, row.tax))

    wrong = []
    invoices = select(
        Invoice.id, Invoice.number, Invoice.tax, Invoice.tax_rounding, Invoice.price_mode
    ).order_by(Invoice.number)
    for invoice_id, number, tax, rounding, price_mode in session.execute(invoices):
        meant = totals_of(amounts[invoice_id], rounding=rounding, price_mode=price_mode)
        if set(meant.blocks) != written[invoice_id] or meant.tax != tax:
            wrong.append({"invoice": number, "tax": tax.minor_units, "meant": meant.tax.minor_units})
    return wrong


def invoices_changed_behind_the_seal(session: Session, as_of: datetime) -> list[dict[str, Any]]:
    """M8: an invoice whose content is not what was sealed, or whose row says something else than its content.

    Its amounts are the matter of M1 and M2, the day of its issue that of M7.
    """
    wrong = []
    told = (Invoice.number, Invoice.recipient_name, Invoice.closed_on, Invoice.due_on)
    rows = select(*told, Invoice.snapshot, Invoice.snapshot_sha256).order_by(Invoice.number)
    for *row, snapshot, seal in session.execute(rows.execution_options(yield_per=_AT_ONCE)):
        said = (
            snapshot.get("number"),
            snapshot.get("recipient", {}).get("name"),
            *(snapshot.get(name) for name in ("closed_on", "due_on")),
        )
        if sealed(snapshot) != seal or said != (*row[:2], *(day.isoformat() for day in row[2:])):
            wrong.append({"invoice": row[0]})
    return wrong


def charges_of_other_quantities(session: Session, as_of: datetime) -> list[dict[str, Any]]:
    """C5: a charge that stands and asks for machines that do not fill the slots it covers evenly.

    A slot holds one machine, or so many of a bulk line; a discount covers none.
    """
    credit = aliased(BilledSegment)
    covered = (
        select(func.count(BilledSpan.slot_id.distinct()))
        .where(BilledSpan.billed_segment_id == BilledSegment.id)
        .scalar_subquery()
    )
    return rows_of(
        session,
        select(
            Contract.number.label("contract"),
            Line.position.label("line"),
            BilledSegment.start_on,
            BilledSegment.quantity,
            covered.label("slots"),
        )
        .join(Line, Line.id == BilledSegment.contract_line_id)
        .join(Contract, Contract.id == Line.contract_id)
        .outerjoin(credit, credit.reverses_id == BilledSegment.id)
        .where(
            BilledSegment.sign == 1, credit.id.is_(None), covered > 0, BilledSegment.quantity % covered != 0
        ),
    )


def days_billed_twice(session: Session) -> list[dict[str, Any]]:
    """For C1: days of a slot that two charges cover, neither taken back."""
    other = aliased(BilledSpan)
    return rows_of(
        session,
        select(
            Contract.number.label("contract"),
            Slot.position.label("slot"),
            BilledSpan.start_on,
            other.start_on.label("also_from"),
        )
        .join(
            other,
            and_(
                other.slot_id == BilledSpan.slot_id,
                other.kind == BilledSpan.kind,
                other.id > BilledSpan.id,
                other.start_on < BilledSpan.end_on,
                BilledSpan.start_on < other.end_on,
            ),
        )
        .join(Slot, Slot.id == BilledSpan.slot_id)
        .join(Line, Line.id == Slot.contract_line_id)
        .join(Contract, Contract.id == Line.contract_id)
        .where(BilledSpan.is_active, other.is_active),
    )


def days_not_billed(session: Session, as_of: datetime) -> list[dict[str, Any]]:
    """C2: a slot of which not every day was billed, from its first billable one to where its line is billed.

    A line that is due again for those days is on its way. Only plain lines are asked about, nearly all: what
    was agreed or recorded beyond a start may leave days free.
    """
    is_plain = ~or_(
        exists().where(LineTerms.contract_line_id == Line.id),
        exists().where(LineEvent.contract_line_id == Line.id, LineEvent.kind != LineEventKind.START),
    )
    each = (
        select(
            BilledSpan.slot_id,
            BilledSpan.start_on,
            BilledSpan.end_on,
            func.max(BilledSpan.end_on)
            .over(
                partition_by=(BilledSpan.slot_id, BilledSpan.kind),
                order_by=(BilledSpan.start_on, BilledSpan.end_on),
                rows=(None, -1),
            )
            .label("before"),
        )
        .where(BilledSpan.is_active)
        .subquery()
    )
    billed = (
        select(
            each.c.slot_id,
            func.min(each.c.start_on).label("first"),
            func.max(each.c.end_on).label("until"),
            func.count().filter(each.c.before < each.c.start_on).label("holes"),
        )
        .group_by(each.c.slot_id)
        .subquery()
    )
    return rows_of(
        session,
        select(
            Contract.number.label("contract"),
            Line.position.label("line"),
            Slot.position.label("slot"),
            Slot.started_on,
            BillingSchedule.billed_through,
            billed.c.first.label("billed_from"),
            billed.c.until.label("billed_until"),
            func.coalesce(billed.c.holes, 0).label("holes"),
        )
        .join(Line, Line.id == Slot.contract_line_id)
        .join(Contract, Contract.id == Line.contract_id)
        .join(BillingSchedule, BillingSchedule.contract_line_id == Line.id)
        .outerjoin(billed, billed.c.slot_id == Slot.id)
        .where(
            Slot.started_on < BillingSchedule.billed_through,
            BillingSchedule.next_due_on > BillingSchedule.billed_through,
            Line.monthly_fee >= _A_YEN_A_DAY,
            is_plain,
            or_(
                billed.c.slot_id.is_(None),
                billed.c.first != Slot.started_on,
                billed.c.until != BillingSchedule.billed_through,
                billed.c.holes > 0,
            ),
        ),
    )


def closings_left_undone(session: Session, as_of: datetime) -> list[dict[str, Any]]:
    """C6: an account that waits for nobody, or too long for a person; an invoice without its closing."""
    columns = (BillingRun.closed_on, BillingAccount.number.label("billing_account"), BillingItem.state)
    items = (
        select(*columns)
        .join(BillingRun, BillingRun.id == BillingItem.billing_run_id)
        .join(BillingAccount, BillingAccount.id == BillingItem.billing_account_id)
    )
    is_worked_on = (
        select(Delivery.id)
        .where(Delivery.handler == "billing.bill_opened_chunk", Delivery.state != DeliveryState.DONE)
        .exists()
    )
    is_done_for_nothing = and_(
        BillingItem.state == ItemState.DONE,
        BillingItem.invoice_id.is_(None),
        BillingItem.reason_code.is_(None),
    )
    is_held_up = or_(
        BillingRun.stopped_at.is_not(None), BillingRun.awaits_approval, BillingRun.drafts_until.is_not(None)
    )
    is_forgotten = and_(BillingItem.state == ItemState.TODO, ~is_worked_on, ~is_held_up)
    is_aside_long = and_(BillingItem.state.in_(ASIDE), BillingItem.finished_at < as_of - _LONGEST_ASIDE)
    its_item = and_(
        BillingItem.billing_run_id == Invoice.billing_run_id,
        BillingItem.billing_account_id == Invoice.billing_account_id,
    )
    return [
        *rows_of(session, items.where(or_(is_done_for_nothing, is_forgotten, is_aside_long))),
        *rows_of(
            session,
            select(Invoice.number.label("invoice"), Invoice.closed_on)
            .outerjoin(BillingItem, its_item)
            .where(BillingItem.id.is_(None)),
        ),
    ]


_BEHIND_OUR_BACK = "Somebody changed the books behind the product's back: compare with the latest backup."

MONEY_CHECKS = (
    Check(
        "M1",
        "Does every invoice add up to its total?",
        _BEHIND_OUR_BACK,
        Severity.ERROR,
        invoices_that_do_not_add_up,
    ),
    Check(
        "M2",
        "Is the tax of every invoice that of each rate together, rounded once?",
        _BEHIND_OUR_BACK,
        Severity.ERROR,
        taxes_rounded_wrongly,
    ),
    Check(
        "M8",
        "Does every invoice still say what was sealed when it was finalised?",
        _BEHIND_OUR_BACK,
        Severity.ERROR,
        invoices_changed_behind_the_seal,
    ),
    Check(
        "C5",
        "Does every charge ask for as many machines as it covers slots?",
        _BEHIND_OUR_BACK,
        Severity.ERROR,
        charges_of_other_quantities,
    ),
    Check(
        "C2",
        "Is every day of every slot in service billed, as far as its line is billed?",
        "Open the closing of those days again; what is missing is added.",
        Severity.ERROR,
        days_not_billed,
    ),
    Check(
        "C6",
        "Is every account of every closing billed, or dealt with by a person within a week?",
        "Open the closing: what is parked says why. Mend the contract and bill the account again.",
        Severity.ERROR,
        closings_left_undone,
    ),
)
