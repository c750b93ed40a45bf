"""The limits of billing: up to where documents are made without a second look."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm

from rental.billing.limits import billing_limits, limits_of, set_limits
from rental.billing.rules.bounds import MOST_GRACE_DAYS, Limits
from rental.billing.rules.drafts import MONTHS_LOOKED_BACK
from rental.core.db import reading
from rental.core.errors import DomainError
from rental.core.uow import begin
from rental.identity.permissions import Permission
from rental.web.fields import Needed, VersionField, WholeNumberField, YenField, filled_in
from rental.web.guards import current_actor, requires
from rental.web.problems import put_into_form

bp = Blueprint("billing_limits", __name__, url_prefix="/billing-limits")


class LimitsForm(FlaskForm):
    """What is left out has no limit. Without a version nobody has decided anything yet."""

    document = YenField(_l("Limit of a document"), minimum=1)
    times = WholeNumberField(_l("Times the one before"), minimum=1, maximum=1000)
    times_from = YenField(_l("Compared from"), validators=[Needed()], minimum=1)
    lines = WholeNumberField(_l("Lines of a contract"), validators=[Needed()], minimum=1, maximum=100_000)
    run = YenField(_l("Limit of a closing"), minimum=1)
    months_back = WholeNumberField(
        _l("Months an amendment may reach back"),
        validators=[Needed()],
        minimum=1,
        maximum=MONTHS_LOOKED_BACK,
    )
    grace_days = WholeNumberField(
        _l("Days of grace"), validators=[Needed()], minimum=0, maximum=MOST_GRACE_DAYS
    )
    version = VersionField(_l("Version"))

    @property
    def limits(self) -> Limits:
        return Limits(
            self.document.data,
            self.times.data,
            filled_in(self.times_from),
            filled_in(self.lines),
            self.run.data,
            filled_in(self.months_back),
            filled_in(self.grace_days),
        )


@bp.get("")
@requires(Permission.INVOICES_READ)
def show() -> ResponseReturnValue:
    kept = billing_limits(reading())
    version = kept.version if kept else None
    return _page(LimitsForm(formdata=None, version=version, **limits_of(reading())._asdict()))


@bp.post("")
@requires(Permission.INVOICES_ISSUE)
def change() -> ResponseReturnValue:
    form = LimitsForm()
    if not form.validate_on_submit():
        return _page(form), 422
    try:
        with begin(current_actor()) as uow:
            set_limits(uow, form.limits, version=form.version.data or 0)
    except DomainError as error:
        status = put_into_form(form, error)
        return _page(form), status
    flash(_("Saved. These limits hold from now on."), "success")
    return redirect(url_for(".show"), 303)


def _page(form: LimitsForm) -> str:
    return render_template("console/billing_limits.html", form=form)
