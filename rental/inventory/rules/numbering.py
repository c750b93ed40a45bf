"""How our own numbers look: a pattern such as {COMP}-{YY}{MM}-{SEQ:5}, filled with facts and a sequence."""

import re
from collections.abc import Set
from dataclasses import dataclass
from enum import StrEnum

from rental.core.errors import Conflict, Invalid
from rental.core.text import narrow
from rental.inventory.rules.check_characters import CheckScheme, check_characters
from rental.inventory.rules.number_facts import Facts, FactToken

LONGEST_PATTERN = 80
LONGEST_NUMBER = 40
WIDEST_SEQUENCE = 12  # twelve symbols of base 36 still fit a counter of 64 bits
PREVIEWED = 10

_SYMBOLS = {
    "SEQ": "0123456789",
    "SEQ36": "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "SEQC": "0123456789ABCDEFGHJKMNPQRSTVWXYZ",  # Crockford's base 32: no I L O U
}
_PIECE = re.compile(r"\{([^{}]*)\}|([A-Z0-9/_.-]+)|(.)", re.DOTALL)
_WIDTH = re.compile(r"[1-9][0-9]?")


class PatternFault(StrEnum):
    """Why a pattern cannot be used; the screen has a sentence for each."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    CHARACTER = "character"
    UNKNOWN_TOKEN = "unknown_token"  # noqa: S105 (no secret)
    WIDTH = "width"
    NO_SEQUENCE = "no_sequence"
    TWO_SEQUENCES = "two_sequences"
    CHECK_SCHEME = "check_scheme"
    CHECK_NOT_LAST = "check_not_last"


class InvalidPattern(Invalid):
    """`token` is the piece at fault as it was typed, `reason` a PatternFault."""

    code = "inventory.invalid_pattern"
    field = "pattern"

    def __init__(self, reason: PatternFault, token: str = "") -> None:
        super().__init__(reason=reason, token=token)


class SequenceUsedUp(Conflict):
    """The counter has grown out of its width; the pattern needs a wider one."""

    code = "inventory.sequence_used_up"

    def __init__(self, *, token: str, last: int) -> None:
        super().__init__(token=token, last=last)


class NumberTooLong(Conflict):
    """The facts are so long that the number would not fit its label."""

    code = "inventory.number_too_long"
    field = "pattern"

    def __init__(self, *, number: str) -> None:
        super().__init__(number=number, maximum=LONGEST_NUMBER)


@dataclass(frozen=True)
class SequenceToken:
    """The place of the counter: its name decides the symbols, its width how many of them there are."""

    name: str
    width: int

    @property
    def last(self) -> int:
        """The highest sequence that fits."""
        return int(len(_SYMBOLS[self.name]) ** self.width) - 1

    def written(self, sequence: int) -> str:
        """Filled up with zeros. Raises SequenceUsedUp."""
        if sequence < 0:
            raise ValueError("a sequence counts upwards from 0")
        if sequence > self.last:
            raise SequenceUsedUp(token=str(self), last=self.last)
        symbols = _SYMBOLS[self.name]
        written = ""
        for _ in range(self.width):
            sequence, value = divmod(sequence, len(symbols))
            written = symbols[value] + written
        return written

    def __str__(self) -> str:
        return f"{{{self.name}:{self.width}}}"


@dataclass(frozen=True)
class Literal:
    """Characters that stand in every number as they are."""

    text: str

    def __str__(self) -> str:
        return self.text


Part = Literal | FactToken | SequenceToken


@dataclass(frozen=True)
class Pattern:
    """What a number is made of, from left to right; the check characters, if any, come last."""

    parts: tuple[Part, ...]
    check: CheckScheme | None = None

    @staticmethod
    def parse(typed: str) -> "Pattern":
        """The pattern somebody typed, in any case and width. Raises InvalidPattern."""
        text = narrow(typed).upper()
        if not text:
            raise InvalidPattern(PatternFault.EMPTY)
        if len(text) > LONGEST_PATTERN:
            raise InvalidPattern(PatternFault.TOO_LONG)
        parts: list[Part] = []
        check = None
        for piece in _PIECE.finditer(text):
            if check:
                raise InvalidPattern(PatternFault.CHECK_NOT_LAST, f"{{CHK:{check}}}")
            read = _read_piece(piece)
            if isinstance(read, CheckScheme):
                check = read
            else:
                parts.append(read)
        _require_one_sequence(parts)
        return Pattern(tuple(parts), check)

    @property
    def sequence(self) -> SequenceToken:
        return next(part for part in self.parts if isinstance(part, SequenceToken))

    def render(self, facts: Facts, sequence: int) -> str:
        """The number. Raises MissingFact, UnwritableFact, SequenceUsedUp or NumberTooLong."""
        number = "".join(_written(part, facts, sequence) for part in self.parts)
        if self.check:
            number += check_characters(number, self.check)
        if len(number) > LONGEST_NUMBER:
            raise NumberTooLong(number=number)
        return number

    def __str__(self) -> str:
        """The pattern as it is kept; reading it gives the same pattern again."""
        written = "".join(f"{{{part}}}" if isinstance(part, FactToken) else str(part) for part in self.parts)
        return f"{written}{{CHK:{self.check}}}" if self.check else written


def scope(facts: Facts, reset_on: Set[FactToken]) -> str:
    """Which counter the facts belong to: SR|CM|2026 when company, category and fiscal year each start anew.

    It is made of the facts as numbers print them, so that facts that print alike share one counter.
    Raises MissingFact or UnwritableFact.
    """
    return "|".join(facts.written(token) for token in FactToken if token in reset_on)


def preview(pattern: Pattern, facts: Facts, start: int, count: int = PREVIEWED) -> list[str]:
    """The next numbers, fewer than `count` where the width ends. Raises what `render` raises."""
    end = min(start + count, pattern.sequence.last + 1)
    return [pattern.render(facts, sequence) for sequence in range(start, end)]


def _read_piece(piece: re.Match[str]) -> Part | CheckScheme:
    token, literal, stranger = piece.groups()
    if stranger:
        raise InvalidPattern(PatternFault.CHARACTER, stranger)
    if literal:
        return Literal(literal)
    name, colon, argument = token.partition(":")
    if name in _SYMBOLS:
        if not _WIDTH.fullmatch(argument) or int(argument) > WIDEST_SEQUENCE:
            raise InvalidPattern(PatternFault.WIDTH, piece[0])
        return SequenceToken(name, int(argument))
    if name == "CHK":
        if argument.lower() not in set(CheckScheme):
            raise InvalidPattern(PatternFault.CHECK_SCHEME, piece[0])
        return CheckScheme(argument.lower())
    if colon or name not in set(FactToken):
        raise InvalidPattern(PatternFault.UNKNOWN_TOKEN, piece[0])
    return FactToken(name)


def _require_one_sequence(parts: list[Part]) -> None:
    sequences = [part for part in parts if isinstance(part, SequenceToken)]
    if not sequences:
        raise InvalidPattern(PatternFault.NO_SEQUENCE)
    if len(sequences) > 1:
        raise InvalidPattern(PatternFault.TWO_SEQUENCES, str(sequences[1]))


def _written(part: Part, facts: Facts, sequence: int) -> str:
    match part:
        case FactToken():
            return facts.written(part)
        case SequenceToken():
            return part.written(sequence)
        case Literal():
            return part.text
