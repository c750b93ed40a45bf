"""Scan anything: a unit opens its card or joins the basket, a place takes what is in the basket."""

from collections.abc import Sequence

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from rental.core.db import reading
from rental.core.errors import DomainError
from rental.identity.permissions import Permission
from rental.inventory.models import StockLocation, Unit
from rental.inventory.putting_away import destinations_of
from rental.web.fields import AtMost, LineField
from rental.web.guards import current_account, requires
from rental.web.label_codes import page_of_place, page_of_unit
from rental.web.problems import status_of
from rental.web.refusals import refusal
from rental.web.tables import FilterForm
from rental.web.warehouse.reading_codes import FULL_BASKET, Said, go_to, unit_or_place, units_in_address

bp = Blueprint("scan", __name__, url_prefix="/m/scan")


class CodeForm(FilterForm):
    """What was read. Looking something up changes nothing, so it is an address like any other."""

    code = LineField(_l("Code or number"), validators=[AtMost(200)])


@bp.get("")
@requires(Permission.PHONE)
def show() -> ResponseReturnValue:
    form = CodeForm()
    basket = units_in_address(reading()) if _may_move() else []
    if not form.validate():
        message = _("%(field)s: %(message)s", field=form.code.label.text, message=form.code.errors[0])
        return _page(form, basket, Said("bad", message)), 422
    if not form.code.data:
        tone = request.args.get("read", "")
        words = {"ok": _("Read"), "again": _("In the basket already")}
        return _page(form, basket, Said(tone, words[tone]) if basket and tone in words else None)
    try:
        read = unit_or_place(reading(), form.code.data)
    except DomainError as error:
        return _page(form, basket, Said("bad", refusal(error), form.code.data)), status_of(error)
    return _go_on(read, basket, form)


def _go_on(read: Unit | StockLocation, basket: Sequence[Unit], form: CodeForm) -> ResponseReturnValue:
    if isinstance(read, StockLocation):
        url = page_of_place(current_account(), read.id)
        if url is None:
            said = Said("bad", _("This is the label of a place: %(place)s.", place=read.code), form.code.data)
            return _page(form, basket, said), 409
        return go_to(f"{url}?{_units(basket)}" if basket else url)
    if not _may_move():
        return go_to(page_of_unit(reading(), current_account(), read.id))
    if read.id not in {unit.id for unit in basket} and len(basket) >= FULL_BASKET:
        full = _("The basket is full: put these away first.")
        return _page(form, basket, Said("bad", full, form.code.data)), 409
    was_read = "again" if read.id in {unit.id for unit in basket} else "ok"
    rest = [unit.id for unit in basket if unit.id != read.id]
    return _to_basket([*rest, read.id], was_read)


def _to_basket(unit_ids: Sequence[object], was_read: str) -> ResponseReturnValue:
    """The page with this basket; a part of a page follows a redirection like any other."""
    return redirect(url_for(".show", unit=[str(unit_id) for unit_id in unit_ids], read=was_read), 303)


def _units(basket: Sequence[Unit]) -> str:
    return "&".join(f"unit={unit.id}" for unit in basket)


def _may_move() -> bool:
    return current_account().may(Permission.STOCK_MOVE)


def _page(form: CodeForm, basket: Sequence[Unit], said: Said | None) -> str:
    return render_template(
        "warehouse/scan.html",
        form=form,
        basket=basket,
        latest=basket[-1] if basket else None,
        may_move=_may_move(),
        said=said,
        destinations_of=destinations_of,
    )
