"""When an invoice closes, and by when it is to be paid (締め日・支払サイト)."""

from datetime import date
from functools import cache

from rental.billing.rules.bank_days import bank_day_from, bank_day_until
from rental.billing.rules.periods import day_in_month
from rental.customers.rules import HolidayRule


def closing_on(issued_on: date, closing_day: int) -> date:
    """The first closing on or after a day; closing day 31 is the end of the month."""
    this_month = day_in_month(issued_on, closing_day)
    return this_month if issued_on <= this_month else day_in_month(issued_on, closing_day, months_later=1)


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
