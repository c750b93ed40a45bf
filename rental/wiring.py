"""Which facts lead to which reactions; reads like the business process."""

from rental.assurance import handlers as assurance
from rental.billing import handlers as billing
from rental.core.bus import Bus
from rental.dispatch import handlers as dispatch
from rental.fieldwork import handlers as fieldwork
from rental.notifications import handlers as notifications


def wire() -> Bus:
    """Every subscription of the product."""
    return Bus(
        # People are let in, get other roles, sign in somewhere.
        notifications.tell_of_new_password,
        notifications.tell_of_new_roles,
        notifications.tell_of_new_place,
        # A contract becomes active: somebody must install what it promises.
        fieldwork.open_orders_for_contract,
        fieldwork.open_orders_for_line,
        # Somebody wants the routes of a day.
        dispatch.store_requested_plan,
        # A technician is sent out.
        notifications.tell_of_new_visit,
        # A machine is in service: it owes rent. A closing asks for it, and the invoice goes out.
        billing.open_billing_schedule,
        billing.look_at_ended_slot,
        billing.look_at_incurred_cost,
        billing.bill_opened_chunk,
        billing.keep_drawn_document,
        billing.send_made_document,
        # Another document was issued: a credit note, a correction, a delivery note.
        billing.keep_issued_document,
        billing.send_drawn_document,
        # The database is asked whether all is well.
        assurance.answer_started_check,
    )


def flows(bus: Bus) -> str:
    """The subscriptions as the table of docs/flows.md."""
    rows = [
        (handler.event.name, handler.name, handler.queue.value)
        for handler in sorted(bus, key=lambda handler: (handler.event.name, handler.name))
    ]
    head = ("Fact", "Reaction", "Queue")
    lines = [f"| {' | '.join(row)} |" for row in (head, ("---",) * 3, *rows)]
    return "\n".join(lines) + "\n"
