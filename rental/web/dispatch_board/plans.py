"""Route plans: ask for a day's routes, watch the search, look at what was found, send it out."""

from datetime import date, datetime, timedelta
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_wtf import FlaskForm
from wtforms import BooleanField

from rental.core.business_date import pinned_business_date
from rental.core.db import reading
from rental.core.errors import DomainError, NotFound
from rental.core.idempotency import new_key
from rental.core.national_holidays import is_national_holiday
from rental.core.paging import Order
from rental.core.runtime import runtime
from rental.core.uow import begin
from rental.dispatch.models import PlanLeftOut, PlanStop, RoutePlan
from rental.dispatch.planning import request_plan
from rental.dispatch.publishing import call_off_stop, publish_plan
from rental.dispatch.queries import (
    left_out_counts,
    order_counts,
    people_at_work,
    plan_with_all,
    progress_of,
    route_plans,
    stop_counts,
)
from rental.dispatch.reassigning import PlaceInRoute, move_stop, places_for_stop, stop_of
from rental.dispatch.rules import GIVEN_UP_AFTER, SECONDS_OFFERED, WAITED_FOR
from rental.identity.permissions import Permission
from rental.web.console.contract_forms import business_day
from rental.web.console.new_rows import make_once
from rental.web.dispatch_board.crews import crews_of, km
from rental.web.dispatch_board.schematic import schematic_of
from rental.web.dispatch_board.timeline import progress_line, timeline_of
from rental.web.fields import ChoiceField, DayField, KeyField, Needed, VersionField, choices
from rental.web.formats import clock, yen
from rental.web.guards import current_actor, requires
from rental.web.problems import put_into_form, status_of
from rental.web.refusals import refusal
from rental.web.tables import FilterForm, Heading, empty_table, read_table
from rental.web.wording.dispatch import COST_PARTS, CURE_SENTENCES, CURES, TRAVEL_SOURCES

bp = Blueprint("plans", __name__, url_prefix="/plans")
_SATURDAY = 5


class PlanFilter(FilterForm):
    """A day."""

    day = DayField(_l("Day"))


class PlanForm(FlaskForm):
    """Which day, and how long to search. The key makes a form sent twice one plan."""

    planned_on = DayField(_l("Day"), validators=[Needed()])
    seconds = ChoiceField(_l("Search for"))
    on_holiday = BooleanField(_l("Plan it although it is a public holiday"))
    request_key = KeyField(_l("Form"), validators=[Needed()])

    def __init__(self, **kwargs: object) -> None:
        super().__init__(prefix="plan-", **kwargs)
        self.seconds.choices = choices(
            *(
                (str(seconds), ngettext("%(num)s second", "%(num)s seconds", seconds))
                for seconds in SECONDS_OFFERED
            )
        )


class MoveForm(FlaskForm):
    """Where a stop is to go, in the plan as somebody saw it."""

    place = ChoiceField(_l("Place in the route"))
    version = VersionField(_l("Version"), validators=[Needed()])


@bp.get("")
@requires(Permission.PLANS_READ)
def index() -> ResponseReturnValue:
    return _list_page()


@bp.post("")
@requires(Permission.PLANS_MANAGE)
def ask() -> ResponseReturnValue:
    form = PlanForm()
    if not form.validate_on_submit():
        return _list_page(form), 422
    day, seconds = form.planned_on.data or business_day(), int(form.seconds.data)
    try:
        plan_id = make_once(
            form, lambda uow: request_plan(uow, day, seconds=seconds, on_holiday=form.on_holiday.data)
        )
    except DomainError as error:
        status = put_into_form(form, error)
        return _list_page(form), status
    return _back_to(plan_id)


@bp.get("/<uuid:route_plan_id>")
@requires(Permission.PLANS_READ)
def show(route_plan_id: UUID) -> ResponseReturnValue:
    """The letter of a technician in `route` lets the others stand back."""
    return _page(_found(route_plan_id))


@bp.get("/<uuid:route_plan_id>/progress")
@requires(Permission.PLANS_READ)
def progress(route_plan_id: UUID) -> ResponseReturnValue:
    """What the page of a plan that is being worked out asks for again and again."""
    plan = _found(route_plan_id)
    if "HX-Request" not in request.headers:
        return _back_to(plan.id)
    if plan.state not in WAITED_FOR:
        return "", 204, {"HX-Refresh": "true"}
    return render_template("dispatch_board/_progress.html", plan=plan, **_progress(plan))


