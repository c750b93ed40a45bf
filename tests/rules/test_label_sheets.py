"""A printed label can be read: by a phone, by a person, on the paper it was meant for."""

import math
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pypdfium2
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdfium2.raw import FPDF_PAGEOBJ_PATH
from qrcode.constants import ERROR_CORRECT_M
from qrcode.main import QRCode
from qrcode.util import MODE_ALPHA_NUM, QRData

from rental.core.errors import Invalid
from rental.inventory.label_sheets import (
    LABEL_FORMATS,
    LONGEST_OFFSET_MM,
    SYMBOLS,
    Label,
    LabelContent,
    LabelFormat,
    NothingToPrint,
    OffsetTooLong,
    StartPositionNotOnSheet,
    label_sheet,
)
from rental.inventory.qr_symbols import AddressTooLongForLabels, best_mask, qr_symbol
from rental.inventory.rules.label_codes import ALPHABET, CODES, code_from, label_url, shown

A4_UNIT = LABEL_FORMATS["a4_unit"]
ROLL = LABEL_FORMATS["roll_unit"]
LOCATION = LABEL_FORMATS["a4_location"]
BASE_URL = "https://r.example.jp"
MM = 72 / 25.4  # points
DPI = 300
QR_ALONE = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])
HINT = "故障・お問合せはQRから"
HOSTILE = (
    "#let x = $1+1$",
    "*bold* _a_ `raw`",
    "</svg> <b> @ref <here>",
    '"]) #panic()',
    "\\n \\u{41} // no comment",
    "#sys.inputs",
    "{{ 7*7 }} ${a}",
    "= - + / [x](y) ~",
)


def label_of(number: int, **said: str) -> Label:
    code = code_from((number + 1) * 7_919_000_003 % CODES)
    usual = {"title": "決済端末 T2", "serial_number": f"PT2-{number:06}", "owner": "○○レンタル"}
    return Label(code, label_url(BASE_URL, code), **(usual | said))


def labels_of(count: int) -> list[Label]:
    return [label_of(number) for number in range(count)]


@dataclass(frozen=True)
class Seen:
    """A QR code found on paper: its text, page from 0, upper left corner of its dark part in mm."""

    text: str
    page: int
    left: float
    top: float


def scanned(pdf: bytes) -> list[Seen]:
    """What a reader finds on the pages at 300 dpi, page by page, row by row."""
    found = []
    for number, page in enumerate(pypdfium2.PdfDocument(pdf)):
        picture = page.render(scale=DPI / 72, grayscale=True)
        pixels = memoryview(bytes(picture.buffer)).cast("B", (picture.height, picture.stride))
        for barcode in zxingcpp.read_barcodes(pixels, formats=QR_ALONE):
            corner = barcode.position.top_left
            found.append(Seen(barcode.text, number, corner.x / DPI * 25.4, corner.y / DPI * 25.4))
    return sorted(found, key=lambda seen: (seen.page, round(seen.top), seen.left))


def texts(pdf: bytes) -> list[str]:
    """The text of each page as a reader would copy it, without line ends."""
    pages = pypdfium2.PdfDocument(pdf)
    return [re.sub(r"[\r\n\ufffe\x02]+", "\n", page.get_textpage().get_text_range()) for page in pages]


def symbol_boxes(pdf: bytes) -> list[tuple[float, float, float, float]]:
    """Left, top, width and height in mm of the dark part of every QR code of the first page."""
    page = pypdfium2.PdfDocument(pdf)[0]
    boxes = []
    for drawn in page.get_objects(filter=[FPDF_PAGEOBJ_PATH], max_depth=5):
        left, bottom, right, top = (length / MM for length in drawn.get_bounds())
        if top - bottom > 5:
            boxes.append((left, page.get_height() / MM - top, right - left, top - bottom))
    return boxes


# What a phone sees


def test_every_code_of_some_sheets_is_read_as_its_address() -> None:
    labels = labels_of(72)
    assert [seen.text for seen in scanned(label_sheet(labels, A4_UNIT))] == [label.url for label in labels]


@pytest.mark.slow
def test_every_code_of_a_thousand_labels_is_read_as_its_address() -> None:
    labels = labels_of(1000)
    pdf = label_sheet(labels, A4_UNIT)
    assert [seen.text for seen in scanned(pdf)] == [label.url for label in labels]
    assert len(pdf) <= 2_000_000
    printed = "".join(texts(pdf))
    assert [label.code for label in labels if shown(label.code) not in printed] == []
    assert [label.code for label in labels if label.serial_number not in printed] == []


