"""Words of the dispatch package."""

from collections.abc import Callable
from datetime import date
from enum import StrEnum
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from rental.dispatch.rules import Absence, CureKind, LeftOutReason, PlanFailure, PlanState
from rental.web.formats import day

REFUSALS: dict[str, Callable[[dict[str, Any]], str]] = {
    "dispatch.public_holiday": lambda params: _(
        "%(day)s is a public holiday: everybody is off. Tick the box to plan it all the same, or choose"
        " another day.",
        day=day(date.fromisoformat(params["planned_on"]), weekday=True),
    ),
    "dispatch.bad_shift": lambda _params: _("Write hours such as 8:30-17:30, the end after the beginning."),
    "dispatch.bad_break": lambda _params: _(
        "The break must begin inside every shift and be over before it ends. Change its length or its times."
    ),
    "dispatch.bad_level": lambda _params: _("Choose a level from 1 to 3."),
    "dispatch.bad_cost": lambda _params: _(
        "Write what an hour costs in yen, and at most 240 minutes of overtime."
    ),
    "dispatch.base_code_taken": lambda params: _(
        "Another base has the code %(value)s. Choose another code.", **params
    ),
    "dispatch.base_incomplete": lambda _params: _("Write a code and a name."),
    "dispatch.off_already": lambda _params: _("This day is a day off already."),
    "dispatch.bad_patience": lambda _params: _("Choose how long to search: from 1 to 120 seconds."),
    "dispatch.orders_changed": lambda params: _(
        "These work orders changed after the plan was made: %(numbers)s. Nobody was told."
        " Plan the day again.",
        **params,
    ),
    "dispatch.day_changed": lambda _params: _(
        "Work orders, technicians or shifts of the day changed after the plan was made. Plan the day again."
    ),
    "dispatch.cannot_go": lambda params: _(
        "%(names)s cannot be sent out any more. Nobody was told. Plan the day again.", **params
    ),
    "dispatch.does_not_fit": lambda _params: _(
        "The visit cannot be made there: skills, hours or time do not allow it. Choose somebody else or"
        " another place in the route."
    ),
}

ENTITIES = {
    "operating_base": _l("Base"),
    "technician": _l("Technician"),
    "technician_skill": _l("Skill of a technician"),
    "shift": _l("Shift"),
    "day_off": _l("Day off"),
    "route_plan": _l("Route plan"),
    "plan_route": _l("Route"),
    "plan_stop": _l("Stop of a route"),
    "plan_stop_order": _l("Work order of a stop"),
    "plan_left_out": _l("Work order left out"),
}

ATTRIBUTES = {
    "base_id": _l("Base"),
    "hourly_cost": _l("Cost of an hour"),
    "max_overtime": _l("Most overtime in minutes"),
    "is_active": _l("Is planned for"),
    "level": _l("Level"),
    "starts": _l("Starts"),
    "ends": _l("Ends"),
    "break_minutes": _l("Minutes of the break"),
    "break_from": _l("Break not before"),
    "break_until": _l("Break begins until"),
    "off_on": _l("Day off"),
    "not_before": _l("Not before"),
    "requested_by_id": _l("Asked for by (account)"),
    "requested_by": _l("Asked for by"),
    "requested_at": _l("Asked for at"),
    "published_at": _l("Sent out at"),
    "published_by": _l("Sent out by"),
    "seconds_allowed": _l("Seconds to search"),
    "inputs_hash": _l("Fingerprint of what it was made from"),
    "travel_source": _l("Travel times by"),
    "cost": _l("Cost"),
    "cost_parts": _l("Parts of the cost"),
    "fault_count": _l("Faults found by the check"),
    "failure": _l("Why there is no plan"),
    "failure_detail": _l("Detail"),
    "route_plan_id": _l("Route plan"),
    "absence": _l("Why absent"),
    "shift_starts": _l("Shift starts"),
    "shift_ends": _l("Shift ends"),
    "leaves": _l("Leaves at"),
    "returns": _l("Is back at"),
    "break_starts": _l("Break starts"),
    "break_ends": _l("Break ends"),
    "home_minutes": _l("Minutes home"),
    "home_metres": _l("Metres home"),
    "is_fixed": _l("Given before"),
    "arrives": _l("Arrives"),
    "waits": _l("Waits"),
    "travel_minutes": _l("Minutes of travel"),
    "travel_metres": _l("Metres of travel"),
    "travel_is_estimated": _l("Travel is estimated"),
    "home_is_estimated": _l("The way home is estimated"),
    "plan_stop_id": _l("Stop of a route"),
    "cure": _l("What would help"),
    "cure_yen": _l("What that costs"),
    "cure_technician_id": _l("Who would go then"),
    "cure_starts": _l("When that would begin"),
    "cure_minutes": _l("Minutes of overtime then"),
}

