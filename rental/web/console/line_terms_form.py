"""What is filled in about the terms of a line: rent, periods, usage, discounts, leaving early, costs."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, Field

from rental.billing.rules.periods import FREQUENCIES
from rental.billing.rules.prices import UnitPrice
from rental.billing.rules.usage import Aggregation
from rental.catalog.rules import (
    AnchorKind,
    Cost,
    Proration,
    StartPolicy,
    StopPolicy,
    StubPolicy,
    TaxClass,
    Timing,
)
from rental.contracts.agreeing import Terms
from rental.contracts.line_agreements import Agreement, CostPrice, Discount, Rent
from rental.core.money import Money
from rental.web.console.line_terms_checks import BY_DAYS, check_terms
from rental.web.console.price_fields import PercentField, UnitPriceField
from rental.web.fields import (
    AtMost,
    ChoiceField,
    DayField,
    LineField,
    Needed,
    VersionField,
    WholeNumberField,
    YenField,
    choices,
    choices_of,
    filled_in,
)
from rental.web.sentences import state_label

NONE = ""
COSTS = (Cost.INITIAL, Cost.DELIVERY, Cost.INSTALLATION, Cost.REMOVAL, Cost.RELOCATION)
DAY = timedelta(days=1)


class RowKind(NamedTuple):
    """Rows of a kind: how many are offered at first, how many there can be, and their fields."""

    at_first: int
    most: int
    fields: Mapping[str, Callable[[int], Field]]


ROWS = {
    "tier": RowKind(
        3,
        20,
        {
            "up_to": lambda n: WholeNumberField(_l("Step %(n)s, up to", n=n), minimum=1),
            "price": lambda n: UnitPriceField(_l("Step %(n)s, price of one", n=n)),
            "flat": lambda n: YenField(_l("Step %(n)s, once", n=n)),
        },
    ),
    "discount": RowKind(
        1,
        10,
        {
            "name": lambda n: LineField(_l("Discount %(n)s, name", n=n), validators=[AtMost(100)]),
            "percent": lambda n: PercentField(_l("Discount %(n)s, per cent", n=n)),
            "amount": lambda n: YenField(_l("Discount %(n)s, amount a period", n=n)),
            "starts_on": lambda n: DayField(_l("Discount %(n)s, first day", n=n)),
            "last_on": lambda n: DayField(_l("Discount %(n)s, last day", n=n)),
            "periods": lambda n: WholeNumberField(
                _l("Discount %(n)s, number of periods", n=n), minimum=1, maximum=120
            ),
        },
    ),
    "leaving": RowKind(
        2,
        20,
        {
            "months": lambda n: WholeNumberField(
                _l("Step %(n)s, up to so many months over", n=n), maximum=120
            ),
            "amount": lambda n: YenField(_l("Step %(n)s, amount", n=n)),
        },
    ),
}


class LineTermsForm(FlaskForm):
    """Everything agreed about a line of a draft. `line_terms_form` adds the rows."""

    version = VersionField(_l("Version"), validators=[Needed()])

    monthly_fee = YenField(_l("Fee of one machine a month"), validators=[Needed()])
    tax_class = ChoiceField(_l("Tax"))
    rate_bp = PercentField(_l("Tax rate agreed"))
    cuts_at_rate_changes = BooleanField(_l("Cut periods where the tax rate changes"))

    start_policy = ChoiceField(_l("Rent starts"))
    trial_days = WholeNumberField(_l("Days of trial"), validators=[Needed()], maximum=365)
    stop_policy = ChoiceField(_l("Rent stops"))
    retrieval_day_counts = BooleanField(_l("The day of retrieval is billed"))
    overrun_fee = YenField(_l("Monthly fee when kept after the agreed end"))

    months = ChoiceField(_l("Billed every"))
    period_days = WholeNumberField(_l("Days of a period"), minimum=1, maximum=366)
    timing = ChoiceField(_l("When it is billed"))
    lead_days = WholeNumberField(_l("Days before the period"), validators=[Needed()], maximum=366)
    anchor = ChoiceField(_l("Periods begin"))
    anchored_on = DayField(_l("Periods are counted from"))
    stub = ChoiceField(_l("Days before the first whole period"))

    proration = ChoiceField(_l("Part of a period at the start"))
    stop_proration = ChoiceField(_l("Part of a period at the end"))
    change_proration = ChoiceField(_l("Part of a period at a change"))

    usage_model = ChoiceField(_l("Price of usage"))
    aggregation = ChoiceField(_l("What is counted"))
    included = WholeNumberField(_l("Included"))
    usage_minimum = YenField(_l("At least a period"))
    usage_maximum = YenField(_l("At most a period"))
    usage_flat = YenField(_l("Amount of a period"))
    usage_unit_price = UnitPriceField(_l("Price of one"))
    package_price = UnitPriceField(_l("Price of a package"))
    package_size = WholeNumberField(_l("Size of a package"), minimum=1)
    package_free = WholeNumberField(_l("Free before the first package"))

    leaving_model = ChoiceField(_l("Fee for leaving early"))
    leaving_percent = PercentField(_l("Per cent of the remaining rent"))
    leaving_amount = YenField(_l("Fixed amount"))
    leaving_value = YenField(_l("Price of the machine when new"))
    leaving_life = WholeNumberField(_l("Months until it is worth nothing"), minimum=1, maximum=600)
    leaving_tax_class = ChoiceField(_l("Tax on the fee"))
    leaving_at_least = YenField(_l("At least"))
    leaving_at_most = YenField(_l("At most"))

    cost_initial = UnitPriceField(_l("Initial cost"))
    cost_delivery = UnitPriceField(_l("Transport"))
    cost_installation = UnitPriceField(_l("Installation"))
    cost_removal = UnitPriceField(_l("Removal"))
    cost_relocation = UnitPriceField(_l("Relocation"))

    row_counts: Mapping[str, int]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        _offer_choices(self)

    def validate(self, extra_validators: Any = None) -> bool:
        """What each part says of itself, then whether the parts can be calculated with."""
        if not super().validate(extra_validators):
            return False
        check_terms(self)
        return not self.errors

    def rows(self, kind: str) -> list[list[Field]]:
        """The rows of this kind, each with its fields."""
        return [
            [self[f"{kind}_{number}_{name}"] for name in ROWS[kind].fields]
            for number in range(1, self.row_counts[kind] + 1)
        ]

    def row(self, kind: str, number: int) -> dict[str, Any]:
        """What is filled into a row; empty when nothing is."""
        found = {name: self[f"{kind}_{number}_{name}"].data for name in ROWS[kind].fields}
        return found if any(value not in (None, "") for value in found.values()) else {}

    def filled_rows(self, kind: str) -> list[tuple[int, dict[str, Any]]]:
        """The rows into which something is filled, with their numbers."""
        numbers = range(1, self.row_counts[kind] + 1)
        return [(number, row) for number in numbers if (row := self.row(kind, number))]

    @property
    def agreement(self) -> Agreement:
        """All of it; only for a form that is valid."""
        return Agreement(
            Rent(
                filled_in(self.monthly_fee),
                TaxClass(self.tax_class.data),
                StartPolicy(self.start_policy.data),
                StopPolicy(self.stop_policy.data),
                filled_in(self.trial_days),
            ),
            self.terms,
            [discount for n in range(1, self.row_counts["discount"] + 1) if (discount := self.discount(n))],
            [
                CostPrice(cost, price.millionths)
                for cost in COSTS
                if (price := self[f"cost_{cost.value}"].data) is not None
            ],
        )

    @property
    def terms(self) -> Terms:
        """How time is cut and billed, what is used, what leaving costs."""
        by_days = self.months.data == BY_DAYS
        return Terms(
            anchor=AnchorKind(self.anchor.data),
            anchored_on=self.anchored_on.data,
            months=1 if by_days else int(self.months.data),
            period_days=self.period_days.data if by_days else None,
            timing=Timing(self.timing.data),
            lead_days=filled_in(self.lead_days),
            stub=StubPolicy(self.stub.data),
            proration=Proration(self.proration.data),
            stop_proration=_or_none(Proration, self.stop_proration.data),
            change_proration=_or_none(Proration, self.change_proration.data),
            retrieval_day_counts=bool(self.retrieval_day_counts.data),
            rate_bp=self.rate_bp.data,
            cuts_at_rate_changes=bool(self.cuts_at_rate_changes.data),
            overrun_fee=self.overrun_fee.data,
            usage=self.usage,
            leaving=self.leaving,
        )

    @property
    def usage(self) -> dict[str, Any] | None:
        """The price of usage in the words of the rules of billing."""
        if not self.usage_model.data:
            return None
        said: dict[str, Any] = {"model": self.usage_model.data, "aggregation": self.aggregation.data}
        match self.usage_model.data:
            case "flat":
                said |= _given(price=self.usage_flat)
            case "per_unit":
                said |= _given(unit_price=self.usage_unit_price)
            case "package":
                said |= _given(price=self.package_price, size=self.package_size, free=self.package_free)
            case _by_steps:
                said["tiers"] = [_tier(row) for _number, row in self.filled_rows("tier")]
        return said | _given(included=self.included, minimum=self.usage_minimum, maximum=self.usage_maximum)

    @property
    def leaving(self) -> dict[str, Any] | None:
        """What leaving early costs in the words of the rules of billing."""
        if not self.leaving_model.data:
            return None
        said: dict[str, Any] = {"model": self.leaving_model.data, "tax_class": self.leaving_tax_class.data}
        match self.leaving_model.data:
            case "percent":
                said |= _given(basis_points=self.leaving_percent)
            case "fixed":
                said |= _given(amount=self.leaving_amount)
            case "residual":
                said |= _given(price=self.leaving_value, life_months=self.leaving_life)
            case _table:
                rows = [row for _number, row in self.filled_rows("leaving")]
                said["rows"] = [[row["months"], _plain(row["amount"])] for row in rows]
        return said | _given(at_least=self.leaving_at_least, at_most=self.leaving_at_most)

    def discount(self, number: int) -> Discount | None:
        """The discount of this row, if something is filled in."""
        row = self.row("discount", number)
        if not row:
            return None
        return Discount(
            row["name"] or "",
            row["percent"] or 0,
            row["amount"] or Money(0),
            row["starts_on"],
            row["last_on"] + DAY if row["last_on"] else None,
            row["periods"],
        )


def line_terms_form(counts: Mapping[str, int] | None = None, **given: Any) -> LineTermsForm:
    """The form with so many rows of each kind, at least as many as are offered at first."""
    row_counts = {
        kind: min(max(rows.at_first, (counts or {}).get(kind, 0)), rows.most) for kind, rows in ROWS.items()
    }
    fields: dict[str, Any] = {
        f"{kind}_{number}_{name}": make(number)
        for kind, count in row_counts.items()
        for number in range(1, count + 1)
        for name, make in ROWS[kind].fields.items()
    }
    kind_of_form = type("LineTermsFormWithRows", (LineTermsForm,), fields | {"row_counts": row_counts})
    form: LineTermsForm = kind_of_form(**given)
    return form


def counts_in(names: Iterable[str]) -> dict[str, int]:
    """How many rows of each kind a form was sent with, by the names of its fields."""
    counts = dict.fromkeys(ROWS, 0)
    for name in names:
        if match := re.fullmatch(r"(tier|discount|leaving)_(\d{1,2})_\w+", name):
            counts[match[1]] = max(counts[match[1]], int(match[2]))
    return counts


def _offer_choices(form: LineTermsForm) -> None:
    form.tax_class.choices = choices_of(TaxClass, state_label)
    form.leaving_tax_class.choices = choices_of(TaxClass, state_label)
    form.start_policy.choices = choices_of(StartPolicy, state_label)
    form.stop_policy.choices = choices_of(StopPolicy, state_label)
    form.months.choices = choices(
        *((str(months), _every(months)) for months in FREQUENCIES), (BY_DAYS, _("So many days"))
    )
    form.timing.choices = choices_of(Timing, state_label)
    form.anchor.choices = choices_of(AnchorKind, state_label)
    form.stub.choices = choices_of(StubPolicy, state_label)
    form.proration.choices = choices_of(Proration, state_label)
    as_at_start = choices((NONE, _("As at the start")))
    form.stop_proration.choices = [*as_at_start, *choices_of(Proration, state_label)]
    form.change_proration.choices = [*as_at_start, *choices_of(Proration, state_label)]
    form.aggregation.choices = choices_of(Aggregation, state_label)
    form.usage_model.choices = choices(
        (NONE, _("Usage costs nothing")),
        ("flat", _("The same amount every period")),
        ("per_unit", _("Each at one price")),
        ("graduated", _("Each at the price of its own step")),
        ("volume", _("All at the price of the step that is reached")),
        ("package", _("By the package")),
    )
    form.leaving_model.choices = choices(
        (NONE, _("Leaving early costs nothing")),
        ("percent", _("A part of the remaining rent")),
        ("fixed", _("A fixed amount")),
        ("table", _("By the months that are over")),
        ("residual", _("What the machine is still worth")),
    )


def _every(months: int) -> str:
    names = {
        1: _("month"),
        2: _("2 months"),
        3: _("3 months"),
        6: _("6 months"),
        12: _("year"),
    }
    return names[months]


def _tier(row: Mapping[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = {"up_to": row["up_to"]}
    if row["price"] is not None:
        said["unit_price"] = row["price"].text
    if row["flat"]:
        said["flat"] = row["flat"].minor_units
    return said


def _given(**fields: Field) -> dict[str, Any]:
    """What is filled in, as plain values by their names in the rules."""
    return {name: _plain(field.data) for name, field in fields.items() if field.data is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, Money):
        return value.minor_units
    return value.text if isinstance(value, UnitPrice) else value


def _or_none(kind: type[Proration], value: str) -> Proration | None:
    return kind(value) if value else None
