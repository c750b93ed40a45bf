"""The one-time link: choose a password, and the account is yours."""

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm

from rental.core.db import reading
from rental.core.errors import DomainError
from rental.core.runtime import runtime
from rental.core.uow import Actor, ActorKind, begin
from rental.identity.accounts import set_up_account
from rental.identity.passwords import hash_password
from rental.identity.queries import usable_set_up_link
from rental.identity.rules import require_good_password
from rental.identity.sessions import open_session
from rental.web.fields import Needed, NewPasswordField
from rental.web.guards import client_address, public
from rental.web.problems import put_into_form
from rental.web.sign_in.cookies import hand_over

bp = Blueprint("set_up", __name__)


class SetUpForm(FlaskForm):
    """The new password, once: it can be looked at instead of typed twice."""

    password = NewPasswordField(_l("New password"), validators=[Needed()])


@bp.get("/set-up/<token>")
@public
def ask(token: str) -> ResponseReturnValue:
    link = usable_set_up_link(reading(), token, runtime().clock.now())
    return render_template("sign_in/set_up.html", form=SetUpForm(), account=link.account)


@bp.post("/set-up/<token>")
@public
def answer(token: str) -> ResponseReturnValue:
    account = usable_set_up_link(reading(), token, runtime().clock.now()).account
    form = SetUpForm()
    if not form.validate_on_submit():
        return render_template("sign_in/set_up.html", form=form, account=account), 422
    try:
        require_good_password(form.password.data, email=account.email, name=account.name)
    except DomainError as error:
        status = put_into_form(form, error)
        return render_template("sign_in/set_up.html", form=form, account=account), status

    owner = Actor(ActorKind.PERSON, account.name, account.id, client_address())
    reading().rollback()
    password_hash = hash_password(form.password.data)
    with begin(owner) as uow:
        set_up = set_up_account(uow, token, password_hash)
        opened = open_session(uow, set_up, address=client_address(), browser=request.user_agent.string)
    response = make_response(redirect(url_for("home.index"), 303))
    hand_over(response, opened)
    flash(_("Your password is set and you are signed in."), "success")
    return response
