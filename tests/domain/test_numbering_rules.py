"""Numbering rules: tried out before use, in force from a day on, refused when they could give nothing."""

from collections.abc import Callable
from datetime import date

import pytest

from rental.core.errors import DomainError
from rental.core.numbering import Counter
from rental.core.uow import UnitOfWork
from rental.inventory.models import NumberingRule
from rental.inventory.rules.number_facts import FactToken, MissingFact, UnwritableFact
from rental.inventory.rules.numbering import InvalidPattern, NumberTooLong
from rental.inventory.serial_numbering import (
    RuleInThePast,
    RuleOnThatDay,
    RuleStanding,
    UnknownReset,
    add_numbering_rule,
    issue_tags,
    preview_rule,
    rules_of_company,
    standings,
)
from tests.factories.rented import PATTERN, make_model, make_rule, receive
from tests.support.story import Story


def add(uow: UnitOfWork, **facts: object) -> NumberingRule:
    """A rule for the company from today on, save for what is said."""
    usual: dict[str, object] = {
        "equipment_model_id": None,
        "pattern": PATTERN,
        "company_code": "SR",
        "branch_code": "",
        "reset_on": "COMP,CAT,FY",
        "valid_from": uow.today,
    }
    return add_numbering_rule(uow, **{**usual, **facts})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("facts", "error", "field"),
    [
        ({"pattern": "{COMP}-{SEQ:0}"}, InvalidPattern, "pattern"),
        ({"pattern": "{COMP}-{BR}-{SEQ:5}"}, MissingFact, "branch_code"),
        ({"pattern": "{COMP}-{SEQ:5}", "company_code": ""}, MissingFact, "company_code"),
        ({"pattern": "{LOC}-{SEQ:5}"}, MissingFact, "pattern"),
        ({"pattern": "{SEQ:5}", "reset_on": "BR"}, MissingFact, "branch_code"),
        ({"company_code": "株"}, UnwritableFact, "company_code"),
        ({"pattern": "A" * 30 + "{SEQ:12}"}, NumberTooLong, "pattern"),
        ({"reset_on": "COMP,WEEK"}, UnknownReset, "reset_on"),
    ],
)
def test_a_rule_that_could_give_no_number_is_refused(
    story: Story, facts: dict[str, str], error: type[DomainError], field: str
) -> None:
    with pytest.raises(error) as refused, story.begin() as uow:
        add(uow, **facts)
    assert refused.value.field == field
    assert story.count(NumberingRule) == 0


def test_two_rules_for_the_same_models_never_begin_on_one_day(story: Story) -> None:
    with story.begin() as uow:
        model = make_model(uow)
        add(uow)
        add(uow, equipment_model_id=model.id)
    again: list[Callable[[UnitOfWork], NumberingRule]] = [
        add,
        lambda uow: add(uow, equipment_model_id=model.id),
    ]
    for rule in again:
        with pytest.raises(RuleOnThatDay), story.begin() as uow:
            rule(uow)
    with pytest.raises(RuleInThePast), story.begin() as uow:
        add(uow, valid_from=date(2026, 3, 31))
    assert story.count(NumberingRule) == 2


def test_of_the_rules_for_the_same_models_the_latest_that_has_begun_is_in_force(story: Story) -> None:
    with story.begin() as uow:
        model = make_model(uow)
        first, second = make_rule(uow), add(uow)
        later = add(uow, valid_from=date(2027, 1, 1))
        own = add(uow, equipment_model_id=model.id, valid_from=date(2026, 6, 1))
    with story.reading() as session:
        rules = rules_of_company(session)
        assert [rule.id for rule in rules] == [later.id, second.id, first.id, own.id]
        assert standings(rules, date(2026, 4, 1)) == {
            first.id: RuleStanding.REPLACED,
            second.id: RuleStanding.IN_FORCE,
            later.id: RuleStanding.PLANNED,
            own.id: RuleStanding.PLANNED,
        }
        standing_of = standings(rules, date(2027, 1, 1))
        assert (standing_of[later.id], standing_of[own.id]) == (RuleStanding.IN_FORCE, RuleStanding.IN_FORCE)


def test_trying_a_rule_out_shows_what_exists_already_and_takes_no_number(story: Story) -> None:
    with story.begin() as uow:
        model = make_model(uow)
        units = receive(uow, model, 2)
    with story.reading() as session:
        simulation = preview_rule(
            session,
            pattern=PATTERN,
            reset_on="COMP,CAT,FY",
            company_code="ｓｒ",
            branch_code="",
            equipment_model=model,
            on=date(2026, 4, 1),
        )
    assert simulation.numbers[:2] == [unit.tag for unit in units]
    assert simulation.collisions == [unit.tag for unit in units]
    assert (len(simulation.numbers), simulation.left, simulation.ambiguous) == (1000, 99_999, False)
    assert story.count(Counter) == 1 + 1  # the delivery's own number, and the units'
    with story.begin() as uow:
        assert issue_tags(uow, model, 1, on=uow.today) == [simulation.numbers[2]]


def test_trying_out_names_the_fact_that_starts_the_counter_anew_and_is_not_known(story: Story) -> None:
    with story.begin() as uow:
        model = make_model(uow)
    with story.reading() as session, pytest.raises(MissingFact) as refused:
        preview_rule(
            session,
            pattern="{SEQ:5}",
            reset_on="BR",
            company_code="SR",
            branch_code="",
            equipment_model=model,
            on=date(2026, 4, 1),
        )
    assert refused.value.params == {"token": FactToken.BRANCH}
