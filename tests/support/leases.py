"""Time that a test does not wait for."""

from datetime import timedelta

from sqlalchemy import update

from rental.core.db import writing_engine
from rental.core.outbox import Delivery, DeliveryState
from tests.support.story import Story


def let_leases_run_out(story: Story) -> None:
    """As if the minutes of every lease had gone by, and with them the claim of whoever died at work."""
    with story.app.app_context(), writing_engine().begin() as connection:
        past = story.runtime.clock.now() - timedelta(minutes=10)
        connection.execute(
            update(Delivery).where(Delivery.state == DeliveryState.RUNNING).values(lease_until=past)
        )
