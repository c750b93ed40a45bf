"""The start page: everybody lands where they work; the office sees what wants attention."""

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from rental.assurance.checking import latest_check
from rental.core.business_date import business_today
from rental.core.db import reading
from rental.core.outbox import delivery_counts
from rental.core.runtime import runtime
from rental.identity.permissions import Permission
from rental.identity.queries import account_counts
from rental.notifications.models import Notice
from rental.notifications.queries import notices_of
from rental.web.guards import current_account, requires

bp = Blueprint("home", __name__)


@bp.get("/")
@requires(Permission.OWN_ACCOUNT)
def index() -> ResponseReturnValue:
    account = current_account()
    if not account.may(Permission.CONSOLE):
        face = "phone.today" if account.may(Permission.PHONE) else "portal.home"
        return redirect(url_for(face), 303)
    current = runtime()
    return render_template(
        "console/home.html",
        today=business_today(reading(), current.clock.now(), current.zone),
        notices=reading()
        .scalars(notices_of(account.id).order_by(Notice.told_at.desc(), Notice.id.desc()).limit(5))
        .all(),
        jobs=delivery_counts(reading()) if account.may(Permission.JOBS_READ) else None,
        people=account_counts(reading()) if account.may(Permission.PEOPLE_READ) else None,
        check=latest_check(reading()) if account.may(Permission.CHECKS_READ) else None,
    )
