"""The statement of a billing account: everything that moved its balance, the newest first."""

from uuid import UUID

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from rental.billing.statements import owing_of, statement_of
from rental.core.db import found, reading
from rental.customers.models import BillingAccount
from rental.identity.permissions import Permission
from rental.web.guards import requires
from rental.web.tables import Heading, read_table
from rental.web.wording.statements import address_of

bp = Blueprint("statements", __name__)


@bp.get("/billing-accounts/<uuid:billing_account_id>/statement")
@requires(Permission.INVOICES_READ)
def show(billing_account_id: UUID) -> ResponseReturnValue:
    account = found(reading(), BillingAccount, billing_account_id)
    statement, order = statement_of(account.id)
    headings = [
        Heading("kind", _("Document or payment")),
        Heading("day", _("Day"), order, numeric=True),
        Heading("about", _("Concerns")),
        Heading("charged", _("Charged"), numeric=True),
        Heading("credited", _("Paid or credited"), numeric=True),
        Heading("balance", _("Balance after it"), numeric=True),
    ]
    return render_template(
        "console/statement.html",
        account=account,
        table=read_table(reading(), "statement", statement, headings, default_sort="-day"),
        owing=owing_of(reading(), account.id),
        address_of=address_of,
    )
