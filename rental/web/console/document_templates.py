"""Templates: how documents look, with a sample; which one the company has, and which single accounts."""

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField

from rental.billing.document_templates import (
    add_template,
    change_template,
    choose_for_account,
    choose_for_company,
    look_of,
    template_of_account,
    templates,
)
from rental.billing.documents import MEDIA_TYPE
from rental.billing.rules.looks import (
    LOGO_MAX_LENGTH,
    NAME_MAX_LENGTH,
    NOTE_MAX_LENGTH,
    Look,
    PaperLanguage,
)
from rental.billing.samples import draw_sample
from rental.billing.template_models import DocumentTemplate
from rental.core.db import found, reading
from rental.core.errors import DomainError
from rental.core.idempotency import new_key
from rental.core.uow import begin
from rental.customers.models import BillingAccount
from rental.identity.permissions import Permission
from rental.web.console.new_rows import make_once
from rental.web.fields import (
    AtMost,
    ChoiceField,
    KeyField,
    LineField,
    Needed,
    ParagraphField,
    VersionField,
    choices,
    choices_of,
    filled_in,
)
from rental.web.guards import current_actor, requires
from rental.web.problems import put_into_form
from rental.web.sentences import state_label
from rental.web.today import today

bp = Blueprint("document_templates", __name__)


class TemplateForm(FlaskForm):
    """A name, and what is to be seen on documents."""

    name = LineField(_l("Name"), validators=[Needed(), AtMost(NAME_MAX_LENGTH)])
    language = ChoiceField(_l("Language of the words"))
    logo = LineField(_l("Word mark"), validators=[AtMost(LOGO_MAX_LENGTH)])
    note = ParagraphField(_l("Note at the end"), validators=[AtMost(NOTE_MAX_LENGTH)])
    has_unit_price = BooleanField(_l("Price of a month"))
    has_details = BooleanField(_l("Contract, site and code below each line"))

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.language.choices = choices_of(PaperLanguage, state_label)

    @property
    def facts(self) -> dict[str, Any]:
        look = Look(
            PaperLanguage(self.language.data),
            self.logo.data or "",
            self.note.data or "",
            bool(self.has_unit_price.data),
            bool(self.has_details.data),
        )
        return {"name": filled_in(self.name), "look": look}


class NewTemplateForm(TemplateForm):
    """A new template. The key makes a form sent twice one template."""

    request_key = KeyField(_l("Form"), validators=[Needed()])


class ChangeTemplateForm(TemplateForm):
    """A known template, as it was when the form was opened."""

    version = VersionField(_l("Version"), validators=[Needed()])


class TemplateChoiceForm(FlaskForm):
    """One of the templates, or none."""

    template = ChoiceField(_l("Template"))

    def __init__(self, none: str, **kwargs: object) -> None:
        super().__init__(**kwargs)
        known = [(str(each.id), each.name) for each in templates(reading())]
        self.template.choices = choices(("", none), *known)

    @property
    def chosen(self) -> UUID | None:
        return UUID(self.template.data) if self.template.data else None


@bp.get("/document-templates")
@requires(Permission.INVOICES_READ)
def index() -> ResponseReturnValue:
    default = next((str(each.id) for each in templates(reading()) if each.is_default), "")
    return _index_page(_company_form(formdata=None, template=default))


@bp.post("/document-templates/default")
@requires(Permission.INVOICES_ISSUE)
def choose_default() -> ResponseReturnValue:
    form = _company_form()
    if not form.validate_on_submit():
        return _index_page(form), 422
    with begin(current_actor()) as uow:
        choose_for_company(uow, form.chosen)
    flash(_("Saved. Documents look so from now on."), "success")
    return redirect(url_for(".index"), 303)


@bp.get("/document-templates/new")
@requires(Permission.INVOICES_ISSUE)
def ask() -> ResponseReturnValue:
    return _form_page(
        NewTemplateForm(
            request_key=new_key(),
            has_unit_price=True,
            has_details=True,
            language=PaperLanguage.JAPANESE.value,
        )
    )


