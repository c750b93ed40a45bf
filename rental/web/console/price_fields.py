"""Form fields for prices with parts of a yen, and for parts of a hundred."""

import re
from typing import Any

from flask_babel import gettext as _
from wtforms import Field
from wtforms.widgets import TextInput

from rental.billing.rules.prices import UnitPrice
from rental.billing.rules.refusals import NotBillable
from rental.core.text import narrow
from rental.web.console.agreed_words import percent
from rental.web.refusals import refusal

_AMOUNT = re.compile(r"[¥\\]?\s*((?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)\s*円?")
_PERCENT = re.compile(r"(\d{1,3})(?:\.(\d{1,2}))?\s*%?")
_LONGEST = 40


class UnitPriceField(Field):
    """Yen with up to six decimals, typed as 0.55, ¥1,200 or ０．５５円. `data` is a UnitPrice or None."""

    widget = TextInput()

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return self.data.text if self.data is not None else ""

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data: UnitPrice | None = None
        typed = narrow(valuelist[0]) if valuelist else ""
        if not typed:
            return
        match = _AMOUNT.fullmatch(typed) if len(typed) <= _LONGEST else None
        if not match:
            raise ValueError(_("Write a price such as 0.55 or 1,200."))
        try:
            self.data = UnitPrice.of(match[1].replace(",", ""))
        except NotBillable as error:
            raise ValueError(refusal(error)) from None


class PercentField(Field):
    """A part of a hundred, typed as 10, 12.5 or １０％. `data` is hundredths of a per cent, or None."""

    widget = TextInput()

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else percent(self.data)

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data: int | None = None
        typed = narrow(valuelist[0]) if valuelist else ""
        if not typed:
            return
        match = _PERCENT.fullmatch(typed)
        basis_points = 100 * int(match[1]) + int((match[2] or "0").ljust(2, "0")) if match else None
        if basis_points is None or basis_points > 10_000:
            raise ValueError(_("Write a part of a hundred from 0 to 100, with at most two decimals."))
        self.data = basis_points
