"""The check page: ask the database whether all is well, and read what it answered."""

from uuid import UUID

from flask import Blueprint, Response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from rental.assurance.checking import start_check
from rental.assurance.models import CheckResult, CheckRun
from rental.core.db import found, reading
from rental.core.errors import NotFound
from rental.core.paging import Order
from rental.core.runtime import runtime
from rental.core.uow import begin
from rental.identity.permissions import Permission
from rental.web.guards import current_actor, requires
from rental.web.tables import Heading, read_table

bp = Blueprint("checks", __name__, url_prefix="/checks")


@bp.get("")
@requires(Permission.CHECKS_READ)
def index() -> ResponseReturnValue:
    headings = [
        Heading("number", _("Check"), Order((CheckRun.number,))),
        Heading("started_at", _("Started")),
        Heading("started_by", _("By")),
        Heading("result", _("Result")),
    ]
    table = read_table(reading(), "checks", select(CheckRun), headings, default_sort="-number")
    return render_template("console/checks.html", table=table)


@bp.post("")
@requires(Permission.CHECKS_START)
def start() -> ResponseReturnValue:
    with begin(current_actor()) as uow:
        run_id = start_check(uow).id
    return redirect(url_for(".show", check_run_id=run_id), 303)


@bp.get("/<uuid:check_run_id>")
@requires(Permission.CHECKS_READ)
def show(check_run_id: UUID) -> ResponseReturnValue:
    run = found(reading(), CheckRun, check_run_id)
    results = (
        reading()
        .scalars(select(CheckResult).where(CheckResult.check_run_id == run.id).order_by(CheckResult.code))
        .all()
    )
    return render_template("console/check.html", run=run, results=results)


@bp.get("/<uuid:check_run_id>/report.json")
@requires(Permission.CHECKS_READ)
def report(check_run_id: UUID) -> ResponseReturnValue:
    file = found(reading(), CheckRun, check_run_id).report
    if file is None:
        raise NotFound(kind="stored_file")
    response = Response(runtime().files.get(file.sha256), content_type=f"{file.media_type}; charset=utf-8")
    response.headers.set("Content-Disposition", "attachment", filename=file.download_name)
    return response
