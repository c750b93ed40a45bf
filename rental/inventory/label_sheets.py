"""Label sheets: which labels stand where on the paper, and the PDF a printer gets."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import hypot
from types import MappingProxyType

from rental.core.documents import render
from rental.core.errors import Invalid
from rental.core.text import tidy
from rental.inventory.qr_symbols import qr_symbol
from rental.inventory.rules.label_codes import shown

LONGEST_OFFSET_MM = 20.0


class LabelContent(StrEnum):
    """What is printed: everything about a unit, only its code, or a place that is read from afar."""

    UNIT = "unit"
    SMALL = "small"
    LOCATION = "location"


@dataclass(frozen=True, slots=True)
class Symbol:
    """Side of a QR code on paper with its quiet zone, and its smallest readable module, in mm."""

    side: float
    smallest_module: float


SYMBOLS = {
    LabelContent.UNIT: Symbol(side=25, smallest_module=0.6),
    # A small label is read from a hand's breadth, where a phone can still tell half millimetres apart.
    LabelContent.SMALL: Symbol(side=18, smallest_module=0.48),
    LabelContent.LOCATION: Symbol(side=33, smallest_module=0.6),
}


@dataclass(frozen=True, slots=True)
class LabelFormat:
    """A sheet or roll, all lengths in mm; the pitch runs from one label's edge to the next one's.

    The measures of the sheets are generic. Makers cut paper a little differently and printers feed it a
    little differently: whoever prints corrects that with the offset, after a look at a print with crosses.
    """

    key: str
    name: str
    content: LabelContent
    page_width: float
    page_height: float
    columns: int
    rows: int
    label_width: float
    label_height: float
    pitch_x: float
    pitch_y: float
    margin_left: float
    margin_top: float

    @property
    def places(self) -> int:
        """How many labels one page holds."""
        return self.columns * self.rows

    def corner_of(self, place: int) -> tuple[float, float]:
        """Upper left corner of a label; places count from 0, row by row."""
        row, column = divmod(place, self.columns)
        return self.margin_left + column * self.pitch_x, self.margin_top + row * self.pitch_y


LABEL_FORMATS: Mapping[str, LabelFormat] = MappingProxyType(
    {
        label_format.key: label_format
        for label_format in (
            LabelFormat(
                key="a4_unit",
                name="A4, 24 labels of 62 × 29 mm",
                content=LabelContent.UNIT,
                page_width=210,
                page_height=297,
                columns=3,
                rows=8,
                label_width=62,
                label_height=29,
                pitch_x=66,
                pitch_y=33.9,
                margin_left=8,
                margin_top=15.35,
            ),
            LabelFormat(
                key="roll_unit",
                name="Roll, 62 × 29 mm",
                content=LabelContent.UNIT,
                page_width=62,
                page_height=29,
                columns=1,
                rows=1,
                label_width=62,
                label_height=29,
                pitch_x=62,
                pitch_y=29,
                margin_left=0,
                margin_top=0,
            ),
            LabelFormat(
                key="a4_small",
                name="A4, 70 small labels of 24 × 24 mm",
                content=LabelContent.SMALL,
                page_width=210,
                page_height=297,
                columns=7,
                rows=10,
                label_width=24,
                label_height=24,
                pitch_x=27,
                pitch_y=27,
                margin_left=12,
                margin_top=15,
            ),
            LabelFormat(
                key="a4_location",
                name="A4, 10 location labels of 100 × 50 mm",
                content=LabelContent.LOCATION,
                page_width=210,
                page_height=297,
                columns=2,
                rows=5,
                label_width=100,
                label_height=50,
                pitch_x=101,
                pitch_y=55,
                margin_left=4.5,
                margin_top=13.5,
            ),
        )
    }
)


@dataclass(frozen=True, slots=True)
class Label:
    """What one label says. The QR code holds the address alone: no customer, no model, no serial number.

    `title` is the model of a unit or the name of a location; a small label has room for the code only.
    """

    code: str
    url: str
    title: str = ""
    serial_number: str = ""
    owner: str = ""


class NothingToPrint(Invalid):
    """There is no label to print, and no test crosses are wanted either."""

    code = "inventory.nothing_to_print"
    field = "labels"


class StartPositionNotOnSheet(Invalid):
    """The first label would stand outside the sheet: places count from 1, row by row."""

    code = "inventory.start_position_not_on_sheet"
    field = "start_position"

    def __init__(self, *, last: int) -> None:
        super().__init__(last=last)


class OffsetTooLong(Invalid):
    """A printer is never so far off: the paper lies wrong, or the format is another."""

    code = "inventory.printer_offset_too_long"
    field = "offset"

    def __init__(self, *, longest: float) -> None:
        super().__init__(longest=longest)


def label_sheet(
    labels: Sequence[Label],
    label_format: LabelFormat,
    *,
    start_position: int = 1,
    offset: tuple[float, float] = (0, 0),
    crosses: bool = False,
) -> bytes:
    """The PDF of these labels in their order, in exact millimetres: print it at 100 %.

    `start_position` is the first free place of a half-used sheet, from 1. `offset` moves everything right and
    down by so many mm. `crosses` marks the corners of every place, 2 mm wide, to compare with the paper; with
    no labels at all they make a test page. Raises NothingToPrint, StartPositionNotOnSheet, OffsetTooLong and
    AddressTooLongForLabels.
    """
    if not labels and not crosses:
        raise NothingToPrint
    if not 1 <= start_position <= label_format.places:
        raise StartPositionNotOnSheet(last=label_format.places)
    if not hypot(*offset) <= LONGEST_OFFSET_MM:  # said this way round it refuses what is no number, too
        raise OffsetTooLong(longest=LONGEST_OFFSET_MM)

    sheet: dict[str, object] = {
        "page": [label_format.page_width, label_format.page_height],
        "label": [label_format.label_width, label_format.label_height],
        "content": label_format.content,
        "symbol_side": SYMBOLS[label_format.content].side,
        "offset": list(offset),
        "crosses": _corners(label_format) if crosses else [],
        "pages": [
            [_drawn(label, label_format, place) for place, label in page]
            for page in _pages(labels, label_format.places, skipped=start_position - 1)
        ],
    }
    return render("label_sheet.typ", sheet)


def _pages(labels: Sequence[Label], places: int, *, skipped: int) -> Iterator[list[tuple[int, Label]]]:
    """The labels of each page with their places; one empty page when there is none."""
    for first in range(0, max(skipped + len(labels), 1), places):
        on_page = labels[max(first - skipped, 0) : first - skipped + places]
        yield list(enumerate(on_page, start=max(skipped - first, 0)))


def _drawn(label: Label, label_format: LabelFormat, place: int) -> dict[str, object]:
    symbol = SYMBOLS[label_format.content]
    return {
        "at": label_format.corner_of(place),
        "code": shown(label.code),
        "symbol": qr_symbol(label.url, symbol.side, symbol.smallest_module),
        "title": tidy(label.title),
        "serial_number": tidy(label.serial_number),
        "owner": tidy(label.owner),
    }


def _corners(label_format: LabelFormat) -> list[tuple[float, float]]:
    """The four corners of every place; neighbours may share one."""
    lefts_tops = [label_format.corner_of(place) for place in range(label_format.places)]
    width, height = label_format.label_width, label_format.label_height
    return sorted(
        {(left + dx, top + dy) for left, top in lefts_tops for dx in (0, width) for dy in (0, height)}
    )
