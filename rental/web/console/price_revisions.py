"""A general revision of fees: every contract under a rate plan, looked at in a list, recorded one by one."""

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_wtf import FlaskForm
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from werkzeug.datastructures import MultiDict

from rental.billing.rules.amendments import Effect
from rental.catalog.models import EquipmentModel, RatePlan
from rental.changes.revisions import Revision, RevisionList, foresee_revision, revise_contract
from rental.contracts.models import Contract
from rental.core.db import found, reading
from rental.core.errors import DomainError
from rental.core.money import Money
from rental.core.uow import begin
from rental.identity.permissions import Permission
from rental.web.fields import (
    AtMost,
    ChoiceField,
    DayField,
    LineField,
    Needed,
    RowsField,
    YenField,
    choices,
    choices_of,
    filled_in,
)
from rental.web.guards import current_actor, requires
from rental.web.problems import put_into_form
from rental.web.refusals import refusal
from rental.web.sentences import state_label
from rental.web.today import today
from rental.web.wording.billing import signed_yen

bp = Blueprint("price_revisions", __name__, url_prefix="/price-revisions")
# Each contract is amended in a transaction of its own, which takes a few hundredths of a second.
_AT_ONCE = RowsField.most


class RevisionForm(FlaskForm):
    """Which plan is to cost what from when. It comes in the address: looking changes nothing."""

    class Meta:
        csrf = False

    rate_plan_id = ChoiceField(_l("Rate plan"))
    fee = YenField(
        _l("New fee of one machine a month"), validators=[Needed()], description=_l("Without tax.")
    )
    fee_until_now = YenField(
        _l("Only lines that cost until now"), description=_l("Empty: every line under the plan.")
    )
    effective_on = DayField(_l("From"), validators=[Needed()])
    effect = ChoiceField(
        _l("How it counts"), description=_l("A line in its minimum term keeps its fee, and is left out.")
    )
    after = LineField(_l("After contract"), validators=[AtMost(20)])

    def __init__(self, given: MultiDict[str, str] | None, **at_first: Any) -> None:
        super().__init__(formdata=given, **({} if given else at_first))
        plans = reading().scalars(
            select(RatePlan)
            .join(EquipmentModel)
            .options(joinedload(RatePlan.equipment_model))
            .order_by(EquipmentModel.code, RatePlan.code)
        )
        self.rate_plan_id.choices = choices(
            *((str(plan.id), f"{plan.equipment_model.code} · {plan.code} {plan.name}") for plan in plans)
        )
        self.effect.choices = choices_of((Effect.NEXT_PERIOD, Effect.IMMEDIATE), state_label)

    @property
    def revision(self) -> Revision:
        return Revision(
            UUID(self.rate_plan_id.data),
            filled_in(self.fee),
            filled_in(self.effective_on),
            Effect(self.effect.data),
            self.fee_until_now.data,
        )


class RecordForm(FlaskForm):
    """For which contracts it is agreed, why, and when the customers were told."""

    contracts = RowsField(_l("Contracts"), validators=[Needed()])
    reason = LineField(_l("Reason"), validators=[Needed(), AtMost(500)])
    notified_on = DayField(_l("Customers were told on"))


@bp.get("")
@requires(Permission.CONTRACTS_MANAGE)
def look() -> ResponseReturnValue:
    if "look" not in request.args:
        return _page(RevisionForm(None, effective_on=today()))
    form = RevisionForm(request.args)
    if not form.validate():
        return _page(form), 422
    try:
        revised = _foresee(form)
    except DomainError as error:
        put_into_form(form, error)
        return _page(form), 422
    return _page(form, revised, RecordForm(formdata=None))


@bp.post("")
@requires(Permission.CONTRACTS_MANAGE)
def record() -> ResponseReturnValue:
    """Contract by contract: one that refuses keeps nobody else from being revised, and doing it again
    revises only what is left."""
    form, confirmed = RevisionForm(request.form), RecordForm()
    is_valid, is_confirmed = form.validate(), confirmed.validate_on_submit()
    if not is_valid:
        return _page(form), 422
    if not is_confirmed:
        try:
            return _page(form, _foresee(form), confirmed), 422
        except DomainError as error:
            status = put_into_form(form, error)
            return _page(form), status
    contracts = [found(reading(), Contract, contract_id) for contract_id in filled_in(confirmed.contracts)]
    numbers = [(contract.id, contract.number) for contract in contracts]
    revised_count = sum(_revise(*each, form.revision, confirmed) for each in numbers)
    flash(
        ngettext("%(num)s contract is revised.", "%(num)s contracts are revised.", revised_count), "success"
    )
    return redirect(_address_of(form), 303)


def _revise(contract_id: UUID, number: str, revision: Revision, confirmed: RecordForm) -> bool:
    """Whether something was recorded; why not is said."""
    try:
        with begin(current_actor()) as uow:
            amendment = revise_contract(
                uow,
                contract_id,
                revision,
                reason=filled_in(confirmed.reason),
                notified_on=confirmed.notified_on.data,
            )
    except DomainError as error:
        flash(_("%(contract)s: %(problem)s", contract=number, problem=refusal(error)), "error")
        return False
    return amendment is not None


def _foresee(form: RevisionForm) -> RevisionList:
    after = form.after.data or ""
    return foresee_revision(reading(), form.revision, today=today(), after=after, limit=_AT_ONCE)


def _address_of(form: RevisionForm, **changed: str) -> str:
    """Where the same is looked at."""
    given: dict[str, Any] = {item.name: request.values.get(item.name, "") for item in form}
    return url_for(".look", **given | {"look": 1} | changed)


def _page(
    form: RevisionForm, revised: RevisionList | None = None, confirmed: RecordForm | None = None
) -> str:
    fee: Money = form.fee.data or Money(0)
    contracts = revised.contracts if revised else ()
    next_url = None
    if revised and revised.next_after:
        next_url = _address_of(form, after=revised.next_after)
    return render_template(
        "console/price_revisions.html",
        form=form,
        revised=revised,
        confirmed=confirmed,
        fee=fee,
        open_count=sum(each.is_open for each in contracts),
        difference=sum((each.difference(fee) for each in contracts), Money(0)),
        carried=[(item.name, value) for item in form for value in request.values.getlist(item.name)],
        next_url=next_url,
        refusal=refusal,
        signed_yen=signed_yen,
    )
