"""When two people mean the same maker's serial number, however they typed or scanned it."""

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from rental.core.errors import Invalid

LONGEST_SERIAL = 60
MOST_ROWS = 2_000

_LINE_END = re.compile(r"\r\n|\r|\n")  # unlike splitlines(), does not cut at the separators of a barcode
_COLUMN_END = re.compile(r"[\t,]")
_DASHES = frozenset("−ーｰ")  # dashes to whoever types them, though Unicode files them under signs and letters
_WHITE_CONTROLS = frozenset("\t\n\r")

FNC1 = "\x1d"
_SCANNER_PREFIX = re.compile(r"\](?:C1|e0|d2|Q3|J1)")  # "what follows is GS1", said by the scanner
_LONGEST_BARCODE = 500  # far more than a maker prints
_BRACKETED = re.compile(r"\((\d{2,4})\)([^(]*)", re.ASCII)
_GTIN = re.compile(r"\d{14}", re.ASCII)
# Fields without a separator after them, by their first two digits: length with the identifier
# (GS1 General Specifications, "element strings with predefined length").
_FIELD_LENGTHS = {
    "00": 20,
    "01": 16,
    "02": 16,
    "03": 16,
    "04": 18,
    **dict.fromkeys(("11", "12", "13", "14", "15", "16", "17", "18", "19"), 8),
    "20": 4,
    **dict.fromkeys(("31", "32", "33", "34", "35", "36"), 10),
    "41": 16,
}


class SerialRefused(Invalid):
    """What was typed cannot be a serial number; `row` says where, when it came from a list."""

    code = "inventory.serial_refused"
    field = "serial_number"


class SerialEmpty(SerialRefused):
    """Nothing is left once spaces and punctuation are taken away."""

    code = "inventory.serial_empty"


class SerialTooLong(SerialRefused):
    """Longer than any maker's number: probably two of them ran together."""

    code = "inventory.serial_too_long"


class SerialUnprintable(SerialRefused):
    """A character nobody can see or type, as a scanner with a wrong setting sends."""

    code = "inventory.serial_unprintable"


class TooManySerials(SerialRefused):
    """More rows than one receipt takes."""

    code = "inventory.too_many_serials"


class TypedSerial(NamedTuple):
    """One number of a list: its row counted from 1, as it was typed, and as it is compared."""

    row: int
    typed: str
    normalised: str


class MakerBarcode(NamedTuple):
    """What a maker's GS1 barcode says: 14 digits for the model, and the serial; either may be empty."""

    gtin: str
    serial: str


def normalised_serial(text: str) -> str:
    """What two people would call the same serial number: CM-200 123, ｃｍ２００１２３ and *CM200123* are one.

    Width, case, spaces, dashes and the punctuation around it are the writer's; every other character,
    leading zeros too, is the maker's. Raises SerialEmpty, SerialTooLong or SerialUnprintable.
    """
    typed = text.strip(" \t\n\r")
    if len(typed) > LONGEST_SERIAL:
        raise SerialTooLong(maximum=LONGEST_SERIAL)
    if any(_is_unprintable(character) for character in typed):
        raise SerialUnprintable()
    wide = unicodedata.normalize("NFKC", typed).upper()
    kept = unicodedata.normalize("NFKC", "".join(c for c in wide if not _is_spacing(c)))
    serial = _without_outer_punctuation(kept)
    if not serial:
        raise SerialEmpty()
    if len(serial) > LONGEST_SERIAL:
        raise SerialTooLong(maximum=LONGEST_SERIAL)
    return serial


def read_serials(text: str) -> list[TypedSerial]:
    """The serial numbers in scanned lines or a pasted spreadsheet: one per line, in its first column.

    Blank lines are passed over but counted, so that `row` is the row people see. Of a GS1 barcode the
    serial in it is taken. Raises TooManySerials, or what `normalised_serial` raises, with its `row`.
    """
    rows = [(row, line) for row, line in enumerate(_LINE_END.split(text), start=1) if not _is_blank(line)]
    if len(rows) > MOST_ROWS:
        raise TooManySerials(maximum=MOST_ROWS, count=len(rows))
    return [_read_row(row, line) for row, line in rows]


def duplicates_within(serials: Sequence[TypedSerial]) -> dict[int, int]:
    """Rows that repeat an earlier one, with the row they repeat."""
    first_rows: dict[str, int] = {}
    repeats = {}
    for serial in serials:
        first = first_rows.setdefault(serial.normalised, serial.row)
        if first != serial.row:
            repeats[serial.row] = first
    return repeats


def read_maker_barcode(text: str) -> MakerBarcode | None:
    """Model and serial from a GS1 element string; None when the text is something else.

    Reads the printed form "(01)04912345678904(21)A7" and what a scanner sends: fields one after the other,
    those of open length ended by FNC1. Nothing marks the latter as GS1, so its check digit must be right.
    """
    scanned = text.strip(" \t\n\r")
    if len(scanned) > _LONGEST_BARCODE:
        return None
    if scanned.startswith("("):
        fields = dict(_BRACKETED.findall(scanned))
    else:
        fields = _scanned_fields(_SCANNER_PREFIX.sub("", scanned, count=1).lstrip(FNC1))
        if not _is_sound_gtin(fields.get("01", "")):
            return None
    gtin, serial = fields.get("01", ""), fields.get("21", "").strip()
    if (not serial and not gtin) or (gtin and not _GTIN.fullmatch(gtin)):
        return None
    return MakerBarcode(gtin, serial)


def _read_row(row: int, line: str) -> TypedSerial:
    barcode = read_maker_barcode(line)
    typed = barcode.serial if barcode else _COLUMN_END.split(line)[0].strip().strip('"').strip()
    try:
        return TypedSerial(row, typed, normalised_serial(typed))
    except SerialRefused as refusal:
        raise type(refusal)(row=row, **refusal.params) from None


def _is_blank(line: str) -> bool:
    """Also a row of empty cells, which spreadsheets leave below a table."""
    return not line.strip(' \t,"\ufeff\u3000')


def _is_unprintable(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cs", "Co", "Cn"} and character not in _WHITE_CONTROLS


def _is_spacing(character: str) -> bool:
    """Spaces, dashes, and the invisible marks (Cf) that come along from web pages and Excel."""
    return (
        character.isspace()
        or character in _DASHES
        or unicodedata.category(character) in {"Pd", "Zs", "Zl", "Zp", "Cf"}
    )


def _without_outer_punctuation(text: str) -> str:
    inner = [at for at, character in enumerate(text) if unicodedata.category(character)[0] not in "PS"]
    return text[inner[0] : inner[-1] + 1] if inner else ""


def _scanned_fields(text: str) -> dict[str, str]:
    """Two-digit identifiers with their values. A longer identifier appears by its first two digits."""
    fields: dict[str, str] = {}
    while text:
        length = _FIELD_LENGTHS.get(text[:2])
        field = text[:length] if length else text.split(FNC1, 1)[0]
        fields.setdefault(field[:2], field[2:])
        text = text[len(field) :].lstrip(FNC1)
    return fields


def _is_sound_gtin(gtin: str) -> bool:
    if not _GTIN.fullmatch(gtin):
        return False
    return sum(int(digit) * (1 if at % 2 else 3) for at, digit in enumerate(gtin)) % 10 == 0
