"""The 8 symbols on a label: how they are made, shown, and read back from camera, scanner gun or keyboard."""

import re
from urllib.parse import urlsplit

from rental.core.errors import Invalid
from rental.core.text import narrow

# Without I, L, O and U, which people mix up with 1, 0 and V, and without Z, which looks like 2.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXY"
_BASE = len(ALPHABET)  # 31 is prime: that is why every wrong symbol and every swap changes the sum
_FREE_SYMBOLS = 7
_LENGTH = _FREE_SYMBOLS + 1
CODES = _BASE**_FREE_SYMBOLS

_VALUES = {symbol: value for value, symbol in enumerate(ALPHABET)}
_LOOKALIKES = str.maketrans("OIL", "011")
_NOT_USED = "UZ"

_HALVES = r"([0-9A-Z]{4})[^0-9A-Z]{0,3}([0-9A-Z]{4})(?![0-9A-Z])"
_BARE = re.compile(rf"[^0-9A-Z]*{_HALVES}[^0-9A-Z]*")
# A gun set to another keyboard sends other punctuation, but the letters of our address stay: …/Q/7K3M9QXW.
_AFTER_Q = re.compile(rf"(?<![0-9A-Z])Q[^0-9A-Z]{{1,4}}{_HALVES}")
_AFTER_ANY_Q = re.compile(rf"(?=Q[^0-9A-Z]{{0,4}}{_HALVES})")
# What QR codes hold in their small alphanumeric mode (ISO/IEC 18004), less the space.
_QR_ALPHANUMERIC = re.compile(r"[0-9A-Z$%*+\-./:]+")


class CodeRefused(Invalid):
    """What was scanned or typed leads to no label."""

    code = "inventory.label_code_refused"
    field = "code"


class NotALabelCode(CodeRefused):
    """It has not the shape of a label code: perhaps the maker's barcode, or half a scan."""

    code = "inventory.not_a_label_code"


class LabelCodeTypo(CodeRefused):
    """The right shape, but the check symbol says that one symbol is wrong or two are swapped."""

    code = "inventory.label_code_typo"


class SymbolNotUsed(CodeRefused):
    """U and Z stand on no label: what looks like one is a V or a 2."""

    code = "inventory.label_code_symbol_not_used"

    def __init__(self, *, symbol: str) -> None:
        super().__init__(symbol=symbol)


def check_symbol(seven: str) -> str:
    """The eighth symbol, so that the sum of place (1 to 8) times value is a multiple of 31."""
    return ALPHABET[-_weighted_sum(seven) * pow(_LENGTH, -1, _BASE) % _BASE]


def code_from(number: int) -> str:
    """The code of a number below `CODES`. Draw the number at random: a row of codes would tell how many
    units there are, and let strangers walk along it.
    """
    if not 0 <= number < CODES:
        raise ValueError(f"a label code is made of a number from 0 to {CODES - 1}")
    symbols = []
    for _ in range(_FREE_SYMBOLS):
        number, value = divmod(number, _BASE)
        symbols.append(ALPHABET[value])
    seven = "".join(reversed(symbols))
    return seven + check_symbol(seven)


def is_valid(code: str) -> bool:
    """Whether this is a label code exactly as stored: 8 symbols, the last one fitting."""
    return len(code) == _LENGTH and set(code) <= _VALUES.keys() and _weighted_sum(code) % _BASE == 0


def shown(code: str) -> str:
    """The code as people read it aloud: 7K3M-9QXW."""
    return f"{code[:4]}-{code[4:]}"


def read_label_code(text: str) -> str:
    """The code in what was scanned or typed: the bare code in any writing, or our address, whole or damaged.

    O reads as 0, I and L as 1. In an address the code follows the Q of /Q/, whatever became of the slashes.
    Raises NotALabelCode, LabelCodeTypo or SymbolNotUsed.
    """
    plain = narrow(text).upper()
    if bare := _BARE.fullmatch(plain):
        return _checked(bare)
    candidates = list(_AFTER_Q.finditer(plain))
    if "HTTP" in plain:  # then some Q belongs to /Q/ even if the gun swallowed the slashes
        for candidate in (*candidates, *_AFTER_ANY_Q.finditer(plain)):
            if is_valid(_joined(candidate)):
                return _joined(candidate)
    if not candidates:
        raise NotALabelCode()
    return _checked(candidates[-1])


def label_url(base_url: str, code: str) -> str:
    """The address inside the QR code, all in capitals so that the symbol stays small.

    Raises ValueError when the base is more than scheme, host and port, or has characters that would need a
    larger symbol.
    """
    base = urlsplit(base_url)
    url = f"{base.scheme}://{base.netloc}/Q/{code}".upper()
    has_more = base.path.strip("/") or base.query or base.fragment
    if not base.scheme or not base.netloc or has_more or not _QR_ALPHANUMERIC.fullmatch(url):
        raise ValueError(f"labels need a plain address such as https://r.example.jp, not {base_url!r}")
    return url


def _weighted_sum(symbols: str) -> int:
    return sum(place * _VALUES[symbol] for place, symbol in enumerate(symbols, start=1))


def _joined(halves: re.Match[str]) -> str:
    return "".join(halves.groups()).translate(_LOOKALIKES)


def _checked(halves: re.Match[str]) -> str:
    code = _joined(halves)
    for symbol in _NOT_USED:
        if symbol in code:
            raise SymbolNotUsed(symbol=symbol)
    if not is_valid(code):
        raise LabelCodeTypo(code=shown(code))
    return code
