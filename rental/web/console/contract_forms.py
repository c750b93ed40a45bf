"""What is filled in about a contract: its facts, its lines, its beginning, its end as a draft."""

from datetime import date
from typing import Any
from uuid import UUID

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm

from rental.catalog.models import RatePlanVersion
from rental.catalog.queries import versions_on_offer
from rental.contracts.rules import MOST_SLOTS, RenewalPolicy
from rental.core.business_date import business_today
from rental.core.db import reading
from rental.core.runtime import runtime
from rental.customers.models import BillingAccount
from rental.customers.queries import billing_accounts_of, sites_of
from rental.customers.rules import SiteState
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
)
from rental.web.formats import yen
from rental.web.sentences import state_label

LONGEST_TERM = 120
LONGEST_NOTICE = 365


def business_day() -> date:
    """Today for every business rule."""
    current = runtime()
    return business_today(reading(), current.clock.now(), current.zone)


class TermsForm(FlaskForm):
    """For how long, from when, and what happens then."""

    months = WholeNumberField(_l("Months"), validators=[Needed()], minimum=1, maximum=LONGEST_TERM)
    wanted_on = DayField(_l("Wanted day"), validators=[Needed()])
    renewal = ChoiceField(_l("After the term"))
    notice_days = WholeNumberField(
        _l("Days of notice"), validators=[Needed()], minimum=0, maximum=LONGEST_NOTICE
    )
    note = LineField(_l("Note"), validators=[AtMost(500)])

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.renewal.choices = choices_of(RenewalPolicy, state_label)

    @property
    def facts(self) -> dict[str, Any]:
        return {
            "months": self.months.data,
            "wanted_on": self.wanted_on.data,
            "renewal": RenewalPolicy(self.renewal.data),
            "notice_days": self.notice_days.data,
            "note": self.note.data,
        }


class NewContractForm(TermsForm):
    """A new draft of one customer. The key makes a form sent twice one draft."""

    billing_account_id = ChoiceField(_l("Billing account"))
    request_key = KeyField(_l("Form"), validators=[Needed()])

    def __init__(self, customer_id: UUID, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.billing_account_id.choices = choices(
            *(
                (str(account.id), account_words(account))
                for account in billing_accounts_of(reading(), customer_id)
            )
        )

    @property
    def chosen_account_id(self) -> UUID:
        return UUID(self.billing_account_id.data)


class ChangeContractForm(TermsForm):
    """A draft as it was when the page was opened."""

    version = VersionField(_l("Version"), validators=[Needed()])

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(prefix="facts-", **kwargs)


class LineForm(FlaskForm):
    """So many machines of a plan at one site. Without a fee, the plan's is agreed."""

    rate_plan_version_id = ChoiceField(_l("Rate plan"))
    site_id = ChoiceField(_l("Site"))
    quantity = WholeNumberField(_l("Machines"), validators=[Needed()], minimum=1, maximum=MOST_SLOTS)
    monthly_fee = YenField(_l("Agreed monthly fee for one"))
    request_key = KeyField(_l("Form"), validators=[Needed()])

    def __init__(self, customer_id: UUID, **kwargs: Any) -> None:
        super().__init__(prefix="line-", **kwargs)
        offered = versions_on_offer(reading(), business_day())
        sites = [site for site in sites_of(reading(), customer_id) if site.state is SiteState.ACTIVE]
        self.rate_plan_version_id.choices = choices(
            *((str(version.id), plan_words(version)) for version in offered)
        )
        self.site_id.choices = choices(*((str(site.id), f"{site.name} ({site.number})") for site in sites))

    @property
    def facts(self) -> dict[str, Any]:
        return {
            "rate_plan_version_id": UUID(self.rate_plan_version_id.data),
            "site_id": UUID(self.site_id.data),
            "quantity": self.quantity.data,
            "monthly_fee": self.monthly_fee.data,
        }


class ActivationForm(FlaskForm):
    """From which day the contract holds."""

    effective_on = DayField(_l("Effective from"), validators=[Needed()])

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(prefix="activation-", **kwargs)


class CancelForm(FlaskForm):
    """Why nothing comes of it."""

    reason = LineField(_l("Reason"), validators=[Needed(), AtMost(200)])

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(prefix="cancel-", **kwargs)


def account_words(account: BillingAccount) -> str:
    """A billing account as it is chosen from a list; that its prices hold the tax is said."""
    words = f"{account.name} ({account.number})"
    return f"{words} · {state_label(account.price_mode)}" if account.holds_tax else words


def plan_words(version: RatePlanVersion) -> str:
    """A version of a plan as it is chosen from a list."""
    plan = version.rate_plan
    return _(
        "%(model)s · %(plan)s: %(fee)s a month without tax, at least %(months)s months",
        model=plan.equipment_model.code,
        plan=plan.code,
        fee=yen(version.monthly_fee),
        months=version.minimum_months,
    )
