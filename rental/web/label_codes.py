"""What opens when somebody scans a printed code: the page each role works on, for strangers nothing."""

from uuid import UUID

from flask import Blueprint, Flask, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from rental.core.db import reading
from rental.core.errors import DomainError
from rental.fieldwork.queries import open_order_for_unit
from rental.identity.permissions import Permission
from rental.identity.queries import SignedInAccount
from rental.inventory.labelling import label_with_code
from rental.inventory.models import LabelCode
from rental.inventory.queries import held_for
from rental.inventory.rules.label_codes import CodeRefused, read_label_code, shown
from rental.inventory.rules.label_lives import LabelCodeState
from rental.web.guards import public, signed_in
from rental.web.problems import status_of
from rental.web.refusals import refusal

bp = Blueprint("label_codes", __name__)


def register(app: Flask) -> None:
    app.register_blueprint(bp)


@bp.get("/q/<code>")
@bp.get("/Q/<code>", endpoint="open_code_as_printed")
@public
def open_code(code: str) -> ResponseReturnValue:
    """Printed in capitals, because they need a smaller symbol; typed as people like."""
    person = signed_in()
    if person is None:
        return _tell_stranger(code)
    if person.may(Permission.PORTAL):
        return redirect(url_for("portal.home"), 303)
    try:
        label = label_with_code(reading(), code)
    except DomainError as error:
        sentence, status = refusal(error), status_of(error)
        return render_template("label_code.html", sentence=sentence, read=code[:20], label=None), status
    if label.state is LabelCodeState.REVOKED:
        url = _present_page(reading(), person.account, label)
        return render_template("label_code.html", label=label, shown=shown(label.code), url=url), 410
    return redirect(_present_page(reading(), person.account, label) or url_for("home.index"), 303)


def _tell_stranger(code: str) -> ResponseReturnValue:
    """The same for every code that could be one: the database is not even asked.

    Whether the check symbol is right anybody can work out, so a typing error is said.
    """
    try:
        read, is_misread = read_label_code(code), False
    except CodeRefused:
        read, is_misread = "", True
    return render_template(
        "public/label_code.html",
        shown=shown(read) if read else "",
        is_misread=is_misread,
        next=url_for("label_codes.open_code", code=read) if read else "/",
    )


def _present_page(session: Session, account: SignedInAccount, label: LabelCode) -> str | None:
    """Where this person works on what the label is on; None when it is nothing to them."""
    if label.unit_id:
        return page_of_unit(session, account, label.unit_id)
    if label.location_id:
        return page_of_place(account, label.location_id)
    return None


def page_of_unit(session: Session, account: SignedInAccount, unit_id: UUID) -> str:
    """A technician's own job that wants this unit, else its card on the phone or its page at the office."""
    if account.may(Permission.OWN_VISITS):
        reservation = held_for(session, unit_id)
        order = reservation and open_order_for_unit(session, account.id, reservation.slot_id)
        if order:
            return url_for("own_work_orders.show", work_order_id=order.id)
    if account.may(Permission.PHONE):
        return url_for("unit_card.show", unit_id=unit_id)
    return url_for("units.show", unit_id=unit_id)


def page_of_place(account: SignedInAccount, location_id: UUID) -> str | None:
    """Putting things into it, for who does that with a phone; its page at the office; nothing for others."""
    if account.may(Permission.PHONE) and account.may(Permission.STOCK_MOVE):
        return url_for("put_away.show", location_id=location_id)
    if account.may(Permission.STOCK_READ):
        return url_for("stock_locations.show", location_id=location_id)
    return None
