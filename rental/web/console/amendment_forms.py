"""What is filled in about each kind of amendment, and the plan that follows from it."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, ClassVar
from uuid import UUID

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField

from rental.billing.rules.amendments import Effect, Pause
from rental.catalog.models import RatePlanVersion
from rental.catalog.queries import versions_on_offer
from rental.catalog.rules import AnchorKind
from rental.changes import plans
from rental.changes.amendments import extensions_of
from rental.changes.line_books import ContractBook
from rental.changes.plans import Plan
from rental.changes.rules import AmendmentKind, LeavingReason
from rental.contracts.rules import MOST_SLOTS
from rental.core.db import reading
from rental.core.money import Money
from rental.customers.queries import sites_of
from rental.customers.rules import SiteState
from rental.web.console.amendment_choices import (
    chosen,
    chosen_event,
    events_of,
    lines_of,
    places_of,
    targets_of,
)
from rental.web.console.contract_forms import plan_words
from rental.web.fields import (
    AtMost,
    ChoiceField,
    DayField,
    KeyField,
    LineField,
    Needed,
    VersionField,
    WholeNumberField,
    YenField,
    choices,
    choices_of,
    filled_in,
)
from rental.web.sentences import state_label
from rental.web.today import today

Given = MultiDict[str, str] | None
DAY = timedelta(days=1)
NO_SLOT = UUID(int=0)


class AmendmentForm(FlaskForm):
    """One kind of amendment. It is filled in by the address while somebody only looks, so it has no token;
    the form that records has one.

    `at_fault` leads from the names that rules use to the fields of the form.
    """

    class Meta:
        csrf = False

    at_fault: ClassVar[Mapping[str, str]] = {}

    def __init__(self, book: ContractBook, given: Given, **at_first: Any) -> None:
        super().__init__(formdata=given, **({} if given else at_first))
        self.offer(book)

    def offer(self, book: ContractBook) -> None:
        """What can be chosen in this contract."""

    def plan(self, session: Session, book: ContractBook, on: date) -> Plan:
        """What is recorded when this is agreed on this day. Raises NotBillable and the like."""
        raise NotImplementedError


class PriceForm(AmendmentForm):
    """Another fee of a line, or of one machine of it."""

    at_fault = {"slot_id": "target"}  # noqa: RUF012

    target = ChoiceField(_l("For"))
    fee = YenField(_l("New fee of one machine a month"), validators=[Needed()])
    effective_on = DayField(_l("From"), validators=[Needed()])
    effect = ChoiceField(
        _l("How it counts"), description=_l("A whole new period at once is only possible for a whole line.")
    )

    def offer(self, book: ContractBook) -> None:
        self.target.choices = choices(*targets_of(book))
        self.fee.description = state_label(book.account.price_mode)
        self.effect.choices = [
            *choices(("", _("More from this day, less from the next period"))),
            *choices_of(Effect, state_label),
        ]

    def plan(self, session: Session, book: ContractBook, on: date) -> Plan:
        line_id, slot_id = chosen(self.target.data)
        return plans.plan_price(
            book,
            line_id,
            filled_in(self.fee),
            agreed_for=filled_in(self.effective_on),
            today=on,
            effect=Effect(self.effect.data) if self.effect.data else None,
            slot_id=slot_id,
        )


class RevisionForm(AmendmentForm):
    """New fees for several lines at once. `revision_form` adds a field for each."""

    effective_on = DayField(_l("From"), validators=[Needed()])
    effect = ChoiceField(
        _l("How it counts"), description=_l("A line in its minimum term keeps its fee, and is left out.")
    )

    def offer(self, book: ContractBook) -> None:
        self.effect.choices = choices_of((Effect.NEXT_PERIOD, Effect.IMMEDIATE), state_label)

    def plan(self, session: Session, book: ContractBook, on: date) -> Plan:
        fees: dict[UUID, Money] = {}
        for line_id, line in book.lines.items():
            fee = self[f"fee_{line.line.position}"].data
            if fee is not None:
                fees[line_id] = fee
        return plans.plan_revision(
            book,
            fees,
            effective_on=filled_in(self.effective_on),
            today=on,
            effect=Effect(self.effect.data),
        )


class QuantityForm(AmendmentForm):
    """Another number of units where many are counted at one place."""

    at_fault = {"quantity": "units", "value": "units", "slot_id": "target"}  # noqa: RUF012

    target = ChoiceField(_l("For"))
    units = WholeNumberField(_l("Units from then on"), validators=[Needed()], minimum=1, maximum=1_000_000)
    effective_on = DayField(_l("From"), validators=[Needed()])

    def offer(self, book: ContractBook) -> None:
        self.target.choices = choices(*places_of(book))

    def plan(self, session: Session, book: ContractBook, on: date) -> Plan:
        line_id, slot_id = chosen(self.target.data)
        return plans.plan_quantity(
            book,
            line_id,
            slot_id or NO_SLOT,
            filled_in(self.units),
            agreed_for=filled_in(self.effective_on),
            today=on,
        )


class SuspensionForm(AmendmentForm):
    """Days without rent at the customer's wish (休止)."""

    at_fault = {"pauses_on": "effective_on", "slot_id": "target"}  # noqa: RUF012

    target = ChoiceField(_l("For"))
    effective_on = DayField(_l("First day without rent"), validators=[Needed()])
    resumes_on = DayField(_l("Rent goes on from"), validators=[Needed()])
    extends_term = BooleanField(_l("The minimum term ends so many days later"))

    def offer(self, book: ContractBook) -> None:
        self.target.choices = choices(*targets_of(book))

    def plan(self, session: Session, book: ContractBook, on: date) -> Plan:
        line_id, slot_id = chosen(self.target.data)
        pause = Pause(
            filled_in(self.effective_on), filled_in(self.resumes_on), extend_term=bool(self.extends_term.data)
        )
        return plans.plan_suspension(book, line_id, pause, today=on, slot_id=slot_id)


