"""Lists as files for a spreadsheet: opened by Excel as they are, and never taken for formulas."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from flask import Response

# A cell that begins like this would be computed, or handed to another program; in full width as well.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
# Without it Excel reads Japanese as nonsense.
_BYTE_ORDER_MARK = "\ufeff"


def csv_file(name: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """The rows as a download, all read before one is sent: a file that broke off would look whole.

    Texts that look like a formula get an apostrophe in front; numbers stay numbers.
    """
    lines = "".join(_lines(chain([head], rows)))
    response = Response(lines, content_type="text/csv; charset=utf-8")
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def _lines(rows: Iterable[Sequence[object]]) -> Iterator[str]:
    yield _BYTE_ORDER_MARK
    for row in rows:
        line = io.StringIO()
        csv.writer(line).writerow([harmless(cell) for cell in row])
        yield line.getvalue()


def harmless(cell: object) -> object:
    """The cell as a spreadsheet may show it; only texts can be taken for formulas."""
    if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS):
        return f"'{cell}"
    return "" if cell is None else cell
