"""People: let somebody in, change what they may do, shut them out."""

from uuid import UUID

from flask import Blueprint, current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms.validators import DataRequired

from rental.core.db import found, reading
from rental.core.errors import DomainError
from rental.core.idempotency import new_key, once, owner_of
from rental.core.paging import Order
from rental.core.runtime import runtime
from rental.core.uow import begin
from rental.identity import accounts
from rental.identity.models import Account
from rental.identity.permissions import Permission, Role
from rental.identity.queries import accounts_matching, open_sessions_of
from rental.identity.rules import AccountState
from rental.identity.sessions import end_session
from rental.web.context import LANGUAGES
from rental.web.fields import (
    AtMost,
    ChecksField,
    ChoiceField,
    EmailField,
    KeyField,
    LineField,
    Needed,
    SearchField,
    VersionField,
    choices,
    choices_of,
)
from rental.web.guards import current_account, current_actor, requires
from rental.web.problems import put_into_form
from rental.web.sentences import account_state_label, role_hint, role_label
from rental.web.tables import FilterForm, Heading, empty_table, read_table

bp = Blueprint("people", __name__, url_prefix="/people")


class PeopleFilter(FilterForm):
    """Words in name or e-mail, a role, a state."""

    q = SearchField(_l("Name or e-mail"), validators=[AtMost(100)])
    role = ChoiceField(_l("Role"))
    state = ChoiceField(_l("State"))

    def __init__(self) -> None:
        super().__init__()
        self.role.choices = [*choices(("", _("All roles"))), *choices_of(Role, role_label)]
        self.state.choices = [*choices(("", _("All states"))), *choices_of(AccountState, account_state_label)]
        self.role.data = self.role.data or ""
        self.state.data = self.state.data or ""


class PersonForm(FlaskForm):
    """What an administrator decides about a person."""

    name = LineField(_l("Name"), validators=[Needed(), AtMost(100)])
    roles = ChecksField(_l("Roles"), validators=[DataRequired(_l("Choose at least one role."))])
    language = ChoiceField(_l("Language"), choices=choices(*LANGUAGES))

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.roles.choices = choices_of(
            Role, lambda role: _("%(role)s: %(hint)s", role=role_label(role), hint=role_hint(role))
        )

    @property
    def chosen_roles(self) -> frozenset[Role]:
        return frozenset(Role(value) for value in self.roles.data or ())


class InvitationForm(PersonForm):
    """A new person. The key makes a form sent twice one invitation."""

    email = EmailField(_l("E-mail"), validators=[Needed(), AtMost(254)])
    request_key = KeyField(_l("Form"), validators=[Needed()])


class ChangeForm(PersonForm):
    """A known person, as the administrator saw them when the form was opened."""

    version = VersionField(_l("Version"), validators=[Needed()])


@bp.get("")
@requires(Permission.PEOPLE_READ)
def index() -> ResponseReturnValue:
    filters = PeopleFilter()
    headings = [
        Heading("name", _("Name"), Order((Account.name, Account.id))),
        Heading("email", _("E-mail"), Order((Account.normalised_email,))),
        Heading("roles", _("Roles")),
        Heading("state", _("State"), Order((Account.state, Account.id))),
        Heading("created_at", _("Since"), Order((Account.created_at, Account.id))),
    ]
    if not filters.validate():
        return render_template("console/people.html", table=empty_table("people", headings, filters)), 422
    statement = accounts_matching(
        words=filters.q.data or "",
        role=Role(filters.role.data) if filters.role.data else None,
        state=AccountState(filters.state.data) if filters.state.data else None,
    )
    table = read_table(reading(), "people", statement, headings, default_sort="name", filters=filters)
    return render_template("console/people.html", table=table)


@bp.get("/new")
@requires(Permission.PEOPLE_MANAGE)
def ask() -> ResponseReturnValue:
    return render_template(
        "console/person_new.html", form=InvitationForm(request_key=new_key(), language="ja")
    )