STATES: dict[type[StrEnum], dict[Any, Any]] = {
    PlanState: {
        PlanState.REQUESTED: _l("Waiting for a worker"),
        PlanState.RUNNING: _l("Being worked out"),
        PlanState.DRAFT: _l("Draft"),
        PlanState.PUBLISHED: _l("Sent out"),
        PlanState.SUPERSEDED: _l("Superseded"),
        PlanState.FAILED: _l("No plan"),
    },
    PlanFailure: {
        PlanFailure.NOBODY_AT_WORK: _l("Nobody is at work on this day"),
        PlanFailure.BAD_FACTS: _l("Something about the day cannot be planned with"),
        PlanFailure.CHECK_FAILED: _l("The plan that was found broke a promise and was not kept"),
    },
    Absence: {
        Absence.NOT_SET_UP: _l("Not set up for planning"),
        Absence.DAY_OFF: _l("Day off"),
        Absence.NO_SHIFT: _l("No shift on this weekday"),
        Absence.SHIFT_OVER: _l("The shift is over"),
    },
    LeftOutReason: {
        LeftOutReason.NO_POSITION: _l("The site is not on the map yet"),
        LeftOutReason.CLOSED: _l("The site is closed on this weekday"),
        LeftOutReason.NO_SKILL: _l("Nobody at work has the skills"),
        LeftOutReason.PINNED: _l("The technician it was given to is away"),
        LeftOutReason.FORBIDDEN: _l("Those with the skills may not go there"),
        LeftOutReason.UNREACHABLE: _l("No way leads there and back"),
        LeftOutReason.TOO_LONG: _l("Journey and work are longer than a day"),
        LeftOutReason.WINDOW: _l("Nobody can be there while the site is open"),
        LeftOutReason.NO_TIME: _l("Everybody who could go is full"),
        LeftOutReason.NOT_WORTH: _l("The journey costs more than waiting a day"),
    },
    CureKind: {
        CureKind.OVERTIME: _l("Overtime"),
        CureKind.OTHER_TIME: _l("Another time"),
        CureKind.OTHER_PERSON: _l("Another technician"),
        CureKind.HIGHER_VALUE: _l("A higher value"),
    },
}

CHIPS: dict[type[StrEnum], dict[Any, str]] = {
    PlanState: {
        PlanState.REQUESTED: "move",
        PlanState.RUNNING: "move",
        PlanState.DRAFT: "plan",
        PlanState.PUBLISHED: "done",
        PlanState.SUPERSEDED: "hold",
        PlanState.FAILED: "stop",
    },
    PlanFailure: dict.fromkeys(PlanFailure, "stop"),
    Absence: dict.fromkeys(Absence, "hold"),
    LeftOutReason: dict.fromkeys(LeftOutReason, "risk"),
    CureKind: dict.fromkeys(CureKind, "plan"),
}

REASONS = {"planned on a public holiday": _l("Planned although it is a public holiday")}

CHECKS = {
    "W7": (
        _l(
            "Does every route plan still say what was checked, and has each stop that was sent out its visit?"
        ),
        _l("Somebody changed the plan behind the product's back: plan the day again."),
    ),
}

JOBS = {"dispatch.store_requested_plan": _l("Work out the routes of a day")}

# What has to be done before the order can be planned, where no cure was worked out.
CURES = {
    LeftOutReason.NO_POSITION: _l("Look up its position on the page of the site."),
    LeftOutReason.CLOSED: _l("Plan it for a day on which the site is open, or correct its opening hours."),
    LeftOutReason.NO_SKILL: _l("Enter the skill for a technician who has it, or plan another day."),
    LeftOutReason.PINNED: _l("Call the visit off, so that somebody else can go."),
    LeftOutReason.FORBIDDEN: _l("Send somebody else."),
    LeftOutReason.UNREACHABLE: _l("Check the position of the site."),
    LeftOutReason.TOO_LONG: _l("Send somebody who starts nearer, or split the work order."),
    LeftOutReason.WINDOW: _l("Agree on another time with the customer."),
    LeftOutReason.NO_TIME: _l("Plan it for another day."),
    LeftOutReason.NOT_WORTH: _l("It weighs more with every day it waits. Plan it by hand if it cannot wait."),
}

# What was worked out, with its price: what the plan would cost more.
CURE_SENTENCES: dict[CureKind, Callable[[dict[str, Any]], str]] = {
    CureKind.OVERTIME: lambda params: _(
        "%(minutes)s more minutes of overtime for %(name)s, who would begin at %(time)s: %(yen)s.", **params
    ),
    CureKind.OTHER_TIME: lambda params: _(
        "%(name)s could come at %(time)s, if the site agrees: %(yen)s.", **params
    ),
    CureKind.OTHER_PERSON: lambda params: _("%(name)s could go at %(time)s: %(yen)s.", **params),
    CureKind.HIGHER_VALUE: lambda params: _(
        "%(name)s could go at %(time)s, for %(yen)s more than waiting a day costs.", **params
    ),
}

# What reckons travel times, by the first word of a plan's travel source; the version follows it.
TRAVEL_SOURCES = {
    "straight-line": _l("Straight lines with a detour"),
    "osrm": _l("Roads, by OSRM"),
    "valhalla": _l("Roads, by Valhalla"),
}

COST_PARTS = {
    "driving": _l("Driving"),
    "distance": _l("Distance"),
    "work": _l("Work on site"),
    "overtime": _l("Overtime"),
    "lateness": _l("Lateness"),
    "days": _l("Vans on the road"),
    "left_out": _l("Left out"),
    "duty": _l("Paid hours on duty"),
    "fairness": _l("Uneven work"),
    "changes": _l("Changes to what was planned"),
}