@pytest.mark.parametrize("label_format", LABEL_FORMATS.values(), ids=LABEL_FORMATS)
def test_every_format_is_read(label_format: LabelFormat) -> None:
    labels = labels_of(label_format.places + 1)
    seen = scanned(label_sheet(labels, label_format))
    assert [one.text for one in seen] == [label.url for label in labels]
    assert [one.page for one in seen] == [0] * label_format.places + [1]


@pytest.mark.parametrize("label_format", LABEL_FORMATS.values(), ids=LABEL_FORMATS)
def test_the_code_with_its_quiet_zone_is_as_large_as_promised(label_format: LabelFormat) -> None:
    ((_left, _top, width, height),) = symbol_boxes(label_sheet(labels_of(1), label_format))
    side = SYMBOLS[label_format.content].side
    assert width / 25 * 33 == pytest.approx(side, abs=0.05)
    assert height / 25 * 33 == pytest.approx(side, abs=0.05)


def test_a_unit_label_has_a_code_of_25_mm() -> None:
    assert SYMBOLS[LabelContent.UNIT].side == 25


@pytest.mark.parametrize("label_format", LABEL_FORMATS.values(), ids=LABEL_FORMATS)
def test_the_quiet_zone_stays_white_whatever_the_label_says(label_format: LabelFormat) -> None:
    label = label_of(1, title="長い名前 " * 40, serial_number="W" * 90, owner="あ" * 90)
    pdf = label_sheet([label], label_format)
    ((left, top, width, height),) = symbol_boxes(pdf)
    quiet = width / 25 * 4
    picture = pypdfium2.PdfDocument(pdf)[0].render(scale=DPI / 72, grayscale=True)
    rows = memoryview(bytes(picture.buffer)).cast("B", (picture.height, picture.stride))

    def darkest(x: float, y: float, x_end: float, y_end: float) -> int:
        across = range(math.ceil(x / 25.4 * DPI), math.floor(x_end / 25.4 * DPI))
        down = range(math.ceil(y / 25.4 * DPI), math.floor(y_end / 25.4 * DPI))
        return min(rows[row, column] for row in down for column in across)

    right, bottom = left + width, top + height
    assert darkest(left - quiet, top - quiet, right + quiet, top - 0.1) == 255
    assert darkest(left - quiet, bottom + 0.1, right + quiet, bottom + quiet) == 255
    assert darkest(left - quiet, top - quiet, left - 0.1, bottom + quiet) == 255
    assert darkest(right + 0.1, top - quiet, right + quiet, bottom + quiet) == 255


# What a person reads


def test_a_unit_label_says_code_model_serial_number_hint_and_owner() -> None:
    label = label_of(5)
    assert texts(label_sheet([label], ROLL)) == [
        f"{shown(label.code)}\n決済端末 T2\nS/N PT2-000005\n{HINT}\n所有: ○○レンタル"
    ]


def test_a_small_label_says_its_code_alone() -> None:
    label = label_of(5)
    assert texts(label_sheet([label], LABEL_FORMATS["a4_small"])) == [shown(label.code)]


def test_a_location_label_says_where_it_is() -> None:
    label = label_of(5, title="A-03-2")
    assert texts(label_sheet([label], LOCATION)) == [f"A-03-2\n{shown(label.code)}"]


def test_what_is_not_known_leaves_no_mark() -> None:
    label = label_of(5, title="", serial_number="", owner="")
    assert texts(label_sheet([label], ROLL)) == [f"{shown(label.code)}\n{HINT}"]


@pytest.mark.parametrize("name", [*HOSTILE, "㈱髙﨑商店 〒① 令和", "Coffee machine", "가나다 Привет"])
def test_a_name_is_printed_as_it_is_written(name: str) -> None:
    label = label_of(3, title=name, serial_number=name, owner=name)
    (said,) = texts(label_sheet([label], ROLL))
    assert " ".join(said.split()) == f"{shown(label.code)} {name} S/N {name} {HINT} 所有: {name}"


def test_line_ends_and_invisible_characters_in_a_name_are_printed_as_spaces_or_not_at_all() -> None:
    label = label_of(3, title="two\r\nlines\t\u202e\u200b\ud800!", serial_number="\x00A\x1b1")
    (said,) = texts(label_sheet([label], ROLL))
    assert said.split("\n")[1:3] == ["two lines !", "S/N A 1"]


