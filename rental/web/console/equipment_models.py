"""Equipment models: what can be rented, what it takes to install, and how it looks."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm

from rental.catalog import equipment_models
from rental.catalog.equipment_models import ModelFacts
from rental.catalog.models import EquipmentModel
from rental.catalog.queries import cheapest_fees, equipment_models_matching, every_skill, rate_plans_of
from rental.catalog.rules import LONGEST_CATEGORY, LONGEST_CODE, OfferState
from rental.core.db import found, reading
from rental.core.errors import DomainError, NotFound
from rental.core.idempotency import new_key
from rental.core.images import read_image
from rental.core.paging import Order
from rental.core.uow import begin
from rental.identity.permissions import Permission
from rental.inventory.queries import stock_of_models
from rental.web.console.new_rows import make_once
from rental.web.console.rate_plans import plan_views
from rental.web.fields import (
    AtMost,
    ChecksField,
    ChoiceField,
    CodeField,
    KeyField,
    LineField,
    Needed,
    PictureField,
    SearchField,
    VersionField,
    WholeNumberField,
    YenField,
    choices,
    choices_of,
    filled_in,
)
from rental.web.guards import current_actor, requires
from rental.web.problems import put_into_form
from rental.web.sentences import state_label
from rental.web.stored_files import answer_with_file
from rental.web.tables import FilterForm, Heading, empty_table, read_table
from rental.web.today import today
from rental.web.uploads import takes_picture

bp = Blueprint("equipment_models", __name__, url_prefix="/equipment-models")
_MINUTES_A_DAY = 24 * 60


class ModelFilter(FilterForm):
    """Words, and whether the model is offered."""

    q = SearchField(_l("Code, name or maker"), validators=[AtMost(100)])
    state = ChoiceField(_l("State"))

    def __init__(self) -> None:
        super().__init__()
        self.state.choices = [*choices(("", _("All states"))), *choices_of(OfferState, state_label)]
        self.state.data = self.state.data or ""


class ModelForm(FlaskForm):
    """What people decide about a model."""

    name = LineField(_l("Name"), validators=[Needed(), AtMost(100)])
    maker = LineField(_l("Maker"), validators=[Needed(), AtMost(100)])
    category = CodeField(_l("Category"), validators=[Needed(), AtMost(LONGEST_CATEGORY)])
    install_minutes = WholeNumberField(
        _l("Minutes to install"), validators=[Needed()], maximum=_MINUTES_A_DAY
    )
    repair_minutes = WholeNumberField(_l("Minutes to repair"), validators=[Needed()], maximum=_MINUTES_A_DAY)
    purchase_price = YenField(_l("Purchase price"))
    litres = WholeNumberField(_l("Size in litres"), maximum=100_000)
    weight_grams = WholeNumberField(_l("Weight in grams"), maximum=10_000_000)
    skill_ids = ChecksField(_l("Skills"))

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.skill_ids.choices = choices(*((str(skill.id), skill.name) for skill in every_skill(reading())))

    @property
    def facts(self) -> ModelFacts:
        names = ("name", "maker", "category", "install_minutes", "repair_minutes")
        sizes = ("purchase_price", "litres", "weight_grams")
        return ModelFacts(
            **{name: self[name].data for name in (*names, *sizes)},
            skill_ids=frozenset(UUID(value) for value in self.skill_ids.data or ()),
        )


class NewModelForm(ModelForm):
    """A new model. The key makes a form sent twice one model."""

    code = CodeField(_l("Code"), validators=[Needed(), AtMost(LONGEST_CODE)])
    request_key = KeyField(_l("Form"), validators=[Needed()])


class ChangeModelForm(ModelForm):
    """A known model, as it was when the form was opened."""

    version = VersionField(_l("Version"), validators=[Needed()])


class PhotoForm(FlaskForm):
    """A picture of the model."""

    photo = PictureField(_l("Photo"), validators=[Needed()])


@bp.get("")
@requires(Permission.CATALOG_READ)
def index() -> ResponseReturnValue:
    filters = ModelFilter()
    headings = [
        Heading("code", _("Code"), Order((EquipmentModel.code,))),
        Heading("name", _("Name"), Order((EquipmentModel.name, EquipmentModel.id))),
        Heading("maker", _("Maker"), Order((EquipmentModel.maker, EquipmentModel.id))),
        Heading("state", _("State"), Order((EquipmentModel.state, EquipmentModel.id))),
        Heading(
            "install_minutes",
            _("Minutes to install"),
            Order((EquipmentModel.install_minutes, EquipmentModel.id)),
            numeric=True,
        ),
        Heading("units", _("Free of all units"), numeric=True),
        Heading("fee", _("Monthly fee from"), numeric=True),
    ]
    template = "console/equipment_models.html"
    if not filters.validate():
        table = empty_table("equipment-models", headings, filters)
        return render_template(template, table=table, stock={}, fees={}), 422
    statement = equipment_models_matching(
        words=filters.q.data or "", state=OfferState(filters.state.data) if filters.state.data else None
    )
    table = read_table(
        reading(), "equipment-models", statement, headings, default_sort="code", filters=filters
    )
    shown = [model.id for model in table.rows]
    fees = cheapest_fees(reading(), shown, today())
    return render_template(template, table=table, stock=stock_of_models(reading(), shown), fees=fees)


@bp.get("/new")
@requires(Permission.CATALOG_MANAGE)
def ask() -> ResponseReturnValue:
    return _form_page(NewModelForm(request_key=new_key()))


@bp.post("/new")
@requires(Permission.CATALOG_MANAGE)
def add() -> ResponseReturnValue:
    form = NewModelForm()
    if not form.validate_on_submit():
        return _form_page(form), 422
    try:
        model_id = make_once(
            form,
            lambda uow: equipment_models.add_equipment_model(uow, code=form.code.data, facts=form.facts),
        )
    except DomainError as error:
        status = put_into_form(form, error)
        return _form_page(form), status
    flash(_("The model is added. Give it a rate plan next."), "success")
    return redirect(url_for(".show", equipment_model_id=model_id), 303)


@bp.get("/<uuid:equipment_model_id>")
@requires(Permission.CATALOG_READ)
def show(equipment_model_id: UUID) -> ResponseReturnValue:
    return _page(equipment_model_id)


@bp.get("/<uuid:equipment_model_id>/change")
@requires(Permission.CATALOG_MANAGE)
def ask_change(equipment_model_id: UUID) -> ResponseReturnValue:
    model = found(reading(), EquipmentModel, equipment_model_id)
    skill_ids = [str(row.skill_id) for row in model.skill_rows]
    return _form_page(ChangeModelForm(obj=model, skill_ids=skill_ids), model)


@bp.post("/<uuid:equipment_model_id>/change")
@requires(Permission.CATALOG_MANAGE)
def change(equipment_model_id: UUID) -> ResponseReturnValue:
    model, form = found(reading(), EquipmentModel, equipment_model_id), ChangeModelForm()
    if not form.validate_on_submit():
        return _form_page(form, model), 422
    try:
        with begin(current_actor()) as uow:
            equipment_models.change_equipment_model(
                uow, equipment_model_id, version=form.version.data or 0, facts=form.facts
            )
    except DomainError as error:
        status = put_into_form(form, error)
        return _form_page(form, model), status
    flash(_("Saved."), "success")
    return redirect(url_for(".show", equipment_model_id=equipment_model_id), 303)


@bp.post("/<uuid:equipment_model_id>/withdraw")
@requires(Permission.CATALOG_MANAGE)
def withdraw(equipment_model_id: UUID) -> ResponseReturnValue:
    with begin(current_actor()) as uow:
        equipment_models.offer_equipment_model(uow, equipment_model_id, offered=False)
    flash(_("New contracts cannot name this model any more."), "success")
    return redirect(url_for(".show", equipment_model_id=equipment_model_id), 303)


@bp.post("/<uuid:equipment_model_id>/offer")
@requires(Permission.CATALOG_MANAGE)
def offer(equipment_model_id: UUID) -> ResponseReturnValue:
    with begin(current_actor()) as uow:
        equipment_models.offer_equipment_model(uow, equipment_model_id, offered=True)
    flash(_("New contracts can name this model again."), "success")
    return redirect(url_for(".show", equipment_model_id=equipment_model_id), 303)


@bp.get("/<uuid:equipment_model_id>/photo")
@requires(Permission.CATALOG_READ)
def photo(equipment_model_id: UUID) -> ResponseReturnValue:
    model = found(reading(), EquipmentModel, equipment_model_id)
    if model.photo is None:
        raise NotFound(kind="stored_file")
    return answer_with_file(model.photo)


@bp.post("/<uuid:equipment_model_id>/photo")
@requires(Permission.CATALOG_MANAGE)
@takes_picture
def show_photo(equipment_model_id: UUID) -> ResponseReturnValue:
    model, form = found(reading(), EquipmentModel, equipment_model_id), PhotoForm()
    if not form.validate_on_submit():
        return _page(equipment_model_id, form), 422
    content = filled_in(form.photo)
    try:
        name = f"{model.code}.{read_image(content).suffix}"
        with begin(current_actor()) as uow:
            equipment_models.show_photo(uow, equipment_model_id, content=content, download_name=name)
    except DomainError as error:
        status = put_into_form(form, error)
        return _page(equipment_model_id, form), status
    flash(_("The photo is saved."), "success")
    return redirect(url_for(".show", equipment_model_id=equipment_model_id), 303)


def _form_page(form: ModelForm, model: EquipmentModel | None = None) -> str:
    return render_template("console/equipment_model_form.html", form=form, model=model)


def _page(equipment_model_id: UUID, photo_form: PhotoForm | None = None) -> str:
    model = found(reading(), EquipmentModel, equipment_model_id)
    return render_template(
        "console/equipment_model.html",
        model=model,
        stock=stock_of_models(reading(), [model.id])[model.id],
        plans=plan_views(rate_plans_of(reading(), model.id), today()),
        photo_form=photo_form or PhotoForm(formdata=None),
    )
