"""Photos of a job: taken on site, shown to who did the job."""

from uuid import UUID

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue

from rental.core.db import found, reading
from rental.core.errors import DomainError, NotFound
from rental.core.uow import begin
from rental.fieldwork.models import WorkOrderPhoto
from rental.fieldwork.reporting import keep_photo_bytes
from rental.fieldwork.rules import CommandType
from rental.identity.permissions import Permission
from rental.web.guards import current_actor, requires
from rental.web.problems import put_into_form
from rental.web.stored_files import answer_with_file
from rental.web.technician.commands import own_order, tell
from rental.web.technician.work_order_page import PhotoForm, Said, order_page
from rental.web.uploads import takes_picture

bp = Blueprint("own_photos", __name__, url_prefix="/m/work-orders/<uuid:work_order_id>/photos")


@bp.post("")
@requires(Permission.OWN_VISITS)
@takes_picture
def add(work_order_id: UUID) -> ResponseReturnValue:
    order = own_order(work_order_id)
    form = PhotoForm()
    if not form.validate_on_submit() or form.photo.data is None:
        return order_page(order, photo_form=form), 422
    try:
        with begin(current_actor()) as uow:
            sha256 = keep_photo_bytes(uow, form.photo.data).sha256
    except DomainError as error:
        status = put_into_form(form, error)
        return order_page(own_order(work_order_id), photo_form=form), status
    told = tell(form, work_order_id, CommandType.PHOTO, sha256=sha256, kind=form.kind.data)
    if not told.is_done:
        return order_page(own_order(work_order_id), said=Said("bad", told.sentence)), told.status
    return redirect(url_for("own_work_orders.show", work_order_id=work_order_id, _anchor="photos"), 303)


@bp.get("/<uuid:photo_id>")
@requires(Permission.OWN_VISITS)
def show(work_order_id: UUID, photo_id: UUID) -> ResponseReturnValue:
    own_order(work_order_id)
    photo = found(reading(), WorkOrderPhoto, photo_id)
    if photo.work_order_id != work_order_id:
        raise NotFound(kind="work_order_photo")
    return answer_with_file(photo.file)