@pytest.mark.parametrize(
    "name",
    ["W" * 500, "long name " * 50, "とても長い名前" * 80, "a" + "\u0301" * 300, "🍣" * 90, "العربية " * 40],
)
@pytest.mark.parametrize("label_format", LABEL_FORMATS.values(), ids=LABEL_FORMATS)
def test_however_long_a_name_is_nothing_leaves_its_label(name: str, label_format: LabelFormat) -> None:
    plain = label_of(0, title="", serial_number="", owner="")
    places = range(min(label_format.places, 3))
    labels = [label_of(n, title=name, serial_number=name, owner=name) for n in places]
    pdf = label_sheet([*labels[:1], plain, *labels[1:]], label_format)
    page = pypdfium2.PdfDocument(pdf)[0]
    boxes = page.get_textpage()
    height = page.get_height() / MM
    corners = [label_format.corner_of(place) for place in range(len(labels) + 1)]

    def is_inside_one(left: float, bottom: float, right: float, top: float) -> bool:
        return any(
            x <= left
            and right <= x + label_format.label_width
            # Marks piled up on a letter are cut at the edge of the label, whatever the box of their text.
            and ("\u0301" in name or y <= height - top <= height - bottom <= y + label_format.label_height)
            for x, y in corners
        )

    found = [tuple(length / MM for length in boxes.get_rect(i)) for i in range(boxes.count_rects())]
    assert [box for box in found if not is_inside_one(*box)] == []
    assert len(scanned(pdf)) == len(labels) + 1


def test_a_long_serial_number_is_printed_whole() -> None:
    serial = "ABCDEFGHJK-0123456789-XY"
    assert f"S/N {serial}" in texts(label_sheet([label_of(1, serial_number=serial)], ROLL))[0]


def test_a_name_too_long_ends_with_an_ellipsis() -> None:
    (said,) = texts(label_sheet([label_of(1, owner="長い社名" * 30)], ROLL))
    assert re.search(r"所有: (長い社名)+長?い?社?…$", said)


# Where labels stand


@pytest.mark.parametrize("start", [1, 2, 24])
def test_a_half_used_sheet_starts_at_its_first_free_place(start: int) -> None:
    labels = labels_of(30)
    seen = scanned(label_sheet(labels, A4_UNIT, start_position=start))
    assert [one.text for one in seen] == [label.url for label in labels]
    for number, one in enumerate(seen, start=start - 1):
        page, place = divmod(number, A4_UNIT.places)
        x, y = A4_UNIT.corner_of(place)
        quiet = 25 / 33 * 4
        assert one.page == page
        assert one.left == pytest.approx(x + 1 + quiet, abs=0.3)
        assert one.top == pytest.approx(y + 2 + quiet, abs=0.3)


@pytest.mark.parametrize("start", [-1, 0, 25])
def test_a_start_outside_the_sheet_is_refused(start: int) -> None:
    with pytest.raises(StartPositionNotOnSheet) as refused:
        label_sheet(labels_of(1), A4_UNIT, start_position=start)
    assert isinstance(refused.value, Invalid)
    assert (refused.value.field, refused.value.params) == ("start_position", {"last": 24})


def test_an_offset_moves_everything_by_exactly_so_much() -> None:
    ((x, y, *_),) = symbol_boxes(label_sheet(labels_of(1), A4_UNIT))
    ((moved_x, moved_y, *_),) = symbol_boxes(label_sheet(labels_of(1), A4_UNIT, offset=(1.5, -0.7)))
    assert (moved_x - x, moved_y - y) == pytest.approx((1.5, -0.7), abs=0.01)


@pytest.mark.parametrize("offset", [(21.0, 0.0), (0.0, -21.0), (math.nan, 0.0), (0.0, math.inf)])
def test_an_offset_that_no_printer_has_is_refused(offset: tuple[float, float]) -> None:
    with pytest.raises(OffsetTooLong) as refused:
        label_sheet(labels_of(1), A4_UNIT, offset=offset)
    assert (refused.value.field, refused.value.params) == ("offset", {"longest": LONGEST_OFFSET_MM})


