"""Words of the customers package."""

from collections.abc import Callable
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from rental.core.money import Rounding
from rental.customers.models import BillingAccount
from rental.customers.rules import Consolidation, CustomerKind, HolidayRule, PositionSource, SiteState

REFUSALS: dict[str, Callable[[dict[str, Any]], str]] = {
    "customers.missing": lambda _params: _("Please fill this in."),
    "customers.too_long": lambda params: _("Too long: at most %(maximum)s characters.", **params),
    "customers.not_a_registration_number": lambda _params: _(
        "Write the letter T and 13 digits, such as T7123456789012; or leave it empty."
    ),
    "customers.wrong_check_digit": lambda _params: _(
        "One of the digits is mistyped: the check digit does not fit. Compare it with the customer's invoice."
    ),
    "customers.not_a_phone_number": lambda _params: _(
        "Write a telephone number such as 03-1234-5678 or +81-3-1234-5678."
    ),
    "customers.not_a_postal_code": lambda _params: _("Write seven digits such as 160-0023."),
    "customers.not_a_payment_term": lambda params: _(
        "Choose a number from %(minimum)s to %(maximum)s.", **params
    ),
    "customers.not_hours": lambda _params: _(
        "Write times such as 9:00-18:00, or 7:30-10:30, 14:30-17:00; leave it empty when closed."
    ),
    "customers.closes_before_opening": lambda _params: _(
        "The end is not after the beginning. Past midnight, write 24:00 and go on with the next day."
    ),
    "customers.windows_overlap": lambda _params: _("Two of these times overlap. Write them as one."),
    "customers.not_a_position": lambda _params: _(
        "Write latitude and longitude as a map shows them, such as 35.6896, 139.7006."
    ),
    "customers.not_in_japan": lambda _params: _(
        "This point is not in Japan. Write the latitude first, then the longitude: 35.6896, 139.7006."
    ),
    "customers.unknown_place": lambda _params: _(
        "Nobody knows where this address is. Enter the coordinates by hand, as a map shows them."
    ),
    "customers.ambiguous_place": lambda params: _(
        "This may be any of several places: %(candidates)s. Add the prefecture to the address.", **params
    ),
    "customers.service_silent": lambda _params: _(
        "The map service did not answer. Try again later, or enter the coordinates by hand."
    ),
}

ENTITIES = {
    "customer": _l("Customer"),
    "contact": _l("Contact"),
    "billing_account": _l("Billing account"),
    "site": _l("Site"),
    "site_hours": _l("Opening hours"),
}

ATTRIBUTES = {
    "name_kana": _l("Reading"),
    "registration_number": _l("Registration number"),
    "department": _l("Department"),
    "title": _l("Title"),
    "phone": _l("Telephone"),
    "is_primary": _l("Asked first"),
    "postal_code": _l("Postal code"),
    "closing_day": _l("Closing day"),
    "term_months": _l("Months until payment"),
    "pay_day": _l("Payment day"),
    "holiday_rule": _l("On a bank holiday"),
    "tax_rounding": _l("Rounding of tax"),
    "charge_rounding": _l("Rounding of charges"),
    "consolidation": _l("One invoice for"),
    "prefecture": _l("Prefecture"),
    "city": _l("City"),
    "street": _l("Street and number"),
    "building": _l("Building"),
    "latitude": _l("Latitude"),
    "longitude": _l("Longitude"),
    "position_source": _l("Position known from"),
    "position_precision_m": _l("Precision in metres"),
    "access_note": _l("Way in"),
    "entrance_code": _l("Entrance code"),
    "weekday": _l("Weekday"),
    "opens": _l("Opens"),
    "closes": _l("Closes"),
}

STATES = {
    CustomerKind: {
        CustomerKind.CORPORATION: _l("Corporation"),
        CustomerKind.SOLE_PROPRIETOR: _l("Sole proprietor"),
    },
    HolidayRule: {
        HolidayRule.PREVIOUS: _l("The bank day before"),
        HolidayRule.NEXT: _l("The next bank day"),
        HolidayRule.NONE: _l("The same day"),
    },
    Rounding: {
        Rounding.DOWN: _l("Down"),
        Rounding.HALF_UP: _l("To the nearest yen"),
        Rounding.UP: _l("Up"),
    },
    Consolidation: {
        Consolidation.PER_ACCOUNT: _l("The whole account"),
        Consolidation.PER_CONTRACT: _l("Each contract"),
        Consolidation.PER_SITE: _l("Each site"),
    },
    SiteState: {
        SiteState.ACTIVE: _l("In use"),
        SiteState.CLOSED: _l("Closed"),
    },
    PositionSource: {
        PositionSource.ENTERED: _l("Entered by hand"),
        PositionSource.KNOWN_SITE: _l("Another site at this address"),
        PositionSource.MUNICIPALITY: _l("Centre of the municipality"),
        PositionSource.SERVICE: _l("Map service"),
    },
}

CHIPS = {
    SiteState: {SiteState.ACTIVE: "done", SiteState.CLOSED: "stop"},
    PositionSource: {
        PositionSource.ENTERED: "done",
        PositionSource.KNOWN_SITE: "done",
        PositionSource.MUNICIPALITY: "risk",
        PositionSource.SERVICE: "done",
    },
}

WEEKDAYS = (
    _l("Monday"),
    _l("Tuesday"),
    _l("Wednesday"),
    _l("Thursday"),
    _l("Friday"),
    _l("Saturday"),
    _l("Sunday"),
)

_MONTHS_LATER = {0: _l("same month"), 1: _l("next month"), 2: _l("month after next")}


def day_of_month(day: int) -> str:
    """The 31st stands for the last day of any month."""
    return _("end of month") if day == 31 else _("day %(day)s", day=day)


def months_later(count: int) -> str:
    return str(_MONTHS_LATER.get(count) or _("%(count)s months later", count=count))


def payment_terms(account: BillingAccount) -> str:
    """When invoices of this account are closed and paid, in one line."""
    return _(
        "Closing: %(closing)s; payment: %(month)s, %(paying)s",
        closing=day_of_month(account.closing_day),
        month=months_later(account.term_months),
        paying=day_of_month(account.pay_day),
    )


def distance(metres: int) -> str:
    """About how far, in metres or kilometres."""
    if metres < 1000:
        return _("%(metres)s m", metres=metres)
    return _("%(kilometres)s km", kilometres=f"{metres / 1000:.1f}".removesuffix(".0"))
