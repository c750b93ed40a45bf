"""Closings: look at what would be billed, bill it, and deal with what cannot be billed."""

from datetime import date
from typing import Any
from uuid import UUID

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_wtf import FlaskForm
from sqlalchemy import select

from rental.billing.exclusions import excluded_from
from rental.billing.issuing import company_profile
from rental.billing.models import BillingItem, BillingRun
from rental.billing.previews import ClosingToCome, foresee_closing, foresee_invoice
from rental.billing.queries import (
    SHOWN_AT_MOST,
    closing_of,
    days_to_close,
    held_items,
    parked_items,
    progress_of,
    total_before,
)
from rental.billing.runs import open_run, release_item
from rental.core.db import found, reading
from rental.core.errors import DomainError, NotFound
from rental.core.paging import Order
from rental.core.uow import begin
from rental.customers.models import BillingAccount
from rental.identity.permissions import Permission
from rental.web.fields import DayField, Needed
from rental.web.guards import current_actor, requires
from rental.web.problems import put_into_form
from rental.web.refusals import kept_refusal, refusal
from rental.web.tables import FilterForm, Heading, read_table
from rental.web.today import today
from rental.web.wording.billing import change_in_percent, rate_label, signed_yen

bp = Blueprint("closings", __name__, url_prefix="/closings")
_DAYS_OFFERED = 6


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
        Heading("accounts", _("Billing accounts"), numeric=True),
        Heading("invoices", _("Invoices"), numeric=True),
        Heading("total", _("Total"), numeric=True),
        Heading("state", _("State")),
    ]
    table = read_table(reading(), "closings", select(BillingRun), headings, default_sort="-closed_on")
    days, now = days_to_close(reading()), today()
    due = [(day, count) for day, count in days.items() if day <= now]
    return render_template(
        "console/closings.html",
        table=table,
        progress=progress_of(reading(), [run.id for run in table.rows]),
        form=ClosingForm(formdata=None),
        issuer=company_profile(reading()),
        due=due[:_DAYS_OFFERED],
        more_days=max(0, len(due) - _DAYS_OFFERED),
        next_day=next((day for day in days if day > now), None),
    )


@bp.post("")
@requires(Permission.INVOICES_ISSUE)
def start() -> ResponseReturnValue:
    form = ClosingForm()
    if not form.validate_on_submit():
        return _preview_page(form), 422
    chunk_size = current_app.config["RENTAL"].billing_chunk
    try:
        with begin(current_actor()) as uow:
            run = open_run(uow, form.closed_on.data or today(), chunk_size=chunk_size)
            run_id, drafts_until = run.id, run.drafts_until
    except DomainError as error:
        status = put_into_form(form, error)
        return _preview_page(form), status
    if drafts_until is None:
        flash(_("The closing is open. Workers are making the invoices."), "success")
    else:
        flash(_("The closing is open. Look at its drafts."), "success")
    return redirect(url_for(".show", billing_run_id=run_id), 303)


@bp.get("/preview")
@requires(Permission.INVOICES_READ)
def preview() -> ResponseReturnValue:
    form = PreviewFilter()
    if not form.validate():
        return _preview_page(form), 422
    try:
        foreseen = foresee_closing(reading(), form.closed_on.data or today(), today=today())
    except DomainError as error:
        status = put_into_form(form, error)
        return _preview_page(form), status
    return _preview_page(form, foreseen)


@bp.get("/preview/<uuid:billing_account_id>")
@requires(Permission.INVOICES_READ)
def preview_invoice(billing_account_id: UUID) -> ResponseReturnValue:
    """What one account would be sent, line by line."""
    account = found(reading(), BillingAccount, billing_account_id)
    form = PreviewFilter()
    if not form.validate():
        return _preview_page(form), 422
    closed_on: date = form.closed_on.data or today()
    foreseen, refused = None, ""
    try:
        foreseen = foresee_invoice(reading(), account.id, closed_on, today=today())
    except NotFound:
        raise
    except DomainError as error:
        refused = refusal(error)
    return render_template(
        "console/invoice_preview.html",
        account=account,
        closed_on=closed_on,
        foreseen=foreseen,
        refused=refused,
        why_doubtful=refusal,
        rate_label=rate_label,
        signed_yen=signed_yen,
        change_in_percent=change_in_percent,
    )


