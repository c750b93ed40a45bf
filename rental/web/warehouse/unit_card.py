"""The card of one unit: what it is, where it is, what comes next."""

from uuid import UUID

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from rental.core.db import reading
from rental.fieldwork.models import WorkOrder
from rental.fieldwork.queries import open_order_for_unit
from rental.identity.permissions import Permission
from rental.inventory.putting_away import destinations_of
from rental.inventory.queries import held_for
from rental.inventory.rules.label_codes import shown
from rental.inventory.rules.unit_states import LocationKind
from rental.inventory.unit_cards import unit_card
from rental.web.guards import current_account, requires

bp = Blueprint("unit_card", __name__, url_prefix="/m/unit")


@bp.get("/<uuid:unit_id>")
@requires(Permission.PHONE)
def show(unit_id: UUID) -> ResponseReturnValue:
    account = current_account()
    unit = unit_card(unit_id)
    own_order = _own_order(unit_id)
    # Where a customer's machine stands is the customer's business: a technician knows it of own work orders.
    is_place_told = account.may(Permission.STOCK_READ) or unit.place_kind is not LocationKind.SITE
    return render_template(
        "warehouse/unit.html",
        unit=unit,
        code=shown(unit.label_code) if unit.label_code else None,
        own_order=own_order,
        is_place_told=is_place_told or own_order is not None,
        destinations=destinations_of(unit.state) if account.may(Permission.STOCK_MOVE) else (),
    )


def _own_order(unit_id: UUID) -> WorkOrder | None:
    account = current_account()
    reservation = held_for(reading(), unit_id) if account.may(Permission.OWN_VISITS) else None
    return open_order_for_unit(reading(), account.id, reservation.slot_id) if reservation else None
