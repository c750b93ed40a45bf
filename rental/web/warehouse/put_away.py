"""Into one place: each unit that is scanned moves there at once, or is refused and stays where it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_wtf import FlaskForm

from rental.core.db import found, reading
from rental.core.errors import DomainError
from rental.core.idempotency import new_key, once, owner_of
from rental.core.uow import begin
from rental.identity.permissions import Permission
from rental.inventory.models import StockLocation, Unit
from rental.inventory.movements import AlreadyThere
from rental.inventory.putting_away import put_unit_into
from rental.inventory.queries import movements_into, unit_counts_at
from rental.web.fields import AtMost, KeyField, LineField, Needed
from rental.web.guards import current_account, current_actor, requires
from rental.web.problems import status_of
from rental.web.refusals import refusal
from rental.web.warehouse.reading_codes import Said, go_to, unit_or_place, units_in_address

bp = Blueprint("put_away", __name__, url_prefix="/m/put-away")


class PutForm(FlaskForm):
    """A unit that was read, or those of the basket. The key makes a form sent twice one move."""

    code = LineField(_l("Code or number"), validators=[AtMost(200)])
    request_key = KeyField(_l("Form"), validators=[Needed()])


@dataclass(frozen=True, slots=True)
class Refused:
    """A unit that stays where it is, and why."""

    unit: Unit
    error: DomainError

    @property
    def sentence(self) -> str:
        return refusal(self.error)


@bp.get("/<uuid:location_id>")
@requires(Permission.STOCK_MOVE)
def show(location_id: UUID) -> ResponseReturnValue:
    place = found(reading(), StockLocation, location_id)
    return _page(place, basket=units_in_address(reading()))


@bp.post("/<uuid:location_id>")
@requires(Permission.STOCK_MOVE)
def put(location_id: UUID) -> ResponseReturnValue:
    place = found(reading(), StockLocation, location_id)
    form = PutForm()
    if not form.validate_on_submit():
        wrong = next(item for item in form if item.errors)
        message = _("%(field)s: %(message)s", field=wrong.label.text, message=wrong.errors[0])
        return _page(place, said=Said("bad", message)), 422
    if not form.code.data:
        return _put_basket(place, units_in_address(reading()), form.request_key.data)
    try:
        read = unit_or_place(reading(), form.code.data)
    except DomainError as error:
        return _page(place, said=Said("bad", refusal(error), form.code.data)), status_of(error)
    if isinstance(read, StockLocation):
        return go_to(url_for(".show", location_id=read.id))
    return _put_one(place, read, form)


def _put_one(place: StockLocation, unit: Unit, form: PutForm) -> ResponseReturnValue:
    tag, before = unit.tag, unit.location.code
    try:
        _put(place.id, unit.id, form.request_key.data)
    except AlreadyThere:
        return _page(place, said=Said("again", _("%(tag)s is here already.", tag=tag)))
    except DomainError as error:
        return _page(place, said=Said("bad", refusal(error), form.code.data or "")), status_of(error)
    said = Said("ok", _("%(tag)s: %(before)s → %(after)s", tag=tag, before=before, after=place.code))
    if "HX-Request" in request.headers:
        return _page(place, said=said)
    flash(said.title, "success")
    return redirect(url_for(".show", location_id=place.id), 303)


def _put_basket(place: StockLocation, basket: Sequence[Unit], key: str) -> ResponseReturnValue:
    """Each for itself: one that is refused does not keep the others."""
    if not basket:
        message = _("%(field)s: %(message)s", field=_("Code or number"), message=_("Please fill this in."))
        return _page(place, said=Said("bad", message)), 422
    refused = []
    for unit in basket:
        try:
            _put(place.id, unit.id, key)
        except AlreadyThere:
            continue
        except DomainError as error:
            refused.append(Refused(unit, error))
    if refused:
        return _page(place, refused=refused), status_of(refused[0].error)
    flash(
        ngettext(
            "%(num)s machine is at %(place)s now.",
            "%(num)s machines are at %(place)s now.",
            len(basket),
            place=place.code,
        ),
        "success",
    )
    return redirect(url_for(".show", location_id=place.id), 303)


def _put(location_id: UUID, unit_id: UUID, key: str) -> None:
    owner = owner_of(current_account().id)
    with begin(current_actor()) as uow:

        def command() -> dict[str, str]:
            return {"movement_id": str(put_unit_into(uow, unit_id, location_id).id)}

        once(uow, owner, f"{key}:{unit_id.hex}", [str(location_id)], command)


def _page(
    place: StockLocation,
    *,
    basket: Sequence[Unit] = (),
    said: Said | None = None,
    refused: Sequence[Refused] = (),
) -> str:
    session = reading()
    return render_template(
        "warehouse/put_away.html",
        place=place,
        basket=basket,
        said=said,
        refused=refused,
        form=PutForm(formdata=None),
        movements=movements_into(session, place.id),
        unit_count=unit_counts_at(session, [place.id])[place.id],
        new_key=new_key,
    )
