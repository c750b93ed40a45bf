"""One's own account: password, and where one is signed in."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import PasswordField

from rental.core.db import found, reading
from rental.core.errors import DomainError
from rental.core.runtime import runtime
from rental.core.uow import begin
from rental.identity.accounts import WrongPassword, change_password, end_sessions
from rental.identity.models import Account
from rental.identity.passwords import hash_password, password_matches
from rental.identity.permissions import Permission
from rental.identity.queries import open_sessions_of
from rental.identity.rules import require_good_password
from rental.identity.sessions import end_session
from rental.identity.sign_in import Credentials, note_wrong_password, require_no_wait
from rental.web.fields import AtMost, Needed, NewPasswordField
from rental.web.guards import client_address, current_account, current_actor, current_session_id, requires
from rental.web.problems import put_into_form, retry_header

bp = Blueprint("own_account", __name__, url_prefix="/account")


class PasswordForm(FlaskForm):
    """The present password is asked for again, so that an unwatched screen is not enough."""

    current_password = PasswordField(_l("Present password"), validators=[Needed(), AtMost(128)])
    password = NewPasswordField(_l("New password"), validators=[Needed()])


@bp.get("")
@requires(Permission.OWN_ACCOUNT)
def show() -> ResponseReturnValue:
    return _page(PasswordForm(formdata=None))


@bp.post("/password")
@requires(Permission.OWN_ACCOUNT)
def set_password() -> ResponseReturnValue:
    form = PasswordForm()
    if not form.validate_on_submit():
        return _page(form), 422
    try:
        _set_password(form)
    except DomainError as error:
        status = put_into_form(form, error)
        return _page(form), status, retry_header(error)
    flash(_("Your password is changed; you are signed out everywhere else."), "success")
    return redirect(url_for(".show"), 303)


def _set_password(form: PasswordForm) -> None:
    account = found(reading(), Account, current_account().id)
    account_id, keep = account.id, current_session_id()
    given = Credentials(account.email, form.current_password.data, client_address(), "")
    require_no_wait(reading(), given, runtime().clock.now())
    present_hash = account.password_hash
    if not password_matches(present_hash, given.password):
        with begin(current_actor()) as uow:
            note_wrong_password(uow, given)
            uow.record("wrong_password", entity="account", entity_id=account_id)
        raise WrongPassword
    require_good_password(form.password.data, email=account.email, name=account.name)
    password_hash = hash_password(form.password.data)
    with begin(current_actor()) as uow:
        change_password(uow, account_id, present_hash=present_hash, password_hash=password_hash, keep=keep)


@bp.post("/sessions/<uuid:session_id>/end")
@requires(Permission.OWN_ACCOUNT)
def end(session_id: UUID) -> ResponseReturnValue:
    account_id = current_account().id
    with begin(current_actor()) as uow:
        end_session(uow, account_id, session_id)
    flash(_("That session is ended."), "success")
    return redirect(url_for(".show"), 303)


@bp.post("/sessions/end-others")
@requires(Permission.OWN_ACCOUNT)
def end_others() -> ResponseReturnValue:
    account_id, keep = current_account().id, current_session_id()
    with begin(current_actor()) as uow:
        end_sessions(uow, account_id, keep=keep)
    flash(_("You are signed out everywhere else."), "success")
    return redirect(url_for(".show"), 303)


def _page(form: PasswordForm) -> str:
    account = found(reading(), Account, current_account().id)
    return render_template(
        "account/own_account.html",
        form=form,
        account=account,
        sessions=open_sessions_of(reading(), account.id, runtime().clock.now()),
        this_session_id=current_session_id(),
    )
