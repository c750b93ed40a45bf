"""Amending a contract in force: choose what, fill it in, look at what it costs, record it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from rental.catalog.models import EquipmentModel, RatePlanVersion
from rental.changes.amendments import extensions_of
from rental.changes.confirming import add_option_as_seen, look_at, record_as_seen
from rental.changes.foresight import Foreseen, monthly_rent
from rental.changes.line_books import ContractBook, contract_book
from rental.changes.models import Amendment
from rental.changes.plans import Leaving, Plan, leaving_early
from rental.changes.rules import AmendmentKind
from rental.contracts.drafting import agreed_fee
from rental.contracts.models import Line
from rental.contracts.queries import contract_with_all
from rental.contracts.rules import SlotState
from rental.core.db import reading
from rental.core.errors import DomainError, NotFound
from rental.core.idempotency import new_key
from rental.core.money import Money
from rental.core.uow import UnitOfWork
from rental.identity.permissions import Permission
from rental.inventory.queries import stock_of_models
from rental.web.console.agreed_words import leaving_words
from rental.web.console.amendment_forms import (
    AmendmentForm,
    OptionForm,
    RecordForm,
    TerminationForm,
    amendment_form,
)
from rental.web.console.amendment_words import event_words, line_words
from rental.web.console.new_rows import make_once
from rental.web.fields import filled_in
from rental.web.formats import day
from rental.web.guards import requires
from rental.web.problems import put_into_form
from rental.web.refusals import refusal
from rental.web.sentences import state_label
from rental.web.today import today
from rental.web.wording.billing import rate_label, signed_yen
from rental.web.wording.changes import EXPLAINED

# Named apart from drafts: every address below is one of a contract in force.
bp = Blueprint("amendments", __name__, url_prefix="/contracts/<uuid:running_contract_id>/amendments")
# Looking at an option shows nothing that could change meanwhile; its stock is asked for when it is recorded.
_NOTHING_FORESEEN = "0" * 32


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that would be recorded: for which line, and what from when."""

    line: str
    words: str


@dataclass(frozen=True, slots=True)
class LeavingView:
    """What it costs to leave early with one line, and how it was agreed."""

    line: str
    leaving: Leaving
    agreed: str


@dataclass(frozen=True, slots=True)
class OptionView:
    """What is added: how many are free of how many wanted, and what they cost a month when installed."""

    model: EquipmentModel
    wanted: int
    free: int
    monthly_fee: Money
    total: Money


@dataclass(frozen=True, slots=True)
class Look:
    """What would be recorded, and what it would cost."""

    facts: Sequence[Fact] = ()
    foreseen: Foreseen | None = None
    problem: str = ""
    kept: Sequence[str] = ()
    leavings: Sequence[LeavingView] = ()
    machines_to_fetch: int = 0
    option: OptionView | None = None
    monthly_before: Money | None = None
    monthly_after: Money | None = None

    @property
    def fingerprint(self) -> str:
        return self.foreseen.fingerprint if self.foreseen else _NOTHING_FORESEEN


@bp.get("")
@requires(Permission.CONTRACTS_MANAGE)
def choose(running_contract_id: UUID) -> ResponseReturnValue:
    book = _book(running_contract_id)
    return render_template(
        "console/amendments.html", contract=book.contract, kinds=list(AmendmentKind), explained=EXPLAINED
    )


@bp.get("/<kind>")
@requires(Permission.CONTRACTS_MANAGE)
def look(running_contract_id: UUID, kind: str) -> ResponseReturnValue:
    """The form; filled in, also what would follow. Looking changes nothing: all of it is in the address."""
    wanted, book = _kind_of(kind), _book(running_contract_id)
    is_filled = "look" in request.args
    form = amendment_form(wanted, book, request.args if is_filled else None)
    if not is_filled:
        return _page(wanted, book, form)
    if not form.validate():
        return _page(wanted, book, form), 422
    try:
        looked = _look_at(book, form)
    except DomainError as error:
        _refuse(form, error)
        return _page(wanted, book, form), 422
    return _page(wanted, book, form, looked, _record_form(book, looked))


@bp.post("/<kind>")
@requires(Permission.CONTRACTS_MANAGE)
def record(running_contract_id: UUID, kind: str) -> ResponseReturnValue:
    """What was looked at, exactly; where it would be something else by now, it is shown again."""
    wanted, book = _kind_of(kind), _book(running_contract_id)
    form, confirmed = amendment_form(wanted, book, request.form), RecordForm()
    if not form.validate():
        return _page(wanted, book, form), 422
    is_confirmed = confirmed.validate_on_submit()
    try:
        if is_confirmed:
            _record(book.contract.id, form, confirmed)
            flash(_("Recorded: %(what)s. The next closing bills it.", what=state_label(wanted)), "success")
            return redirect(
                url_for("contracts.show", contract_id=running_contract_id, show="amendments"), 303
            )
        looked = _look_at(book, form)
    except DomainError as error:
        return _refused(wanted, running_contract_id, error)
    return _page(wanted, book, form, looked, confirmed), 422


def _record(contract_id: UUID, form: AmendmentForm, confirmed: RecordForm) -> None:
    reason, version = filled_in(confirmed.reason), filled_in(confirmed.version)

    def planned(uow: UnitOfWork) -> Amendment:
        seen = filled_in(confirmed.seen)
        return record_as_seen(uow, contract_id, form.plan, reason=reason, seen=seen, version=version)

    def added(uow: UnitOfWork) -> Amendment:
        facts = form.facts if isinstance(form, OptionForm) else {}
        return add_option_as_seen(uow, contract_id, reason=reason, version=version, **facts)

    make_once(confirmed, added if isinstance(form, OptionForm) else planned)


