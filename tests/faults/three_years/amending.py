"""What is agreed anew about a contract: planned by the rules, and recorded."""

from collections.abc import Callable
from datetime import date, timedelta
from uuid import UUID

from rental.billing.rules.amendments import Effect, Pause
from rental.catalog.rules import (
    AnchorKind,
    StartPolicy,
    StopPolicy,
    TaxClass,
)
from rental.changes.amendments import add_option, amend, hold_contract
from rental.changes.line_books import ContractBook, LineBook, contract_book
from rental.changes.plans import (
    Plan,
    plan_anchor,
    plan_correction,
    plan_price,
    plan_quantity,
    plan_removal,
    plan_revision,
    plan_suspension,
    plan_termination,
    plan_withdrawal,
)
from rental.changes.rules import LeavingReason, NotInForce
from rental.core.money import Money
from tests.factories.rented import stock
from tests.faults.three_years.doings import Doing, plan_for
from tests.faults.three_years.script import DEAR, OPTION_FEES


def amends(planned: Callable[[Doing, ContractBook, LineBook], Plan]) -> Callable[[Doing], None]:
    """What is planned for one line of the contract is agreed."""

    def do(doing: Doing) -> None:
        hold_contract(doing.uow, doing.contract.id)
        book = contract_book(doing.uow.session, doing.contract.id)
        started = [line for line in _ordinary(book) if line.events]
        if not started:
            raise NotInForce
        amend(doing.uow, planned(doing, book, doing.chance.choice(started)), reason="as agreed")

    return do


def _ordinary(book: ContractBook) -> list[LineBook]:
    """The lines by position, without the dear one."""
    return [line for line in book.lines.values() if line.line.monthly_fee != Money(DEAR)]


def _some_day(doing: Doing) -> date:
    """Often in the past, for people tell late; also where a meter was read since."""
    return doing.today + timedelta(days=doing.chance.randint(-60, 20))


def _some_slot(doing: Doing, line: LineBook) -> UUID:
    started = {event.slot_id for event in line.events if event.slot_id}
    return doing.chance.choice([slot.id for slot in line.line.slots if slot.id in started])


def _fee(doing: Doing) -> Money:
    return Money(doing.chance.choice((0, 500, 4321, 9800, 14_300)))


def price(doing: Doing, book: ContractBook, line: LineBook) -> Plan:
    """Up or down, at once, from the next period on, or as usual."""
    effect = doing.chance.choice((None, Effect.IMMEDIATE, Effect.NEXT_PERIOD))
    return plan_price(
        book, line.line.id, _fee(doing), agreed_for=_some_day(doing), today=doing.today, effect=effect
    )


def slot_price(doing: Doing, book: ContractBook, line: LineBook) -> Plan:
    return plan_price(
        book,
        line.line.id,
        _fee(doing),
        agreed_for=_some_day(doing),
        today=doing.today,
        effect=Effect.IMMEDIATE,
        slot_id=_some_slot(doing, line),
    )


def quantity(doing: Doing, book: ContractBook, line: LineBook) -> Plan:
    return plan_quantity(
        book,
        line.line.id,
        _some_slot(doing, line),
        doing.chance.randint(1, 5),
        agreed_for=_some_day(doing),
        today=doing.today,
    )


def pause(doing: Doing, book: ContractBook, line: LineBook) -> Plan:
    day = _some_day(doing)
    days = Pause(day, day + timedelta(days=doing.chance.randint(1, 50)))
    slot_id = _some_slot(doing, line) if doing.chance.random() < 0.5 else None
    return plan_suspension(book, line.line.id, days, today=doing.today, slot_id=slot_id)


def correct(doing: Doing, book: ContractBook, line: LineBook) -> Plan:
    wrong = doing.chance.choice(line.events).key
    return plan_correction(book, line.line.id, wrong, effective_on=_some_day(doing), today=doing.today)


def withdraw(doing: Doing, book: ContractBook, line: LineBook) -> Plan:
    wrong = doing.chance.choice(line.events).key
    return plan_withdrawal(book, line.line.id, wrong, today=doing.today)


def remove(doing: Doing, book: ContractBook, line: LineBook) -> Plan:
    """The line that was added last."""
    *_, option = _ordinary(book)
    return plan_removal(book, option.line.id, agreed_for=_some_day(doing), today=doing.today)


def anchor(doing: Doing, book: ContractBook, line: LineBook) -> Plan:
    """Time is cut on another day of the month, from the end of the running period on."""
    if not doing.tenancy.is_cut_anew:
        return price(doing, book, line)
    since = line.cycle(today=doing.today).period_of(doing.today).end
    cut = date(since.year, 1, doing.chance.choice((1, 10, 31)))
    return plan_anchor(
        book, line.line.id, AnchorKind.FIXED_DAY, since=since, anchored_on=cut, today=doing.today
    )


def restart(doing: Doing, book: ContractBook, line: LineBook) -> Plan:
    """A new price, and a whole new period at once."""
    if not doing.tenancy.is_cut_anew:
        return price(doing, book, line)
    return plan_price(
        book,
        line.line.id,
        _fee(doing),
        agreed_for=doing.today,
        today=doing.today,
        effect=Effect.FULL_IMMEDIATELY,
    )


def revise(doing: Doing, book: ContractBook, line: LineBook) -> Plan:
    """All prices of the contract go up."""
    fees = {each.line.id: each.line.monthly_fee + Money(110) for each in _ordinary(book)}
    effect = doing.chance.choice((Effect.NEXT_PERIOD, Effect.IMMEDIATE))
    day = doing.today + timedelta(days=doing.chance.randint(0, 40))
    return plan_revision(book, fees, effective_on=day, today=doing.today, effect=effect)


def leave(doing: Doing, book: ContractBook, line: LineBook) -> Plan:
    """Notice is given; whoever leaves before the minimum term pays for it."""
    return plan_termination(
        book,
        last_on=doing.today + timedelta(days=doing.chance.randint(0, 45)),
        requested_on=doing.today,
        leaving=doing.chance.choice(list(LeavingReason)),
    )


def option(doing: Doing) -> None:
    """One more line, of a tax class of its own."""
    uow = doing.uow
    hold_contract(uow, doing.contract.id)
    book = contract_book(uow.session, doing.contract.id)
    tax_class = doing.chance.choice((TaxClass.STANDARD, TaxClass.REDUCED))
    plan = plan_for(uow, tax_class, StartPolicy.INSTALLATION, StopPolicy.RETRIEVAL, 0)
    stock(uow, plan.rate_plan.equipment_model, 1)
    first = next(iter(book.lines.values())).line
    add_option(
        uow,
        book,
        rate_plan_version_id=plan.id,
        site_id=first.slots[0].site_id,
        quantity=1,
        monthly_fee=Money(doing.chance.choice(OPTION_FEES)),
        reason="one more",
    )


AMENDMENTS: dict[str, Callable[[Doing], None]] = {
    option.__name__: option,
    **{
        each.__name__: amends(each)
        for each in (
            price,
            slot_price,
            quantity,
            pause,
            correct,
            withdraw,
            remove,
            anchor,
            restart,
            revise,
            leave,
        )
    },
}
