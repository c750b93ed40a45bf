"""A month that was billed: an account with its invoice, and one that waits for a person."""

from datetime import date

from sqlalchemy import select

from rental.billing.models import BillingItem, BillingRun, Invoice
from rental.billing.rules.runs import ItemState
from tests.factories.billed import Rented, close, machines_in_service, make_issuer, owe_a_day_twice
from tests.support.story import Story


def bill_last_month(story: Story) -> dict[str, object]:
    """Two customers' machines went into service in March, and March is closed; the ids by their names."""
    now = story.clock.now()
    with story.begin() as uow:
        make_issuer(uow)
    story.on("2026-03-16")
    machines_in_service(story, Rented(9800, machines=2), name="喫茶<b>三月</b>")
    owe_a_day_twice(story, machines_in_service(story, Rented(4980), name="喫茶うたがい"))
    story.clock.set(now)
    close(story, "2026-03-31")
    with story.reading() as session:
        parked = select(BillingItem.id).where(BillingItem.state == ItemState.PARKED)
        return {
            "billing_run_id": session.scalars(
                select(BillingRun.id).where(BillingRun.closed_on == date(2026, 3, 31))
            ).one(),
            "billing_item_id": session.scalars(parked).one(),
            "invoice_id": session.scalars(select(Invoice.id)).one(),
        }
