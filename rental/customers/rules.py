"""What a customer's numbers, telephones, payment terms and opening hours must look like."""

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from rental.core.errors import Invalid
from rental.core.states import States
from rental.core.text import folded, narrow
from rental.identity.rules import EMAIL_MAX_LENGTH, NotAnEmail, is_email

NAME_MAX_LENGTH = 100
KANA_MAX_LENGTH = 200
NOTE_MAX_LENGTH = 2000
LINE_MAX_LENGTH = 200
PREFECTURE_MAX_LENGTH = 10
ADDRESS_MAX_LENGTH = 400
SEARCH_MAX_LENGTH = 1000
MINUTES_OF_A_DAY = 24 * 60

_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−ー－ｰ", "-"))
_REGISTRATION_NUMBER = re.compile(r"T[0-9]{13}")
_PHONE = re.compile(r"\+?[0-9]+(-[0-9]+)*")
_POSTAL_CODE = re.compile(r"[0-9]{7}")
_WINDOW = re.compile(r"(\d{1,2})(?::(\d{2}))?\s*-\s*(\d{1,2})(?::(\d{2}))?")
_POSITION = re.compile(r"(-?\d{1,3}(?:\.\d{1,15})?)\s*[, ]\s*(-?\d{1,3}(?:\.\d{1,15})?)")
_HIRAGANA = {code: code + 0x60 for code in range(ord("ぁ"), ord("ゖ") + 1)}
# South of Okinotorishima to north of Etorofu, Yonaguni to Minamitorishima.
_JAPAN = ((20.0, 46.0), (122.0, 154.5))


class CustomerKind(StrEnum):
    """Whom the tax office knows by a corporate number, and whom it does not."""

    CORPORATION = "corporation"
    SOLE_PROPRIETOR = "sole_proprietor"


class HolidayRule(StrEnum):
    """Where a due date goes that falls on a bank holiday."""

    PREVIOUS = "previous"
    NEXT = "next"
    NONE = "none"


class Consolidation(StrEnum):
    """What an account is sent one invoice for: all it owes (合計請求書), each contract, or each site."""

    PER_ACCOUNT = "per_account"
    PER_CONTRACT = "per_contract"
    PER_SITE = "per_site"


class PriceMode(StrEnum):
    """Whether the prices agreed with an account are without the tax (税抜) or hold it already (税込)."""

    EXCLUSIVE = "exclusive"
    INCLUSIVE = "inclusive"


class SiteState(StrEnum):
    """A closed site is visited no more and takes no new units."""

    ACTIVE = "active"
    CLOSED = "closed"


SITE_STATES = States({SiteState.ACTIVE: {SiteState.CLOSED}, SiteState.CLOSED: {SiteState.ACTIVE}})


class PositionSource(StrEnum):
    """Who said where a site is."""

    ENTERED = "entered"
    KNOWN_SITE = "known_site"
    MUNICIPALITY = "municipality"
    SERVICE = "service"


class Window(NamedTuple):
    """From when until when a visit is possible, in minutes after midnight of the same day."""

    opens: int
    closes: int


class Position(NamedTuple):
    """A point on the map in degrees, WGS 84."""

    latitude: float
    longitude: float


class Missing(Invalid):
    """Something that cannot be left out is empty."""

    code = "customers.missing"

    def __init__(self, field: str) -> None:
        super().__init__()
        self.field = field


class TooLong(Invalid):
    """More characters than there is room for."""

    code = "customers.too_long"

    def __init__(self, field: str, maximum: int) -> None:
        super().__init__(maximum=maximum)
        self.field = field


class NotARegistrationNumber(Invalid):
    """A registration number is the letter T and thirteen digits."""

    code = "customers.not_a_registration_number"
    field = "registration_number"


class WrongCheckDigit(Invalid):
    """The digits of a corporation's registration number contradict each other: one of them is mistyped."""

    code = "customers.wrong_check_digit"
    field = "registration_number"


