"""What one was told."""

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from rental.core.db import reading
from rental.core.paging import Order
from rental.core.uow import begin
from rental.identity.permissions import Permission
from rental.notifications.models import Notice
from rental.notifications.queries import notices_of
from rental.notifications.telling import mark_notices_read
from rental.web.guards import current_account, current_actor, requires
from rental.web.tables import Heading, read_table

bp = Blueprint("notices", __name__, url_prefix="/notices")


@bp.get("")
@requires(Permission.OWN_ACCOUNT)
def index() -> ResponseReturnValue:
    headings = [
        Heading("sentence", _("Notice")),
        Heading("told_at", _("Told"), Order((Notice.told_at, Notice.id))),
    ]
    table = read_table(
        reading(), "notices", notices_of(current_account().id), headings, default_sort="-told_at"
    )
    return render_template("account/notices.html", table=table)


@bp.post("/read")
@requires(Permission.OWN_ACCOUNT)
def read() -> ResponseReturnValue:
    account_id = current_account().id
    with begin(current_actor()) as uow:
        mark_notices_read(uow, account_id)
    return redirect(url_for(".index"), 303)
