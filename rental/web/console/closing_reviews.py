"""What a person decides about a closing: stop it or go on, approve it, settle what is held in it."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm

from rental.billing.models import BillingItem, BillingRun
from rental.billing.previews import foresee_invoice
from rental.billing.reviewing import (
    REASON_MAX_LENGTH,
    approve_item,
    approve_run,
    decline_item,
    finalise_drafts,
    resume_run,
    stop_run,
)
from rental.billing.rules.bounds import open_doubt
from rental.billing.rules.runs import ASIDE
from rental.core.db import found, reading
from rental.core.errors import DomainError, NotFound
from rental.core.uow import UnitOfWork, begin
from rental.identity.permissions import Permission
from rental.web.console.closings import why_aside
from rental.web.fields import AtMost, LineField, Needed, filled_in
from rental.web.guards import current_actor, requires
from rental.web.problems import put_into_form
from rental.web.refusals import refusal
from rental.web.today import today
from rental.web.wording.billing import rate_label, signed_yen

bp = Blueprint("closing_reviews", __name__, url_prefix="/closings/<uuid:billing_run_id>")


class DeclineForm(FlaskForm):
    """Why a document is wrong: whoever mends the cause reads it."""

    reason = LineField(_l("Reason"), validators=[Needed(), AtMost(REASON_MAX_LENGTH)])


@bp.post("/stop")
@requires(Permission.INVOICES_ISSUE)
def stop(billing_run_id: UUID) -> ResponseReturnValue:
    return _decide(billing_run_id, stop_run, _("Stopped. What is being billed at this moment is finished."))


@bp.post("/resume")
@requires(Permission.INVOICES_ISSUE)
def resume(billing_run_id: UUID) -> ResponseReturnValue:
    return _decide(billing_run_id, resume_run, _("The closing goes on."))


@bp.post("/approve")
@requires(Permission.INVOICES_ISSUE)
def approve(billing_run_id: UUID) -> ResponseReturnValue:
    return _decide(billing_run_id, approve_run, _("Approved. Workers are making the invoices."))


@bp.post("/finalise")
@requires(Permission.INVOICES_ISSUE)
def finalise(billing_run_id: UUID) -> ResponseReturnValue:
    return _decide(billing_run_id, finalise_drafts, _("Workers are finalising the invoices."))


@bp.get("/accounts/<uuid:billing_item_id>")
@requires(Permission.INVOICES_READ)
def show(billing_run_id: UUID, billing_item_id: UUID) -> ResponseReturnValue:
    return _page(billing_run_id, billing_item_id, DeclineForm(formdata=None))


@bp.post("/accounts/<uuid:billing_item_id>/approve")
@requires(Permission.INVOICES_ISSUE)
def approve_held(billing_run_id: UUID, billing_item_id: UUID) -> ResponseReturnValue:
    with begin(current_actor()) as uow:
        approve_item(uow, _of_run(uow, billing_run_id, billing_item_id))
    flash(_("Approved. The billing account is being billed."), "success")
    return redirect(url_for("closings.show", billing_run_id=billing_run_id), 303)


@bp.post("/accounts/<uuid:billing_item_id>/decline")
@requires(Permission.INVOICES_ISSUE)
def decline_held(billing_run_id: UUID, billing_item_id: UUID) -> ResponseReturnValue:
    form = DeclineForm()
    if not form.validate_on_submit():
        return _page(billing_run_id, billing_item_id, form), 422
    try:
        with begin(current_actor()) as uow:
            decline_item(uow, _of_run(uow, billing_run_id, billing_item_id), reason=filled_in(form.reason))
    except NotFound:
        raise
    except DomainError as error:
        status = put_into_form(form, error)
        return _page(billing_run_id, billing_item_id, form), status
    flash(_("Declined. The billing account is parked until the cause is mended."), "success")
    return redirect(url_for("closings.show", billing_run_id=billing_run_id), 303)


def _decide(
    billing_run_id: UUID, decision: Callable[[UnitOfWork, UUID], BillingRun], said: str
) -> ResponseReturnValue:
    with begin(current_actor()) as uow:
        decision(uow, billing_run_id)
    flash(said, "success")
    return redirect(url_for("closings.show", billing_run_id=billing_run_id), 303)


def _of_run(uow: UnitOfWork, billing_run_id: UUID, billing_item_id: UUID) -> UUID:
    """The account's row, when it belongs to this closing. Raises NotFound."""
    if found(uow.session, BillingItem, billing_item_id).billing_run_id != billing_run_id:
        raise NotFound(kind="billing_item")
    return billing_item_id


def _page(billing_run_id: UUID, billing_item_id: UUID, form: DeclineForm) -> str:
    item = found(reading(), BillingItem, billing_item_id)
    if item.billing_run_id != billing_run_id:
        raise NotFound(kind="billing_item")
    return render_template(
        "console/closing_review.html",
        item=item,
        run=item.run,
        doubt=open_doubt(item.reason_code, item.reason_params) if item.state in ASIDE else None,
        why=why_aside(item) if item.reason_code else "",
        form=form,
        rate_label=rate_label,
        signed_yen=signed_yen,
        **_to_come(item),
    )


def _to_come(item: BillingItem) -> dict[str, Any]:
    """The documents as they would be made now, or why they cannot be."""
    try:
        foreseen = foresee_invoice(reading(), item.billing_account_id, item.run.closed_on, today=today())
    except DomainError as error:
        return {"foreseen": None, "refused": refusal(error)}
    return {"foreseen": foreseen, "refused": ""}
