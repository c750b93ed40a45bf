"""The page of one job: what it shows, and the forms on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from flask import render_template
from flask_babel import format_time, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import RadioField
from wtforms.validators import StopValidation

from rental.core.clock import day_of
from rental.core.db import reading
from rental.core.idempotency import new_key
from rental.core.money import Money
from rental.core.runtime import runtime
from rental.customers.models import Site
from rental.fieldwork.models import WorkOrder, WorkOrderItem
from rental.fieldwork.queries import notes_of, photos_of
from rental.fieldwork.reporting import LONGEST_NOTE
from rental.fieldwork.rules import OVER, ItemState, PhotoKind, WorkOrderState
from rental.inventory.models import Unit
from rental.inventory.queries import units_held_for
from rental.web.fields import AtMost, KeyField, LineField, Needed, ParagraphField, PictureField, choices_of
from rental.web.formats import instant
from rental.web.sentences import state_label
from rental.web.technician.commands import CommandForm
from rental.web.today import today

# Next, then what was read, then what is done: the order of work.
_RANKS = {ItemState.OPEN: 0, ItemState.SCANNED: 1, ItemState.INSTALLED: 2, ItemState.LEFT: 3}


class TileField(RadioField):
    """One of a few, each a tile to press; a value that is not among them is refused by name."""

    def pre_validate(self, form: object) -> None:
        if self.data not in {value for value, *_rest in self.iter_choices()}:
            raise StopValidation(_("Choose one of these."))


class ScanForm(CommandForm):
    """What a camera, a scanner gun or a hand reads off the machine."""

    code = LineField(_l("Code or number"), validators=[Needed(), AtMost(200)])


class UndoForm(CommandForm):
    """The machine that was read by mistake."""

    item_id = KeyField(_l("Machine"), validators=[Needed()])


class NoteForm(CommandForm):
    """A few words about the day."""

    text = ParagraphField(_l("Note"), validators=[Needed(), AtMost(LONGEST_NOTE)])


class PhotoForm(CommandForm):
    """A photo, and what it shows."""

    photo = PictureField(_l("Photo"), validators=[Needed()])
    kind = TileField(_l("What it shows"))

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.kind.choices = choices_of(PhotoKind, state_label)


@dataclass(frozen=True, slots=True)
class Said:
    """The answer to the last scan or tap: ok, again or bad, and why; `read` is what was read."""

    tone: str
    title: str
    read: str = ""

    @staticmethod
    def of_form(form: FlaskForm) -> "Said":
        """What is wrong with a scan form."""
        wrong = next(item for item in form if item.errors)
        message = _("%(field)s: %(message)s", field=wrong.label.text, message=wrong.errors[0])
        return Said("bad", message, str(wrong.data or "")[:60])


@dataclass(frozen=True, slots=True)
class Machine:
    """One row of the list: what is wanted, which unit is meant for it or was read, what it owes."""

    item: WorkOrderItem
    held: Unit | None
    is_next: bool

    @property
    def rent_from(self) -> date | None:
        return self.item.slot.started_on if self.item.state is ItemState.INSTALLED else None

    @property
    def monthly_fee(self) -> Money:
        return self.item.slot.line.monthly_fee


def machines_of(order: WorkOrder) -> list[Machine]:
    """The rows of the job in the order of work."""
    held = units_held_for(reading(), [item.slot_id for item in order.items])
    items = sorted(order.items, key=lambda item: (_RANKS[item.state], item.position))
    return [
        Machine(item, held.get(item.slot_id), item.state is ItemState.OPEN and at == 0)
        for at, item in enumerate(items)
    ]


def open_count(order: WorkOrder) -> int:
    """How many machines still have to be read."""
    return sum(item.state is ItemState.OPEN for item in order.items)


def order_page(
    order: WorkOrder,
    *,
    said: Said | None = None,
    scan_form: ScanForm | None = None,
    note_form: NoteForm | None = None,
    photo_form: PhotoForm | None = None,
) -> str:
    """The job's page. `order` comes with everything it shows."""
    return render_template(
        "technician/work_order.html",
        order=order,
        site=order.site,
        steps_done=steps_done(order),
        machines=machines_of(order),
        open_count=open_count(order),
        is_on_site=order.state is WorkOrderState.ON_SITE,
        is_over=order.state in OVER,
        photos=photos_of(reading(), order.id),
        notes=notes_of(reading(), order.id),
        route_url=route_url(order.site),
        said=said,
        scan_form=scan_form or ScanForm(formdata=None),
        note_form=note_form or NoteForm(formdata=None),
        photo_form=photo_form or PhotoForm(formdata=None, kind=PhotoKind.AFTER.value),
        today=today(),
        new_key=new_key,
    )


def route_url(site: Site) -> str | None:
    """A map program's way to the site: a plain link, nothing of theirs runs here."""
    if site.latitude is None:
        return None
    return f"https://www.google.com/maps/dir/?api=1&destination={site.latitude},{site.longitude}"


def steps_done(order: WorkOrder) -> list[dict[str, str]]:
    """Set off, arrived, working, done: with the time of each."""
    visit = order.visit
    departed_at = visit.departed_at if visit else None
    arrived_at = visit.arrived_at if visit else None
    is_stopped = order.state in (WorkOrderState.BLOCKED, WorkOrderState.CANCELLED)
    last = state_label(order.state) if is_stopped else _("Done")
    return [
        _step(_("Set off"), bool(departed_at or arrived_at), _at(departed_at)),
        _step(_("Arrived"), arrived_at is not None, _at(arrived_at), order.state is WorkOrderState.EN_ROUTE),
        _step(
            _("Working"),
            order.finished_at is not None and arrived_at is not None,
            _so_far(order, arrived_at),
            order.state is WorkOrderState.ON_SITE,
        ),
        {
            "label": last,
            "detail": _at(order.finished_at),
            "state": "stop" if is_stopped else "done" if order.state is WorkOrderState.DONE else "todo",
        },
    ]


def _step(label: str, is_done: bool, detail: str, is_now: bool = False) -> dict[str, str]:
    return {"label": label, "detail": detail, "state": "now" if is_now else "done" if is_done else "todo"}


def _at(value: datetime | None) -> str:
    """The time of a step; with its day when that was not today."""
    if value is None:
        return ""
    zone = runtime().zone
    is_today = day_of(value, zone) == day_of(runtime().clock.now(), zone)
    return format_time(value, "H:mm") if is_today else instant(value)


def _so_far(order: WorkOrder, arrived_at: datetime | None) -> str:
    if arrived_at is None:
        return ""
    until = order.finished_at or runtime().clock.now()
    minutes = max(0, int((until - arrived_at).total_seconds()) // 60)
    return ngettext("%(num)s min", "%(num)s min", minutes)


def fees_of(machines: Sequence[Machine]) -> Money:
    """What the machines owe a month together."""
    return sum((machine.monthly_fee for machine in machines), Money(0))
