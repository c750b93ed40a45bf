"""Skills: what technicians must be able to do to work on a model."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm

from rental.catalog import equipment_models
from rental.catalog.models import Skill
from rental.catalog.queries import model_counts_of_skills, skills
from rental.catalog.rules import LONGEST_CODE
from rental.core.db import reading
from rental.core.errors import DomainError
from rental.core.idempotency import new_key
from rental.core.paging import Order
from rental.identity.permissions import Permission
from rental.web.console.new_rows import make_once
from rental.web.fields import AtMost, CodeField, KeyField, LineField, Needed
from rental.web.guards import requires
from rental.web.problems import put_into_form
from rental.web.tables import Heading, read_table

bp = Blueprint("skills", __name__, url_prefix="/skills")


class SkillForm(FlaskForm):
    """A new skill. The key makes a form sent twice one skill."""

    code = CodeField(_l("Code"), validators=[Needed(), AtMost(LONGEST_CODE)])
    name = LineField(_l("Name"), validators=[Needed(), AtMost(100)])
    request_key = KeyField(_l("Form"), validators=[Needed()])


@bp.get("")
@requires(Permission.CATALOG_READ)
def index() -> ResponseReturnValue:
    return _page(SkillForm(request_key=new_key()))


@bp.post("")
@requires(Permission.CATALOG_MANAGE)
def add() -> ResponseReturnValue:
    form = SkillForm()
    if not form.validate_on_submit():
        return _page(form), 422
    try:
        make_once(form, lambda uow: equipment_models.add_skill(uow, code=form.code.data, name=form.name.data))
    except DomainError as error:
        status = put_into_form(form, error)
        return _page(form), status
    flash(_("The skill is added. Choose it on the pages of the models that ask for it."), "success")
    return redirect(url_for(".index"), 303)


def _page(form: SkillForm) -> str:
    headings = [
        Heading("code", _("Code"), Order((Skill.code,))),
        Heading("name", _("Name"), Order((Skill.name, Skill.id))),
        Heading("models", _("Models"), numeric=True),
    ]
    table = read_table(reading(), "skills", skills(), headings, default_sort="code")
    counts = model_counts_of_skills(reading(), [skill.id for skill in table.rows])
    return render_template("console/skills.html", table=table, counts=counts, form=form)
