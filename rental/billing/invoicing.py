"""Finalising: claims are taken, documents put together, numbered and written, all in one transaction."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, insert, update

from rental.billing.issuing import the_issuer
from rental.billing.models import (
    BilledSegment,
    BilledSpan,
    BillingClaim,
    BillingRun,
    BillingSchedule,
    Invoice,
    InvoiceLine,
    InvoiceTax,
)
from rental.billing.obligations import terms_of
from rental.billing.rules.charges import Charge, Entry, Side
from rental.billing.rules.drafts import Claim, Draft, DraftLine, Due, LineFacts, draft_of
from rental.billing.rules.due_dates import closing_on
from rental.billing.rules.runs import BillingKind, InvoiceState, billed_as_of
from rental.billing.rules.tax import PriceMode
from rental.catalog.rules import TaxClass
from rental.core.audit import plain
from rental.core.db import Base
from rental.core.ids import new_id
from rental.core.numbering import next_block
from rental.core.periods import Period
from rental.core.uow import UnitOfWork
from rental.core.upserts import insert_new
from rental.customers.models import BillingAccount

SERIES = "invoice"
Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Billable:
    """An account, all its lines, and those of them that owe something."""

    account: BillingAccount
    lines: Sequence[LineFacts]
    dues: Sequence[Due]


def finalise_invoices(
    uow: UnitOfWork, run: BillingRun, billables: Sequence[Billable]
) -> dict[UUID, UUID | None]:
    """One finalised invoice per account; the ids of the invoices by account, None where nothing was left.

    Whoever calls holds the contracts. Raises NegativeTotal; the database refuses what was billed before.
    """
    invoice_ids = {billable.account.id: new_id() for billable in billables}
    claimed = _take_claims(uow, run, billables, invoice_ids)
    drafts: list[tuple[BillingAccount, Draft]] = []
    for billable in billables:
        dues = [due.only(claimed) for due in billable.dues]
        draft = draft_of(terms_of(billable.account), dues, closed_on=run.closed_on)
        if draft is not None:
            drafts.append((billable.account, draft))
    if drafts:
        _write(uow, run, drafts, invoice_ids)
    _move_schedules(uow, run, billables)
    written = {account.id for account, _draft in drafts}
    return {
        account_id: invoice_ids[account_id] if account_id in written else None for account_id in invoice_ids
    }


def canonical(snapshot: Mapping[str, Any]) -> str:
    """The snapshot as one text, the same on every machine: its hash seals the invoice."""
    return json.dumps(snapshot, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def sealed(snapshot: Mapping[str, Any]) -> str:
    """The SHA-256 of the snapshot, in hexadecimal."""
    return hashlib.sha256(canonical(snapshot).encode()).hexdigest()


def _take_claims(
    uow: UnitOfWork, run: BillingRun, billables: Sequence[Billable], invoice_ids: Mapping[UUID, UUID]
) -> set[Claim]:
    wanted = {
        (claim.line_id, claim.period.start, claim.generation): (claim, invoice_ids[billable.account.id])
        for billable in billables
        for due in billable.dues
        for claim in due.claims()
    }
    taken = insert_new(
        uow.session,
        BillingClaim,
        [
            {
                "contract_line_id": claim.line_id,
                "kind": BillingKind.RECURRING,
                "period_start": claim.period.start,
                "generation": claim.generation,
                "period_end": claim.period.end,
                "billing_run_id": run.id,
                "invoice_id": invoice_id,
            }
            for claim, invoice_id in wanted.values()
        ],
        BillingClaim.contract_line_id,
        BillingClaim.period_start,
        BillingClaim.generation,
    )
    return {wanted[row.contract_line_id, row.period_start, row.generation][0] for row in taken}


def _write(
    uow: UnitOfWork,
    run: BillingRun,
    drafts: Sequence[tuple[BillingAccount, Draft]],
    invoice_ids: Mapping[UUID, UUID],
) -> None:
    issuer = the_issuer(uow.session)
    year = uow.today.year
    numbers = next_block(uow, f"{SERIES}:{year}", len(drafts))
    invoices: Rows = []
    lines: Rows = []
    taxes: Rows = []
    ledger = _Ledger()
    for number, (account, draft) in zip(numbers, drafts, strict=True):
        invoice_id = invoice_ids[account.id]
        row = _invoice(uow, run, account, draft) | {"id": invoice_id, "number": f"INV-{year}-{number:08}"}
        row["snapshot"] = snapshot_of(row, issuer, account, draft)
        row["snapshot_sha256"] = sealed(row["snapshot"])
        invoices.append(row)
        taxes += [{"invoice_id": invoice_id, **tax} for tax in _taxes(draft)]
        for position, line in enumerate(draft.lines, start=1):
            line_id = new_id()
            lines.append(_line(line) | {"id": line_id, "invoice_id": invoice_id, "position": position})
            ledger.enter(line, line_id)
    for kind, rows in (
        (Invoice, invoices),
        (InvoiceLine, lines),
        (InvoiceTax, taxes),
        (BilledSegment, ledger.charges),
        (BilledSegment, ledger.credits),
    ):
        _insert(uow, kind, rows)
    ledger.end_spans(uow)
    _insert(uow, BilledSpan, ledger.spans)


def _insert(uow: UnitOfWork, kind: type[Base], rows: Rows) -> None:
    if rows:
        uow.session.connection().execute(insert(kind.__table__), rows)  # type: ignore[arg-type]


def _invoice(uow: UnitOfWork, run: BillingRun, account: BillingAccount, draft: Draft) -> dict[str, Any]:
    return {
        "billing_account_id": account.id,
        "billing_run_id": run.id,
        "recipient_name": account.name,
        "closed_on": run.closed_on,
        "issued_on": uow.today,
        "due_on": draft.due_on,
        "period_start": draft.period.start,
        "period_end": draft.period.end,
        "subtotal": draft.totals.subtotal,
        "tax": draft.totals.tax,
        "total": draft.totals.total,
        "tax_rounding": account.tax_rounding,
        "charge_rounding": account.charge_rounding,
        "price_mode": PriceMode.EXCLUSIVE,
        "finalised_at": uow.now,
        "state": InvoiceState.FINALISED,
    }


def _line(line: DraftLine) -> dict[str, Any]:
    charge = line.charge
    rate = charge.tax_rate
    return {
        "contract_line_id": line.facts.line_id,
        "description": _description(line),
        "quantity": charge.quantity,
        "unit_price": charge.monthly_fee,
        "amount": line.line.amount,
        "tax_class": rate.tax_class,
        "rate_bp": rate.basis_points,
        "service_start": charge.used.start,
        "service_end": charge.used.end,
        "formula": _formula(line),
    }


def _description(line: DraftLine) -> dict[str, Any]:
    is_credit = line.line.entry.side is Side.CREDIT
    return {
        **line.facts.words,
        "sites": line.site_names,
        "kind": "credit" if is_credit else "rent",
    }


def _formula(line: DraftLine) -> dict[str, Any]:
    """The sum behind the amount; for a credit, what was billed and what remains of it."""
    return {
        **_sum_of(line.charge),
        "billed": line.line.entry.amount.minor_units,
        "remaining": [_sum_of(charge) for charge in line.line.remaining],
    }


def _sum_of(charge: Charge) -> dict[str, Any]:
    share = charge.share
    return {
        "start": charge.used.start.isoformat(),
        "last": charge.used.last_day.isoformat(),
        "full": share.full.minor_units,
        "days": share.days,
        "of": share.of,
        "amount": charge.amount.minor_units,
    }


def _taxes(draft: Draft) -> Rows:
    return [
        {
            "tax_class": block.rate.tax_class,
            "rate_bp": block.rate.basis_points,
            "base": block.base,
            "tax": block.tax,
        }
        for block in draft.totals.blocks
    ]


def snapshot_of(
    invoice: Mapping[str, Any], issuer: Mapping[str, Any], account: BillingAccount, draft: Draft
) -> dict[str, Any]:
    """Everything that stands on the invoice, as JSON values: it will read the same in ten years."""
    period = Period(invoice["period_start"], invoice["period_end"])
    dates = ("closed_on", "issued_on", "due_on")
    amounts = ("subtotal", "tax", "total", "tax_rounding", "charge_rounding", "price_mode")
    lines = [_line(line) for line in draft.lines]
    snapshot = {
        "form": 1,
        "number": invoice["number"],
        **{name: invoice[name] for name in (*dates, *amounts)},
        "period": {"start": period.start, "last": period.last_day},
        "issuer": dict(issuer),
        "recipient": {
            "number": account.number,
            "name": account.name,
            "postal_code": account.postal_code,
            "address": account.address,
            "customer": account.customer.name,
        },
        "lines": [
            {
                **{name: line[name] for name in ("quantity", "unit_price", "amount", "tax_class", "rate_bp")},
                **line["description"],
                "start": line["service_start"],
                "last": line["service_end"] - timedelta(days=1),
                "is_reduced": line["tax_class"] is TaxClass.REDUCED,
                "formula": line["formula"],
            }
            for line in lines
        ],
        "taxes": _taxes(draft),
    }
    plainly: dict[str, Any] = plain(snapshot)
    return plainly


class _Ledger:
    """The rows that say which charges stand, and which days of which slots they cover."""

    def __init__(self) -> None:
        self.charges: Rows = []
        self.credits: Rows = []
        self.spans: Rows = []

    def enter(self, line: DraftLine, invoice_line_id: UUID) -> None:
        """A document line speaks of one entry, and of the charges that remain of a credited one."""
        self._entry(line, line.line.entry, invoice_line_id)
        for charge in line.line.remaining:
            self._entry(line, Entry(charge), invoice_line_id)

    def end_spans(self, uow: UnitOfWork) -> None:
        """What is taken back covers no day any more."""
        taken_back = [row["reverses_id"] for row in self.credits]
        if taken_back:
            uow.session.execute(
                update(BilledSpan)
                .where(BilledSpan.billed_segment_id.in_(taken_back))
                .values(is_active=False)
                .execution_options(synchronize_session=False)
            )

    def _entry(self, line: DraftLine, entry: Entry, invoice_line_id: UUID) -> None:
        charge, side = entry
        row = {
            "id": new_id(),
            "contract_line_id": charge.line_id,
            "kind": BillingKind.RECURRING,
            "period_start": charge.period.start,
            "period_end": charge.period.end,
            "start_on": charge.used.start,
            "end_on": charge.used.end,
            "quantity": charge.quantity,
            "monthly_fee": charge.monthly_fee,
            "tax_class": charge.tax_class,
            "amount": charge.amount,
            "full_amount": charge.share.full,
            "days": charge.share.days,
            "of_days": charge.share.of,
            "sign": int(side),
            "reverses_id": line.facts.billed[charge] if side is Side.CREDIT else None,
            "invoice_line_id": invoice_line_id,
        }
        if side is Side.CREDIT:
            self.credits.append(row)
            return
        self.charges.append(row)
        self.spans += [
            {
                "id": new_id(),
                "slot_id": slot_id,
                "kind": BillingKind.RECURRING,
                "start_on": charge.used.start,
                "end_on": charge.used.end,
                "is_active": True,
                "billed_segment_id": row["id"],
            }
            for slot_id in charge.slot_ids
        ]


def _move_schedules(uow: UnitOfWork, run: BillingRun, billables: Sequence[Billable]) -> None:
    """Every line that has started is billed through this closing, and due at the next one."""
    after = billed_as_of(run.closed_on)
    rows = []
    for billable in billables:
        for facts in billable.lines:
            if not facts.spans:
                continue
            first_day = min(span.start for span in facts.spans)
            next_closing = closing_on(max(first_day, after), billable.account.closing_day)
            rows.append(
                {
                    "line_id": facts.line_id,
                    "due": billed_as_of(next_closing),
                    "through": after if first_day < after else None,
                }
            )
    if rows:
        table = BillingSchedule.__table__
        uow.session.connection().execute(
            update(table)  # type: ignore[arg-type]
            .where(table.c.contract_line_id == bindparam("line_id"))
            .values(next_due_on=bindparam("due"), billed_through=bindparam("through")),
            rows,
        )
