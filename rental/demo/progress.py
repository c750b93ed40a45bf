"""How far the loading of the demo company is, told on a terminal."""

import time
from collections.abc import Callable

import click

from rental.demo.plan import Happening

# Whoever waits longer wants to know for what.
SILENT_SECONDS = 5.0


def said_month_by_month() -> Callable[[Happening], None]:
    """Tells on the error stream, every few seconds, which month of the story is being loaded."""
    said_at = time.monotonic()

    def say(happening: Happening) -> None:
        nonlocal said_at
        if time.monotonic() - said_at > SILENT_SECONDS:
            said_at = time.monotonic()
            click.echo(f"Loading the demo company: it is {happening.when.day:%B %Y}", err=True)

    return say
