"""Our own numbers: which rule holds for a model, the next numbers, and what a new rule would give."""

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session, contains_eager

from rental.catalog.models import EquipmentModel
from rental.core.db import found
from rental.core.errors import Conflict, Invalid
from rental.core.numbering import Counter, next_block
from rental.core.text import narrow
from rental.core.uow import UnitOfWork
from rental.inventory.models import NumberingRule, Unit
from rental.inventory.rules.number_facts import Facts, FactToken
from rental.inventory.rules.numbering import Pattern, preview, scope
from rental.inventory.rules.numbering_trial import Simulation, simulate

_ANY_CODE = "X"  # stands for the models of a rule that holds for many
_TRIED_OUT = 1000  # numbers of a new rule that are compared with those that exist


class RuleStanding(StrEnum):
    """Where a rule stands in time among those for the same models."""

    IN_FORCE = "in_force"
    PLANNED = "planned"
    REPLACED = "replaced"


class NoNumberingRule(Conflict):
    """Without a rule no number can be given."""

    code = "inventory.no_numbering_rule"

    def __init__(self, *, model: str) -> None:
        super().__init__(model=model)


class UnknownReset(Invalid):
    """A counter starts anew with facts that numbers can tell, and with nothing else."""

    code = "inventory.unknown_reset"
    field = "reset_on"

    def __init__(self, *, token: str) -> None:
        super().__init__(token=token)


class RuleOnThatDay(Conflict):
    """There is a rule that begins on this day already."""

    code = "inventory.rule_on_that_day"
    field = "valid_from"


class RuleInThePast(Conflict):
    """Numbers were given by the rule of that time; a new rule begins today or later."""

    code = "inventory.rule_in_the_past"
    field = "valid_from"


def add_numbering_rule(
    uow: UnitOfWork,
    *,
    equipment_model_id: UUID | None,
    pattern: str,
    company_code: str,
    branch_code: str = "",
    reset_on: str,
    valid_from: date,
) -> NumberingRule:
    """Numbers are made this way from the day on, for one model or for all that have no rule of their own.

    A rule that could give no number is refused here, and not when a delivery stands at the door.
    Raises InvalidPattern, UnknownReset, MissingFact, UnwritableFact, NumberTooLong, RuleOnThatDay or
    RuleInThePast.
    """
    parsed = Pattern.parse(pattern)
    tokens = read_reset_on(reset_on)
    model = found(uow.session, EquipmentModel, equipment_model_id) if equipment_model_id else None
    facts = Facts(
        company=narrow(company_code).upper(),
        branch=narrow(branch_code).upper(),
        category=model.category if model else _ANY_CODE,
        product=model.code if model else _ANY_CODE,
        on=valid_from,
    )
    parsed.render(facts, 1)
    scope(facts, tokens)
    if uow.session.scalar(_rules_of(equipment_model_id).where(NumberingRule.valid_from == valid_from)):
        raise RuleOnThatDay
    if valid_from < uow.today and rules_of_company(uow.session):
        raise RuleInThePast
    rule = NumberingRule(
        equipment_model_id=equipment_model_id,
        pattern=str(parsed),
        company_code=facts.company,
        branch_code=facts.branch,
        reset_on=",".join(sorted(tokens)),
        valid_from=valid_from,
        created_at=uow.now,
    )
    uow.session.add(rule)
    uow.session.flush()
    return rule


def read_reset_on(text: str) -> frozenset[FactToken]:
    """The facts whose change starts the counter anew, from "COMP,CAT,FY". Raises UnknownReset."""
    names = [name for name in narrow(text).upper().replace(" ", "").split(",") if name]
    for name in names:
        if name not in set(FactToken):
            raise UnknownReset(token=name[:20])
    return frozenset(FactToken(name) for name in names)


def rules_of_company(session: Session) -> Sequence[NumberingRule]:
    """Every rule, the company's own first, then by model, each with the latest first."""
    return session.scalars(
        select(NumberingRule)
        .outerjoin(NumberingRule.equipment_model)
        .options(contains_eager(NumberingRule.equipment_model))
        .order_by(EquipmentModel.code.is_not(None), EquipmentModel.code, NumberingRule.valid_from.desc())
        .limit(500)
    ).all()


