"""Labels to print: what goes on the sheet, which sheet it is, and the PDF."""

import re
from collections.abc import Sequence
from math import hypot
from uuid import UUID

from flask import Blueprint, Response, current_app, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField
from wtforms.validators import ValidationError

from rental.core.db import found, reading
from rental.core.errors import DomainError
from rental.core.text import narrow
from rental.core.uow import begin
from rental.identity.permissions import Permission
from rental.inventory.label_choice import MOST_LABELS, labels_of_things, things_to_label
from rental.inventory.label_sheets import (
    LABEL_FORMATS,
    LONGEST_OFFSET_MM,
    Label,
    LabelFormat,
    NothingToPrint,
    OffsetTooLong,
    StartPositionNotOnSheet,
    label_sheet,
)
from rental.inventory.labelling import note_printing
from rental.inventory.models import Receipt, StockLocation, Unit
from rental.inventory.queries import places_of_kinds, receipts_matching
from rental.inventory.rules.unit_states import LocationKind
from rental.web.console.unit_forms import LinesField
from rental.web.fields import AtMost, ChoiceField, LineField, Needed, WholeNumberField, choices
from rental.web.guards import current_actor, requires
from rental.web.problems import put_into_form
from rental.web.today import today
from rental.web.wording.inventory import label_format_label

bp = Blueprint("labels", __name__, url_prefix="/labels")

LONGEST_LIST = MOST_LABELS * 60
_MOST_PLACES = max(label_format.places for label_format in LABEL_FORMATS.values())
_LATEST = 10
_MILLIMETRES = re.compile(r"[+-]?\d{1,3}(?:\.\d{1,3})?", re.ASCII)
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−ー－", "-"))
_OF_THE_COMPANY = (LocationKind.BIN, LocationKind.RECEIVING, LocationKind.VAN)


class MillimetresField(LineField):
    """A length such as 1.5 or -0.5; empty is none. `data` is the text, `length` what it says in mm."""

    length: float = 0

    def post_validate(self, form: FlaskForm, validation_stopped: bool) -> None:
        written = narrow(self.data).replace(",", ".").translate(_DASHES)
        if validation_stopped or not written:
            return
        if not _MILLIMETRES.fullmatch(written):
            raise ValidationError(_("Write millimetres such as 1.5 or -0.5."))
        self.length = float(written)


class LabelsForm(FlaskForm):
    """What to print, on which paper."""

    labels = LinesField(_l("What to label"), longest=LONGEST_LIST, validators=[AtMost(LONGEST_LIST)])
    format_key = ChoiceField(_l("Sheet"))
    start_position = WholeNumberField(
        _l("First free place on the sheet"), minimum=1, maximum=_MOST_PLACES, validators=[Needed()]
    )
    offset_right = MillimetresField(_l("Shift to the right, in mm"), validators=[AtMost(8)])
    offset_down = MillimetresField(_l("Shift down, in mm"), validators=[AtMost(8)])
    crosses = BooleanField(_l("Mark the corners with crosses, to test the printer"))

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.format_key.choices = choices(*((key, label_format_label(key)) for key in LABEL_FORMATS))

    @property
    def format(self) -> LabelFormat:
        return LABEL_FORMATS[self.format_key.data]

    @property
    def first_place(self) -> int:
        return self.start_position.data or 1

    @property
    def offset(self) -> tuple[float, float]:
        return self.offset_right.length, self.offset_down.length

    def require_printable(self, thing_count: int) -> None:
        """Whatever the sheet itself would refuse, before a place gets a code for it."""
        if not thing_count and not self.crosses.data:
            raise NothingToPrint
        if self.first_place > self.format.places:
            raise StartPositionNotOnSheet(last=self.format.places)
        if hypot(*self.offset) > LONGEST_OFFSET_MM:
            raise OffsetTooLong(longest=LONGEST_OFFSET_MM)


@bp.get("")
@requires(Permission.STOCK_READ)
def index() -> ResponseReturnValue:
    """Filled in with what somebody came to print."""
    lines, is_place = _named_in_address()
    form = LabelsForm(
        formdata=None,
        labels="\n".join(lines),
        format_key="a4_location" if is_place else "a4_unit",
        start_position=1,
    )
    return _page(form)


@bp.post("")
@requires(Permission.STOCK_MOVE)
def download() -> ResponseReturnValue:
    """The PDF. Drawing a large sheet takes seconds, so no transaction is open meanwhile."""
    form = LabelsForm()
    if not form.validate_on_submit():
        return _page(form), 422
    try:
        things = things_to_label(reading(), form.labels.data)
        form.require_printable(len(things))
        with begin(current_actor()) as uow:
            labels = labels_of_things(uow, things, public_url=current_app.config["RENTAL"].public_url)
        pdf = label_sheet(
            labels,
            form.format,
            start_position=form.first_place,
            offset=form.offset,
            crosses=form.crosses.data,
        )
    except DomainError as error:
        status = put_into_form(form, error)
        return _page(form), status
    _note(labels, form)
    answer = Response(pdf, content_type="application/pdf")
    answer.headers.set("Content-Disposition", "attachment", filename=f"labels-{today().isoformat()}.pdf")
    return answer


def _note(labels: Sequence[Label], form: LabelsForm) -> None:
    """A test page has no labels, and is nothing to remember."""
    if not labels:
        return
    with begin(current_actor()) as uow:
        note_printing(
            uow,
            [label.code for label in labels],
            format_key=form.format.key,
            start_position=form.first_place,
        )


def _named_in_address() -> tuple[list[str], bool]:
    """The numbers of the unit, delivery, place or kind of places in the address; whether they are places."""
    if unit_id := request.args.get("unit", type=UUID):
        return [found(reading(), Unit, unit_id).tag], False
    if receipt_id := request.args.get("delivery", type=UUID):
        return [found(reading(), Receipt, receipt_id).number], False
    if location_id := request.args.get("place", type=UUID):
        return [found(reading(), StockLocation, location_id).code], True
    kind = request.args.get("places", type=LocationKind)
    if kind in _OF_THE_COMPANY:
        return [place.code for place in places_of_kinds(reading(), kind)], True
    return [], False


def _page(form: LabelsForm) -> str:
    latest = receipts_matching().order_by(Receipt.received_at.desc(), Receipt.id.desc()).limit(_LATEST)
    return render_template(
        "console/labels.html",
        form=form,
        deliveries=reading().scalars(latest).all(),
        kinds=_OF_THE_COMPANY,
    )
