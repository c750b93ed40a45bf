"""Sites: where units stand, when they are open, where they are on the map."""

from uuid import UUID

from flask import Blueprint, current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from rental.contracts.queries import open_placements_at
from rental.core.db import found, reading
from rental.core.errors import DomainError
from rental.core.idempotency import new_key
from rental.core.paging import Order
from rental.core.uow import begin
from rental.customers import sites
from rental.customers.geocoding import Located, geocoders_for, locate
from rental.customers.models import Customer, Site
from rental.customers.queries import sites_matching
from rental.customers.rules import PositionSource, SiteState
from rental.identity.permissions import Permission
from rental.web.console.new_rows import make_once
from rental.web.console.site_forms import (
    DAY_NAMES,
    ChangeSiteForm,
    HoursForm,
    NewSiteForm,
    PositionForm,
    SiteFilter,
    SiteForm,
)
from rental.web.guards import current_actor, requires
from rental.web.problems import put_into_form
from rental.web.refusals import refusal
from rental.web.tables import Heading, empty_table, read_table
from rental.web.wording.customers import distance

bp = Blueprint("sites", __name__)


@bp.get("/sites")
@requires(Permission.CUSTOMERS_READ)
def index() -> ResponseReturnValue:
    filters = SiteFilter()
    headings = [
        Heading("name", _("Name"), Order((Site.name, Site.id))),
        Heading("number", _("Number"), Order((Site.number,))),
        Heading("customer", _("Customer")),
        Heading("address", _("Address")),
        Heading("position", _("Position")),
        Heading("state", _("State"), Order((Site.state, Site.id))),
    ]
    if not filters.validate():
        return render_template("console/sites.html", table=empty_table("sites", headings, filters)), 422
    statement = sites_matching(
        words=filters.q.data or "",
        state=SiteState(filters.state.data) if filters.state.data else None,
        has_position=filters.has_position,
    )
    table = read_table(reading(), "sites", statement, headings, default_sort="-number", filters=filters)
    return render_template("console/sites.html", table=table)


@bp.get("/customers/<uuid:customer_id>/sites/new")
@requires(Permission.CUSTOMERS_MANAGE)
def ask(customer_id: UUID) -> ResponseReturnValue:
    return _form_page(NewSiteForm(request_key=new_key(), prefecture="東京都"), found_customer(customer_id))


@bp.post("/customers/<uuid:customer_id>/sites/new")
@requires(Permission.CUSTOMERS_MANAGE)
def add(customer_id: UUID) -> ResponseReturnValue:
    form, customer = NewSiteForm(), found_customer(customer_id)
    if not form.validate_on_submit():
        return _form_page(form, customer), 422
    try:
        site_id = make_once(form, lambda uow: sites.add_site(uow, customer_id, **form.facts))
    except DomainError as error:
        status = put_into_form(form, error)
        return _form_page(form, customer), status
    flash(_("The site is added. Look up its position next."), "success")
    return redirect(url_for(".show", site_id=site_id), 303)


@bp.get("/sites/<uuid:site_id>")
@requires(Permission.CUSTOMERS_READ)
def show(site_id: UUID) -> ResponseReturnValue:
    return _page(site_id)


@bp.get("/sites/<uuid:site_id>/change")
@requires(Permission.CUSTOMERS_MANAGE)
def ask_change(site_id: UUID) -> ResponseReturnValue:
    site = found(reading(), Site, site_id)
    return _form_page(ChangeSiteForm(obj=site), site.customer, site)


@bp.post("/sites/<uuid:site_id>/change")
@requires(Permission.CUSTOMERS_MANAGE)
def change(site_id: UUID) -> ResponseReturnValue:
    site, form = found(reading(), Site, site_id), ChangeSiteForm()
    if not form.validate_on_submit():
        return _form_page(form, site.customer, site), 422
    try:
        with begin(current_actor()) as uow:
            sites.change_site(uow, site_id, version=form.version.data or 0, **form.facts)
    except DomainError as error:
        status = put_into_form(form, error)
        return _form_page(form, site.customer, site), status
    flash(_("Saved."), "success")
    return redirect(url_for(".show", site_id=site_id), 303)


@bp.post("/sites/<uuid:site_id>/hours")
@requires(Permission.CUSTOMERS_MANAGE)
def set_hours(site_id: UUID) -> ResponseReturnValue:
    found(reading(), Site, site_id)
    form = HoursForm(prefix="hours-")
    if not form.validate_on_submit():
        return _page(site_id, hours_form=form), 422
    hours = {weekday: day.data for weekday, day in enumerate(form.days)}
    try:
        with begin(current_actor()) as uow:
            sites.set_hours(uow, site_id, hours=hours, version=form.version.data or 0)
    except DomainError as error:
        status = put_into_form(form, error)
        return _page(site_id, hours_form=form), status
    flash(_("The opening hours are saved."), "success")
    return redirect(url_for(".show", site_id=site_id), 303)


