"""Machines, contracts and jobs in every state, and the pages on which they can be seen."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from uuid import UUID

from playwright.sync_api import Page
from sqlalchemy import select

from rental.core.ids import new_id
from rental.core.uow import UnitOfWork
from rental.customers.models import Site
from rental.customers.sites import change_site
from rental.fieldwork.installing import complete_installation, scan_for_order
from rental.fieldwork.models import WorkOrder
from rental.fieldwork.visits import arrive
from rental.inventory.labelling import replace_unit_code
from rental.inventory.models import LabelCode, StockLocation, Unit
from rental.inventory.rules.label_lives import LabelCodeState
from rental.inventory.rules.unit_states import LocationKind, UnitState
from tests.browser.scenes import ADMINISTRATOR, SALES, TECHNICIAN, VISITOR, WAREHOUSE, Scene
from tests.factories.rented import code_of, make_draft, make_model, make_order, make_plan, receive, send_out
from tests.support.story import Story
from tests.web.promises import told_too_late

LONG_SITE = "カフェ・ド・フルール・エトワール丸の内北口オアゾ地下一階プロムナード店"


class Rented:
    """Jobs of each kind for technicians of each language, drafts, an active contract, units in all states."""

    def __init__(self, story: Story, technicians: Mapping[str, UUID]) -> None:
        with story.begin() as uow:
            draft = make_draft(uow, machines=2)
            self.draft_id, self.draft_line_id = draft.id, draft.lines[0].id
            self.short_draft_id = make_draft(uow, machines=1, stocked=False).id
            model = make_model(uow, "WS-30", category="WS")
            make_plan(uow, model, fee=3980)
            self.receipt_id = receive(uow, model, 3)[0].receipt_id
            self.model_id = model.id
            self.waiting_order_id = make_order(uow, machines=2).id
            self.done_order_id = self._installed(uow, next(iter(technicians.values())))
            self.on_site_ids = {
                language: self._on_site(uow, technician_id) for language, technician_id in technicians.items()
            }
            self.sent_ids = {
                language: self._sent(uow, technician_id) for language, technician_id in technicians.items()
            }
            self.conflict_id = told_too_late(uow, next(iter(technicians.values())))
            self._name_a_site_at_length(uow)
            self._read(uow)

    def _sent(self, uow: UnitOfWork, technician_id: UUID) -> UUID:
        order = make_order(uow, machines=1)
        send_out(uow, order, technician_id)
        return order.id

    def _on_site(self, uow: UnitOfWork, technician_id: UUID) -> UUID:
        """Arrived, one of three machines read."""
        order = make_order(uow, machines=3)
        visit = send_out(uow, order, technician_id)
        arrive(uow, visit.id, at=uow.now)
        unit = self._held(uow, order)[0]
        scan_for_order(uow, order.id, unit.tag, at=uow.now)
        return order.id

    def _installed(self, uow: UnitOfWork, technician_id: UUID) -> UUID:
        order = make_order(uow, machines=2)
        visit = send_out(uow, order, technician_id)
        arrive(uow, visit.id, at=uow.now - timedelta(hours=2))
        for unit in self._held(uow, order):
            scan_for_order(uow, order.id, unit.tag, at=uow.now)
        complete_installation(uow, order.id, technician_id, at=uow.now, op_id=new_id())
        return order.id

    def _held(self, uow: UnitOfWork, order: WorkOrder) -> list[Unit]:
        model_ids = {item.equipment_model_id for item in order.items}
        held = select(Unit).where(Unit.equipment_model_id.in_(model_ids), Unit.state == UnitState.RESERVED)
        return list(uow.session.scalars(held.order_by(Unit.tag)))

    def _name_a_site_at_length(self, uow: UnitOfWork) -> None:
        order = uow.session.get_one(WorkOrder, next(iter(self.on_site_ids.values())))
        site = uow.session.get_one(Site, order.site_id)
        change_site(
            uow,
            site.id,
            version=site.version,
            name=LONG_SITE,
            prefecture=site.prefecture,
            city=site.city,
            street=site.street,
            building="丸の内オアゾ B1F",
            phone="03-0000-1234",
            access_note="搬入口は裏手。台車は使えません。\n守衛室で入館証を受け取る。",
            entrance_code="4417#",
        )
        self.site_id, self.customer_id = site.id, site.customer_id

    def _read(self, uow: UnitOfWork) -> None:
        """The rows that pages are asked for."""
        session = uow.session
        installed = session.scalars(select(Unit).where(Unit.state == UnitState.INSTALLED)).first()
        free = session.scalars(select(Unit).where(Unit.state == UnitState.AVAILABLE)).first()
        assert installed
        assert free
        self.unit_id, self.free_id = installed.id, free.id
        self.contract_id = session.get_one(WorkOrder, self.done_order_id).contract_id
        self.shelf_id = session.scalars(
            select(StockLocation.id).where(StockLocation.kind == LocationKind.BIN)
        ).first()
        self.code = code_of(uow, free.id)
        replace_unit_code(uow, installed.id, reason="scratched")
        self.revoked = session.scalars(
            select(LabelCode.code).where(LabelCode.state == LabelCodeState.REVOKED)
        ).one()


def _at(path: str) -> Callable[[object], str]:
    """A path with attributes of the rented things in braces."""
    return lambda room: path.format(rented=room.rented)  # type: ignore[attr-defined]


def _own(path: str, orders: str) -> Callable[[object], str]:
    """A path with the order of the technician who speaks the language of the look."""
    return lambda room: path.format(getattr(room.rented, orders)[room.language])  # type: ignore[attr-defined]


def _preview_twice(page: Page) -> None:
    page.locator("#supplier_name").fill("Kissa Works")
    page.locator("#serials").fill("KW-0001\nKW-0002\nKW-0001")
    page.locator("button[name=preview]").click()
    page.locator("tr.row-wrong").wait_for()


def _preview_rule(page: Page) -> None:
    page.locator("button[value=preview]").click()
    page.locator("#preview").wait_for()


def _read_wrongly(page: Page) -> None:
    page.locator("[data-scan-input]").fill("7K3M9QXV")
    page.keyboard.press("Enter")
    page.locator(".said-bad").wait_for()


def _send_empty(page: Page) -> None:
    page.locator("main form button[type=submit]").last.click()
    page.locator(".error-summary").first.wait_for()


def _leave_steps_out(page: Page) -> None:
    for field in ("#usage_model", "#discount_1_name"):
        page.locator(f"details:has({field}) > summary").click()
    page.locator("#usage_model").select_option("graduated")
    page.locator("#discount_1_name").fill("開店祝い")
    _send_empty(page)


RENTED_SCENES = {
    "contracts": Scene(SALES, "/contracts"),
    "contracts-no-match": Scene(SALES, "/contracts?q=zebra"),
    "contract": Scene(SALES, _at("/contracts/{rented.contract_id}")),
    "contract-draft": Scene(SALES, _at("/contracts/{rented.draft_id}")),
    "line-terms": Scene(SALES, _at("/contracts/{rented.draft_id}/lines/{rented.draft_line_id}/terms")),
    "line-terms-errors": Scene(
        SALES,
        _at("/contracts/{rented.draft_id}/lines/{rented.draft_line_id}/terms"),
        _leave_steps_out,
    ),
    "contract-not-ready": Scene(SALES, _at("/contracts/{rented.short_draft_id}")),
    "contract-whose": Scene(SALES, "/contracts/new"),
    "contract-new": Scene(SALES, _at("/contracts/new?customer_id={rented.customer_id}")),
    "customers": Scene(SALES, "/customers"),
    "customer": Scene(SALES, _at("/customers/{rented.customer_id}")),
    "customer-new": Scene(SALES, "/customers/new", _send_empty),
    "sites": Scene(SALES, "/sites"),
    "site": Scene(SALES, _at("/sites/{rented.site_id}")),
    "site-change": Scene(SALES, _at("/sites/{rented.site_id}/change")),
    "work-orders": Scene(ADMINISTRATOR, "/work-orders"),
    "work-order": Scene(ADMINISTRATOR, _at("/work-orders/{rented.done_order_id}")),
    "work-order-to-plan": Scene(ADMINISTRATOR, _at("/work-orders/{rented.waiting_order_id}")),
    "conflicts": Scene(ADMINISTRATOR, "/conflicts"),
    "conflict": Scene(ADMINISTRATOR, _at("/conflicts/{rented.conflict_id}"), _send_empty),
    "units": Scene(WAREHOUSE, "/units"),
    "unit": Scene(WAREHOUSE, _at("/units/{rented.unit_id}")),
    "unit-free": Scene(WAREHOUSE, _at("/units/{rented.free_id}")),
    "deliveries": Scene(WAREHOUSE, "/receiving"),
    "delivery-new": Scene(WAREHOUSE, "/receiving/new", _preview_twice),
    "delivery": Scene(WAREHOUSE, _at("/receiving/{rented.receipt_id}")),
    "places": Scene(WAREHOUSE, "/stock-locations"),
    "place": Scene(WAREHOUSE, _at("/stock-locations/{rented.shelf_id}")),
    "labels": Scene(WAREHOUSE, _at("/labels?delivery={rented.receipt_id}")),
    "models": Scene(SALES, "/equipment-models"),
    "model": Scene(SALES, _at("/equipment-models/{rented.model_id}")),
    "model-new": Scene(SALES, "/equipment-models/new", _send_empty),
    "skills": Scene(SALES, "/skills"),
    "numbering": Scene(ADMINISTRATOR, "/numbering-rules"),
    "numbering-new": Scene(ADMINISTRATOR, "/numbering-rules/new", _preview_rule),
    "visits": Scene(TECHNICIAN, "/m/"),
    "job-sent": Scene(TECHNICIAN, _own("/m/work-orders/{}", "sent_ids")),
    "job": Scene(TECHNICIAN, _own("/m/work-orders/{}", "on_site_ids")),
    "job-read-wrongly": Scene(TECHNICIAN, _own("/m/work-orders/{}", "on_site_ids"), _read_wrongly),
    "job-finish": Scene(TECHNICIAN, _own("/m/work-orders/{}/complete", "on_site_ids")),
    "job-not-possible": Scene(TECHNICIAN, _own("/m/work-orders/{}/block", "on_site_ids")),
    "scan": Scene(WAREHOUSE, "/m/scan"),
    "scan-unknown": Scene(WAREHOUSE, "/m/scan?code=NOT-OURS", status=404),
    "unit-card": Scene(WAREHOUSE, _at("/m/unit/{rented.free_id}")),
    "put-away": Scene(WAREHOUSE, _at("/m/put-away/{rented.shelf_id}")),
    "receive": Scene(WAREHOUSE, "/m/receive"),
    "code-of-a-stranger": Scene(VISITOR, _at("/q/{rented.code}")),
    "code-revoked": Scene(WAREHOUSE, _at("/q/{rented.revoked}"), status=410),
}