def standings(rules: Sequence[NumberingRule], on: date) -> dict[UUID, RuleStanding]:
    """Where each of these rules stands: of those that have begun, the latest for its models holds."""
    standing_of, holding = {}, set()
    for rule in sorted(rules, key=lambda rule: rule.valid_from, reverse=True):
        if rule.valid_from > on:
            standing_of[rule.id] = RuleStanding.PLANNED
        elif rule.equipment_model_id in holding:
            standing_of[rule.id] = RuleStanding.REPLACED
        else:
            standing_of[rule.id] = RuleStanding.IN_FORCE
            holding.add(rule.equipment_model_id)
    return standing_of


def rule_for(session: Session, equipment_model: EquipmentModel, on: date) -> NumberingRule:
    """The rule that holds for the model on this day: its own, else the company's. Raises NoNumberingRule."""
    rule = session.scalar(
        select(NumberingRule)
        .where(
            or_(
                NumberingRule.equipment_model_id == equipment_model.id,
                NumberingRule.equipment_model_id.is_(None),
            ),
            NumberingRule.valid_from <= on,
        )
        .order_by(NumberingRule.equipment_model_id.is_(None), NumberingRule.valid_from.desc())
        .limit(1)
    )
    if rule is None:
        raise NoNumberingRule(model=equipment_model.code)
    return rule


def issue_tags(uow: UnitOfWork, equipment_model: EquipmentModel, count: int, *, on: date) -> list[str]:
    """The next `count` numbers of the model, each never given before.

    Numbers that came in with units from elsewhere are passed over.
    """
    rule = rule_for(uow.session, equipment_model, on)
    pattern, facts, series = _with_facts(rule, equipment_model, on)
    tags: list[str] = []
    while len(tags) < count:
        block = next_block(uow, series, count - len(tags))
        tags += _untaken(uow.session, [pattern.render(facts, sequence) for sequence in block])
    return tags


def preview_rule(
    session: Session,
    *,
    pattern: str,
    reset_on: str,
    company_code: str,
    branch_code: str,
    equipment_model: EquipmentModel,
    on: date,
) -> Simulation:
    """What a rule would give: its first numbers, and which of them are taken. Writes nothing.

    Raises InvalidPattern, UnknownReset, MissingFact, UnwritableFact or NumberTooLong.
    """
    parsed = Pattern.parse(pattern)
    facts = Facts(
        company=narrow(company_code).upper(),
        branch=narrow(branch_code).upper(),
        category=equipment_model.category,
        product=equipment_model.code,
        on=on,
    )
    tokens = read_reset_on(reset_on)
    scope(facts, tokens)
    numbers = preview(parsed, facts, start=1, count=_TRIED_OUT)
    taken = set(session.scalars(select(Unit.tag).where(Unit.tag.in_(numbers))))
    return simulate(parsed, facts, tokens, start=1, count=_TRIED_OUT, taken=taken)


def preview_issue(
    session: Session, equipment_model: EquipmentModel, count: int, *, on: date
) -> tuple[NumberingRule, list[str]]:
    """The rule in force and the numbers it would give next, unless somebody takes one. Writes nothing."""
    rule = rule_for(session, equipment_model, on)
    pattern, facts, series = _with_facts(rule, equipment_model, on)
    following = session.scalar(select(Counter.next_number).where(Counter.series == series)) or 1
    tags: list[str] = []
    while len(tags) < count:
        block = range(following, following + count - len(tags))
        tags += _untaken(session, [pattern.render(facts, sequence) for sequence in block])
        following = block.stop
    return rule, tags


def _untaken(session: Session, tags: Sequence[str]) -> list[str]:
    taken = set(session.scalars(select(Unit.tag).where(Unit.tag.in_(tags))))
    return [tag for tag in tags if tag not in taken]


def _with_facts(rule: NumberingRule, model: EquipmentModel, on: date) -> tuple[Pattern, Facts, str]:
    pattern = Pattern.parse(rule.pattern)
    facts = Facts(
        company=rule.company_code,
        branch=rule.branch_code,
        category=model.category,
        product=model.code,
        on=on,
    )
    return pattern, facts, f"tag:{rule.id.hex}:{scope(facts, read_reset_on(rule.reset_on))}"


def _rules_of(equipment_model_id: UUID | None) -> Select[UUID]:
    same = (
        NumberingRule.equipment_model_id == equipment_model_id
        if equipment_model_id
        else NumberingRule.equipment_model_id.is_(None)
    )
    return select(NumberingRule.id).where(same)
