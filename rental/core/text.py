"""What people type, brought to one form: full-width digits, Japanese eras, stray spaces."""

import re
import unicodedata
from datetime import date

_ERAS = {"令和": 2018, "R": 2018, "平成": 1988, "H": 1988, "昭和": 1925, "S": 1925}
_ERA_DAY = re.compile(
    r"^(令和|平成|昭和|[RHS])\s*(元|\d{1,2})\s*[年./-]\s*(\d{1,2})\s*[月./-]\s*(\d{1,2})\s*日?$"
)
_WESTERN_DAY = re.compile(r"^(\d{4})\s*[年./-]\s*(\d{1,2})\s*[月./-]\s*(\d{1,2})\s*日?$")
_PLAIN_DAY = re.compile(r"^(\d{4})(\d{2})(\d{2})$")
_YEN = re.compile(r"^[¥\\]?\s*(-?)\s*[¥\\]?\s*(\d{1,3}(?:,\d{3})+|\d+)\s*(?:円|yen|JPY)?$", re.IGNORECASE)
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−ー－", "-"))


# Longer than anything typed into one line. Composing a long run of accents takes quadratic time, so nobody
# may hand in more; a field still sees that what is left is too long.
LONGEST = 2000


def narrow(text: str) -> str:
    """Full-width letters and digits made half-width (NFKC), outer and doubled spaces taken away."""
    return " ".join(unicodedata.normalize("NFKC", text[:LONGEST]).split())


def folded(text: str) -> str:
    """What two people would call the same words: `narrow`, and upper and lower case alike."""
    return narrow(text).casefold()


def tidy(text: str) -> str:
    """One line as people mean it: composed characters, single spaces, no control characters.

    Unlike `narrow` it keeps ㈱, ① and full-width letters: names are printed as their owners write them.
    """
    composed = unicodedata.normalize("NFC", text[:LONGEST])
    visible = "".join(" " if unicodedata.category(c) in {"Zs", "Cc"} else c for c in composed)
    return " ".join("".join(c for c in visible if unicodedata.category(c) not in {"Cf", "Cs"}).split())


def parse_day(text: str) -> date:
    """A day from 2026-11-20, 2026/11/20, 20261120, 2026年11月20日, 令和8年11月20日 or R8.11.20, any width.

    Raises ValueError when the text is none of these or names a day that does not exist.
    """
    plain = narrow(text).upper()
    if era := _ERA_DAY.match(plain):
        name, year, month, day = era.groups()
        return date(_ERAS[name] + (1 if year == "元" else int(year)), int(month), int(day))
    if western := _WESTERN_DAY.match(plain) or _PLAIN_DAY.match(plain):
        return date(*(int(part) for part in western.groups()))
    raise ValueError(f"not a day: {text!r}")


def parse_yen(text: str) -> int:
    """Whole yen from 12,345 or ¥12,345 or １２，３４５円. Raises ValueError for anything else."""
    match = _YEN.match(narrow(text).translate(_DASHES))
    if not match:
        raise ValueError(f"not an amount in yen: {text!r}")
    sign, digits = match.groups()
    return int(sign + digits.replace(",", ""))
