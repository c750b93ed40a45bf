"""Recurring revenue month by month, and what moved it."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from rental.billing.recurring_revenue import revenue_by_month
from rental.billing.rules.recurring_revenue import Movement
from rental.core.db import reading
from rental.identity.permissions import Permission
from rental.web.guards import requires
from rental.web.wording.billing import signed_yen

bp = Blueprint("recurring_revenue", __name__, url_prefix="/recurring-revenue")


@bp.get("")
@requires(Permission.INVOICES_READ)
def index() -> ResponseReturnValue:
    return render_template(
        "console/recurring_revenue.html",
        months=revenue_by_month(reading()),
        movements=list(Movement),
        signed_yen=signed_yen,
    )
