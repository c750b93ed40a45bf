"""Accounts that are left out of one closing, each with its reason; they come back with the next."""

from datetime import date
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm

from rental.billing.exclusions import exclude_from_closing, exclusion_of, include_again
from rental.billing.queries import closing_of
from rental.billing.reviewing import REASON_MAX_LENGTH
from rental.core.db import found, reading
from rental.core.errors import DomainError, NotFound
from rental.core.uow import begin
from rental.customers.models import BillingAccount
from rental.identity.permissions import Permission
from rental.web.fields import AtMost, LineField, Needed, filled_in
from rental.web.guards import current_actor, requires
from rental.web.problems import put_into_form

bp = Blueprint("closing_exclusions", __name__, url_prefix="/closings/exclusions")


class ExclusionForm(FlaskForm):
    """Why the account gets no invoice by this closing."""

    reason = LineField(_l("Reason"), validators=[Needed(), AtMost(REASON_MAX_LENGTH)])


@bp.get("/<closed_on>/<uuid:billing_account_id>")
@requires(Permission.INVOICES_READ)
def ask(closed_on: str, billing_account_id: UUID) -> ResponseReturnValue:
    return _page(billing_account_id, _day_of(closed_on), ExclusionForm(formdata=None))


@bp.post("/<closed_on>/<uuid:billing_account_id>")
@requires(Permission.INVOICES_ISSUE)
def exclude(closed_on: str, billing_account_id: UUID) -> ResponseReturnValue:
    day, form = _day_of(closed_on), ExclusionForm()
    if not form.validate_on_submit():
        return _page(billing_account_id, day, form), 422
    try:
        with begin(current_actor()) as uow:
            exclude_from_closing(uow, billing_account_id, day, reason=filled_in(form.reason))
    except NotFound:
        raise
    except DomainError as error:
        status = put_into_form(form, error)
        return _page(billing_account_id, day, form), status
    flash(_("Left out. The next closing asks for what is owed."), "success")
    return _back_to(day)


@bp.post("/<uuid:exclusion_id>/take-back")
@requires(Permission.INVOICES_ISSUE)
def take_back(exclusion_id: UUID) -> ResponseReturnValue:
    with begin(current_actor()) as uow:
        closed_on = include_again(uow, exclusion_id)
    flash(_("It is due in this closing again."), "success")
    return _back_to(closed_on)


def _day_of(closed_on: str) -> date:
    """The closing, from the page on which somebody chose it. Raises NotFound."""
    try:
        return date.fromisoformat(closed_on)
    except ValueError as error:
        raise NotFound(kind="billing_run") from error


def _back_to(closed_on: date) -> ResponseReturnValue:
    run = closing_of(reading(), closed_on)
    if run is None:
        return redirect(url_for("closings.preview", closed_on=closed_on.isoformat()), 303)
    return redirect(url_for("closings.show", billing_run_id=run.id), 303)


def _page(billing_account_id: UUID, closed_on: date, form: ExclusionForm) -> str:
    account = found(reading(), BillingAccount, billing_account_id)
    return render_template(
        "console/closing_exclusion.html",
        account=account,
        closed_on=closed_on,
        known=exclusion_of(reading(), account.id, closed_on),
        form=form,
    )