class NotAPhoneNumber(Invalid):
    """A telephone number is made of digits and hyphens."""

    code = "customers.not_a_phone_number"
    field = "phone"


class NotAPostalCode(Invalid):
    """A postal code has seven digits."""

    code = "customers.not_a_postal_code"
    field = "postal_code"


class NotAPaymentTerm(Invalid):
    """Closing and paying happen on a day from 1 to 31, at most six months apart."""

    code = "customers.not_a_payment_term"

    def __init__(self, field: str, *, minimum: int, maximum: int) -> None:
        super().__init__(minimum=minimum, maximum=maximum)
        self.field = field


class NotHours(Invalid):
    """This cannot be read as times of a day."""

    code = "customers.not_hours"
    field = "hours"


class ClosesBeforeOpening(Invalid):
    """A window ends after it begins, on the same day."""

    code = "customers.closes_before_opening"
    field = "hours"


class WindowsOverlap(Invalid):
    """Two windows of one weekday share a minute."""

    code = "customers.windows_overlap"
    field = "hours"


class NotAPosition(Invalid):
    """This cannot be read as latitude and longitude."""

    code = "customers.not_a_position"
    field = "position"


class NotInJapan(Invalid):
    """The point lies elsewhere; often the two numbers were exchanged."""

    code = "customers.not_in_japan"
    field = "position"


def search_form(*texts: str) -> str:
    """What is looked for, with width, case and the two kana alike."""
    return " ".join(filter(None, (kana_alike(text) for text in texts)))[:SEARCH_MAX_LENGTH]


def kana_alike(text: str) -> str:
    """Folded, with hiragana written as katakana: さくら finds サクラ."""
    return folded(text).translate(_HIRAGANA)


def require_line(text: str, field: str, maximum: int) -> None:
    """Raises Missing for an empty line and TooLong for one that does not fit."""
    if not text:
        raise Missing(field)
    require_room(text, field, maximum)


def require_room(text: str, field: str, maximum: int) -> None:
    """Raises TooLong for a text that does not fit."""
    if len(text) > maximum:
        raise TooLong(field, maximum)


def registration_number_of(text: str, kind: CustomerKind) -> str | None:
    """T and 13 digits from what was typed, None for nothing. Raises NotARegistrationNumber, WrongCheckDigit.

    The check digit of corporate numbers is law (ordinance 70 of 2014 of the Ministry of Finance, article 2).
    For the numbers of sole proprietors no rule is published, so theirs may contradict it.
    """
    number = narrow(text).upper().translate(_DASHES).replace("-", "").replace(" ", "")
    if not number:
        return None
    if not is_registration_number(number):
        raise NotARegistrationNumber
    if kind is CustomerKind.CORPORATION and not has_right_check_digit(number):
        raise WrongCheckDigit
    return number


def is_registration_number(text: str) -> bool:
    """Whether it is T and 13 digits; says nothing of the check digit."""
    return _REGISTRATION_NUMBER.fullmatch(text) is not None


def has_right_check_digit(number: str) -> bool:
    """Whether the first of the 13 digits is the one that the other twelve ask for."""
    return is_registration_number(number) and int(number[1]) == check_digit_of(number[2:])


def check_digit_of(base: str) -> int:
    """The check digit of twelve digits: 9 minus the rest by 9 of their sum, every second one doubled.

    >>> check_digit_of("010705000725")
    7
    """
    return 9 - sum(int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(base))) % 9


def phone_of(text: str) -> str | None:
    """Digits and hyphens, with + before a country's code; None for nothing. Raises NotAPhoneNumber."""
    plain = narrow(text).translate(_DASHES)
    number = re.sub(r"[()]", "-", plain).replace(" ", "").replace("--", "-").strip("-")
    if not plain:
        return None
    if not _PHONE.fullmatch(number) or not 8 <= sum(c.isdigit() for c in number) <= 15 or len(number) > 20:
        raise NotAPhoneNumber
    return number


