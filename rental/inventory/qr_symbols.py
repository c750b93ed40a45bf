"""QR codes for labels: the symbol of an address as one path, coarse enough for a phone to read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import chain, groupby
from typing import Self

from qrcode.constants import ERROR_CORRECT_M
from qrcode.main import QRCode
from qrcode.util import MODE_ALPHA_NUM, QRData

from rental.core.errors import Invalid

QUIET_ZONE_MODULES = 4
MASKS = 8
# What is printed is often printed again soon; a symbol takes 3 KB.
_SYMBOLS_KEPT = 4096

# ISO/IEC 18004 §7.8.3: what looks like a finder pattern beside light modules confuses readers.
_FALSE_FINDERS = ((1, 0, 1, 1, 1, 0, 1, 0, 0, 0, 0), (0, 0, 0, 0, 1, 0, 1, 1, 1, 0, 1))


class AddressTooLongForLabels(Invalid):
    """The address of this installation is so long that its QR code would be too fine for a phone."""

    code = "inventory.address_too_long_for_labels"
    field = "url"

    def __init__(self, *, url: str) -> None:
        super().__init__(url=url)


@dataclass(frozen=True, slots=True)
class Drawing:
    """A symbol as one path of SVG; `view_box` has the quiet zone around it."""

    across: int
    path: str

    @property
    def view_box(self) -> str:
        return f"{-QUIET_ZONE_MODULES} {-QUIET_ZONE_MODULES} {self.across} {self.across}"


def qr_symbol(url: str, side: float, smallest_module: float) -> str:
    """The QR code of an address as SVG, quiet zone included: level M, alphanumeric.

    `side` and `smallest_module` are mm on paper. Capital letters keep the symbol in version 2 while the host
    name has at most 19 characters. Raises AddressTooLongForLabels, and ValueError for characters that
    `label_url` never makes.
    """
    drawing = qr_drawing(url)
    if side / drawing.across < smallest_module:
        raise AddressTooLongForLabels(url=url)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{drawing.view_box}">'
        f'<path d="{drawing.path}"/></svg>'
    )


@lru_cache(_SYMBOLS_KEPT)
def qr_drawing(url: str) -> Drawing:
    """The QR code of an address for a screen, which can show it as large as it needs to be."""
    symbol = QRCode(error_correction=ERROR_CORRECT_M)
    symbol.add_data(QRData(url, mode=MODE_ALPHA_NUM))
    across = symbol.best_fit() * 4 + 17 + 2 * QUIET_ZONE_MODULES
    symbol.mask_pattern = best_mask(symbol)
    symbol.make()
    return Drawing(across, _dark_path(symbol.modules))


def _dark_path(modules: Sequence[Sequence[bool]]) -> str:
    """One path for the whole symbol, a rectangle for each run of dark modules."""
    parts = []
    for y, row in enumerate(modules):
        x = 0
        for is_dark, run in groupby(row):
            length = len(list(run))
            if is_dark:
                parts.append(f"M{x} {y}h{length}v1h-{length}z")
            x += length
    return "".join(parts)


def best_mask(symbol: QRCode) -> int:
    """The mask that qrcode itself would take, found ten times as fast: all modules are weighed at once.

    Another mask inverts some modules, and which ones depends on the version alone.
    """
    masked = _modules(symbol, mask=0)
    penalties = [masked.inverted(changes).penalty() for changes in _mask_changes(symbol.version)]
    return penalties.index(min(penalties))


@cache
def _mask_changes(version: int) -> list["_Modules"]:
    """Which modules each mask inverts, compared with mask 0."""
    symbol = QRCode(version=version, error_correction=ERROR_CORRECT_M)
    first, *others = [_modules(symbol, mask) for mask in range(MASKS)]
    return [each.inverted(first) for each in (first, *others)]


def _modules(symbol: QRCode, mask: int) -> "_Modules":
    """As qrcode lays them out for weighing, that is without the format information."""
    symbol.makeImpl(True, mask)
    return _Modules.of(symbol.modules)


@dataclass(frozen=True, slots=True)
class _Modules:
    """A square of modules, read along the rows and along the columns: a bit each in one large number."""

    across: int
    by_rows: int
    by_columns: int

    @classmethod
    def of(cls, rows: Sequence[Sequence[bool]]) -> Self:
        return cls(len(rows), _bits(chain(*rows)), _bits(chain(*zip(*rows, strict=True))))

    def inverted(self, changes: "_Modules") -> "_Modules":
        return _Modules(self.across, self.by_rows ^ changes.by_rows, self.by_columns ^ changes.by_columns)

    def penalty(self) -> int:
        """How hard this is to read, by ISO/IEC 18004 §7.8.3 as qrcode counts it."""
        lines = _line_penalty(self.by_rows, self.across) + _line_penalty(self.by_columns, self.across)
        return lines + _block_penalty(self.by_rows, self.across) + _balance_penalty(self.by_rows, self.across)


def _bits(modules: Iterable[bool]) -> int:
    return int("".join("1" if is_dark else "0" for is_dark in modules), 2)


def _line_penalty(bits: int, across: int) -> int:
    """Five alike in a line cost 3, each more 1; a false finder pattern costs 40."""
    pairs = _alike(bits, across)
    fives = pairs & pairs >> 1 & pairs >> 2 & pairs >> 3
    runs = fives & ~(fives << 1)
    return fives.bit_count() + 2 * runs.bit_count() + 40 * _false_finders(bits, across)


def _false_finders(bits: int, across: int) -> int:
    light = ~bits
    count = 0
    for pattern in _FALSE_FINDERS:
        found = _starts(across, len(pattern))
        for place, is_dark in enumerate(pattern):
            found &= (bits if is_dark else light) >> place
        count += found.bit_count()
    return count


def _block_penalty(bits: int, across: int) -> int:
    """Every two by two alike cost 3."""
    pairs = _alike(bits, across)
    return 3 * (pairs & pairs >> across & ~(bits ^ bits >> across) & _starts(across, 2) >> across).bit_count()


def _balance_penalty(bits: int, across: int) -> int:
    """Every 5 % away from half dark, half light cost 10."""
    share = bits.bit_count() / across**2
    return int(abs(share * 100 - 50) / 5) * 10


def _alike(bits: int, across: int) -> int:
    """Which modules are like the next one of their line."""
    return ~(bits ^ bits >> 1) & _starts(across, 2)


@cache
def _starts(across: int, length: int) -> int:
    """Where, in a square of lines, a piece of so many modules can start without leaving its line."""
    line = (1 << across - length + 1) - 1
    return sum(line << across * row for row in range(across))
