"""Technicians as planning knows them: base, cost, skills with levels, shifts, days off."""

from collections.abc import Callable, Sequence
from datetime import date
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm

from rental.catalog.queries import every_skill
from rental.core.db import found, reading
from rental.core.errors import DomainError, NotFound
from rental.core.idempotency import new_key
from rental.core.money import Money
from rental.core.uow import UnitOfWork, begin
from rental.dispatch import technicians
from rental.dispatch.models import OperatingBase, Technician
from rental.dispatch.queries import every_base, technician_accounts, technicians_with_all
from rental.dispatch.rules import TECHNICIAN_YEN_PER_HOUR
from rental.identity.models import Account
from rental.identity.permissions import Permission, Role
from rental.web.console.contract_forms import business_day
from rental.web.console.new_rows import make_once
from rental.web.dispatch_board.technician_forms import (
    BaseForm,
    DayOffForm,
    FactsForm,
    ShiftsForm,
    SkillsForm,
    skills_form,
)
from rental.web.dispatch_board.weeks import shifts_in_words
from rental.web.fields import filled_in
from rental.web.guards import current_actor, requires
from rental.web.problems import put_into_form

bp = Blueprint("technicians", __name__, url_prefix="/technicians")
_USUAL_OVERTIME = 60


@bp.get("")
@requires(Permission.PLANS_READ)
def index() -> ResponseReturnValue:
    return _list_page()


@bp.post("/bases")
@requires(Permission.PLANS_MANAGE)
def add_base() -> ResponseReturnValue:
    form = BaseForm()
    if not form.validate_on_submit():
        return _list_page(form), 422
    try:
        make_once(form, lambda uow: _add_base(uow, form))
    except DomainError as error:
        status = put_into_form(form, error)
        return _list_page(form), status
    flash(_("The base is added. Technicians can start from it now."), "success")
    return redirect(url_for(".index"), 303)


def _add_base(uow: UnitOfWork, form: BaseForm) -> OperatingBase:
    position = filled_in(form.position)
    return technicians.add_base(
        uow,
        code=form.code.data,
        name=form.name.data,
        latitude=position.latitude,
        longitude=position.longitude,
    )


@bp.get("/<uuid:technician_id>")
@requires(Permission.PLANS_READ)
def show(technician_id: UUID) -> ResponseReturnValue:
    return _page(technician_id)


@bp.post("/<uuid:technician_id>")
@requires(Permission.PLANS_MANAGE)
def set_up(technician_id: UUID) -> ResponseReturnValue:
    form = FactsForm(every_base(reading()))

    def command(uow: UnitOfWork) -> None:
        technicians.set_up_technician(
            uow,
            technician_id,
            base_id=UUID(form.base_id.data),
            hourly_cost=filled_in(form.hourly_cost),
            max_overtime=filled_in(form.max_overtime),
            is_active=form.is_active.data,
            version=filled_in(form.version),
        )

    return _save(technician_id, form, command, facts_form=form)


@bp.post("/<uuid:technician_id>/skills")
@requires(Permission.PLANS_MANAGE)
def set_skills(technician_id: UUID) -> ResponseReturnValue:
    form = skills_form(every_skill(reading()))
    return _save(
        technician_id,
        form,
        lambda uow: technicians.set_skills(uow, technician_id, form.levels),
        skill_form=form,
    )


@bp.post("/<uuid:technician_id>/shifts")
@requires(Permission.PLANS_MANAGE)
def set_shifts(technician_id: UUID) -> ResponseReturnValue:
    form = ShiftsForm()
    return _save(
        technician_id,
        form,
        lambda uow: technicians.set_shifts(uow, technician_id, form.shifts),
        shifts_form=form,
    )


@bp.post("/<uuid:technician_id>/days-off")
@requires(Permission.PLANS_MANAGE)
def give_day_off(technician_id: UUID) -> ResponseReturnValue:
    form = DayOffForm()

    def command(uow: UnitOfWork) -> None:
        technicians.give_day_off(
            uow,
            technician_id,
            filled_in(form.off_on),
            reason=form.reason.data,
            call_off=form.call_off.data,
        )

    return _save(technician_id, form, command, day_off_form=form)


@bp.post("/<uuid:technician_id>/days-off/<off_on>/remove")
@requires(Permission.PLANS_MANAGE)
def take_day_off_back(technician_id: UUID, off_on: str) -> ResponseReturnValue:
    try:
        day = date.fromisoformat(off_on)
    except ValueError:
        raise NotFound(kind="day_off") from None
    with begin(current_actor()) as uow:
        technicians.take_day_off_back(uow, technician_id, day)
    flash(_("The technician works on this day after all."), "success")
    return redirect(url_for(".show", technician_id=technician_id), 303)


def _save(
    technician_id: UUID, form: FlaskForm, command: Callable[[UnitOfWork], object], **shown: FlaskForm
) -> ResponseReturnValue:
    """One form of the page: saved, or shown again with what is wrong."""
    _require_technician(technician_id)
    if not form.validate_on_submit():
        return _page(technician_id, **shown), 422
    try:
        with begin(current_actor()) as uow:
            command(uow)
    except NotFound:
        raise
    except DomainError as error:
        status = put_into_form(form, error)
        return _page(technician_id, **shown), status
    flash(_("Saved."), "success")
    return redirect(url_for(".show", technician_id=technician_id), 303)


def _require_technician(technician_id: UUID) -> Account:
    account = found(reading(), Account, technician_id)
    if Role.TECHNICIAN not in account.roles:
        raise NotFound(kind="technician")
    return account


def _list_page(form: BaseForm | None = None) -> str:
    accounts = technician_accounts(reading())
    return render_template(
        "dispatch_board/technicians.html",
        accounts=accounts,
        known=technicians_with_all(reading(), [account.id for account in accounts]),
        bases=every_base(reading()),
        form=form or BaseForm(formdata=None, request_key=new_key()),
        shifts_in_words=shifts_in_words,
        today=business_day(),
    )


def _page(
    technician_id: UUID,
    *,
    facts_form: FactsForm | None = None,
    skill_form: SkillsForm | None = None,
    shifts_form: ShiftsForm | None = None,
    day_off_form: DayOffForm | None = None,
) -> str:
    account = _require_technician(technician_id)
    technician = technicians_with_all(reading(), [account.id]).get(account.id)
    bases = every_base(reading())
    return render_template(
        "dispatch_board/technician.html",
        account=account,
        technician=technician,
        has_bases=bool(bases),
        facts_form=facts_form or _facts_form(bases, technician),
        skill_form=skill_form or (skills_form(every_skill(reading()), technician) if technician else None),
        shifts_form=shifts_form or (ShiftsForm.of(technician) if technician else None),
        day_off_form=day_off_form or DayOffForm(formdata=None),
        coming_days_off=[day for day in technician.days_off if day.off_on >= business_day()]
        if technician
        else [],
    )


def _facts_form(bases: Sequence[OperatingBase], technician: Technician | None) -> FactsForm:
    return FactsForm(
        bases,
        formdata=None,
        base_id=str(technician.base_id) if technician else None,
        hourly_cost=technician.hourly_cost if technician else Money(TECHNICIAN_YEN_PER_HOUR),
        max_overtime=technician.max_overtime if technician else _USUAL_OVERTIME,
        is_active=technician.is_active if technician else True,
        version=technician.version if technician else 0,
    )
