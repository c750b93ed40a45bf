"""Plans in every state, technicians with and without shifts, and the pages on which they can be seen."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from uuid import UUID

from playwright.sync_api import Page

from rental.core.money import Money
from rental.core.uow import UnitOfWork
from rental.dispatch.models import PlanProgress, RoutePlan
from rental.dispatch.planning import request_plan, store_outcome
from rental.dispatch.publishing import call_off_stop, publish_plan
from rental.dispatch.rules import PlanFailure, PlanState
from rental.dispatch.solving import Unsolved
from rental.fieldwork.visits import arrive, plan_visit
from tests.browser.scenes import DISPATCHER, SALES, Scene
from tests.factories.dispatching import (
    make_draft_plan,
    make_order_at,
    make_orders,
    make_technician,
    make_unplaced_order,
)
from tests.support.story import Story

TUESDAY, WEDNESDAY, THURSDAY, SUNDAY = (date(2026, 11, day) for day in (24, 25, 26, 29))
SECONDS = 60


class Dispatched:
    """A draft, a plan that was sent out and is under way, one that is worked out, one that failed."""

    def __init__(self, story: Story, technicians: Mapping[str, UUID], others: Sequence[UUID]) -> None:
        self.stranger_id = others[-1]
        with story.begin() as uow:
            for account_id in (*technicians.values(), *others[:2]):
                make_technician(uow, account_id, skills={"COFFEE": 2, "POS": 1}, weekdays=(1, 2, 3))
            make_technician(uow, others[2], weekdays=(4,))
            self.technician_id = next(iter(technicians.values()))
            self.sent_out_id = self._under_way(uow)
            self._draft(uow)
            self.waiting_id = self._worked_out(uow)
            self.failed_id = self._failed(uow)

    def _draft(self, uow: UnitOfWork) -> None:
        """With a visit given before, an order that nobody can do, and one that nobody has found."""
        given, *_rest = make_orders(uow, 9)
        plan_visit(
            uow, [given.id], technician_id=self.technician_id, planned_on=TUESDAY, starts_at=15 * 60 + 30
        )
        make_order_at(uow, 35.70, 139.75, skill="PLUMBING")
        make_unplaced_order(uow)
        draft = make_draft_plan(uow, TUESDAY)
        self.draft_id = draft.id
        self.stop_id = next(stop.id for stop in draft.stops if not stop.is_fixed)

    def _under_way(self, uow: UnitOfWork) -> UUID:
        """One visit is begun, one was called off."""
        make_orders(uow, 6)
        plan = make_draft_plan(uow, WEDNESDAY)
        publish_plan(uow, plan.id)
        first, second, *_rest = plan.stops
        assert first.visit_id
        arrive(uow, first.visit_id, at=uow.now)
        call_off_stop(uow, plan.id, second.id)
        return plan.id

    def _worked_out(self, uow: UnitOfWork) -> UUID:
        plan = request_plan(uow, THURSDAY, seconds=SECONDS)
        plan.state, plan.started_at = PlanState.RUNNING, uow.now
        for seconds, yen in ((0, 61_000), (2, 54_300), (9, 51_900), (21, 51_200)):
            uow.session.add(PlanProgress(route_plan_id=plan.id, milliseconds=seconds * 1000, cost=Money(yen)))
        return plan.id

    def _failed(self, uow: UnitOfWork) -> UUID:
        plan: RoutePlan = request_plan(uow, SUNDAY, seconds=SECONDS)
        store_outcome(uow, plan.id, Unsolved(PlanFailure.NOBODY_AT_WORK))
        return plan.id


def _at(path: str) -> Callable[[object], str]:
    """A path with attributes of the dispatched things in braces."""
    return lambda room: path.format(dispatched=room.dispatched)  # type: ignore[attr-defined]


def _ask_to_send_out(page: Page) -> None:
    page.locator(".page-actions .confirm summary").last.click()
    page.locator("dialog[open]").wait_for()


def _plan_a_holiday(page: Page) -> None:
    page.locator("main form[method=post] button[type=submit]").first.click()
    page.locator(".error-summary").first.wait_for()


DISPATCH_SCENES = {
    "plans": Scene(DISPATCHER, "/plans"),
    "plans-no-match": Scene(DISPATCHER, "/plans?day=2026-12-24"),
    "plans-holiday": Scene(DISPATCHER, "/plans?day=2026-11-23", _plan_a_holiday),
    "plan-draft": Scene(DISPATCHER, _at("/plans/{dispatched.draft_id}")),
    "plan-draft-question": Scene(DISPATCHER, _at("/plans/{dispatched.draft_id}"), _ask_to_send_out),
    "plan-one-technician": Scene(DISPATCHER, _at("/plans/{dispatched.draft_id}?route=B")),
    "plan-sent-out": Scene(DISPATCHER, _at("/plans/{dispatched.sent_out_id}")),
    "plan-waiting": Scene(DISPATCHER, _at("/plans/{dispatched.waiting_id}")),
    "plan-failed": Scene(DISPATCHER, _at("/plans/{dispatched.failed_id}")),
    "plan-of-others": Scene(SALES, _at("/plans/{dispatched.sent_out_id}")),
    "plan-move": Scene(DISPATCHER, _at("/plans/{dispatched.draft_id}/stops/{dispatched.stop_id}")),
    "technicians": Scene(DISPATCHER, "/technicians"),
    "technician": Scene(DISPATCHER, _at("/technicians/{dispatched.technician_id}")),
    "technician-new": Scene(DISPATCHER, _at("/technicians/{dispatched.stranger_id}")),
}
