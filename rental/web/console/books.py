"""The books: months that are closed with what they earned, and what the accounts are called."""

from datetime import date

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_wtf import FlaskForm

from rental.billing.closing_months import close_month, closed_months, open_months
from rental.billing.ledger_accounts import NAME_MAX_LENGTH, account_names, name_of, rename_account
from rental.billing.open_months import month_after
from rental.billing.queries import days_to_close
from rental.billing.rules.journals import LedgerAccount
from rental.core.db import reading
from rental.core.errors import DomainError, NotFound
from rental.core.uow import begin
from rental.identity.permissions import Permission
from rental.web.fields import AtMost, LineField, Needed, VersionField, filled_in
from rental.web.guards import current_actor, requires
from rental.web.problems import put_into_form
from rental.web.today import today

bp = Blueprint("books", __name__, url_prefix="/books")


class AccountForm(FlaskForm):
    """What an account is called in the company's books."""

    name = LineField(_l("Name in the books"), validators=[Needed(), AtMost(NAME_MAX_LENGTH)])
    version = VersionField(_l("Version"))


@bp.get("")
@requires(Permission.INVOICES_READ)
def index() -> ResponseReturnValue:
    months = open_months(reading(), today=today())
    return render_template(
        "console/books.html",
        open_months=list(reversed(months)),
        closed_months=closed_months(reading()),
        has_unbilled=any(months and day < month_after(months[-1].month) for day in days_to_close(reading())),
        accounts=account_names(reading()),
    )


@bp.post("/months/<month>")
@requires(Permission.INVOICES_ISSUE)
def close(month: str) -> ResponseReturnValue:
    """The month, such as 2026-10, and open ones before it. Asked for again, nothing happens."""
    try:
        first_day = date.fromisoformat(f"{month}-01")
    except ValueError as error:
        raise NotFound(kind="closed_month") from error
    with begin(current_actor()) as uow:
        count = len(close_month(uow, first_day))
    flash(ngettext("%(num)s month is closed now.", "%(num)s months are closed now.", count), "success")
    return redirect(url_for(".index"), 303)


@bp.get("/accounts/<ledger_account>")
@requires(Permission.INVOICES_READ)
def show_account(ledger_account: str) -> ResponseReturnValue:
    account = _account(ledger_account)
    return _account_page(account, AccountForm(formdata=None, obj=name_of(reading(), account)))


@bp.post("/accounts/<ledger_account>")
@requires(Permission.INVOICES_ISSUE)
def rename(ledger_account: str) -> ResponseReturnValue:
    account, form = _account(ledger_account), AccountForm()
    if not form.validate_on_submit():
        return _account_page(account, form), 422
    try:
        with begin(current_actor()) as uow:
            rename_account(uow, account, name=filled_in(form.name), version=form.version.data or 0)
    except DomainError as error:
        status = put_into_form(form, error)
        return _account_page(account, form), status
    flash(_("Saved. Entries are shown and exported under this name from now on."), "success")
    return redirect(url_for(".index"), 303)


def _account(name: str) -> LedgerAccount:
    if name not in list(LedgerAccount):
        raise NotFound(kind="ledger_account_name")
    return LedgerAccount(name)


def _account_page(account: LedgerAccount, form: AccountForm) -> str:
    return render_template("console/ledger_account.html", account=account, form=form)