class RemovalForm(AmendmentForm):
    """A line ends before its contract."""

    at_fault = {"effective_on": "last_on"}  # noqa: RUF012

    target = ChoiceField(_l("Line"))
    last_on = DayField(_l("Last day"), validators=[Needed()])

    def offer(self, book: ContractBook) -> None:
        self.target.choices = choices(*lines_of(book))

    def plan(self, session: Session, book: ContractBook, on: date) -> Plan:
        line_id, _slot = chosen(self.target.data)
        return plans.plan_removal(book, line_id, agreed_for=filled_in(self.last_on) + DAY, today=on)


class AnchorForm(AmendmentForm):
    """Time is cut into periods in another way."""

    at_fault = {"since": "effective_on", "anchors": "effective_on"}  # noqa: RUF012

    target = ChoiceField(_l("Line"))
    cut = ChoiceField(_l("Periods begin"))
    effective_on = DayField(
        _l("From"), validators=[Needed()], description=_l("A day on which a period of the line begins.")
    )
    anchored_on = DayField(
        _l("Periods are counted from"),
        description=_l("Empty: from that day. A day of the month is taken of it."),
    )

    def offer(self, book: ContractBook) -> None:
        self.target.choices = choices(*lines_of(book))
        self.cut.choices = choices_of(AnchorKind, state_label)

    def plan(self, session: Session, book: ContractBook, on: date) -> Plan:
        line_id, _slot = chosen(self.target.data)
        since = filled_in(self.effective_on)
        return plans.plan_anchor(
            book,
            line_id,
            AnchorKind(self.cut.data),
            since=since,
            anchored_on=self.anchored_on.data or since,
            today=on,
        )


class CorrectionForm(AmendmentForm):
    """What was recorded wrongly, with the day and the value it should have had."""

    at_fault = {"replaces": "wrong"}  # noqa: RUF012

    wrong = ChoiceField(_l("What was recorded"))
    effective_on = DayField(_l("Right day"), validators=[Needed()])
    value = WholeNumberField(
        _l("Right value"), description=_l("Yen of a fee, or units. Empty: as it was recorded.")
    )

    def offer(self, book: ContractBook) -> None:
        self.wrong.choices = choices(*events_of(book))

    def plan(self, session: Session, book: ContractBook, on: date) -> Plan:
        line_id, wrong = chosen_event(self.wrong.data)
        return plans.plan_correction(
            book,
            line_id,
            wrong,
            effective_on=filled_in(self.effective_on),
            today=on,
            value=self.value.data,
        )


class WithdrawalForm(AmendmentForm):
    """What was recorded and never happened."""

    at_fault = {"replaces": "wrong", "effective_on": "wrong"}  # noqa: RUF012

    wrong = ChoiceField(_l("What was recorded"))

    def offer(self, book: ContractBook) -> None:
        self.wrong.choices = choices(*events_of(book))

    def plan(self, session: Session, book: ContractBook, on: date) -> Plan:
        line_id, wrong = chosen_event(self.wrong.data)
        return plans.plan_withdrawal(book, line_id, wrong, today=on)


