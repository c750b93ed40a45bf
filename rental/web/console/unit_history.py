"""Everything that ever happened to a unit, from all ledgers in one list."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from uuid import UUID

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from rental.contracts.models import Contract, Placement
from rental.contracts.queries import contracts_of_slots
from rental.fieldwork.models import WorkOrder
from rental.fieldwork.queries import work_orders_of_unit
from rental.inventory.models import LabelCode, Movement, StockLocation, Unit, UnitStep
from rental.inventory.queries import labels_of, movements_of, reservations_of, steps_of
from rental.inventory.rules.unit_states import UnitState
from rental.web.sentences import actor_label, reason_label, state_chip, state_label
from rental.web.wording.inventory import four_and_four


@dataclass(frozen=True, slots=True)
class Link:
    """Words, and the page they lead to, when there is one."""

    text: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened. `before` and `after` are places; `states` are the life before and after.

    `rank` orders what happened in the same instant; `key` does so within one ledger. `anchor` is the name by
    which another page points here.
    """

    at: datetime
    what: str
    chip: str
    who: str = ""
    before: Link | None = None
    after: Link | None = None
    states: tuple[UnitState | None, UnitState] | None = None
    links: tuple[Link, ...] = ()
    notes: tuple[str, ...] = ()
    heard_at: datetime | None = None
    rank: int = 0
    key: int = 0
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class _Ledgers:
    """What several entries are made of together."""

    steps: Mapping[UUID, UnitStep]  # by the movement they came with
    placements: Mapping[UUID, Placement]  # by the movement that began them
    held_for: Mapping[datetime, Contract]  # by the instant the unit was held
    orders: Mapping[str, WorkOrder]  # by their number


def history_of(session: Session, unit: Unit, placements: Sequence[Placement]) -> list[Entry]:
    """Newest first. As many statements for a long life as for a short one."""
    steps = steps_of(session, unit.id)
    reservations = reservations_of(session, unit.id)
    contracts = contracts_of_slots(session, {reservation.slot_id for reservation in reservations})
    orders = work_orders_of_unit(session, unit.id)
    together = _Ledgers(
        {step.movement_id: step for step in steps if step.movement_id},
        {placement.install_movement_id: placement for placement in placements},
        {row.held_at: contracts[row.slot_id] for row in reservations if row.slot_id in contracts},
        {order.number: order for order in orders},
    )
    let_go = {row.ended_at: row.reason for row in reservations if row.ended_at and row.reason}
    entries = chain(
        (_of_movement(movement, unit, together) for movement in movements_of(session, unit.id)),
        (_of_step(step, together, let_go) for step in steps if not step.movement_id),
        (_of_removal(placement, placement.removed_at) for placement in placements if placement.removed_at),
        (_of_work_order(order) for order in orders),
        _of_labels(labels_of(session, unit.id)),
    )
    return sorted(entries, key=lambda entry: (entry.at, entry.rank, entry.key), reverse=True)


def place_link(place: StockLocation) -> Link:
    """A place by its code; a site by its name."""
    words = place.name if place.site_id else place.code
    return Link(words, url_for("stock_locations.show", location_id=place.id))


def contract_link(contract: Contract) -> Link:
    return Link(
        f"{contract.number} {contract.customer.name}", url_for("contracts.show", contract_id=contract.id)
    )


def _order_link(order: WorkOrder) -> Link:
    return Link(order.number, url_for("work_orders.show", work_order_id=order.id))


def _of_movement(movement: Movement, unit: Unit, together: _Ledgers) -> Entry:
    step = together.steps.get(movement.id)
    placement = together.placements.get(movement.id)
    links = []
    if movement.source == unit.receipt.number:
        supplier = _(
            "Delivery %(number)s from %(supplier)s",
            number=movement.source,
            supplier=unit.receipt.supplier_name,
        )
        links.append(Link(supplier, url_for("receiving.show", receipt_id=unit.receipt_id)))
    elif order := together.orders.get(movement.source):
        links.append(_order_link(order))
    elif movement.source:
        links.append(Link(movement.source))
    if placement:
        links.append(contract_link(placement.slot.line.contract))
    return Entry(
        at=movement.happened_at,
        what=state_label(movement.kind),
        chip=state_chip(movement.kind),
        who=actor_label("", movement.actor_name),
        before=place_link(movement.from_location),
        after=place_link(movement.to_location),
        states=(step.from_state, step.to_state) if step else None,
        links=tuple(links),
        notes=(movement.note,) if movement.note else (),
        heard_at=movement.recorded_at if movement.recorded_at != movement.happened_at else None,
        key=movement.id.int,
        anchor=f"movement-{movement.seq}",
    )


def _of_step(step: UnitStep, together: _Ledgers, let_go: Mapping[datetime, str]) -> Entry:
    contract = together.held_for.get(step.happened_at) if step.to_state is UnitState.RESERVED else None
    reason = step.note or let_go.get(step.happened_at, "")
    return Entry(
        at=step.happened_at,
        what=_("Held for a contract") if step.to_state is UnitState.RESERVED else state_label(step.to_state),
        chip=state_chip(step.to_state),
        who=actor_label("", step.actor_name),
        states=(step.from_state, step.to_state),
        links=(contract_link(contract),) if contract else (),
        notes=(reason_label(reason),) if reason else (),
        key=step.id.int,
    )


def _of_removal(placement: Placement, removed_at: datetime) -> Entry:
    return Entry(
        at=removed_at,
        what=_("Taken away"),
        chip="move",
        links=(contract_link(placement.slot.line.contract),),
        rank=1,
    )


def _of_work_order(order: WorkOrder) -> Entry:
    """What was done at the site, when it was finished; until then, when the job was opened."""
    visit = order.visit
    return Entry(
        at=order.finished_at or order.opened_at,
        what=_("%(kind)s: %(state)s", kind=state_label(order.kind), state=state_label(order.state)),
        chip=state_chip(order.state),
        who=visit.technician.name if visit else "",
        links=(
            _order_link(order),
            Link(order.site.name, url_for("sites.show", site_id=order.site_id)),
        ),
        rank=2,
    )


def _of_labels(labels: Iterable[LabelCode]) -> Iterator[Entry]:
    for label in labels:
        code = four_and_four(label.code)
        yield Entry(at=label.issued_at, what=_("Label code %(code)s", code=code), chip="plan", rank=4)
        if label.revoked_at:
            yield Entry(
                at=label.revoked_at,
                what=_("Label code %(code)s revoked", code=code),
                chip="stop",
                notes=(label.reason,) if label.reason else (),
                rank=3,
            )
