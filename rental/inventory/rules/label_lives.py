"""A label code opens its thing until it is revoked."""

from enum import StrEnum

from rental.core.states import States


class LabelCodeState(StrEnum):
    """Whether a code on a label still means something."""

    ACTIVE = "active"
    REVOKED = "revoked"


LABEL_CODE_STATES = States({LabelCodeState.ACTIVE: {LabelCodeState.REVOKED}, LabelCodeState.REVOKED: set()})