@bp.get("/<uuid:billing_run_id>")
@requires(Permission.INVOICES_READ)
def show(billing_run_id: UUID) -> ResponseReturnValue:
    run = found(reading(), BillingRun, billing_run_id)
    return render_template(
        "console/closing.html",
        parked=[(item, why_aside(item)) for item in parked_items(reading(), run.id)],
        held=[(item, why_aside(item)) for item in held_items(reading(), run.id)],
        excluded=excluded_from(reading(), run.closed_on),
        due_count=days_to_close(reading()).get(run.closed_on, 0),
        **_how_far(run),
    )


@bp.get("/<uuid:billing_run_id>/progress")
@requires(Permission.INVOICES_READ)
def progress(billing_run_id: UUID) -> ResponseReturnValue:
    """What the page of a closing at work asks for again and again."""
    run = found(reading(), BillingRun, billing_run_id)
    if "HX-Request" not in request.headers:
        return redirect(url_for(".show", billing_run_id=run.id), 303)
    how_far = _how_far(run)
    if not how_far["progress"].is_moving:
        return "", 204, {"HX-Refresh": "true"}
    return render_template("console/_closing_progress.html", **how_far)


@bp.post("/<uuid:billing_run_id>/accounts/<uuid:billing_item_id>/release")
@requires(Permission.INVOICES_ISSUE)
def release(billing_run_id: UUID, billing_item_id: UUID) -> ResponseReturnValue:
    with begin(current_actor()) as uow:
        if found(uow.session, BillingItem, billing_item_id).billing_run_id != billing_run_id:
            raise NotFound(kind="billing_item")
        release_item(uow, billing_item_id)
    flash(_("It is being billed again."), "success")
    return redirect(url_for(".show", billing_run_id=billing_run_id), 303)


@bp.post("/<uuid:billing_run_id>/release")
@requires(Permission.INVOICES_ISSUE)
def release_all(billing_run_id: UUID) -> ResponseReturnValue:
    """Everything that is parked is tried again; what still cannot be billed is parked again."""
    with begin(current_actor()) as uow:
        run = found(uow.session, BillingRun, billing_run_id)
        items = [item.id for item in parked_items(uow.session, run.id)]
        for item_id in items:
            release_item(uow, item_id)
    flash(
        ngettext(
            "%(num)s billing account is being billed again.",
            "%(num)s billing accounts are being billed again.",
            len(items),
        ),
        "success",
    )
    return redirect(url_for(".show", billing_run_id=billing_run_id), 303)


def why_aside(item: BillingItem) -> str:
    """Why the account waits for a person, as the rule said it when it was set aside."""
    return kept_refusal(item.reason_code or "", item.reason_params or {})


def _how_far(run: BillingRun) -> dict[str, Any]:
    return {
        "run": run,
        "progress": progress_of(reading(), [run.id])[run.id],
        "before": total_before(reading(), run),
        "has_mail_server": bool(current_app.config["RENTAL"].smtp_url),
        "signed_yen": signed_yen,
        "change_in_percent": change_in_percent,
    }


def _preview_page(form: FlaskForm, foreseen: ClosingToCome | None = None) -> str:
    foreseen = foreseen or ClosingToCome()
    shows_all = request.args.get("show") == "all" or not foreseen.remarkable
    rows = foreseen.invoices if shows_all else foreseen.remarkable
    return render_template(
        "console/closing_preview.html",
        form=form,
        foreseen=foreseen,
        run=closing_of(reading(), form.closed_on.data) if form.closed_on.data and not form.errors else None,
        excluded=excluded_from(reading(), form.closed_on.data) if form.closed_on.data else (),
        rows=rows[:SHOWN_AT_MOST],
        row_count=len(rows),
        shows_all=shows_all,
        shown_at_most=SHOWN_AT_MOST,
        refused=[(account, refusal(why)) for account, why in foreseen.refused[:SHOWN_AT_MOST]],
        why_parked=why_aside,
        why_doubtful=refusal,
        signed_yen=signed_yen,
        change_in_percent=change_in_percent,
    )
