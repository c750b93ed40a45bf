"""Signing in and out."""

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, PasswordField

from rental.core.db import reading
from rental.core.errors import DomainError
from rental.core.runtime import runtime
from rental.core.uow import Actor, ActorKind, begin
from rental.identity.sessions import end_session
from rental.identity.sign_in import (
    Credentials,
    SignInRefused,
    check_credentials,
    refuse_sign_in,
)
from rental.identity.sign_in import sign_in as sign_person_in
from rental.web.fields import AtMost, EmailField, Needed
from rental.web.guards import client_address, current_actor, public, safe_path, signed_in
from rental.web.problems import put_into_form, retry_header
from rental.web.sign_in.cookies import hand_over, take_away
from rental.web.sign_in.demo_steps import address_for, demo_steps

bp = Blueprint("sign_in", __name__)


class SignInForm(FlaskForm):
    """E-mail and password; both wrong and unknown are answered alike."""

    email = EmailField(_l("E-mail"), validators=[Needed(), AtMost(254)])
    password = PasswordField(_l("Password"), validators=[Needed(), AtMost(128)])
    next = HiddenField(_l("Page to go on to"), validators=[AtMost(2000)])


@bp.get("/sign-in")
@public
def ask() -> ResponseReturnValue:
    if signed_in():
        return redirect(safe_path(request.args.get("next")) or url_for("home.index"), 303)
    onward = safe_path(request.args.get("next"))
    return _page(SignInForm(next=onward, email=address_for(onward)))


@bp.post("/sign-in")
@public
def answer() -> ResponseReturnValue:
    form = SignInForm()
    if not form.validate_on_submit():
        return _page(form), 422
    given = Credentials(form.email.data, form.password.data, client_address(), request.user_agent.string)
    try:
        return _sign_in(given, safe_path(form.next.data))
    except DomainError as error:
        status = put_into_form(form, error)
        return _page(form), status, retry_header(error)


def _page(form: SignInForm) -> str:
    return render_template("sign_in/sign_in.html", form=form, steps=demo_steps())


def _sign_in(given: Credentials, onward: str | None) -> Response:
    known = check_credentials(reading(), given, runtime().clock.now())
    before = signed_in()
    reading().rollback()
    if known is None:
        with begin(current_actor()) as uow:
            refuse_sign_in(uow, given)
        raise SignInRefused
    with begin(Actor(ActorKind.PERSON, known.name, known.id, given.address)) as uow:
        opened = sign_person_in(uow, known, given)
        if before:
            end_session(uow, before.account.id, before.session.id)
    response = make_response(redirect(onward or url_for("home.index"), 303))
    hand_over(response, opened)
    return response


@bp.post("/sign-out")
@public
def sign_out() -> ResponseReturnValue:
    if person := signed_in():
        account_id, session_id = person.account.id, person.session.id
        with begin(current_actor()) as uow:
            end_session(uow, account_id, session_id)
    response = make_response(redirect(url_for("sign_in.ask"), 303))
    take_away(response)
    return response
