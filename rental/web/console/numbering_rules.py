"""Numbering rules: how the numbers of our units are made, tried out before they are used."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm

from rental.catalog.models import EquipmentModel
from rental.catalog.queries import offered_models
from rental.core.db import found, reading
from rental.core.errors import DomainError
from rental.core.idempotency import new_key
from rental.identity.permissions import Permission
from rental.inventory.models import NumberingRule
from rental.inventory.rules.check_characters import CheckScheme, check_characters
from rental.inventory.rules.number_facts import FactToken, date_fact
from rental.inventory.rules.numbering import LONGEST_PATTERN, PREVIEWED, Pattern, SequenceToken
from rental.inventory.rules.numbering_trial import Simulation
from rental.inventory.serial_numbering import (
    RuleStanding,
    add_numbering_rule,
    preview_rule,
    read_reset_on,
    rules_of_company,
    standings,
)
from rental.web.console.new_rows import make_once
from rental.web.fields import (
    AtMost,
    ChecksField,
    ChoiceField,
    CodeField,
    DayField,
    KeyField,
    LineField,
    Needed,
    choices,
    filled_in,
)
from rental.web.guards import requires
from rental.web.problems import put_into_form
from rental.web.today import today
from rental.web.wording.numbering import CHECKS_EXPLAINED, SEQUENCES, token_label

bp = Blueprint("numbering_rules", __name__, url_prefix="/numbering-rules")

# A unit has no place yet when it gets its number, so a place cannot be told by it.
TOKENS = [token for token in FactToken if token is not FactToken.LOCATION]
_FIRST_PATTERN = f"{{COMP}}-{{CAT}}{{YY}}{{MM}}-{{SEQ:5}}-{{CHK:{CheckScheme.ISO7064_37_36}}}"
_FIRST_RESET = ("COMP", "CAT", "FY")
_CODE_MAX_LENGTH = 10
_EXAMPLE_SEQUENCE = 42
_EXAMPLE_NUMBER = "SR-CM2611-00042"


@dataclass(frozen=True, slots=True)
class Explained:
    """A line of the table of tokens."""

    token: str
    meaning: str
    example: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What a rule would give for one model; `is_guarded` when a check catches every wrong character."""

    simulation: Simulation
    model: EquipmentModel
    on: date
    is_guarded: bool

    @property
    def first_numbers(self) -> Sequence[str]:
        return self.simulation.numbers[:PREVIEWED]


class RuleForm(FlaskForm):
    """A new rule. The key makes a form sent twice one rule."""

    equipment_model_id = ChoiceField(_l("For"))
    pattern = LineField(_l("Pattern"), validators=[Needed(), AtMost(LONGEST_PATTERN)])
    company_code = CodeField(_l("Company code"), validators=[AtMost(_CODE_MAX_LENGTH)])
    branch_code = CodeField(_l("Branch code"), validators=[AtMost(_CODE_MAX_LENGTH)])
    reset_on = ChecksField(_l("The counter starts anew with"))
    valid_from = DayField(_l("Valid from"), validators=[Needed()])
    example_id = ChoiceField(_l("Try it out with"))
    request_key = KeyField(_l("Form"), validators=[Needed()])

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        models = choices(*((str(m.id), f"{m.code} {m.name}") for m in offered_models(reading())))
        everything = choices(("", _("All models without a rule of their own")))
        self.equipment_model_id.choices = [*everything, *models]
        self.example_id.choices = models or choices(("", _("No model yet")))
        self.reset_on.choices = choices(*((token.value, token_label(token)) for token in TOKENS))

    @property
    def model_id(self) -> UUID | None:
        """The model the rule is for; none for all that have no rule of their own."""
        return UUID(self.equipment_model_id.data) if self.equipment_model_id.data else None

    @property
    def rule(self) -> dict[str, str]:
        return {
            "pattern": self.pattern.data,
            "company_code": self.company_code.data,
            "branch_code": self.branch_code.data,
            "reset_on": ",".join(self.reset_on.data or ()),
        }

    @property
    def tried_out_with(self) -> UUID | None:
        example = self.model_id or self.example_id.data
        return UUID(str(example)) if example else None


