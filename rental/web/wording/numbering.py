"""Words about the numbers we give: patterns, what they print, and what is wrong with one."""

from collections.abc import Callable
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from rental.inventory.rules.check_characters import CheckScheme
from rental.inventory.rules.number_facts import FactToken
from rental.inventory.rules.numbering import LONGEST_PATTERN, WIDEST_SEQUENCE, PatternFault
from rental.inventory.serial_numbering import RuleStanding

_FAULTS: dict[PatternFault, Callable[[str], str]] = {
    PatternFault.EMPTY: lambda _token: _("Write a pattern, such as {COMP}-{SEQ:5}."),
    PatternFault.TOO_LONG: lambda _token: _(
        "The pattern is too long: at most %(maximum)s characters.", maximum=LONGEST_PATTERN
    ),
    PatternFault.CHARACTER: lambda token: _(
        "%(token)s cannot stand in a number. Use letters A-Z, digits, - / _ . and tokens in braces.",
        token=token,
    ),
    PatternFault.UNKNOWN_TOKEN: lambda token: _(
        "There is no token %(token)s. The table of tokens has all of them.", token=token
    ),
    PatternFault.WIDTH: lambda token: _(
        "%(token)s needs its width after a colon, from 1 to %(widest)s: {SEQ:5}.",
        token=token,
        widest=WIDEST_SEQUENCE,
    ),
    PatternFault.NO_SEQUENCE: lambda _token: _(
        "Nothing in the pattern counts, so every number would be the same. Add {SEQ:5}."
    ),
    PatternFault.TWO_SEQUENCES: lambda token: _(
        "A number has one counter, and %(token)s is a second one. Take it away.", token=token
    ),
    PatternFault.CHECK_SCHEME: lambda token: _(
        "%(token)s names no check that we know. Use {CHK:iso7064_37_36}.", token=token
    ),
    PatternFault.CHECK_NOT_LAST: lambda token: _(
        "%(token)s guards what stands before it, so it comes last. Move it to the end.", token=token
    ),
}

REFUSALS: dict[str, Callable[[dict[str, Any]], str]] = {
    "inventory.invalid_pattern": lambda params: _FAULTS[params["reason"]](params["token"]),
    "inventory.missing_fact": lambda params: _(
        "{%(token)s} (%(fact)s) is not known here, so no number can be made. "
        "Fill it in, or leave the token out.",
        token=params["token"],
        fact=token_label(params["token"]),
    ),
    "inventory.unwritable_fact": lambda params: _(
        "%(value)s cannot stand in a number for {%(token)s}. Use letters A-Z and digits.", **params
    ),
    "inventory.sequence_used_up": lambda params: _(
        "The counter %(token)s is used up: %(last)s was its last number. "
        "Add a numbering rule with a wider counter.",
        token=params["token"],
        last=f"{params['last']:,}",
    ),
    "inventory.number_too_long": lambda params: _(
        "The number would be %(number)s, and a label has room for %(maximum)s characters. "
        "Shorten the pattern.",
        **params,
    ),
    "inventory.no_numbering_rule": lambda params: _(
        "No numbering rule holds for %(model)s today. An administrator adds one under Numbering.", **params
    ),
    "inventory.unknown_reset": lambda params: _(
        "A counter cannot start anew with %(token)s. Choose from the list.", **params
    ),
    "inventory.rule_on_that_day": lambda _params: _(
        "A rule for the same models begins on this day already. Choose a later day."
    ),
    "inventory.rule_in_the_past": lambda _params: _(
        "Numbers of the past were made by another rule. Choose today or a later day."
    ),
}

ENTITIES = {"numbering_rule": _l("Numbering rule")}

ATTRIBUTES = {
    "pattern": _l("Pattern"),
    "company_code": _l("Company code"),
    "branch_code": _l("Branch code"),
    "reset_on": _l("Starts anew with"),
}

STATES = {
    RuleStanding: {
        RuleStanding.IN_FORCE: _l("In force"),
        RuleStanding.PLANNED: _l("Planned"),
        RuleStanding.REPLACED: _l("Replaced"),
    },
}

CHIPS = {
    RuleStanding: {
        RuleStanding.IN_FORCE: "done",
        RuleStanding.PLANNED: "plan",
        RuleStanding.REPLACED: "stop",
    },
}

_TOKENS = {
    FactToken.COMPANY: _l("Company code"),
    FactToken.BRANCH: _l("Branch code"),
    FactToken.CATEGORY: _l("Category of the model"),
    FactToken.PRODUCT: _l("Code of the model"),
    FactToken.LOCATION: _l("Place"),
    FactToken.ERA: _l("Letter of the Japanese era"),
    FactToken.ERA_YEAR: _l("Year of the Japanese era"),
    FactToken.FISCAL_YEAR: _l("Fiscal year, from April"),
    FactToken.YEAR: _l("Year"),
    FactToken.SHORT_YEAR: _l("Year in two digits"),
    FactToken.MONTH: _l("Month"),
    FactToken.DAY: _l("Day of the month"),
}


def token_label(token: FactToken) -> str:
    """What a token prints, in words."""
    return str(_TOKENS[token])


SEQUENCES = {
    "SEQ": _l("Counter with digits; the number after the colon is its width"),
    "SEQ36": _l("Counter with digits and letters: more numbers in less room"),
    "SEQC": _l("Counter with digits and letters, without I, L, O and U, which are misread"),
}

CHECKS_EXPLAINED = {
    CheckScheme.ISO7064_37_36: _l(
        "Recommended. Made for letters and digits: every wrong character is caught."
    ),
    CheckScheme.MOD97: _l("Two digits, as in bank accounts: every wrong digit or letter is caught."),
    CheckScheme.LUHN: _l("One digit, as on credit cards: misses some wrong letters."),
    CheckScheme.MOD11: _l("One digit or X: misses some wrong letters."),
    CheckScheme.DAMM: _l("One digit: catches swapped digits, and misses some wrong letters."),
}
