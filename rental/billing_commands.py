"""The commands of whoever bills: closing a day, closing a month of the books, taking in what was used."""

import json
from datetime import date, datetime
from typing import Any, TextIO

import click
from flask import Flask

from rental.billing.closing_months import close_month
from rental.billing.due import preview_run
from rental.billing.queries import progress_of
from rental.billing.runs import open_run
from rental.billing.usage_readings import readings_in, take_readings
from rental.commands import CLI, config_of, with_app
from rental.core.audit import plain
from rental.core.business_date import business_today
from rental.core.db import reading, reading_snapshot
from rental.core.runtime import runtime
from rental.core.uow import begin


@click.command()
@click.option(
    "--closing", required=True, type=click.DateTime(formats=["%Y-%m-%d"]), help="The day that is closed."
)
@click.option("--account", metavar="NUMBER", help="Bill only this billing account.")
@click.option("--dry-run", is_flag=True, help="Only say what would be billed; writes nothing.")
@click.option("--json", "as_json", is_flag=True, help="The answer as JSON.")
@with_app
def bill(app: Flask, closing: datetime, account: str | None, dry_run: bool, as_json: bool) -> None:
    """Closes a day: every account that closes then is billed by the workers.

    Closing a day again bills what has become known since, and nothing twice.
    """
    chunk_size = config_of(app).billing_chunk
    closed_on = closing.date()
    report = _foresee(closed_on, account) if dry_run else _close(closed_on, account, chunk_size)
    if as_json:
        print(json.dumps(report, ensure_ascii=False, indent=1))
        return
    for name, value in report.items():
        if isinstance(value, list):
            for row in value:
                print("  " + "  ".join(str(cell) for cell in row.values()))
        else:
            print(f"{name}: {value}")


@click.command("close-month")
@click.argument("month", type=click.DateTime(formats=["%Y-%m"]))
@with_app
def close_month_of_books(app: Flask, month: datetime) -> None:
    """Closes a month of the books, such as 2026-10, and open ones before it; a closed one stays as it is."""
    with begin(CLI) as uow:
        told = [f"{each.month:%Y-%m}: {each.amount.minor_units:,}" for each in close_month(uow, month.date())]
    print("\n".join(told) or f"{month:%Y-%m} was closed before")


@click.group()
def usage() -> None:
    """What customers used."""


@usage.command("import")
@click.argument("file", type=click.File(encoding="utf-8-sig"))
@with_app
def import_usage(app: Flask, file: TextIO) -> None:
    """Takes in a CSV file of readings, all or none; what was told before counts once."""
    with begin(CLI) as uow:
        taken = take_readings(uow, readings_in(file))
    print(f"{taken.new} new, {taken.known} known before")


def _close(closed_on: date, account: str | None, chunk_size: int) -> dict[str, Any]:
    with begin(CLI) as uow:
        run_id = open_run(uow, closed_on, account=account, chunk_size=chunk_size).id
    progress = progress_of(reading(), [run_id])[run_id]
    return {
        "closed_on": closed_on.isoformat(),
        "billing_run_id": str(run_id),
        "state": progress.state.value,
        "account_count": progress.account_count,
        "invoice_count": progress.invoice_count,
        "total": progress.total.minor_units,
    }


def _foresee(closed_on: date, account: str | None) -> dict[str, Any]:
    current = runtime()
    with reading_snapshot() as snapshot:
        today = business_today(snapshot, current.clock.now(), current.zone)
        foreseen = preview_run(snapshot, closed_on, today=today, account=account)
    due = [(each, document) for each in foreseen for document in each.documents]
    return {
        "closed_on": closed_on.isoformat(),
        "invoice_count": len(due),
        "total": sum(document.draft.totals.total.minor_units for _billed, document in due),
        "invoices": [
            {
                "billing_account": each.account.number,
                "recipient": each.account.name,
                "closed_on": document.closed_on.isoformat(),
                "for": document.group.title or None,
                "due_on": document.draft.due_on.isoformat(),
                "total": document.draft.totals.total.minor_units,
                "held": each.doubt.code if each.doubt else None,
            }
            for each, document in due
        ],
        "refused": [
            {
                "billing_account": each.account.number,
                "reason": each.refusal.code,
                **plain(each.refusal.params),
            }
            for each in foreseen
            if each.refusal
        ],
    }
