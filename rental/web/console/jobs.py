"""The job page: what waits, what runs, what failed, and another try for what was given up."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from rental.core.db import found, reading
from rental.core.deliveries import run_again
from rental.core.outbox import Delivery, DeliveryState, deliveries_matching, delivery_counts
from rental.core.paging import Order
from rental.core.runtime import runtime
from rental.core.uow import begin
from rental.identity.permissions import Permission
from rental.web.fields import ChoiceField, choices, choices_of
from rental.web.guards import current_actor, requires
from rental.web.sentences import delivery_state_label, job_label
from rental.web.tables import FilterForm, Heading, empty_table, read_table

bp = Blueprint("jobs", __name__, url_prefix="/jobs")


class JobFilter(FilterForm):
    """A state, and what the job does."""

    tab_name = "state"
    state = ChoiceField(_l("State"))
    handler = ChoiceField(_l("Job"))

    def __init__(self) -> None:
        super().__init__()
        handlers = sorted(handler.name for handler in runtime().bus)
        self.state.choices = [
            *choices(("", _("All states"))),
            *choices_of(DeliveryState, delivery_state_label),
        ]
        self.handler.choices = choices(("", _("All jobs")), *((name, job_label(name)) for name in handlers))
        self.state.data = self.state.data or ""
        self.handler.data = self.handler.data or ""


@bp.get("")
@requires(Permission.JOBS_READ)
def index() -> ResponseReturnValue:
    filters = JobFilter()
    headings = [
        Heading("job", _("Job")),
        Heading("state", _("State")),
        Heading("attempts", _("Attempts"), numeric=True),
        Heading("queued_at", _("Queued at"), Order((Delivery.queued_at, Delivery.id))),
        Heading("finished_at", _("Finished at")),
    ]
    counts = delivery_counts(reading())
    if not filters.validate():
        table = empty_table("jobs", headings, filters)
        return render_template("console/jobs.html", table=table, counts=counts), 422
    statement = deliveries_matching(
        state=DeliveryState(filters.state.data) if filters.state.data else None,
        handler=filters.handler.data or None,
    )
    table = read_table(reading(), "jobs", statement, headings, default_sort="-queued_at", filters=filters)
    return render_template("console/jobs.html", table=table, counts=counts)


@bp.get("/<uuid:delivery_id>")
@requires(Permission.JOBS_READ)
def show(delivery_id: UUID) -> ResponseReturnValue:
    return render_template("console/job.html", job=found(reading(), Delivery, delivery_id))


@bp.post("/<uuid:delivery_id>/run-again")
@requires(Permission.JOBS_RUN_AGAIN)
def again(delivery_id: UUID) -> ResponseReturnValue:
    with begin(current_actor()) as uow:
        run_again(uow, delivery_id)
    flash(_("The job is queued again."), "success")
    return redirect(url_for(".show", delivery_id=delivery_id), 303)
