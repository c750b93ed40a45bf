"""The short names of tax treatments (S10, S8R, …), and the days on which they may be used."""

from datetime import date
from typing import NamedTuple

from rental.billing.rules.refusals import NotBillable, Reason
from rental.billing.rules.tax import TaxRate, rate_on
from rental.catalog.rules import TaxClass


class _Code(NamedTuple):
    tax_class: TaxClass
    since: date = date.min
    until: date = date.max
    basis_points: int = 0


_CODES = {
    "S10": _Code(TaxClass.STANDARD, since=date(2019, 10, 1), basis_points=1000),
    "S8R": _Code(TaxClass.REDUCED, since=date(2019, 10, 1), basis_points=800),
    "S8": _Code(TaxClass.STANDARD, date(2014, 4, 1), date(2019, 10, 1), basis_points=800),
    "EXEMPT": _Code(TaxClass.EXEMPT),
    "OUT": _Code(TaxClass.OUT_OF_SCOPE),
}


def rate_of_code(code: str, supplied_on: date, *, is_transitional: bool = False) -> TaxRate:
    """The rate a code stands for. Raises NotBillable for one that is unknown or not in force on this day.

    Where a law lets an old rate live on, as it did for contracts made before it changed, `is_transitional`
    says so, and the rate becomes the one agreed for the line.
    """
    found = _CODES.get(code)
    if found is None:
        raise NotBillable("tax_code", Reason.UNKNOWN, value=code[:20])
    if not found.since <= supplied_on < found.until and not (is_transitional and supplied_on >= found.until):
        raise NotBillable("tax_code", Reason.NOT_IN_FORCE, value=code, on=supplied_on)
    return TaxRate(found.tax_class, found.basis_points)


def code_of(tax_class: TaxClass, supplied_on: date) -> str:
    """The code of a class on a day; the rates of a class from before 2014 have none. Raises NotBillable."""
    rate = rate_on(tax_class, supplied_on)
    for code, known in _CODES.items():
        if TaxRate(known.tax_class, known.basis_points) == rate and known.since <= supplied_on < known.until:
            return code
    raise NotBillable("tax_code", Reason.NOT_IN_FORCE, value=tax_class, on=supplied_on)
