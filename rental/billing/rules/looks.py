"""How a document looks, beyond what has to stand on it: languages, a word mark, a note, optional columns."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from rental.core.errors import Conflict, Invalid
from rental.core.text import tidy
from rental.customers.rules import require_room

NAME_MAX_LENGTH = 60
LOGO_MAX_LENGTH = 40
NOTE_MAX_LENGTH = 400
NOTE_MAX_LINES = 6


class PaperLanguage(StrEnum):
    """What the words of a document are in. Names and what is supplied stay as they are known."""

    JAPANESE = "ja"
    ENGLISH = "en"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Look:
    """`logo` is a word mark above the issuer, `note` what is said at the end.

    A recipient may do without the price of a month, and without contract and site below each line.
    """

    language: PaperLanguage = PaperLanguage.JAPANESE
    logo: str = ""
    note: str = ""
    has_unit_price: bool = True
    has_details: bool = True

    def part_of_snapshot(self) -> dict[str, Any]:
        """What is kept with a document, so that it is drawn the same whatever becomes of the template."""
        return {
            "look": {
                "language": self.language.value,
                "logo": self.logo,
                "note": self.note,
                "unit_price": self.has_unit_price,
                "details": self.has_details,
            }
        }


class NameTaken(Conflict):
    """Two templates of one name could not be told apart."""

    code = "billing.template_name_taken"
    field = "name"

    def __init__(self, *, name: str) -> None:
        super().__init__(name=name)


class TooManyLines(Invalid):
    """A note that would push the amounts off the page."""

    code = "billing.too_many_note_lines"
    field = "note"

    def __init__(self, *, lines: int, maximum: int) -> None:
        super().__init__(lines=lines, maximum=maximum)


def tidied(look: Look) -> Look:
    """The look as it is kept. Raises TooLong, and TooManyLines for a note beyond what a page has room for."""
    logo = tidy(look.logo)
    lines = [tidy(line) for line in look.note.strip().splitlines()]
    if len(lines) > NOTE_MAX_LINES:
        raise TooManyLines(lines=len(lines), maximum=NOTE_MAX_LINES)
    note = "\n".join(lines)
    require_room(logo, "logo", LOGO_MAX_LENGTH)
    require_room(note, "note", NOTE_MAX_LENGTH)
    return replace(look, logo=logo, note=note)
