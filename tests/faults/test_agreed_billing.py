"""Closings of one month and the next at once, by four processes: every obligation of every kind once."""

from collections import Counter
from collections.abc import Callable
from datetime import date
from uuid import UUID

import pytest
from sqlalchemy import select

from rental.billing.agreements import agree_cost, agree_terms
from rental.billing.models import BilledSegment, BillingClaim, BillingItem, BillingRun, Invoice
from rental.billing.rules.charges import ChargeKind
from rental.billing.rules.runs import ItemState
from rental.billing.runs import bill_chunk, open_run
from rental.billing.usage_readings import Reading, take_readings
from rental.catalog.rules import Cost, Timing
from rental.contracts.agreeing import Terms
from rental.core.uow import UnitOfWork, begin, system
from tests.factories.billed import Rented, machines_in_service, make_issuer
from tests.support.forking import in_child_processes
from tests.support.story import Story

pytestmark = pytest.mark.faults

APRIL, MAY = date(2026, 4, 30), date(2026, 5, 31)
PRINTS = {"model": "per_unit", "unit_price": "0.5"}


@pytest.fixture
def company(story: Story) -> Story:
    """Copiers paid in advance or in arrears, with an initial cost and a reading; it is the end of May."""
    with story.begin() as uow:
        make_issuer(uow)

    def agree(timing: Timing) -> Callable[[UnitOfWork, UUID], None]:
        def agreed(uow: UnitOfWork, line_id: UUID) -> None:
            agree_terms(uow, line_id, Terms(timing=timing, usage=PRINTS))
            agree_cost(uow, line_id, Cost.INITIAL, unit_price=5000)

        return agreed

    story.on("2026-04-16")
    for number, timing in enumerate(list(Timing) * 2):
        contract = machines_in_service(
            story, Rented(3000, machines=2), name=f"喫茶{number}", agree=agree(timing)
        )
        with story.begin("meter") as uow:
            take_readings(uow, [Reading(contract.contract_number, 1, "a", date(2026, 4, 16), 100)])
    story.on("2026-05-31")
    return story


def test_closings_of_two_months_at_once_bill_every_obligation_once(company: Story) -> None:
    def close(closed_on: date) -> Callable[[], object]:
        def work() -> None:
            with company.app.app_context():
                with begin(system("clerk")) as uow:
                    run = open_run(uow, closed_on, chunk_size=2)
                    run_id, chunks = run.id, run.chunk_count
                for chunk in range(1, chunks + 1):
                    with begin(system("worker")) as uow:
                        bill_chunk(uow, run_id, chunk)

        return work

    in_child_processes(company.app, close(APRIL), close(APRIL), close(MAY), close(MAY))

    with company.reading() as session:
        assert set(session.scalars(select(BillingItem.state))) == {ItemState.DONE}
        assert len(session.scalars(select(BillingRun)).all()) == 2
        claims = session.execute(select(BillingClaim.kind, BillingClaim.period_start)).all()
        generations = set(session.scalars(select(BillingClaim.generation)))
        amounts: Counter[ChargeKind] = Counter()
        for kind, sign, amount in session.execute(
            select(BilledSegment.kind, BilledSegment.sign, BilledSegment.amount)
        ):
            amounts[kind] += sign * amount.minor_units
        numbers = sorted(session.scalars(select(Invoice.number)))
    assert generations == {0}
    assert Counter(tuple(claim) for claim in claims) == {
        (ChargeKind.RECURRING, date(2026, 4, 1)): 4,
        (ChargeKind.RECURRING, date(2026, 5, 1)): 4,
        (ChargeKind.RECURRING, date(2026, 6, 1)): 2,
        (ChargeKind.ONE_OFF, date(2026, 4, 16)): 4,
        (ChargeKind.USAGE, date(2026, 4, 1)): 4,
    }
    assert amounts == {
        ChargeKind.RECURRING: 4 * 3000 + 4 * 6000 + 2 * 6000,
        ChargeKind.ONE_OFF: 4 * 5000,
        ChargeKind.USAGE: 4 * 50,
    }
    assert numbers == [f"INV-2026-{number:08}" for number in range(1, len(numbers) + 1)]
    assert 4 <= len(numbers) <= 8
