"""Who issues our invoices: what stands at the head of each."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm

from rental.billing.issuing import BANK_ACCOUNT_MAX_LENGTH, company_profile, describe_company
from rental.core.db import reading
from rental.core.errors import DomainError
from rental.core.uow import begin
from rental.customers import rules
from rental.identity.permissions import Permission
from rental.web.fields import AtMost, EmailField, LineField, Needed, VersionField
from rental.web.guards import current_actor, requires
from rental.web.problems import put_into_form

bp = Blueprint("issuer", __name__, url_prefix="/issuer")
_FACTS = ("name", "registration_number", "postal_code", "address", "phone", "email", "bank_account")


class IssuerForm(FlaskForm):
    """The company as its invoices name it. Without a version nobody had written it down yet."""

    name = LineField(_l("Company"), validators=[Needed(), AtMost(rules.NAME_MAX_LENGTH)])
    registration_number = LineField(_l("Registration number"), validators=[Needed(), AtMost(40)])
    postal_code = LineField(_l("Postal code"), validators=[AtMost(20)])
    address = LineField(_l("Address"), validators=[Needed(), AtMost(rules.ADDRESS_MAX_LENGTH)])
    phone = LineField(_l("Telephone"), validators=[AtMost(40)])
    email = EmailField(_l("E-mail"), validators=[AtMost(254)])
    bank_account = LineField(_l("Bank account"), validators=[Needed(), AtMost(BANK_ACCOUNT_MAX_LENGTH)])
    version = VersionField(_l("Version"))

    @property
    def facts(self) -> dict[str, Any]:
        return {name: self[name].data for name in _FACTS}


@bp.get("")
@requires(Permission.INVOICES_READ)
def show() -> ResponseReturnValue:
    return _page(IssuerForm(formdata=None, obj=company_profile(reading())))


@bp.post("")
@requires(Permission.INVOICES_ISSUE)
def change() -> ResponseReturnValue:
    form = IssuerForm()
    if not form.validate_on_submit():
        return _page(form), 422
    try:
        with begin(current_actor()) as uow:
            describe_company(uow, version=form.version.data or 0, **form.facts)
    except DomainError as error:
        status = put_into_form(form, error)
        return _page(form), status
    flash(_("Saved. Invoices that are finalised keep what stood there."), "success")
    return redirect(url_for(".show"), 303)


def _page(form: IssuerForm) -> str:
    return render_template("console/issuer.html", form=form)
