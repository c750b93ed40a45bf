"""Characters at the end of a number that give a mistyped one away."""

import re
from enum import StrEnum
from functools import reduce

_SEPARATORS = re.compile(r"[-/_. ]")
_ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_VALUES = {character: value for value, character in enumerate(_ALPHANUMERIC)}
# The quasigroup of order 10 from Damm's thesis (2004): no row repeats, and its diagonal is zero.
_DAMM = (
    "0317598642",
    "7092154863",
    "4206871359",
    "1750983426",
    "6123045978",
    "3674209581",
    "5869720134",
    "8945362017",
    "9438617205",
    "2581436790",
)


class CheckScheme(StrEnum):
    """How check characters are calculated; separators never count.

    ISO 7064 MOD 37,36 is made for letters and digits and catches every single wrong one. The others know
    digits only. They take a letter for two digits, A = 10 to Z = 35, as securities numbers (Luhn) and bank
    accounts (MOD 97-10) do: every wrong digit is caught, and so is a wrong letter by MOD 97-10, but Luhn,
    MOD 11-2 and Damm miss some wrong letters.
    """

    LUHN = "luhn"
    MOD11 = "mod11"  # ISO 7064 MOD 11-2; the check character may be X
    MOD97 = "mod97"  # ISO 7064 MOD 97-10; two digits
    ISO7064_37_36 = "iso7064_37_36"
    DAMM = "damm"

    @property
    def length(self) -> int:
        return 2 if self is CheckScheme.MOD97 else 1


def without_separators(value: str) -> str:
    """The letters and digits a check character is taken over."""
    return _SEPARATORS.sub("", value)


def is_alphanumeric(value: str) -> bool:
    """Whether the value has nothing but A-Z and 0-9."""
    return set(value) <= _VALUES.keys()


def check_characters(value: str, scheme: CheckScheme) -> str:
    """What to append to `value`. Raises ValueError when it has more than A-Z, 0-9 and separators."""
    characters = without_separators(value)
    if not is_alphanumeric(characters):
        raise ValueError(f"no check character is defined over {value!r}")
    match scheme:
        case CheckScheme.ISO7064_37_36:
            return _iso7064_37_36(characters)
        case CheckScheme.LUHN:
            return _luhn(_digits(characters))
        case CheckScheme.MOD11:
            return _mod11(_digits(characters))
        case CheckScheme.MOD97:
            return _mod97(_digits(characters))
        case CheckScheme.DAMM:
            return _damm(_digits(characters))


def verify(value: str, scheme: CheckScheme) -> bool:
    """Whether the check characters at the end of `value` fit what stands before them."""
    characters = without_separators(value)
    if len(characters) <= scheme.length or not is_alphanumeric(characters):
        return False
    body, check = characters[: -scheme.length], characters[-scheme.length :]
    return check_characters(body, scheme) == check


def _digits(characters: str) -> list[int]:
    return [int(digit) for character in characters for digit in str(_VALUES[character])]


def _iso7064_37_36(characters: str) -> str:
    product = 36
    for character in characters:
        product = ((product + _VALUES[character]) % 36 or 36) * 2 % 37
    return _ALPHANUMERIC[(1 - product) % 36]


def _luhn(digits: list[int]) -> str:
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[::-2])
    return str(-(sum(doubled) + sum(digits[-2::-2])) % 10)


def _mod11(digits: list[int]) -> str:
    remainder = reduce(lambda total, digit: (total + digit) * 2 % 11, digits, 0)
    return "0123456789X"[(1 - remainder) % 11]


def _mod97(digits: list[int]) -> str:
    remainder = reduce(lambda total, digit: (total * 10 + digit) % 97, digits, 0)
    return f"{98 - remainder * 100 % 97:02}"


def _damm(digits: list[int]) -> str:
    return str(reduce(lambda interim, digit: int(_DAMM[interim][digit]), digits, 0))
