"""Language, theme and row height: kept with the account, or for a visitor in the browser."""

from flask import Blueprint, redirect, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField

from rental.core.uow import begin
from rental.identity.accounts import change_preferences
from rental.web.context import DENSITIES, LANGUAGES, THEMES
from rental.web.fields import AtMost, ChoiceField, choices
from rental.web.guards import current_actor, public, safe_path, signed_in
from rental.web.problems import answer_form_errors

bp = Blueprint("preferences", __name__)
_AS_IT_IS = ("", "")


class PreferencesForm(FlaskForm):
    """Any of the three; what is not sent stays."""

    language = ChoiceField(_l("Language"), choices=choices(_AS_IT_IS, *LANGUAGES), default="")
    theme = ChoiceField(
        _l("Theme"), choices=choices(_AS_IT_IS, *zip(THEMES, THEMES, strict=True)), default=""
    )
    density = ChoiceField(
        _l("Row height"),
        choices=choices(_AS_IT_IS, *zip(DENSITIES, DENSITIES, strict=True)),
        default="",
    )
    next = HiddenField(_l("Page to go on to"), validators=[AtMost(2000)])


@bp.post("/preferences")
@public
def change() -> ResponseReturnValue:
    form = PreferencesForm()
    if not form.validate_on_submit():
        return answer_form_errors(form)
    if person := signed_in():
        account_id = person.account.id
        with begin(current_actor()) as uow:
            change_preferences(
                uow,
                account_id,
                language=form.language.data or None,
                theme=form.theme.data or None,
                density=form.density.data or None,
            )
    elif form.language.data:
        session["language"] = form.language.data
    return redirect(safe_path(form.next.data) or url_for("home.index"), 303)