class TerminationForm(AmendmentForm):
    """The contract ends: when, why, and since when we know."""

    at_fault = {"effective_on": "last_on", "ended_on": "last_on"}  # noqa: RUF012

    last_on = DayField(_l("Last day"), validators=[Needed()])
    requested_on = DayField(_l("Asked for on"), validators=[Needed()])
    leaving = ChoiceField(_l("Why the customer leaves"), description=_l("As it is counted."))

    def offer(self, book: ContractBook) -> None:
        self.leaving.choices = choices_of(LeavingReason, state_label)

    def plan(self, session: Session, book: ContractBook, on: date) -> Plan:
        return plans.plan_termination(
            book,
            last_on=filled_in(self.last_on),
            requested_on=filled_in(self.requested_on),
            leaving=LeavingReason(self.leaving.data),
            extensions=extensions_of(session, book.contract.id),
        )


class OptionForm(AmendmentForm):
    """More machines, or another option. Its rent begins with the installation, so nothing is planned."""

    rate_plan_version_id = ChoiceField(_l("Rate plan"))
    site_id = ChoiceField(_l("Site"))
    quantity = WholeNumberField(_l("Machines"), validators=[Needed()], minimum=1, maximum=MOST_SLOTS)
    monthly_fee = YenField(_l("Agreed monthly fee for one"), description=_l("Empty: the fee of the plan."))

    def offer(self, book: ContractBook) -> None:
        if book.account.holds_tax:
            self.monthly_fee.description = _("With tax.")
        offered = versions_on_offer(reading(), today())
        sites = [
            site for site in sites_of(reading(), book.contract.customer_id) if site.state is SiteState.ACTIVE
        ]
        self.rate_plan_version_id.choices = choices(
            *((str(version.id), plan_words(version)) for version in offered)
        )
        self.site_id.choices = choices(*((str(site.id), f"{site.name} ({site.number})") for site in sites))

    @property
    def facts(self) -> dict[str, Any]:
        return {
            "rate_plan_version_id": UUID(self.rate_plan_version_id.data),
            "site_id": UUID(self.site_id.data),
            "quantity": filled_in(self.quantity),
            "monthly_fee": self.monthly_fee.data,
        }

    def version(self, session: Session) -> RatePlanVersion:
        """What is offered; only for a form that is valid."""
        return session.get_one(RatePlanVersion, UUID(self.rate_plan_version_id.data))


class RecordForm(FlaskForm):
    """What was looked at is agreed: why, and what was seen. The key makes a form sent twice one amendment."""

    reason = LineField(_l("Reason"), validators=[Needed(), AtMost(500)])
    seen = KeyField(_l("Preview"), validators=[Needed()])
    version = VersionField(_l("Version"), validators=[Needed()])
    request_key = KeyField(_l("Form"), validators=[Needed()])


FORMS: dict[AmendmentKind, type[AmendmentForm]] = {
    AmendmentKind.PRICE: PriceForm,
    AmendmentKind.REVISION: RevisionForm,
    AmendmentKind.QUANTITY: QuantityForm,
    AmendmentKind.SUSPENSION: SuspensionForm,
    AmendmentKind.OPTION_ADDED: OptionForm,
    AmendmentKind.OPTION_REMOVED: RemovalForm,
    AmendmentKind.ANCHOR: AnchorForm,
    AmendmentKind.CORRECTION: CorrectionForm,
    AmendmentKind.WITHDRAWAL: WithdrawalForm,
    AmendmentKind.TERMINATION: TerminationForm,
}


def amendment_form(kind: AmendmentKind, book: ContractBook, given: Given) -> AmendmentForm:
    """The form of this kind, filled in as it was sent, or with what is likely."""
    made = FORMS[kind]
    if kind is AmendmentKind.REVISION:
        made = _revision_form(book)
    now = today()
    likely: dict[str, Any] = {"effective_on": now}
    if kind is AmendmentKind.TERMINATION:
        likely = {"requested_on": now}
    if kind is AmendmentKind.OPTION_ADDED:
        likely = {"quantity": 1}
    if kind in (AmendmentKind.CORRECTION, AmendmentKind.ANCHOR):
        likely = {}
    return made(book, given, **likely)


def _revision_form(book: ContractBook) -> type[AmendmentForm]:
    """With a fee for each line; an empty one stays as it is."""
    fields: dict[str, Any] = {
        f"fee_{line.line.position}": YenField(
            _l(
                "Line %(position)s, %(model)s: new fee",
                position=line.line.position,
                model=line.line.equipment_model.code,
            ),
            description=_l("Of one machine a month. Empty: it stays as it is."),
        )
        for line in book.lines.values()
    }
    return type("RevisionFormOfContract", (RevisionForm,), fields)