@pytest.mark.parametrize("label_format", LABEL_FORMATS.values(), ids=LABEL_FORMATS)
def test_every_place_of_a_format_is_on_its_page_and_none_covers_another(label_format: LabelFormat) -> None:
    lefts_tops = [label_format.corner_of(place) for place in range(label_format.places)]
    assert all(x >= 0 and x + label_format.label_width <= label_format.page_width for x, _ in lefts_tops)
    assert all(y >= 0 and y + label_format.label_height <= label_format.page_height for _, y in lefts_tops)
    assert label_format.pitch_x >= label_format.label_width
    assert label_format.pitch_y >= label_format.label_height


@pytest.mark.parametrize("label_format", LABEL_FORMATS.values(), ids=LABEL_FORMATS)
def test_a_page_has_the_size_of_its_paper(label_format: LabelFormat) -> None:
    page = pypdfium2.PdfDocument(label_sheet(labels_of(1), label_format))[0]
    size = (label_format.page_width * MM, label_format.page_height * MM)
    assert page.get_size() == pytest.approx(size, abs=0.01)


def test_a_test_page_has_a_cross_at_every_corner_and_nothing_else() -> None:
    pdf = label_sheet([], A4_UNIT, crosses=True)
    assert len(pypdfium2.PdfDocument(pdf)) == 1
    assert texts(pdf) == [""]
    strokes = list(pypdfium2.PdfDocument(pdf)[0].get_objects(filter=[FPDF_PAGEOBJ_PATH], max_depth=5))
    assert len(strokes) == 2 * 4 * A4_UNIT.places


def test_nothing_to_print_is_refused() -> None:
    with pytest.raises(NothingToPrint):
        label_sheet([], A4_UNIT)


# The file


def test_the_same_labels_make_the_same_bytes() -> None:
    labels = labels_of(30)
    first = label_sheet(labels, A4_UNIT)
    label_sheet(labels_of(3), ROLL)
    assert label_sheet(labels, A4_UNIT) == first


@pytest.mark.slow
def test_another_process_in_another_zone_makes_the_same_bytes(tmp_path: Path) -> None:
    program = (
        "import sys; from tests.rules.test_label_sheets import *;"
        "sys.stdout.buffer.write(label_sheet(labels_of(3), A4_UNIT))"
    )
    environment = {**os.environ, "TZ": "America/New_York", "LANG": "C", "HOME": str(tmp_path)}
    root = Path(__file__).parents[2]
    made = subprocess.run(
        [sys.executable, "-c", program], cwd=root, env=environment, capture_output=True, check=True
    )
    assert made.stdout == label_sheet(labels_of(3), A4_UNIT)


def test_the_file_names_no_font_of_this_machine() -> None:
    names = re.findall(rb"/FontName/\w{6}\+([\w-]+)", label_sheet(labels_of(1), A4_UNIT))
    assert set(names) == {b"NotoSansCJKjp-Bold", b"DejaVuSansMono-Bold"}


# The symbol


def modules_across(svg: str) -> int:
    """With the quiet zone on both sides."""
    return int(re.findall(r'viewBox="-4 -4 (\d+) \d+"', svg)[0])


@pytest.mark.parametrize(
    ("host", "across"), [("r.example.jp", 33), ("rental.example.jp:8", 33), ("rental.example.jp:80", 37)]
)
def test_a_host_name_of_19_characters_still_makes_a_small_symbol(host: str, across: int) -> None:
    url = label_url(f"https://{host}", code_from(1))
    assert modules_across(qr_symbol(url, 25, 0.6)) == across


def test_an_address_that_a_phone_could_not_read_in_print_is_refused() -> None:
    url = label_url(f"https://{'a' * 63}.example.jp", code_from(1))
    with pytest.raises(AddressTooLongForLabels) as refused:
        label_sheet([Label(code_from(1), url)], A4_UNIT)
    assert refused.value.params == {"url": url}


def test_an_address_in_small_letters_would_need_a_larger_symbol() -> None:
    with pytest.raises(ValueError, match="mode"):
        qr_symbol("https://r.example.jp/q/7K3M9QXW", 25, 0.6)


@settings(max_examples=60, deadline=None)
@given(st.text(ALPHABET + "-.", min_size=1, max_size=60), st.text(ALPHABET, min_size=8, max_size=8))
def test_the_mask_is_the_one_that_qrcode_takes(host: str, code: str) -> None:
    symbol = QRCode(error_correction=ERROR_CORRECT_M)
    symbol.add_data(QRData(f"HTTPS://{host}/Q/{code}", mode=MODE_ALPHA_NUM))
    symbol.best_fit()
    assert best_mask(symbol) == symbol.best_mask_pattern()