@bp.get("")
@requires(Permission.STOCK_READ)
def index() -> ResponseReturnValue:
    rules = rules_of_company(reading())
    return render_template(
        "console/numbering_rules.html",
        rules=rules,
        standing_of=standings(rules, today()),
        reset_words=_reset_words,
    )


@bp.get("/new")
@requires(Permission.NUMBERING_MANAGE)
def ask() -> ResponseReturnValue:
    form = _first_form()
    return _page(form, _preview(form) if form.company_code.data and form.tried_out_with else None)


@bp.post("/new")
@requires(Permission.NUMBERING_MANAGE)
def add() -> ResponseReturnValue:
    form = RuleForm()
    is_valid = form.validate_on_submit()
    if request.form.get("step") != "save":
        preview = _preview(form) if is_valid else None
        return _page(form, preview), 422 if form.errors else 200
    if not is_valid:
        return _page(form), 422
    try:
        make_once(
            form,
            lambda uow: add_numbering_rule(
                uow, equipment_model_id=form.model_id, valid_from=filled_in(form.valid_from), **form.rule
            ),
        )
    except DomainError as error:
        status = put_into_form(form, error)
        return _page(form), status
    flash(_("The rule is added. Numbers that were given already stay as they are."), "success")
    return redirect(url_for(".index"), 303)


def _first_form() -> RuleForm:
    """What the company does at present, or what we recommend to one that begins."""
    rules = rules_of_company(reading())
    standing_of = standings(rules, today())
    present: NumberingRule | None = next(
        (
            rule
            for rule in rules
            if rule.equipment_model_id is None and standing_of[rule.id] is RuleStanding.IN_FORCE
        ),
        None,
    )
    return RuleForm(
        request_key=new_key(),
        equipment_model_id="",
        valid_from=today(),
        pattern=present.pattern if present else _FIRST_PATTERN,
        company_code=present.company_code if present else "",
        branch_code=present.branch_code if present else "",
        reset_on=sorted(read_reset_on(present.reset_on)) if present else _FIRST_RESET,
        example_id=next((str(model.id) for model in offered_models(reading())), ""),
    )


def _preview(form: RuleForm) -> Preview | None:
    """The numbers the form's rule would give. What is wrong with the rule is put into the form."""
    if form.tried_out_with is None:
        return None
    model, on = found(reading(), EquipmentModel, form.tried_out_with), filled_in(form.valid_from)
    try:
        simulation = preview_rule(reading(), equipment_model=model, on=on, **form.rule)
    except DomainError as error:
        put_into_form(form, error)
        return None
    check = Pattern.parse(form.pattern.data).check
    return Preview(simulation, model, on, check is CheckScheme.ISO7064_37_36)


def _page(form: RuleForm, preview: Preview | None = None) -> str:
    return render_template(
        "console/numbering_rule_new.html", form=form, preview=preview, explained=_explained(form, preview)
    )


def _explained(form: RuleForm, preview: Preview | None) -> list[Explained]:
    """Every token with what it prints today, or for the model it is tried out with."""
    model = preview.model if preview else None
    codes = {
        FactToken.COMPANY: form.company_code.data or "SR",
        FactToken.BRANCH: form.branch_code.data or "TK",
        FactToken.CATEGORY: model.category if model else "CM",
        FactToken.PRODUCT: (model.code if model else "CM-200").replace("-", ""),
    }
    facts = [
        Explained(f"{{{token}}}", token_label(token), codes.get(token) or date_fact(today(), token))
        for token in TOKENS
    ]
    widths = {"SEQ": 5, "SEQ36": 4, "SEQC": 4}
    counters = [SequenceToken(name, widths[name]) for name in SEQUENCES]
    return [
        *facts,
        *(Explained(str(c), str(SEQUENCES[c.name]), c.written(_EXAMPLE_SEQUENCE)) for c in counters),
        *(
            Explained(f"{{CHK:{scheme}}}", str(words), check_characters(_EXAMPLE_NUMBER, scheme))
            for scheme, words in CHECKS_EXPLAINED.items()
        ),
    ]


def _reset_words(rule: NumberingRule) -> str:
    """What starts the rule's counter anew, in words."""
    tokens = read_reset_on(rule.reset_on)
    return " · ".join(token_label(token) for token in FactToken if token in tokens) or _("Never")