@bp.post("/<uuid:route_plan_id>/publish")
@requires(Permission.PLANS_MANAGE)
def publish(route_plan_id: UUID) -> ResponseReturnValue:
    try:
        with begin(current_actor()) as uow:
            publish_plan(uow, route_plan_id)
    except NotFound:
        raise
    except DomainError as error:
        return _page(_found(route_plan_id), refused=refusal(error)), status_of(error)
    flash(_("The routes are sent out. Technicians see them on the phone."), "success")
    return _back_to(route_plan_id)


@bp.post("/<uuid:route_plan_id>/stops/<uuid:stop_id>/call-off")
@requires(Permission.PLANS_MANAGE)
def call_off(route_plan_id: UUID, stop_id: UUID) -> ResponseReturnValue:
    try:
        with begin(current_actor()) as uow:
            call_off_stop(uow, route_plan_id, stop_id)
    except NotFound:
        raise
    except DomainError as error:
        return _page(_found(route_plan_id), refused=refusal(error)), status_of(error)
    flash(_("The visit is called off. Plan the day again to send somebody else."), "success")
    return _back_to(route_plan_id)


@bp.get("/<uuid:route_plan_id>/stops/<uuid:stop_id>")
@requires(Permission.PLANS_MANAGE)
def ask_move(route_plan_id: UUID, stop_id: UUID) -> ResponseReturnValue:
    plan = _found(route_plan_id)
    stop = stop_of(reading(), plan, stop_id)
    form = MoveForm(formdata=None, version=plan.version, place=_place_key(stop.technician_id, stop.position))
    return _move_page(form, plan, stop)


@bp.post("/<uuid:route_plan_id>/stops/<uuid:stop_id>")
@requires(Permission.PLANS_MANAGE)
def move(route_plan_id: UUID, stop_id: UUID) -> ResponseReturnValue:
    plan = _found(route_plan_id)
    stop, form = stop_of(reading(), plan, stop_id), MoveForm()
    places = _choose_from(form, plan, stop)
    if not form.validate_on_submit():
        return _move_page(form, plan, stop), 422
    chosen = places[form.place.data]
    try:
        with begin(current_actor()) as uow:
            move_stop(
                uow,
                plan.id,
                stop.id,
                technician_id=chosen.technician_id,
                position=chosen.position,
                version=form.version.data or 0,
            )
    except DomainError as error:
        status = put_into_form(form, error)
        return _move_page(form, plan, stop), status
    flash(_("The visit is moved, and the times of the day follow."), "success")
    return _back_to(plan.id)


def _list_page(form: PlanForm | None = None) -> str:
    filters = PlanFilter()
    headings = [
        Heading("number", _("Plan"), Order((RoutePlan.number,))),
        Heading("planned_on", _("Day"), Order((RoutePlan.planned_on, RoutePlan.number))),
        Heading("state", _("State")),
        Heading("visits", _("Visits"), numeric=True),
        Heading("left_out", _("Left out"), numeric=True),
        Heading("cost", _("Cost of the routes"), numeric=True),
        Heading("requested_by", _("Asked for by")),
    ]
    if filters.validate():
        statement = route_plans(filters.day.data)
        table = read_table(reading(), "plans", statement, headings, default_sort="-number", filters=filters)
    else:
        table = empty_table("plans", headings, filters)
    ids = [plan.id for plan in table.rows]
    day = filters.day.data or _next_workday(business_day())
    form = form or PlanForm(formdata=None, planned_on=day, seconds="15", request_key=new_key())
    day = form.planned_on.data or day
    waiting, later = order_counts(reading(), day)
    return render_template(
        "dispatch_board/plans.html",
        table=table,
        visits=stop_counts(reading(), ids),
        left_out=left_out_counts(reading(), ids),
        form=form,
        day=day,
        is_holiday=is_national_holiday(day),
        waiting_count=waiting,
        later_count=later,
        people_count=people_at_work(reading(), day),
    )


def _page(plan: RoutePlan, *, refused: str = "") -> str:
    looked_at = request.args.get("route", "")
    crews = crews_of(plan, looked_at)
    return render_template(
        "dispatch_board/plan.html",
        plan=plan,
        refused=refused,
        is_waiting=plan.state in WAITED_FOR,
        is_over=plan.planned_on < business_day(),
        is_holiday=is_national_holiday(plan.planned_on),
        crews=crews,
        is_focused=any(crew.is_faint for crew in crews),
        absent=[route for route in plan.routes if route.absence is not None],
        timeline=timeline_of(crews, now=_now_on(plan.planned_on)),
        schematic=schematic_of(plan, crews),
        overtime=sum(crew.overtime for crew in crews),
        drive_minutes=sum(stop.travel_minutes for stop in plan.stops)
        + sum(route.home_minutes for route in plan.routes),
        drive_km=km(
            sum(stop.travel_metres for stop in plan.stops) + sum(route.home_metres for route in plan.routes)
        ),
        km=km,
        cost_parts=[(COST_PARTS[name], yen_part) for name, yen_part in (plan.cost_parts or {}).items()],
        travel_source=_travel_source(plan),
        estimated_count=sum(stop.travel_is_estimated for stop in plan.stops)
        + sum(route.home_is_estimated for route in plan.routes),
        way_count=len(plan.stops) + sum(route.leaves is not None for route in plan.routes),
        cure_text=_cure_text,
        new_count=sum(stop.visit_id is None for stop in plan.stops),
        **_progress(plan),
    )


