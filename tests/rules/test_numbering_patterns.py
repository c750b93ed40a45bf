"""Our numbers follow the company's pattern, never come twice, and give a mistyped one away."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rental.inventory.rules.check_characters import CheckScheme, check_characters, verify, without_separators
from rental.inventory.rules.number_facts import Facts, FactToken, MissingFact, UnwritableFact
from rental.inventory.rules.numbering import (
    LONGEST_PATTERN,
    InvalidPattern,
    NumberTooLong,
    Pattern,
    PatternFault,
    SequenceUsedUp,
    preview,
    scope,
)
from rental.inventory.rules.numbering_trial import simulate, tells_counters_apart

EXAMPLE = Pattern.parse("{COMP}-{CAT}{YY}{MM}-{SEQ:5}-{CHK:iso7064_37_36}")
NOVEMBER = Facts(on=date(2026, 11, 20), company="SR", category="CM")
PER_FISCAL_YEAR = frozenset({FactToken.COMPANY, FactToken.CATEGORY, FactToken.FISCAL_YEAR})

schemes = st.sampled_from(CheckScheme)
code_text = st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=3)
days = st.dates(date(1990, 1, 1), date(2089, 12, 31))
facts_of_units = st.builds(
    Facts,
    on=days,
    company=code_text,
    branch=code_text,
    category=code_text,
    product=code_text,
    location=code_text,
)
pieces = st.sampled_from(
    [f"{{{token}}}" for token in FactToken]
    + ["-", "/", "_", ".", "A", "7", "{SEQ:3}", "{SEQ36:2}", "{SEQC:2}"]
)
resets = st.sets(st.sampled_from(FactToken), max_size=3)


@st.composite
def patterns(draw: st.DrawFn) -> Pattern:
    """Any pattern short enough that its numbers fit a label."""
    around = st.lists(pieces.filter(lambda piece: "SEQ" not in piece), max_size=4)
    sequence = draw(pieces.filter(lambda piece: "SEQ" in piece))
    check = draw(st.sampled_from(["", *(f"{{CHK:{scheme}}}" for scheme in CheckScheme)]))
    return Pattern.parse("".join([*draw(around), sequence, *draw(around), check]))


def test_the_number_in_the_handbook() -> None:
    assert EXAMPLE.render(NOVEMBER, 42) == "SR-CM2611-00042-B"
    assert scope(NOVEMBER, PER_FISCAL_YEAR) == "SR|CM|2026"
    assert scope(NOVEMBER, frozenset()) == ""


@pytest.mark.parametrize(
    ("scheme", "number"),
    [
        (CheckScheme.ISO7064_37_36, "A1-2425G-ABC1234002-M"),  # Global Release Identifier
        (CheckScheme.LUHN, "79927398713"),
        (CheckScheme.LUHN, "US0378331005"),  # securities number with letters
        (CheckScheme.MOD11, "0794 0"),  # ISO 7064
        (CheckScheme.MOD11, "079X"),
        (CheckScheme.MOD11, "0000-0002-1825-0097"),  # ORCID
        (CheckScheme.MOD97, "79444"),  # ISO 7064
        (CheckScheme.MOD97, "WEST12345698765432GB82"),  # bank account, country and check moved to the end
        (CheckScheme.DAMM, "5724"),
    ],
)
def test_published_numbers_verify(scheme: CheckScheme, number: str) -> None:
    assert verify(number, scheme)


@given(
    code_text.flatmap(lambda start: st.from_regex(r"[0-9]{1,12}", fullmatch=True).map(start.__add__)), schemes
)
def test_every_single_wrong_digit_is_caught(value: str, scheme: CheckScheme) -> None:
    number = value + check_characters(value, scheme)
    assert verify(number, scheme)
    for at, right in enumerate(number):
        if right.isdigit():
            for digit in set("0123456789") - {right}:
                assert not verify(number[:at] + digit + number[at + 1 :], scheme)


@given(st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=20))
def test_the_scheme_for_letters_catches_every_single_wrong_character(value: str) -> None:
    scheme = CheckScheme.ISO7064_37_36
    number = value + check_characters(value, scheme)
    for at, right in enumerate(number):
        for wrong in set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") - {right}:
            assert not verify(number[:at] + wrong + number[at + 1 :], scheme)


@given(st.text(), schemes)
def test_any_text_can_be_asked_about(text: str, scheme: CheckScheme) -> None:
    assert verify(text, scheme) in {True, False}


def test_a_check_over_strange_characters_is_undefined() -> None:
    with pytest.raises(ValueError, match="no check character"):
        check_characters("ab", CheckScheme.LUHN)


@pytest.mark.parametrize(
    ("typed", "reason", "token"),
    [
        ("", PatternFault.EMPTY, ""),
        (" \u3000", PatternFault.EMPTY, ""),
        ("{SEQ:5}" + "A" * 80, PatternFault.TOO_LONG, ""),
        ("{COLOUR}-{SEQ:5}", PatternFault.UNKNOWN_TOKEN, "{COLOUR}"),
        ("{COMP:2}-{SEQ:5}", PatternFault.UNKNOWN_TOKEN, "{COMP:2}"),
        ("{}{SEQ:5}", PatternFault.UNKNOWN_TOKEN, "{}"),
        ("{COMP}-{YY}", PatternFault.NO_SEQUENCE, ""),
        ("{SEQ:5}{SEQC:4}", PatternFault.TWO_SEQUENCES, "{SEQC:4}"),
        ("{SEQ}", PatternFault.WIDTH, "{SEQ}"),
        ("{SEQ:0}", PatternFault.WIDTH, "{SEQ:0}"),
        ("{SEQ36:13}", PatternFault.WIDTH, "{SEQ36:13}"),
        ("{SEQ:5}{CHK}", PatternFault.CHECK_SCHEME, "{CHK}"),
        ("{SEQ:5}{CHK:crc}", PatternFault.CHECK_SCHEME, "{CHK:CRC}"),
        ("{CHK:luhn}{SEQ:5}", PatternFault.CHECK_NOT_LAST, "{CHK:luhn}"),
        ("{SEQ:5}{CHK:luhn}-", PatternFault.CHECK_NOT_LAST, "{CHK:luhn}"),
        ("機器{SEQ:5}", PatternFault.CHARACTER, "機"),
        ("A B{SEQ:5}", PatternFault.CHARACTER, " "),
        ("{SEQ:5", PatternFault.CHARACTER, "{"),
    ],
)
def test_a_wrong_pattern_is_refused_with_the_piece_at_fault(
    typed: str, reason: PatternFault, token: str
) -> None:
    with pytest.raises(InvalidPattern) as refusal:
        Pattern.parse(typed)
    assert refusal.value.params == {"reason": reason, "token": token}
    assert refusal.value.field == "pattern"


@given(st.text() | st.text("{}:SEQCHKluhnYMD0123456789-/ ", max_size=90))
def test_any_text_is_a_pattern_or_refused(text: str) -> None:
    try:
        pattern = Pattern.parse(text)
    except InvalidPattern:
        return
    assert len(str(pattern)) <= LONGEST_PATTERN


@given(patterns())
def test_a_pattern_survives_its_own_writing(pattern: Pattern) -> None:
    assert Pattern.parse(str(pattern)) == pattern
    assert Pattern.parse(f" {str(pattern).lower()} ") == pattern


def test_a_pattern_may_be_typed_in_full_width() -> None:
    assert Pattern.parse("｛ｃｏｍｐ｝－｛ＳＥＱ：５｝") == Pattern.parse("{COMP}-{SEQ:5}")


@pytest.mark.parametrize(
    ("pattern", "number"),
    [
        ("{COMP}{BR}{CAT}{PROD}{LOC}-{SEQ:3}", "SRTKCMCM200W01-007"),
        ("{YYYY}{MM}{DD}/{SEQ:3}", "20270331/007"),
        ("{FY}.{SEQ:1}", "2026.7"),
        ("{ERA}{EY}_{SEQ:3}", "R09_007"),
        ("R{YY}-{SEQ36:4}{CHK:mod97}", "R27-000771"),
    ],
)
def test_every_token_is_printed(pattern: str, number: str) -> None:
    facts = Facts(
        on=date(2027, 3, 31), company="sr", branch="ＴＫ", category="CM", product="CM-200", location="W-01"
    )
    assert Pattern.parse(pattern).render(facts, 7) == number


@pytest.mark.parametrize(
    ("on", "written"),
    [
        (date(2019, 4, 30), "H31-2019"),
        (date(2019, 5, 1), "R01-2019"),
        (date(2020, 3, 31), "R02-2019"),
        (date(2020, 4, 1), "R02-2020"),
        (date(1989, 1, 7), "S64-1988"),
    ],
)
def test_years_begin_with_their_era_and_in_april(on: date, written: str) -> None:
    assert Pattern.parse("{ERA}{EY}-{FY}-{SEQ:1}").render(Facts(on=on), 1) == f"{written}-1"


def test_a_fact_that_is_missing_or_cannot_be_printed_is_named() -> None:
    pattern = Pattern.parse("{CAT}{SEQ:3}")
    for empty in ("", " ", "-"):
        with pytest.raises(MissingFact) as missing:
            pattern.render(Facts(on=date(2026, 1, 1), category=empty), 1)
        assert missing.value.params == {"token": FactToken.CATEGORY}
    with pytest.raises(UnwritableFact) as unwritable:
        scope(Facts(on=date(2026, 1, 1), category="機器"), {FactToken.CATEGORY})
    assert unwritable.value.params == {"token": FactToken.CATEGORY, "value": "機器"}
    with pytest.raises(MissingFact):
        Pattern.parse("{ERA}{SEQ:3}").render(Facts(on=date(1900, 1, 1)), 1)


def test_a_number_fits_its_label() -> None:
    with pytest.raises(NumberTooLong) as refusal:
        Pattern.parse("{PROD}-{SEQ:1}").render(Facts(on=date(2026, 1, 1), product="P" * 39), 1)
    assert refusal.value.params["maximum"] == 40


@pytest.mark.parametrize(
    ("token", "last", "written"),
    [
        ("{SEQ:2}", 99, "99"),
        ("{SEQ36:2}", 1295, "ZZ"),
        ("{SEQC:2}", 1023, "ZZ"),
        ("{SEQ36:12}", 36**12 - 1, "Z" * 12),
    ],
)
def test_a_counter_ends_with_its_width(token: str, last: int, written: str) -> None:
    pattern = Pattern.parse(token)
    assert pattern.render(NOVEMBER, last) == written
    with pytest.raises(SequenceUsedUp) as refusal:
        pattern.render(NOVEMBER, last + 1)
    assert refusal.value.params == {"token": token, "last": last}
    with pytest.raises(ValueError, match="counts upwards"):
        pattern.render(NOVEMBER, -1)


def test_base_32_has_no_letter_that_looks_like_a_digit() -> None:
    pattern = Pattern.parse("{SEQC:1}")
    assert "".join(preview(pattern, NOVEMBER, 0, 32)) == "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@given(patterns(), facts_of_units, st.integers(0, 900), st.integers(0, 900))
def test_different_sequences_make_different_numbers(
    pattern: Pattern, facts: Facts, one: int, other: int
) -> None:
    assert (pattern.render(facts, one) == pattern.render(facts, other)) == (one == other)


@given(patterns(), facts_of_units, st.integers(0, 900))
def test_a_number_verifies_by_its_own_scheme(pattern: Pattern, facts: Facts, sequence: int) -> None:
    number = pattern.render(facts, sequence)
    assert pattern.check is None or verify(number, pattern.check)
    assert without_separators(number).isalnum()


@given(patterns(), resets, st.lists(facts_of_units, min_size=2, max_size=12), st.data())
def test_counters_told_apart_never_give_the_same_number(
    pattern: Pattern, reset_on: set[FactToken], units: list[Facts], data: st.DataObject
) -> None:
    if not tells_counters_apart(pattern, reset_on):
        return
    counted: dict[str, tuple[str, int]] = {}
    for facts in units:
        origin = scope(facts, reset_on), data.draw(st.integers(0, 2))
        assert counted.setdefault(pattern.render(facts, origin[1]), origin) == origin


@pytest.mark.parametrize(
    ("pattern", "reset_on", "apart"),
    [
        ("{COMP}-{CAT}{YY}{MM}-{SEQ:5}", "COMP CAT FY", True),
        ("{COMP}-{SEQ:5}", "COMP MM", False),
        ("{MM}-{SEQ:5}", "MM", True),
        ("{MM}-{SEQ:5}", "YYYY MM", False),
        ("{YYYY}-{SEQ:5}", "FY", False),
        ("{FY}-{SEQ:5}", "FY", True),
        ("{EY}-{SEQ:5}", "YYYY", False),
        ("{ERA}{EY}{MM}-{SEQ:5}", "FY", True),
        ("{COMP}{CAT}-{SEQ:5}", "COMP CAT", False),
        ("{COMP}{CAT}-{SEQ:5}", "", True),
        ("{COMP}{CAT}{SEQ:5}", "", False),
        ("{COMP}A{CAT}-{SEQ:5}", "CAT", False),
        ("{COMP}{SEQ:5}", "COMP", True),
        ("{SEQ:5}", "COMP", False),
        ("{SEQ:5}", "", True),
    ],
)
def test_a_rule_that_may_repeat_itself_is_found_out(pattern: str, reset_on: str, apart: bool) -> None:
    tokens = {FactToken(name) for name in reset_on.split()}
    assert tells_counters_apart(Pattern.parse(pattern), tokens) is apart


def test_two_companies_may_look_like_one() -> None:
    """The reason why codes side by side are found out."""
    pattern = Pattern.parse("{COMP}{CAT}-{SEQ:1}")
    one = Facts(on=date(2026, 1, 1), company="S", category="RC")
    other = Facts(on=date(2026, 1, 1), company="SR", category="C")
    assert pattern.render(one, 1) == pattern.render(other, 1)


def test_a_trial_tells_what_would_happen() -> None:
    trial = simulate(EXAMPLE, NOVEMBER, PER_FISCAL_YEAR, 41, 3, {"SR-CM2611-00042-B", "OLD-1"})
    assert trial.numbers == ["SR-CM2611-00041-D", "SR-CM2611-00042-B", "SR-CM2611-00043-9"]
    assert trial.collisions == ["SR-CM2611-00042-B"]
    assert (trial.last_sequence, trial.left, trial.ambiguous) == (99_999, 99_959, False)


def test_a_trial_ends_with_the_width() -> None:
    trial = simulate(Pattern.parse("A{SEQ:1}"), NOVEMBER, {FactToken.MONTH}, 8, 10, set())
    assert (trial.numbers, trial.left, trial.ambiguous) == (["A8", "A9"], 2, True)
    after = simulate(Pattern.parse("A{SEQ:1}"), NOVEMBER, set(), 10, 10, set())
    assert (after.numbers, after.left, after.ambiguous) == ([], 0, False)