def _refused(kind: AmendmentKind, contract_id: UUID, error: DomainError) -> ResponseReturnValue:
    """The page as it is now: with what it would cost now, or with what is wrong at its field."""
    reading().rollback()
    book = _book(contract_id)
    form = amendment_form(kind, book, request.form)
    form.validate()
    try:
        looked = _look_at(book, form)
    except DomainError as problem:
        status = _refuse(form, problem)
        return _page(kind, book, form), status
    confirmed = _record_form(book, looked, reason=request.form.get("reason", ""))
    status = put_into_form(confirmed, error)
    return _page(kind, book, form, looked, confirmed), status


def _refuse(form: AmendmentForm, error: DomainError) -> int:
    """Shows the refusal at the field that the rule speaks of, by the name it has in this form."""
    error.field = form.at_fault.get(error.field or "", error.field)
    return put_into_form(form, error)


def _record_form(book: ContractBook, looked: Look, *, reason: str = "") -> RecordForm:
    return RecordForm(
        formdata=None,
        reason=reason,
        seen=looked.fingerprint,
        version=book.contract.version,
        request_key=new_key(),
    )


def _kind_of(kind: str) -> AmendmentKind:
    """Raises NotFound."""
    try:
        return AmendmentKind(kind)
    except ValueError:
        raise NotFound(kind="amendment") from None


def _book(contract_id: UUID) -> ContractBook:
    """With everything its page names, in as many statements for a long contract as for a short one.

    Raises NotFound, NotInForce.
    """
    if contract_with_all(reading(), contract_id) is None:
        raise NotFound(kind="contract")
    return contract_book(reading(), contract_id)


def _look_at(book: ContractBook, form: AmendmentForm) -> Look:
    """Raises what planning and looking raise."""
    if isinstance(form, OptionForm):
        return Look(option=_option(book, form))
    now = today()
    plan = form.plan(reading(), book, now)
    foreseen = look_at(reading(), book, plan, today=now)
    is_end = isinstance(form, TerminationForm)
    return Look(
        facts=_facts(book, plan),
        foreseen=foreseen,
        problem=refusal(foreseen.problem) if foreseen.problem else "",
        kept=_kept(book, plan),
        leavings=_leavings(book, plan) if is_end else (),
        machines_to_fetch=_machines_at_sites(book) if is_end else 0,
        monthly_before=monthly_rent(book),
        monthly_after=monthly_rent(book, plan),
    )


def _facts(book: ContractBook, plan: Plan) -> list[Fact]:
    """What would be recorded, line by line."""
    facts = []
    for line_id, line in book.lines.items():
        name = line_words(line.line)
        for event in plan.events.get(line_id, ()):
            what = event_words(event.kind, event.value)
            facts.append(Fact(name, _("%(what)s, from %(day)s", what=what, day=day(event.effective_on))))
        for anchor in plan.anchors.get(line_id, ()):
            what = _("Periods begin: %(cut)s", cut=state_label(anchor.kind))
            facts.append(Fact(name, _("%(what)s, from %(day)s", what=what, day=day(anchor.since))))
    if plan.ends_on:
        last_on = plan.ends_on - timedelta(days=1)
        facts.append(Fact(_("Contract"), _("Last day %(day)s", day=day(last_on))))
    return facts


def _kept(book: ContractBook, plan: Plan) -> list[str]:
    """The lines of a revision that keep their fee because they are in their minimum term."""
    if plan.kind is not AmendmentKind.REVISION:
        return []
    bound = set(plan.said["fees"]) - set(plan.said["revised"])
    return [line_words(line.line) for line_id, line in book.lines.items() if str(line_id) in bound]


def _leavings(book: ContractBook, plan: Plan) -> list[LeavingView]:
    """What leaving early costs for each line that has agreed on it."""
    if plan.ends_on is None:
        return []
    extensions = extensions_of(reading(), book.contract.id)
    views = []
    for line in book.lines.values():
        leaving = leaving_early(line, plan.ends_on, extensions)
        if leaving is not None and line.line.line_terms is not None:
            views.append(
                LeavingView(line_words(line.line), leaving, leaving_words(line.line.line_terms.leaving))
            )
    return views


def _machines_at_sites(book: ContractBook) -> int:
    lines: list[Line] = [line.line for line in book.lines.values()]
    return sum(slot.state is SlotState.IN_SERVICE for line in lines for slot in line.slots)


def _option(book: ContractBook, form: OptionForm) -> OptionView:
    version: RatePlanVersion = form.version(reading())
    model = version.rate_plan.equipment_model
    wanted = form.facts["quantity"]
    fee = agreed_fee(book.contract, version, form.monthly_fee.data)
    free = stock_of_models(reading(), [model.id])[model.id].free
    return OptionView(model, wanted, free, fee, fee * wanted)


def _page(
    kind: AmendmentKind,
    book: ContractBook,
    form: AmendmentForm,
    looked: Look | None = None,
    confirmed: RecordForm | None = None,
) -> str:
    return render_template(
        "console/amendment.html",
        kind=kind,
        contract=book.contract,
        form=form,
        look=looked,
        confirmed=confirmed,
        carried=_carried(form),
        explained=EXPLAINED[kind],
        rate_label=rate_label,
        signed_yen=signed_yen,
    )


def _carried(form: AmendmentForm) -> list[tuple[str, str]]:
    """What was filled in, word for word, for the form that records it."""
    given: MultiDict[str, str] = request.values
    return [(item.name, value) for item in form for value in given.getlist(item.name)]
