"""Work orders: what is to be done where, who goes there when, and what came back from the site."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from sqlalchemy import Select
from wtforms import BooleanField

from rental.core.db import found, reading
from rental.core.errors import DomainError, NotFound
from rental.core.idempotency import new_key
from rental.core.paging import Order
from rental.core.states import IllegalStep
from rental.core.uow import UnitOfWork, begin
from rental.fieldwork import visits
from rental.fieldwork.models import Visit, WorkOrder, WorkOrderPhoto
from rental.fieldwork.queries import (
    commands_of,
    conflict_count,
    follow_ups_of,
    notes_of,
    photos_of,
    state_counts,
    steps_of,
    work_order_with_all,
    work_orders_matching,
    work_orders_with,
)
from rental.fieldwork.rules import OVER, WORK_ORDER_STATES, VisitState, WorkOrderState
from rental.fieldwork.work_orders import make_ready
from rental.identity.models import Account
from rental.identity.permissions import Permission, Role
from rental.identity.queries import accounts_matching
from rental.identity.rules import AccountState
from rental.web.console.contract_forms import business_day
from rental.web.console.field_reports import answer_of, evidence_of, told_words
from rental.web.console.new_rows import make_once
from rental.web.fields import (
    AtMost,
    ChoiceField,
    DayField,
    KeyField,
    LineField,
    Needed,
    RowsField,
    SearchField,
    TimeField,
    choices,
    choices_of,
)
from rental.web.guards import current_actor, requires
from rental.web.problems import put_into_form
from rental.web.sentences import state_label
from rental.web.stored_files import answer_with_file
from rental.web.tables import FilterForm, Heading, empty_table, read_table

bp = Blueprint("work_orders", __name__, url_prefix="/work-orders")
EVERY_STATE = "all"


class WorkOrderFilter(FilterForm):
    """Words, and a state: open ones unless another is asked for."""

    tab_name = "state"
    q = SearchField(_l("Number or site"), validators=[AtMost(100)])
    state = ChoiceField(_l("State"))

    def __init__(self) -> None:
        super().__init__()
        self.state.choices = [
            *choices(("", _("Open")), (EVERY_STATE, _("All states"))),
            *choices_of(WorkOrderState, state_label),
        ]
        self.state.data = self.state.data or ""

    @property
    def statement(self) -> Select[WorkOrder]:
        """What is asked for, in no order yet."""
        chosen = self.state.data
        state = WorkOrderState(chosen) if chosen not in ("", EVERY_STATE) else None
        return work_orders_matching(words=self.q.data or "", state=state, is_open=not chosen)


class VisitForm(FlaskForm):
    """Who goes there, and when. The key makes a form sent twice one visit."""

    orders = RowsField(_l("Work orders"), validators=[Needed()])
    technician_id = ChoiceField(_l("Technician"))
    planned_on = DayField(_l("Day"), validators=[Needed()])
    starts_at = TimeField(_l("Agreed time"))
    publish = BooleanField(_l("Send out now"))
    request_key = KeyField(_l("Form"), validators=[Needed()])

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.technician_id.choices = choices(
            *((str(account.id), account.name) for account in technicians_in_use())
        )


class CancelForm(FlaskForm):
    """Why the work order will not be done."""

    reason = LineField(_l("Reason"), validators=[Needed(), AtMost(200)])

    def __init__(self, **kwargs: object) -> None:
        super().__init__(prefix="cancel-", **kwargs)


def technicians_in_use() -> Sequence[Account]:
    """Whom a visit can be given to, by name."""
    statement = accounts_matching(words="", role=Role.TECHNICIAN, state=AccountState.ACTIVE)
    return reading().scalars(statement.order_by(Account.name, Account.id).limit(500)).all()


@bp.get("")
@requires(Permission.WORK_ORDERS_READ)
def index() -> ResponseReturnValue:
    filters = WorkOrderFilter()
    headings = [
        Heading("number", _("Work order"), Order((WorkOrder.number,))),
        Heading("kind", _("Kind")),
        Heading("site", _("Site")),
        Heading("customer", _("Customer")),
        Heading("machines", _("Machines"), numeric=True),
        Heading("wanted_on", _("Wanted day"), Order((WorkOrder.wanted_on, WorkOrder.id)), numeric=True),
        Heading("state", _("State"), Order((WorkOrder.state, WorkOrder.id))),
        Heading("visit", _("Visit")),
    ]
    rest = {"counts": state_counts(reading()), "conflict_count": conflict_count(reading())}
    if not filters.validate():
        table = empty_table("work-orders", headings, filters)
        return render_template("console/work_orders.html", table=table, **rest), 422
    table = read_table(
        reading(), "work-orders", filters.statement, headings, default_sort="wanted_on", filters=filters
    )
    return render_template("console/work_orders.html", table=table, **rest)


@bp.get("/plan")
@requires(Permission.WORK_ORDERS_PLAN)
def ask_visit() -> ResponseReturnValue:
    """For several work orders of one site that were ticked in the list."""
    ids = RowsField.read(request.args.getlist("order"))
    form = VisitForm(formdata=None, orders=ids, planned_on=_first_day(ids), request_key=new_key())
    return _plan_page(form)


@bp.post("/plan")
@requires(Permission.WORK_ORDERS_PLAN)
def plan() -> ResponseReturnValue:
    form = VisitForm()
    if not form.validate_on_submit():
        return _plan_page(form), 422
    try:
        make_once(form, lambda uow: _plan(uow, form))
    except DomainError as error:
        status = put_into_form(form, error)
        return _plan_page(form), status
    if form.publish.data:
        flash(_("The visit is sent out. The technician sees it on the phone."), "success")
    else:
        flash(_("The visit is planned. Nobody is told before it is sent out."), "success")
    return _back_to(form.orders.data[0])


def _plan(uow: UnitOfWork, form: VisitForm) -> Visit:
    visit = visits.plan_visit(
        uow,
        form.orders.data,
        technician_id=UUID(form.technician_id.data),
        planned_on=form.planned_on.data or business_day(),
        starts_at=form.starts_at.data,
    )
    return visits.publish_visit(uow, visit.id) if form.publish.data else visit


@bp.get("/<uuid:work_order_id>")
@requires(Permission.WORK_ORDERS_READ)
def show(work_order_id: UUID) -> ResponseReturnValue:
    return _page(work_order_id)


@bp.get("/<uuid:work_order_id>/photos/<uuid:photo_id>")
@requires(Permission.WORK_ORDERS_READ)
def photo(work_order_id: UUID, photo_id: UUID) -> ResponseReturnValue:
    picture = found(reading(), WorkOrderPhoto, photo_id)
    if picture.work_order_id != work_order_id or not picture.file.media_type.startswith("image/"):
        raise NotFound(kind="work_order_photo")
    return answer_with_file(picture.file)


@bp.post("/<uuid:work_order_id>/ready")
@requires(Permission.WORK_ORDERS_PLAN)
def make_order_ready(work_order_id: UUID) -> ResponseReturnValue:
    with begin(current_actor()) as uow:
        make_ready(uow, work_order_id)
    flash(_("The work order can be planned now."), "success")
    return _back_to(work_order_id)


@bp.post("/<uuid:work_order_id>/publish")
@requires(Permission.WORK_ORDERS_PLAN)
def publish(work_order_id: UUID) -> ResponseReturnValue:
    with begin(current_actor()) as uow:
        visits.publish_visit(uow, _visit_of(uow, work_order_id, VisitState.PUBLISHED))
    flash(_("The visit is sent out. The technician sees it on the phone."), "success")
    return _back_to(work_order_id)


@bp.post("/<uuid:work_order_id>/call-off")
@requires(Permission.WORK_ORDERS_PLAN)
def call_off(work_order_id: UUID) -> ResponseReturnValue:
    with begin(current_actor()) as uow:
        visits.call_off_visit(uow, _visit_of(uow, work_order_id, VisitState.CANCELLED))
    flash(_("The visit is called off. Its work orders can be planned again."), "success")
    return _back_to(work_order_id)


@bp.post("/<uuid:work_order_id>/cancel")
@requires(Permission.WORK_ORDERS_PLAN)
def cancel(work_order_id: UUID) -> ResponseReturnValue:
    found(reading(), WorkOrder, work_order_id)
    form = CancelForm()
    if not form.validate_on_submit():
        return _page(work_order_id, cancel_form=form), 422
    try:
        with begin(current_actor()) as uow:
            visits.cancel_work_order(uow, work_order_id, reason=form.reason.data)
    except DomainError as error:
        status = put_into_form(form, error)
        return _page(work_order_id, cancel_form=form), status
    flash(_("The work order is cancelled. The contract still promises its machines."), "success")
    return _back_to(work_order_id)


def _visit_of(uow: UnitOfWork, work_order_id: UUID, wanted: VisitState) -> UUID:
    """The visit this work order is part of; without one there is nothing to send out or to call off."""
    order = found(uow.session, WorkOrder, work_order_id)
    if order.visit_id is None:
        raise IllegalStep(kind="VisitState", now="", wanted=wanted.value)
    return order.visit_id


def _plan_page(form: VisitForm) -> str:
    orders = work_orders_with(reading(), form.orders.data or [])
    return render_template("console/visit_new.html", form=form, orders=orders)


def _page(work_order_id: UUID, *, cancel_form: CancelForm | None = None) -> str:
    order = work_order_with_all(reading(), work_order_id)
    if order is None:
        raise NotFound(kind="work_order")
    visit_form = VisitForm(
        formdata=None, orders=[order.id], planned_on=_first_day([order.id]), request_key=new_key()
    )
    return render_template(
        "console/work_order.html",
        order=order,
        earlier=reading().get(WorkOrder, order.follows_id) if order.follows_id else None,
        follow_ups=follow_ups_of(reading(), order.id),
        notes=notes_of(reading(), order.id),
        photos=photos_of(reading(), order.id),
        steps=steps_of(reading(), order.id),
        commands=commands_of(reading(), order.id),
        answer_of=answer_of,
        evidence_of=evidence_of,
        told_words=told_words,
        is_over=order.state in OVER,
        may_cancel=WORK_ORDER_STATES.allows(order.state, WorkOrderState.CANCELLED),
        visit_form=visit_form,
        cancel_form=cancel_form or CancelForm(formdata=None),
    )


def _first_day(ids: Sequence[UUID]) -> date:
    """The latest day on which one of them is wanted, or today when that is over."""
    wanted = [order.wanted_on for order in work_orders_with(reading(), ids)]
    return max([business_day(), *wanted])


def _back_to(work_order_id: UUID) -> ResponseReturnValue:
    return redirect(url_for(".show", work_order_id=work_order_id), 303)
