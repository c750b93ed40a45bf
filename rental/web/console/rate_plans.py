"""Rate plans: the ways to rent a model, and what each asks for from a day on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug import Response

from rental.catalog import rate_plans
from rental.catalog.models import EquipmentModel, RatePlan, RatePlanVersion
from rental.catalog.rate_plans import Terms
from rental.catalog.rules import LONGEST_CODE, StartPolicy, StopPolicy, TaxClass
from rental.core.db import found, reading
from rental.core.errors import DomainError
from rental.core.idempotency import new_key
from rental.core.uow import begin
from rental.identity.permissions import Permission
from rental.web.console.new_rows import make_once
from rental.web.fields import (
    AtMost,
    ChoiceField,
    CodeField,
    DayField,
    KeyField,
    LineField,
    Needed,
    WholeNumberField,
    YenField,
    choices_of,
    filled_in,
)
from rental.web.guards import current_actor, requires
from rental.web.problems import put_into_form
from rental.web.sentences import state_label
from rental.web.today import today

bp = Blueprint("rate_plans", __name__)


@dataclass(frozen=True, slots=True)
class PlanView:
    """A plan as the page of its model shows it: the latest version first, and the one that holds today."""

    plan: RatePlan
    versions: Sequence[RatePlanVersion]
    holding: RatePlanVersion | None


class TermsForm(FlaskForm):
    """What a plan asks for from a day on. The key makes a form sent twice one version."""

    valid_from = DayField(_l("Valid from"), validators=[Needed()])
    monthly_fee = YenField(_l("Monthly fee"), validators=[Needed()])
    tax_class = ChoiceField(_l("Tax"))
    start_policy = ChoiceField(_l("Rent starts"))
    trial_days = WholeNumberField(_l("Days of trial"), validators=[Needed()], maximum=365)
    stop_policy = ChoiceField(_l("Rent stops"))
    minimum_months = WholeNumberField(_l("Minimum months"), validators=[Needed()], maximum=120)
    request_key = KeyField(_l("Form"), validators=[Needed()])

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.tax_class.choices = choices_of(TaxClass, state_label)
        self.start_policy.choices = choices_of(StartPolicy, state_label)
        self.stop_policy.choices = choices_of(StopPolicy, state_label)

    @property
    def terms(self) -> Terms:
        return Terms(
            monthly_fee=filled_in(self.monthly_fee),
            tax_class=TaxClass(self.tax_class.data),
            start_policy=StartPolicy(self.start_policy.data),
            stop_policy=StopPolicy(self.stop_policy.data),
            minimum_months=filled_in(self.minimum_months),
            trial_days=filled_in(self.trial_days),
        )


class PlanForm(TermsForm):
    """A new plan with its first version."""

    code = CodeField(_l("Code"), validators=[Needed(), AtMost(LONGEST_CODE)])
    name = LineField(_l("Name"), validators=[Needed(), AtMost(100)])


def plan_views(plans: Sequence[RatePlan], on: date) -> list[PlanView]:
    """What the page of a model shows of its plans on this day."""
    views = []
    for plan in plans:
        latest_first = plan.versions[::-1]
        holding = next((version for version in latest_first if version.valid_from <= on), None)
        views.append(PlanView(plan, latest_first, holding))
    return views


@bp.get("/equipment-models/<uuid:equipment_model_id>/rate-plans/new")
@requires(Permission.CATALOG_MANAGE)
def ask(equipment_model_id: UUID) -> ResponseReturnValue:
    form = PlanForm(
        request_key=new_key(),
        valid_from=today(),
        tax_class=TaxClass.STANDARD.value,
        start_policy=StartPolicy.INSTALLATION.value,
        trial_days=0,
        stop_policy=StopPolicy.RETRIEVAL.value,
        minimum_months=12,
    )
    return _plan_page(form, equipment_model_id)


@bp.post("/equipment-models/<uuid:equipment_model_id>/rate-plans/new")
@requires(Permission.CATALOG_MANAGE)
def add(equipment_model_id: UUID) -> ResponseReturnValue:
    found(reading(), EquipmentModel, equipment_model_id)
    form = PlanForm()
    if not form.validate_on_submit():
        return _plan_page(form, equipment_model_id), 422
    try:
        make_once(
            form,
            lambda uow: rate_plans.add_rate_plan(
                uow,
                equipment_model_id,
                code=form.code.data,
                name=form.name.data,
                valid_from=filled_in(form.valid_from),
                terms=form.terms,
            ),
        )
    except DomainError as error:
        status = put_into_form(form, error)
        return _plan_page(form, equipment_model_id), status
    flash(_("The plan is added."), "success")
    return _to_model(equipment_model_id)


@bp.get("/rate-plans/<uuid:rate_plan_id>/versions/new")
@requires(Permission.CATALOG_MANAGE)
def ask_version(rate_plan_id: UUID) -> ResponseReturnValue:
    plan = found(reading(), RatePlan, rate_plan_id)
    latest = plan.versions[-1]
    same = ("monthly_fee", "trial_days", "minimum_months")
    form = TermsForm(
        request_key=new_key(),
        **{name: getattr(latest, name) for name in same},
        **{name: getattr(latest, name).value for name in ("tax_class", "start_policy", "stop_policy")},
    )
    return _version_page(form, plan)


@bp.post("/rate-plans/<uuid:rate_plan_id>/versions/new")
@requires(Permission.CATALOG_MANAGE)
def add_version(rate_plan_id: UUID) -> ResponseReturnValue:
    plan, form = found(reading(), RatePlan, rate_plan_id), TermsForm()
    if not form.validate_on_submit():
        return _version_page(form, plan), 422
    try:
        make_once(
            form,
            lambda uow: rate_plans.add_version(
                uow, rate_plan_id, valid_from=filled_in(form.valid_from), terms=form.terms
            ),
        )
    except DomainError as error:
        status = put_into_form(form, error)
        return _version_page(form, plan), status
    flash(_("The version is added. Contracts that name an earlier one keep it."), "success")
    return _to_model(plan.equipment_model_id)


@bp.post("/rate-plans/<uuid:rate_plan_id>/withdraw")
@requires(Permission.CATALOG_MANAGE)
def withdraw(rate_plan_id: UUID) -> ResponseReturnValue:
    with begin(current_actor()) as uow:
        plan = rate_plans.offer_rate_plan(uow, rate_plan_id, offered=False)
    flash(_("New contracts cannot name this plan any more."), "success")
    return _to_model(plan.equipment_model_id)


@bp.post("/rate-plans/<uuid:rate_plan_id>/offer")
@requires(Permission.CATALOG_MANAGE)
def offer(rate_plan_id: UUID) -> ResponseReturnValue:
    with begin(current_actor()) as uow:
        plan = rate_plans.offer_rate_plan(uow, rate_plan_id, offered=True)
    flash(_("New contracts can name this plan again."), "success")
    return _to_model(plan.equipment_model_id)


def _to_model(equipment_model_id: UUID) -> Response:
    return redirect(url_for("equipment_models.show", equipment_model_id=equipment_model_id), 303)


def _plan_page(form: PlanForm, equipment_model_id: UUID) -> str:
    model = found(reading(), EquipmentModel, equipment_model_id)
    return render_template("console/rate_plan_form.html", form=form, model=model, plan=None)


def _version_page(form: TermsForm, plan: RatePlan) -> str:
    return render_template("console/rate_plan_form.html", form=form, model=plan.equipment_model, plan=plan)