def postal_code_of(text: str) -> str | None:
    """123-4567 from any writing of it, None for nothing. Raises NotAPostalCode."""
    plain = narrow(text).translate(_DASHES).removeprefix("〒").replace("-", "").replace(" ", "")
    if not plain:
        return None
    if not _POSTAL_CODE.fullmatch(plain):
        raise NotAPostalCode
    return f"{plain[:3]}-{plain[3:]}"


def email_of(text: str) -> str | None:
    """The address half-width, None for nothing. Raises NotAnEmail."""
    email = narrow(text)
    if not email:
        return None
    if len(email) > EMAIL_MAX_LENGTH or not is_email(email):
        raise NotAnEmail
    return email


def require_payment_terms(*, closing_day: int, term_months: int, pay_day: int) -> None:
    """A day is 1 to 31, where 31 means the end of the month; paying follows within half a year."""
    for field, value, minimum, maximum in (
        ("closing_day", closing_day, 1, 31),
        ("term_months", term_months, 0, 6),
        ("pay_day", pay_day, 1, 31),
    ):
        if not minimum <= value <= maximum:
            raise NotAPaymentTerm(field, minimum=minimum, maximum=maximum)


def windows_of(text: str) -> tuple[Window, ...]:
    """The windows of one weekday from 9:00-12:00, 13:00-17:00; none for an empty text.

    Hours alone (9-17), full-width digits and 〜 are understood. Raises NotHours, ClosesBeforeOpening,
    WindowsOverlap.
    """
    plain = narrow(text).translate(_DASHES).replace("〜", "-").replace("~", "-").replace("、", ",")
    plain = re.sub(r"(\d)時(半)?", lambda m: m[1] + (":30" if m[2] else ""), plain)
    parts = [part.strip() for part in re.split(r"[,/;]", plain) if part.strip()]
    windows = tuple(sorted(_window(part) for part in parts))
    require_windows(windows)
    return windows


def _window(text: str) -> Window:
    match = _WINDOW.fullmatch(text)
    if not match:
        raise NotHours
    opens, closes = (
        int(hour) * 60 + int(minute or 0) for hour, minute in ((match[1], match[2]), (match[3], match[4]))
    )
    if any(int(minute or 0) > 59 for minute in (match[2], match[4])) or closes > MINUTES_OF_A_DAY:
        raise NotHours
    return Window(opens, closes)


def require_windows(windows: Sequence[Window]) -> None:
    """Each ends after it begins and within the day, and no two of one weekday share a minute."""
    for window in windows:
        if not 0 <= window.opens < MINUTES_OF_A_DAY or window.closes > MINUTES_OF_A_DAY:
            raise NotHours
        if window.closes <= window.opens:
            raise ClosesBeforeOpening
    if any(later.opens < earlier.closes for earlier, later in pairwise(sorted(windows))):
        raise WindowsOverlap


def windows_text(windows: Iterable[Window]) -> str:
    """The windows of one weekday as they are typed: 9:00-12:00, 13:00-17:00."""
    return ", ".join(f"{clock_text(opens)}-{clock_text(closes)}" for opens, closes in windows)


def clock_text(minutes: int) -> str:
    """Minutes after midnight as a clock shows them.

    >>> clock_text(450)
    '7:30'
    """
    return f"{minutes // 60}:{minutes % 60:02}"


def position_of(text: str) -> Position:
    """The point from 35.6896, 139.7006, as maps hand it out. Raises NotAPosition, NotInJapan."""
    match = _POSITION.fullmatch(narrow(text).replace("、", ","))
    if not match:
        raise NotAPosition
    position = Position(float(match[1]), float(match[2]))
    require_in_japan(position)
    return position


def require_in_japan(position: Position) -> None:
    """Raises NotInJapan for a point abroad or in the wrong ocean."""
    inside = (low <= value <= high for value, (low, high) in zip(position, _JAPAN, strict=True))
    if not all(inside):
        raise NotInJapan