@bp.post("/document-templates/new")
@requires(Permission.INVOICES_ISSUE)
def add() -> ResponseReturnValue:
    form = NewTemplateForm()
    if not form.validate_on_submit():
        return _form_page(form), 422
    try:
        template_id = make_once(form, lambda uow: add_template(uow, **form.facts))
    except DomainError as error:
        status = put_into_form(form, error)
        return _form_page(form), status
    flash(_("The template is added. Look at its sample, then choose it."), "success")
    return redirect(url_for(".show", document_template_id=template_id), 303)


@bp.get("/document-templates/<uuid:document_template_id>")
@requires(Permission.INVOICES_READ)
def show(document_template_id: UUID) -> ResponseReturnValue:
    template = found(reading(), DocumentTemplate, document_template_id)
    return _form_page(ChangeTemplateForm(formdata=None, obj=template), template)


@bp.post("/document-templates/<uuid:document_template_id>")
@requires(Permission.INVOICES_ISSUE)
def change(document_template_id: UUID) -> ResponseReturnValue:
    template = found(reading(), DocumentTemplate, document_template_id)
    form = ChangeTemplateForm()
    if not form.validate_on_submit():
        return _form_page(form, template), 422
    try:
        with begin(current_actor()) as uow:
            change_template(uow, document_template_id, version=form.version.data or 0, **form.facts)
    except DomainError as error:
        status = put_into_form(form, error)
        return _form_page(form, template), status
    flash(_("Saved. Documents that are issued keep their look."), "success")
    return redirect(url_for(".show", document_template_id=document_template_id), 303)


@bp.get("/document-templates/<uuid:document_template_id>/sample.pdf")
@requires(Permission.INVOICES_READ)
def sample(document_template_id: UUID) -> ResponseReturnValue:
    """An invoice of an invented customer in this look; it is kept nowhere."""
    template = found(reading(), DocumentTemplate, document_template_id)
    return Response(draw_sample(reading(), look_of(template), today=today()), content_type=MEDIA_TYPE)


@bp.get("/billing-accounts/<uuid:billing_account_id>/template")
@requires(Permission.INVOICES_READ)
def show_choice(billing_account_id: UUID) -> ResponseReturnValue:
    chosen = template_of_account(reading(), billing_account_id)
    return _choice_page(
        billing_account_id, _account_form(formdata=None, template=str(chosen) if chosen else "")
    )


@bp.post("/billing-accounts/<uuid:billing_account_id>/template")
@requires(Permission.INVOICES_ISSUE)
def choose(billing_account_id: UUID) -> ResponseReturnValue:
    found(reading(), BillingAccount, billing_account_id)
    form = _account_form()
    if not form.validate_on_submit():
        return _choice_page(billing_account_id, form), 422
    with begin(current_actor()) as uow:
        choose_for_account(uow, billing_account_id, form.chosen)
    flash(_("Saved. Documents look so from now on."), "success")
    return redirect(url_for("billing_accounts.show", billing_account_id=billing_account_id), 303)


def _company_form(**given: Any) -> TemplateChoiceForm:
    return TemplateChoiceForm(_("As it comes with the product"), **given)


def _account_form(**given: Any) -> TemplateChoiceForm:
    return TemplateChoiceForm(_("As the company's"), **given)


def _index_page(form: TemplateChoiceForm) -> str:
    return render_template("console/document_templates.html", form=form, templates=templates(reading()))


def _form_page(form: TemplateForm, template: DocumentTemplate | None = None) -> str:
    return render_template("console/document_template.html", form=form, template=template)


def _choice_page(billing_account_id: UUID, form: TemplateChoiceForm) -> str:
    account = found(reading(), BillingAccount, billing_account_id)
    return render_template("console/template_choice.html", form=form, account=account)
