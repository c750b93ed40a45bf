"""Who can search for a plan."""

from enum import StrEnum


class Engine(StrEnum):
    """Who searches."""

    AUTO = "auto"  # the compiled search, and without it the optimiser
    KERNEL = "kernel"  # the compiled search
    ORTOOLS = "ortools"  # the optimiser's model of the whole problem, and simple attempts in between
    PYVRP = "pyvrp"  # another program, where it is installed and can say all that a problem says
