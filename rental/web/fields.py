"""Form fields that take what people type: full-width digits, Japanese eras, stray spaces."""

import re
from collections.abc import Callable, Iterable
from datetime import date
from enum import Enum
from typing import Any, TypeVar
from uuid import UUID

from flask_babel import gettext as _
from werkzeug.datastructures import FileStorage
from wtforms import (
    Field,
    FileField,
    PasswordField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import StopValidation
from wtforms.widgets import (
    CheckboxInput,
    EmailInput,
    FileInput,
    HiddenInput,
    ListWidget,
    SearchInput,
    TextInput,
)

from rental.core.money import Money
from rental.core.text import narrow, parse_day, parse_yen, tidy
from rental.identity.rules import is_email

E = TypeVar("E", bound=Enum)
# No field is longer; what is beyond only has to be seen to be too long.
LONGEST_TEXT = 20_000
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Needed:
    """The field must be filled in; the message says what to do."""

    field_flags = {"required": True}  # noqa: RUF012

    def __call__(self, form: object, field: Field) -> None:
        if field.process_errors:
            raise StopValidation
        if field.data is None or field.data in ("", []):
            raise StopValidation(_("Please fill this in."))


def filled_in(field: Field) -> Any:
    """What a field that is Needed holds; only for a form that is valid, where nothing needed is missing."""
    return field.data


class AtMost:
    """A limit of characters, told to the browser as well."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.field_flags = {"maxlength": length}

    def __call__(self, form: object, field: Field) -> None:
        if isinstance(field.data, str) and len(field.data) > self.length:
            raise StopValidation(_("Too long: at most %(maximum)s characters.") % {"maximum": self.length})


class LineField(StringField):
    """One line of text: control characters out, spaces tidied, the writer's own characters kept."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = tidy(valuelist[0]) if valuelist else ""


class ParagraphField(TextAreaField):
    """Several lines of text, each tidied like a line; empty ones at the ends are taken away."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        lines = re.split(r"\r\n|\r|\n", valuelist[0][:LONGEST_TEXT]) if valuelist else []
        self.data = "\n".join(tidy(line) for line in lines).strip()


class SearchField(LineField):
    """Words to look for."""

    widget = SearchInput()


class EmailField(StringField):
    """An e-mail address, half-width whatever was typed."""

    widget = EmailInput()

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = narrow(tidy(valuelist[0])) if valuelist else ""

    def pre_validate(self, form: object) -> None:
        if self.data and not is_email(self.data):
            raise StopValidation(_("Write an e-mail address such as name@example.jp."))


class NewPasswordField(PasswordField):
    """A password: nothing is taken away or added."""


class DayField(Field):
    """A day, typed as 2026-11-20, 20261120, 令和8年11月20日 or R8.11.20. `data` is a date or None."""

    widget = TextInput()

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return self.data.isoformat() if self.data else ""

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data: date | None = None
        if not valuelist or not narrow(valuelist[0]):
            return
        try:
            self.data = parse_day(valuelist[0])
        except ValueError:
            raise ValueError(_("Write a day such as 2026-11-20 or 令和8年11月20日.")) from None
        if not 1900 <= self.data.year <= 2199:
            self.data = None
            raise ValueError(_("Write a day between the years 1900 and 2199."))


class YenField(Field):
    """Whole yen, typed as 12345, 12,345, ¥12,345 or １２，３４５円. `data` is Money or None."""

    widget = TextInput()

    def __init__(self, *args: Any, minimum: int = 0, maximum: int = 999_999_999, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.minimum, self.maximum = minimum, maximum

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return f"{self.data.minor_units:,}" if self.data else ""

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data: Money | None = None
        if not valuelist or not narrow(valuelist[0]):
            return
        try:
            amount = parse_yen(valuelist[0])
        except ValueError:
            raise ValueError(_("Write whole yen such as 12,345.")) from None
        if not self.minimum <= amount <= self.maximum:
            message = _("Write an amount from %(minimum)s to %(maximum)s yen.")
            raise ValueError(message % {"minimum": f"{self.minimum:,}", "maximum": f"{self.maximum:,}"})
        self.data = Money(amount)


class WholeNumberField(Field):
    """A whole number, typed as 12, 1,200 or １２. `data` is an int or None."""

    widget = TextInput()

    def __init__(self, *args: Any, minimum: int = 0, maximum: int = 999_999_999, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.minimum, self.maximum = minimum, maximum

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else str(self.data)

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data: int | None = None
        typed = narrow(valuelist[0]).replace(",", "") if valuelist else ""
        if not typed:
            return
        limits = {"minimum": f"{self.minimum:,}", "maximum": f"{self.maximum:,}"}
        if not re.fullmatch(r"[0-9]{1,9}", typed) or not self.minimum <= int(typed) <= self.maximum:
            raise ValueError(_("Write a whole number from %(minimum)s to %(maximum)s.") % limits)
        self.data = int(typed)


class TimeField(Field):
    """A time of day, typed as 9:30 or ０９：３０. `data` is minutes after midnight, or None."""

    widget = TextInput()

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else f"{self.data // 60}:{self.data % 60:02}"

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data: int | None = None
        typed = narrow(valuelist[0]) if valuelist else ""
        if not typed:
            return
        match = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", typed)
        if not match:
            raise ValueError(_("Write a time such as 9:30."))
        self.data = 60 * int(match[1]) + int(match[2])


class RowsField(Field):
    """The rows a form is about, hidden. `data` is their ids in order, each once; empty when none is named."""

    widget = HiddenInput()
    most = 50

    def _value(self) -> str:
        return " ".join(str(row_id) for row_id in self.data or ())

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data: list[UUID] = []
        typed = " ".join(str(value)[:LONGEST_TEXT] for value in valuelist).split()
        chosen = self.read(typed)
        if len(chosen) < len(set(typed)):
            raise ValueError(_("Choose from the list again, at most %(maximum)s.") % {"maximum": self.most})
        self.data = chosen

    @classmethod
    def read(cls, typed: Iterable[str]) -> list[UUID]:
        """The ids among these words, each once, at most as many as a form takes."""
        ids = dict.fromkeys(UUID(word) for word in typed if _ID.fullmatch(word))
        return list(ids)[: cls.most]


class CodeField(StringField):
    """A short code such as CM-200: half-width and upper case, however it was typed."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = narrow(tidy(valuelist[0])).upper() if valuelist else ""


class PictureField(FileField):
    """A picture from the device. `data` is its bytes, or None when nothing was chosen."""

    widget = FileInput()

    def process_formdata(self, valuelist: list[Any]) -> None:
        chosen = next((item for item in valuelist if isinstance(item, FileStorage) and item.filename), None)
        self.data: bytes | None = chosen.read() if chosen else None


class KeyField(Field):
    """The key that makes a form sent twice one request, hidden. `data` is 32 hexadecimal digits or empty."""

    widget = HiddenInput()

    def _value(self) -> str:
        return self.data or ""

    def process_formdata(self, valuelist: list[Any]) -> None:
        given = valuelist[0] if valuelist else ""
        self.data = given if re.fullmatch(r"[0-9a-f]{32}", given) else ""


class VersionField(Field):
    """The version of the row that the form shows, hidden. `data` is a whole number or None."""

    widget = HiddenInput()

    def _value(self) -> str:
        return str(self.data) if self.data is not None else ""

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data: int | None = None
        if valuelist and re.fullmatch(r"[0-9]{1,9}", valuelist[0]):
            self.data = int(valuelist[0])


class ChoiceField(SelectField):
    """One of a few; a value that is not among them is refused by name."""

    def pre_validate(self, form: object) -> None:
        if self.data not in {value for value, *_ in self.iter_choices()}:
            raise StopValidation(_("Choose one of the list."))


class ChecksField(SelectMultipleField):
    """Any of a few, as boxes to tick."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()

    def pre_validate(self, form: object) -> None:
        known = {value for value, *_ in self.iter_choices()}
        if any(value not in known for value in self.data or ()):
            raise StopValidation(_("Choose from the list."))


def choices(*pairs: tuple[str, Any]) -> list[SelectChoice]:
    """Choices of a field from values and their words."""
    return [SelectChoice(value, label) for value, label in pairs]


def choices_of(values: Iterable[E], label: Callable[[E], str]) -> list[SelectChoice]:
    """Choices of an enumeration, with their words."""
    return [SelectChoice(str(value.value), label(value)) for value in values]