def _travel_source(plan: RoutePlan) -> str:
    """In words, without the version that is kept with it; empty while there is no plan yet."""
    name, _space, _version = (plan.travel_source or "").partition(" ")
    return str(TRAVEL_SOURCES.get(name, name))


def _progress(plan: RoutePlan) -> dict[str, object]:
    rows = progress_of(reading(), plan.id)
    begun = plan.started_at or plan.requested_at
    passed = (plan.finished_at or runtime().clock.now()) - begun
    return {
        "is_lost": plan.state in WAITED_FOR and passed >= GIVEN_UP_AFTER,
        "best": rows[-1].cost if rows else None,
        "first": rows[0].cost if rows else None,
        "line": progress_line(rows, plan.seconds_allowed),
        "passed": max(0, min(plan.seconds_allowed, int(passed.total_seconds()))) if plan.started_at else 0,
    }


def _now_on(day: date) -> int | None:
    """Minutes after midnight, when this is today by the clock on the wall."""
    now: datetime = runtime().clock.now().astimezone(runtime().zone)
    if day != now.date() or pinned_business_date(reading()) is not None:
        return None
    return now.hour * 60 + now.minute


def _cure_text(row: PlanLeftOut) -> str:
    """What would bring a left-out order in, in words with its price."""
    if row.cure is None:
        return str(CURES[row.reason])
    return CURE_SENTENCES[row.cure](
        {
            "yen": yen(row.cure_yen),
            "name": row.cure_technician.name if row.cure_technician else "",
            "time": clock(row.cure_starts),
            "minutes": row.cure_minutes or 0,
        }
    )


def _move_page(form: MoveForm, plan: RoutePlan, stop: PlanStop) -> str:
    refused = ""
    try:
        _choose_from(form, plan, stop)
    except DomainError as error:
        refused = refusal(error)
    crew = next(crew for crew in crews_of(plan) if stop.technician_id == crew.route.technician_id)
    return render_template(
        "dispatch_board/move.html",
        form=form,
        plan=plan,
        stop=stop,
        crew=crew,
        windows=stop.site.windows_on(plan.planned_on.weekday()),
        refused=refused,
    )


def _choose_from(form: MoveForm, plan: RoutePlan, stop: PlanStop) -> dict[str, PlaceInRoute]:
    """Lets the form offer every place where the stop fits."""
    form.place.choices = []
    names = {route.technician_id: route.technician.name for route in plan.routes}
    places = {
        _place_key(place.technician_id, place.position): place
        for place in places_for_stop(reading(), plan, stop)
    }
    here = places.get(_place_key(stop.technician_id, stop.position))
    form.place.choices = choices(
        *((key, _place_text(place, names[place.technician_id], here)) for key, place in places.items())
    )
    return places


def _place_text(place: PlaceInRoute, name: str, here: PlaceInRoute | None) -> str:
    """Where, when, and by how much the day gets dearer or cheaper than it is now."""
    params = {"name": name, "number": place.position, "time": clock(place.starts)}
    if place == here:
        return _("%(name)s, visit %(number)s at %(time)s (as it is)", **params)
    more = place.yen - (here.yen if here else 0)
    if more < 0:
        return _("%(name)s, visit %(number)s at %(time)s: %(yen)s less", yen=yen(-more), **params)
    return _("%(name)s, visit %(number)s at %(time)s: %(yen)s more", yen=yen(more), **params)


def _place_key(technician_id: UUID, position: int) -> str:
    return f"{technician_id}:{position}"


def _found(route_plan_id: UUID) -> RoutePlan:
    plan = plan_with_all(reading(), route_plan_id)
    if plan is None:
        raise NotFound(kind="route_plan")
    return plan


def _next_workday(day: date) -> date:
    day += timedelta(days=1)
    while day.weekday() >= _SATURDAY or is_national_holiday(day):
        day += timedelta(days=1)
    return day


def _back_to(route_plan_id: UUID) -> ResponseReturnValue:
    return redirect(url_for(".show", route_plan_id=route_plan_id), 303)
