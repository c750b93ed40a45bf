"""Today: where the technician goes, in order, and what has to be on the van."""

from collections.abc import Sequence

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from rental.core.db import reading
from rental.core.idempotency import new_key
from rental.fieldwork.models import Visit, WorkOrder
from rental.fieldwork.queries import machines_to_bring, visit_count_after, visits_of_day
from rental.fieldwork.rules import OVER, VisitState
from rental.identity.permissions import Permission
from rental.web.guards import current_account, requires
from rental.web.today import today as business_day

bp = Blueprint("phone", __name__, url_prefix="/m")

_BEGUN = (VisitState.EN_ROUTE, VisitState.ON_SITE)


@bp.get("/")
@requires(Permission.PHONE)
def today() -> ResponseReturnValue:
    account = current_account()
    if not account.may(Permission.OWN_VISITS):
        return redirect(url_for("scan.show"), 303)
    day = business_day()
    visits = visits_of_day(reading(), account.id, day)
    return render_template(
        "technician/today.html",
        day=day,
        visits=visits,
        current=current_visit(visits),
        to_bring=machines_to_bring(reading(), account.id, day),
        next_day=None if visits else visit_count_after(reading(), account.id, day),
        next_order=next_order,
        new_key=new_key,
    )


def current_visit(visits: Sequence[Visit]) -> Visit | None:
    """Where the technician is or drives to, else the first stop that is still to come."""
    begun = [visit for visit in visits if visit.state in _BEGUN]
    waiting = [visit for visit in visits if visit.state is VisitState.PUBLISHED]
    return next(iter([*begun, *waiting]), None)


def next_order(visit: Visit) -> WorkOrder | None:
    """The first job of the visit that is not over."""
    return next((order for order in visit.work_orders if order.state not in OVER), None)
