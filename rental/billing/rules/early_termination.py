"""What leaving before the minimum term costs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple, Protocol

from rental.billing.rules.periods import BillingCycle
from rental.billing.rules.refusals import NotBillable, Reason
from rental.billing.rules.tax import WHOLE
from rental.catalog.rules import TaxClass
from rental.core.money import Money, Rounding
from rental.core.periods import Period


class MinimumTerm(NamedTuple):
    """How much of a minimum term is over, in whole months, and how much is left."""

    elapsed: int
    remaining: int


class FeeModel(Protocol):
    """What is asked for when so much of the term is over."""

    def fee(self, term: MinimumTerm, monthly_fee: Money, rounding: Rounding) -> Money:
        """The fee, before any limit."""


class Row(NamedTuple):
    """A row of a table: what is asked for as long as no more than so many months are over."""

    up_to_months: int
    amount: Money


@dataclass(frozen=True, slots=True)
class PartOfRemainingRent:
    """A share of the rent of the months that are left, in hundredths of a per cent."""

    basis_points: int

    def __post_init__(self) -> None:
        if not 0 <= self.basis_points <= WHOLE:
            raise NotBillable("basis_points", Reason.OUT_OF_RANGE, value=self.basis_points)

    def fee(self, term: MinimumTerm, monthly_fee: Money, rounding: Rounding) -> Money:
        return (monthly_fee * term.remaining).share(self.basis_points, of=WHOLE, rounding=rounding)


@dataclass(frozen=True, slots=True)
class FixedFee:
    """The same as long as a month is left."""

    amount: Money

    def fee(self, term: MinimumTerm, monthly_fee: Money, rounding: Rounding) -> Money:
        return self.amount if term.remaining else Money(0)


@dataclass(frozen=True, slots=True)
class FeeTable:
    """By elapsed months: the first row whose bound is not passed counts; after the last one nothing."""

    rows: tuple[Row, ...]

    def __post_init__(self) -> None:
        _require_rows([row.up_to_months for row in self.rows])

    def fee(self, term: MinimumTerm, monthly_fee: Money, rounding: Rounding) -> Money:
        if not term.remaining:
            return Money(0)
        return next((row.amount for row in self.rows if term.elapsed <= row.up_to_months), Money(0))


@dataclass(frozen=True, slots=True)
class ResidualValue:
    """What the machine is still worth: its price, less an equal part for every month of its life."""

    price: Money
    life_months: int

    def __post_init__(self) -> None:
        if self.life_months < 1:
            raise NotBillable("life_months", Reason.OUT_OF_RANGE, value=self.life_months)

    def fee(self, term: MinimumTerm, monthly_fee: Money, rounding: Rounding) -> Money:
        if not term.remaining:
            return Money(0)
        left = max(0, self.life_months - term.elapsed)
        return self.price.share(left, of=self.life_months, rounding=rounding)


@dataclass(frozen=True, slots=True)
class TerminationFee:
    """What was agreed about leaving early. Damages are out of scope of the tax, handling is taxable.

    No `model` asks for nothing; a sum that is not divided is out of scope as a whole.
    """

    model: FeeModel | None
    tax_class: TaxClass = TaxClass.OUT_OF_SCOPE
    at_least: Money | None = None
    at_most: Money | None = None

    def amount(self, term: MinimumTerm, monthly_fee: Money, rounding: Rounding = Rounding.DOWN) -> Money:
        """What leaving now costs, within its limits; nothing when no month is left."""
        if self.model is None or not term.remaining:
            return Money(0)
        fee = self.model.fee(term, monthly_fee, rounding)
        if self.at_least is not None:
            fee = max(fee, self.at_least)
        return fee if self.at_most is None else min(fee, self.at_most)


def termination_fee_of(said: Mapping[str, Any]) -> TerminationFee:
    """What was agreed as it is stored: the name of a model, and whole numbers. Raises NotBillable."""
    tax_class = TaxClass(said.get("tax_class", TaxClass.OUT_OF_SCOPE))
    limits = [None if said.get(name) is None else Money(said[name]) for name in ("at_least", "at_most")]
    return TerminationFee(_model_of(said), tax_class, *limits)


def _model_of(said: Mapping[str, Any]) -> FeeModel | None:
    try:
        match said.get("model"):
            case None:
                return None
            case "percent":
                return PartOfRemainingRent(said["basis_points"])
            case "fixed":
                return FixedFee(Money(said["amount"]))
            case "table":
                return FeeTable(tuple(Row(months, Money(amount)) for months, amount in said["rows"]))
            case "residual":
                return ResidualValue(Money(said["price"]), said["life_months"])
            case other:
                raise NotBillable("model", Reason.UNKNOWN, value=str(other)[:40])
    except KeyError as error:
        raise NotBillable(str(error.args[0]), Reason.MISSING) from None


def minimum_term(
    started_on: date, months: int, *, ended_on: date, pauses: Sequence[Period] = ()
) -> MinimumTerm:
    """How much of the minimum term is over when rent ends; `ended_on` is the first day without it.

    Pauses that extend the term do not count: it ends so many days later.
    """
    if ended_on < started_on:
        raise NotBillable("ended_on", Reason.ENDS_BEFORE_START, start=started_on, end=ended_on)
    if months < 0:
        raise NotBillable("months", Reason.NEGATIVE, value=months)
    paused_days = sum(pause.overlap_days(started_on, ended_on) for pause in pauses)
    cycle, counted_until = BillingCycle.anniversary(started_on), ended_on - timedelta(days=paused_days)
    elapsed = 0
    while cycle.boundary(elapsed + 1) <= counted_until:
        elapsed += 1
    return MinimumTerm(elapsed, max(0, months - elapsed))


def _require_rows(bounds: Sequence[int]) -> None:
    if not bounds:
        raise NotBillable("rows", Reason.MISSING)
    if list(bounds) != sorted(set(bounds)) or bounds[0] < 0:
        raise NotBillable("up_to_months", Reason.NOT_ASCENDING)
