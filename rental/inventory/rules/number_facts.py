"""What a number of ours can tell about its unit: whose it is, what kind, where and when it came."""

import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from rental.core.errors import Conflict
from rental.inventory.rules.check_characters import is_alphanumeric, without_separators

_ERAS = ((date(2019, 5, 1), "R"), (date(1989, 1, 8), "H"), (date(1926, 12, 25), "S"))
_APRIL = 4


class FactToken(StrEnum):
    """The facts a pattern can print, in the order in which they name a counter."""

    COMPANY = "COMP"
    BRANCH = "BR"
    CATEGORY = "CAT"
    PRODUCT = "PROD"
    LOCATION = "LOC"
    ERA = "ERA"  # one letter: R for 令和
    ERA_YEAR = "EY"  # two digits: 08 in 令和8年
    FISCAL_YEAR = "FY"  # four digits of the year in which it began, in April
    YEAR = "YYYY"
    SHORT_YEAR = "YY"
    MONTH = "MM"
    DAY = "DD"


CODE_TOKENS = frozenset(
    {FactToken.COMPANY, FactToken.BRANCH, FactToken.CATEGORY, FactToken.PRODUCT, FactToken.LOCATION}
)
DATE_TOKENS = frozenset(FactToken) - CODE_TOKENS
# Where a rule's own facts are typed; all others come with the unit, and the pattern asks for them.
_FIELDS = {FactToken.COMPANY: "company_code", FactToken.BRANCH: "branch_code"}


class MissingFact(Conflict):
    """The pattern asks for something that is not known here, such as the category of a model without one."""

    code = "inventory.missing_fact"

    def __init__(self, *, token: FactToken) -> None:
        super().__init__(token=token)
        self.field = _FIELDS.get(token, "pattern")


class UnwritableFact(Conflict):
    """A code meant for numbers has more than letters A-Z, digits and separators."""

    code = "inventory.unwritable_fact"

    def __init__(self, *, token: FactToken, value: str) -> None:
        super().__init__(token=token, value=value)
        self.field = _FIELDS.get(token, "pattern")


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of the unit when its number is made; a code that does not apply stays empty."""

    on: date
    company: str = ""
    branch: str = ""
    category: str = ""
    product: str = ""
    location: str = ""

    def written(self, token: FactToken) -> str:
        """The fact as it stands in a number, letters and digits only: product CM-200 is written CM200.

        Were separators kept, two codes could run into each other and still look like two others.
        Raises MissingFact or UnwritableFact.
        """
        fact = self._fact(token)
        written = without_separators(unicodedata.normalize("NFKC", fact)).upper()
        if not written:
            raise MissingFact(token=token)
        if not is_alphanumeric(written):
            raise UnwritableFact(token=token, value=fact)
        return written

    def _fact(self, token: FactToken) -> str:
        codes = {
            FactToken.COMPANY: self.company,
            FactToken.BRANCH: self.branch,
            FactToken.CATEGORY: self.category,
            FactToken.PRODUCT: self.product,
            FactToken.LOCATION: self.location,
        }
        return codes[token] if token in codes else date_fact(self.on, token)


def date_fact(on: date, token: FactToken) -> str:
    """What a token says of a day; empty for an era before 昭和."""
    match token:
        case FactToken.YEAR:
            return f"{on.year:04}"
        case FactToken.SHORT_YEAR:
            return f"{on.year % 100:02}"
        case FactToken.MONTH:
            return f"{on.month:02}"
        case FactToken.DAY:
            return f"{on.day:02}"
        case FactToken.FISCAL_YEAR:
            return f"{on.year - (on.month < _APRIL):04}"
    began, letter = next((era for era in _ERAS if era[0] <= on), (on, ""))
    if token is FactToken.ERA or not letter:
        return letter
    return f"{on.year - began.year + 1:02}"
