"""When an invoice closes, and by when it is to be paid (締め日・支払サイト)."""

from datetime import date, timedelta
from functools import cache

from rental.billing.rules.bank_days import bank_day_from, bank_day_until
from rental.billing.rules.periods import day_in_month
from rental.billing.rules.prices import require_not_negative
from rental.customers.rules import HolidayRule


def closing_on(issued_on: date, closing_day: int) -> date:
    """The first closing on or after a day; closing day 31 is the end of the month."""
    this_month = day_in_month(issued_on, closing_day)
    return this_month if issued_on <= this_month else day_in_month(issued_on, closing_day, months_later=1)


def closing_by(day: date, closing_day: int) -> date:
    """The last closing on or before a day."""
    this_month = day_in_month(day, closing_day)
    return this_month if this_month <= day else day_in_month(day, closing_day, months_later=-1)


@cache
def due_on(closed_on: date, *, term_months: int, pay_day: int, holiday_rule: HolidayRule) -> date:
    """By when an invoice is to be paid: on the pay day so many months after its closing, when banks are open.

    31, 1, 31 is 月末締め翌月末払い; 20, 2, 10 is 20日締め翌々月10日払い.
    """
    day = day_in_month(closed_on, pay_day, months_later=term_months)
    match holiday_rule:
        case HolidayRule.PREVIOUS:
            return bank_day_until(day)
        case HolidayRule.NEXT:
            return bank_day_from(day)
        case HolidayRule.NONE:
            return day


def debit_on(nominal_on: date) -> date:
    """The day money is collected by direct debit (口座振替): the day named, or the next bank day."""
    return bank_day_from(nominal_on)


def debit_requested_by(debited_on: date, *, bank_days_before: int) -> date:
    """Until when the file has to be with the bank or the agency, so many bank days before.

    What is issued later is collected the next time.
    """
    require_not_negative(bank_days_before, "bank_days_before")
    day = debited_on
    for _ in range(bank_days_before):
        day = bank_day_until(day - timedelta(days=1))
    return day
