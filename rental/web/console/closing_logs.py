"""The log of a closing as a file: what became of every account, or only what a person has to deal with."""

from uuid import UUID

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from rental.billing.closing_log import LogRow, log_of
from rental.billing.models import BillingRun
from rental.core.db import found, reading_snapshot
from rental.identity.permissions import Permission
from rental.web.console.spreadsheets import csv_file
from rental.web.guards import requires
from rental.web.refusals import kept_refusal
from rental.web.sentences import state_label

bp = Blueprint("closing_logs", __name__, url_prefix="/closings")


@bp.get("/<uuid:billing_run_id>/log.csv")
@requires(Permission.INVOICES_READ)
def download(billing_run_id: UUID) -> ResponseReturnValue:
    """With `show=exceptions` in the address only the accounts that wait for a person or were left out."""
    only = request.args.get("show") == "exceptions"
    head = [
        _("Billing account"),
        _("Name"),
        _("State"),
        _("Reason"),
        _("Contract"),
        _("Invoice"),
        _("Closed on"),
        _("Total"),
        _("At"),
        _("By"),
    ]
    with reading_snapshot() as session:
        run = found(session, BillingRun, billing_run_id)
        name = f"closing-{run.closed_on}{'-exceptions' if only else ''}.csv"
        return csv_file(name, head, (_row(each) for each in log_of(session, run, exceptions_only=only)))


def _row(row: LogRow) -> list[object]:
    return [
        row.account,
        row.name,
        state_label(row.state) if row.state else _("Left out of it"),
        row.reason or (kept_refusal(row.reason_code, row.reason_params or {}) if row.reason_code else None),
        row.contract,
        row.invoice,
        row.closed_on,
        row.total.minor_units if row.total is not None else None,
        row.at.isoformat() if row.at else None,
        row.by,
    ]
