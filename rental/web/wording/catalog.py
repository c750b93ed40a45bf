"""Words of the catalog package."""

from collections.abc import Callable
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from rental.catalog.rules import (
    AnchorKind,
    Cost,
    OfferState,
    Proration,
    StartPolicy,
    StopPolicy,
    StubPolicy,
    TaxClass,
    Timing,
)
from rental.web.formats import day

REFUSALS: dict[str, Callable[[dict[str, Any]], str]] = {
    "catalog.bad_code": lambda params: _(
        "Write letters A-Z, digits and single hyphens between them, at most %(longest)s characters: CM-200.",
        **params,
    ),
    "catalog.code_taken": lambda params: _(
        "%(value)s is taken already. Choose another code; codes are never given twice.", **params
    ),
    "catalog.trial_without_days": lambda _params: _(
        "Write the days of the trial when rent starts after one, and 0 when it does not."
    ),
    "catalog.version_not_later": lambda params: _(
        "There is a version from %(day)s already. A new one begins after it, so that what was offered stays.",
        day=day(params["latest"]),
    ),
}

ENTITIES = {
    "skill": _l("Skill"),
    "equipment_model": _l("Model"),
    "equipment_model_skill": _l("Skill of a model"),
    "rate_plan": _l("Rate plan"),
    "rate_plan_version": _l("Version of a rate plan"),
}

ATTRIBUTES = {
    "code": _l("Code"),
    "maker": _l("Maker"),
    "category": _l("Category"),
    "install_minutes": _l("Minutes to install"),
    "repair_minutes": _l("Minutes to repair"),
    "purchase_price": _l("Purchase price"),
    "litres": _l("Litres"),
    "weight_grams": _l("Weight in grams"),
    "photo_id": _l("Photo"),
    "skill_id": _l("Skill"),
    "equipment_model_id": _l("Model"),
    "rate_plan_id": _l("Rate plan"),
    "valid_from": _l("Valid from"),
    "monthly_fee": _l("Monthly fee"),
    "tax_class": _l("Tax"),
    "start_policy": _l("Rent starts"),
    "stop_policy": _l("Rent stops"),
    "trial_days": _l("Days of trial"),
    "minimum_months": _l("Minimum months"),
}

STATES = {
    OfferState: {
        OfferState.OFFERED: _l("Offered"),
        OfferState.WITHDRAWN: _l("Withdrawn"),
    },
    TaxClass: {
        TaxClass.STANDARD: _l("Standard rate"),
        TaxClass.REDUCED: _l("Reduced rate"),
        TaxClass.EXEMPT: _l("Exempt"),
        TaxClass.OUT_OF_SCOPE: _l("Out of scope"),
    },
    StartPolicy: {
        StartPolicy.CONTRACT_START: _l("With the contract"),
        StartPolicy.INSTALLATION: _l("With the installation"),
        StartPolicy.NEXT_MONTH: _l("On the first of the month after the installation"),
        StartPolicy.AFTER_TRIAL: _l("After a trial"),
    },
    StopPolicy: {
        StopPolicy.CONTRACT_END: _l("With the contract"),
        StopPolicy.RETRIEVAL: _l("When the unit is fetched"),
        StopPolicy.AGREED_END: _l("On an agreed day"),
        StopPolicy.MONTH_END: _l("At the end of that month"),
    },
    Timing: {Timing.ADVANCE: _l("Before the period"), Timing.ARREARS: _l("After the period")},
    StubPolicy: {
        StubPolicy.SHORT: _l("Billed alone"),
        StubPolicy.MERGE_NEXT: _l("Billed with the next period"),
        StubPolicy.FREE: _l("Free of charge"),
    },
    Proration: {
        Proration.ACTUAL: _l("By the days of the period"),
        Proration.FIXED30: _l("By thirtieths"),
        Proration.FULL: _l("The whole period"),
        Proration.FREE: _l("Free of charge"),
    },
    AnchorKind: {
        AnchorKind.ANNIVERSARY: _l("On the day of the month rent began"),
        AnchorKind.CALENDAR: _l("On the first of the month"),
        AnchorKind.CLOSING: _l("After the closing day"),
        AnchorKind.FIXED_DAY: _l("On a day of the month"),
    },
    Cost: {
        Cost.INITIAL: _l("Initial cost"),
        Cost.DELIVERY: _l("Transport"),
        Cost.INSTALLATION: _l("Installation"),
        Cost.REMOVAL: _l("Removal"),
        Cost.RELOCATION: _l("Relocation"),
        Cost.EARLY_TERMINATION: _l("Fee for leaving early"),
    },
}

CHIPS = {
    OfferState: {OfferState.OFFERED: "done", OfferState.WITHDRAWN: "stop"},
}