@bp.post("/new")
@requires(Permission.PEOPLE_MANAGE)
def invite() -> ResponseReturnValue:
    form = InvitationForm()
    if not form.validate_on_submit():
        return render_template("console/person_new.html", form=form), 422
    try:
        account_id, token = _invite(form)
    except DomainError as error:
        status = put_into_form(form, error)
        return render_template("console/person_new.html", form=form), status
    if token is None:  # the form came twice; the link was in the first answer
        return redirect(url_for(".show", account_id=account_id), 303)
    return _page(account_id, token=token)


def _invite(form: InvitationForm) -> tuple[UUID, str | None]:
    owner = owner_of(current_account().id)
    content = [form.email.data, form.name.data, sorted(form.chosen_roles), form.language.data]
    tokens: list[str] = []
    with begin(current_actor()) as uow:

        def command() -> dict[str, str]:
            invitation = accounts.invite_account(
                uow,
                email=form.email.data,
                name=form.name.data,
                roles=form.chosen_roles,
                language=form.language.data,
            )
            tokens.append(invitation.token)
            return {"account_id": str(invitation.account.id)}

        answer = once(uow, owner, form.request_key.data, content, command)
    return UUID(answer["account_id"]), tokens[0] if tokens else None


@bp.get("/<uuid:account_id>")
@requires(Permission.PEOPLE_READ)
def show(account_id: UUID) -> ResponseReturnValue:
    return _page(account_id)


@bp.post("/<uuid:account_id>")
@requires(Permission.PEOPLE_MANAGE)
def change(account_id: UUID) -> ResponseReturnValue:
    found(reading(), Account, account_id)
    form = ChangeForm()
    if not form.validate_on_submit():
        return _page(account_id, form), 422
    try:
        with begin(current_actor()) as uow:
            accounts.change_account(
                uow,
                account_id,
                version=form.version.data or 0,
                name=form.name.data,
                roles=form.chosen_roles,
                language=form.language.data,
            )
    except DomainError as error:
        status = put_into_form(form, error)
        return _page(account_id, form), status
    flash(_("Saved."), "success")
    return redirect(url_for(".show", account_id=account_id), 303)


@bp.post("/<uuid:account_id>/set-up-link")
@requires(Permission.PEOPLE_MANAGE)
def make_set_up_link(account_id: UUID) -> ResponseReturnValue:
    with begin(current_actor()) as uow:
        token = accounts.open_set_up_link(uow, account_id)
    return _page(account_id, token=token)


@bp.post("/<uuid:account_id>/disable")
@requires(Permission.PEOPLE_MANAGE)
def disable(account_id: UUID) -> ResponseReturnValue:
    with begin(current_actor()) as uow:
        accounts.disable_account(uow, account_id)
    flash(_("The account is disabled and signed out everywhere."), "success")
    return redirect(url_for(".show", account_id=account_id), 303)


@bp.post("/<uuid:account_id>/enable")
@requires(Permission.PEOPLE_MANAGE)
def enable(account_id: UUID) -> ResponseReturnValue:
    with begin(current_actor()) as uow:
        accounts.enable_account(uow, account_id)
    flash(_("The account can be used again."), "success")
    return redirect(url_for(".show", account_id=account_id), 303)


@bp.post("/<uuid:account_id>/sessions/<uuid:session_id>/end")
@requires(Permission.PEOPLE_MANAGE)
def end(account_id: UUID, session_id: UUID) -> ResponseReturnValue:
    with begin(current_actor()) as uow:
        end_session(uow, account_id, session_id)
    flash(_("That session is ended."), "success")
    return redirect(url_for(".show", account_id=account_id), 303)


def _page(account_id: UUID, form: ChangeForm | None = None, *, token: str | None = None) -> str:
    """The person's page; the secret of a new set-up link is shown in this one answer and nowhere else."""
    account = found(reading(), Account, account_id)
    form = form or ChangeForm(
        formdata=None,
        name=account.name,
        roles=[role.value for role in account.roles],
        language=account.language,
        version=account.version,
    )
    return render_template(
        "console/person.html",
        account=account,
        form=form,
        sessions=open_sessions_of(reading(), account.id, runtime().clock.now()),
        set_up_url=current_app.config["RENTAL"].set_up_url(token) if token else None,
        is_self=account.id == current_account().id,
    )
