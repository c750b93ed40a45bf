"""Three years go by, day by day: what happens, what the workers do then, the closings of the evening.

On some days there is an accident: whoever works is killed at one moment of it, and somebody else goes on.
"""

from calendar import monthrange
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from uuid import UUID

from sqlalchemy import select

from rental.billing.limits import set_limits
from rental.billing.rules.bounds import Limits
from rental.billing.runs import open_run
from rental.core import audit
from rental.core.deliveries import take_back_expired
from rental.core.errors import DomainError
from rental.core.idempotency import once
from rental.core.outbox import Delivery, is_due
from rental.core.uow import begin, system
from rental.customers.accounts import open_billing_account, register_customer
from rental.customers.rules import CustomerKind
from rental.worker import run_delivery
from tests.factories.billed import make_issuer, technician_of
from tests.factories.rented import make_model, make_plan, make_rule, make_site
from tests.faults.three_years.amending import AMENDMENTS
from tests.faults.three_years.doings import DOINGS, Doing, account_name
from tests.faults.three_years.script import DAYS, FIRST, Happening, Tenancy
from tests.support.forking import KILLED, dying_at, fork, outcome
from tests.support.leases import let_leases_run_out
from tests.support.story import Story

DRAWING = "billing.keep_drawn_document"
DESK = "clerk"
EVERYTHING = {**DOINGS, **AMENDMENTS}


@dataclass
class Accidents:
    """On which days somebody is killed, at which moment of what. Without any, nobody is."""

    chance: Random
    one_day_in: int | None = None
    is_imminent: bool = False
    kills: int = 0

    def dawn(self) -> None:
        """Whether there will be an accident today, at one of the first things that are done."""
        self.is_imminent = self.one_day_in is not None and self.chance.randrange(self.one_day_in) == 0

    def befalls(self, story: Story, work: Callable[[], object]) -> None:
        """Somebody begins this work, and is killed at any statement or commit of it."""
        if self.is_imminent and self.chance.random() < 0.5:
            self.is_imminent = False
            pid = fork(story.app, dying_at(self.chance.randint(1, 60), work))
            ending = outcome(pid)
            assert ending in (0, KILLED)
            self.kills += ending == KILLED


@dataclass
class Company:
    """The company of the story on one database, and what came of everything that was tried."""

    story: Story
    tenants: Sequence[Tenancy]
    accidents: Accidents
    draws: bool
    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    technician_id: UUID = field(init=False)

    def __post_init__(self) -> None:
        self.technician_id = technician_of(self.story)

    def is_founded(self) -> None:
        """We may send invoices; everybody who will be our customer is one, with an account and a site."""
        story = self.story
        story.on(str(FIRST))
        with story.begin() as uow, audit.in_blocks(uow.session):
            make_issuer(uow)
            make_rule(uow)
            make_plan(uow, make_model(uow))
            set_limits(uow, Limits(times=None))
            for tenancy in self.tenants:
                if tenancy.is_steady:
                    customer = register_customer(
                        uow, name=account_name(tenancy), kind=CustomerKind.CORPORATION
                    )
                    make_site(uow, customer)
                    open_billing_account(
                        uow,
                        customer.id,
                        name=account_name(tenancy),
                        address="東京都千代田区神田須田町1-2-3",
                        closing_day=tenancy.closing_day,
                        charge_rounding=tenancy.rounding,
                    )
        self._workers_work()

    def lives_through(self, happenings: dict[date, list[Happening]]) -> None:
        """All the days, one after the other."""
        for number in range(DAYS):
            today = FIRST + timedelta(days=number)
            self.accidents.dawn()
            self.story.on(str(today))
            for happening in happenings.get(today, ()):
                self._happens(happening)
            if happenings.get(today):
                self._workers_work()
            if today.day in self._closing_days(today):
                self.story.later(hours=8)
                self._closes(today)
                self._workers_work()

    def _closing_days(self, today: date) -> set[int]:
        last = monthrange(today.year, today.month)[1]
        return {min(tenancy.closing_day, last) for tenancy in self.tenants}

    def _happens(self, happening: Happening) -> None:
        """What cannot be is refused, and leaves nothing behind."""

        def work() -> None:
            with self.story.begin(DESK) as uow:
                tenancy = self.tenants[happening.contract]
                doing = Doing(uow, tenancy, Random(happening.seed), self.technician_id)
                once(
                    uow,
                    DESK,
                    happening.seed,
                    happening.name,
                    lambda: _done(EVERYTHING[happening.name], doing),
                )

        def try_it() -> None:
            try:
                work()
                self.done[happening.name] += 1
            except DomainError as error:
                self.refused[f"{happening.name}: {error.code}"] += 1

        self.accidents.befalls(self.story, try_it)
        try_it()

    def _closes(self, closed_on: date) -> None:
        def work() -> None:
            with self.story.begin(DESK) as uow:
                open_run(uow, closed_on)

        self.accidents.befalls(self.story, work)
        work()

    def _workers_work(self) -> None:
        """Everything that waits, by one who may die of it and by another who comes after the lease."""
        kills = self.accidents.kills
        self.accidents.befalls(self.story, self._work_off)
        if self.accidents.kills > kills:
            let_leases_run_out(self.story)
            with self.story.app.app_context(), begin(system("tick")) as uow:
                take_back_expired(uow)
        self._work_off()

    def _work_off(self) -> None:
        while due := self._waiting():
            with self.story.app.app_context():
                for delivery_id in due:
                    run_delivery(delivery_id)

    def _waiting(self) -> Sequence[UUID]:
        due = select(Delivery.id).where(is_due(self.story.clock.now()))
        if not self.draws:
            due = due.where(Delivery.handler != DRAWING)
        with self.story.reading() as session:
            return session.scalars(due.order_by(Delivery.due_at, Delivery.id)).all()


def _done(do: Callable[[Doing], None], doing: Doing) -> dict[str, object]:
    do(doing)
    return {}
