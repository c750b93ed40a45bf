"""Records of fixed width as banks exchange them: written and read by one description of their fields."""

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from rental.core.errors import Invalid

# A voice mark follows a kana that takes it.
_STRAY_MARK = re.compile(r"ﾞ(?<![ｳｶ-ﾄﾊ-ﾎ]ﾞ)|ﾟ(?<![ﾊ-ﾎ]ﾟ)")


class Wrong(StrEnum):
    """What is the matter with a field of a record."""

    LENGTH = "length"
    CHARACTERS = "characters"
    ORDER = "order"
    NO_SUCH_DAY = "no_such_day"
    NOTHING = "nothing"
    TOO_MUCH = "too_much"
    SAID_TWICE = "said_twice"
    NOT_THE_SUM = "not_the_sum"
    NOT_AS_ASKED = "not_as_asked"
    NOT_ASKED_FOR = "not_asked_for"
    UNANSWERED = "unanswered"
    MISSING = "missing"


class NotADebitFile(Invalid):
    """A direct debit file that no bank would take, or an answer that is none to what was asked.

    `record` counts from 1, the header; `item` is the field at fault, by its name in the layout.
    """

    code = "billing.not_a_debit_file"
    field = "file"

    def __init__(self, record: int, item: str, wrong: Wrong, *, value: str = "") -> None:
        super().__init__(record=record, item=item, wrong=wrong, value=value)


class Field(NamedTuple):
    """A field of a record: what it looks like in a file, and the form its value is written in.

    What has no name has no value: it is always the same, or nothing to us.
    """

    name: str
    width: int
    pattern: str
    form: str


def digits_field(name: str, width: int) -> Field:
    return Field(name, width, f"[0-9]{{{width}}}", f"{{:0>{width}}}")


def code_field(name: str, characters: str) -> Field:
    return Field(name, 1, f"[{characters}]", "{}")


def text_field(name: str, width: int, signs: str = "") -> Field:
    return Field(name, width, f"[0-9A-Z ｱ-ﾟ\\-{signs}]{{{width}}}", f"{{:<{width}}}")


def always(text: str) -> Field:
    return Field("", len(text), text, text)


def unused(width: int) -> Field:
    """Written as blanks; what a bank puts there is its own."""
    return Field("", width, f"[ -~｡-ﾟ]{{{width}}}", " " * width)


class Layout:
    """One kind of record: written from its values by one template, read by one pattern."""

    def __init__(self, *fields: Field) -> None:
        self._fields = fields
        self._form = "".join(field.form for field in fields)
        self._pattern = re.compile(
            "".join(f"({field.pattern})" if field.name else field.pattern for field in fields)
        )

    def write(self, number: int, *values: object) -> str:
        """The record of these values, in the order of its fields. Raises NotADebitFile."""
        record = self._form.format(*values)
        if self._pattern.fullmatch(record) is None or _STRAY_MARK.search(record):
            raise self._not_writable(number, values)
        return record

    def read(self, number: int, record: str) -> tuple[str, ...]:
        """The values of a record, each with the blanks that fill it. Raises NotADebitFile."""
        found = self._pattern.fullmatch(record)
        if found is None:
            raise self._not_readable(number, record)
        return found.groups()

    def _not_writable(self, number: int, values: Sequence[object]) -> NotADebitFile:
        for field, value in zip((field for field in self._fields if field.name), values, strict=True):
            text = field.form.format(value)
            if len(text) != field.width:
                return NotADebitFile(number, field.name, Wrong.LENGTH, value=str(value))
            if not re.fullmatch(field.pattern, text) or _STRAY_MARK.search(text):
                return NotADebitFile(number, field.name, Wrong.CHARACTERS, value=str(value))
        raise AssertionError("a record is as good as its fields")

    def _not_readable(self, number: int, record: str) -> NotADebitFile:
        at = 0
        for field in self._fields:
            text = record[at : at + field.width]
            at += field.width
            if not re.fullmatch(field.pattern, text):
                return NotADebitFile(number, field.name, Wrong.CHARACTERS, value=text.strip())
        raise AssertionError("a record is as good as its fields")
