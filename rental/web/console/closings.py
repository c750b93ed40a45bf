"""Closings: look at what would be billed, bill it, and deal with what cannot be billed."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from sqlalchemy import select

from rental.billing.issuing import company_profile
from rental.billing.models import BillingItem, BillingRun
from rental.billing.queries import SHOWN_AT_MOST, parked_items, progress_of
from rental.billing.runs import Foreseen, open_run, preview_run, release_item
from rental.core.db import found, reading
from rental.core.errors import DomainError, NotFound
from rental.core.money import Money
from rental.core.paging import Order
from rental.core.uow import begin
from rental.identity.permissions import Permission
from rental.web.fields import DayField, Needed
from rental.web.guards import current_actor, requires
from rental.web.problems import put_into_form
from rental.web.refusals import kept_refusal, refusal
from rental.web.tables import FilterForm, Heading, read_table
from rental.web.today import today

bp = Blueprint("closings", __name__, url_prefix="/closings")


class ClosingForm(FlaskForm):
    """Which day is closed."""

    closed_on = DayField(_l("Closing day"), validators=[Needed()])


class PreviewFilter(FilterForm):
    """Which day would be closed. It comes in the address: looking changes nothing."""

    closed_on = DayField(_l("Closing day"), validators=[Needed()])


@bp.get("")
@requires(Permission.INVOICES_READ)
def index() -> ResponseReturnValue:
    headings = [
        Heading("closed_on", _("Closing day"), Order((BillingRun.closed_on,))),
        Heading("opened", _("Opened")),
        Heading("accounts", _("Accounts"), numeric=True),
        Heading("invoices", _("Invoices"), numeric=True),
        Heading("total", _("Total"), numeric=True),
        Heading("state", _("State")),
    ]
    table = read_table(reading(), "closings", select(BillingRun), headings, default_sort="-closed_on")
    return render_template(
        "console/closings.html",
        table=table,
        progress=progress_of(reading(), [run.id for run in table.rows]),
        form=ClosingForm(formdata=None),
        issuer=company_profile(reading()),
    )


@bp.post("")
@requires(Permission.INVOICES_ISSUE)
def start() -> ResponseReturnValue:
    form = ClosingForm()
    if not form.validate_on_submit():
        return _preview(form, []), 422
    try:
        with begin(current_actor()) as uow:
            run_id = open_run(uow, form.closed_on.data or today()).id
    except DomainError as error:
        status = put_into_form(form, error)
        return _preview(form, []), status
    flash(_("The closing is open. Workers are billing the accounts."), "success")
    return redirect(url_for(".show", billing_run_id=run_id), 303)


@bp.get("/preview")
@requires(Permission.INVOICES_READ)
def preview() -> ResponseReturnValue:
    form = PreviewFilter()
    if not form.validate():
        return _preview(form, []), 422
    try:
        foreseen = preview_run(reading(), form.closed_on.data or today(), today=today())
    except DomainError as error:
        status = put_into_form(form, error)
        return _preview(form, []), status
    return _preview(form, foreseen)


@bp.get("/<uuid:billing_run_id>")
@requires(Permission.INVOICES_READ)
def show(billing_run_id: UUID) -> ResponseReturnValue:
    run = found(reading(), BillingRun, billing_run_id)
    return render_template(
        "console/closing.html",
        run=run,
        progress=progress_of(reading(), [run.id])[run.id],
        parked=[
            (item, kept_refusal(item.reason_code or "", item.reason_params or {}))
            for item in parked_items(reading(), run.id)
        ],
    )


@bp.post("/<uuid:billing_run_id>/accounts/<uuid:billing_item_id>/release")
@requires(Permission.INVOICES_ISSUE)
def release(billing_run_id: UUID, billing_item_id: UUID) -> ResponseReturnValue:
    with begin(current_actor()) as uow:
        if found(uow.session, BillingItem, billing_item_id).billing_run_id != billing_run_id:
            raise NotFound(kind="billing_item")
        release_item(uow, billing_item_id)
    flash(_("The account is being billed again."), "success")
    return redirect(url_for(".show", billing_run_id=billing_run_id), 303)


def _preview(form: FlaskForm, foreseen: list[Foreseen]) -> str:
    drafts = [each.draft for each in foreseen if each.draft]
    return render_template(
        "console/closing_preview.html",
        form=form,
        foreseen=[each for each in foreseen if each.draft][:SHOWN_AT_MOST],
        refused=[(each.account, refusal(each.refusal)) for each in foreseen if each.refusal][:SHOWN_AT_MOST],
        shown_at_most=SHOWN_AT_MOST,
        invoice_count=len(drafts),
        refused_count=sum(each.refusal is not None for each in foreseen),
        total=sum((draft.totals.total for draft in drafts), Money(0)),
    )