@bp.post("/sites/<uuid:site_id>/position")
@requires(Permission.CUSTOMERS_MANAGE)
def enter_position(site_id: UUID) -> ResponseReturnValue:
    found(reading(), Site, site_id)
    form = PositionForm(prefix="position-")
    if not form.validate_on_submit():
        return _page(site_id, position_form=form), 422
    try:
        with begin(current_actor()) as uow:
            sites.place_site(
                uow,
                site_id,
                latitude=form.position.data.latitude,
                longitude=form.position.data.longitude,
                source=PositionSource.ENTERED,
                version=form.version.data or 0,
            )
    except DomainError as error:
        status = put_into_form(form, error)
        return _page(site_id, position_form=form), status
    flash(_("The position is saved."), "success")
    return redirect(url_for(".show", site_id=site_id), 303)


@bp.post("/sites/<uuid:site_id>/look-up")
@requires(Permission.CUSTOMERS_MANAGE)
def look_up(site_id: UUID) -> ResponseReturnValue:
    site = found(reading(), Site, site_id)
    address, version = site.address, site.version
    reading().rollback()  # a map service takes its time, and no transaction waits for it
    try:
        located = locate(address, geocoders_for(site_id=site_id, service_url=_service_url()))
    except DomainError as error:
        form = _position_form(site_id)
        form.position.errors = [refusal(error)]
        return _page(site_id, position_form=form), 422
    with begin(current_actor()) as uow:
        sites.place_site(
            uow,
            site_id,
            latitude=located.latitude,
            longitude=located.longitude,
            source=located.source,
            precision_m=located.precision_m,
            version=version,
        )
    flash(_found(located), "success" if located.source is not PositionSource.MUNICIPALITY else "warning")
    return redirect(url_for(".show", site_id=site_id), 303)


@bp.post("/sites/<uuid:site_id>/close")
@requires(Permission.CUSTOMERS_MANAGE)
def close(site_id: UUID) -> ResponseReturnValue:
    with begin(current_actor()) as uow:
        sites.close_site(uow, site_id)
    flash(_("The site is closed."), "success")
    return redirect(url_for(".show", site_id=site_id), 303)


@bp.post("/sites/<uuid:site_id>/reopen")
@requires(Permission.CUSTOMERS_MANAGE)
def reopen(site_id: UUID) -> ResponseReturnValue:
    with begin(current_actor()) as uow:
        sites.reopen_site(uow, site_id)
    flash(_("The site is in use again."), "success")
    return redirect(url_for(".show", site_id=site_id), 303)


def found_customer(customer_id: UUID) -> Customer:
    return found(reading(), Customer, customer_id)


def _service_url() -> str | None:
    url: str | None = current_app.config["RENTAL"].geocoder_url
    return url


def _found(located: Located) -> str:
    """Who answered and how exactly, in one sentence."""
    if located.source is PositionSource.MUNICIPALITY:
        return _(
            "Only the municipality is known: %(place)s. The door is within about %(distance)s of this point.",
            place=located.label,
            distance=distance(located.radius),
        )
    if located.source is PositionSource.KNOWN_SITE:
        return _("Found: the site %(place)s is at the same address.", place=located.label)
    return _("Found by the map service: %(place)s.", place=located.label)


def _form_page(form: SiteForm, customer: Customer, site: Site | None = None) -> str:
    return render_template("console/site_form.html", form=form, customer=customer, site=site)


def _position_form(site_id: UUID) -> PositionForm:
    site = found(reading(), Site, site_id)
    return PositionForm(formdata=None, prefix="position-", position=site.position, version=site.version)


def _page(
    site_id: UUID, *, hours_form: HoursForm | None = None, position_form: PositionForm | None = None
) -> str:
    site = found(reading(), Site, site_id)
    windows = {name: site.windows_on(day) for day, name in enumerate(DAY_NAMES)}
    return render_template(
        "console/site.html",
        site=site,
        placements=open_placements_at(reading(), site.id),
        hours_form=hours_form
        or HoursForm(formdata=None, prefix="hours-", version=site.version, data=windows),
        position_form=position_form or _position_form(site_id),
        distance=distance,
        has_service=_service_url() is not None,
    )
