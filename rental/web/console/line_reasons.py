"""What changed a line before it was billed, in the words of the page: amendments, and what happened once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from rental.billing.evidence import costs_behind, events_behind
from rental.billing.models import Invoice, InvoiceLine
from rental.billing.rules.prices import UnitPrice
from rental.changes.queries import amendments_named
from rental.contracts.models import LineEvent, OneOff
from rental.contracts.rules import LineEventKind
from rental.core.money import Money
from rental.fieldwork.queries import work_orders_named
from rental.web.formats import day, yen
from rental.web.sentences import state_label


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that changed the line, from which day on, and who caused it with what."""

    on: date
    what: str
    why: str
    by: str
    by_url: str | None = None


class _Cause(NamedTuple):
    said: str
    url: str | None


_NOBODY = _Cause("", None)


def reasons_of(session: Session, invoice: Invoice, line: InvoiceLine) -> list[Reason]:
    """Latest first, as far as it was known when the invoice was finalised."""
    events = events_behind(session, line, until=invoice.finalised_at)
    costs = costs_behind(session, line, until=invoice.finalised_at)
    rows: list[tuple[LineEvent | OneOff, date, str]] = [
        *((cost, cost.happened_on, _said_of_cost(cost)) for cost in costs),
        *((event, event.effective_on, _said_of_event(event)) for event in events),
    ]
    causes = _causes(session, [row for row, _on, _said in rows], line)
    return [Reason(on, said, row.reason, *_cause_of(row, causes)) for row, on, said in rows]


def _said_of_event(event: LineEvent) -> str:
    said = str(state_label(event.kind))
    if event.value is not None:
        is_fee = event.kind is LineEventKind.PRICE
        machines = ngettext("%(num)s machine", "%(num)s machines", event.value)
        said = f"{said}: {yen(Money(event.value)) if is_fee else machines}"
    if event.replaces_on is not None:
        said = _("%(said)s, in place of what was recorded for %(day)s", said=said, day=day(event.replaces_on))
    return said


def _said_of_cost(cost: OneOff) -> str:
    price = f"{cost.quantity} × ¥{UnitPrice(cost.unit_price_millionths).text}"
    return f"{state_label(cost.cost)}: {price}"


def _cause_of(row: LineEvent | OneOff, causes: dict[UUID, _Cause]) -> _Cause:
    return causes.get(row.source_id, _NOBODY) if row.source_id else _NOBODY


def _causes(session: Session, rows: Sequence[LineEvent | OneOff], line: InvoiceLine) -> dict[UUID, _Cause]:
    ids = {row.source_id for row in rows if row.source_id}
    contract_url = url_for("contracts.show", contract_id=line.contract_line.contract_id)
    amended = {
        each.id: _Cause(
            _("Amendment: %(kind)s, %(who)s", kind=state_label(each.kind), who=each.recorded_by), contract_url
        )
        for each in amendments_named(session, ids)
    }
    ordered = {
        each.id: _Cause(each.number, url_for("work_orders.show", work_order_id=each.id))
        for each in work_orders_named(session, ids)
    }
    return {**amended, **ordered}
